"""Many training steps in one call, on TensorFlow: a loop in its graph.

Adam is TensorFlow's fused operation, which reads and writes every weight once (Keras' own took 2.5 times as long on a
processor). Compiled by XLA on a GPU alone: on processors that was ten times slower.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from swapcore.models import Swapper, gpus, tensorflow
from swapcore.models.backend import rows
from swapcore.train.adam import BETA1, BETA2, EPSILON
from swapcore.train.nearest import GRID


def steps(
    swapper: Swapper,
    moments: Mapping[str, tuple[Any, Any]],
    forward: Callable[..., list[Any]],
    *,
    factors: Mapping[str, float],
    seed: int,
    devices: int = 1,
    compiled: bool | None = None,
) -> tuple[Callable[..., np.ndarray], Callable[[np.ndarray], Any]]:
    """`run` and `keep` of `step.trainer`, on one device alone. forward(images, warp, shares, seed, bends) gives the losses.

    factors: of the learning rate, by the weight's name; compiled by XLA: None where there is a GPU.
    """
    if devices != 1:
        raise ValueError(f"expected one device, found {devices}: on TensorFlow training takes one")
    tf = tensorflow()
    # Grappler's fusing of a convolution with its LeakyReLU fails where a gradient needs what lies between, with an error line
    tf.config.optimizer.set_experimental_options({"remapping": False})
    compiled = bool(gpus()) if compiled is None else compiled
    weights = {name: variable.value for name, variable in swapper.variables().items()}

    def adam(gradients: list[Any], step: Any, rate: Any) -> None:
        power1, power2 = (tf.pow(beta, tf.cast(step + 1, tf.float32)) for beta in (BETA1, BETA2))
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True):
            first, second = moments[name]
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=first.value.handle,
                v=second.value.handle,
                beta1_power=power1,
                beta2_power=power2,
                lr=rate if factors[name] == 1 else factors[name] * rate,
                beta1=BETA1,
                beta2=BETA2,
                epsilon=EPSILON,
                grad=gradient,
            )

    def one(images: Any, bends: Any, step: Any, warp: Any, rate: Any, shares: Any) -> Any:
        with tf.GradientTape() as tape:
            pair = forward(images, warp, shares, tf.stack([seed, step]), bends)
            loss = pair[0] + pair[1]
        adam(tape.gradient(loss, list(weights.values())), step, rate)
        return tf.stack(pair)

    def many(images: Any, step: Any, warp: Any, rate: Any, shares: Any, bends: Any = None, table: Any = None) -> Any:
        count = tf.shape(images)[0]

        def body(k: Any, sums: Any) -> tuple[Any, Any]:
            shown = images[k] if table is None else rows(table, images[k])
            bend = None if bends is None else bends[k]
            return k + 1, sums + one(shown, bend, step + k, warp, rate[k], shares)

        # one after the other: a step begins with the weights that the one before left
        sums = tf.while_loop(lambda k, sums: k < count, body, (0, tf.zeros(2)), parallel_iterations=1)[1]
        return sums / tf.cast(count, tf.float32)

    line = tf.TensorSpec((None,), tf.float32)
    rest = (tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.float32), line, line)
    stack, numbers = tf.TensorSpec((None,) * 4 + (6,), tf.uint8), tf.TensorSpec((None, None), tf.int32)
    field, kept = tf.TensorSpec((None, None, GRID, GRID, 2), tf.float32), tf.TensorSpec((None,) * 3 + (6,), tf.uint8)

    def traced(call: Callable[..., Any], *signature: Any) -> Callable[..., Any]:
        return tf.function(call, input_signature=signature, autograph=False, jit_compile=compiled)

    # by whether faces are bent, and whether they lie in a table
    calls = {
        (False, False): traced(lambda images, *given: many(images, *given), stack, *rest),
        (True, False): traced(lambda images, *given: many(images, *given), stack, *rest, field),
        (False, True): traced(lambda images, table, *given: many(images, *given, table=table), numbers, kept, *rest),
        (True, True): traced(
            lambda images, table, *given: many(images, *given, table=table), numbers, kept, *rest, field
        ),
    }

    def run(
        images: np.ndarray,
        *,
        step: int,
        warp: float,
        rate: float | np.ndarray,
        shares: np.ndarray,
        bends: np.ndarray | None = None,
        table: Any = None,
    ) -> np.ndarray:
        first = (images,) if table is None else (images.astype(np.int32), table)
        rates = np.broadcast_to(np.float32(rate), len(images))
        given = np.int32(step), np.float32(warp), rates, np.asarray(shares, np.float32)
        last = () if bends is None else (bends,)
        return calls[bends is not None, table is not None](*first, *given, *last).numpy()

    return run, tf.convert_to_tensor
