from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swapcore.distances import squares


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.integers(0, 9), st.integers(1, 40))
def test_every_pair_has_its_squared_distance(seed, k, n, dimensions):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0, 3, (k, dimensions)), rng.normal(1, 3, (n, dimensions))
    np.testing.assert_allclose(squares(a, b), ((a[:, None] - b) ** 2).sum(-1), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays_and_the_same_point_is_never_less_than_nowhere_away(dtype):
    points = np.random.default_rng(1).normal(0, 100, (50, 128)).astype(dtype)
    found = squares(points, points)
    assert found.dtype == dtype and found.min() >= 0
    assert np.diag(found).max() < 1e-5 * (points**2).sum(1).max()
