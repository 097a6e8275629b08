"""A face as the early layers of dlib's face recognition network see it: edges, lids, lips, the grain of skin.

These layers know nothing of who somebody is. They serve to compare a face with its own reconstruction, as a loss; on a swapped
face the whole network would be a judge that training learns to fool (docs/experiments.md).
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

from swapcore.models.backend import keras
from swapcore.nets import identity_layers, model_path

BLOCKS = 1  # residual blocks behind the first convolution: two convolutions each, of 32 channels
FLOOR = 1e-3  # of a layer's mean answer, by which differences are divided


class Convolution(NamedTuple):
    """A convolution with the affine layer behind it laid in."""

    kernel: np.ndarray  # (rows, columns, in, out) float32
    bias: np.ndarray  # (out,) float32
    stride: int
    padding: str  # as Keras names it


def difference(predicted: Any, truth: Any, weight: Any) -> Any:
    """How differently the layers answer to two pictures, (n,) float32, as a share of what they answer to the truth.

    Arguments as of the losses: pictures (n, h, w, 3) float32 BGR 0..1, weight (n, h, w, 1). The mean absolute difference after
    the first convolution and after the residual blocks (like Johnson et al. 2016, who take VGG's and squares), each weighted by
    the mean weight of what a place sees, summed. The layers look far (27 pixels), so what is wrong where the weight is below
    1 is scaled down before they do.
    """
    ops = keras().ops
    predicted = truth + (predicted - truth) * ops.minimum(weight, 1.0)
    total = 0.0
    for ours, theirs, counts in zip(layers(predicted), layers(truth), seen(weight), strict=True):
        size = ops.stop_gradient(ops.mean(theirs, axis=(1, 2, 3))) + FLOOR
        total += ops.mean(ops.abs(ours - theirs) * counts, axis=(1, 2, 3)) / size
    return total


def layers(pictures: Any) -> list[Any]:
    """The answers to pictures (n, h, w, 3) float32 BGR 0..1: (n, h', w', 32) float32 from 0 on, at a half and a quarter."""
    ops = keras().ops
    mean_bgr, first, rest = network()
    x = ops.relu(_convolved((255 * pictures - mean_bgr) / 256, first))
    found = [x]
    x = ops.max_pool(x, 3, 2, padding="valid")
    for before, after in zip(rest[::2], rest[1::2], strict=True):
        x = ops.relu(x + _convolved(ops.relu(_convolved(x, before)), after))
    return [*found, x]


def seen(weight: Any) -> list[Any]:
    """The mean weight (n, h', w', 1) of what each place of `layers` sees, the blocks' reach left out."""
    ops = keras().ops
    half = ops.average_pool(weight, 7, 2, padding="valid")
    return [half, ops.average_pool(half, 3, 2, padding="valid")]


@functools.cache
def network() -> tuple[np.ndarray, Convolution, tuple[Convolution, ...]]:
    """The mean that is taken off (3,) BGR, 0..255, the first convolution, and those of the blocks, from dlib's file.

    Raises SwapError where it is missing or damaged.
    """
    rest = iter(identity_layers(model_path("identity").read_bytes()))
    mean = next(rest).numbers["mean_rgb"]
    first = _folded(rest)
    first = first._replace(kernel=first.kernel[:, :, ::-1])  # dlib's pictures are RGB
    return np.array(mean[::-1], np.float32), first, tuple(_folded(rest) for _ in range(2 * BLOCKS))


def _folded(rest: Any) -> Convolution:
    """The next convolution of some layers, with the affine layer that follows."""
    layer = next(layer for layer in rest if layer.kind == "con")
    affine = next(rest)
    kernel = (layer.weights * affine.weights[:, None, None, None]).transpose(2, 3, 1, 0)
    stride = int(layer.numbers["stride"][0])
    bias = layer.bias * affine.weights + affine.bias
    return Convolution(np.ascontiguousarray(kernel), bias, stride, "same" if layer.numbers["padding"][0] else "valid")


def _convolved(x: Any, by: Convolution) -> Any:
    return keras().ops.conv(x, by.kernel, strides=by.stride, padding=by.padding) + by.bias
