from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_align import MIRROR, face

from swapcore import align, detect, quality, studio

SIZE = 256
MATRIX = np.array([[1, 0, 0], [0, 1, 0]], np.float32)


def about(crop: np.ndarray, width: float = 96.0):
    """A crop with a face of this width in its middle, as scores take it."""
    landmarks = face((SIZE - 1) / 2, (SIZE - 1) / 2, width).astype(np.float32)
    return crop, landmarks, detect.box_around(landmarks), MATRIX


def noise(seed=0) -> np.ndarray:
    rough = np.random.default_rng(seed).uniform(0, 255, (SIZE, SIZE, 1)).astype(np.float32)
    return np.repeat(np.clip(cv2.GaussianBlur(rough, (0, 0), 1.5)[..., None] * 2 - 128, 0, 255), 3, 2).astype(np.uint8)


def turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Landmarks (68, 2) of the generic head, turned; seen from far away."""
    head = np.column_stack([align.TEMPLATE_XY, np.zeros(51)])
    head[np.array(align.POSE_POINTS) - 17] = align.HEAD_XYZ
    (cy, cp, cr), (sy, sp, sr) = np.cos(a := np.deg2rad([yaw, pitch, roll])), np.sin(a)
    head = head @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])  # the nose, towards the viewer (-z), goes up (-y)
    head = head @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])  # and to the image's right (+x)
    head = head @ np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])  # the crown goes to the right
    return np.concatenate([np.zeros((17, 2)), head[:, :2]]) * 120 + 300


# the family


@pytest.mark.parametrize("name", quality.SCORES)
@pytest.mark.parametrize("crop", [np.zeros((SIZE, SIZE, 3), np.uint8), noise()], ids=["black", "noise"])
@pytest.mark.parametrize("shift", [0, 90, 400])
def test_every_score_is_a_number_wherever_the_face_is(name, crop, shift):
    landmarks = face(127 + shift, 127, 100, 30).astype(np.float32)
    value = quality.SCORES[name](crop, landmarks, detect.box_around(landmarks), MATRIX)
    assert isinstance(value, float) and np.isfinite(value)


def test_all_scores_at_once_are_the_same():
    args = about(noise())
    assert quality.scores(*args) == {name: score(*args) for name, score in quality.SCORES.items()}


# sharpness


@pytest.mark.parametrize("period", [6, 8, 12])
def test_sharpness_of_a_wave_is_known(period):
    x = np.arange(SIZE) - (SIZE - 1) / 2
    wave = 128 + 100 * np.sin(2 * np.pi * x / period)
    crop = np.repeat(np.tile(wave.round().astype(np.uint8), (SIZE, 1))[..., None], 3, 2)
    response = (2 - 2 * np.cos(2 * np.pi / period)) ** 2  # power of the second difference of a sine
    assert quality.sharpness(*about(crop, width=96)) == pytest.approx(100 * response, rel=0.03)


def test_sharpness_falls_with_blur():
    values = [quality.sharpness(*about(cv2.GaussianBlur(noise(), (0, 0), s))) for s in (0.3, 1, 1.7, 2.5, 4)]
    assert all(a > 1.3 * b for a, b in pairwise(values))


def test_sharpness_does_not_depend_on_light():
    darker = (noise() * 0.4 + 20).astype(np.uint8)
    assert quality.sharpness(*about(darker)) == pytest.approx(quality.sharpness(*about(noise())), rel=0.06)


def test_a_small_face_is_as_soft_as_it_will_look():
    fine = quality.sharpness(*about(noise(), width=100))
    small = cv2.resize(noise(), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    small = cv2.copyMakeBorder(small, 0, SIZE - len(small), 0, SIZE - len(small), cv2.BORDER_REFLECT)
    landmarks = face(50.5, 50.5, 40).astype(np.float32)
    assert quality.sharpness(small, landmarks, detect.box_around(landmarks), MATRIX) < 0.7 * fine


def test_nothing_to_see_is_not_sharp():
    assert quality.sharpness(*about(np.full((SIZE, SIZE, 3), 90, np.uint8))) == 0


# size, exposure


def test_size_is_the_width_of_the_box_in_the_frame():
    crop, landmarks, _, matrix = about(noise())
    assert quality.size(crop, landmarks, np.array([10, 20, 110.5, 300], np.float32), matrix) == 100.5


@pytest.mark.parametrize(("grey", "lightness"), [(0, 0), (119, 50), (188, 76.2), (255, 100)])  # L* of these sRGB greys
def test_exposure_of_greys_is_known(grey, lightness):
    assert quality.exposure(*about(np.full((SIZE, SIZE, 3), grey, np.uint8))) == pytest.approx(lightness, abs=0.6)


def test_exposure_is_that_of_the_face():
    crop, landmarks, box, matrix = about(np.zeros((SIZE, SIZE, 3), np.uint8))
    crop = cv2.fillConvexPoly(crop, cv2.convexHull(landmarks.round().astype(np.int32)), (255, 255, 255))
    assert quality.exposure(crop, landmarks, box, matrix) == pytest.approx(100, abs=0.5)


# pose


@pytest.mark.parametrize(
    "angles",
    [
        (0, 0, 0),
        (25, 0, 0),
        (-25, 0, 0),
        (0, 12, 0),
        (0, -12, 0),
        (0, 0, 30),
        (0, 0, -170),
        (50, 10, 20),
        (-40, -10, -60),
    ],
)
def test_the_pose_of_the_generic_head_is_found(angles):
    found = align.pose(turned(*angles))
    # the prior takes the pose a little towards the front: a tenth of a nod and what it bends
    assert np.abs(np.subtract(found, angles)).max() < 0.3 + 0.14 * abs(angles[1])


@given(
    yaw=st.floats(-45, 45),
    pitch=st.floats(-15, 15),
    scale=st.floats(0.1, 20),
    x=st.floats(-999, 999),
    roll=st.floats(-90, 90),
)
def test_place_size_and_roll_do_not_change_the_other_angles(yaw, pitch, scale, x, roll):
    straight, rolled = align.pose(turned(yaw, pitch, 0)), align.pose(turned(yaw, pitch, roll) * scale + x)
    assert np.abs(np.subtract(rolled[:2], straight[:2])).max() < 0.2
    assert abs((rolled[2] - straight[2] - roll + 180) % 360 - 180) < 0.2


def test_a_mirrored_face_looks_the_other_way():
    landmarks = turned(20, 8, 10) + np.random.default_rng(1).normal(0, 1.5, (68, 2))
    mirrored = landmarks.copy()
    mirrored[17:] = (landmarks * [-1, 1])[MIRROR]
    np.testing.assert_allclose(np.multiply(align.pose(mirrored), [-1, 1, -1]), align.pose(landmarks), atol=1e-3)


@pytest.mark.parametrize("name", ["ann", "bob"])
def test_the_pose_of_synthetic_actors_is_found(name):
    actor = studio.actor_named(name)
    poses = [(0, 0, 0), (28, 0, 0), (-28, 0, 0), (0, 14, 0), (0, -14, 0), (0, 0, 18), (20, -10, -12)]
    truths = [studio.render(actor, studio.Frame(yaw=y, pitch=p, roll=r), size=64)[1].faces[0] for y, p, r in poses]
    found = np.array([align.pose(truth.landmarks_xy) for truth in truths])
    error = np.abs(found - np.array(poses))
    assert error[:, 0].max() < 5 and error[:, 1].max() < 9 and error[:, 2].max() < 4, found.round(1)
    assert found[3, 1] - found[4, 1] == pytest.approx(28, abs=8)  # what is constant for a head goes out


def test_one_nod_more_is_never_a_jump():
    pitch = [align.pose(turned(10, p, 0) * [1, 0.9])[1] for p in range(-24, 25, 2)]  # a short face
    steps = np.diff(pitch)
    assert (steps > 0.5).all() and (steps < 4).all()


def test_what_is_no_face_has_no_pose():
    for bad in (np.ones((68, 2)), np.full((68, 2), np.nan)):
        with pytest.raises(ValueError):
            align.pose(bad)
