"""What all scores of one face look at: prepared once, small, whatever the size of the face or of the crop."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from swapcore import align

INNER = 96  # side of the picture from brows to mouth, pixels
WHOLE = 64  # side of the picture of the whole face, pixels
THUMB = 16  # side of the tiny picture by which near-duplicates are found, pixels
_FILL = 0.94  # share of WHOLE that the face takes


class View(NamedTuple):
    """A face as scores see it. Points are (68, 2) float32, iBUG order; (0, 0) is the centre of a picture's first pixel."""

    box_xyxy: np.ndarray  # (4,) pixels of the frame
    landmarks_xy: np.ndarray  # pixels of the frame
    pose: tuple[float, float, float]  # align.pose: yaw, pitch, roll, degrees
    luma: np.ndarray  # (INNER, INNER) float32, 0..255: brows to mouth fill it
    luma_xy: np.ndarray  # landmarks in it
    lab: np.ndarray  # (WHOLE, WHOLE, 3) float32 CIELAB (D65), L* 0..100: brows to chin fill it
    lab_xy: np.ndarray  # landmarks in it
    inside: np.ndarray  # (WHOLE, WHOLE) bool: the hull of the landmarks

    def thumb(self) -> np.ndarray:
        """(THUMB, THUMB) uint8: `luma`, tiny."""
        return cv2.resize(self.luma, (THUMB, THUMB), interpolation=cv2.INTER_AREA).round().astype(np.uint8)


def view(crop_bgr: np.ndarray, landmarks_xy: np.ndarray, box_xyxy: np.ndarray, matrix: np.ndarray) -> View:
    """Prepare a face: crop_bgr (n, n, 3) uint8, landmarks_xy (68, 2) and box_xyxy (4,) in the frame, matrix (2, 3) frame ->
    crop. Raises ValueError where the landmarks are not finite or all the same.
    """
    pose = align.pose(landmarks_xy)
    in_crop = align.transform(landmarks_xy, matrix)
    inner, luma_xy = _filled(crop_bgr, in_crop, in_crop[17:], INNER, 1.0)
    whole, lab_xy = _filled(crop_bgr, in_crop, in_crop, WHOLE, _FILL)
    hull = cv2.convexHull(_pixels(lab_xy))
    inside = cv2.fillConvexPoly(np.zeros((WHOLE, WHOLE), np.uint8), hull, 1).astype(bool)
    return View(
        box_xyxy=np.asarray(box_xyxy),
        landmarks_xy=np.asarray(landmarks_xy),
        pose=pose,
        luma=cv2.cvtColor(inner, cv2.COLOR_BGR2GRAY).astype(np.float32),
        luma_xy=luma_xy,
        lab=cv2.cvtColor(whole.astype(np.float32) / 255, cv2.COLOR_BGR2LAB),
        lab_xy=lab_xy,
        inside=inside,
    )


def _filled(
    crop_bgr: np.ndarray, points_xy: np.ndarray, about_xy: np.ndarray, side: int, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """The part of a crop that some points lie in, as a square picture of which they take `share`, and all points in it."""
    low, high = about_xy.min(0), about_xy.max(0)
    scale = share * side / max(float((high - low).max()), 1.0)
    to_view = np.column_stack([np.eye(2) * scale, (side - 1) / 2 - scale * (low + high) / 2])
    return align.warp(crop_bgr, to_view, side), align.transform(points_xy, to_view)


def _pixels(points_xy: np.ndarray) -> np.ndarray:
    """Points as OpenCV draws them, (n, 2) int32."""
    return np.round(points_xy).astype(np.int32)
