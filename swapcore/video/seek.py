"""Where to begin decoding when only a few frames of a long clip are wanted."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from swapcore.types import FrameTable

WORTH = 100  # frames that must be saved before another start of ffmpeg pays


class Stretch(NamedTuple):
    """Wanted frames that one run of ffmpeg gives."""

    begin: int | None  # row of the key frame to begin at; None: the file's beginning
    rows: np.ndarray  # of the wanted frames, ascending


def stretches(frames: FrameTable, wanted: np.ndarray) -> list[Stretch]:
    """The wanted rows (ascending) of a video's frame table in stretches, each after a key frame that decoding can begin at.

    A frame that is shown after a key frame needs nothing from before it. A stretch begins where at least WORTH frames that
    nobody wants are passed over; before the first key frame of the table it is the file's beginning.
    """
    keys = np.flatnonzero(frames.key)
    found: list[Stretch] = []
    start, begin = 0, None
    for k, row in enumerate(wanted.tolist()):
        before = int(np.searchsorted(keys, row, side="right")) - 1
        key = int(keys[before]) if before >= 0 else None
        reached = int(wanted[k - 1]) if k else -1 - int(frames.number[0])
        if key is not None and key - reached > WORTH:
            if k > start:
                found.append(Stretch(begin, wanted[start:k]))
            start, begin = k, key
    if len(wanted):
        found.append(Stretch(begin, wanted[start:]))
    return found


def begins(frames: FrameTable, stretch: Stretch) -> list[int | None]:
    """Where to begin decoding for a stretch, as Stretch.begin; each next one where the one before led nowhere.

    A container without an exact index, such as a transport stream, may begin behind the key frame that it is asked for.
    """
    if stretch.begin is None:
        return [None]
    earlier = np.flatnonzero(frames.key[: stretch.begin])[-1:].tolist()
    return [stretch.begin, *earlier, None]


def options(seconds: Fraction) -> dict[str, Any]:
    """What ffmpeg's input is told, so that decoding begins at the key frame of this time and frames keep their times."""
    return {
        "ss": f"{math.floor(seconds * 1_000_000) / 1_000_000:.6f}",
        "seek_timestamp": 1,  # the time is one of the stream's, not counted from the file's beginning
        "noaccurate_seek": None,
        "copyts": None,
    }
