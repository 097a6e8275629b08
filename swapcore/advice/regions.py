"""Regions of the space that people have words for: where a face looks, what it does, how it is lit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from swapcore.advice.space import AXES


class Region(NamedTuple):
    """All faces whose value on an axis lies beyond `edge`, to its side."""

    axis: str
    edge: float  # in the axis' unit; beyond it means farther from the middle, as `above` says
    above: bool
    does: str  # what such a face does, after a person's name: "looks to the image's left beyond 30 degrees"
    do: str  # what to film, after "Film {person}"

    @property
    def name(self) -> str:
        """Short and lasting, as `yaw<-30`."""
        return f"{self.axis}{'>' if self.above else '<'}{self.edge:g}"

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which of points (n, d) lie in it, (n,) bool."""
        value = points[:, list(AXES).index(self.axis)]
        return value > self.edge if self.above else value < self.edge


TURN = "turning the head to the image's {side} (the person's own {other}), past {edge} degrees and back, while talking"
NOD = "{way} slowly, past {edge} degrees and back, while talking"
LAMP = "with the light from the image's {side}, as in the target's scene"

# of each axis the farthest first: the narrowest words that fit are the best
REGIONS: tuple[Region, ...] = (
    *(
        Region(
            "yaw",
            edge * sign,
            sign > 0,
            f"looks to the image's {side} beyond {edge} degrees",
            TURN.format(side=side, other=other, edge=edge),
        )
        for edge in (45, 30, 15)
        for sign, side, other in ((-1, "left", "right"), (1, "right", "left"))
    ),
    *(
        Region(
            "pitch",
            edge * sign,
            sign > 0,
            f"looks {way} beyond {edge} degrees",
            NOD.format(way="raising the head" if sign > 0 else "bowing the head", edge=edge),
        )
        for edge in (30, 15)
        for sign, way in ((-1, "down"), (1, "up"))
    ),
    Region("mouth", 45, True, "has the mouth wide open", "laughing, shouting and singing, with the mouth wide open"),
    Region("mouth", 20, True, "has the mouth open, as in loud speech", "talking aloud, with the mouth well open"),
    Region("eyes", 65, False, "has the eyes nearly closed", "blinking slowly and looking down, eyes nearly closed"),
    *(
        Region(
            "light",
            edge * sign,
            sign > 0,
            f"has the face {word} brighter on the image's {side}",
            LAMP.format(side=side),
        )
        for edge, word in ((12, "much"), (6, "clearly"))
        for sign, side in ((-1, "left"), (1, "right"))
    ),
)
