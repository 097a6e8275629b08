"""Tracks of a clip that was followed in parts, each with a margin of frames that its neighbours followed too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from swapcore.detect.landmarks import overlap

SAME_FACE = 0.4  # IoU from which two parts' faces in one frame are the same; follow.SAME_BOX from one frame to the next


class Followed(NamedTuple):
    """A part's faces, frame by frame."""

    frame: np.ndarray  # (n,) int64, ascending
    track: np.ndarray  # (n,) int64, the part's own numbers
    box_xyxy: np.ndarray  # (n, 4)
    own: np.ndarray  # (n,) bool: the frame is the part's, not of its margin


def joined(parts: Iterable[Followed]) -> list[np.ndarray]:
    """The clip's track number of each row of each part, (n,) int64 each; -1 for tracks that have no frame of their own yet.

    Two neighbours' tracks are one where they lie on the same faces in the frames that both followed: those that agree most
    first, each with one other at most. The first part keeps its numbers, tracks that begin later get the next free ones.
    """
    done: list[np.ndarray] = []
    before: Followed | None = None
    known: dict[int, int] = {}  # the last part's track -> the clip's
    free = 0
    for part in parts:
        pairs = _pairs(before, part) if before is not None and len(part.frame) else {}
        found = {new: known[old] for new, old in pairs.items() if old in known}
        for track in np.unique(part.track[part.own]).tolist():
            if track not in found:
                found[track] = track if before is None else free
                free = found[track] + 1
        done.append(np.array([found.get(track, -1) for track in part.track.tolist()], np.int64))
        if len(part.frame):
            before, known = part, found
    return done


def _pairs(before: Followed, part: Followed) -> dict[int, int]:
    """A part's track -> the track of the part before that is the same face."""
    agreement: dict[tuple[int, int], float] = defaultdict(float)
    for frame in np.intersect1d(before.frame, part.frame):
        old, new = np.flatnonzero(before.frame == frame), np.flatnonzero(part.frame == frame)
        likeness = overlap(before.box_xyxy[old], part.box_xyxy[new])
        for a, b in np.argwhere(likeness >= SAME_FACE):
            agreement[int(before.track[old[a]]), int(part.track[new[b]])] += float(likeness[a, b])
    pairs: dict[int, int] = {}
    for old, new in sorted(agreement, key=lambda pair: -agreement[pair]):
        if new not in pairs and old not in pairs.values():
            pairs[new] = old
    return pairs
