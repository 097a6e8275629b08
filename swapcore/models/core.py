"""The flagship of our own, for 128 to 512 pixels: dear parts where pictures are small, shared parts where they are large.

The encoder ends in a short code, so that little of who somebody is gets through. From there each person has their own dense
layer, which lays out the face; what follows, how skin, eyes and lips are drawn, the two people share in one kernel with
gains and biases of their own (`personal`), so both people's faces train it. Convolutions are 3x3, doubled in side by depth to
space (Shi et al. 2016), residual (He et al. 2016) where pictures are small, and begin as He et al. 2015 say for leaky units.
A step takes about a sixth of the multiplications of `dfaker` at 128 pixels.
"""

from __future__ import annotations

from typing import Any

from swapcore.models.blocks import SOFT, dense, policy, scaled, unfold
from swapcore.models.convolution import Conv2D
from swapcore.models.personal import PersonalConv2D
from swapcore.models.swapper import PEOPLE, Swapper

CODE = 512  # values between encoder and decoders
DOWN = (48, 96, 192, 384, 512)  # channels of the encoder at a half, a quarter, ... of the side
BEFORE = 24  # the same in the levels before, where a picture is so large that it needs more
UP = (256, 192, 128, 64, 32)  # of the decoders, from the smallest side up
AFTER = 16  # in the levels after
RESIDUAL = 2  # of the first levels up have a residual block
LARGEST = 14  # side at which a decoder begins at most


def build(resolution: int, *, precision: str, width: float = 1.0) -> Swapper:
    """The model with fresh weights; resolution: a multiple of 64; see `original.build`."""
    import keras
    from keras import layers

    dtype = policy(precision)
    levels = next(n for n in range(len(UP) - 1, 10) if resolution >> n <= LARGEST)
    more = levels + 1 - len(UP)
    down = [scaled(count, width) for count in (*[BEFORE] * more, *DOWN)]
    up = [scaled(count, width) for count in (*UP, *[AFTER] * more)]
    he = keras.initializers.VarianceScaling(2 / (1 + SOFT**2), mode="fan_in", distribution="untruncated_normal")
    little = keras.initializers.VarianceScaling(0.1)  # a residual block begins by changing little

    def soft(x: Any) -> Any:
        return layers.LeakyReLU(SOFT, dtype=dtype)(x)

    faces = x = keras.Input((resolution, resolution, 3), name="face")
    for level, count in enumerate(down, 1):
        settings = {"strides": 2, "padding": "same", "name": f"down{level}", "dtype": dtype, "kernel_initializer": he}
        x = soft(Conv2D(count, 5 if level == 1 else 3, **settings)(x))
    encoder = keras.Model(faces, dense(x, scaled(CODE, width), name="code", dtype=dtype), name="encoder")

    made: dict[str, Any] = {}

    def personal(x: Any, count: int, name: str, person: str, begin: Any = he) -> Any:
        if name not in made:
            made[name] = PersonalConv2D(count, 3, padding="same", name=name, dtype=dtype, kernel_initializer=begin)
        return made[name](x, person=person)

    decoders = {}
    for person in PEOPLE:
        code = keras.Input(encoder.output.shape[1:], name="code", dtype=encoder.output.dtype)
        x = soft(unfold(code, resolution >> levels, up[0], name="unfold", dtype=dtype))
        for level, count in enumerate(up):
            if level:
                x = soft(personal(x, 4 * count, f"up{level}", person))
                x = keras.ops.depth_to_space(x, 2)
            if level < RESIDUAL:
                y = soft(personal(x, count, f"residual{level}a", person))
                y = personal(y, count, f"residual{level}b", person, begin=little)
                x = soft(layers.Add(dtype=dtype)([x, y]))
        x = Conv2D(3, 3, padding="same", name="picture", dtype=dtype)(x)
        decoders[person] = keras.Model(code, layers.Activation("sigmoid", dtype="float32")(x), name=person)
    return Swapper(encoder=encoder, decoders=decoders, resolution=resolution)
