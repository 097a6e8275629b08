"""What both networks share: layers taken one by one, an ONNX graph in the making, and a session that runs it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from swapcore.errors import SwapError
from swapcore.nets import spec

BYTES_LIMIT = 1 << 30  # of a network's file; the largest parser that is known here has 90 MB
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

    def outside(self, name: str, shape: tuple[int, ...]) -> str:
        """A constant of float32 that is not in the model: `session` is given it by its name."""
        from onnx import StringStringEntryProto, TensorProto

        place = StringStringEntryProto(key="location", value="weights")
        self.constants.append(
            TensorProto(
                name=name,
                dims=shape,
                data_type=TensorProto.FLOAT,
                data_location=TensorProto.EXTERNAL,
                external_data=[place],
            )
        )
        return name

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

    def model(self, name: str, inputs: dict[str, tuple[str, list]], outputs: dict[str, tuple[str, list]]) -> bytes:
        """The checked model's bytes; `inputs` and `outputs` are name -> (type, shape), as {"faces": ("UINT8", ["n", 3])}."""
        from onnx import TensorProto, checker, helper

        ends = [
            [helper.make_tensor_value_info(k, getattr(TensorProto, dtype), shape) for k, (dtype, shape) in end.items()]
            for end in (inputs, outputs)
        ]
        graph = helper.make_graph(self.nodes, name, *ends, self.constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        if all(constant.data_location == TensorProto.DEFAULT for constant in self.constants):
            checker.check_model(made, full_check=True)  # it would look for a file of the constants that are outside
        return made.SerializeToString()


def take(
    rest: Iterator[spec.Layer],
    network: str,
    kind: str,
    *,
    weights: tuple[int, ...] | None = None,
    **numbers: Any,
) -> spec.Layer:
    """The next layer of a network. Raises SwapError where it is not of this kind, shape and numbers."""
    layer = next(rest, None)
    if (
        layer is None
        or layer.kind != kind
        or (weights and layer.weights.shape != weights)
        or any(layer.numbers[name] != value for name, value in numbers.items())
    ):
        raise _wrong(network, f"a layer {kind} {weights or ''} {numbers or ''}", layer)
    return layer


def finish(rest: Iterator[spec.Layer], network: str) -> None:
    """Raises SwapError where there are more layers."""
    if (layer := next(rest, None)) is not None:
        raise _wrong(network, "no more layers", layer)


def _wrong(network: str, wanted: str, layer: spec.Layer | None) -> SwapError:
    got = "nothing" if layer is None else f"{layer.kind} {np.shape(layer.weights) or ''} {layer.numbers or ''}"
    return SwapError(f"expected dlib's {network} network, there {wanted}, got {got}; {spec.REMEDY}")


def check(model: bytes, *, outside: Collection[str] = ()) -> None:
    """Raise SwapError where bytes are no ONNX model, or one that reads other files: only constants `outside` are not in it."""
    from onnx import ModelProto, TensorProto

    proto = ModelProto()
    try:
        proto.ParseFromString(model)
    except Exception:  # protobuf's own, whose name has changed
        raise SwapError("found no ONNX model") from None
    graphs = [proto.graph]
    nodes = [node for function in proto.functions for node in function.node]
    tensors = []
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            tensors += graph.initializer
            tensors += [part for one in graph.sparse_initializer for part in (one.values, one.indices)]
            nodes += graph.node
            continue
        for given in nodes.pop().attribute:
            tensors += [given.t, *given.tensors]
            tensors += [
                part for one in (given.sparse_tensor, *given.sparse_tensors) for part in (one.values, one.indices)
            ]
            graphs += [given.g, *given.graphs]
    for tensor in tensors:
        kept = tensor.data_location == TensorProto.EXTERNAL or tensor.external_data
        if kept and tensor.name not in outside:
            raise SwapError(
                f"found weights ({tensor.name[:80]!r}) that lie in another file; save the model as one file"
            )


def session(model: bytes, *, threads: int, weights: Mapping[str, np.ndarray] | None = None) -> Any:
    """An onnxruntime.InferenceSession on the CPU, with this many threads (0: one for each core).

    weights are the constants that the model has `outside`, float32. Raises onnxruntime's errors where one is missing or of
    another shape, and SwapError as `check` does.
    """
    import onnxruntime

    check(model, outside=set(weights or ()))

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # threads that wait for work by turning in circles take the processor from whoever decodes and encodes beside them
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if weights:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(a)) for a in weights.values()]
        options.add_external_initializers(list(weights), values)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
