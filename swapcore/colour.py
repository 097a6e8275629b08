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


COLOURS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {"reinhard": reinhard, "none": none}


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
