"""A convolution layer as Keras' own, with the same weights and names, that computes by matrix products where that is quicker.

On a processor the library's convolution is slow where a picture has few positions and many channels, above all in the
gradient of its weights: at 4x4 positions it reached a tenth to a third of what the machine can do. There the neighbourhoods
of all positions are laid into one matrix (im2col, Chellapilla et al. 2006) and multiplied. Which of the three products of a
layer go that way is decided by `products`, from measurements. On a GPU, and on JAX, all is left to the library.
"""

from __future__ import annotations

import functools
from typing import Any

from swapcore.models.backend import gpus, keras, tensorflow

FEW, SOME = 4, 16  # output rows up to which all three products, and the gradient of the weights alone, are taken over
NARROW = 32  # channels; narrower layers are left to the library


def products(side: int, channels: int, dtype: str) -> frozenset[str]:
    """Which of "forward", "inputs" and "weights" (their gradients) go by matrix products.

    side: rows of the output, which is square; channels: the fewer of input and output; dtype: what is computed in. From
    measurements on one core with AVX-512, see docs/experiments.md: up to 4 rows all three take 0.17 to 0.57 of the library's
    time, at 8 rows the gradient of the weights 0.29 to 0.51 in bfloat16 and 0.58 to 0.92 in float32, at 16 rows 0.71 to 1.02
    and 0.95 or more. Else the library is as quick or quicker.
    """
    if channels < NARROW or side > SOME or (side > SOME // 2 and dtype != "bfloat16"):
        return frozenset()
    return frozenset({"forward", "inputs", "weights"} if side <= FEW else {"weights"})


def Conv2D(*args: Any, **settings: Any) -> Any:
    """A layer: arguments, weights and results as `keras.layers.Conv2D`."""
    return _layer()(*args, **settings)


@functools.cache
def _layer() -> type:
    """The class, made when Keras is loaded."""
    layers = keras().layers
    on_library = keras().backend.backend() != "tensorflow" or gpus()

    class Conv2D(layers.Conv2D):
        """See the module."""

        def call(self, inputs: Any) -> Any:
            if on_library or not self.use_bias or self.data_format != "channels_last":
                return super().call(inputs)
            bias = tensorflow().convert_to_tensor(self.bias)
            return self.activation(biased(self.convolution_op(inputs, self.kernel), bias))

        def convolution_op(self, inputs: Any, kernel: Any) -> Any:
            side = -(-inputs.shape[1] // self.strides[0]) if inputs.shape[1] else None
            plain = (
                on_library
                or side is None
                or inputs.shape[1] != inputs.shape[2]
                or self.kernel_size[0] != self.kernel_size[1]
                or self.strides[0] != self.strides[1]
                or (self.padding, self.data_format, self.groups) != ("same", "channels_last", 1)
                or set(self.dilation_rate) != {1}
                or self.lora_enabled
            )
            taken = frozenset() if plain else products(side, min(inputs.shape[-1], self.filters), self.compute_dtype)
            if not taken:
                return super().convolution_op(inputs, kernel)
            return convolve(inputs, tensorflow().convert_to_tensor(kernel), stride=self.strides[0], taken=taken)

    return Conv2D


def convolve(x: Any, kernel: Any, *, stride: int, taken: frozenset[str]) -> Any:
    """The convolution (n, o, o, filters) of x (n, s, s, c) with kernel (k, k, c, filters), padding "same", on TensorFlow.

    taken as `products` gives it. Both inputs of one dtype, in which all is computed.
    """
    tf = tensorflow()
    side, size = x.shape[1], kernel.shape[0]
    out, (channels, filters) = -(-side // stride), kernel.shape[2:]
    strides = [1, stride, stride, 1]

    @tf.custom_gradient
    def op(x: Any, kernel: Any) -> Any:
        laid = None
        if "forward" in taken:
            laid = tf.reshape(tf.concat(_shifted(x, size, stride), -1), (-1, size * size * channels))
            flat = tf.matmul(laid, tf.reshape(kernel, (-1, filters)))
            y = tf.reshape(flat, (-1, out, out, filters))
        else:
            y = tf.nn.conv2d(x, kernel, strides, "SAME")

        def gradient(by_y: Any) -> tuple[Any, Any]:
            flat = tf.reshape(by_y, (-1, filters))
            if "inputs" in taken:
                by_x = _scattered(
                    tf.matmul(flat, tf.reshape(kernel, (-1, filters)), transpose_b=True), x.shape, size, stride
                )
            else:
                by_x = tf.raw_ops.Conv2DBackpropInput(
                    input_sizes=tf.shape(x), filter=kernel, out_backprop=by_y, strides=strides, padding="SAME"
                )
            if "weights" not in taken:
                by_kernel = tf.raw_ops.Conv2DBackpropFilter(
                    input=x, filter_sizes=kernel.shape, out_backprop=by_y, strides=strides, padding="SAME"
                )
            elif laid is None:
                places = tf.reshape(tf.stack(_shifted(x, size, stride)), (size * size, -1, channels))
                by_kernel = tf.reshape(tf.matmul(places, flat, transpose_a=True), kernel.shape)
            else:
                by_kernel = tf.reshape(tf.matmul(laid, flat, transpose_a=True), kernel.shape)
            return by_x, by_kernel

        return y, gradient

    return op(x, kernel)


def biased(x: Any, bias: Any) -> Any:
    """x (..., c) plus bias (c,), on TensorFlow.

    Its own gradient of a bias, where it is not fused with a convolution's, stands still in bfloat16: a sum of 4000 ones is 512.
    """
    tf = tensorflow()

    @tf.custom_gradient
    def op(x: Any, bias: Any) -> Any:
        return tf.nn.bias_add(x, bias), lambda by_y: (by_y, tf.reduce_sum(by_y, list(range(len(x.shape) - 1))))

    return op(x, bias)


def _frame(side: int, size: int, stride: int) -> tuple[int, int, int, int]:
    """Output rows, rows of each phase, padding before and behind: "same", and to a whole number of rows in every phase."""
    out = -(-side // stride)
    before = max((out - 1) * stride + size - side, 0) // 2
    rows = out + -(-size // stride) - 1
    return out, rows, before, rows * stride - side - before


def _shifted(x: Any, size: int, stride: int) -> list[Any]:
    """What each place of the kernel, row by row, sees of x (n, s, s, c): tensors (n, o, o, c).

    With a stride the rows and columns of each phase are taken apart first: a tenth of the time of strided slices.
    """
    tf = tensorflow()
    out, rows, before, behind = _frame(x.shape[1], size, stride)
    x = tf.pad(x, ((0, 0), (before, behind), (before, behind), (0, 0)))
    x = tf.reshape(x, (-1, rows, stride, rows, stride, x.shape[-1]))
    phases = {(i, j): x[:, :, i, :, j] for i in range(min(stride, size)) for j in range(min(stride, size))}
    return [
        phases[i % stride, j % stride][:, i // stride : i // stride + out, j // stride : j // stride + out]
        for i in range(size)
        for j in range(size)
    ]


def _scattered(columns: Any, shape: Any, size: int, stride: int) -> Any:
    """The opposite: columns (n o o, k k c) are added up where each came from, in a picture (n, s, s, c) of `shape`."""
    tf = tensorflow()
    side, channels = shape[1], shape[3]
    out, rows, before, _ = _frame(side, size, stride)
    columns = tf.reshape(columns, (-1, out, out, size, size, channels))

    def phase(a: int, b: int) -> Any:
        terms = []
        for i in range(a, size, stride):
            for j in range(b, size, stride):
                around = [(0, 0), *((k // stride, rows - out - k // stride) for k in (i, j)), (0, 0)]
                terms.append(tf.pad(columns[:, :, :, i, j], around))
        return (
            tf.add_n(terms)
            if terms
            else tf.zeros_like(tf.pad(columns[:, :, :, 0, 0], [(0, 0), (0, rows - out), (0, rows - out), (0, 0)]))
        )

    phases = [phase(a, b) for a in range(stride) for b in range(stride)]
    whole = phases[0] if stride == 1 else tf.nn.depth_to_space(tf.concat(phases, -1), stride)
    return whole[:, before : before + side, before : before + side]
