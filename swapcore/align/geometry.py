"""The mean face, similarities, and points under them."""

from __future__ import annotations

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


def upright(landmarks_xy: np.ndarray) -> np.ndarray:
    """The similarity, (2, 3) float64, that puts landmarks 17 to 67 of (68, 2) onto the template: the origin between brows
    and mouth, the width over the brows 1. Raises ValueError where they are not finite or all the same.
    """
    points = np.asarray(landmarks_xy)
    if points.shape != (68, 2):
        raise ValueError(f"expected 68 landmarks (68, 2), got {points.shape}")
    return similarity(points[17:], TEMPLATE_XY)


def scale(matrix: np.ndarray) -> float:
    """Pixels after a similarity (2, 3) for each pixel before it."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def transform(points_xy: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points (..., 2) under a (2, 3) matrix, float32."""
    matrix = np.asarray(matrix, np.float64)
    return (np.asarray(points_xy, np.float64) @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def invert(matrix: np.ndarray) -> np.ndarray:
    """The (2, 3) float32 matrix that undoes a (2, 3) matrix. Raises ZeroDivisionError where there is none."""
    (a, b, x), (c, d, y) = np.asarray(matrix, np.float64).tolist()
    det = a * d - b * c
    linear = [[d / det, -b / det, (b * y - d * x) / det], [-c / det, a / det, (c * x - a * y) / det]]
    return np.array(linear, np.float32)
