"""The cast: who can be asked for by name.

`ann` and `bob` are the demo's pair, chosen for their looks: one skin tone and heads of similar shape, 0.63 apart on average
in dlib's identity unit (0.6 tells people apart), but within 0.6 of some others. The six seeds were chosen to lie far from
one another: 96 % of the pairs of their pictures are more than 0.6 apart.
"""

from __future__ import annotations

import difflib
import functools
import re
from typing import Any

from swapcore.errors import SwapError
from swapcore.studio import tones
from swapcore.studio.actor import Actor, build
from swapcore.studio.identity import draw_identity
from swapcore.studio.swap import swap_actor

_TIDY = {"glasses": False, "wrinkles": 0.0, "age": 0.1, "moles": 0, "stripes": False}
CAST: dict[str, dict[str, Any]] = {
    "ann": {
        **_TIDY,
        "seed": 326,
        "hair": "bob",
        "hair_rgb": tones.HAIR_COLOURS[1],
        "lipstick": tones.LIPSTICKS[1],
        "eyeshadow": 0.3,
        "nose_width": 11.2,
        "brow_y": 24.0,
        "face_length": -1.0,
        "jaw_width": 1.0,
        "chin_square": 0.15,
    },
    "bob": {
        **_TIDY,
        "seed": 411,
        "hair": "quiff",
        "face_length": 2.0,
        "jaw_width": 4.0,
        "chin_square": 0.3,
        "eye_x": 31.0,
        "nose_width": 20.5,
        "nose_length": -1.0,
        "nose_projection": 17.0,
        "brow_y": 16.5,
    },
    "s205": {"seed": 205, "glasses": False},
    "s222": {"seed": 222, "glasses": False, "jaw_width": -4.0, "cheek_width": 0.0, "face_length": 2.0, "brow_y": 20.0},
    "s267": {"seed": 267, "glasses": False},
    "s228": {"seed": 228, "glasses": False},
    "s256": {"seed": 256, "glasses": False},
    "s265": {"seed": 265, "glasses": False},
}


@functools.lru_cache(maxsize=12)
def actor_named(name: str) -> Actor:
    """An actor of the cast, or the head of any seed as `seed:123`. Raises SwapError for another name."""
    if name in CAST:
        return build(draw_identity(**CAST[name]))
    if drawn := re.fullmatch(r"seed:(\d{1,18})", name):
        return build(draw_identity(int(drawn[1])))
    close = difflib.get_close_matches(name, CAST, 1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    raise SwapError(
        f"actor {name!r}{hint}: expected a name of the cast ({', '.join(CAST)}), "
        "or seed:123 for a head drawn from a seed"
    )


@functools.lru_cache(maxsize=12)
def swapped_named(source: str, target: str) -> Actor:
    """The true swap of two actors: the target's head with the source's face. Names and errors as of `actor_named`."""
    return swap_actor(actor_named(source), actor_named(target))
