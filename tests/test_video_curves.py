"""HDR's values as those of a screen, and back."""

from __future__ import annotations

import numpy as np
import pytest

from swapcore.video import CURVES


@pytest.mark.parametrize("transfer", CURVES)
def test_a_curve_can_be_undone(transfer):
    curve = CURVES[transfer]
    code = np.linspace(0, 0.73, 500, dtype=np.float32)  # to 840 cd/m2
    shown = curve.to_screen(code)
    assert shown.dtype == np.float32 and (np.diff(shown) > 0).all() and 0 <= shown.min() <= shown.max() <= 1
    np.testing.assert_allclose(curve.from_screen(shown), code, atol=2e-4)
    assert np.isfinite(curve.from_screen(np.float32([-1, 0, 1, 2]))).all()
    assert curve.from_screen(np.float32([1])).item() < 0.75, "white is no flash of light"
    table = curve.table()
    assert table.shape == (256,) and table.dtype == np.uint8 and (np.diff(table.astype(int)) >= 0).all()


def test_pq_is_that_of_the_standard():
    """Code values of SMPTE ST 2084 for 100, 203 and 1,000 cd/m2, which BT.2408 gives as 51, 58 and 75 per cent."""
    curve = CURVES[16]
    assert curve.white == pytest.approx(0.58, abs=0.005)
    light = (curve.to_screen(np.float32([0.5081])) / 1).item()
    assert light == pytest.approx(1.055 * (100 / 203) ** (1 / 2.4) - 0.055, abs=0.002), "under the knee light stays"
    assert 0.95 < curve.to_screen(np.float32([0.7518])).item() < 1
