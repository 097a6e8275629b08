"""A small head that tells from a model's code what of the picture was face: a mask of whoever was shown, for any model.

It stands beside the decoders and belongs to nobody: what it learns of both people's masks it says of the face that is to be
changed, with the hand or the hair that is before it, as far as the code tells of them.
"""

from __future__ import annotations

from typing import Any

from swapcore.models.blocks import policy, scaled, unfold, upscale
from swapcore.models.convolution import Conv2D

WIDE, FEWEST = 64, 8  # channels where it begins, halved with each doubling of the side; at least
LARGEST = 14  # side at which it begins at most, where the code is no picture


def head(encoder: Any, resolution: int, *, precision: str, width: float = 1.0) -> Any:
    """The head of an encoder as a Keras model, fresh: code -> (n, r, r, 1) float32 0..1; width scales the channels."""
    import keras
    from keras import layers

    dtype = policy(precision)
    code = x = keras.Input(encoder.output.shape[1:], name="code", dtype=encoder.output.dtype)
    count = scaled(WIDE, width)
    if len(x.shape) == 2:
        side = next(resolution >> n for n in range(10) if resolution >> n <= LARGEST)
        x = unfold(x, side, count, name="mask_unfold", dtype=dtype)
    level = 0
    while x.shape[1] < resolution:
        level += 1
        x = upscale(x, max(count >> level, FEWEST), name=f"mask_up{level}", dtype=dtype)
    x = Conv2D(1, 3, padding="same", name="mask", dtype=dtype)(x)
    return keras.Model(code, layers.Activation("sigmoid", dtype="float32")(x), name="mask")
