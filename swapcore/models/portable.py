"""A swap without TensorFlow: a person's way through a model as an ONNX graph, made once where Keras is loaded anyway.

The graph holds no weights. They stand in weights.h5 under the names that the graph asks for, so a conversion puts both
together and runs them in ONNX Runtime: 0.6 GiB and seven seconds of start-up less than with TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from swapcore import nets
from swapcore.errors import SwapError
from swapcore.models.swapper import MASK, PEOPLE, SHARED, Swapper

# whose face a graph makes of the other's -> its name among the arrays of weights.h5
GRAPHS = {"source": "graph", "target": "graph_back"}
FACES, SWAPPED = "faces", "swapped"  # the graph's input and output, (n, r, r, 3) float32, BGR 0..1
SEEN = "mask"  # its other output where the model makes masks, (n, r, r, 1) float32 0..1


def parts(person: str) -> tuple[str, ...]:
    """The parts of a model on the way to a person's face, and to the mask."""
    return ("encoder", SHARED, person, MASK)


def export(swapper: Swapper, person: str = "source") -> bytes:
    """The graph of a model's swap to a person of PEOPLE, the other's face in, as ONNX without its weights: some kilobytes.

    Weights are external, named as `Swapper.variables` has them, kernels of convolutions as ONNX lays them out. Raises
    NotImplementedError, naming the layer, for one that LAYERS does not know: then add it there.
    """
    graph = nets.Graph()
    layers, given = swapper.parts(), {}  # weights of layers that are gone through twice stand in the graph once
    names = {id(layer): f"{part}/{layer.name}" for part in reversed(parts(person)) for layer in layers.get(part, [])}

    def weight(layer: Any, kind: str) -> str:
        shape = tuple(getattr(layer, kind).shape)
        laid = (shape[3], shape[2], *shape[:2]) if len(shape) == 4 else shape
        name = f"{names[id(layer)]}/{kind}"
        return name if name in given else given.setdefault(name, graph.outside(name, laid))

    shape, ends = ["n", swapper.resolution, swapper.resolution], {}
    x = graph.node("Transpose", FACES, perm=[0, 3, 1, 2])
    code = _part(graph, swapper.encoder, x, weight, names, person)
    for name, model, channels in ((SWAPPED, swapper.decoders[person], 3), (SEEN, swapper.mask, 1)):
        if model is not None:
            x = _part(graph, model, code, weight, names, person)
            graph.node("Transpose", x, output=name, perm=[0, 2, 3, 1])
            ends[name] = ("FLOAT", [*shape, channels])
    return graph.model("swap", {FACES: ("FLOAT", [*shape, 3])}, ends)


def runner(
    graph: bytes,
    arrays: Mapping[str, np.ndarray],
    *,
    person: str,
    resolution: int,
    threads: int,
    where: str,
    masked: bool = False,
) -> Callable[[np.ndarray], np.ndarray]:
    """The swap as a function, float32 (n, r, r, 3) to the same, BGR 0..1, from the graph and the weights by name.

    r is resolution; person: whose face the graph makes; threads: 0 for one on each core; masked: a fourth channel is the mask of
    the face that was given. Raises SwapError, naming `where`, where the graph is of another resolution, or weights are missing
    or of another shape.
    """
    (other,) = set(PEOPLE) - {person}
    used = {k: a for k, a in arrays.items() if k.split("/")[0] in parts(person) and not k.endswith(f"_{other}")}
    laid = {name: array.transpose(3, 2, 0, 1) if array.ndim == 4 else array for name, array in used.items()}
    try:
        session = nets.session(graph, threads=threads, weights=laid)
    except Exception as error:  # ONNX Runtime's own are many; each means that graph and weights do not fit
        said = str(error).strip().splitlines()[0]
        raise SwapError(f"{where}: expected weights that fit their graph ({said}); delete it and train again") from None
    side = session.get_inputs()[0].shape[1]
    if side != resolution:
        raise SwapError(f"{where}: expected a model of {resolution} pixels, found {side}; delete it and train again")

    wanted = [SWAPPED, SEEN] if masked else [SWAPPED]

    def predict(faces_bgr: np.ndarray) -> np.ndarray:
        made = session.run(wanted, {FACES: np.ascontiguousarray(faces_bgr, np.float32)})
        return np.concatenate(made, -1) if masked else made[0]

    return predict


def _part(
    graph: nets.Graph, model: Any, x: str, weight: Callable[[Any, str], str], names: Mapping[int, str], person: str
) -> str:
    """The nodes of a model behind the value x (n, channels, rows, columns); models within it are gone through in turn."""
    values = {id(model.inputs[0]): x}
    # Keras' own order of computing; a layer that stands in several models has a node in each, so its own output says nothing
    for node in (
        node for depth in sorted(model._nodes_by_depth, reverse=True) for node in model._nodes_by_depth[depth]
    ):
        layer, kind = node.operation, type(node.operation).__name__
        if node.is_input:
            continue
        inputs = [values[id(one)] for one in node.input_tensors]
        if hasattr(layer, "layers"):
            found = _part(graph, layer, inputs[0], weight, names, person)
        elif kind == "PersonalConv2D":
            found = _personal(graph, layer, inputs, weight, person)
        elif kind in LAYERS:
            found = LAYERS[kind](graph, layer, inputs, weight)
        else:
            named = names.get(id(layer), layer.name)
            raise NotImplementedError(f"{named}: the layer {kind} has no ONNX form in models.portable")
        values[id(node.outputs[0])] = found
    return values[id(model.outputs[0])]


