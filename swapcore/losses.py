"""What training makes small: functions (predicted, truth, mask) -> (n,) float32, 0 where both pictures are the same.

predicted, truth: (n, h, w, 3) float32 BGR 0..1; mask: (n, h, w, 1) float32 0..1, where the face is. All TensorFlow tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from swapcore.models.backend import tensorflow

OUTSIDE = (
    0.1  # weight of what the mask leaves out: enough to learn a whole picture, not enough to spend the model on it
)
SSIM_WINDOW = 7  # pixels; the 11 of the paper are a sixth of a face of 64


def mae(predicted: Any, truth: Any, mask: Any) -> Any:
    """Mean absolute error, 1 inside the mask and OUTSIDE around it."""
    tf = tensorflow()
    return tf.reduce_mean(tf.abs(predicted - truth) * (OUTSIDE + (1 - OUTSIDE) * mask), axis=(1, 2, 3))


def ssim(predicted: Any, truth: Any, mask: Any) -> Any:
    """One minus the structural similarity (Wang et al. 2004) of the masked pictures."""
    tf = tensorflow()
    return 1 - tf.image.ssim(predicted * mask, truth * mask, max_val=1.0, filter_size=SSIM_WINDOW)


LOSSES: dict[str, Callable[[Any, Any, Any], Any]] = {"mae": mae, "ssim": ssim}

# What a step makes small: absolute error for colour, half as much structural similarity for edges.
MIX = {"mae": 1.0, "ssim": 0.5}


def total(predicted: Any, truth: Any, mask: Any) -> Any:
    """The mean over the samples of the losses of MIX by their weights, a scalar."""
    tf = tensorflow()
    return tf.reduce_mean(sum(weight * LOSSES[name](predicted, truth, mask) for name, weight in MIX.items()))
