from __future__ import annotations

import functools
import importlib.util
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swapcore import detect, nets, studio, video
from swapcore.errors import SwapError
from swapcore.nets import detector, identity, spec

READ = {"identity": lambda data: spec.identity(data), "detector": lambda data: spec.detector(data)[1]}
LAYERS = {"identity": 109, "detector": 20}
# offsets of bytes that are not weights: the head, what stands around the first layers, the tail
BOOKKEEPING = {
    "identity": [*range(345), *range(19250, 19400), *range(19645, 19830), *range(-120, 0)],
    "detector": [*range(170), *range(5020, 5130), *range(5560, 5700), *range(-120, 0)],
}


@functools.cache
def file(name):
    return nets.model_path(name).read_bytes()


@pytest.fixture(scope="module")
def session():
    return nets.identity_session(threads=1)


@pytest.fixture(scope="module")
def finder():
    return nets.detector_session(threads=1)


def chip(seed=0):
    """A chip of soft and hard noise, (150, 150, 3) uint8."""
    rng = np.random.default_rng(seed)
    soft = cv2.resize(rng.uniform(0, 255, (9, 9, 3)).astype(np.float32), (150, 150), interpolation=cv2.INTER_CUBIC)
    return np.clip(soft + rng.normal(0, 8, soft.shape), 0, 255).astype(np.uint8)


def test_files_are_found_without_an_import():
    assert all(nets.model_path(name).is_file() for name in spec.FILES)
    assert "face_recognition_models" not in sys.modules


def test_a_missing_package_is_said(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SwapError, match="install the package face_recognition_models"):
        nets.model_path("identity")


def counts(layers):
    kinds = [layer.kind for layer in layers]
    return {kind: kinds.count(kind) for kind in set(kinds)}


def test_every_layer_is_read():
    found = spec.identity(file("identity"))
    assert counts(found) == {
        "input": 1,
        "con": 29,
        "affine": 29,
        "relu": 29,
        "add": 14,
        "max_pool": 1,
        "avg_pool": 5,
        "fc": 1,
    }
    assert found[1].weights.shape == (32, 3, 7, 7) and found[-1].weights.shape == (256, 128)
    np.testing.assert_allclose(found[0].numbers["mean_rgb"], (122.782, 117.001, 104.298), atol=1e-5)


def test_the_detector_is_read():
    scan, found = spec.detector(file("detector"))
    assert counts(found) == {"input": 1, "con": 7, "affine": 6, "relu": 6}
    assert scan.windows_wh == ((80, 80),) and (scan.padding, scan.outer_padding) == (10, 11)
    assert 0.33 < scan.most_overlap < 0.34 and scan.most_covered == 1
    assert [layer.weights.shape[0] for layer in found if layer.kind == "con"] == [16, 32, 32, 45, 45, 45, 1]


def test_embeddings_are_dlibs(session):
    import dlib

    network = dlib.face_recognition_model_v1(str(nets.model_path("identity")))
    chips = np.stack([chip(0), chip(1)])
    want = [np.array(network.compute_face_descriptor(np.ascontiguousarray(c[..., ::-1]))) for c in chips]
    got = session.run(None, {"faces": chips})[0]
    assert got.dtype == np.float32 and np.linalg.norm(got[0] - got[1]) > 0.05
    np.testing.assert_allclose(got, want, atol=1e-5)


def test_a_face_does_not_depend_on_its_batch(session):
    chips = np.stack([chip(k) for k in range(5)])
    alone = [session.run(None, {"faces": c[None]})[0][0] for c in chips]
    np.testing.assert_allclose(session.run(None, {"faces": chips})[0], alone, atol=1e-6)


def test_shapes_are_declared(session):
    [faces], [embeddings] = session.get_inputs(), session.get_outputs()
    assert (faces.shape, faces.type) == (["n", 150, 150, 3], "tensor(uint8)")
    assert (embeddings.shape, embeddings.type) == (["n", 128], "tensor(float)")


@pytest.mark.parametrize("read", READ.values(), ids=READ)
@pytest.mark.parametrize("wrong", [b"", b"\x01\x01", b"no network at all", bytes(1000), b"\xff" * 1000])
def test_what_is_no_network_is_refused(read, wrong):
    with pytest.raises(SwapError, match="expected a network saved by dlib"):
        read(wrong)


@pytest.mark.parametrize("name", READ)
def test_another_network_is_refused(name):
    data, read = file(name), READ[name]
    for other in (nets.model_path("landmarks").read_bytes()[:100_000], *(file(k) for k in READ if k != name)):
        with pytest.raises(SwapError, match=f"{name} network"):
            read(other)
    with pytest.raises(SwapError, match="where a number begins"):
        read(data + b"\0")
    with pytest.raises(SwapError, match="not finite"):
        at = {"identity": 400, "detector": 401}[name]  # where a weight begins
        read(data[:at] + b"\0\0\xc0\x7f" * 4 + data[at + 16 :])


