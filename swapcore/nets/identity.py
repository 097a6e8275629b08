"""dlib's identity network as an ONNX model, run by ONNX Runtime: twenty times faster than dlib runs it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from swapcore.nets import spec
from swapcore.nets.graph import Graph, Tensor, finish, session, take

CHIP = 150  # side of the pictures the network sees, pixels


def identity_model(layers: list[spec.Layer]) -> bytes:
    """The face recognition ResNet of dlib as the bytes of an ONNX model, from `spec.identity`.

    A residual network (He et al. 2016) of 29 convolutions, trained by metric learning on three million faces (King, High
    Quality Face Recognition with Deep Metric Learning, 2017). Input `faces` (n, 150, 150, 3) uint8 BGR; output
    `embeddings` (n, 128) float32, in which two faces of one person lie less than about 0.6 apart (Euclidean). Raises
    SwapError where the layers are those of another network.
    """
    from onnx import TensorProto

    graph, rest = Graph(), iter(layers)
    next_layer = partial(take, rest, "identity")

    def convolution(x: Tensor, filters: int, size: int, stride: int, scale: float = 1.0) -> Tensor:
        """A convolution and the affine layer after it, in one."""
        inside = 1 if stride == 1 else 0
        weights = (filters, x.shape[0], size, size)
        layer = next_layer("con", weights=weights, stride=(stride, stride), padding=(inside, inside))
        affine = next_layer("affine", weights=(filters,))
        kernel = layer.weights * affine.weights.reshape(-1, 1, 1, 1) * scale
        if x.shape[0] == 3:
            kernel = kernel[:, ::-1]  # dlib's pictures are RGB
        constants = graph.constant(kernel), graph.constant(layer.bias * affine.weights + affine.bias)
        return graph.window("Conv", x, layer, (size, size), *constants, channels=filters)

    def relu(x: Tensor) -> Tensor:
        next_layer("relu")
        return Tensor(graph.node("Relu", x.name), x.shape)

    def residual(x: Tensor, filters: int, stride: int) -> Tensor:
        """Two convolutions and what goes past them; dlib adds pictures of different sizes by filling up with zeros."""
        y = convolution(relu(convolution(x, filters, 3, stride)), filters, 3, 1)
        if stride == 2:
            layer = next_layer("avg_pool", size=(2, 2), stride=(2, 2), padding=(0, 0))
            x = graph.window("AveragePool", x, layer, (2, 2), channels=x.shape[0])
        next_layer("add")
        shape = tuple(max(pair) for pair in zip(x.shape, y.shape, strict=True))
        return relu(Tensor(graph.node("Add", graph.grown(x, shape), graph.grown(y, shape)), shape))

    mean_bgr = np.array(next_layer("input").numbers["mean_rgb"])[::-1]
    planes = graph.node("Transpose", graph.node("Cast", "faces", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    x = Tensor(graph.node("Sub", planes, graph.constant(mean_bgr.reshape(1, 3, 1, 1))), (3, CHIP, CHIP))
    x = relu(convolution(x, 32, 7, 2, scale=1 / 256))
    layer = next_layer("max_pool", size=(3, 3), stride=(2, 2), padding=(0, 0))
    x = graph.window("MaxPool", x, layer, (3, 3), channels=32)
    for filters, strides in ((32, (1, 1, 1)), (64, (2, 1, 1, 1)), (128, (2, 1, 1)), (256, (2, 1, 1)), (256, (2,))):
        for stride in strides:
            x = residual(x, filters, stride)
    next_layer("avg_pool", size=(0, 0))  # over the whole picture
    flat = graph.node("Flatten", graph.node("GlobalAveragePool", x.name))
    graph.node("MatMul", flat, graph.constant(next_layer("fc", weights=(256, 128)).weights), output="embeddings")
    finish(rest, "identity")
    return graph.model(
        "dlib_identity",
        {"faces": ("UINT8", ["n", CHIP, CHIP, 3])},
        {"embeddings": ("FLOAT", ["n", 128])},
    )


def identity_session(*, threads: int) -> Any:
    """An onnxruntime.InferenceSession of the identity network on the CPU, with this many threads (0: one for each core).

    Takes {"faces": (n, 150, 150, 3) uint8 BGR}, gives [(n, 128) float32]. Built anew from dlib's file in under a second;
    nothing is kept on the disk. Raises SwapError where that file is missing or damaged.
    """
    return session(identity_model(spec.identity(spec.model_path("identity").read_bytes())), threads=threads)
