"""A clip of one actor, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from swapcore.studio.actor import Actor
from swapcore.studio.cast import actor_named
from swapcore.studio.performance import Performance
from swapcore.studio.rendering import Truth, render

_FRAMING = {"scale": 0.82, "shift_y": -0.03}  # head and shoulders


def clip(
    actor: str, *, performance: int, seconds: float, size: int, rate: float, grain: float
) -> Iterator[tuple[np.ndarray, Truth]]:
    """Yield `seconds` * `rate` pictures (size, size, 3) uint8 BGR of an actor, each with the truth about it.

    `actor` is a name of the cast or `seed:123`; `performance` the seed of what it does; `rate` frames per second;
    `grain` the film grain's standard deviation, grey levels of 255. The same arguments give the same pixels on the
    same machine. Raises SwapError for an unknown actor.
    """
    played = Performance(performance, **_FRAMING, grain=grain)
    return _frames(actor_named(actor), played, count=round(seconds * rate), size=size, rate=rate)


def _frames(
    actor: Actor, played: Performance, *, count: int, size: int, rate: float
) -> Iterator[tuple[np.ndarray, Truth]]:
    for number in range(count):
        yield render(actor, played(number / rate), size=size)
