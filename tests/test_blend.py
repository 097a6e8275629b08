"""Laying one picture over another."""

from __future__ import annotations

import numpy as np
import pytest

from swapcore import blend


@pytest.fixture
def pictures():
    rng = np.random.default_rng(1)
    return rng.random((20, 30, 3), np.float32), rng.random((20, 30, 3), np.float32)


@pytest.mark.parametrize("name", blend.BLENDS)
class TestTable:
    def test_nothing_where_alpha_is_zero(self, name, pictures):
        over, under = pictures
        alpha = np.zeros((20, 30), np.float32)
        alpha[5:15, 10:20] = 0.7
        out = blend.BLENDS[name](over, under, alpha)
        assert out.dtype == np.float32 and out.shape == under.shape
        np.testing.assert_array_equal(out[alpha == 0], under[alpha == 0])
        assert out.min() >= 0 and out.max() <= 1

    def test_every_grey_level_survives(self, name):
        levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
        under = levels.astype(np.float32) / 255
        out = blend.BLENDS[name](1 - under, under, np.zeros((16, 16), np.float32))
        np.testing.assert_array_equal(np.rint(out * 255).astype(np.uint8), levels)

    def test_refuses_other_sizes(self, name, pictures):
        with pytest.raises(ValueError, match="one size"):
            blend.BLENDS[name](*pictures, np.zeros((5, 5), np.float32))


def test_feather_is_plain_alpha(pictures):
    over, under = pictures
    np.testing.assert_allclose(blend.feather(over, under, np.ones((20, 30), np.float32)), over, atol=1e-6)
    half = blend.feather(over, under, np.full((20, 30), 0.25, np.float32))
    np.testing.assert_allclose(half, 0.25 * over + 0.75 * under, atol=1e-6)
