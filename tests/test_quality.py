from __future__ import annotations

import dataclasses
import functools
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_align import MIRROR, face, turned

from swapcore import align, detect, quality, studio, types

SIZE = 256
MATRIX = np.array([[1, 0, 0], [0, 1, 0]], np.float32)


def about(crop: np.ndarray, width: float = 96.0):
    """A crop with a face of this width in its middle, as scores take it."""
    landmarks = face((SIZE - 1) / 2, (SIZE - 1) / 2, width).astype(np.float32)
    return crop, landmarks, detect.box_around(landmarks), MATRIX


def noise(seed=0) -> np.ndarray:
    rough = np.random.default_rng(seed).uniform(0, 255, (SIZE, SIZE, 1)).astype(np.float32)
    return np.repeat(np.clip(cv2.GaussianBlur(rough, (0, 0), 1.5)[..., None] * 2 - 128, 0, 255), 3, 2).astype(np.uint8)


# the family


@pytest.mark.parametrize("name", quality.SCORES)
@pytest.mark.parametrize("crop", [np.zeros((SIZE, SIZE, 3), np.uint8), noise()], ids=["black", "noise"])
@pytest.mark.parametrize("shift", [0, 90, 400])
def test_every_score_is_a_number_wherever_the_face_is(name, crop, shift):
    landmarks = face(127 + shift, 127, 100, 30).astype(np.float32)
    value = quality.SCORES[name](quality.view(crop, landmarks, detect.box_around(landmarks), MATRIX))
    assert isinstance(value, float) and np.isfinite(value)


def test_all_scores_at_once_are_the_same():
    seen = quality.view(*about(noise()))
    assert quality.scores(*about(noise())) == {name: score(seen) for name, score in quality.SCORES.items()}


def test_every_score_is_a_column_with_its_meaning():
    names = [f.name for f in dataclasses.fields(types.Measured) if f.name != "thumb"]
    assert names == list(quality.SCORES)
    for score in quality.SCORES.values():
        text = score.__doc__.lower()
        assert any(unit in text for unit in ("per cent", "pixels", "degrees", "l*", "a*", "b*")), score.__name__


@pytest.mark.parametrize("size", [128, 512])
def test_a_score_hardly_depends_on_the_size_of_the_crop(size, actor_at):
    small, large = (quality.scores(*actor_at(studio.Frame(mouth=0.3), size=n)) for n in (256, size))
    for name in set(quality.SCORES) - {"size", "sharpness", "motion_blur"}:
        assert small[name] == pytest.approx(large[name], abs=max(0.12 * abs(small[name]), 3)), name


@pytest.fixture(scope="module")
def actor_at():
    """f(frame, actor="bob", size=256, change=identity): a studio face as scores take it, landmarks from the truth."""

    @functools.cache
    def rendered(actor, frame):
        return studio.render(studio.actor_named(actor), frame, size=288)

    def cut(frame, actor="bob", size=256, change=lambda picture: picture):
        picture, truth = rendered(actor, frame)
        landmarks = truth.faces[0].landmarks_xy
        matrix = align.crop_matrix(landmarks, size=size, span=0.5)
        return change(align.warp(picture, matrix, size)), landmarks, detect.box_around(landmarks), matrix

    return cut


# sharpness


@pytest.mark.parametrize("period", [6, 8, 12])
def test_sharpness_of_a_wave_is_known(period):
    x = np.arange(SIZE) - (SIZE - 1) / 2
    wave = 128 + 100 * np.sin(2 * np.pi * x / period)
    crop = np.repeat(np.tile(wave.round().astype(np.uint8), (SIZE, 1))[..., None], 3, 2)
    response = (2 - 2 * np.cos(2 * np.pi / period)) ** 2  # power of the second difference of a sine
    assert sharpness(crop, width=96) == pytest.approx(100 * response, rel=0.03)


def sharpness(crop, width=96.0):
    return quality.scores(*about(crop, width=width))["sharpness"]


def test_sharpness_falls_with_blur():
    values = [sharpness(cv2.GaussianBlur(noise(), (0, 0), s)) for s in (0.3, 1, 1.7, 2.5, 4)]
    assert all(a > 1.3 * b for a, b in pairwise(values))


def test_sharpness_does_not_depend_on_light():
    darker = (noise() * 0.4 + 20).astype(np.uint8)
    assert sharpness(darker) == pytest.approx(sharpness(noise()), rel=0.06)


