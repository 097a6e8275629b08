"""Distances between many points at once."""

from __future__ import annotations

import numpy as np


def squares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances of points (k, d) and (n, d) of floats: (k, n) of their dtype, never below 0.

    By (a - b)^2 = a^2 + b^2 - 2ab, one product of matrices: of nearly equal points only about the square root of the dtype's
    precision is left, as a share of their own length.
    """
    return np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T, 0)
