"""A user's face restorer, with nets made here."""

from __future__ import annotations

from typing import get_args

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from swapcore import restore
from swapcore.config.compositing import Convert
from swapcore.errors import SwapError

LOOK = {"size": 32, "span": "0..1", "order": "bgr", "strength": 1.0}


def net(
    shape=("n", 3, 32, 32), gain=(1.0, 1.0, 1.0), offset=0.0, kind=TensorProto.FLOAT, out=None, outputs=None
) -> bytes:
    """A network that multiplies each channel (the axis of length 3) and adds something."""
    axis = shape.index(3)
    dims = [3 if k == axis else 1 for k in range(len(shape))]
    raw = helper.tensor_dtype_to_np_dtype(kind)
    constants = [("gain", np.reshape(gain, dims)), ("offset", np.array([offset]))]
    made = [onnx.numpy_helper.from_array(np.asarray(value, raw), name) for name, value in constants]
    nodes = [helper.make_node("Mul", ["x", "gain"], ["y"]), helper.make_node("Add", ["y", "offset"], ["z"])]
    if outputs == "pooled":
        nodes.append(helper.make_node("GlobalAveragePool", ["z"], ["p"]))
    last = "p" if outputs == "pooled" else "z"
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(last, kind, out)],
        made,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


@pytest.fixture
def crop():
    return np.random.default_rng(1).uniform(0.2, 0.8, (32, 32, 3)).astype(np.float32)


@pytest.mark.parametrize("shape", [("n", 3, 32, 32), (1, 3, 32, 32), (1, 32, 32, 3), ("n", 3, "h", "w")])
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16])
def test_channels_come_back_in_order(crop, shape, kind):
    model = net(shape, gain=(0.5, 1.0, 0.25), kind=kind)
    for order, gains in (("bgr", [0.5, 1.0, 0.25]), ("rgb", [0.25, 1.0, 0.5])):
        out = restore.restorer(model, **{**LOOK, "order": order})(crop)
        assert out.dtype == np.float32 and out.shape == (32, 32, 3)
        np.testing.assert_allclose(out, crop * np.float32(gains), atol=2e-3)


@pytest.mark.parametrize(("span", "wanted"), [("0..1", 0.1), ("-1..1", 0.05), ("0..255", 0.1 / 255)])
def test_values_are_those_that_the_net_takes(crop, span, wanted):
    out = restore.restorer(net(offset=0.1), **{**LOOK, "span": span})(crop)
    np.testing.assert_allclose(out, crop + wanted, atol=1e-5)


def test_strength_mixes(crop):
    out = restore.restorer(net(gain=(0, 0, 0)), **{**LOOK, "strength": 0.25})(crop)
    np.testing.assert_allclose(out, 0.75 * crop, atol=1e-6)


def test_a_crop_is_brought_to_the_nets_size():
    for side in (16, 64):
        crop = np.full((side, side, 3), 0.4, np.float32)
        np.testing.assert_allclose(restore.restorer(net(), **LOOK)(crop), np.full((32, 32, 3), 0.4), atol=1e-5)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (b"no network", "it cannot be loaded"),
        (net((1, 3, 64, 64)), r"found one with 1 inputs, .* of \(1, 3, 64, 64\)"),
        (net((4, 3, 32, 32)), "found one with 1 inputs"),
        (net(("n", 3, 32)), "found one with 1 inputs"),
        (net(kind=TensorProto.DOUBLE), r"tensor\(double\)"),
    ],
)
def test_a_net_that_does_not_fit_is_named(model, words):
    with pytest.raises(SwapError, match=words) as found:
        restore.restorer(model, **LOOK)
    assert "\n" not in str(found.value) and str(found.value).startswith("convert.restorer_file: expected")


@pytest.mark.parametrize("model", [net(outputs="pooled"), net(gain=(np.nan, 1, 1))])
def test_an_answer_that_is_no_face_is_named(model, crop):
    with pytest.raises(SwapError, match="it answered with"):
        restore.restorer(model, **LOOK)(crop)


def test_the_settings_name_every_range():
    assert set(get_args(Convert.model_fields["restorer_range"].annotation)) == set(restore.RANGES)
