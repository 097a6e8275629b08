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
RIM = 0.03  # of the crop's side, by which a forehead is drawn in to be measured: its edges are no wrinkles


def region(
    landmarks_xy: np.ndarray, parsed: Parsed | None, matrix: np.ndarray, *, size_hw: tuple[int, int]
) -> np.ndarray | None:
    """The forehead that is seen, from the brows to the hair, (h, w) float32 0..1; None where it was not parsed or none is seen.

    landmarks (68, 2) in the pixels of the result, which `matrix` (2, 3) takes to frame pixels.
    """
    if parsed is None:
        return None
    found = masks.parsed_at(parsed, matrix, size_hw) * masks.forehead(landmarks_xy, size_hw=size_hw)
    return found if found.any() else None


def lines(picture: np.ndarray) -> np.ndarray:
    """What runs across a face and is as fine as a wrinkle, (s, s) float32: the luma less its surroundings above and below."""
    side = len(picture)
    luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    fine = cv2.GaussianBlur(luma, (0, 0), ALONG * side, sigmaY=max(FINE * side, 0.5))
    return fine - cv2.GaussianBlur(luma, (0, 0), ALONG * side, sigmaY=COARSE * side)


def wrinkles(picture: np.ndarray, inside: np.ndarray) -> float:
    """How far `lines` stand out where `inside` (s, s) bool: their root mean square, per cent of the mean luma there."""
    found = lines(picture)[inside]
    luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[inside]
    return float(100 * np.sqrt(np.square(found - found.mean()).mean()) / max(luma.mean(), 1e-3))


def smoothed(picture: np.ndarray, forehead: np.ndarray) -> np.ndarray:
    """A face whose forehead's wrinkles are taken out, with pores, grain and shade left as they are."""
    reach = max(round(RIM * len(picture)), 1)
    # what lies beyond the skin (hair, brows) goes into no mean: it is filled in from the skin beside it first
    weight = cv2.erode(forehead, np.ones((3, 3), np.uint8))[..., None]
    spread = [cv2.GaussianBlur(one, (0, 0), 2.0 * reach) for one in (picture * weight, weight[..., 0])]
    skin = spread[0] / np.maximum(spread[1], 1e-3)[..., None]
    filled = (weight * picture + (1 - weight) * skin).astype(np.float32)
    return np.clip(picture - np.clip(lines(filled), -DEEPEST, DEEPEST)[..., None] * weight, 0, 1).astype(np.float32)
