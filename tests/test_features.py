"""The early layers of dlib's network: the same as in the whole network, and a loss between a face and its reconstruction."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from swapcore import features, nets, studio


@pytest.fixture(scope="module")
def face():
    """A face (1, 150, 150, 3) uint8 BGR."""
    picture, _ = studio.render(studio.actor_named("ann"), studio.Frame(), size=150)
    return picture[None]


def test_the_layers_are_those_of_the_whole_network(face):
    """Which runs in ONNX Runtime, and was compared with dlib's own."""
    import onnx

    layers = nets.identity_layers(nets.model_path("identity").read_bytes())
    model = onnx.load_from_string(nets.identity.identity_model(layers))
    outputs = [node.output[0] for node in model.graph.node if node.op_type == "Relu"]
    wanted = [outputs[0], outputs[2 * features.BLOCKS]]  # after the first convolution, and after the last block
    for name in wanted:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 32, "h", "w"]))
    session = nets.session(model.SerializeToString(), threads=1)
    found = features.layers(face.astype(np.float32) / 255)
    for ours, theirs in zip(found, session.run(wanted, {"faces": face}), strict=True):
        theirs = theirs.transpose(0, 2, 3, 1)
        assert np.asarray(ours).shape == theirs.shape and theirs.std() > 0.01
        np.testing.assert_allclose(np.asarray(ours), theirs, atol=1e-3)


def test_a_blurred_face_is_farther_the_more_it_is_blurred(face):
    truth = face.astype(np.float32) / 255
    weight = np.ones((1, 150, 150, 1), np.float32)
    blurred = [cv2.GaussianBlur(truth[0], (0, 0), sigma)[None] for sigma in (0.7, 1.5, 3)]
    values = [float(features.difference(picture, truth, weight)[0]) for picture in (truth, *blurred)]
    assert values[0] == 0 and values == sorted(values) and values[1] > 0.02


def test_a_mean_grey_is_more_wrong_than_a_brighter_face(face):
    """It tells of structure more than of light, unlike a plain difference."""
    truth = face.astype(np.float32) / 255
    weight = np.ones((1, 150, 150, 1), np.float32)
    brighter, grey = truth * 0.9 + 0.1, np.full_like(truth, truth.mean())
    off = [float(features.difference(picture, truth, weight)[0]) for picture in (brighter, grey)]
    assert off[0] < 0.5 * off[1]


def test_what_lies_outside_the_weight_does_not_count(face):
    truth = face.astype(np.float32) / 255
    changed, weight = truth.copy(), np.zeros((1, 150, 150, 1), np.float32)
    changed[:, :60] = 0
    weight[:, 90:] = 1
    assert float(features.difference(changed, truth, weight)[0]) == 0
    assert float(features.difference(changed, truth, 1 - weight)[0]) > 0.1
