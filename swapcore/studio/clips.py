"""A clip of one actor, frame by frame, and the true swap of its frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from swapcore.errors import SwapError
from swapcore.studio.actor import Actor
from swapcore.studio.cast import actor_named, swapped_named
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
    frames = _frames(actor_named(actor), played, numbers=range(round(seconds * rate)), size=size, rate=rate)
    return (shown for _, *shown in frames)


def true_swap(
    source: str,
    target: str,
    *,
    performance: int,
    seconds: float,
    size: int,
    rate: float,
    grain: float,
    numbers: Iterable[int],
) -> Iterator[tuple[int, np.ndarray, Truth]]:
    """Yield (number, picture (size, size, 3) uint8 BGR, truth): what `clip(target, ...)` would show, perfectly swapped.

    The source's face plays the target's part: its performance, head, hair, tone and light, under the very same grain.
    `numbers` are the wanted frames of the clip, counted from 0, in the order in which they are to come; the other
    arguments as in `clip`. Raises SwapError for an unknown actor and for a number that the clip does not have.
    """
    wanted, count = [int(number) for number in numbers], round(seconds * rate)
    if outside := [number for number in wanted if not 0 <= number < count]:
        raise SwapError(f"frame {outside[0]} of the true swap: expected 0 to {count - 1}, the frames of the clip")
    played = Performance(performance, **_FRAMING, grain=grain)
    return _frames(swapped_named(source, target), played, numbers=wanted, size=size, rate=rate)


def _frames(
    actor: Actor, played: Performance, *, numbers: Iterable[int], size: int, rate: float
) -> Iterator[tuple[int, np.ndarray, Truth]]:
    for number in numbers:
        yield number, *render(actor, played(number / rate), size=size)