@pytest.mark.parametrize("name", READ)
@given(share=st.floats(0, 1))
def test_a_part_of_the_file_is_refused(name, share):
    with pytest.raises(SwapError):
        READ[name](file(name)[: int(share * (len(file(name)) - 1))])


@pytest.mark.parametrize("name", READ)
@given(draw=st.data())
def test_a_wrong_byte_gives_no_other_error(name, draw):
    data = bytearray(file(name))
    data[draw.draw(st.sampled_from(BOOKKEEPING[name]))] = draw.draw(st.integers(0, 255))
    try:
        layers = READ[name](bytes(data))
    except SwapError:
        return
    assert len(layers) == LAYERS[name]  # a byte of a number that nobody uses, or of a stride


@pytest.mark.parametrize(
    ("name", "model"), [("identity", identity.identity_model), ("detector", detector.detector_model)]
)
def test_layers_that_do_not_fit_together_are_refused(name, model):
    layers = READ[name](file(name))
    for wrong in (
        layers[:-1],
        [*layers, layers[-1]],
        [*layers[:2], *layers[3:]],
        [layers[0], *layers[4:]],
        [*layers[:5], layers[-2], layers[-1]],
    ):
        with pytest.raises(SwapError, match=f"expected dlib's {name} network"):
            model(wrong)


# the detector


@pytest.fixture(scope="module")
def pictures():
    """Two actors side by side, and one alone."""
    faces = [
        studio.render(studio.actor_named(name), studio.Frame(yaw=yaw), size=220)[0]
        for name, yaw in (("bob", 8), ("ann", -30))
    ]
    return [np.hstack(faces), faces[0]]


def same_faces(frame_bgr, finder):
    """Compare with dlib; how many faces, the least overlap, the largest difference of scores."""
    import dlib

    reference = dlib.cnn_face_detection_model_v1(str(nets.model_path("detector")))
    found = reference(np.ascontiguousarray(frame_bgr[..., ::-1]), 0)
    edges = [(f.rect.left() - 0.5, f.rect.top() - 0.5, f.rect.right() + 0.5, f.rect.bottom() + 0.5) for f in found]
    boxes_xyxy, scores = nets.find_faces(frame_bgr, finder)
    assert boxes_xyxy.dtype == scores.dtype == np.float32 and len(boxes_xyxy) == len(scores) == len(found)
    likeness = detect.overlap(np.array(edges).reshape(-1, 4), boxes_xyxy)
    differences = np.array([f.confidence for f in found]) - scores[likeness.argmax(1)]
    assert sorted(likeness.argmax(1)) == list(range(len(found))) and (likeness.max(1) > 0.95).all()
    assert np.abs(differences).max() < 1e-3
    return len(found)


def test_the_same_faces_as_dlib(pictures, finder):
    assert same_faces(pictures[0], finder) == 2
    assert same_faces(cv2.resize(pictures[1], (171, 240)), finder) == 1


@pytest.mark.parametrize(("clip", "number", "scale"), [("clip_a", 100, 0.6), ("clip_c", 300, 0.5), ("crowd", 60, 0.4)])
def test_the_same_faces_as_dlib_on_footage(footage, finder, clip, number, scale):
    frames, info = video.index(
        footage / f"{clip}.mp4",
        name="x",
        start=None,
        end=(number + 1) / 30,
        shot_threshold=30,
        duplicate_threshold=0.05,
    )
    ((_, frame),) = video.decode(footage / f"{clip}.mp4", frames, info, wanted={number})
    frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    assert same_faces(frame, finder) == (2 if clip == "crowd" else 1)


