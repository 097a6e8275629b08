"""The classic of the family: convolutions down to a dense bottleneck, and up again for each person. 64 pixels, 82.06 M.

The shared encoder learns what a face does, a decoder what a person looks like; decoding one person's code with the other's
decoder swaps the face. The architecture is that of the first public face swapping programs (2018).
"""

from __future__ import annotations

from swapcore.models.blocks import downscale, picture, upscale
from swapcore.models.swapper import PEOPLE, Swapper


def build(resolution: int, *, precision: str, width: float = 1.0) -> Swapper:
    """The model with fresh weights.

    resolution: side of the pictures, a multiple of 16. precision: "float32" or "bfloat16", which is what is computed in;
    weights are float32. width scales the number of channels; 1 is the classic.
    """
    import keras
    from keras import layers

    if resolution < 16 or resolution % 16:
        raise ValueError(f"resolution: expected a multiple of 16, got {resolution}")
    dtype = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]
    side = resolution // 16

    def channels(count: int) -> int:
        return max(int(count * width) // 8 * 8, 8)

    faces = x = keras.Input((resolution, resolution, 3), name="face")
    for level, count in enumerate((128, 256, 512, 1024), 1):
        x = downscale(x, channels(count), name=f"down{level}", dtype=dtype)
    x = layers.Flatten(dtype=dtype)(x)
    x = layers.Dense(channels(1024), name="dense1", dtype=dtype)(x)
    x = layers.Dense(side * side * channels(1024), name="dense2", dtype=dtype)(x)
    x = layers.Reshape((side, side, channels(1024)), dtype=dtype)(x)
    code = upscale(x, channels(512), name="up", dtype=dtype)
    encoder = keras.Model(faces, code, name="encoder")

    decoders = {}
    for person in PEOPLE:
        code = x = keras.Input(encoder.output.shape[1:], name="code", dtype=encoder.output.dtype)
        for level, count in enumerate((256, 128, 64), 1):
            x = upscale(x, channels(count), name=f"up{level}", dtype=dtype)
        decoders[person] = keras.Model(code, picture(x, name="picture", dtype=dtype), name=person)
    return Swapper(encoder=encoder, decoders=decoders, resolution=resolution)
