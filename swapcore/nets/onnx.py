"""dlib's identity network as an ONNX model, run by ONNX Runtime: twenty times faster than dlib runs it."""

from __future__ import annotations

from typing import Any

import numpy as np

from swapcore.nets import spec

CHIP = 150  # side of the pictures the identity network sees, pixels
EMBEDDING = 128
OPSET = 17


def identity_model(layers: list[spec.Layer]) -> bytes:
    """The face recognition ResNet of dlib (King 2017, after He et al. 2016) as the bytes of an ONNX model, from `spec.layers`.

    Input `faces` (n, 150, 150, 3) uint8 BGR; output `embeddings` (n, 128) float32, in which two faces of one person lie
    less than about 0.6 apart (Euclidean). Raises ValueError where the layers do not fit together.
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, constants = [], []

    def constant(values: Any, dtype: type = np.float32) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype), f"c{len(constants)}"))
        return constants[-1].name

    def node(kind: str, *inputs: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [f"t{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    def grown(name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
        """Zeros behind the channels, rows and columns: dlib adds layers of different sizes like that."""
        missing = [w - s for w, s in zip(wanted, shape, strict=True)]
        return node("Pad", name, constant([0, 0, 0, 0, 0, *missing], np.int64)) if any(missing) else name

    name = shape = skip = skip_shape = None
    for k, layer in enumerate(layers):
        if layer.kind == "input":
            mean_bgr = np.array(layer.numbers["mean_rgb"])[::-1]
            name = node("Transpose", node("Cast", "faces", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
            name = node("Sub", name, constant(mean_bgr.reshape(1, 3, 1, 1)))
            shape = (3, CHIP, CHIP)
        elif layer.kind == "con":
            after = layers[k + 1]
            if after.kind != "affine":
                raise ValueError(f"layer {k}: expected an affine layer after a convolution, got {after.kind}")
            weights = layer.weights * after.weights.reshape(-1, 1, 1, 1)
            if k == 1:
                weights = weights[:, ::-1] / 256  # dlib's input is RGB, less its mean, over 256
            bias = layer.bias * after.weights + after.bias
            window = _window(layer, weights.shape[2:])
            name = node("Conv", name, constant(weights), constant(bias), **window)
            shape = (len(weights), *_sizes(shape, window))
        elif layer.kind == "affine":
            pass  # part of the convolution before
        elif layer.kind == "relu":
            name = node("Relu", name)
            if layers[k - 1].kind == "add":
                skip, skip_shape = name, shape
        elif layer.kind == "max_pool":
            window = _window(layer, layer.numbers["size"])
            name = node("MaxPool", name, **window)
            shape = (shape[0], *_sizes(shape, window))
            skip, skip_shape = name, shape
        elif layer.kind == "avg_pool" and layer.numbers["size"] == (0, 0):
            name = node("Flatten", node("GlobalAveragePool", name))
        elif layer.kind == "avg_pool":  # shrinks what goes past a block of convolutions
            window = _window(layer, layer.numbers["size"])
            skip = node("AveragePool", skip, **window)
            skip_shape = (skip_shape[0], *_sizes(skip_shape, window))
        elif layer.kind == "add":
            wanted = tuple(np.maximum(shape, skip_shape).tolist())
            name = node("Add", grown(name, shape, wanted), grown(skip, skip_shape, wanted))
            shape = wanted
        elif layer.kind == "fc":
            nodes.append(helper.make_node("MatMul", [name, constant(layer.weights)], ["embeddings"]))
        else:
            raise ValueError(f"layer {k}: unknown kind {layer.kind}")
    graph = helper.make_graph(
        nodes,
        "dlib_identity",
        [helper.make_tensor_value_info("faces", TensorProto.UINT8, ["n", CHIP, CHIP, 3])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", EMBEDDING])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _window(layer: spec.Layer, size: tuple[int, ...]) -> dict[str, Any]:
    """The window of a convolution or a pooling as ONNX names it."""
    return {
        "kernel_shape": list(size),
        "strides": list(layer.numbers["stride"]),
        "pads": list(layer.numbers["padding"]) * 2,
    }


def _sizes(shape: tuple[int, ...], window: dict[str, Any]) -> tuple[int, ...]:
    """Rows and columns after a window went over (channels, rows, columns)."""
    return tuple(
        (shape[1 + axis] + 2 * window["pads"][axis] - window["kernel_shape"][axis]) // window["strides"][axis] + 1
        for axis in (0, 1)
    )


def identity_session(*, threads: int) -> Any:
    """An onnxruntime.InferenceSession of the identity network on the CPU, with this many threads (0: one for each core).

    Takes {"faces": (n, 150, 150, 3) uint8 BGR}, gives [(n, 128) float32]. Built anew from dlib's file in under a second;
    nothing is kept on the disk. Raises SwapError where that file is missing or damaged.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    data = identity_model(spec.layers(spec.model_path("identity").read_bytes()))
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
