"""How a swapped face takes on the colours of the face it replaces.

Each function takes swapped_bgr and target_bgr, float32 (h, w, 3) BGR 0..1 in sRGB's own (gamma) values, and a mask float32
(h, w) 0..1 that says which pixels count; it returns swapped_bgr recoloured, same shape, dtype and range.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

LEAST_SPREAD = 1e-3  # in Lab's units (L* 0..100): a channel flatter than this has no contrast to scale
# A face that is hardly trained is soft, so its spread is small: stretched to the target's, its eyes became black holes.
MOST_STRETCH = 1.5
LEAST_VARIANCE = 1e-4  # the same in squares, added to every direction
QUANTILES = np.linspace(0.01, 0.99, 33)  # few enough that a curve through them is smooth
STEEPEST = 3.0  # of a curve between two quantiles: noise in a small part of a face is not blown up
SLICES = 8  # sets of three axes: more change colours by less than is seen


def reinhard(swapped_bgr: np.ndarray, target_bgr: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give the swapped face the target's mean and standard deviation under the mask, channel by channel in CIE L*a*b*.

    Reinhard, Ashikhmin, Gooch and Shirley, Color Transfer between Images, 2001, with CIE L*a*b* in place of their
    l-alpha-beta. The statistics are weighted by the mask and the whole picture is recoloured by them. An empty mask says
    nothing, so the face stays as it is; so does the spread of a channel that is flat. No spread grows by more than
    MOST_STRETCH.
    """
    _check(swapped_bgr, target_bgr, mask)
    if mask.sum() <= 0:
        return swapped_bgr
    swapped, target = _to_lab(swapped_bgr), _to_lab(target_bgr)
    mean, spread = _statistics(swapped, mask)
    wanted_mean, wanted_spread = _statistics(target, mask)
    scale = np.where(spread > LEAST_SPREAD, wanted_spread / np.maximum(spread, LEAST_SPREAD), 1)
    moved = (swapped - mean) * np.minimum(scale, MOST_STRETCH) + wanted_mean
    return _from_lab(moved.astype(np.float32))


