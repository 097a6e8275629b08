"""The classic of the family: convolutions down to a dense bottleneck, and up again for each person. 64 pixels, 82.06 M.

The shared encoder learns what a face does, a decoder what a person looks like; decoding one person's code with the other's
decoder swaps the face. The architecture is that of the first public face swapping programs (2018).
"""

from __future__ import annotations

from typing import Any

from swapcore.models.blocks import dense, downscale, picture, policy, scaled, unfold, upscale
from swapcore.models.swapper import PEOPLE, Swapper


def build(resolution: int, *, precision: str, width: float = 1.0) -> Swapper:
    """The model with fresh weights.

    resolution: side of the pictures, a multiple of 16. precision: "float32" or "bfloat16", which is what is computed in;
    weights are float32. width scales the number of channels; 1 is the classic.
    """
    import keras

    dtype = policy(precision)
    faces = keras.Input((resolution, resolution, 3), name="face")
    encoder = keras.Model(faces, encode(faces, width=width, dtype=dtype), name="encoder")
    decoders = {}
    for person in PEOPLE:
        code = x = keras.Input(encoder.output.shape[1:], name="code", dtype=encoder.output.dtype)
        for level, count in enumerate((256, 128, 64), 1):
            x = upscale(x, scaled(count, width), name=f"up{level}", dtype=dtype)
        decoders[person] = keras.Model(code, picture(x, name="picture", dtype=dtype), name=person)
    return Swapper(encoder=encoder, decoders=decoders, resolution=resolution)


def encode(x: Any, *, width: float, dtype: str) -> Any:
    """The classic's way from a picture (n, r, r, 3) to its code (n, r / 8, r / 8, 512 width)."""
    side = x.shape[1] // 16
    for level, count in enumerate((128, 256, 512, 1024), 1):
        x = downscale(x, scaled(count, width), name=f"down{level}", dtype=dtype)
    x = dense(x, scaled(1024, width), name="dense1", dtype=dtype)
    x = unfold(x, side, scaled(1024, width), name="dense2", dtype=dtype)
    return upscale(x, scaled(512, width), name="up", dtype=dtype)
