"""Putting swapped faces into a frame."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from analytic import face
from converting import HEIGHT, SWAP, TRAINED, WIDTH, paint, scene, tables
from hypothesis import given, settings
from hypothesis import strategies as st

from swapcore import align, convert, video
from swapcore.errors import SwapError
from swapcore.types import Face, Parsed

SETTINGS = {"mask": "extended", "erode": 0.02, "soften": 0.1, "colour": "none", "relight": False}
SETTINGS |= {"blend": "feather", "finish_seed": None}
RGB = video.Layout(WIDTH, HEIGHT, "gbrp", matrix=0, full_range=True)


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


@pytest.mark.parametrize("mask", [{"min": ["extended", "parser"]}, {"product": ["hull", "parser"]}, "parser"])
def test_what_is_before_the_face_stays(mask):
    frame, points = scene(), face((160, 120), 50)
    share = np.full((64, 64), 255, np.uint8)
    share[:, 30:40] = 0
    parsed = Parsed(share, align.crop_matrix(points, size=64, span=0.5))
    out = swap(frame, [Face(points, "s", parsed)], paint((0, 0, 0)), mask=mask)
    before = np.argwhere(np.abs(out.astype(int) - frame).sum(-1) > 0)
    columns = align.transform(before[:, ::-1].astype(np.float32), parsed.matrix)[:, 0]
    assert ((columns < 30.5) | (columns > 38.5)).all()
    assert (columns < 28).any() and (columns > 41).any()


@pytest.mark.parametrize("mask", ["learned", {"min": ["extended", "learned"]}, {"product": ["learned", "parser"]}])
def test_what_the_model_takes_for_face_is_changed(mask):
    """Its mask is a fourth channel, of the crop that it was given; colours are taken from there alone."""
    frame, points = scene(), face((160, 120), 50)

    def predict(crops):
        seen = np.ones((*crops.shape[:3], 1), np.float32)
        seen[:, :, 30:40] = 0
        return np.concatenate([np.zeros_like(crops), seen], -1)

    out = swap(frame, [Face(points, "s")], predict, mask=mask)
    before = np.argwhere(np.abs(out.astype(int) - frame).sum(-1) > 0)
    matrix = align.crop_matrix(points, size=64, span=0.6)
    columns = align.transform(before[:, ::-1].astype(np.float32), matrix)[:, 0]
    assert ((columns < 30.5) | (columns > 38.5)).all()
    assert (columns < 28).any() and (columns > 41).any()
    with pytest.raises(SwapError, match="swap s: expected its model to make a finite picture"):
        swap(frame, [Face(points, "s")], lambda crops: np.zeros((*crops.shape[:3], 5), np.float32), mask=mask)


def test_a_face_that_is_wholly_covered_is_left_alone():
    frame, points = scene(), face((160, 120), 50)
    parsed = Parsed(np.zeros((64, 64), np.uint8), align.crop_matrix(points, size=64, span=0.5))
    out = swap(frame, [Face(points, "s", parsed)], paint((0, 0, 0)), mask={"min": ["extended", "parser"]})
    np.testing.assert_array_equal(out, frame)


def test_colours_are_taken_from_the_face_alone():
    """A thing before the face does not tint it."""
    points, frame = face((160, 120), 50), np.full((HEIGHT, WIDTH, 3), (90, 120, 180), np.uint8)
    share = np.full((64, 64), 255, np.uint8)
    share[:30] = 0
    parsed = Parsed(share, align.crop_matrix(points, size=64, span=0.5))
    rows = align.transform(np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), -1).reshape(-1, 2), parsed.matrix)
    covered = frame.copy()
    covered[(rows[:, 1] < 30).reshape(HEIGHT, WIDTH)] = (250, 10, 10)
    look = {"mask": {"min": ["extended", "parser"]}, "colour": "reinhard"}
    grey = lambda crops: np.full_like(crops, 0.5)  # noqa: E731
    plain = swap(frame, [Face(points, "s", Parsed(np.full_like(share, 255), parsed.matrix))], grey, **look)
    beside = swap(covered, [Face(points, "s", parsed)], grey, **look)
    lower = np.s_[135:155, 150:170]
    assert np.abs(plain[lower].astype(int) - beside[lower]).max() <= 6
    tinted = swap(covered, [Face(points, "s")], grey, mask="extended", colour="reinhard")
    assert np.abs(plain[lower].astype(int) - tinted[lower]).max() > 12


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


def finished(seed, frame, **changed):
    return swap(frame, [Face(face((160, 120), 90), "s")], paint((0.5, 0.5, 0.5)), finish_seed=seed, **changed)


def test_the_finish_brings_the_frames_grain_and_touches_nothing_outside():
    grain = np.random.default_rng(5).normal(0, 8, (HEIGHT, WIDTH))[..., None]
    frame = np.clip(np.full((HEIGHT, WIDTH, 3), 128) + grain, 0, 255).astype(np.uint8)
    plain, first, again, other = (finished(seed, frame) for seed in (None, 3, 3, 4))
    inner = np.s_[100:140, 140:180]
    spread = [picture[inner].std(axis=(0, 1)).mean() for picture in (frame, plain, first)]
    assert spread[1] < 1 and 0.7 * spread[0] < spread[2] < 1.2 * spread[0]
    np.testing.assert_array_equal(first, again)
    assert np.abs(first[inner].astype(int) - other[inner]).mean() > 3
    outline = convert.masks.MASKS["extended"](face((160, 120), 90), size_hw=(HEIGHT, WIDTH)) > 0
    np.testing.assert_array_equal(first[~outline], frame[~outline])


def test_what_was_laid_holds_its_finish():
    """A compositor who lays the face over the frame gets the video's picture."""
    frame = np.clip(scene() + np.random.default_rng(5).normal(0, 6, (HEIGHT, WIDTH, 1)), 0, 255).astype(np.uint8)
    settings_of = {**SETTINGS, "resolution": {"s": 64}, "centring": {"s": "legacy"}, "span": {"s": 0.6}}
    one = [Face(face((160, 120), 90), "s")]
    picture = video.from_bgr(frame, RGB)
    after, laid = convert.convert_picture(picture, one, {"s": paint((0.5,) * 3)}, **settings_of | {"finish_seed": 1})
    assert laid[0].detail is not None
    over, alpha = laid[0].bgr, laid[0].alpha[..., None]
    place = np.s_[laid[0].top : laid[0].top + len(over), laid[0].left : laid[0].left + over.shape[1]]
    mixed = alpha * over * 255 + (1 - alpha) * frame[place]
    assert np.abs(mixed - shown(after)[place]).max() <= 1


