"""How a swapped face is laid over the frame.

Each function takes `over` and `under`, float32 (h, w) of one plane or (h, w, channels), and alpha float32 (h, w) 0..1, and
returns what stands there afterwards, of the same shape. Where alpha is 0 it is `under` to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def feather(over: np.ndarray, under: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Plain alpha: under + alpha * (over - under), Porter and Duff's `over` (1984).

    In gamma values, as video programs do and as masks are drawn to be judged by: half alpha looks like half way. In linear
    light the brighter side would win, and a soft edge over dark hair would look wider than it was drawn. Luma and chroma are
    sums of gamma values, so mixing them is the same as mixing RGB.
    """
    if over.shape != under.shape or alpha.shape != over.shape[:2]:
        raise ValueError(f"expected pictures and alpha of one size, got {over.shape}, {under.shape}, {alpha.shape}")
    return under + (alpha if over.ndim == 2 else alpha[..., None]) * (over - under)


BLENDS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {"feather": feather}