def test_a_small_face_is_as_soft_as_it_will_look():
    fine = sharpness(noise(), width=100)
    small = cv2.resize(noise(), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    small = cv2.copyMakeBorder(small, 0, SIZE - len(small), 0, SIZE - len(small), cv2.BORDER_REFLECT)
    landmarks = face(50.5, 50.5, 40).astype(np.float32)
    seen = quality.view(small, landmarks, detect.box_around(landmarks), MATRIX)
    assert quality.SCORES["sharpness"](seen) < 0.7 * fine


def test_nothing_to_see_is_not_sharp():
    assert sharpness(np.full((SIZE, SIZE, 3), 90, np.uint8)) == 0


# motion blur


def smeared(crop, length, angle):
    """A crop as a camera sees it that moves by `length` pixels, degrees clockwise from the right."""
    steps = np.linspace(-length / 2, length / 2, 4 * int(length) + 1)
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    moved = [
        cv2.warpAffine(crop, np.float32([[1, 0, t * cos], [0, 1, t * sin]]), crop.shape[1::-1], borderMode=1)
        for t in steps
    ]
    return np.mean(moved, 0).round().astype(np.uint8)


@pytest.mark.parametrize(("across", "down"), [(2, 2), (2, 3.5), (4, 2)])
def test_the_smear_of_smoothed_noise_is_known(across, down):
    rough = np.random.default_rng(3).normal(0, 1, (8, 240, 240)).astype(np.float32)
    found = []
    for field in rough:
        field = cv2.GaussianBlur(field, (0, 0), sigmaX=across, sigmaY=down)
        seen = quality.view(*about(noise()))._replace(luma=128 + 400 * field[72:168, 72:168])
        found.append(quality.smear(seen)[0])
    angle = np.arange(8) * np.pi / 8
    x, y = np.hypot(across, 1.05), np.hypot(down, 1.05)  # the score's own filters smooth a little
    fine = np.log((np.cos(angle) / x) ** 2 + (np.sin(angle) / y) ** 2)  # a Gaussian's fourth over second moment
    wave = 2 * np.mean(fine * np.exp(2j * angle)) - quality.FACES_OWN
    assert np.mean(found) == pytest.approx(100 * (1 - np.exp(-2 * abs(wave))), abs=5)


@pytest.mark.parametrize("actor", ["ann", "bob", "s228"])
@pytest.mark.parametrize("angle", [0, 35, 90, 150])
def test_a_smear_is_measured_with_its_direction(actor_at, actor, angle):
    known = [
        quality.smear(quality.view(*actor_at(studio.Frame(), actor, change=lambda c, n=n: smeared(c, n, angle))))
        for n in (6, 10, 16)
    ]
    assert all(a[0] < b[0] for a, b in pairwise(known)) and known[1][0] > 42 and known[2][0] > 60
    assert abs((known[2][1] - angle + 90) % 180 - 90) < 10


@pytest.mark.parametrize("pose", [(0, 0), (25, 0), (-25, 8), (0, -12)])
def test_a_soft_or_small_face_is_not_smeared(actor_at, pose):
    frame = studio.Frame(yaw=pose[0], pitch=pose[1])
    soft = [
        lambda c: c,
        lambda c: cv2.GaussianBlur(c, (0, 0), 1.5),
        lambda c: cv2.GaussianBlur(c, (0, 0), 3.5),
        lambda c: cv2.resize(cv2.resize(c, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA), c.shape[1::-1]),
    ]
    for change in soft:
        assert quality.scores(*actor_at(frame, change=change))["motion_blur"] < 42


# light and colour


def inside(score, grey_or_bgr):
    return quality.scores(*about(np.full((SIZE, SIZE, 3), grey_or_bgr, np.uint8)))[score]


@pytest.mark.parametrize(("grey", "lightness"), [(0, 0), (119, 50), (188, 76.2), (255, 100)])  # L* of these sRGB greys
def test_exposure_of_greys_is_known(grey, lightness):
    assert inside("exposure", grey) == pytest.approx(lightness, abs=0.3)
    assert inside("contrast", grey) == pytest.approx(0, abs=1e-3)


def test_exposure_is_that_of_the_face():
    crop, landmarks, box, matrix = about(np.zeros((SIZE, SIZE, 3), np.uint8))
    crop = cv2.fillConvexPoly(crop, cv2.convexHull(landmarks.round().astype(np.int32)), (255, 255, 255))
    assert quality.scores(crop, landmarks, box, matrix)["exposure"] > 95


def test_contrast_of_two_halves_is_half_their_difference():
    crop = np.full((SIZE, SIZE, 3), 119, np.uint8)
    crop[:, SIZE // 2 :] = 188
    assert quality.scores(*about(crop))["contrast"] == pytest.approx((76.2 - 50) / 2, abs=0.3)


@pytest.mark.parametrize(
    ("bgr", "a", "b"), [((0, 0, 255), 80.1, 67.2), ((0, 255, 0), -86.2, 83.2), ((255, 0, 0), 79.2, -107.9)]
)
def test_redness_and_warmth_of_the_primaries_are_known(bgr, a, b):  # of sRGB in CIELAB, D65
    assert inside("redness", bgr) == pytest.approx(a, abs=0.5) and inside("warmth", bgr) == pytest.approx(b, abs=0.5)


# landmarks


def test_size_is_the_width_of_the_box_in_the_frame():
    crop, landmarks, _, matrix = about(noise())
    assert quality.scores(crop, landmarks, np.array([10, 20, 110.5, 300], np.float32), matrix)["size"] == 100.5


@pytest.mark.parametrize("actor", ["ann", "bob"])
@pytest.mark.parametrize(("score", "part"), [("mouth_open", "mouth"), ("eyes_open", "blink")])
def test_mouth_and_eyes_follow_the_actor(actor_at, actor, score, part):
    steps = (0, 0.25, 0.5, 0.75, 1)
    for yaw in (0, 30):
        values = [quality.scores(*actor_at(studio.Frame(yaw=yaw, **{part: v}), actor))[score] for v in steps]
        assert all(a < b for a, b in pairwise(values[::-1] if part == "blink" else values))
        if yaw == 0:
            front = values
    np.testing.assert_allclose(values, front, atol=0.15 * max(front))  # turning changes them little


def test_a_drawn_mouth_and_eye_have_the_opening_they_were_drawn_with():
    _, landmarks, box, matrix = about(noise())
    p = landmarks.copy()
    p[27], p[33] = (100, 100), (100, 150)
    for upper, lower, gap in ((61, 67, 10), (62, 66, 20), (63, 65, 15)):
        p[upper], p[lower] = (100, 180), (100, 180 + gap)
    for corner, width, gap in ((36, 40, 10), (42, 30, 6)):
        p[corner], p[corner + 3] = (50, 90), (50 + width, 90)
        for up, low in ((1, 5), (2, 4)):
            p[corner + up], p[corner + low] = (60, 90), (60, 90 + gap)
    found = quality.scores(noise(), p, box, matrix)
    assert found["mouth_open"] == pytest.approx(30) and found["eyes_open"] == pytest.approx(20)


@pytest.mark.parametrize("actor", ["ann", "bob", "s205", "s222", "s228"])
def test_landmarks_that_sit_aside_are_noticed(actor_at, actor):
    placed, worst = [], []
    for frame in (studio.Frame(), studio.Frame(yaw=25, mouth=0.5), studio.Frame(pitch=10, blink=1)):
        crop, landmarks, box, matrix = actor_at(frame, actor)
        placed.append(quality.scores(crop, landmarks, box, matrix)["misalignment"])
        width = np.linalg.norm(landmarks[26] - landmarks[17])
        for angle in np.arange(8) * np.pi / 4:
            aside = landmarks + 0.35 * width * np.array([np.cos(angle), np.sin(angle)], np.float32)
            worst.append(quality.scores(crop, aside, box, matrix)["misalignment"])
    assert max(placed) < 85 and np.mean(worst) > 93 and np.mean(np.array(worst) > max(placed)) > 0.9


def test_no_face_at_all_is_misaligned():
    values = [quality.scores(*about(noise(seed)))["misalignment"] for seed in range(5)]
    assert min(values) > 85


@pytest.mark.parametrize("actor", ["ann", "bob", "s256"])
def test_a_thing_before_the_face_is_noticed(actor_at, actor):
    """Beside the same face without it: stubble counts too, a tenth of bob's."""
    free, *hidden = (
        quality.scores(*actor_at(studio.Frame(occluder=thing), actor))["occlusion"]
        for thing in (None, *(studio.Occluder("box", 20, y, 0.4) for y in (-105, -90)))
    )
    assert free < 16 and min(hidden) > max(2 * free, 14)


@pytest.mark.parametrize("side", [1, -1])
def test_occlusion_of_a_plain_face_is_the_share_that_is_painted_over(side):
    lab = np.full((SIZE, SIZE, 3), (65, 18, 18), np.float32)
    lab[:, : SIZE // 2] = (65, -10, -30)  # as light as the skin, so that there is no edge
    crop, landmarks, box, matrix = about(
        (255 * cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)).round().astype(np.uint8)[:, ::side]
    )
    symmetric = landmarks.copy()
    symmetric[:17] = np.stack([np.linspace(60, 195, 17), 200 - np.linspace(-8, 8, 17) ** 2], -1)
    assert quality.scores(crop, symmetric, box, matrix)["occlusion"] == pytest.approx(50, abs=3)
    grey = np.repeat(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)[..., None], 3, 2)
    assert quality.scores(grey, symmetric, box, matrix)["occlusion"] == 0  # black and white film hides nobody
    assert quality.scores(np.full_like(crop, (118, 143, 198)), symmetric, box, matrix)["occlusion"] == 0


def test_a_thumb_is_the_face_made_small():
    crop = np.full((SIZE, SIZE, 3), 40, np.uint8)
    crop[:, SIZE // 2 :] = 200
    thumb = quality.view(*about(crop)).thumb()
    assert thumb.dtype == np.uint8 and thumb.shape == (quality.THUMB, quality.THUMB)
    assert (thumb[:, :7] == 40).all() and (thumb[:, 9:] == 200).all()


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
