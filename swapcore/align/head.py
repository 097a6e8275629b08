"""A generic head in space, and how a face's head is turned."""

from __future__ import annotations

import numpy as np

from swapcore.align.geometry import TEMPLATE_XY, transform, upright

# A generic head: landmarks that the expression moves little, in the unit of the template (width over the brows, about
# 120 mm); x to the image's right, y down, z away from the viewer. x and y are the template's; z is ours, from adults'
# mean distances: the eyes' inner corners 8 mm before the outer ones, the bridge of the nose 16 to 44 mm, its wings 24 to
# 30 mm, the corners of the mouth 14 mm.
POSE_POINTS = (27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45, 48, 54)
_DEPTH_MM = (16, 24, 33, 44, 24, 28, 30, 28, 24, 0, 8, 8, 0, 14, 14)
HEAD_XYZ = np.column_stack([TEMPLATE_XY[np.array(POSE_POINTS) - 17], -np.array(_DEPTH_MM) / 120])
# How heads differ, (4, 15, 3), each by one standard deviation: the whole face 8 % taller; the nose longer by 5 mm at its
# tip; the mouth lower by 5 mm; the mouth 15 % wider, which a smile does too.
_NOSE, _MOUTH, _DOWN = np.isin(POSE_POINTS, range(28, 36)), np.isin(POSE_POINTS, (48, 54)), np.array([0, 1, 0])
_BELOW = (HEAD_XYZ[:, 1] - HEAD_XYZ[0, 1]) / np.ptp(HEAD_XYZ[:9, 1])  # of the root of the nose, shares of its length
HEAD_SHAPES = np.stack(
    [
        0.08 * HEAD_XYZ * _DOWN,
        0.04 * (_NOSE * _BELOW)[:, None] * _DOWN,
        0.04 * _MOUTH[:, None] * _DOWN,
        0.15 * _MOUTH[:, None] * HEAD_XYZ * [1, 0, 0],
    ]
)
# Standard deviations of what the fit does not explain, of pitch and of yaw: without them a short face counts as a nod.
POSE_NOISE = 0.03  # widths over the brows
POSE_PRIOR = np.array(
    [np.deg2rad(40), np.deg2rad(15), np.inf, np.inf, 1, 1, 1, 1]
)  # yaw, pitch, roll, log of scale, shapes
POSE_STEPS = 5  # after which a step is under a tenth of a degree


def pose(landmarks_xy: np.ndarray) -> tuple[float, float, float]:
    """Yaw, pitch and roll of landmarks (68, 2), degrees; 0, 0, 0 looks straight at the camera.

    Yaw > 0 looks to the image's right, pitch > 0 up, roll > 0 leans clockwise in the image (within 180). Roll is the
    outermost turn, so yaw and pitch are those of the upright crop.

    A generic head (HEAD_XYZ) that may differ from the mean as heads do (HEAD_SHAPES) is fitted in scaled orthographic
    projection: maximum a posteriori by Gauss and Newton's method, from a frontal start. Against the studio's truth, yaw
    to 35 and pitch to 18 degrees, through dlib's landmarks: 90 % of errors under 7 degrees of yaw, 11 of pitch (most of
    which is constant for a person), 3 of roll. Plain perspective-n-point leaves 14 of pitch (at worst 26, here 14), for a nod and
    a short face look alike. Raises ValueError where the landmarks are not finite or all the same.
    """
    straight, state, _ = _fit(landmarks_xy)
    lean = -np.arctan2(straight[1, 0], straight[0, 0])
    yaw, pitch, roll = np.degrees([state[0], state[1], state[2] + lean])
    return float(yaw), float(pitch), float((roll + 180) % 360 - 180)


def place(landmarks_xy: np.ndarray) -> np.ndarray:
    """Where a point of the head is seen: head coordinates (x, y, z, 1), as those of HEAD_XYZ, -> frame pixels, (2, 4) float64.

    The fit of `pose`, in scaled orthographic projection. Raises ValueError as it does.
    """
    straight, state, mean = _fit(landmarks_xy)
    turn, head = _turn(state), HEAD_XYZ + np.tensordot(state[4:], HEAD_SHAPES, 1)
    in_upright = np.column_stack([turn, mean - turn @ head.mean(0)])
    back = np.linalg.inv(straight[:, :2])
    seen = back @ in_upright
    seen[:, 3] -= back @ straight[:, 2]
    return seen


def _fit(landmarks_xy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`upright`, the head's state in its pixels (see _project), and there the mean of the points that it was fitted to."""
    straight = upright(landmarks_xy)
    points = transform(landmarks_xy, straight)[list(POSE_POINTS)].astype(np.float64)
    mean = points.mean(0)
    points -= mean
    state, weight = np.zeros(8), POSE_PRIOR**-2.0 * POSE_NOISE**2
    for _ in range(POSE_STEPS):
        seen, slopes = _project(state)
        left = points - seen
        jacobian = slopes.reshape(8, -1)
        step = np.linalg.solve(jacobian @ jacobian.T + np.diag(weight), jacobian @ left.ravel() - weight * state)
        state += np.clip(step, -0.5, 0.5)
    return straight, state, mean


def _turn(state: np.ndarray) -> np.ndarray:
    """(2, 3): head coordinates -> the upright picture, in a state (yaw, pitch, roll, log of scale, ..)."""
    (y, x, r), scale = state[:3], np.exp(state[3])
    cy, sy, cx, sx, cr, sr = np.cos(y), np.sin(y), np.cos(x), np.sin(x), np.cos(r), np.sin(r)
    yaw, pitch = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]]), np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    return scale * np.array([[cr, -sr, 0], [sr, cr, 0]]) @ yaw @ pitch


def _project(state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The head in a state (yaw, pitch, roll in radians, log of scale, shapes): points (15, 2) about their mean, and slopes
    (8, 15, 2).
    """
    (y, x, r), scale = state[:3], np.exp(state[3])
    cy, sy, cx, sx, cr, sr = np.cos(y), np.sin(y), np.cos(x), np.sin(x), np.cos(r), np.sin(r)
    yaw, d_yaw = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]]), np.array([[-sy, 0, -cy], [0, 0, 0], [cy, 0, -sy]])
    pitch, d_pitch = (
        np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]]),
        np.array([[0, 0, 0], [0, -sx, cx], [0, -cx, -sx]]),
    )
    roll, d_roll = scale * np.array([[cr, -sr, 0], [sr, cr, 0]]), scale * np.array([[-sr, -cr, 0], [cr, -sr, 0]])
    head = HEAD_XYZ + np.tensordot(state[4:], HEAD_SHAPES, 1)
    turn = roll @ yaw @ pitch
    seen = head @ turn.T
    turned = [head @ d.T for d in (roll @ d_yaw @ pitch, roll @ yaw @ d_pitch, d_roll @ yaw @ pitch)]
    slopes = np.concatenate([[*turned, seen], HEAD_SHAPES @ turn.T])
    return seen - seen.mean(0), slopes - slopes.mean(1, keepdims=True)
