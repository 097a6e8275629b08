"""Landmarks to aligned crops and back: one similarity per face, fitted to a mean face."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from swapcore.align.geometry import TEMPLATE_XY, invert, scale, similarity, transform
from swapcore.align.head import place


class Centring(NamedTuple):
    """Which part of a head a crop shows."""

    extent: float  # side of the crop at coverage 1, widths over the brows (about 12 cm)
    centre_xyz: (
        tuple[float, float, float] | None
    )  # of the crop, in the head (see HEAD_XYZ); None: the template's origin


# The centres are those that bring the bounding boxes of face (skin, from chin to hairline) and head (with ears and hair,
# without the neck) nearest to the middle: fitted to 203 pictures of eight studio actors, yaw to 45 and pitch to 20 degrees,
# through dlib's landmarks. What is left of the distance is 0.05 and 0.08 widths (root mean square, across and down) for the
# face and 0.06 and 0.09 for the head; legacy crops are off by 0.40 and 0.57 across at 45 degrees. The extents are such that
# the middle 0.8 of a crop, which training looks at, holds nine of ten of those boxes whole.
CENTRINGS: dict[str, Centring] = {
    "legacy": Centring(2.0, None),
    "face": Centring(2.2, (0.0, -0.05, 0.33)),
    "head": Centring(3.2, (0.0, -0.30, 0.60)),
}
"""legacy: the middle between brows and mouth, wherever the head turns; face: the middle of the face, from chin to hairline,
which lies 4 cm behind the eyes; head: the middle of head, hair and ears, 7 cm behind the eyes, with the neck below."""


def span_of(centring: str, coverage: float) -> float:
    """Share of the crop's side that the width over the brows takes, where the crop shows `coverage` of its centring's extent."""
    return 1 / (CENTRINGS[centring].extent * coverage)


def crop_matrix(landmarks_xy: np.ndarray, *, size: int, span: float, centring: str = "legacy") -> np.ndarray:
    """Frame pixels -> pixels of a square crop around a face, (2, 3) float32.

    The similarity that puts landmarks 17 to 67 of (68, 2) onto the template, whose longer side takes `span` of the crop's
    `size` pixels; so all of CENTRINGS show a face upright and in the same size. At the crop's centre, (size - 1) / 2, lies the
    template's origin (legacy), or the middle of face or head, as the fit of `pose` sees it: it goes where the head turns.
    The central share `coverage` of a crop therefore shows what a crop with `span / coverage` shows. Raises ValueError where
    the landmarks are not finite or all the same.
    """
    points = np.asarray(landmarks_xy)
    if points.shape != (68, 2):
        raise ValueError(f"expected 68 landmarks (68, 2), got {points.shape}")
    matrix = similarity(points[17:], TEMPLATE_XY * (span * size) + (size - 1) / 2)
    centre_xyz = CENTRINGS[centring].centre_xyz
    if centre_xyz is not None:
        centre_xy = place(points) @ (*centre_xyz, 1)
        matrix[:, 2] = (size - 1) / 2 - matrix[:, :2] @ centre_xy
    return matrix.astype(np.float32)


def warp(frame_bgr: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Cut a (size, size, ...) crop out of a frame (h, w) or (h, w, channels); dtype uint8 or float32 stays.

    `matrix` takes frame pixels to crop pixels. Bilinear; a frame that has to shrink to less than half is first averaged
    over whole blocks of pixels, so that fine detail does not turn into false patterns. Beyond the frame its edge pixels
    repeat: a black corner would be learnt as part of the face.
    """
    matrix = np.asarray(matrix, np.float64)
    block = int(1 / max(scale(matrix), 1e-6))
    if block >= 2:
        frame_bgr, before = _shrink(frame_bgr, matrix, size, block)
        matrix = np.column_stack([matrix[:, :2] @ before[:, :2], matrix[:, :2] @ before[:, 2] + matrix[:, 2]])
    return cv2.warpAffine(frame_bgr, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _shrink(frame: np.ndarray, matrix: np.ndarray, size: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """The part of a frame that a crop shows, averaged over blocks, and the matrix from its pixels to the frame's."""
    height, width = frame.shape[:2]
    block = min(block, height, width)
    corners = transform(np.array([(0, 0), (size, 0), (0, size), (size, size)]), invert(matrix))
    low = np.clip(np.floor(corners.min(0)).astype(int) - block, 0, [width - block, height - block])
    count = np.maximum(np.ceil((corners.max(0) + block - low) / block).astype(int), 1)
    count = np.minimum(count, (np.array([width, height]) - low) // block)
    part = frame[low[1] : low[1] + count[1] * block, low[0] : low[0] + count[0] * block]
    small = cv2.resize(part, (int(count[0]), int(count[1])), interpolation=cv2.INTER_AREA)
    offset = low + (block - 1) / 2  # of the first block's centre
    return small, np.array([[block, 0, offset[0]], [0, block, offset[1]]], np.float64)
