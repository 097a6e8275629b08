"""The styled autoencoder of DeepFaceLab's early years, in its two architectures. 128 pixels, 130 M and 122 M.

df: one bottleneck and a decoder for each person, as the classic. liae: one decoder for both, which is told who it is by two
bottlenecks: the second sees the target alone, the first both people. The target is decoded from both side by side, the
source from the first twice; so is the target when it is swapped, and what the two people share, light and expression, lies
in the first. Numbers of channels as in the programs of the family: 42 and 21 for each colour.
"""

from __future__ import annotations

from typing import Any

from swapcore.models.blocks import dense, downscale, picture, policy, residual, scaled, unfold, upscale
from swapcore.models.swapper import PEOPLE, Swapper

DOWN, UP = 3 * 42, 3 * 21  # channels of the first convolution down and, times 8, 4, 2, of those up
BOTTLENECK = {"df": 512, "liae": 256}


def build_df(resolution: int, *, precision: str, width: float = 1.0) -> Swapper:
    """The model with fresh weights; see `original.build`."""
    import keras

    dtype = policy(precision)
    faces = keras.Input((resolution, resolution, 3), name="face")
    x = _narrowed(_encode(faces, width=width, dtype=dtype), scaled(BOTTLENECK["df"], width), 1, name="", dtype=dtype)
    encoder = keras.Model(faces, x, name="encoder")
    decoders = {}
    for person in PEOPLE:
        code = keras.Input(encoder.output.shape[1:], name="code", dtype=encoder.output.dtype)
        decode = _decoder(width=width, dtype=dtype)
        decoders[person] = keras.Model(code, decode(code), name=person)
    return Swapper(encoder=encoder, decoders=decoders, resolution=resolution)


def build_liae(resolution: int, *, precision: str, width: float = 1.0) -> Swapper:
    """The model with fresh weights; see `original.build`. The code is what the convolutions see, the rest is in the decoders."""
    import keras
    from keras import layers

    dtype = policy(precision)
    faces = keras.Input((resolution, resolution, 3), name="face")
    encoder = keras.Model(faces, _encode(faces, width=width, dtype=dtype), name="encoder")
    seen, units = encoder.output, scaled(BOTTLENECK["liae"], width)

    def inter(name: str) -> Any:
        x = keras.Input(seen.shape[1:], dtype=seen.dtype)
        return keras.Model(x, _narrowed(x, units, 2, name=f"{name}_", dtype=dtype), name=name)

    both, target = inter("inter_both"), inter("inter_target")
    code = keras.Input((*both.output.shape[1:3], 2 * both.output.shape[3]), dtype=both.output.dtype)
    decoder = keras.Model(code, _decoder(width=width, dtype=dtype)(code), name="decoder")
    decoders = {}
    for person in PEOPLE:
        code = keras.Input(seen.shape[1:], name="code", dtype=seen.dtype)
        play = both(code)
        first = play if person == "source" else target(code)
        decoders[person] = keras.Model(code, decoder(layers.Concatenate(dtype=dtype)([first, play])), name=person)
    return Swapper(encoder=encoder, decoders=decoders, resolution=resolution)


def _encode(x: Any, *, width: float, dtype: str) -> Any:
    for level in range(4):
        x = downscale(x, scaled(DOWN << level, width), name=f"down{level + 1}", dtype=dtype)
    return x


def _narrowed(x: Any, units: int, wide: int, *, name: str, dtype: str) -> Any:
    """Through a bottleneck of `units` and up to twice the side, with `wide` times as many channels."""
    side = x.shape[1]
    x = dense(x, units, name=f"{name}dense1", dtype=dtype)
    x = unfold(x, side, wide * units, name=f"{name}dense2", dtype=dtype)
    return upscale(x, wide * units, name=f"{name}up", dtype=dtype)


def _decoder(*, width: float, dtype: str) -> Any:
    """A function code -> picture of eight times its side."""

    def decode(x: Any) -> Any:
        for level, factor in enumerate((8, 4, 2), 1):
            x = upscale(x, scaled(factor * UP, width), name=f"up{level}", dtype=dtype)
            for block in "ab":
                x = residual(x, name=f"residual{level}{block}", dtype=dtype)
        return picture(x, name="picture", dtype=dtype)

    return decode
