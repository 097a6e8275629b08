"""One training step, and many of them in one call: what the hours are spent in.

Both people go through the encoder together; each is decoded by their own decoder and compared with the truth. Arithmetic
may be bfloat16, weights and Adam's moments are float32. What both backends share is here; what turns it into many steps of
one call is in `step_tensorflow` and `step_jax`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from swapcore import losses
from swapcore.models import Swapper, assign, keras, owner, portable
from swapcore.train import fit, step_jax, step_tensorflow, warps

# the backend of Keras -> its way of taking steps: (swapper, moments, forward, factors=, seed=, devices=) -> run, keep
STEPS: dict[str, Callable[..., tuple[Callable[..., np.ndarray], Callable[[np.ndarray], Any]]]] = {
    "tensorflow": step_tensorflow.steps,
    "jax": step_jax.steps,
}


SEEN = 0.1  # of the loss of learnt masks, beside those of the pictures
SHOWN = 24  # faces of each person that go through the model at once when they are only looked at


@dataclass(frozen=True)
class Trainer:
    """A model in training."""

    swapper: Swapper
    moments: Mapping[str, tuple[Any, Any]]  # Adam's first and second, by the weight's name: Keras variables
    run: Callable[..., np.ndarray]  # see `trainer`
    keep: Callable[[np.ndarray], Any]  # lays faces (m, s, s, 6) uint8 into the device's memory: a table for `run`

    def variables(self) -> dict[str, Any]:
        """Name -> variable of all that training changes: `weights/...`, `first/...`, `second/...`."""
        found = {f"weights/{name}": weight for name, weight in self.swapper.variables().items()}
        for place, kind in enumerate(("first", "second")):
            found.update({f"{kind}/{name}": pair[place] for name, pair in self.moments.items()})
        return found

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """Their names and values, float32, one after the other: as they stand in memory where that can be, not to be written."""
        read = keras().ops.convert_to_tensor  # of which NumPy takes no copy
        return ((name, np.asarray(read(variable))) for name, variable in self.variables().items())

    def weights(self) -> Iterator[tuple[str, np.ndarray]]:
        """Of these the weights alone, by their names in the model."""
        return ((n.removeprefix("weights/"), a) for n, a in self.arrays() if n.startswith("weights/"))

    def restore(self, arrays: Mapping[str, np.ndarray], *, where: str) -> None:
        """Set them. Raises SwapError, naming `where`, if the arrays are another model's."""
        assign(self.variables(), arrays, where=where)

    def take(self, weights: Mapping[str, np.ndarray], *, where: str) -> None:
        """Set the weights alone, by their names in the model."""
        assign(self.swapper.variables(), weights, where=where)

    def graphs(self) -> dict[str, bytes]:
        """The swap, both ways, as graphs without weights, by their names, see models.portable."""
        return {name: portable.export(self.swapper, person) for person, name in portable.GRAPHS.items()}

    def show(self, source: np.ndarray, target: np.ndarray, *, most: int = SHOWN) -> np.ndarray:
        """What the model makes of faces (n, r, r, 3) of both people, BGR float32 0..1: (n, 6, r, r, 3) float32.

        In this order: the source, the source rebuilt, the target, the target rebuilt, the target with the source's face, the
        source with the target's. `most` faces of each go through the model at once, fewer where memory runs out: what the
        decoders make on their way takes many times a picture's memory.
        """
        if len(source) > most:
            parts = (slice(k, k + most) for k in range(0, len(source), most))
            return np.concatenate([self.show(source[part], target[part], most=most) for part in parts])
        try:
            return self._shown(source, target)
        except Exception as error:  # what trains in little memory is to be looked at in as little
            if not fit.out_of_memory(error) or len(source) == 1:
                raise
        return self.show(source, target, most=len(source) // 2)

    def _shown(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        code = [self.swapper.encoder(faces, training=False) for faces in (source, target)]
        read = keras().ops.convert_to_numpy
        decode = {who: lambda c, d=d: read(d(c, training=False)) for who, d in self.swapper.decoders.items()}
        rebuilt = (
            decode["source"](code[0]),
            decode["target"](code[1]),
            decode["source"](code[1]),
            decode["target"](code[0]),
        )
        return np.stack([source, rebuilt[0], target, rebuilt[1], *rebuilt[2:]], axis=1)


def trainer(
    swapper: Swapper,
    *,
    view: float,
    seed: int,
    mix: Sequence[str],
    weights: Mapping[str, float],
    shared_rate: float = 1.0,
    devices: int = 1,
) -> Trainer:
    """Make the step of a model; `view` as in `warps.samples`, `seed` of the samples' disturbances; shared_rate: factor
    of the learning rate for all that is no person's own, the encoder; devices: how many compute, of whose number n is a multiple.

    mix: the names of losses that may be made small; weights: of eyes and mouth, see losses.look.

    `run(images, step, warp, rate, shares, bends=None, table=None)` trains on images (k, 2n, s, s, 6) uint8, k steps of n faces of
    the source and then n of the target, or on those rows (k, 2n) of a table that was kept; step counts the steps done before;
    warp and bends (k, 2n, g, g, 2) as in `warps.samples`; rate is Adam's, for all steps or for each (k,); shares are the weights
    of the losses of `mix`, in their order. It returns the mean losses (2,) float32 of source and target, before each step's
    change.
    """
    make = keras().Variable

    def zeros(weight: Any) -> Any:
        return make(np.zeros(weight.shape, np.float32), trainable=False, dtype="float32")

    moments = {name: (zeros(weight), zeros(weight)) for name, weight in swapper.variables().items()}
    factors = {name: shared_rate if owner(name) is None else 1.0 for name in moments}

    def losses_of(images: Any, warp: Any, shares: Any, seed: Any, bends: Any) -> list[Any]:
        named = dict(zip(mix, keras().ops.unstack(shares, len(mix)), strict=True))
        return forward(swapper, images, bends, view=view, warp=warp, seed=seed, mix=named, weights=weights)

    steps = STEPS[keras().backend.backend()]
    run, keep = steps(swapper, moments, losses_of, factors=factors, seed=seed, devices=devices)
    return Trainer(swapper=swapper, moments=moments, run=run, keep=keep)


def forward(
    swapper: Swapper,
    images: Any,
    bends: Any,
    *,
    view: float,
    warp: Any,
    seed: Any,
    mix: Mapping[str, Any],
    weights: Mapping[str, float],
) -> list[Any]:
    """The losses of source and target, two scalars, on images (2n, s, s, 6) uint8 disturbed by seed (2,) int32."""
    ops = keras().ops
    look = {"resolution": swapper.resolution, "view": view, "warp": warp, "seed": seed}
    faces, truth, maps = warps.samples(images, bends=bends, **look)
    code = ops.split(swapper.encoder(faces, training=True), 2)
    truth, maps = ops.split(truth, 2), ops.split(maps, 2)
    decoders = (swapper.decoders["source"], swapper.decoders["target"])
    made = (decode(c, training=True) for decode, c in zip(decoders, code, strict=True))
    found = [losses.total(p, t, m, mix=mix, weights=weights) for p, t, m in zip(made, truth, maps, strict=True)]
    if swapper.mask is None:
        return found
    return [
        f + SEEN * losses.seen(swapper.mask(c, training=True), m) for f, c, m in zip(found, code, maps, strict=True)
    ]
