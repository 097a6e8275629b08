"""What every model is: one encoder for both people, and a decoder for each; decoders may share layers. And where that was asked
for, a head that tells what of a picture is face.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from swapcore.errors import SwapError

PEOPLE = ("source", "target")
SHARED = "shared"  # the part that a layer of both decoders belongs to
MASK = "mask"  # the part of the head, see masking


@dataclass(frozen=True)
class Swapper:
    """Encoder (n, r, r, 3) -> code, decoders code -> (n, r, r, 3); pictures are BGR float32 0..1."""

    encoder: Any  # keras.Model
    decoders: Mapping[str, Any]  # of "source" and "target": keras.Model; a layer may stand in both
    resolution: int
    mask: Any = None  # keras.Model, code -> (n, r, r, 1) float32 0..1; None where the model makes no masks

    def parts(self) -> dict[str, list[Any]]:
        """Part -> its layers: encoder, source, target, those that both decoders have, and the mask's; each layer once."""
        layers = {person: _flat(self.decoders[person]) for person in PEOPLE}
        both = {id(layer) for layer in layers["source"]} & {id(layer) for layer in layers["target"]}
        own = {person: [layer for layer in found if id(layer) not in both] for person, found in layers.items()}
        return {
            "encoder": _flat(self.encoder),
            SHARED: [layer for layer in layers["source"] if id(layer) in both],
            **own,
            **({} if self.mask is None else {MASK: _flat(self.mask)}),
        }

    def variables(self) -> dict[str, Any]:
        """Name -> Keras variable, in an order that depends on the architecture alone; each variable once.

        A name is `{encoder, shared, source, target or mask}/{layer}/{kernel, bias, ...}`: what weights are stored under.
        """
        return {
            f"{part}/{layer.name}/{weight.name}": weight
            for part, layers in self.parts().items()
            for layer in layers
            for weight in layer.weights
        }


def owner(name: str) -> str | None:
    """Whose own a weight is, by its name: a person of PEOPLE, or None where both use it."""
    part, *_, last = name.split("/")
    if part in PEOPLE:
        return part
    return next((person for person in PEOPLE if part == SHARED and last.endswith(f"_{person}")), None)


def renamed(name: str, person: str) -> str:
    """The name of a weight that is somebody's own, as that of another person of PEOPLE."""
    part, rest = name.split("/", 1)
    return f"{person}/{rest}" if part in PEOPLE else f"{name.removesuffix(owner(name) or '')}{person}"


def _flat(model: Any) -> list[Any]:
    """A model's layers, those of models within it in their places."""
    return [one for layer in model.layers for one in (_flat(layer) if hasattr(layer, "layers") else [layer])]


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
