"""What is parsed of a face, by whatever network, and held steady."""

import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from swapcore import align, masks, parsing, studio
from swapcore.errors import SwapError
from swapcore.parsing import nets
from swapcore.studio import LABELS, Occluder

FACE = ("skin", "brow_left", "brow_right", "eye_left", "eye_right", "nose", "lips", "mouth")


def network(entry, *, answer_last=False, single=False, classes=None):
    """An ONNX network of an entry's form whose face is as likely as the picture's first channel is high."""
    classes, face = classes or entry.classes, (entry.face or (0,))[0]
    shape = [entry.side, entry.side, 3] if entry.rows_first else [3, entry.side, entry.side]
    kernel = np.zeros((classes, 3, 1, 1), np.float32)
    kernel[face, 0] = 20.0 if entry.logits else 1.0
    bias = np.zeros(classes, np.float32)
    bias[0] = 10.0 if entry.logits else 0.0
    nodes = [helper.make_node("Transpose", ["faces"], ["planes"], perm=[0, 3, 1, 2])] if entry.rows_first else []
    first = "planes" if entry.rows_first else "faces"
    nodes.append(helper.make_node("Conv", [first, "kernel", "bias"], ["wide" if answer_last else "out"]))
    if answer_last:
        nodes.append(helper.make_node("Transpose", ["wide"], ["out"], perm=[0, 2, 3, 1]))
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, [1 if single else "n", *shape])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


ANYWHERE = np.zeros((3, 68, 2))  # landmarks, which networks do not ask for
GIVEN = [name for name in parsing.PARSERS if name != "own"]


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("form", [{}, {"answer_last": True}, {"single": True}])
def test_a_given_network_sees_its_own_kind_of_picture(name, form):
    entry = parsing.PARSERS[name]
    crops = np.zeros((3, 256, 256, 3), np.uint8)
    crops[:, :, :128, 2 if entry.rgb else 0] = 255  # the network's first channel
    crops[:, :, 128:, 0 if entry.rgb else 2] = 255  # its last
    parse = parsing.parser(name, network(entry, **form))
    share = parse(crops, ANYWHERE)
    assert share.shape == (3, parsing.SIDE, parsing.SIDE)
    assert share.dtype == np.float32
    assert share[:, 20:-20, 10:50].min() > 0.95
    assert share[:, 20:-20, -50:-10].max() < 0.3


@pytest.mark.parametrize("name", GIVEN)
def test_values_are_normalised_as_the_publishers_say(name):
    entry = parsing.PARSERS[name]
    grey = np.full((1, 40, 40, 3), 51, np.uint8)
    fed = nets.prepared(entry, grey)
    fed = fed if entry.rows_first else fed.transpose(0, 2, 3, 1)
    assert fed.shape == (1, entry.side, entry.side, 3)
    np.testing.assert_allclose(fed[0, 5, 5], (0.2 - np.array(entry.mean)) / np.array(entry.spread), rtol=1e-5)


def test_no_faces_no_masks():
    assert all(
        parsing.parser(name)(np.zeros((0, 256, 256, 3), np.uint8), ANYWHERE[:0]).shape
        == (0, parsing.SIDE, parsing.SIDE)
        for name in ("own", "hairline")
    )


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (b"", "cannot be loaded"),
        (b"\x08\x07 no network", "cannot be loaded"),
        (network(parsing.PARSERS["unet_dfl"]), "which takes pictures"),
    ],
)
def test_another_file_is_one_line(model, said):
    with pytest.raises(SwapError, match=r"parse\.parser_file: expected BiSeNet") as found:
        parsing.parser("bisenet_19", model)
    assert said in str(found.value)
    assert "\n" not in str(found.value)


def test_a_network_of_other_classes_is_one_line():
    parse = parsing.parser("bisenet_19", network(parsing.PARSERS["bisenet_19"], classes=11))
    with pytest.raises(SwapError, match="19 finite classes"):
        parse(np.zeros((1, 128, 128, 3), np.uint8), ANYWHERE[:1])


def seen(name="s511", **play):
    """A studio picture's crop, landmarks there, its true face mask at SIDE, and the same of what is before the face."""
    actor = studio.actor_named(name)
    picture, truth = studio.render(actor, studio.Frame(scale=0.95, **play), size=320)
    matrix = align.crop_matrix(truth.faces[0].landmarks_xy, size=256, span=align.span_of("legacy", 1.0))
    small = np.diag([0.5, 0.5]) @ matrix

    def of(names):
        part = np.isin(truth.parsing, [LABELS[name] for name in names]).astype(np.float32)
        return align.warp(part, small, parsing.SIDE) > 0.5

    points = align.transform(truth.faces[0].landmarks_xy, matrix)
    return align.warp(picture, matrix, 256), points, of(FACE), of(("occluder", "glasses"))


@pytest.mark.parametrize(
    "play",
    [
        {},
        {"yaw": 30.0, "mouth": 0.6},
        {"light": (1.0, 0.2, 0.1)},
        {"occluder": Occluder("hand", x=-30, y=-40)},
        {"occluder": Occluder("box", x=40, y=-60, rgb=(0.1, 0.5, 0.2))},
    ],
    ids=["ahead", "turned", "side light", "hand", "box"],
)
def test_our_parser_on_an_actor_it_never_saw(play):
    crop, points, face, front = seen(**play)
    share = parsing.parser("own")(crop[None], points[None])[0]
    assert ((share > 0.5) & face).sum() / ((share > 0.5) | face).sum() > 0.85
    if front.any():
        assert share[front].mean() < 0.25