def none(swapped_bgr: np.ndarray, target_bgr: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Leave the swapped face as the model made it."""
    _check(swapped_bgr, target_bgr, mask)
    return swapped_bgr


def mkl(swapped_bgr: np.ndarray, target_bgr: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give the swapped face the target's mean and covariance under the mask in CIE L*a*b*: also how colours go together.

    The linear map that moves colours least, Monge's and Kantorovich's (Pitié and Kokaram, The linear Monge-Kantorovitch linear
    colour mapping, 2007). Bounds and empty masks as in `reinhard`.
    """
    _check(swapped_bgr, target_bgr, mask)
    if mask.sum() <= 0:
        return swapped_bgr
    swapped, target = _to_lab(swapped_bgr), _to_lab(target_bgr)
    (mean, have), (wanted_mean, want) = (_covariance(lab, mask) for lab in (swapped, target))
    root = _power(have, 0.5)
    back = _power(have, -0.5)
    change = back @ _power(root @ want @ root, 0.5) @ back
    stretch, axes = np.linalg.eigh(change)
    change = axes * np.clip(stretch, 0, MOST_STRETCH) @ axes.T
    return _from_lab(((swapped - mean) @ change + wanted_mean).astype(np.float32))


def histogram(swapped_bgr: np.ndarray, target_bgr: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give each channel of CIE L*a*b* the target's distribution under the mask, by quantiles (Gonzalez and Woods).

    No channel is stretched by more than MOST_STRETCH as a whole, and its middle goes where the target's is. An empty mask changes
    nothing.
    """
    _check(swapped_bgr, target_bgr, mask)
    if mask.sum() <= 0:
        return swapped_bgr
    swapped, target = _to_lab(swapped_bgr), _to_lab(target_bgr)
    return _from_lab(_matched(swapped, target, mask, np.eye(3), swapped).astype(np.float32))


def sliced_ot(swapped_bgr: np.ndarray, target_bgr: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Give the swapped face the target's whole distribution of colours under the mask, as a cloud in CIE L*a*b*.

    Optimal transport one direction at a time: along many axes in turn quantiles are matched as in `histogram` (Pitié, Kokaram and
    Dahyot, N-dimensional probability density function transfer, 2005; Bonneel et al., Sliced Wasserstein, 2015). The axes
    are always the same.
    """
    _check(swapped_bgr, target_bgr, mask)
    if mask.sum() <= 0:
        return swapped_bgr
    own, target = _to_lab(swapped_bgr), _to_lab(target_bgr)
    swapped, turned = own, np.random.default_rng(1)
    for _ in range(SLICES):
        axes, _ = np.linalg.qr(turned.standard_normal((3, 3)))
        swapped = _matched(swapped, target, mask, axes, own)
    return _from_lab(swapped.astype(np.float32))


COLOURS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "reinhard": reinhard,
    "mkl": mkl,
    "histogram": histogram,
    "sliced_ot": sliced_ot,
    "none": none,
}


def _check(swapped_bgr: np.ndarray, target_bgr: np.ndarray, mask: np.ndarray) -> None:
    shape = (*np.shape(mask), 3)
    for what, image in (("swapped_bgr", swapped_bgr), ("target_bgr", target_bgr)):
        if image.shape != shape or image.dtype != np.float32:
            raise ValueError(f"{what}: expected float32 {shape} like the mask, got {image.dtype} {image.shape}")


# OpenCV's own conversion of gamma values interpolates in a table and comes back up to 0.0036 off, nearly a grey level; its
# conversion of linear light is exact to 2e-6. So the transfer curve of sRGB (IEC 61966-2-1) is applied here.


def _to_lab(image_bgr: np.ndarray) -> np.ndarray:
    linear = np.where(image_bgr <= 0.04045, image_bgr / 12.92, ((image_bgr + 0.055) / 1.055) ** 2.4)
    return cv2.cvtColor(linear.astype(np.float32), cv2.COLOR_LBGR2Lab)


def _from_lab(image_lab: np.ndarray) -> np.ndarray:
    linear = np.clip(cv2.cvtColor(image_lab, cv2.COLOR_Lab2LBGR), 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)


def _statistics(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (3,) under the mask, in float64 so that many pixels add up exactly."""
    weight = (mask / mask.sum(dtype=np.float64))[..., None]
    mean = (image * weight).sum((0, 1))
    return mean, np.sqrt((np.square(image - mean) * weight).sum((0, 1)))


def _covariance(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (3,) and covariance (3, 3) under the mask, float64, never flat."""
    mean, _ = _statistics(image, mask)
    away, weight = (image - mean).reshape(-1, 3), (mask / mask.sum(dtype=np.float64)).reshape(-1, 1)
    return mean, (away * weight).T @ away + LEAST_VARIANCE * np.eye(3)


def _power(matrix: np.ndarray, power: float) -> np.ndarray:
    """A power of a symmetric, positive matrix."""
    values, axes = np.linalg.eigh(matrix)
    return axes * np.maximum(values, LEAST_VARIANCE / 10) ** power @ axes.T


def _matched(image: np.ndarray, like: np.ndarray, mask: np.ndarray, axes: np.ndarray, own: np.ndarray) -> np.ndarray:
    """An image (h, w, 3) whose quantiles under the mask, along each of three axes (3, 3), are brought to those of another.

    They are drawn together where they reach MOST_STRETCH times as far as those of the image's `own` colours.
    """
    here, there, first, inside = image @ axes, like @ axes, own @ axes, mask > 0
    weights = mask[inside]
    for k in range(3):
        have, want, had = (_quantiles(values[..., k][inside], weights) for values in (here, there, first))
        middle = len(want) // 2
        reach = MOST_STRETCH * max(np.ptp(had), LEAST_SPREAD) / max(np.ptp(want), LEAST_SPREAD)
        want = want[middle] + min(reach, 1.0) * (want - want[middle])
        step = np.diff(have)
        slope = np.divide(np.diff(want), step, out=np.ones_like(step), where=step > LEAST_SPREAD)
        curve = np.concatenate([[0], np.cumsum(np.minimum(slope, STEEPEST) * step)])
        curve += want[middle] - curve[middle]
        values = here[..., k]
        beyond = np.minimum(values - have[0], 0) + np.maximum(values - have[-1], 0)
        here[..., k] = np.interp(values, have, curve) + beyond
    return here @ axes.T


def _quantiles(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """QUANTILES of values (n,) that count by their weights."""
    order = np.argsort(values)
    below = np.cumsum(weights[order], dtype=np.float64)
    return np.interp(QUANTILES * below[-1], below - weights[order] / 2, values[order])