@pytest.mark.parametrize("blend", ["multiband", "poisson"])
def test_another_blend_is_used(blend):
    one = [Face(face((160, 120), 60), "s")]
    plain, other = (swap(scene(), one, paint((0.4, 0.5, 0.6)), blend=name) for name in ("feather", blend))
    assert (plain != other).any()


def test_a_restored_face_lies_where_the_swapped_one_lay():
    frame, one = scene(), [Face(face((160, 120), 40, roll=8), "s")]
    for side in (32, 256):
        restore = lambda crop, side=side: cv2.resize(crop, (side, side), interpolation=cv2.INTER_CUBIC)  # noqa: E731
        out = swap(frame, one, restore=restore)
        assert np.abs(out.astype(int) - frame).mean() < 1
    out = swap(frame, one, restore=lambda crop: np.zeros_like(crop))
    assert out[120, 160].max() == 0


# which faces are changed


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


def test_trained_fits():
    convert.check_trained(TRAINED, SWAP, weights_sha256="ab")


def test_a_model_goes_both_ways():
    back = {"name": "lead_onto_double_back", "source": "double", "target": "lead", "back_of": "lead_onto_double"}
    convert.check_trained(TRAINED, back, weights_sha256="ab")
    with pytest.raises(SwapError, match="delete swaps/lead_onto_double among"):
        convert.check_trained(TRAINED, {**back, "source": "lead", "target": "double"}, weights_sha256="ab")


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


@pytest.mark.parametrize("radius", [110, 400])
def test_a_large_faces_soft_edge_is_the_same_in_larger_pixels(monkeypatch, radius):
    points = face((radius * 2.1, radius * 1.9), radius, roll=20)
    frame_hw = (int(radius * 4.1) + 1, int(radius * 4.3))
    share = np.zeros((128, 128), np.uint8)
    share[30:, 20:100] = 255
    share = cv2.GaussianBlur(share, (0, 0), 1.5)  # as soft as a parser says it
    matrix = align.crop_matrix(points, size=64, span=0.6)
    parsed = Parsed(share, 2 * align.crop_matrix(points, size=64, span=0.6) + [[0, 0, 0.5], [0, 0, 0.5]])
    look = {"side": 64, "span": 0.6, "frame_hw": frame_hw, "mask": "auto", "erode": 0.02, "soften": 0.1}

    def whole():
        left, top, alpha = convert.face_alpha(Face(points, "s", parsed, raised=1.0), matrix, **look)
        seen = np.zeros(frame_hw, np.float32)
        seen[top : top + alpha.shape[0], left : left + alpha.shape[1]] = alpha
        return seen

    coarse = whole()
    monkeypatch.setattr(convert, "FINE", 1e9)
    fine = whole()
    off = np.abs(coarse - fine)
    assert fine.max() == 1 and off.mean() < 0.004
    assert (off > 0.15).mean() < 0.001, "but where two edges meet"
