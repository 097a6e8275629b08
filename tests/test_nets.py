from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swapcore import nets
from swapcore.errors import SwapError
from swapcore.nets import onnx, spec


@pytest.fixture(scope="module")
def data():
    return nets.model_path("identity").read_bytes()


@pytest.fixture(scope="module")
def session():
    return nets.identity_session(threads=1)


def chip(seed=0):
    """A chip of soft and hard noise, (150, 150, 3) uint8."""
    import cv2

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


def test_every_layer_is_read(data):
    found = spec.layers(data)
    kinds = [layer.kind for layer in found]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
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


@pytest.mark.parametrize("wrong", [b"", b"\x01\x01", b"no network at all", bytes(1000), b"\xff" * 1000])
def test_what_is_no_network_is_refused(wrong):
    with pytest.raises(SwapError, match="expected a network saved by dlib"):
        spec.layers(wrong)


def test_another_network_is_refused(data):
    other = nets.model_path("landmarks").read_bytes()[:100_000]
    with pytest.raises(SwapError):
        spec.layers(other)
    with pytest.raises(SwapError, match="where a number begins"):
        spec.layers(data + b"\0")
    with pytest.raises(SwapError, match="not finite"):
        spec.layers(data[:400] + b"\0\0\xc0\x7f" * 4 + data[416:])


@given(share=st.floats(0, 1))
def test_a_part_of_the_file_is_refused(data, share):
    with pytest.raises(SwapError):
        spec.layers(data[: int(share * (len(data) - 1))])


def bookkeeping(data):
    """Offsets of bytes that are not weights: the head, what stands around the first layers, the tail."""
    return [*range(345), *range(19250, 19400), *range(19645, 19830), *range(len(data) - 120, len(data))]


@given(draw=st.data())
def test_a_wrong_byte_gives_no_other_error(data, draw):
    at = draw.draw(st.sampled_from(bookkeeping(data)))
    value = draw.draw(st.integers(0, 255))
    wrong = data[:at] + bytes([value]) + data[at + 1 :]
    try:
        layers = spec.layers(wrong)
    except SwapError:
        return
    assert len(layers) == 109  # a byte of a number that nobody uses, or of a stride


def test_layers_that_do_not_fit_together_are_refused(data, monkeypatch):
    layers = spec.layers(data)
    for wrong in (
        layers[:-1],
        [*layers[:2], *layers[3:]],
        [layers[0], *layers[4:]],
        [*layers[:5], layers[-2], layers[-1]],
    ):
        with pytest.raises(SwapError, match="expected dlib's identity network"):
            onnx.identity_model(wrong)
