"""What training makes small: functions (predicted, truth, weight) -> (n,) float32, 0 where both pictures are the same.

predicted, truth: (n, h, w, 3) float32 BGR 0..1; weight: (n, h, w, 1) float32 from 0 on, how much a pixel counts (see `look`).
Tensors of Keras' backend. h and w are at least 16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from swapcore import features
from swapcore.models.backend import keras

OUTSIDE = (
    0.1  # weight of what the mask leaves out: enough to learn a whole picture, not enough to spend the model on it
)
SSIM_WINDOW = 7  # pixels; the 11 of the paper are a sixth of a face of 64
SSIM_SIGMA = 1.5  # of the window, pixels
SSIM_FLOOR = (0.01**2, 0.03**2)  # the paper's constants for values of 0..1
SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # weights of the scales of ms_ssim, as in the paper, finest first
LEAST = 1e-4  # of a mean that is raised to a power
BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16
LEVELS = 4  # of the Laplacian pyramid
SHORTEST = 16  # pixels: no scale is smaller


def mae(predicted: Any, truth: Any, weight: Any) -> Any:
    """Mean absolute error."""
    ops = keras().ops
    return ops.mean(ops.abs(predicted - truth) * weight, axis=(1, 2, 3))


def mse(predicted: Any, truth: Any, weight: Any) -> Any:
    """Mean squared error: forgives small errors, and so blurs."""
    ops = keras().ops
    return ops.mean(ops.square(predicted - truth) * weight, axis=(1, 2, 3))


def ssim(predicted: Any, truth: Any, weight: Any) -> Any:
    """One minus the structural similarity (Wang et al. 2004), weighted."""
    light, contrast = similarity(predicted, truth)
    return keras().ops.mean((1 - light * contrast) * within(weight), axis=(1, 2, 3))


def ms_ssim(predicted: Any, truth: Any, weight: Any) -> Any:
    """One minus the structural similarity at several scales (Wang et al. 2003): of as many of the five as the side allows."""
    ops = keras().ops
    scales = [k for k in range(len(SCALES)) if int(predicted.shape[1]) >> k >= SHORTEST]
    powers = np.array([SCALES[k] for k in scales], np.float32)
    total = 1.0
    for scale, power in enumerate(powers / powers.sum()):
        light, contrast = similarity(predicted, truth)
        last = scale == len(powers) - 1
        likeness, counts = (light * contrast if last else contrast), within(weight)
        mean = ops.sum(likeness * counts, axis=(1, 2, 3)) / (3 * ops.sum(counts, axis=(1, 2, 3)) + LEAST)
        total *= ops.maximum(mean, LEAST) ** power
        predicted, truth, weight = (ops.average_pool(p, 2, 2) for p in (predicted, truth, weight))
    return 1 - total


def laplacian(predicted: Any, truth: Any, weight: Any) -> Any:
    """Mean absolute error of the bands of a Laplacian pyramid (Burt and Adelson 1983) and of what is left below them.

    Each level counts as much as another, by its mean: the weights 2^(2k) on sums of Bojanowski et al. (Optimizing the Latent
    Space of Generative Networks, 2018).
    """
    ops = keras().ops
    rest, total = predicted - truth, 0.0
    for level in range(LEVELS):
        if level == LEVELS - 1 or int(rest.shape[1]) < SHORTEST:
            break
        smaller = _across(rest, BINOMIAL, padding="same")[:, ::2, ::2]
        band = rest - _doubled(smaller)[:, : rest.shape[1], : rest.shape[2]]
        total += ops.mean(ops.abs(band) * weight, axis=(1, 2, 3))
        rest, weight = smaller, ops.average_pool(weight, 2, 2, padding="same")
    return total + ops.mean(ops.abs(rest) * weight, axis=(1, 2, 3))


def gradient(predicted: Any, truth: Any, weight: Any) -> Any:
    """Mean absolute error of the differences between neighbours, across and down: edges, whatever the colour."""
    ops = keras().ops
    off = predicted - truth
    across = ops.abs(off[:, :, 1:] - off[:, :, :-1]) * weight[:, :, 1:]
    down = ops.abs(off[:, 1:] - off[:, :-1]) * weight[:, 1:]
    return ops.mean(across, axis=(1, 2, 3)) + ops.mean(down, axis=(1, 2, 3))


def focal_frequency(predicted: Any, truth: Any, weight: Any) -> Any:
    """Focal frequency loss (Jiang et al. 2021): squared error of the spectrum, the worst frequencies counting most.

    Of the pictures under their weight; both transforms keep energy, so it is of the size of `mse`.
    """
    ops = keras().ops
    off = ops.transpose((predicted - truth) * ops.sqrt(weight + 1e-12), (0, 3, 1, 2))
    real, imaginary = ops.fft2((off, ops.zeros_like(off)))
    power = (ops.square(real) + ops.square(imaginary)) / float(off.shape[2] * off.shape[3])
    worst = ops.max(power, axis=(2, 3), keepdims=True)
    focus = ops.stop_gradient(ops.sqrt(power / (worst + 1e-12)))
    return ops.mean(focus * power, axis=(1, 2, 3))


LOSSES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "mae": mae,
    "mse": mse,
    "ssim": ssim,
    "ms_ssim": ms_ssim,
    "laplacian": laplacian,
    "gradient": gradient,
    "focal_frequency": focal_frequency,
    "features": features.difference,
}


def seen(predicted: Any, maps: Any) -> Any:
    """The binary cross-entropy of learnt masks (n, h, w, 1) 0..1, a scalar; maps as of `look`. 0 where both are the same and
    either 0 or 1.
    """
    return keras().ops.mean(keras().losses.binary_crossentropy(maps[..., :1], predicted))


def look(maps: Any, *, weights: Mapping[str, float]) -> Any:
    """How much each pixel counts, (n, h, w, 1): OUTSIDE off the mask and 1 on it, and more by `weights` for eyes and mouth.

    maps: (n, h, w, 3) float32 0..1: mask, eyes, mouth.
    """
    mask, eyes, mouth = (maps[..., k : k + 1] for k in range(3))
    return OUTSIDE + (1 - OUTSIDE) * mask + weights["eyes"] * eyes + weights["mouth"] * mouth


def total(predicted: Any, truth: Any, maps: Any, *, mix: Mapping[str, Any], weights: Mapping[str, float]) -> Any:
    """The mean over the samples of the losses of `mix` (name -> weight), a scalar; maps and weights as of `look`."""
    weight = look(maps, weights=weights)
    return keras().ops.mean(sum(share * LOSSES[name](predicted, truth, weight) for name, share in mix.items()))


def similarity(predicted: Any, truth: Any) -> tuple[Any, Any]:
    """The two factors of the structural similarity, of lightness and of contrast and structure, each (n, h - 6, w - 6, 3)."""
    mean_x, mean_y = blurred(predicted), blurred(truth)
    both, squares = mean_x * mean_y, mean_x * mean_x + mean_y * mean_y
    light, contrast = SSIM_FLOOR
    lightness = (2 * both + light) / (squares + light)
    common = 2 * (blurred(predicted * truth) - both) + contrast
    return lightness, common / (blurred(predicted * predicted + truth * truth) - squares + contrast)


def within(weight: Any) -> Any:
    """The part of a weight (n, h, w, 1) that `similarity` tells of."""
    edge = SSIM_WINDOW // 2
    return weight[:, edge:-edge, edge:-edge]


def blurred(pictures: Any) -> Any:
    """Gaussian means of pictures (n, h, w, c) under the window of SSIM, where it lies within: (n, h - 6, w - 6, c)."""
    weights = np.exp(-0.5 * (np.arange(SSIM_WINDOW) - SSIM_WINDOW // 2) ** 2 / SSIM_SIGMA**2)
    return _across(pictures, (weights / weights.sum()).astype(np.float32), padding="valid")


def _across(pictures: Any, line: np.ndarray, *, padding: str) -> Any:
    """Pictures under a separable window: rows and columns one after the other take two thirds of the square window's time."""
    ops = keras().ops
    kernel = np.tile(line, (pictures.shape[-1], 1)).T[..., None]
    return ops.depthwise_conv(
        ops.depthwise_conv(pictures, kernel[:, None], padding=padding), kernel[None], padding=padding
    )


def _doubled(pictures: Any) -> Any:
    """Pictures (n, h, w, c) of twice the side, whose even pixels are theirs and the others the means of their neighbours."""
    ops = keras().ops
    for axis in (1, 2):
        after, last = (pictures[:, 1:], pictures[:, -1:]) if axis == 1 else (pictures[:, :, 1:], pictures[:, :, -1:])
        following = ops.concatenate([after, last], axis)
        shape = list(pictures.shape)
        shape[0], shape[axis] = -1, 2 * pictures.shape[axis]
        pictures = ops.reshape(ops.stack([pictures, (pictures + following) / 2], axis + 1), shape)
    return pictures
