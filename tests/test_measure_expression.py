"""What is kept of the target's play, on faces whose play is known."""

from __future__ import annotations

import numpy as np
import pytest
from analytic import face

from swapcore import align
from swapcore.measure import expression


def turned(yaw: float, pitch: float = 0.0) -> np.ndarray:
    """Landmarks of the generic head turned by known angles, degrees, projected orthographically; the rest are the template's."""
    cy, sy = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    cx, sx = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    turn = np.array([[cy, 0, -sy], [0, 1, 0]]) @ np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    flat = np.column_stack([align.TEMPLATE_XY, np.zeros(51)])
    flat[np.array(align.POSE_POINTS) - 17] = align.HEAD_XYZ
    points = np.concatenate([np.zeros((17, 2)), flat @ turn.T]) * 150 + 128
    return points.astype(np.float32)


def test_pose_error_of_a_lean():
    assert expression.pose_error(face(), face(roll=12)) == pytest.approx(12, abs=0.5)
    assert expression.pose_error(face(), face((40, 60), 25)) == pytest.approx(0, abs=0.05), (
        "place and size do not count"
    )


@pytest.mark.parametrize("angle", [8, 16, -12])
def test_pose_error_of_a_turn(angle):
    # the fit's prior takes about a tenth of a turn away
    assert expression.pose_error(turned(0), turned(angle)) == pytest.approx(abs(angle), rel=0.2)
    assert expression.pose_error(turned(angle), turned(angle)) == 0


def test_landmark_error_of_known_displacements():
    original = face(radius=50)
    moved = original.copy()
    # every second inner point 2 pixels out, the next 2 in: no similarity undoes that
    middle = original[17:].mean(0)
    out = (original[17:] - middle) / np.linalg.norm(original[17:] - middle, axis=1, keepdims=True)
    moved[17:] += 2 * out * np.where(np.arange(51) % 2, 1, -1)[:, None]
    eyes = 0.9 * 50  # analytic.face puts them 0.45 radii to either side
    assert expression.eyes_apart(original) == pytest.approx(eyes, rel=1e-3)
    assert expression.landmark_error(original, moved) == pytest.approx(2 / eyes, rel=0.03)
    placed = align.transform(moved, np.array([[1.2, -0.3, 9], [0.3, 1.2, -4]]))
    assert expression.landmark_error(original, placed) == pytest.approx(
        expression.landmark_error(original, moved), rel=1e-3
    )
    moved[:17] += 30
    assert expression.landmark_error(original, moved) == pytest.approx(2 / eyes, rel=0.03), "the jaw does not count"


def test_eye_and_mouth_error_of_known_openings():
    original = face(radius=50)
    lids, lips = original.copy(), original.copy()
    width = np.linalg.norm(original[36] - original[39])
    for corner in (36, 42):
        lids[[corner + 1, corner + 2], 1] -= 0.1 * width
    assert expression.eye_error(original, lids) == pytest.approx(10, abs=0.01)
    assert expression.mouth_error(original, lids) == 0
    nose = np.linalg.norm(original[27] - original[33])
    lips[[65, 66, 67], 1] += np.sign(original[66, 1] - original[62, 1]) * 0.2 * nose
    found = expression.mouth_error(original, lips)
    assert found == expression.mouth_error(lips, original)
    gaps = [
        np.linalg.norm(lips[a] - lips[b]) - np.linalg.norm(original[a] - original[b])
        for a, b in ((61, 67), (62, 66), (63, 65))
    ]
    assert found == pytest.approx(100 * np.mean(gaps) / nose, abs=0.01) and found > 5
