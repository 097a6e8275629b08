"""A clip of an actor, frame by frame, and the true swap of its frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from swapcore.errors import SwapError
from swapcore.studio.actor import Actor
from swapcore.studio.cast import CAST, actor_named, swapped_named
from swapcore.studio.performance import Frame, Performance
from swapcore.studio.rendering import Truth, render, render_motion
from swapcore.studio.scenes import scene_named

_FRAMING = {"scale": 0.82, "shift_y": -0.03}  # head and shoulders
_BLUR_SAMPLES = 5  # instants in which a smearing frame is rendered


def clip(
    actor: str, *, performance: int, seconds: float, size: int, rate: float, grain: float, scene: str = "talk"
) -> Iterator[tuple[np.ndarray, Truth]]:
    """Yield `seconds` * `rate` pictures (size, size, 3) uint8 BGR of an actor, each with the truth about it.

    `actor` is a name of the cast or `seed:123`; `performance` the seed of what it does; `rate` frames per second;
    `grain` the film grain's standard deviation, grey levels of 255; `scene` a name of SCENES. Truth.faces[0] is the
    actor. The same arguments give the same pixels on the same machine. Raises SwapError for an unknown actor or scene.
    """
    look = {"performance": performance, "size": size, "rate": rate, "grain": grain}
    frames = _play(actor_named(actor, scene), actor, scene, range(round(seconds * rate)), **look)
    return ((picture, truth) for _, picture, truth in frames)


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
    scene: str = "talk",
) -> Iterator[tuple[int, np.ndarray, Truth]]:
    """Yield (number, picture (size, size, 3) uint8 BGR, truth): what `clip(target, ...)` would show, perfectly swapped.

    The source's face plays the target's part: its performance, head, hair, tone and light, under the very same grain,
    behind the same hand, fringe or glasses. `numbers` are the wanted frames of the clip, counted from 0, in the order in
    which they are to come; the other arguments as in `clip`. Raises SwapError for an unknown actor or scene and for a
    number that the clip does not have.
    """
    wanted, count = [int(number) for number in numbers], round(seconds * rate)
    if outside := [number for number in wanted if not 0 <= number < count]:
        raise SwapError(f"frame {outside[0]} of the true swap: expected 0 to {count - 1}, the frames of the clip")
    look = {"performance": performance, "size": size, "rate": rate, "grain": grain}
    return _play(swapped_named(source, target, scene), target, scene, wanted, **look)


def _play(
    actor: Actor,
    name: str,
    scene: str,
    numbers: Iterable[int],
    *,
    performance: int,
    size: int,
    rate: float,
    grain: float,
) -> Iterator[tuple[int, np.ndarray, Truth]]:
    """The frames of a scene that `name` plays with the head of `actor`; a partner is the next of the cast."""
    played = scene_named(scene)
    parts = [(actor, Performance(performance, **{**_FRAMING, "grain": grain, **played.plays}), played.direct)]
    if played.partner:
        names = list(CAST)
        other = names[(names.index(name) + 1) % len(names)] if name in CAST else names[0]
        parts.insert(
            1, (actor_named(other), Performance(performance + 1, **{**_FRAMING, **played.plays}), played.partner)
        )

    def instant(seconds: float) -> list[Frame]:
        first, *others = [direct(act(seconds), seconds) for _, act, direct in parts]
        light = {key: getattr(first, key) for key in ("light", "light_rgb", "light_strength", "ambient_rgb", "rim")}
        return [first, *(replace(other, **light) for other in others)]

    def frames() -> Iterator[tuple[int, np.ndarray, Truth]]:
        actors = [who for who, _, _ in parts]
        motion = {"samples": _BLUR_SAMPLES, "shutter": played.shutter / rate}
        for number in numbers:
            if played.shutter:
                yield number, *render_motion(actors, instant, number / rate, size=size, **motion)
            else:
                yield number, *render(actors, instant(number / rate), size=size)

    return frames()
