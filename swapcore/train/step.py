"""One training step, and many of them in one call: what the hours are spent in.

Both people go through the encoder together; each is decoded by their own decoder and compared with the truth. Arithmetic
may be bfloat16, weights and Adam's moments are float32. Adam is TensorFlow's fused operation, which reads and writes every
weight once (Keras' own took 2.5 times as long on a processor). Not compiled by XLA: on processors that was ten times slower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from swapcore import losses
from swapcore.models import Swapper, assign, keras, portable, tensorflow
from swapcore.train import warps

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-7  # of Adam (Kingma and Ba 2015)


@dataclass(frozen=True)
class Trainer:
    """A model in training."""

    swapper: Swapper
    moments: Mapping[str, tuple[Any, Any]]  # Adam's first and second, by the weight's name: tf.Variable
    run: Callable[..., np.ndarray]  # see `trainer`

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

    def restore(self, arrays: Mapping[str, np.ndarray], *, where: str) -> None:
        """Set them. Raises SwapError, naming `where`, if the arrays are another model's."""
        assign(self.variables(), arrays, where=where)

    def take(self, weights: Mapping[str, np.ndarray], *, where: str) -> None:
        """Set the weights alone, by their names in the model."""
        assign(self.swapper.variables(), weights, where=where)

    def graph(self) -> bytes:
        """The swap as a graph without weights, see models.portable."""
        return portable.export(self.swapper)

    def show(self, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """What the model makes of faces (n, r, r, 3) of both people, BGR float32 0..1: (n, 5, r, r, 3) float32.

        In this order: the source, the source rebuilt, the target, the target rebuilt, the target with the source's face.
        """
        code = [self.swapper.encoder(faces, training=False) for faces in (source, target)]
        decode = {who: lambda c, d=d: d(c, training=False).numpy() for who, d in self.swapper.decoders.items()}
        rebuilt = decode["source"](code[0]), decode["target"](code[1]), decode["source"](code[1])
        return np.stack([source, rebuilt[0], target, rebuilt[1], rebuilt[2]], axis=1)


def trainer(swapper: Swapper, *, view: float, seed: int) -> Trainer:
    """Make the step of a model; `view` as in `warps.samples`, `seed` of the samples' disturbances.

    `run(images, step, warp, rate)` trains on images (k, 2n, s, s, 4) uint8, k steps of n faces of the source and then n of
    the target; step counts the steps done before; warp as in `warps.samples`; rate is Adam's. It returns the mean losses
    (2,) float32 of source and target, before each step's change.
    """
    tf = tensorflow()
    # Grappler's fusing of a convolution with its LeakyReLU fails where a gradient needs what lies between, with an error line
    tf.config.optimizer.set_experimental_options({"remapping": False})
    weights = {name: variable.value for name, variable in swapper.variables().items()}
    moments = {name: (tf.Variable(tf.zeros_like(w)), tf.Variable(tf.zeros_like(w))) for name, w in weights.items()}

    def forward(images: Any, warp: Any, seed: Any) -> Any:
        faces, truth, mask = warps.samples(images, resolution=swapper.resolution, view=view, warp=warp, seed=seed)
        code = tf.split(swapper.encoder(faces, training=True), 2)
        truth, mask = tf.split(truth, 2), tf.split(mask, 2)
        decoders = (swapper.decoders["source"], swapper.decoders["target"])
        return [losses.total(d(c, training=True), t, m) for d, c, t, m in zip(decoders, code, truth, mask, strict=True)]

    def adam(gradients: list[Any], step: Any, rate: Any) -> None:
        power1, power2 = (tf.pow(beta, tf.cast(step + 1, tf.float32)) for beta in (BETA1, BETA2))
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
            first, second = moments[name]
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=first.handle,
                v=second.handle,
                beta1_power=power1,
                beta2_power=power2,
                lr=rate,
                beta1=BETA1,
                beta2=BETA2,
                epsilon=EPSILON,
                grad=gradient,
            )

    def one(images: Any, step: Any, warp: Any, rate: Any) -> Any:
        with tf.GradientTape() as tape:
            pair = forward(images, warp, tf.stack([seed, step]))
            loss = pair[0] + pair[1]
        adam(tape.gradient(loss, list(weights.values())), step, rate)
        return tf.stack(pair)

    scalar = tf.TensorSpec((), tf.float32)
    stack = tf.TensorSpec((None, None, None, None, 4), tf.uint8)

    @tf.function(input_signature=[stack, tf.TensorSpec((), tf.int32), scalar, scalar], autograph=False)
    def many(images: Any, step: Any, warp: Any, rate: Any) -> Any:
        count = tf.shape(images)[0]
        sums = tf.while_loop(
            lambda k, sums: k < count,
            lambda k, sums: (k + 1, sums + one(images[k], step + k, warp, rate)),
            (0, tf.zeros(2)),
            parallel_iterations=1,  # a step begins with the weights that the one before left
        )[1]
        return sums / tf.cast(count, tf.float32)

    def run(images: np.ndarray, *, step: int, warp: float, rate: float) -> np.ndarray:
        return many(images, np.int32(step), np.float32(warp), np.float32(rate)).numpy()

    return Trainer(swapper=swapper, moments=moments, run=run)
