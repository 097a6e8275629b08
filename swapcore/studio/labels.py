"""What a pixel of the parsing map shows."""

from __future__ import annotations

import enum


class Part(enum.IntEnum):
    """Values of the parsing map. Left and right are the person's own: the left eye is on the image's right."""

    BACKGROUND = 0
    SKIN = 1
    BROW_LEFT = 2
    BROW_RIGHT = 3
    EYE_LEFT = 4
    EYE_RIGHT = 5
    NOSE = 6
    LIPS = 7
    MOUTH = 8  # inside of the mouth: teeth, gums, the dark behind
    EAR = 9
    NECK = 10
    CLOTH = 11
    HAIR = 12
    GLASSES = 13
    OCCLUDER = 14


class Surface(enum.IntEnum):
    """How a triangle is shaded."""

    SKIN = 0  # the head: colour, gloss and relief come from the painted skin
    EYE = 1  # eyeball: iris and pupil are computed
    HAIR = 2  # alpha-cut strands
    PLAIN = 3  # one colour per vertex


LABELS: dict[str, int] = {part.name.lower(): int(part) for part in Part}
