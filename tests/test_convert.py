"""Putting swapped faces into a frame."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import types
from argparse import Namespace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from analytic import face
from hypothesis import given, settings
from hypothesis import strategies as st

import swapcore
from swapcore import align, convert, label, store, video
from swapcore.errors import SwapError
from swapcore.types import ClipInfo, DecisionTable, Face, FaceSet, FrameTable, PeopleTable

SETTINGS = {"mask": "extended", "erode": 0.02, "soften": 0.1, "colour": "none"}
HEIGHT, WIDTH = 240, 320
RGB = video.Layout(WIDTH, HEIGHT, "gbrp", matrix=0, full_range=True)


def scene(seed: int = 1, blur: float = 6) -> np.ndarray:
    """A smooth, colourful frame, (240, 320, 3) uint8: what a crop of 64 pixels can carry without loss."""
    noise = np.random.default_rng(seed).uniform(0, 255, (HEIGHT, WIDTH, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), blur)
    return np.clip((smooth - 128) * 8 + 128, 20, 235).astype(np.uint8)


def swap(frame, faces, predict=lambda crops: crops, **changed):
    names = {f.swap for f in faces} | {"s"}
    predicts = predict if isinstance(predict, dict) else dict.fromkeys(names, predict)
    values = {
        "resolution": dict.fromkeys(names, 64),
        "centring": dict.fromkeys(names, "legacy"),
        "span": dict.fromkeys(names, 0.6),
    } | {**SETTINGS, **changed}
    before = video.from_bgr(frame, RGB)
    after, _ = convert.convert_picture(before, faces, predicts, **values)
    np.testing.assert_array_equal(shown(before), frame)  # a picture that was given is left as it is
    return frame if after is before else shown(after)


def shown(picture):
    """An RGB picture as uint8 BGR."""
    return np.stack([picture.planes[k] for k in (1, 0, 2)], -1)


def paint(colour_bgr):
    return lambda crops: np.broadcast_to(np.array(colour_bgr, np.float32), crops.shape)


def test_nothing_to_change_is_the_same_object():
    frame = scene()
    assert swap(frame, []) is frame


@pytest.mark.parametrize("mask", ["extended", "components"])
@pytest.mark.parametrize("colour", ["reinhard", "none"])
@pytest.mark.parametrize("radius", [14, 30, 60])
def test_identity_cannot_be_seen(mask, colour, radius):
    frame = scene()
    out = swap(frame, [Face(face((160, 120), radius, roll=12), "s")], mask=mask, colour=colour)
    difference = np.abs(out.astype(int) - frame)
    assert out.dtype == np.uint8 and out.shape == frame.shape
    assert difference.max() <= 6 and difference[difference > 0].mean() < 1.6


def test_identity_stays_in_place():
    """A shift of a quarter of a pixel would show."""
    frame = scene(blur=3)
    points = face((160.3, 119.6), 40, roll=-8)
    out = swap(frame, [Face(points, "s")], resolution={"s": 256}).astype(float)
    inner = np.s_[105:140, 145:175]
    dy, dx = np.gradient(frame.astype(float), axis=(0, 1))
    slopes = np.stack([dx[inner].ravel(), dy[inner].ravel()], -1)
    shift = np.linalg.lstsq(slopes, (out - frame)[inner].ravel(), rcond=None)[0]
    assert np.abs(shift).max() < 0.02


@given(
    x=st.floats(-60, 380),
    y=st.floats(-60, 300),
    radius=st.floats(3, 150),
    roll=st.floats(-180, 180),
    span=st.floats(0.3, 0.9),
    mask=st.sampled_from(["extended", "components"]),
)
@settings(max_examples=60, deadline=None)
def test_outside_the_face_no_bit_changes(x, y, radius, roll, span, mask):
    frame, points = scene(), face((x, y), radius, roll)
    before = frame.copy()
    out = swap(frame, [Face(points, "s")], paint((0, 0, 1)), span={"s": span}, mask=mask, soften=0.2)
    np.testing.assert_array_equal(frame, before)
    outline = convert.masks.MASKS[mask](points, size_hw=(HEIGHT, WIDTH)) > 0
    np.testing.assert_array_equal(out[~outline], frame[~outline])
    matrix = align.crop_matrix(points, size=64, span=span)
    y_x = np.argwhere((out != frame).any(2))
    in_crop = align.transform(y_x[:, ::-1], matrix)
    assert ((in_crop >= -0.01) & (in_crop <= 63.01)).all()


def test_the_face_is_changed_up_to_the_frames_border():
    out = swap(scene(), [Face(face((0, 120), 50), "s")], paint((0, 1, 0)))
    assert (out[120, :10] == (0, 255, 0)).all()


def test_a_crop_smaller_than_the_mask_fades():
    """A tight crop cuts the mask; its border must not show as a step."""
    frame = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    out = swap(frame, [Face(face((160, 120), 60), "s")], paint((1, 1, 1)), span={"s": 0.95}, soften=0.2)
    assert (out[120, 160] == 255).all()
    # ten pixels of edge at a face size near 100: no neighbouring pixels differ by more than a quarter of the step
    assert max(np.abs(np.diff(out[..., 0].astype(int), axis=a)).max() for a in (0, 1)) < 215 / 4


def test_the_larger_face_is_on_top_whatever_the_order():
    near, far = Face(face((150, 120), 50), "near"), Face(face((200, 120), 35), "far")
    predict = {"near": paint((1, 0, 0)), "far": paint((0, 0, 1)), "s": None}
    for faces in ([near, far], [far, near]):
        out = swap(scene(), faces, predict)
        assert (out[120, 170] == (255, 0, 0)).all() and (out[120, 215] == (0, 0, 255)).all()


def test_every_crop_comes_from_the_untouched_frame():
    seen = []

    def predict(crops):
        seen.append(crops.copy())
        return np.zeros_like(crops)

    faces = [Face(face((150, 120), 40), "s"), Face(face((170, 120), 50), "s")]
    swap(scene(), faces, predict)
    for crop, one in zip(seen, faces, strict=True):
        matrix = align.crop_matrix(one.landmarks_xy, size=64, span=0.6)
        np.testing.assert_array_equal(crop[0], align.warp(scene(), matrix, 64).astype(np.float32) / 255)
        assert crop.dtype == np.float32 and crop.shape == (1, 64, 64, 3) and 0 <= crop.min() <= crop.max() <= 1


def test_each_swap_has_its_own_resolution_and_span():
    shapes = {}

    def predict(name):
        return lambda crops: shapes.setdefault(name, crops.shape) and crops

    faces = [Face(face((80, 120), 30), "a"), Face(face((240, 120), 30), "b")]
    both = {"a": predict("a"), "b": predict("b"), "s": None}
    swap(scene(), faces, both, resolution={"a": 64, "b": 128}, span={"a": 0.6, "b": 0.5})
    assert shapes == {"a": (1, 64, 64, 3), "b": (1, 128, 128, 3)}


@pytest.mark.parametrize("centring", align.CENTRINGS)
def test_the_model_is_shown_the_crop_it_was_trained_on(centring):
    seen = []
    one = Face(face((160, 120), 40), "s")
    out = swap(scene(), [one], lambda crops: seen.append(crops) or crops, centring={"s": centring}, colour="none")
    matrix = align.crop_matrix(one.landmarks_xy, size=64, span=0.6, centring=centring)
    np.testing.assert_array_equal(seen[0][0], align.warp(scene(), matrix, 64).astype(np.float32) / 255)
    assert np.abs(out.astype(int) - scene()).mean() < 1, "and laid back where it was"


def test_colour_follows_the_target():
    frame = scene()
    tinted = lambda crops: np.clip(crops * np.array([0.9, 0.8, 0.7], np.float32), 0, 1)  # noqa: E731
    one = [Face(face((160, 120), 50), "s")]
    inner = np.s_[90:150, 140:180]
    error = {
        c: np.abs(swap(frame, one, tinted, colour=c)[inner].astype(int) - frame[inner]).mean()
        for c in ("none", "reinhard")
    }
    assert error["none"] > 15 and error["reinhard"] < error["none"] / 3


@pytest.mark.parametrize(
    "predict", [lambda crops: crops * np.nan, lambda crops: crops[:, :32], lambda crops: crops[..., :1]]
)
def test_a_model_that_gives_no_picture_is_named(predict):
    with pytest.raises(SwapError, match="swap s: expected its model to make a finite picture"):
        swap(scene(), [Face(face((160, 120), 40), "s")], predict)


# pictures in the source's own format

LAYOUTS = {
    "8 bit": video.Layout(WIDTH, HEIGHT, "yuv420p"),
    "full range": video.Layout(WIDTH, HEIGHT, "yuv420p", matrix=5, full_range=True),
    "4:2:2": video.Layout(WIDTH, HEIGHT, "yuv422p"),
    "4:1:1": video.Layout(WIDTH, HEIGHT, "yuv411p"),
    "4:4:4 deep": video.Layout(WIDTH, HEIGHT, "yuv444p12le"),
    "odd": video.Layout(WIDTH - 1, HEIGHT - 3, "yuv420p"),
    "HDR10": video.Layout(WIDTH, HEIGHT, "yuv420p10le", matrix=9, primaries=9, transfer=16),
    "HLG": video.Layout(WIDTH, HEIGHT, "yuv420p10le", matrix=9, primaries=9, transfer=18),
    "RGB": video.Layout(WIDTH, HEIGHT, "gbrp16le", matrix=0, full_range=True),
    "grey": video.Layout(WIDTH, HEIGHT, "gray"),
}
ONE = {"resolution": {"s": 96}, "centring": {"s": "legacy"}, "span": {"s": 0.6}}


def changed(name, predict, points, image=None, **settings):
    layout = LAYOUTS[name]
    image = scene(blur=5) if image is None else image
    before = video.from_bgr(image[: layout.height, : layout.width], layout)
    after, laid = convert.convert_picture(
        before, [Face(points, "s")], {"s": predict}, **ONE, **{**SETTINGS, **settings}
    )
    return before, after, laid


@pytest.mark.parametrize("colour", ["reinhard", "none"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_identity_cannot_be_seen_in_any_format(name, colour):
    image = np.clip(scene(blur=5), 40, 200)
    before, after, laid = changed(name, lambda crops: crops, face((160, 120), 50, roll=12), image, colour=colour)
    difference = np.abs(video.to_bgr(after) - video.to_bgr(before)) * 255
    assert len(laid) == 1 and laid[0].alpha.max() == 1 and difference.any(), "it was laid in"
    assert difference.max() <= 14 and difference.mean() < 0.3


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_face_has_the_colour_that_the_model_gave(name):
    wanted = np.array([0.5, 0.5, 0.5] if name == "grey" else [0.3, 0.45, 0.7], np.float32)
    _, after, laid = changed(name, paint(wanted), face((160, 120), 50))
    shown = video.to_bgr(after)[120, 160]
    curve = video.CURVES.get(LAYOUTS[name].transfer)
    assert (curve.to_screen(shown) if curve else shown) == pytest.approx(wanted, abs=0.01)
    assert laid[0].bgr.shape == (*laid[0].alpha.shape, 3)
    assert laid[0].bgr[120 - laid[0].top, 160 - laid[0].left] == pytest.approx(shown, abs=0.01)


@given(
    x=st.floats(-60, 380),
    y=st.floats(-60, 300),
    radius=st.floats(3, 150),
    roll=st.floats(-180, 180),
    name=st.sampled_from(list(LAYOUTS)),
)
@settings(max_examples=60, deadline=None)
def test_outside_the_soft_mask_no_sample_changes(x, y, radius, roll, name):
    before, after, laid = changed(name, paint((0, 0, 1)), face((x, y), radius, roll))
    layout = before.layout
    alpha = np.zeros(layout.shapes[0], np.float32)
    for one in laid:
        part = alpha[one.top : one.top + one.alpha.shape[0], one.left : one.left + one.alpha.shape[1]]
        np.maximum(part, one.alpha, out=part)
    for k, (old, new) in enumerate(zip(before.planes, after.planes, strict=True)):
        outside = video.block_means(alpha, 0, 0, layout, k)[2] == 0
        np.testing.assert_array_equal(new[outside], old[outside])


@pytest.mark.parametrize("name", ["8 bit", "HDR10", "4:1:1"])
def test_planes_stay_together(name):
    """A bright, colourful square that the model draws has its luma and its chroma in the same place."""

    def square(crops):
        made = crops.copy()
        made[:, 40:60, 30:70] = (0.2, 0.4, 0.9)
        return made

    grey = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    _, after, _ = changed(name, square, face((160.5, 120.25), 60, roll=20), grey)
    shown = video.to_bgr(after)
    ink = [np.abs(x - np.median(x)) for x in (shown @ (0.1, 0.6, 0.3), shown[..., 2] - shown[..., 0])]
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    centres = [((x * i).sum() / i.sum(), (y * i).sum() / i.sum()) for i in ink]
    assert np.abs(np.subtract(*centres)).max() < 0.8


# which faces are changed

SWAP = {"name": "lead_onto_double", "source": "lead", "target": "double"}


def texts(*values: str) -> np.ndarray:
    return np.array(values, object)


def tables(people=("double", "", "double", "other"), use=(True, True, True, True)):
    """Two frames of two faces each, whose faces they are, and the decisions on those of `double`."""
    ids, n = texts("000000_0", "000000_1", "000004_0", "000004_1"), 4
    columns = {name: np.zeros((n, *value.shape[1:])) for name, value in FaceSet.empty().columns().items()}
    frame = np.array([0, 0, 4, 4])
    marks = np.stack([face((60 + 50 * k, 100)) for k in range(n)])
    faces = FaceSet(**{**columns, "id": ids, "frame": frame, "landmarks_xy": marks, "landmarks_smooth_xy": marks + 1})
    zeros = np.zeros(n)
    whose = PeopleTable(
        **{"id": ids, "frame": frame, "track": zeros, "distance": zeros, "margin": zeros},
        **{"person": texts(*people), "nearest": texts(*people), "by": texts(*["vote"] * n)},
    )
    double = np.array(people) == "double"
    # the same ids in another clip, decided the other way round, must not count
    decided = DecisionTable(
        clip=texts(*["stunt"] * double.sum(), *["else"] * n),
        id=np.concatenate([ids[double], ids]),
        use_train=np.zeros(double.sum() + n),
        use_swap=np.concatenate([np.array(use)[double], ~np.array(use)]),
        reason=texts(*[""] * (double.sum() + n)),
    )
    return faces, whose, {SWAP["name"]: decided}


def test_only_the_targets_faces_that_may_be_swapped_are_chosen():
    faces, people, decisions = tables(use=(True, False, False, True))
    chosen = convert.choose(faces, people, decisions, [SWAP], clip="stunt")
    assert chosen == {0: [("lead_onto_double", 0)]}


def test_several_swaps_share_a_frame():
    faces, people, decisions = tables(people=("double", "other", "double", "other"))
    _, _, others = tables(people=("other", "double", "other", "double"))
    swaps = [SWAP, {"name": "second", "source": "lead", "target": "other"}]
    chosen = convert.choose(faces, people, {**decisions, "second": others[SWAP["name"]]}, swaps, clip="stunt")
    assert {frame: [f.swap for f in found] for frame, found in chosen.items()} == {
        0: ["lead_onto_double", "second"],
        4: ["lead_onto_double", "second"],
    }


@pytest.mark.parametrize(
    ("people", "use", "words"),
    [
        (
            ("", "", "", "other"),
            (True,) * 4,
            "clip stunt: swap lead_onto_double expects faces of double .* none among its 4",
        ),
        (
            ("double", "", "", ""),
            (False,) * 4,
            "found 1, all rejected by hand; take rejects back in config/edits/double.yaml",
        ),
    ],
)
def test_a_target_without_faces_is_named(people, use, words):
    with pytest.raises(SwapError, match=words):
        convert.choose(*tables(people, use), [SWAP], clip="stunt")


def test_a_face_without_decision_is_named():
    faces, people, decisions = tables()
    table = decisions[SWAP["name"]]
    old = {SWAP["name"]: table.select(table.id != "000004_0")}
    with pytest.raises(SwapError, match="expected a decision on each face of double, found none on 000004_0"):
        convert.choose(faces, people, old, [SWAP], clip="stunt")


TRAINED = {"swap": "lead_onto_double", "source": "lead", "target": "double", "weights": {"sha256": "ab"}}


def test_trained_fits():
    convert.check_trained(TRAINED, SWAP, weights_sha256="ab")


@pytest.mark.parametrize(
    ("changed", "sha256", "words"),
    [
        ({}, "cd", "expected weights of sha256 ab"),
        ({"weights": {}}, "ab", "expected weights of sha256 None"),
        ({"swap": "other"}, "ab", "expected a trained.json of"),
        ({"source": "double", "target": "lead"}, "ab", "expected a trained.json of"),
    ],
)
def test_trained_of_something_else_is_refused(changed, sha256, words):
    with pytest.raises(SwapError, match=f"swap lead_onto_double: {words}"):
        convert.check_trained({**TRAINED, **changed}, SWAP, weights_sha256=sha256)


# the script


@pytest.fixture
def script(root, monkeypatch):
    """scripts/convert.py as a module, with a model that paints faces green."""
    green = types.ModuleType("swapcore.models")
    green.predictor = lambda trained, weights: paint((0, 1, 0))
    monkeypatch.setitem(sys.modules, "swapcore.models", green)
    monkeypatch.setattr(swapcore, "models", green, raising=False)
    monkeypatch.syspath_prepend(str(root / "scripts"))
    monkeypatch.delitem(sys.modules, "convert", raising=False)
    return importlib.import_module("convert")


@pytest.fixture
def given(tmp_path) -> Namespace:
    """A clip of six frames, faces in frames 0 and 4, and all else that the script is called with."""
    pictures = [scene(seed) for seed in range(6)]
    clip, rate = tmp_path / "stunt.mp4", Fraction(2)
    video.encode(clip, pictures, width=WIDTH, height=HEIGHT, rate=rate, crf=0, preset="ultrafast")
    n = len(pictures)
    info = ClipInfo("stunt", WIDTH, HEIGHT, Fraction(1, 2), rate)
    frames = FrameTable(
        number=np.arange(n),
        pts=np.arange(n),
        key=np.zeros(n),
        shot=np.zeros(n),
        duplicate=np.zeros(n),
        name=texts(*[""] * n),
    )
    faces, people, decisions = tables()
    meta = {"clip": info.to_json()}
    store.write_table(tmp_path / "frames.parquet", frames, {**meta, "start": None, "end": None})
    store.write_table(tmp_path / "faces.parquet", faces, {**meta, "size": 256})
    store.write_table(tmp_path / "people.parquet", people)
    store.write_table(tmp_path / "decisions.parquet", decisions[SWAP["name"]])
    (tmp_path / "weights.h5").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    shape = {"resolution": 64, "centring": "legacy", "span": 0.5, "coverage": 0.8, "weights": {"sha256": digest}}
    store.write_json(tmp_path / "trained.json", {**TRAINED, **shape})
    settings = {"colour": "none", "encoder": {"crf": 0, "preset": "ultrafast"}}
    return Namespace(
        settings=json.dumps(settings),
        label_settings="{}",
        video="scene1",
        path=clip,
        frames=tmp_path / "frames.parquet",
        faces=tmp_path / "faces.parquet",
        people=tmp_path / "people.parquet",
        swaps=json.dumps([SWAP]),
        trained=[tmp_path / "trained.json"],
        weights=[tmp_path / "weights.h5"],
        decisions=[tmp_path / "decisions.parquet"],
        out=tmp_path / "made" / "composite.mkv",
    )


def test_script_makes_a_composite(script, given):
    script.main(given)
    frames, meta = store.read_table(given.frames, FrameTable)
    info = ClipInfo.from_json(meta["clip"])
    out = dict(video.decode(given.out, frames, info))
    clip = dict(video.decode(given.path, frames, info))
    assert len(out) == len(clip) == 6
    changed = {n: np.abs(out[n].astype(int) - clip[n]).max(2) > 24 for n in out}
    note = np.s_[HEIGHT - 36 :, :180]
    # the opening lasts 2 s of 2 frames a second: frames 0 to 3
    assert [n for n in out if changed[n][note].any()] == [0, 1, 2, 3]
    for n in out:
        changed[n][note] = False
    assert [n for n in out if changed[n].any()] == [0, 4]
    assert out[0][101, 61].tolist() == pytest.approx([0, 255, 0], abs=12)
    said = video.read_metadata(given.out)
    record = label.note_record(mode="opening", text="Synthetic: face swapped", seconds=2.0) | label.marks()
    assert {key: said[key.lower()] for key in record} == record
    assert [p.name for p in given.out.parent.iterdir()] == ["composite.mkv"]


def test_outside_of_face_and_note_nothing_was_lost_but_by_compression(script, given):
    """PSNR there is within 0.2 dB of encoding the untouched frames with the same settings."""
    encoder = {"crf": 23, "preset": "veryfast"}
    given.settings = json.dumps({"colour": "none", "encoder": encoder})
    script.main(given)
    frames, meta = store.read_table(given.frames, FrameTable)
    info, layout = ClipInfo.from_json(meta["clip"]), video.layout(given.path, name="x")
    source = dict(video.decode_pictures(given.path, frames, info, layout))
    plain = given.out.with_name("plain.mkv")
    video.encode_pictures(plain, source.values(), layout=layout, rate=info.rate, **encoder)
    away = np.ones((HEIGHT, WIDTH), bool)
    away[HEIGHT - 48 :], away[48:160, :200] = False, False

    def psnr(path):
        error = [
            np.square(one.planes[0][away].astype(float) - source[n].planes[0][away]).mean()
            for n, one in video.decode_pictures(path, frames, info, layout)
        ]
        return 10 * np.log10(255**2 / np.mean(error))

    assert psnr(given.out) > psnr(plain) - 0.2 and psnr(plain) < 60


def test_frames_with_nothing_to_do_reach_the_encoder_as_they_were_decoded(script, given, monkeypatch):
    """A lossless encoder: all planes of all frames are those of the source, but under the masks and the note."""
    given.label_settings = json.dumps({"note": "off", "note_reason": "a test of what is handed on"})
    script.main(given)
    frames, meta = store.read_table(given.frames, FrameTable)
    info, layout = ClipInfo.from_json(meta["clip"]), video.layout(given.path, name="x")
    source = dict(video.decode_pictures(given.path, frames, info, layout))
    made = dict(video.decode_pictures(given.out, frames, info, layout))
    assert video.layout(given.out, name="x") == layout
    for n in (1, 2, 3, 5):
        np.testing.assert_array_equal(made[n].data, source[n].data)
    for n in (0, 4):
        share = np.mean(made[n].data != source[n].data)
        assert 0 < share < 0.2
        np.testing.assert_array_equal(made[n].planes[0][200:], source[n].planes[0][200:])


def test_script_checks_before_it_loads_a_model(script, given, monkeypatch):
    monkeypatch.setattr(sys.modules["swapcore.models"], "predictor", lambda *_: pytest.fail("a model was loaded"))
    Path(given.weights[0]).write_bytes(b"others")
    with pytest.raises(SwapError, match="swap lead_onto_double: expected weights of sha256"):
        script.main(given)
    assert not given.out.exists()


def test_script_leaves_nothing_half_made(script, given, monkeypatch):
    broken = lambda trained, weights: lambda crops: crops * np.nan  # noqa: E731
    monkeypatch.setattr(sys.modules["swapcore.models"], "predictor", broken)
    with pytest.raises(SwapError, match="finite picture"):
        script.main(given)
    assert list(given.out.parent.iterdir()) == []
