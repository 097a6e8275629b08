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


def test_settled_takes_out_another_shape_and_leaves_the_play():
    """A source with a wider mouth and higher brows, in the target's own places, sizes and leans; one frame plays otherwise."""
    rng = np.random.default_rng(0)
    places = [(rng.uniform(80, 180, 2), rng.uniform(40, 60), rng.uniform(-20, 20)) for _ in range(20)]
    originals = [face(tuple(at), size, lean) for at, size, lean in places]
    shape = face((0, 0), 1.0)
    shape[48:68, 0] *= 1.3
    shape[17:27, 1] -= 0.1

    def placed(points, at, size, lean):
        c, s = np.cos(np.radians(lean)), np.sin(np.radians(lean))
        return align.transform(points, np.array([[size * c, -size * s, at[0]], [size * s, size * c, at[1]]]))

    results = [placed(shape, *place) for place in places]
    assert expression.landmark_error(originals[3], results[3]) > 0.05
    settled = expression.settled(np.stack(originals), np.stack(results))
    assert max(expression.landmark_error(a, b) for a, b in zip(originals, settled, strict=True)) < 1e-3
    assert max(expression.pose_error(a, b) for a, b in zip(originals, settled, strict=True)) < 0.1
    talking = shape.copy()
    talking[[65, 66, 67], 1] += 0.2  # of the radius; the nose is 0.6 long
    results[3] = placed(talking, *places[3])
    settled = expression.settled(np.stack(originals), np.stack(results))
    found = [expression.mouth_error(a, b) for a, b in zip(originals, settled, strict=True)]
    assert found.pop(3) > 5 > 5 * max(found)
    few = np.stack(results[: expression.ENOUGH - 1])
    assert expression.settled(np.stack(originals[: len(few)]), few) is few


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


@pytest.mark.parametrize("name", expression.SEQUENCES)
def test_what_is_followed(name):
    """The play of a face: kept by another shape, lost by a face that holds still or plays another's part."""
    function = expression.SEQUENCES[name].function
    rng = np.random.default_rng(3)
    mouth, turn = rng.uniform(0, 8, 40), rng.uniform(-6, 6, 40)

    def faces(mouth, turn, wider=1.0):
        for gap, aside in zip(mouth, turn, strict=True):
            points = face((128, 128), 60)
            points[48:68, 0] = 128 + (points[48:68, 0] - 128) * wider
            points[[65, 66, 67], 1] += gap
            points[27:36, 0] += aside
            yield points

    original = np.stack(list(faces(mouth, turn)))
    assert function(original, original) == pytest.approx(1)
    assert function(original, np.stack(list(faces(mouth, turn, wider=1.3)))) > 0.95, "another shape, the same play"
    still = np.stack(list(faces(0 * mouth + 4, 0 * turn)))
    assert function(original, still) == 0
    assert function(original, np.stack(list(faces(mouth[::-1], turn[::-1])))) < 0.4
    between = np.stack(list(faces(0.2 * mouth, 0.2 * turn)))
    assert 0.2 < function(original, between) < 0.6, "a fifth of the play, where half were enough"


def test_features_that_only_go_with_the_head_follow_nothing():
    """A still picture on a turning head: the outline takes its landmarks along."""
    rng = np.random.default_rng(3)
    turn, smile = rng.uniform(-12, 12, 40), rng.uniform(0, 8, 40)
    original = np.stack([face((128, 128), 60)] * 40)
    original[:, 27:36, 0] += turn[:, None]  # a turned head's nose
    result = original.copy()
    original[:, [48, 54], 1] -= smile[:, None]
    assert expression.shape_followed(original, original) == pytest.approx(1)
    assert expression.shape_followed(original, result) < 0.15
    upright = (np.stack([align.transform(p, align.upright(p)) for p in points]) for points in (original, result))
    assert expression.follows(*upright) > 0.8, "with the turns it would pass for play"


def test_a_head_that_holds_still_cannot_be_followed():
    rng = np.random.default_rng(3)
    faces = np.stack([face((128, 128), 60) + rng.normal(0, 0.2, (68, 2)) for _ in range(20)])
    assert expression.pose_followed(faces, faces) is None
    assert expression.mouth_followed(faces, faces) == pytest.approx(1)
