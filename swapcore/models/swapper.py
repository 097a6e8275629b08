"""What every model is: one encoder for both people, and a decoder for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from swapcore.errors import SwapError

PEOPLE = ("source", "target")


@dataclass(frozen=True)
class Swapper:
    """Encoder (n, r, r, 3) -> code, decoders code -> (n, r, r, 3); pictures are BGR float32 0..1."""

    encoder: Any  # keras.Model
    decoders: Mapping[str, Any]  # of "source" and "target": keras.Model
    resolution: int

    def variables(self) -> dict[str, Any]:
        """Name -> Keras variable, in an order that depends on the architecture alone.

        A name is `{encoder, source or target}/{layer}/{kernel or bias}`: what weights are stored under.
        """
        parts = {"encoder": self.encoder, **{person: self.decoders[person] for person in PEOPLE}}
        return {
            f"{part}/{layer.name}/{weight.name}": weight
            for part, model in parts.items()
            for layer in model.layers
            for weight in layer.weights
        }


def assign(variables: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, where: str) -> None:
    """Set all variables from arrays of the same names. Raises SwapError, naming `where`, if names or shapes differ."""
    wanted = {name: tuple(variable.shape) for name, variable in variables.items()}
    given = {name: np.shape(array) for name, array in arrays.items()}
    if wrong := sorted(name for name in wanted.keys() | given if wanted.get(name) != given.get(name)):
        name = wrong[0]
        raise SwapError(
            f"{where}: expected {name} of shape {wanted.get(name)}, found {given.get(name)}; another model or version made "
            "it: delete it and train again"
        )
    for name, variable in variables.items():
        variable.assign(arrays[name])