@settings(max_examples=50)
@given(width=st.integers(1, 700), height=st.integers(1, 700), tile=st.sampled_from([(0, 1), (0, 2), (1, 2)]))
def test_levels_have_their_places(finder, width, height, tile):
    first, step = tile
    levels, (across, down) = detector.lay_out(width, height, finder.scan, first=first, step=step)
    if not levels:
        assert first and min(width, height) < 6 and (across, down) == (0, 0)
        return
    assert levels[0][:3] == (first, 11, 11) and across == levels[0].width + 22
    assert levels[0][3:] == ((width, height) if not first else (5 * width // 6, 5 * height // 6))
    used = np.zeros((down, across), int)
    for level, before in zip(levels[1:], levels, strict=False):
        assert level.number == before.number + step and level.height >= detector.SMALLEST_LEVEL
        assert abs(level.width - width * (5 / 6) ** level.number) < 6
    for level in levels:
        used[level.y : level.y + level.height, level.x : level.x + level.width] += 1
    assert used.max() == 1 and used.sum() == sum(level.width * level.height for level in levels)
    assert not used[:11].any() and not used[-11:].any() and not used[:, :11].any() and not used[:, -11:].any()


def test_the_places_of_a_small_frame_are_dlibs(finder):
    levels, size = detector.lay_out(39, 54, finder.scan)
    below = [
        (11, 11, 39, 54),
        (11, 75, 32, 45),
        (11, 130, 26, 37),
        (11, 177, 21, 30),
        (11, 217, 17, 25),
        (11, 252, 14, 20),
    ]
    beside = [(39, 256, 11, 16), (41, 233, 9, 13), (43, 213, 7, 10), (45, 195, 5, 8), (46, 179, 4, 6), (47, 164, 3, 5)]
    assert [level[1:] for level in levels] == below + beside and size == (61, 283)


def test_the_pyramid_is_reduced_corner_to_corner(finder):
    frame = chip(3)[:90, :120]
    levels, size = detector.lay_out(120, 90, finder.scan)
    tile = detector.pyramid(frame, levels, size, finder.mean_bgr)
    first, second = (tile[k.y : k.y + k.height, k.x : k.x + k.width] for k in levels[:2])
    np.testing.assert_array_equal(first, frame)
    np.testing.assert_allclose(second[[0, 0, -1, -1], [0, -1, 0, -1]], frame[[0, 0, -1, -1], [0, -1, 0, -1]], atol=1e-3)
    at = np.array([37 * 119 / 99, 20 * 89 / 74])
    (x, y), (right, lower) = at.astype(int), at % 1
    wanted = (frame[y, x] * (1 - right) + frame[y, x + 1] * right) * (1 - lower)
    wanted = wanted + (frame[y + 1, x] * (1 - right) + frame[y + 1, x + 1] * right) * lower
    np.testing.assert_allclose(second[20, 37], wanted, atol=1e-2)
    np.testing.assert_allclose(tile[0, 0], (104.298, 117.001, 122.782), atol=1e-4)
    places = {level.number: level for level in levels}
    for level in detector.lay_out(120, 90, finder.scan, step=2)[0]:
        assert (level.width, level.height) == places[level.number][3:]


def test_cells_become_boxes(finder):
    levels, _ = detector.lay_out(300, 200, finder.scan)
    scores = np.full((1, 60, 38), -1.0, np.float32)
    scores[0, 10, 5] = 0.75  # in the first level, at (54, 94)
    scores[0, 11, 6] = 0.5  # the same face
    scores[0, 12, 20] = 1.0
    scores[0, 40, 10] = 0.25  # in the second, which begins at (11, 221)
    assert levels[1][:3] == (1, 11, 221)
    corners, found = detector.apart(*detector.cells(scores, levels, finder.scan, 0.0), finder.scan)
    second = (np.array([94, 334] * 2) - [11, 221] * 2 + np.array([-39.5, -39.5, 39.5, 39.5])) * 1.2 + 0.3
    np.testing.assert_allclose(corners, [(123.5, 59.5, 202.5, 138.5), (3.5, 43.5, 82.5, 122.5), second], atol=1e-9)
    assert found.tolist() == [1.0, 0.75, 0.25]
    assert sorted(detector.cells(scores, levels, finder.scan, 0.6)[1]) == [0.75, 1.0]


class Counted:
    """A session that counts its runs."""

    def __init__(self, session):
        self.session, self.runs = session, 0

    def run(self, *args):
        self.runs += 1
        return self.session.run(*args)


def test_every_second_level_is_enough_for_clear_faces(pictures, finder):
    counted = Counted(finder.session)
    every, _ = nets.find_faces(pictures[0], finder)
    second, scores = nets.find_faces(pictures[0], finder._replace(session=counted), thorough=False)
    assert detect.overlap(every, second).max(1).min() > 0.6 and (scores > 0.9).all() and counted.runs == 1


def test_the_other_levels_are_looked_at_for_a_doubtful_face(finder):
    counted = Counted(finder.session)
    frame = studio.Frame(occluder=studio.Occluder("box", 0, -75))
    picture, _ = studio.render(studio.actor_named("bob"), frame, size=260)
    _, wanted = nets.find_faces(picture, finder, min_score=-1.0)
    _, scores = nets.find_faces(picture, finder._replace(session=counted), min_score=-1.0, thorough=False)
    assert counted.runs == 2 and detector.DOUBT[0] < wanted[0] < detector.DOUBT[1]
    assert scores[0] >= wanted[0] - 0.1


def test_pictures_too_small_for_a_face(finder):
    for shape in ((1, 1), (3, 900), (40, 6), (7, 7)):
        boxes_xyxy, scores = nets.find_faces(np.full((*shape, 3), 90, np.uint8), finder)
        assert boxes_xyxy.shape == (0, 4) and scores.shape == (0,)