def _conv(graph: nets.Graph, layer: Any, inputs: list[str], weight: Callable[[Any, str], str]) -> str:
    """Keras' "same" pads more behind than before where the stride asks for it, which is ONNX' SAME_UPPER."""
    if layer.padding != "same" or layer.activation.__name__ != "linear":
        raise NotImplementedError(f"{layer.name}: only padding 'same' without activation has an ONNX form here")
    constants = [weight(layer, kind) for kind in (("kernel", "bias") if layer.use_bias else ("kernel",))]
    return graph.node("Conv", inputs[0], *constants, strides=list(layer.strides), auto_pad="SAME_UPPER")


def _dense(graph: nets.Graph, layer: Any, inputs: list[str], weight: Callable[[Any, str], str]) -> str:
    if layer.activation.__name__ != "linear":
        raise NotImplementedError(f"{layer.name}: only without activation has an ONNX form here")
    return graph.node("Gemm", inputs[0], weight(layer, "kernel"), weight(layer, "bias"))


def _flatten(graph: nets.Graph, layer: Any, inputs: list[str], weight: Callable[[Any, str], str]) -> str:
    return graph.node("Flatten", graph.node("Transpose", inputs[0], perm=[0, 2, 3, 1]))


def _reshape(graph: nets.Graph, layer: Any, inputs: list[str], weight: Callable[[Any, str], str]) -> str:
    shape = graph.constant([-1, *layer.target_shape], np.int64)
    return graph.node("Transpose", graph.node("Reshape", inputs[0], shape), perm=[0, 3, 1, 2])


def _leaky(graph: nets.Graph, layer: Any, inputs: list[str], weight: Callable[[Any, str], str]) -> str:
    return graph.node("LeakyRelu", inputs[0], alpha=float(layer.negative_slope))


def _depth_to_space(graph: nets.Graph, layer: Any, inputs: list[str], weight: Callable[[Any, str], str]) -> str:
    return graph.node("DepthToSpace", inputs[0], blocksize=layer.block_size, mode="DCR")


def _activation(graph: nets.Graph, layer: Any, inputs: list[str], weight: Callable[[Any, str], str]) -> str:
    kinds = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}
    return graph.node(kinds[layer.activation.__name__], inputs[0])


def _add(graph: nets.Graph, layer: Any, inputs: list[str], weight: Callable[[Any, str], str]) -> str:
    return graph.node("Sum", *inputs)


def _concatenate(graph: nets.Graph, layer: Any, inputs: list[str], weight: Callable[[Any, str], str]) -> str:
    if layer.axis != -1:
        raise NotImplementedError(f"{layer.name}: only of channels has an ONNX form here")
    return graph.node("Concat", *inputs, axis=1)


def _average(graph: nets.Graph, layer: Any, inputs: list[str], weight: Callable[[Any, str], str]) -> str:
    if layer.padding != "valid":
        raise NotImplementedError(f"{layer.name}: only padding 'valid' has an ONNX form here")
    return graph.node("AveragePool", inputs[0], kernel_shape=list(layer.pool_size), strides=list(layer.strides))


def _personal(graph: nets.Graph, layer: Any, inputs: list[str], weight: Callable[[Any, str], str], person: str) -> str:
    """The person's gains are laid into the kernel, which ONNX Runtime does once, when it loads the graph."""
    if layer.padding != "same":
        raise NotImplementedError(f"{layer.name}: only padding 'same' has an ONNX form here")
    kernel = weight(layer, "kernel")
    for kind, axes in (("in", [0, 2, 3]), ("out", [1, 2, 3])):
        gain = graph.node("Unsqueeze", weight(layer, f"{kind}_{person}"), graph.constant(axes, np.int64))
        kernel = graph.node("Mul", kernel, gain)
    bias = weight(layer, f"bias_{person}")
    return graph.node("Conv", inputs[0], kernel, bias, strides=list(layer.strides), auto_pad="SAME_UPPER")


# a Keras layer or operation -> its ONNX nodes; pictures are (n, channels, rows, columns), flat values (n, units)
LAYERS: dict[str, Callable[[nets.Graph, Any, list[str], Callable[[Any, str], str]], str]] = {
    "Conv2D": _conv,
    "Dense": _dense,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "LeakyReLU": _leaky,
    "DepthToSpace": _depth_to_space,
    "Activation": _activation,
    "Add": _add,
    "Concatenate": _concatenate,
    "AveragePooling2D": _average,
}
