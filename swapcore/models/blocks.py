"""Building blocks that models share. Each takes and returns a Keras tensor (n, h, w, channels).

`dtype` is a Keras policy: "float32", or "mixed_bfloat16" for float32 weights and bfloat16 arithmetic.
"""

from __future__ import annotations

from typing import Any

from swapcore.models.convolution import Conv2D

SLOPE = 0.1  # of LeakyReLU below zero
SOFT = 0.2  # the same within residual blocks


def policy(precision: str) -> str:
    """The Keras policy of a precision, "float32" or "bfloat16"."""
    return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]


def scaled(count: int, width: float) -> int:
    """A number of channels times `width`, where that is not 1 in whole eights."""
    return count if width == 1 else max(int(count * width) // 8 * 8, 8)


def downscale(x: Any, filters: int, *, name: str, dtype: str) -> Any:
    """Halve the side: convolution 5x5 of stride 2, LeakyReLU."""
    from keras import layers

    x = Conv2D(filters, 5, strides=2, padding="same", name=name, dtype=dtype)(x)
    return layers.LeakyReLU(SLOPE, dtype=dtype)(x)


def upscale(x: Any, filters: int, *, name: str, dtype: str, slope: float | None = SLOPE) -> Any:
    """Double the side: convolution 3x3 to four times the channels, LeakyReLU (None: none), depth to space (Shi et al. 2016)."""
    from keras import layers, ops

    x = Conv2D(4 * filters, 3, padding="same", name=name, dtype=dtype)(x)
    return ops.depth_to_space(x if slope is None else layers.LeakyReLU(slope, dtype=dtype)(x), 2)


def residual(x: Any, *, name: str, dtype: str) -> Any:
    """Convolution 3x3, LeakyReLU, convolution 3x3, added to x, LeakyReLU (He et al. 2016); channels stay."""
    from keras import layers

    y = layers.LeakyReLU(SOFT, dtype=dtype)(Conv2D(x.shape[-1], 3, padding="same", name=f"{name}a", dtype=dtype)(x))
    y = Conv2D(x.shape[-1], 3, padding="same", name=f"{name}b", dtype=dtype)(y)
    return layers.LeakyReLU(SOFT, dtype=dtype)(layers.Add(dtype=dtype)([x, y]))


def dense(x: Any, units: int, *, name: str, dtype: str) -> Any:
    """Flatten and a dense layer without activation: (n, units)."""
    from keras import layers

    x = x if len(x.shape) == 2 else layers.Flatten(dtype=dtype)(x)
    return layers.Dense(units, name=name, dtype=dtype)(x)


def unfold(x: Any, side: int, channels: int, *, name: str, dtype: str) -> Any:
    """A dense layer to (n, side, side, channels)."""
    from keras import layers

    x = dense(x, side * side * channels, name=name, dtype=dtype)
    return layers.Reshape((side, side, channels), dtype=dtype)(x)


def picture(x: Any, *, name: str, dtype: str) -> Any:
    """Channels to a picture: convolution 5x5 to BGR, sigmoid; float32 0..1 whatever the policy."""
    from keras import layers

    x = Conv2D(3, 5, padding="same", name=name, dtype=dtype)(x)
    return layers.Activation("sigmoid", dtype="float32")(x)