def overlap(mask, face):
    return (mask & face).sum() / (mask | face).sum()


@pytest.mark.parametrize("name", ["ann", "bob"])
@pytest.mark.parametrize("play", [{}, {"yaw": 30.0}, {"roll": 25.0}], ids=["ahead", "turned", "leaning"])
def test_the_hairline_is_found_without_a_network(name, play):
    crop, points, face, _ = seen(name, **play)
    share = parsing.parser("hairline")(crop[None], points[None])[0]
    small = (points + 0.5) / 2 - 0.5
    extended = masks.extended(small, size_hw=(parsing.SIDE, parsing.SIDE)) > 0.5
    assert overlap(share > 0.5, face) > max(0.88, overlap(extended, face) + 0.03)
    again = parsing.parser("hairline")(crop[None], points[None])[0]
    assert (again == share).all()


def test_the_hairline_of_a_crop_of_one_colour():
    flat = np.full((1, 256, 256, 3), 128, np.uint8)
    _, points, _, _ = seen()
    share = parsing.parser("hairline")(flat, points[None])[0]
    assert np.isfinite(share).all() and share.min() >= 0 and share.max() <= 1
    outside = points[None] + 1000
    assert parsing.parser("hairline")(flat, outside)[0].max() == 0


def test_our_parser_is_small():
    from importlib import resources

    assert len((resources.files("swapcore.parsing") / "own.onnx").read_bytes()) < 3e6


# steady


def scene(count, shift=0.0):
    """Grey pictures (n, 64, 64) uint8 of a texture that moves by `shift` pixels a frame, and its mask."""
    rng = np.random.default_rng(1)
    wide = cv2.GaussianBlur(rng.uniform(0, 255, (64, 200)).astype(np.float32), (0, 0), 3)
    wide = np.clip((wide - wide.mean()) * 6 + 128, 0, 255)
    matrices = [np.float64([[1, 0, -k * shift], [0, 1, 0]]) for k in range(count)]
    grey = np.array([cv2.warpAffine(wide, m, (64, 64)).astype(np.uint8) for m in matrices])
    edge = np.clip(np.arange(200)[None] - 40.0, 0, 1) * np.ones((64, 1), np.float32)
    mask = np.array([cv2.warpAffine(edge.astype(np.float32), m, (64, 64)) for m in matrices])
    return grey, mask


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_what_shakes_is_held(shift):
    grey, mask = scene(30, shift)
    noise = np.random.default_rng(2).normal(0, 0.1, (30, 1, 1)).astype(np.float32)
    mask = 0.3 + 0.4 * mask
    shaking = np.clip(mask + noise, 0, 1)
    held = parsing.steady(shaking, grey)
    inner = np.s_[5:-5, 8:-8, 8:-8]  # at the very ends fewer neighbours speak
    before, after = (np.abs(np.diff(m[inner].mean((1, 2)) - mask[inner].mean((1, 2)))).mean() for m in (shaking, held))
    assert after < before / 5
    assert np.abs(held - mask)[inner].mean() < np.abs(shaking - mask)[inner].mean() / 2


def test_nothing_is_smeared_over_what_passes():
    grey, mask = scene(21)
    mask[:], there = 1, np.zeros_like(mask, bool)
    for k in range(21):
        left = 3 * k - 8
        there[k, 20:44, max(left, 0) : max(left + 12, 0)] = True
    grey[there] = 255 - grey[there] // 3
    true = np.where(there, 0, mask).astype(np.float32)
    held = parsing.steady(true, grey)
    core = np.array([cv2.erode(t.astype(np.uint8), np.ones((5, 5))) for t in there]) > 0
    assert held[core].mean() < 0.1
    assert held[~np.array([cv2.dilate(t.astype(np.uint8), np.ones((9, 9))) for t in there]).astype(bool)].min() > 0.9


def test_a_cut_resets():
    grey, mask = scene(10)
    grey[5:] = 255 - grey[5:, ::-1]
    mask[:5], mask[5:] = 1, 0
    held = parsing.steady(mask, grey)
    assert np.abs(held - mask).mean() < 0.05


def test_alone_or_without_memory_a_mask_is_as_it_was():
    grey, mask = scene(4)
    np.testing.assert_array_equal(parsing.steady(mask, grey, memory=0), mask)
    np.testing.assert_array_equal(parsing.steady(mask[:1], grey[:1]), mask[:1])
    with pytest.raises(ValueError, match="one shape"):
        parsing.steady(mask[:2], grey)


def test_both_directions_count_alike():
    grey, mask = scene(12, 0.5)
    shaking = np.clip(mask + np.random.default_rng(3).normal(0, 0.2, mask.shape), 0, 1).astype(np.float32)
    forth = parsing.steady(shaking, grey)
    back = parsing.steady(shaking[::-1].copy(), grey[::-1].copy())[::-1]
    np.testing.assert_allclose(forth, back, atol=1e-4)
