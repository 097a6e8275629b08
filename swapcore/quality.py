"""What can be measured of one face: what `sort` orders by and `clean` decides by."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from swapcore import align
from swapcore.align import pose

REGION = 96  # side of the picture that sharpness looks at, pixels; brows to mouth fill it


def sharpness(crop_bgr: np.ndarray, landmarks_xy: np.ndarray, box_xyxy: np.ndarray, matrix: np.ndarray) -> float:
    """How sharp the face is, per cent: 0 is flat, up to about 5 soft, from 9 on sharp.

    Variance of the Laplacian (Pech-Pacheco et al. 2000) of the luma between brows and mouth, brought to 96 pixels a side,
    so that a small face counts as the soft one that training would see; divided by the luma's variance, so that neither
    light nor skin counts. Good footage has 12 to 66, the demo 9 to 19; a Gaussian blur of 1.5 pixels, of a face
    128 pixels wide, leaves 2 to 5.
    """
    points = align.transform(landmarks_xy, matrix)[17:]
    low, high = points.min(0), points.max(0)
    side = float(max((high - low).max(), 1.0))
    scale = REGION / side
    view = np.column_stack([np.eye(2) * scale, (REGION - 1) / 2 - scale * (low + high) / 2])
    luma = align.warp(cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2GRAY), view, REGION).astype(np.float32)
    bends = cv2.Laplacian(luma, cv2.CV_32F)[1:-1, 1:-1]  # at the rim there are no neighbours
    return float(100 * bends.var() / max(luma.var(), 1.0))


def size(crop_bgr: np.ndarray, landmarks_xy: np.ndarray, box_xyxy: np.ndarray, matrix: np.ndarray) -> float:
    """Width of the face's box, pixels of the frame."""
    return float(box_xyxy[2] - box_xyxy[0])


def exposure(crop_bgr: np.ndarray, landmarks_xy: np.ndarray, box_xyxy: np.ndarray, matrix: np.ndarray) -> float:
    """Mean lightness of the face: L* of CIELAB (D65), 0 black .. 100 white, inside the hull of its landmarks."""
    hull = cv2.convexHull(np.round(align.transform(landmarks_xy, matrix)).astype(np.int32))
    inside = cv2.fillConvexPoly(np.zeros(crop_bgr.shape[:2], np.uint8), hull, 1)
    if not inside.any():
        inside[:] = 1
    lightness = cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2LAB)[..., 0]
    return cv2.mean(lightness, inside)[0] * 100 / 255


Score = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], float]

SCORES: dict[str, Score] = {
    "sharpness": sharpness,
    "size": size,
    "exposure": exposure,
    "yaw": lambda crop_bgr, landmarks_xy, box_xyxy, matrix: pose(landmarks_xy)[0],
    "pitch": lambda crop_bgr, landmarks_xy, box_xyxy, matrix: pose(landmarks_xy)[1],
    "roll": lambda crop_bgr, landmarks_xy, box_xyxy, matrix: pose(landmarks_xy)[2],
}
"""Name -> f(crop_bgr (size, size, 3) uint8, landmarks_xy (68, 2) in the frame, box_xyxy (4,), matrix (2, 3) frame -> crop)."""


def scores(
    crop_bgr: np.ndarray, landmarks_xy: np.ndarray, box_xyxy: np.ndarray, matrix: np.ndarray
) -> dict[str, float]:
    """All of SCORES for one face; the pose is fitted once."""
    turned = dict(zip(("yaw", "pitch", "roll"), pose(landmarks_xy), strict=True))
    rest = {name: score for name, score in SCORES.items() if name not in turned}
    return {name: score(crop_bgr, landmarks_xy, box_xyxy, matrix) for name, score in rest.items()} | turned
