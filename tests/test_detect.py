from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_align import face

from swapcore import align, detect, nets, studio
from swapcore.detect.landmarks import MIRRORED

WIDTH, HEIGHT = 400, 240
FACE = 60  # width of a made-up face, pixels
boxes = st.tuples(*[st.floats(-50, 50)] * 2, *[st.floats(0.1, 80)] * 2).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


# geometry


@given(a=st.lists(boxes, max_size=4), b=st.lists(boxes, max_size=4))
def test_overlap_is_a_share_the_same_both_ways(a, b):
    found = detect.overlap(np.array(a), np.array(b))
    assert found.shape == (len(a), len(b)) and found.dtype == np.float32
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found, detect.overlap(np.array(b), np.array(a)).T)
    np.testing.assert_allclose(np.diag(detect.overlap(np.array(a), np.array(a))), 1, rtol=1e-4)


def test_overlap_of_known_boxes():
    assert detect.overlap([(0, 0, 2, 2)], [(1, 1, 3, 3), (2, 0, 4, 2)]).tolist() == [[pytest.approx(1 / 7), 0]]


@pytest.mark.parametrize("degrees", [-130, -20, 0, 45])
def test_box_and_lean_of_a_face(degrees):
    landmarks = face(100, 80, 50, degrees)
    box = detect.box_around(landmarks)
    assert box[2] - box[0] == pytest.approx(50 * detect.BOX_SIDE, rel=1e-3)
    down = 50 * detect.BOX_DOWN * np.array([-np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))])
    np.testing.assert_allclose((box[:2] + box[2:]) / 2, down + [100, 80], atol=0.05)
    assert detect.lean(landmarks) == pytest.approx(degrees, abs=0.1)


# landmarks on a synthetic actor


@pytest.fixture(scope="module")
def scene():
    picture, truth = studio.render(studio.actor_named("bob"), studio.Frame(yaw=8), size=320)
    return picture, truth.faces[0].landmarks_xy


@pytest.fixture(scope="module")
def fit():
    return detect.fitter(nets.model_path("landmarks"))


def error(found: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance of landmarks, shares of the distance between the outer corners of the eyes."""
    return float(np.linalg.norm(found - truth, axis=1).mean() / np.linalg.norm(truth[36] - truth[45]))


def test_landmarks_are_near_the_truth(scene, fit):
    picture, truth = scene
    assert error(detect.locate(detect.grey(picture), detect.box_around(truth) + 6, fit), truth) < 0.06


def test_landmarks_have_their_partners_across_the_face():
    assert (MIRRORED[MIRRORED] == np.arange(68)).all()
    across = np.concatenate([np.zeros((17, 2)), align.TEMPLATE_XY])[MIRRORED][17:] * [-1, 1]
    np.testing.assert_allclose(across, align.TEMPLATE_XY, atol=1e-9)
    jaw = np.arange(17)
    assert (MIRRORED[jaw] == jaw[::-1]).all()


@pytest.mark.parametrize("degrees", [-75, 40, 160])
def test_landmarks_follow_a_rotated_picture(degrees, scene, fit):
    frame, truth = detect.grey(scene[0]), scene[1]
    upright = fit(frame, detect.box_around(truth), 0.0)
    matrix = cv2.getRotationMatrix2D((160, 160), -degrees, 1.0)
    rotated = cv2.warpAffine(frame, matrix, (320, 320), borderMode=cv2.BORDER_REPLICATE)
    centre = matrix[:, :2] @ detect.box_around(truth).reshape(2, 2).mean(0) + matrix[:, 2]
    half = np.ptp(detect.box_around(truth)[::2]) / 2
    found = fit(rotated, np.concatenate([centre - half, centre + half]), degrees)
    assert error(found, upright @ matrix[:, :2].T + matrix[:, 2]) < 0.03


def test_landmarks_are_finer_than_pixels(scene, fit):
    small = cv2.resize(detect.grey(scene[0]), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    truth = (scene[1] + 0.5) / 4 - 0.5
    found = fit(small, detect.box_around(truth), 0.0)
    assert np.abs(found - found.round()).mean() > 0.1
    assert error(found, truth) < 0.09


# smoothing


def path(frames, jitter, seed=0, speed=0.0):
    noise = np.random.default_rng(seed).normal(0, jitter, (len(frames), 68, 2))
    return face(200, 100, 100) + noise + np.array(frames)[:, None, None] * [speed, speed / 2]


def test_jitter_goes():
    frames = np.arange(60)
    raw = path(frames, 0.5)
    smooth = detect.smooth(raw, frames)
    assert smooth.shape == raw.shape and smooth.dtype == np.float32
    assert np.diff(smooth, 2, axis=0).std() < 0.2 * np.diff(raw, 2, axis=0).std()
    assert (smooth - path(frames, 0)).std() < 0.6 * 0.5


def test_motion_stays_without_lag():
    frames = np.arange(30)
    steady = path(frames, 0, speed=1.5)
    inner = slice(5, -5)
    np.testing.assert_allclose(detect.smooth(steady, frames)[inner], steady[inner], atol=1e-3)


def test_a_jump_is_kept():
    frames = np.arange(30)
    raw = path(frames, 0)
    raw[15:] += 30
    np.testing.assert_allclose(detect.smooth(raw, frames), raw, atol=0.05)


def test_smoothing_has_no_direction_and_no_scale():
    frames = np.array([0, 1, 2, 4, 5, 9, 10, 11, 12])
    raw = path(frames, 0.8, seed=3, speed=0.4)
    smooth = detect.smooth(raw, frames)
    np.testing.assert_allclose(detect.smooth(raw[::-1], 12 - frames[::-1])[::-1], smooth, atol=1e-3)
    np.testing.assert_allclose(detect.smooth(raw * 7 + 500, frames), smooth * 7 + 500, atol=1e-2)


def test_faces_far_apart_in_time_do_not_mix():
    raw = path([0, 1], 2.0, seed=5)
    np.testing.assert_allclose(detect.smooth(raw, np.array([0, 60])), raw, atol=1e-3)
    assert np.abs(detect.smooth(raw, np.array([0, 1])) - raw).max() > 0.1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_tracks(count):
    raw = path(np.arange(count), 0.0)
    np.testing.assert_allclose(detect.smooth(raw, np.arange(count)), raw, atol=1e-3)
