"""The detectors: one contract over the table, then what is particular to each."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from swapcore import detect, studio


@pytest.fixture(scope="module")
def scene():
    """A synthetic actor, (320, 320, 3) BGR, and its landmarks."""
    picture, truth = studio.render(studio.actor_named("bob"), studio.Frame(yaw=8), size=320)
    return picture, truth.faces[0].landmarks_xy


@pytest.mark.parametrize("name", detect.DETECTORS)
@pytest.mark.parametrize("scale", [0.5, 1, 3.7])
def test_detectors_find_a_face_where_it_is(name, scale, scene):
    picture, truth = scene
    frame = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    boxes_xyxy, scores = detect.DETECTORS[name](detect_size=320, min_score=0.0)(frame)
    assert boxes_xyxy.dtype == scores.dtype == np.float32 and boxes_xyxy.shape == (1, 4) and scores.shape == (1,)
    assert scores[0] > 0
    assert detect.overlap(boxes_xyxy, detect.box_around((truth + 0.5) * scale - 0.5))[0, 0] > 0.6


def test_hog_looks_again_for_smaller_faces(scene):
    small = cv2.resize(scene[0], None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    frame = cv2.copyMakeBorder(small, 100, 100, 20, 256, cv2.BORDER_CONSTANT, value=(80, 80, 80))
    truth = (scene[1] + 0.5) * 0.4 - 0.5 + [20, 100]
    boxes_xyxy, _ = detect.hog(detect_size=404, min_score=0.0)(frame)
    assert len(boxes_xyxy) == 1 and detect.overlap(boxes_xyxy, detect.box_around(truth))[0, 0] > 0.6
    assert not len(detect.hog(detect_size=150, min_score=0.0)(frame)[0])


@pytest.mark.parametrize("name", detect.DETECTORS)
def test_detectors_find_nothing_where_nothing_is(name):
    detector = detect.DETECTORS[name](detect_size=320, min_score=0.0)
    for frame in (np.zeros((240, 320, 3), np.uint8), np.full((1, 1, 3), 9, np.uint8), np.zeros((3, 900, 3), np.uint8)):
        boxes_xyxy, scores = detector(frame)
        assert boxes_xyxy.shape == (0, 4) and scores.shape == (0,)


@pytest.mark.parametrize("name", detect.DETECTORS)
def test_min_score_only_leaves_out(name, scene):
    frame = scene[0]
    all_boxes, scores = detect.DETECTORS[name](detect_size=640, min_score=-0.8)(frame)
    assert all(a >= b for a, b in pairwise(scores))
    kept, _ = detect.DETECTORS[name](detect_size=640, min_score=float(scores[0]) + 0.01)(frame)
    assert len(all_boxes) and not len(kept)
