"""A convolution that two people share, each in their own way: one kernel, and for each person a gain of every channel in and
out, and a bias. So both people's faces train the kernel, and what is one's own costs next to nothing. The gains are laid
into the kernel, not over the pictures (as Karras et al. 2020 do with styles; here they are learnt as they are).
"""

from __future__ import annotations

import functools
from typing import Any

from swapcore.models.backend import keras, tensorflow
from swapcore.models.convolution import biased
from swapcore.models.swapper import PEOPLE


def PersonalConv2D(*args: Any, **settings: Any) -> Any:
    """A layer: arguments as `keras.layers.Conv2D`, which is called with a picture and a person of PEOPLE.

    Weights: the kernel, and of each person `in_{person}`, `out_{person}` (gains, from 1) and `bias_{person}` (from 0).
    """
    return _layer()(*args, **settings)


@functools.cache
def _layer() -> type:
    """The class, made when Keras is loaded."""
    from swapcore.models.convolution import _layer as plain

    on_library = keras().backend.backend() != "tensorflow"
    read = keras().ops.convert_to_tensor if on_library else tensorflow().convert_to_tensor

    class PersonalConv2D(plain()):
        """See the module."""

        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, use_bias=False, **settings)

        def build(self, input_shape: Any) -> None:
            super().build(input_shape)
            sizes = {"in": input_shape[-1], "out": self.filters, "bias": self.filters}
            for person in PEOPLE:
                for kind, size in sizes.items():
                    begin = "zeros" if kind == "bias" else "ones"
                    weight = self.add_weight(name=f"{kind}_{person}", shape=(size,), initializer=begin)
                    setattr(self, f"{kind}_{person}", weight)

        def call(self, inputs: Any, person: str) -> Any:
            gain_in, gain_out, bias = (read(getattr(self, f"{k}_{person}")) for k in ("in", "out", "bias"))
            kernel = read(self.kernel) * gain_in[:, None] * gain_out
            x = self.convolution_op(inputs, kernel)
            return x + bias if on_library else biased(x, bias)

    return PersonalConv2D
