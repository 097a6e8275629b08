"""Scenes: what is hard for a swap, played by any actor, each under a name that says what it is."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from swapcore.errors import SwapError
from swapcore.studio.identity import HAIR_STYLES, Identity
from swapcore.studio.performance import Frame, Occluder

_PASS = 3.0  # s in which a hand passes once before the face
_SWEEP = 5.0  # s in which the lamp goes to one side, to the other and back
_TURN, _FAST_TURN = 6.0, 1.8  # s of a turn to both sides and back
_WIDEST = 45.0  # degrees of those turns
_CROSS = 4.0  # s in which two people have changed places


class Scene(NamedTuple):
    """How a scene is played."""

    about: str  # one line
    plays: Mapping[str, Any] = MappingProxyType({})  # options of Performance
    direct: Callable[[Frame, float], Frame] = lambda frame, seconds: (
        frame
    )  # changes an instant, `seconds` from the start
    dress: Callable[[Identity], Identity] | None = None  # changes who plays it; a swap's source comes as it is
    shutter: float = 0.0  # share of a frame's time for which the shutter is open; 0: no motion blur
    partner: Callable[[Frame, float], Frame] | None = None  # directs a second person, who stands behind


def _hand(frame: Frame, seconds: float) -> Frame:
    there = seconds / _PASS * 2 % 2
    x = 170 * (2 * (there if there < 1 else 2 - there) - 1)  # mm: to one side and back
    return replace(frame, occluder=Occluder("hand", x=x, y=-75 + 25 * np.cos(np.pi * there), rotation=-0.004 * x))


def _lamp(frame: Frame, seconds: float) -> Frame:
    azimuth = 1.35 * np.sin(2 * np.pi * seconds / _SWEEP)
    warm = 0.5 + 0.5 * np.cos(2 * np.pi * seconds / _SWEEP)
    rgb = (1.0, 0.80 + 0.18 * warm, 0.62 + 0.34 * warm)
    return replace(
        frame, light=(np.sin(azimuth), 0.35, np.cos(azimuth)), light_rgb=rgb, ambient_rgb=(0.22, 0.24, 0.28), rim=0.1
    )


def _turn(period: float) -> Callable[[Frame, float], Frame]:
    def direct(frame: Frame, seconds: float) -> Frame:
        return replace(frame, yaw=_WIDEST * float(np.sin(2 * np.pi * seconds / period)))

    return direct


def _walk(side: int) -> Callable[[Frame, float], Frame]:
    def direct(frame: Frame, seconds: float) -> Frame:
        x = 0.3 * side * float(np.cos(np.pi * seconds / _CROSS))
        smaller = 0.6 if side > 0 else 0.46
        return replace(frame, scale=frame.scale * smaller, shift_x=x, shift_y=0.06 if side > 0 else 0.03)

    return direct


def _fringe(who: Identity) -> Identity:
    if who.masculine:
        return replace(who, hair=replace(HAIR_STYLES["crop"], fringe=30.0))
    return replace(who, hair=replace(HAIR_STYLES["bangs"], fringe=28.0))


_CALM = {"yaw": 6.0, "pitch": 3.0, "roll": 2.0, "talk": 0.25}
SCENES: dict[str, Scene] = {
    "talk": Scene("talks and looks about, within some 22 degrees to either side"),
    "calm": Scene("hardly moves", _CALM),
    "turns": Scene("turns by 45 degrees to either side", direct=_turn(_TURN)),
    "fast_turns": Scene("turns by 45 degrees so fast that the picture smears", direct=_turn(_FAST_TURN), shutter=0.5),
    "side_light": Scene("the lamp goes round from one side to the other, and warms and cools", {}, _lamp),
    "hand": Scene("a hand passes before the face", _CALM, _hand),
    "wrinkles": Scene("has a wrinkled forehead", {}, dress=lambda who: replace(who, wrinkles=1.0, age=0.8)),
    "fringe": Scene("has hair over the forehead, down to the brows", {}, dress=_fringe),
    "glasses": Scene("wears glasses", {}, dress=lambda who: replace(who, glasses=True)),
    "crossing": Scene("two people pass each other, this one in front", _CALM, _walk(1), partner=_walk(-1)),
    "compressed": Scene("is filmed with strong compression", {"jpeg": 30}),
    "soft": Scene("is filmed out of focus", {"blur": 1.6}),
}


def scene_named(name: str) -> Scene:
    """A scene of SCENES. Raises SwapError for another name."""
    if name in SCENES:
        return SCENES[name]
    close = difflib.get_close_matches(name, SCENES, 1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    raise SwapError(f"scene {name!r}{hint}: expected one of {', '.join(SCENES)}")
