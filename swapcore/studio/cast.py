"""The cast of twelve: who can be asked for by name.

`ann` and `bob` are the demo's pair, chosen for their looks: one skin tone and heads of similar shape. The others were chosen
among seeds (`s256` with features of its own) to lie far from one another in dlib's identity unit, in which 0.6 tells people
apart. What that gives is measured by benchmarks/studio.py, on performances that nobody was chosen by.
"""

from __future__ import annotations

import difflib
import functools
import re
from typing import Any

from swapcore.errors import SwapError
from swapcore.studio import tones
from swapcore.studio.actor import Actor, build
from swapcore.studio.identity import Identity, draw_identity
from swapcore.studio.scenes import SCENES, scene_named
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
    "s256": {
        "seed": 256,
        "glasses": False,
        "nose_width": 22.0,
        "lip_upper": 11.0,
        "lip_lower": 13.0,
        "mouth_width": 29.0,
    },
    "s265": {"seed": 265, "glasses": False},
    "s511": {"seed": 511, "glasses": False},
    "s627": {"seed": 627, "glasses": False},
    "s671": {"seed": 671, "glasses": False},
    "s808": {"seed": 808, "glasses": False},
}

# The six that lie farthest apart, chosen on other performances: on fresh ones 99.9 % of pairs of pictures of one of them are
# less than 0.5 apart, and 96.3 % of two of them more than 0.6: see benchmarks/studio.py
STRICT = ("s205", "s222", "s267", "s228", "s265", "s671")


def identity_named(name: str) -> Identity:
    """Who somebody of the cast is, or the head of any seed as `seed:123`. Raises SwapError for another name."""
    if name in CAST:
        return draw_identity(**CAST[name])
    if drawn := re.fullmatch(r"seed:(\d{1,18})", name):
        return draw_identity(int(drawn[1]))
    close = difflib.get_close_matches(name, CAST, 1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    raise SwapError(
        f"actor {name!r}{hint}: expected a name of the cast ({', '.join(CAST)}), "
        "or seed:123 for a head drawn from a seed"
    )


def actor_named(name: str, scene: str = "talk") -> Actor:
    """An actor of the cast, or the head of any seed as `seed:123`, dressed for a scene of SCENES. Raises SwapError."""
    return _built(name, scene if scene_named(scene).dress else "")


def swapped_named(source: str, target: str, scene: str = "talk") -> Actor:
    """The true swap of two actors: the target, dressed for a scene, with the source's face as it is. Raises SwapError."""
    return _swapped(source, target, scene if scene_named(scene).dress else "")


@functools.lru_cache(maxsize=16)
def _built(name: str, scene: str) -> Actor:
    who = identity_named(name)
    return build(SCENES[scene].dress(who) if scene else who)


@functools.lru_cache(maxsize=16)
def _swapped(source: str, target: str, scene: str) -> Actor:
    return swap_actor(_built(source, ""), _built(target, scene))
