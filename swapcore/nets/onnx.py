"""dlib's identity network as an ONNX model, run by ONNX Runtime: twenty times faster than dlib runs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from swapcore.errors import SwapError
from swapcore.nets import spec

CHIP = 150  # side of the pictures the network sees, pixels
OPSET, IR_VERSION = 17, 8  # old enough for every ONNX Runtime that runs on our Pythons


class Tensor(NamedTuple):
    """A value inside the network."""

    name: str
    shape: tuple[int, int, int]  # channels, rows, columns


class Graph:
    """The nodes and constants of an ONNX graph in the making."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any, dtype: type = np.float32) -> str:
        """Name of a new constant."""
        from onnx import numpy_helper

        values = np.ascontiguousarray(values, dtype)
        self.constants.append(numpy_helper.from_array(values, f"c{len(self.constants)}"))
        return self.constants[-1].name

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Name of a new node's output."""
        from onnx import helper

        output = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def window(
        self, kind: str, x: Tensor, layer: spec.Layer, size: tuple[int, ...], *constants: str, channels: int
    ) -> Tensor:
        """A convolution or a pooling: windows of `size` as far apart and as far beyond the edge as the layer says."""
        stride, padding = layer.numbers["stride"], layer.numbers["padding"]
        attributes = {"kernel_shape": list(size), "strides": list(stride), "pads": [*padding, *padding]}
        name = self.node(kind, x.name, *constants, **attributes)
        rows, columns = ((x.shape[1 + k] + 2 * padding[k] - size[k]) // stride[k] + 1 for k in (0, 1))
        return Tensor(name, (channels, rows, columns))

    def grown(self, x: Tensor, shape: tuple[int, ...]) -> str:
        """Zeros behind the channels, rows and columns."""
        missing = [wanted - has for wanted, has in zip(shape, x.shape, strict=True)]
        return self.node("Pad", x.name, self.constant([0, 0, 0, 0, 0, *missing], np.int64)) if any(missing) else x.name


def identity_model(layers: list[spec.Layer]) -> bytes:
    """The face recognition ResNet of dlib as the bytes of an ONNX model, from `spec.layers`.

    A residual network (He et al. 2016) of 29 convolutions, trained by metric learning on three million faces (King, High
    Quality Face Recognition with Deep Metric Learning, 2017). Input `faces` (n, 150, 150, 3) uint8 BGR; output
    `embeddings` (n, 128) float32, in which two faces of one person lie less than about 0.6 apart (Euclidean). Raises
    SwapError where the layers are those of another network.
    """
    from onnx import TensorProto, checker, helper

    graph, rest = Graph(), iter(layers)

    def convolution(x: Tensor, filters: int, size: int, stride: int, scale: float = 1.0) -> Tensor:
        """A convolution and the affine layer after it, in one."""
        inside = 1 if stride == 1 else 0
        weights = (filters, x.shape[0], size, size)
        layer = _take(rest, "con", weights=weights, stride=(stride, stride), padding=(inside, inside))
        affine = _take(rest, "affine", weights=(filters,))
        kernel = layer.weights * affine.weights.reshape(-1, 1, 1, 1) * scale
        if x.shape[0] == 3:
            kernel = kernel[:, ::-1]  # dlib's pictures are RGB
        constants = graph.constant(kernel), graph.constant(layer.bias * affine.weights + affine.bias)
        return graph.window("Conv", x, layer, (size, size), *constants, channels=filters)

    def relu(x: Tensor) -> Tensor:
        _take(rest, "relu")
        return Tensor(graph.node("Relu", x.name), x.shape)

    def residual(x: Tensor, filters: int, stride: int) -> Tensor:
        """Two convolutions and what goes past them; dlib adds pictures of different sizes by filling up with zeros."""
        y = convolution(relu(convolution(x, filters, 3, stride)), filters, 3, 1)
        if stride == 2:
            layer = _take(rest, "avg_pool", size=(2, 2), stride=(2, 2), padding=(0, 0))
            x = graph.window("AveragePool", x, layer, (2, 2), channels=x.shape[0])
        _take(rest, "add")
        shape = tuple(max(pair) for pair in zip(x.shape, y.shape, strict=True))
        return relu(Tensor(graph.node("Add", graph.grown(x, shape), graph.grown(y, shape)), shape))

    mean_bgr = np.array(_take(rest, "input").numbers["mean_rgb"])[::-1]
    planes = graph.node("Transpose", graph.node("Cast", "faces", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    x = Tensor(graph.node("Sub", planes, graph.constant(mean_bgr.reshape(1, 3, 1, 1))), (3, CHIP, CHIP))
    x = relu(convolution(x, 32, 7, 2, scale=1 / 256))
    layer = _take(rest, "max_pool", size=(3, 3), stride=(2, 2), padding=(0, 0))
    x = graph.window("MaxPool", x, layer, (3, 3), channels=32)
    for filters, strides in ((32, (1, 1, 1)), (64, (2, 1, 1, 1)), (128, (2, 1, 1)), (256, (2, 1, 1)), (256, (2,))):
        for stride in strides:
            x = residual(x, filters, stride)
    _take(rest, "avg_pool", size=(0, 0))  # over the whole picture
    flat = graph.node("Flatten", graph.node("GlobalAveragePool", x.name))
    graph.node("MatMul", flat, graph.constant(_take(rest, "fc", weights=(256, 128)).weights), output="embeddings")
    if (layer := next(rest, None)) is not None:
        raise _wrong("no more layers", layer)
    model = helper.make_graph(
        graph.nodes,
        "dlib_identity",
        [helper.make_tensor_value_info("faces", TensorProto.UINT8, ["n", CHIP, CHIP, 3])],
        [helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, ["n", 128])],
        graph.constants,
    )
    model = helper.make_model(model, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _take(
    rest: Iterator[spec.Layer], kind: str, *, weights: tuple[int, ...] | None = None, **numbers: Any
) -> spec.Layer:
    """The next layer. Raises SwapError where it is not of this kind, shape and numbers."""
    layer = next(rest, None)
    if (
        layer is None
        or layer.kind != kind
        or (weights and layer.weights.shape != weights)
        or any(layer.numbers[name] != value for name, value in numbers.items())
    ):
        raise _wrong(f"a layer {kind} {weights or ''} {numbers or ''}", layer)
    return layer


def _wrong(wanted: str, layer: spec.Layer | None) -> SwapError:
    got = "nothing" if layer is None else f"{layer.kind} {np.shape(layer.weights) or ''} {layer.numbers or ''}"
    return SwapError(f"expected dlib's identity network, there {wanted}, got {got}; {spec.REMEDY}")


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
