"""What can be measured of one face: what `sort` orders by and `clean` decides by."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from swapcore import align

REGION = 96  # side of the picture that sharpness looks at, pixels; brows to mouth fill it

# A generic head: landmarks that the expression moves little, in the unit of align.TEMPLATE_XY (width over the brows, about
# 120 mm); x to the image's right, y down, z away from the viewer. x and y are the template's; z is ours, from adults'
# mean distances: the eyes' inner corners 8 mm before the outer ones, the bridge of the nose 16 to 42 mm, its tip 44 mm,
# its wings 24 to 30 mm, the corners of the mouth 14 mm.
POSE_POINTS = (27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45, 48, 54)
_DEPTH_MM = (16, 24, 33, 44, 24, 28, 30, 28, 24, 0, 8, 8, 0, 14, 14)
HEAD_XYZ = np.column_stack([align.TEMPLATE_XY[np.array(POSE_POINTS) - 17], -np.array(_DEPTH_MM) / 120])
HEAD_XYZ.setflags(write=False)
DISTANCE = 10.0  # of the camera assumed for the pose, widths over the brows: about a portrait's


def sharpness(crop_bgr: np.ndarray, landmarks_xy: np.ndarray, box_xyxy: np.ndarray, matrix: np.ndarray) -> float:
    """How sharp the face is: 0 is flat; about 2 soft, 10 and more sharp.

    Variance of the Laplacian (Pech-Pacheco et al. 2000) of the luma between brows and mouth, brought to 96 pixels a side,
    so that a small face counts as the soft one that training would see; divided by the luma's variance, so that neither
    light nor skin counts, and given in thousandths.
    """
    points = align.transform(landmarks_xy, matrix)[17:]
    low, high = points.min(0), points.max(0)
    side = float(max((high - low).max(), 1.0))
    scale = REGION / side
    view = np.column_stack([np.eye(2) * scale, (REGION - 1) / 2 - scale * (low + high) / 2])
    luma = align.warp(cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2GRAY), view, REGION).astype(np.float32)
    return float(1000 * cv2.Laplacian(luma, cv2.CV_32F).var() / max(luma.var(), 1.0))


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


def pose(landmarks_xy: np.ndarray) -> tuple[float, float, float]:
    """Yaw, pitch and roll of landmarks (68, 2), degrees; 0, 0, 0 looks straight at the camera.

    Yaw > 0 looks to the image's right, pitch > 0 up, roll > 0 leans clockwise in the image (within 180). Roll is the
    outermost turn, so yaw and pitch are those of the upright crop. A generic head (HEAD_XYZ) is fitted by perspective-n-
    point (SQPnP: Terzakis and Lourakis 2020) for a camera DISTANCE away and pointed at the face: exact for that head,
    off by some degrees for a real one, most in pitch.
    """
    points = np.asarray(landmarks_xy, np.float64)[list(POSE_POINTS)]
    spread = max(float(np.ptp(points, axis=0).max()), 1e-6)
    # the size in the image only moves the head along the line of sight: any will do
    points = (points - points.mean(0)) / spread
    camera = np.diag([DISTANCE, DISTANCE, 1.0])
    done, turn, _ = cv2.solvePnP(HEAD_XYZ, points, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    if not done:
        raise ValueError("landmarks must be finite and not all the same")
    m, _ = cv2.Rodrigues(turn)
    yaw = np.degrees(np.arcsin(np.clip(m[2, 0], -1, 1)))
    pitch = -np.degrees(np.arctan2(m[2, 1], m[2, 2]))
    roll = np.degrees(np.arctan2(m[1, 0], m[0, 0]))
    return float(yaw), float(pitch), float(roll)


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
