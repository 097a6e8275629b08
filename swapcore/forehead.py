"""The forehead above the mask: where it is, how its wrinkles stand out, and how it looks without them.

Pictures are aligned crops, float32 (s, s, 3) BGR 0..1; masks (s, s) float32 0..1.
"""

from __future__ import annotations

import cv2
import numpy as np

from swapcore import masks
from swapcore.types import Parsed

# Of the crop's side. Wrinkles run across the forehead: a mean along them leaves neither pores, grain nor strands of hair
ALONG, FINE, COARSE = 0.04, 0.008, 0.035
DEEPEST = 0.06  # of the picture's range: what is more is no wrinkle but a brow, a strand, a frame of glasses
ROUNDS = 2  # in which they are taken out: lines are not straight, so one leaves a part of them
SOFT = 0.02  # of the crop's side: finer differences do not say that something is hair
SKIN, NO_SKIN = 0.1, 0.25  # the logarithm of a ratio of brightness: surely skin, surely none
WIDE = 0.12  # a mean over so much says how bright the skin is here
DARK, BRIGHT = 0.75, 1.3  # of that: beyond is no skin but a brow, a strand, a shine


def region(
    landmarks_xy: np.ndarray, parsed: Parsed | None, matrix: np.ndarray, *, size_hw: tuple[int, int]
) -> np.ndarray | None:
    """The forehead that is seen, from the brows to the hair, (h, w) float32 0..1; None where it was not parsed or none is seen.

    landmarks (68, 2) in the pixels of the result, which `matrix` (2, 3) takes to frame pixels.
    """
    return None if parsed is None else above(landmarks_xy, masks.parsed_at(parsed, matrix, size_hw))


def above(landmarks_xy: np.ndarray, face: np.ndarray) -> np.ndarray | None:
    """`region` of a mask (h, w) that was parsed, in whose pixels the landmarks are."""
    found = masks.forehead(landmarks_xy, size_hw=face.shape)
    found *= face
    return found if found.any() else None


def skin(swapped: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Where the swap shows skin too, (s, s) float32 0..1, of a forehead where the target does: not hair that grows lower.

    Both in one light and colour: where the swap is much darker or brighter than the target's skin, it is no skin.
    """
    side = len(target)
    soft = [cv2.GaussianBlur(cv2.cvtColor(p, cv2.COLOR_BGR2GRAY), (0, 0), SOFT * side) for p in (swapped, target)]
    off = np.abs(np.log(np.maximum(soft[0], 1e-3) / np.maximum(soft[1], 1e-3)))
    return cv2.GaussianBlur(np.clip((NO_SKIN - off) / (NO_SKIN - SKIN), 0, 1), (0, 0), SOFT * side)


def lines(picture: np.ndarray, forehead: np.ndarray) -> np.ndarray:
    """What runs across a forehead and is as fine as a wrinkle, (s, s) float32: its luma less its surroundings above and below.

    Only skin goes into the means, (normalised convolution, Knutsson and Westin 1993), so brows and hair leave no lines beside
    themselves; 0 where there is none.
    """
    side = len(picture)
    luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    here = _mean(luma, forehead, WIDE * side, WIDE * side)
    skin = forehead * ((luma > DARK * here) & (luma < BRIGHT * here))
    fine, coarse = (_mean(luma, skin, ALONG * side, max(high * side, 0.5)) for high in (FINE, COARSE))
    return (fine - coarse) * (skin > 0)


def wrinkles(picture: np.ndarray, forehead: np.ndarray, shown: np.ndarray) -> float:
    """How far `lines` stand out: their root mean square by the weights `shown` (s, s), per cent of the mean luma there."""
    found, weight = lines(picture, forehead), shown / max(float(shown.sum()), 1e-6)
    luma = float((cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) * weight).sum())
    return float(100 * np.sqrt((np.square(found) * weight).sum()) / max(luma, 1e-3))


def smoothed(picture: np.ndarray, forehead: np.ndarray) -> np.ndarray:
    """A face whose forehead's wrinkles are taken out, with pores, grain and shade left as they are."""
    for _ in range(ROUNDS):
        found = np.clip(lines(picture, forehead), -DEEPEST, DEEPEST) * forehead
        picture = np.clip(picture - found[..., None], 0, 1).astype(np.float32)
    return picture


def _mean(values: np.ndarray, weight: np.ndarray, across: float, down: float) -> np.ndarray:
    """A Gaussian mean (s, s) of what has weight; across and down: its standard deviations, pixels."""
    some = np.dstack([values * weight, weight]).astype(np.float32)
    spread = cv2.GaussianBlur(some, (0, 0), across, sigmaY=down)
    return spread[..., 0] / np.maximum(spread[..., 1], 1e-3)
