"""`original`'s encoder over a picture of half the side, and larger decoders with residual blocks. 128 pixels, 113.33 M.

The picture is averaged down inside the encoder, so the model has one resolution as all others have.
"""

from __future__ import annotations

from swapcore.models.blocks import SOFT, picture, policy, residual, scaled, upscale
from swapcore.models.original import encode
from swapcore.models.swapper import PEOPLE, Swapper


def build(resolution: int, *, precision: str, width: float = 1.0) -> Swapper:
    """The model with fresh weights; resolution: a multiple of 32; see `original.build`."""
    import keras
    from keras import layers

    dtype = policy(precision)
    faces = keras.Input((resolution, resolution, 3), name="face")
    seen = layers.AveragePooling2D(2, dtype=dtype)(faces)
    encoder = keras.Model(faces, encode(seen, width=width, dtype=dtype), name="encoder")
    decoders = {}
    for person in PEOPLE:
        code = x = keras.Input(encoder.output.shape[1:], name="code", dtype=encoder.output.dtype)
        for level, count in enumerate((512, 256, 128), 1):
            x = upscale(x, scaled(count, width), name=f"up{level}", dtype=dtype, slope=None)
            x = residual(layers.LeakyReLU(SOFT, dtype=dtype)(x), name=f"residual{level}", dtype=dtype)
        x = upscale(x, scaled(64, width), name="up4", dtype=dtype)
        decoders[person] = keras.Model(code, picture(x, name="picture", dtype=dtype), name=person)
    return Swapper(encoder=encoder, decoders=decoders, resolution=resolution)
