"""A small space in which faces of two people can be compared: direction, expression, light; and who is near whom in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from swapcore.distances import squares
from swapcore.types import Measured

BLOCK = 512  # faces compared at once
CHEEKS = slice(5, 13), (slice(2, 8), slice(8, 14))  # of a thumb: rows below the eyes, columns of its two halves
OPEN = 90  # percentile of a person's eyes that counts as open: people's eyes differ more than moods


class Axis(NamedTuple):
    """One direction of the space."""

    of: Callable[[Measured], np.ndarray]  # faces -> (n,) float, in the axis' own unit
    step: float  # so much apart is one radius
    flips: bool  # whether a mirrored face has the opposite value
    more: str  # what a face is whose value is larger than another's
    less: str
    unit: str


def light_side(faces: Measured) -> np.ndarray:
    """Which half of the picture of the face is brighter, per cent, (n,): < 0 the image's left, > 0 its right.

    Difference of the mean luma of the cheeks right and left over their sum, from the faces' tiny pictures (thumb). The
    studio's lamp wholly aside gives 16 ahead, footage lit from the front 1 to 9. A turned head counts by up to 9 itself:
    it is what the picture shows, not where the lamp stands.
    """
    rows, halves = CHEEKS
    left, right = (faces.thumb[:, rows, columns].mean((1, 2), dtype=np.float64) for columns in halves)
    return 100 * (right - left) / np.maximum(right + left, 1)


def eyes(faces: Measured) -> np.ndarray:
    """How far the eyes are open, per cent of their 90th percentile, (n,). `faces` are all of one person."""
    open_ = np.percentile(faces.eyes_open, OPEN) if len(faces) else 1.0
    return 100 * faces.eyes_open / max(float(open_), 1e-3)


AXES: dict[str, Axis] = {
    "yaw": Axis(
        lambda faces: faces.yaw,
        15.0,
        True,
        "turned farther to the image's right",
        "turned farther to the image's left",
        " degrees",
    ),
    # each person has a constant error of up to 11 degrees (quality.pitch), so this axis is wider
    "pitch": Axis(lambda faces: faces.pitch, 20.0, False, "raised higher", "bowed lower", " degrees"),
    "mouth": Axis(
        lambda faces: faces.mouth_open,
        20.0,
        False,
        "with the mouth wider open",
        "with the mouth more closed",
        " per cent",
    ),
    "eyes": Axis(eyes, 35.0, False, "with the eyes wider open", "with the eyes more closed", " per cent"),
    "light": Axis(light_side, 10.0, True, "brighter on the image's right", "brighter on the image's left", " per cent"),
}
"""Name -> axis. The step says what difference a model does not bridge by itself, a judgement: see docs/guide.md."""


class Coverage(NamedTuple):
    """Of each of the target's faces, (n,) each."""

    own: np.ndarray  # distance to the nearest face of the source, in radii
    nearest: np.ndarray  # which that is
    mirrored: np.ndarray  # distance to the nearest of the source's faces seen in a mirror, in radii


def points(faces: Measured) -> np.ndarray:
    """One person's faces in the space, (n, len(AXES)) float64, in each axis' own unit."""
    return np.stack([np.asarray(axis.of(faces), np.float64) for axis in AXES.values()], axis=1)


def cover(target: np.ndarray, source: np.ndarray) -> Coverage:
    """How near the source's points (m, d) come to each of the target's (n, d), axes scaled by their steps.

    Without any face of the source all distances are infinite and `nearest` is -1. Training flips half of its samples, so a
    face seen in a mirror is learnt from too: the other profile, lit from the other side.
    """
    steps = np.array([axis.step for axis in AXES.values()])
    signs = np.array([-1.0 if axis.flips else 1.0 for axis in AXES.values()])
    own, nearest = _nearest(target / steps, source / steps)
    return Coverage(own, nearest, _nearest(target / steps, source * signs / steps)[0])


def alone(where: np.ndarray) -> np.ndarray:
    """How far each of points (n, d) is from the nearest other one, in radii, (n,)."""
    scaled = where / [axis.step for axis in AXES.values()]
    distance = np.full(len(where), np.inf)
    for start in range(0, len(where), BLOCK):
        found = squares(scaled[start : start + BLOCK], scaled)
        found[np.arange(len(found)), start + np.arange(len(found))] = np.inf
        distance[start : start + BLOCK] = np.sqrt(found.min(1))
    return distance


def _nearest(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not len(b):
        return np.full(len(a), np.inf), np.full(len(a), -1)
    distance, place = np.empty(len(a)), np.empty(len(a), np.int64)
    for start in range(0, len(a), BLOCK):
        found = squares(a[start : start + BLOCK], b)
        place[start : start + BLOCK] = found.argmin(1)
        distance[start : start + BLOCK] = np.sqrt(found.min(1))
    return distance, place
