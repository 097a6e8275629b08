"""What training makes small: functions (predicted, truth, mask) -> (n,) float32, 0 where both pictures are the same.

predicted, truth: (n, h, w, 3) float32 BGR 0..1; mask: (n, h, w, 1) float32 0..1, where the face is. Tensors of Keras' backend.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from swapcore.models.backend import keras

OUTSIDE = (
    0.1  # weight of what the mask leaves out: enough to learn a whole picture, not enough to spend the model on it
)
SSIM_WINDOW = 7  # pixels; the 11 of the paper are a sixth of a face of 64
SSIM_SIGMA = 1.5  # of the window, pixels
SSIM_FLOOR = (0.01**2, 0.03**2)  # the paper's constants for values of 0..1


def mae(predicted: Any, truth: Any, mask: Any) -> Any:
    """Mean absolute error, 1 inside the mask and OUTSIDE around it."""
    ops = keras().ops
    return ops.mean(ops.abs(predicted - truth) * (OUTSIDE + (1 - OUTSIDE) * mask), axis=(1, 2, 3))


def ssim(predicted: Any, truth: Any, mask: Any) -> Any:
    """One minus the structural similarity (Wang et al. 2004) of the masked pictures."""
    x, y = predicted * mask, truth * mask
    mean_x, mean_y = blurred(x), blurred(y)
    both, squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
    light, contrast = SSIM_FLOOR
    likeness = (2 * both + light) / (squares + light)
    likeness *= (2 * (blurred(x * y) - both) + contrast) / (blurred(x * x + y * y) - squares + contrast)
    return 1 - keras().ops.mean(likeness, axis=(1, 2, 3))


def blurred(pictures: Any) -> Any:
    """Gaussian means of pictures (n, h, w, c) under the window of SSIM, where it lies within: (n, h - 6, w - 6, c).

    Rows and columns one after the other: two thirds of the time of the square window.
    """
    ops = keras().ops
    weights = np.exp(-0.5 * (np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2) ** 2 / SSIM_SIGMA**2)
    line = np.tile(weights / weights.sum(), (pictures.shape[-1], 1)).T.astype(np.float32)[..., None]
    rows = ops.depthwise_conv(pictures, line[:, None], padding="valid")
    return ops.depthwise_conv(rows, line[None], padding="valid")


LOSSES: dict[str, Callable[[Any, Any, Any], Any]] = {"mae": mae, "ssim": ssim}

# What a step makes small: absolute error for colour, half as much structural similarity for edges.
MIX = {"mae": 1.0, "ssim": 0.5}


def total(predicted: Any, truth: Any, mask: Any) -> Any:
    """The mean over the samples of the losses of MIX by their weights, a scalar."""
    return keras().ops.mean(sum(weight * LOSSES[name](predicted, truth, mask) for name, weight in MIX.items()))
