"""The detectors: one contract over the table, then what is particular to each."""

from __future__ import annotations

import functools
import json
from itertools import pairwise

import cv2
import numpy as np
import pytest

from swapcore import config, detect, nets, studio, video
from swapcore.errors import SwapError
from swapcore.nets import identity, spec

SIZE = 320  # of the scene, pixels


@functools.cache
def scene(yaw=8.0, name="bob", roll=0.0):
    """A synthetic actor, (320, 320, 3) BGR, and its landmarks."""
    picture, truth = studio.render(studio.actor_named(name), studio.Frame(yaw=yaw, roll=roll), size=SIZE)
    return picture, truth.faces[0].landmarks_xy


@functools.cache
def network(*, short=0, leave_out=""):
    """A network with YuNet's inputs and outputs that knows one face: the scene's, by correlation with its middle.

    `short`: cells that are missing at stride 16; `leave_out`: an output that is missing.
    """
    from onnx import TensorProto, helper, numpy_helper

    picture, landmarks_xy = scene()
    x, y = (landmarks_xy[17:].mean(0) / 8).astype(int) - 4  # first cell of a piece of 8 x 8 cells
    piece = picture[8 * y : 8 * y + 64, 8 * x : 8 * x + 64].astype(np.float32)
    kernel = (piece - cv2.GaussianBlur(piece, (0, 0), 4)).transpose(
        2, 0, 1
    )  # edges alone, so that light does not count
    kernel -= kernel.mean((1, 2), keepdims=True)
    points = [landmarks_xy[36:42].mean(0), landmarks_xy[42:48].mean(0), *landmarks_xy[[30, 48, 54]]]
    nodes, constants, outputs = [], [], []

    def constant(name, values, dtype=np.float32):
        constants.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    for stride in (8, 16, 32):
        weights, bias = np.zeros((16, 3, 64, 64), np.float32), np.zeros(16, np.float32)
        if stride == 8:
            weights[0], bias[0] = 2 * kernel / (kernel * piece.transpose(2, 0, 1)).sum(), -1
            bias[1:6] = 1, 4, 4, np.log(15), np.log(15)
            bias[6:] = ((np.array(points) - (8 * x, 8 * y)) / 8).ravel()
        before = {"pads": [0, 0, 64 - stride, 64 - stride], "strides": [stride] * 2, "kernel_shape": [64, 64]}
        names = [constant(f"w{stride}", weights), constant(f"b{stride}", bias)]
        nodes.append(helper.make_node("Conv", ["input", *names], [f"x{stride}"], **before))
        nodes.append(helper.make_node("Transpose", [f"x{stride}"], [f"y{stride}"], perm=[0, 2, 3, 1]))
        parts = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
        split = [f"y{stride}", constant(f"s{stride}", list(parts.values()), np.int64)]
        nodes.append(helper.make_node("Split", split, [f"{part}{stride}" for part in parts], axis=3))
        for part, count in parts.items():
            shape = constant(f"r{part}{stride}", [1, -1, count], np.int64)
            end = f"{part}_{stride}"
            nodes.append(helper.make_node("Reshape", [f"{part}{stride}", shape], [f"long_{end}"]))
            ends = [constant(f"{k}_{end}", v, np.int64) for k, v in (("a", [0]), ("z", [-short or 9999]), ("k", [1]))]
            nodes.append(helper.make_node("Slice", [f"long_{end}", *ends], [end]))
            if end != leave_out:
                outputs.append(helper.make_tensor_value_info(end, TensorProto.FLOAT, [1, f"n{stride}", count]))
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, "h", "w"])]
    graph = helper.make_graph(nodes, "yunet", inputs, outputs, constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return made.SerializeToString()


@functools.cache
def fitter():
    return detect.fitter(nets.model_path("landmarks"))


def made(name, *, detect_size=SIZE, min_score=0.0):
    return detect.DETECTORS[name](
        detect_size=detect_size, min_score=min_score, threads=1, model=network() if name == "yunet" else b""
    )


def placed(picture, landmarks_xy, *, face, frame_wh):
    """A picture made so small that its face's box has this width, on a grey frame; and the face's box."""
    box = detect.box_around(landmarks_xy)
    scale = face / (box[2] - box[0])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    frame = np.full((frame_wh[1], frame_wh[0], 3), 80, np.uint8)
    frame[37 : 37 + len(small), 50 : 50 + small.shape[1]] = small
    return frame, (box + 0.5) * scale - 0.5 + np.tile([50, 37], 2)


# the contract


@pytest.mark.parametrize("name", detect.DETECTORS)
@pytest.mark.parametrize("scale", [0.5, 1, 3.7])
def test_a_face_is_found_where_it_is(name, scale):
    picture, truth = scene()
    frame = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    boxes_xyxy, scores = made(name)(frame)
    assert boxes_xyxy.dtype == scores.dtype == np.float32 and boxes_xyxy.shape == (1, 4) and scores.shape == (1,)
    assert scores[0] > 0.5
    assert detect.overlap(boxes_xyxy, detect.box_around((truth + 0.5) * scale - 0.5))[0, 0] > 0.6


@pytest.mark.parametrize("name", detect.DETECTORS)
def test_nothing_is_found_where_nothing_is(name):
    detector = made(name)
    for shape in ((240, 320), (1, 1), (3, 900), (900, 2)):
        boxes_xyxy, scores = detector(np.full((*shape, 3), 9, np.uint8))
        assert boxes_xyxy.shape == (0, 4) and scores.shape == (0,)
        assert boxes_xyxy.dtype == scores.dtype == np.float32


@pytest.mark.parametrize("name", detect.DETECTORS)
def test_min_score_only_leaves_out(name):
    boxes_xyxy, scores = made(name, min_score=-0.65)(scene()[0])
    assert len(boxes_xyxy) and all(a >= b for a, b in pairwise(scores))
    kept, _ = made(name, min_score=float(scores[0]) + 0.01)(scene()[0])
    assert not len(kept)


@pytest.mark.parametrize("name", detect.DETECTORS)
def test_the_frame_is_left_as_it_is(name):
    frame = scene()[0].copy()
    frame.setflags(write=False)
    first, second = (made(name)(frame)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


# the default


@functools.cache
def default(**settings):
    s = config.parse("faces", json.dumps(settings))
    scale = detect.SMALL_SCALE if s.small_faces else 1
    return detect.DETECTORS[s.detector](detect_size=s.detect_size * scale, min_score=s.min_score)


@pytest.mark.parametrize("yaw", [-80, -70, 70, 80])
def test_the_default_finds_profiles(yaw):
    picture, truth = scene(float(yaw), "ann")
    boxes_xyxy, scores = default()(picture)
    assert len(boxes_xyxy) == 1 and scores[0] > 0.5
    middle = (truth.min(0) + truth.max(0)) / 2
    assert (boxes_xyxy[0, :2] < middle).all() and (middle < boxes_xyxy[0, 2:]).all()
    assert not len(made("hog")(picture)[0])


@pytest.mark.parametrize(
    ("name", "yaw", "roll"),
    [
        ("bob", 0, 0),
        ("bob", -50, 0),
        ("ann", -45, 0),
        ("ann", 50, 0),
        ("ann", 0, 60),
        ("bob", 10, -90),
        ("bob", -30, 15),
    ],
)
def test_landmarks_of_a_turned_or_leaning_head_are_found_from_the_defaults_box(name, yaw, roll):
    picture, truth = scene(float(yaw), name, float(roll))
    landmarks = detect.locate(detect.grey(picture), default()(picture)[0][0], fitter())
    assert np.linalg.norm(landmarks - truth, axis=1).mean() < 0.08 * np.ptp(truth, axis=0).max()


def test_the_default_finds_a_covered_face():
    for cover in (studio.Occluder("box", 40, 0), studio.Occluder("box", 0, -100), studio.Occluder("hand", -30, -90)):
        picture, _ = studio.render(studio.actor_named("bob"), studio.Frame(occluder=cover), size=SIZE)
        boxes_xyxy, scores = default()(picture)
        assert len(boxes_xyxy) == 1 and scores[0] > 0.5


def test_the_default_finds_faces_of_an_eighth_of_the_frame():
    for width, settings in ((8 * 70, {}), (8 * 140, {}), (16 * 70, {"small_faces": True})):
        face = width / (16 if settings else 8) * 1.02
        frame, box = placed(*scene(), face=face, frame_wh=(width, width // 2))
        boxes_xyxy, _ = default(**settings)(frame)
        assert len(boxes_xyxy) == 1 and detect.overlap(boxes_xyxy, box)[0, 0] > 0.5
    assert not len(default()(frame)[0])


def test_the_default_finds_the_faces_of_the_footage_and_nothing_else(footage):
    for clip, people in (("clip_a", 1), ("clip_b", 1), ("clip_c", 1), ("crowd", 2)):
        path = footage / f"{clip}.mp4"
        frames, info = video.index(path, name="x", start=None, end=2.0, shot_threshold=30, duplicate_threshold=0.05)
        for _, frame in video.decode(path, frames, info, wanted={5, 25, 45}):
            assert len(default(min_score=-0.6)(frame)[0]) == people


# HOG


def test_hog_looks_again_for_smaller_faces():
    frame, box = placed(*scene(), face=60, frame_wh=(404, 328))
    boxes_xyxy, _ = made("hog", detect_size=404)(frame)
    assert len(boxes_xyxy) == 1 and detect.overlap(boxes_xyxy, box)[0, 0] > 0.6
    assert not len(made("hog", detect_size=150)(frame)[0])


# YuNet


def test_yunet_boxes_are_drawn_around_its_points():
    picture, truth = scene()
    boxes_xyxy, scores = made("yunet")(picture)
    assert detect.overlap(boxes_xyxy, detect.box_around(truth))[0, 0] > 0.9 and 0.9 < scores[0] <= 1
    moved = np.roll(picture, (-24, 16), (0, 1))
    np.testing.assert_allclose(made("yunet")(moved)[0] - boxes_xyxy, [[16, -24, 16, -24]], atol=1e-3)


@pytest.mark.parametrize(
    "model",
    [
        lambda: b"",
        lambda: b"no network",
        lambda: network()[:-2000],
        lambda: network(leave_out="kps_16"),
        lambda: network(short=1),
        lambda: identity.identity_model(spec.identity(nets.model_path("identity").read_bytes())),
    ],
    ids=["empty", "text", "cut off", "an output missing", "outputs too short", "another network"],
)
def test_what_is_not_yunet_is_one_clear_line(model, capfd):
    with pytest.raises(
        SwapError, match=r"faces.detector_file: expected YuNet as an ONNX file .* detector cnn"
    ) as error:
        detect.yunet(detect_size=SIZE, min_score=0.0, model=model())
    assert "\n" not in str(error.value) and len(str(error.value)) < 400
    assert not capfd.readouterr().err
