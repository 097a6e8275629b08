"""Building blocks that models share. Each takes and returns a Keras tensor (n, h, w, channels).

`dtype` is a Keras policy: "float32", or "mixed_bfloat16" for float32 weights and bfloat16 arithmetic.
"""

from __future__ import annotations

from typing import Any

from swapcore.models.convolution import Conv2D

SLOPE = 0.1  # of LeakyReLU below zero


def downscale(x: Any, filters: int, *, name: str, dtype: str) -> Any:
    """Halve the side: convolution 5x5 of stride 2, LeakyReLU."""
    from keras import layers

    x = Conv2D(filters, 5, strides=2, padding="same", name=name, dtype=dtype)(x)
    return layers.LeakyReLU(SLOPE, dtype=dtype)(x)


def upscale(x: Any, filters: int, *, name: str, dtype: str) -> Any:
    """Double the side: convolution 3x3 to four times the channels, LeakyReLU, depth to space (Shi et al. 2016)."""
    from keras import layers, ops

    x = Conv2D(4 * filters, 3, padding="same", name=name, dtype=dtype)(x)
    return ops.depth_to_space(layers.LeakyReLU(SLOPE, dtype=dtype)(x), 2)


def picture(x: Any, *, name: str, dtype: str) -> Any:
    """Channels to a picture: convolution 5x5 to BGR, sigmoid; float32 0..1 whatever the policy."""
    from keras import layers

    x = Conv2D(3, 5, padding="same", name=name, dtype=dtype)(x)
    return layers.Activation("sigmoid", dtype="float32")(x)
