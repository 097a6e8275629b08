"""How a swapped face is laid over the frame.

Each function takes `over` and `under`, float32 (h, w) of one plane or (h, w, channels), and alpha float32 (h, w) 0..1, and
returns what stands there afterwards, of the same shape. Where alpha is 0 it is `under` to the last bit, and nothing is darker
or brighter than what was given.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

LEVELS, SMALLEST = 4, 8  # of multiband's pyramid: at most so many, and no side shorter than that, pixels
FADE = 0.25  # of alpha: below, multiband's wide bands fade out, or they would end in a step where alpha ends
GRID = 64  # pixels of the longer side at which poisson's membrane is made: it is smooth
EDGE = 0.03  # of the values' range: border differences further than this from the usual one are an edge's, a hair's, a hand's
LEAST = 0.02  # of a border sample's weight: what the membrane's pull to nothing weighs, so that it fades into the face


def feather(over: np.ndarray, under: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Plain alpha: under + alpha * (over - under), Porter and Duff's `over` (1984).

    In gamma values, as video programs do and as masks are drawn to be judged by: half alpha looks like half way. In linear
    light the brighter side would win, and a soft edge over dark hair would look wider than it was drawn. Luma and chroma are
    sums of gamma values, so mixing them is the same as mixing RGB.
    """
    _check(over, under, alpha)
    mixed = over - under
    mixed *= _wide(alpha, over)
    mixed += under
    return mixed


def multiband(over: np.ndarray, under: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Each band of detail over an edge as wide as itself: Burt and Adelson, A Multiresolution Spline (1983).

    The spline is linear, so one Laplacian pyramid of the difference is mixed, by a Gaussian pyramid of alpha. Below FADE of
    alpha it fades to what lies under.
    """
    _check(over, under, alpha)
    shares, rest, bands = [alpha], over - under, []
    while len(bands) < LEVELS and min(rest.shape[:2]) >= 2 * SMALLEST:
        less = cv2.pyrDown(rest)
        bands.append(rest - cv2.pyrUp(less, dstsize=rest.shape[1::-1]).reshape(rest.shape))
        shares.append(cv2.pyrDown(shares[-1]))
        rest = less.reshape(*less.shape[:2], *over.shape[2:])
    mixed = rest * _wide(shares[-1], rest)
    for band, share in zip(reversed(bands), reversed(shares[:-1]), strict=True):
        mixed = cv2.pyrUp(mixed, dstsize=band.shape[1::-1]).reshape(band.shape) + band * _wide(share, band)
    return _within(under + mixed * _wide(np.minimum(alpha / FADE, 1), over), over, under)


def poisson(over: np.ndarray, under: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Plain alpha of a face whose shade was first made to meet the frame's along the mask's soft border.

    A membrane through the differences there is added to the face (Perez et al., Poisson Image Editing, 2003), solved as in
    Farbman et al., Convolution Pyramids (2011), by one wide kernel over values and weights. Modified against bleeding:
    differences that are far from what is usual along the border (an edge, hair, a hand) count for little, and the membrane is
    drawn to nothing in the face's middle.
    """
    _check(over, under, alpha)
    if not alpha.size:
        return under.copy()
    least, most = float(min(over.min(), under.min())), float(max(over.max(), under.max()))
    shift = _membrane(over, under, alpha, EDGE * max(float(under.max() - under.min()), 1e-6))
    shift += over
    shift -= under
    shift *= _wide(alpha, over)
    shift += under
    return np.clip(shift, least, most, out=shift)


def _membrane(over: np.ndarray, under: np.ndarray, alpha: np.ndarray, usual: float) -> np.ndarray:
    """What under differs from over along alpha's border, spread over all of it; of over's shape.

    Told on a grid of GRID. A place that differs by much more than `usual` from most, or from its neighbours, does not count.
    """
    height, width = alpha.shape
    less = min(1.0, GRID / max(height, width))
    size = (max(round(width * less), 1), max(round(height * less), 1))
    small_over, small_under, share = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (over, under, alpha))
    border = 4 * share * (1 - share)
    known = border > 0.05
    if not known.any():
        return np.zeros_like(over)
    away = (small_under - small_over).reshape(*share.shape, -1)
    parts = []
    for k in range(away.shape[-1]):
        one = away[..., k]
        off = one - np.median(one[known])
        uneven = one - cv2.blur(one, (3, 3))
        weight = border / np.square(1 + (off * off + uneven * uneven) / (usual * usual))  # Geman and McClure's (1985)
        spread = _spread_wide(np.stack([np.clip(one, -2 * usual, 2 * usual) * weight, weight], -1))
        parts.append(spread[..., 0] / (spread[..., 1] + LEAST))
    return cv2.resize(np.stack(parts, -1), (width, height), interpolation=cv2.INTER_LINEAR).reshape(over.shape)


def _spread_wide(values: np.ndarray) -> np.ndarray:
    """Values (h, w, channels) under a kernel that falls with distance cubed: Gaussians of doubled widths, each half as strong."""
    total, level = cv2.GaussianBlur(values, (0, 0), 1, borderType=cv2.BORDER_CONSTANT), values
    for share in (0.5, 0.25, 0.125, 0.0625):
        if min(level.shape[:2]) < 4:
            break
        level = cv2.pyrDown(level)
        wide = cv2.GaussianBlur(level, (0, 0), 1, borderType=cv2.BORDER_CONSTANT)
        total += share * cv2.resize(wide, values.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return total


def _check(over: np.ndarray, under: np.ndarray, alpha: np.ndarray) -> None:
    if over.shape != under.shape or alpha.shape != over.shape[:2]:
        raise ValueError(f"expected pictures and alpha of one size, got {over.shape}, {under.shape}, {alpha.shape}")


def _wide(alpha: np.ndarray, like: np.ndarray) -> np.ndarray:
    return alpha if like.ndim == 2 else alpha[..., None]


def _within(values: np.ndarray, over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """Values between the least and the greatest of both pictures."""
    if not values.size:
        return values
    return np.clip(values, min(over.min(), under.min()), max(over.max(), under.max()))


BLENDS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "feather": feather,
    "multiband": multiband,
    "poisson": poisson,
}
