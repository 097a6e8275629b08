"""`original` with a smaller encoder and wider decoders, for machines with little memory. 64 pixels, 51.07 M.

Three convolutions down instead of four, half the dense bottleneck.
"""

from __future__ import annotations

from swapcore.models.blocks import dense, downscale, picture, policy, scaled, unfold, upscale
from swapcore.models.swapper import PEOPLE, Swapper


def build(resolution: int, *, precision: str, width: float = 1.0) -> Swapper:
    """The model with fresh weights; see `original.build`."""
    import keras

    dtype = policy(precision)
    faces = x = keras.Input((resolution, resolution, 3), name="face")
    for level, count in enumerate((128, 256, 512), 1):
        x = downscale(x, scaled(count, width), name=f"down{level}", dtype=dtype)
    x = dense(x, scaled(512, width), name="dense1", dtype=dtype)
    x = unfold(x, resolution // 16, scaled(512, width), name="dense2", dtype=dtype)
    encoder = keras.Model(faces, upscale(x, scaled(256, width), name="up", dtype=dtype), name="encoder")
    decoders = {}
    for person in PEOPLE:
        code = x = keras.Input(encoder.output.shape[1:], name="code", dtype=encoder.output.dtype)
        for level, count in enumerate((512, 256, 128), 1):
            x = upscale(x, scaled(count, width), name=f"up{level}", dtype=dtype)
        decoders[person] = keras.Model(code, picture(x, name="picture", dtype=dtype), name=person)
    return Swapper(encoder=encoder, decoders=decoders, resolution=resolution)
