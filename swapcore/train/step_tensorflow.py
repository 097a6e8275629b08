"""Many training steps in one call, on TensorFlow: a loop in its graph.

Adam is TensorFlow's fused operation, which reads and writes every weight once (Keras' own took 2.5 times as long on a
processor). Compiled by XLA on a GPU alone: on processors that was ten times slower.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from swapcore.models import Swapper, gpus, tensorflow
from swapcore.train.adam import BETA1, BETA2, EPSILON


def steps(
    swapper: Swapper,
    moments: Mapping[str, tuple[Any, Any]],
    forward: Callable[..., list[Any]],
    *,
    factors: Mapping[str, float],
    seed: int,
    compiled: bool | None = None,
) -> Callable[..., np.ndarray]:
    """`run` of `step.trainer`. forward(images, warp, seed) gives the losses; factors: of the learning rate, by the weight's name;
    compiled by XLA: None where there is a GPU.
    """
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

    def one(images: Any, step: Any, warp: Any, rate: Any) -> Any:
        with tf.GradientTape() as tape:
            pair = forward(images, warp, tf.stack([seed, step]))
            loss = pair[0] + pair[1]
        adam(tape.gradient(loss, list(weights.values())), step, rate)
        return tf.stack(pair)

    scalar = tf.TensorSpec((), tf.float32)
    stack = tf.TensorSpec((None, None, None, None, 6), tf.uint8)

    @tf.function(
        input_signature=[stack, tf.TensorSpec((), tf.int32), scalar, scalar], autograph=False, jit_compile=compiled
    )
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

    return run
