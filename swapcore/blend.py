"""How a swapped face is laid over the frame.

Each function takes over_bgr and under_bgr, float32 (h, w, 3) BGR 0..1, and alpha float32 (h, w) 0..1, and returns what
stands there afterwards, float32 (h, w, 3) 0..1. Where alpha is 0 it is under_bgr to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def feather(over_bgr: np.ndarray, under_bgr: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Plain alpha: under + alpha * (over - under), Porter and Duff's `over` (1984).

    In gamma values, as video programs do and as masks are drawn to be judged by: half alpha looks like half way. In linear
    light the brighter side would win, and a soft edge over dark hair would look wider than it was drawn.
    """
    if over_bgr.shape != under_bgr.shape or alpha.shape != over_bgr.shape[:2]:
        raise ValueError(
            f"expected pictures and alpha of one size, got {over_bgr.shape}, {under_bgr.shape}, {alpha.shape}"
        )
    return under_bgr + alpha[..., None] * (over_bgr - under_bgr)


BLENDS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {"feather": feather}
