"""Landmarks to aligned crops and back: one similarity per face, fitted to a mean face."""

from __future__ import annotations

import cv2
import numpy as np

# Mean frontal positions of the iBUG landmarks 17 to 67 (brows, nose, eyes, mouth; the jaw moves with pose and speech). y
# points down, the centre of the bounding box is the origin, and its longer side, here the width over the brows, is 1.
#
# Made from three people's talking-head videos: dlib's 68 landmarks of every second frame; of each person the quarter of the
# frames whose landmarks were nearest to their own mirror image (least frontal yaw and roll: 27, 32 and 56 frames); the
# generalised Procrustes mean per person (Gower 1975), then of the three means, so that each person counts alike; then the
# mean with its own mirror image, so that the template is symmetric and upright.
TEMPLATE_XY = np.array(
    [
        *[
            (-0.5000, -0.3617),
            (-0.4240, -0.4337),
            (-0.3137, -0.4544),
            (-0.1995, -0.4434),
            (-0.0948, -0.4002),
        ],  # right brow
        *[(0.0948, -0.4002), (0.1995, -0.4434), (0.3137, -0.4544), (0.4240, -0.4337), (0.5000, -0.3617)],  # left brow
        *[(0.0000, -0.2878), (0.0000, -0.1753), (0.0000, -0.0637), (0.0000, 0.0509)],  # bridge of the nose
        *[(-0.1206, 0.1112), (-0.0625, 0.1362), (0.0000, 0.1562), (0.0625, 0.1362), (0.1206, 0.1112)],  # nostrils
        *[(-0.3697, -0.2740), (-0.3022, -0.3075), (-0.2252, -0.3055)],  # right eye: outer corner, upper lid,
        *[(-0.1553, -0.2573), (-0.2300, -0.2461), (-0.3068, -0.2468)],  # inner corner, lower lid
        *[(0.1553, -0.2573), (0.2252, -0.3055), (0.3022, -0.3075)],  # left eye: inner corner, upper lid,
        *[(0.3697, -0.2740), (0.3068, -0.2468), (0.2300, -0.2461)],  # outer corner, lower lid
        *[(-0.2341, 0.3066), (-0.1529, 0.2692), (-0.0668, 0.2547), (0.0000, 0.2709)],  # outer lips, clockwise
        *[(0.0668, 0.2547), (0.1529, 0.2692), (0.2341, 0.3066), (0.1575, 0.4031)],
        *[(0.0720, 0.4459), (0.0000, 0.4544), (-0.0720, 0.4459), (-0.1575, 0.4031)],
        *[(-0.1991, 0.3131), (-0.0673, 0.3046), (0.0000, 0.3121), (0.0673, 0.3046)],  # inner lips, clockwise
        *[(0.1991, 0.3131), (0.0687, 0.3633), (0.0000, 0.3729), (-0.0687, 0.3633)],
    ]
)
TEMPLATE_XY.setflags(write=False)


def similarity(from_xy: np.ndarray, to_xy: np.ndarray) -> np.ndarray:
    """The similarity (rotation, one scale, shift; no reflection) that best takes points (n, 2) to points (n, 2).

    Least squares in closed form (Umeyama 1991; in the plane it is one complex factor). Returns (2, 3) float64, for column
    vectors (x, y, 1). Raises ValueError where the points are not finite or all the same.
    """
    source, target = np.asarray(from_xy, np.float64), np.asarray(to_xy, np.float64)
    source_mean, target_mean = source.mean(0), target.mean(0)
    z, w = (source - source_mean) @ [1, 1j], (target - target_mean) @ [1, 1j]
    spread = np.vdot(z, z).real
    if not np.isfinite(spread) or spread <= 1e-12 * (1 + np.vdot(source_mean, source_mean)):
        raise ValueError("points must be finite and not all the same")
    factor = np.vdot(z, w) / spread
    rotation = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([rotation, target_mean - rotation @ source_mean])


def crop_matrix(landmarks_xy: np.ndarray, *, size: int, span: float) -> np.ndarray:
    """Frame pixels -> pixels of a square crop around a face, (2, 3) float32.

    The similarity that puts landmarks 17 to 67 of (68, 2) onto the template, whose longer side takes `span` of the crop's
    `size` pixels and whose origin lies at the crop's centre, (size - 1) / 2. The central share `coverage` of such a crop
    therefore shows what a crop with `span / coverage` shows.
    """
    points = np.asarray(landmarks_xy)
    if points.shape != (68, 2):
        raise ValueError(f"expected 68 landmarks (68, 2), got {points.shape}")
    return similarity(points[17:], TEMPLATE_XY * (span * size) + (size - 1) / 2).astype(np.float32)


def scale(matrix: np.ndarray) -> float:
    """Pixels after a similarity (2, 3) for each pixel before it."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def transform(points_xy: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (..., 2) under a (2, 3) matrix, float32."""
    matrix = np.asarray(matrix, np.float64)
    return (np.asarray(points_xy, np.float64) @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def invert(matrix: np.ndarray) -> np.ndarray:
    """The (2, 3) float32 matrix that undoes a (2, 3) matrix."""
    matrix = np.asarray(matrix, np.float64)
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]]).astype(np.float32)


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
