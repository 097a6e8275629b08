"""Many training steps in one call, on JAX: a scan, compiled as a whole, that works in the memory of the weights it is given.

For GPUs, one or several. On several the faces of a step are spread over them and every one has all weights; the program is that
of one device, which XLA parts (GSPMD, Xu et al. 2021), so what is learnt does not depend on their number. On processors XLA's
convolutions are ten times slower than TensorFlow's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from swapcore.models import Swapper, keras
from swapcore.models.backend import rows
from swapcore.train.adam import BETA1, BETA2, EPSILON


def steps(
    swapper: Swapper,
    moments: Mapping[str, tuple[Any, Any]],
    forward: Callable[..., list[Any]],
    *,
    factors: Mapping[str, float],
    seed: int,
    devices: int = 1,
) -> tuple[Callable[..., np.ndarray], Callable[[np.ndarray], Any]]:
    """`run` and `keep` of `step.trainer`. forward(images, warp, shares, seed, bends) gives the losses.

    factors: of the learning rate, by the weight's name; devices: how many compute, the first ones.
    """
    import jax
    from jax import numpy as jnp
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    mesh = Mesh(np.array(jax.devices()[:devices]), ("faces",))
    everywhere, spread = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec(None, "faces"))

    weights = list(swapper.variables().values())
    each = [factors[name] for name in swapper.variables()]
    firsts, seconds = (list(column) for column in zip(*(moments[name] for name in swapper.variables()), strict=True))

    def loss(values: list[Any], images: Any, bends: Any, step: Any, warp: Any, shares: Any) -> tuple[Any, Any]:
        with keras().StatelessScope(state_mapping=list(zip(weights, values, strict=True))):
            pair = forward(images, warp, shares, jnp.stack([jnp.int32(seed), step]), bends)
        return pair[0] + pair[1], jnp.stack(pair)

    def one(state: tuple[list[Any], ...], given: tuple[Any, ...], warp: Any, shares: Any) -> tuple[Any, Any]:
        values, first, second = state
        images, bends, step, rate = given
        gradients, pair = jax.grad(loss, has_aux=True)(values, images, bends, step, warp, shares)
        power1, power2 = (beta ** (step + 1).astype(jnp.float32) for beta in (BETA1, BETA2))
        rate = rate * jnp.sqrt(1 - power2) / (1 - power1)
        first = [BETA1 * m + (1 - BETA1) * g for m, g in zip(first, gradients, strict=True)]
        second = [BETA2 * v + (1 - BETA2) * g * g for v, g in zip(second, gradients, strict=True)]
        change = (f * rate * m / (jnp.sqrt(v) + EPSILON) for f, m, v in zip(each, first, second, strict=True))
        return ([w - c for w, c in zip(values, change, strict=True)], first, second), pair

    def many(
        state: tuple[list[Any], ...], table: Any, images: Any, bends: Any, step: Any, rates: Any, *rest: Any
    ) -> tuple[Any, Any]:
        def body(state: Any, given: tuple[Any, ...]) -> tuple[Any, Any]:
            shown = given[0] if table is None else rows(table, given[0])
            return one(state, (shown, *given[1:]), *rest)

        numbers = step + jnp.arange(len(images), dtype=jnp.int32)
        state, pairs = jax.lax.scan(body, state, (images, bends, numbers, rates))
        return state, pairs.mean(0)

    many = jax.jit(many, donate_argnums=0, out_shardings=everywhere)

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
        variables = (weights, firsts, seconds)
        state = tuple([variable.value for variable in group] for group in variables)
        state, (images, bends) = jax.device_put(state, everywhere), jax.device_put((images, bends), spread)
        rates = np.broadcast_to(np.float32(rate), len(images))
        rest = np.int32(step), rates, np.float32(warp), np.asarray(shares, np.float32)
        state, pair = many(state, table, images, bends, *rest)
        for group, values in zip(variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return np.asarray(pair)

    return run, lambda images: jax.device_put(images, everywhere)
