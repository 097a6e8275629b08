"""True landmarks: the 68 points of iBUG 300-W, as dlib's predictor is trained to place them.

Points 17 to 67 are fixed to the head's surface. Points 0 to 16, the jaw, are the outline that the camera sees, as in
the hand annotation, so they are found anew in every frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from swapcore.studio import brows
from swapcore.studio.features import TIP_ABOVE_BASE, Rig, lip_heights
from swapcore.studio.identity import Identity
from swapcore.studio.mesh import rotation
from swapcore.studio.performance import Frame
from swapcore.studio.rings import CHIN_RING, COLUMNS, EYE_ROW, MIDDLE, MOUTH_ROW, RING, breadth, front_column

_EYE_RIGHT, _EYE_LEFT, _NOSE = 19, 28, 12  # among the fixed points: outer corners of the eyes; the nose's ridge
_BINS = 121  # directions in which the outline is sought
_REACH = 0.62 * np.pi  # to either side of straight down


@dataclass(frozen=True, eq=False)
class Anchors:
    """What landmarks hang on."""

    index: np.ndarray  # (51,) vertex of the head for points 17..67
    offset: np.ndarray  # (51, 3) mm from that vertex, in the head's space
    jaw: np.ndarray  # vertices that may be on the outline of the face


def find_anchors(rest: np.ndarray, who: Identity, rig: Rig) -> Anchors:
    """Anchors of the landmarks on a head at rest."""
    flat = rest.reshape(-1, 3)
    on_face = (rest[..., 2] > 5) & (RING < 13)[:, None]
    index, offset = [], []

    def surface(x: float, y: float) -> None:
        """The point of the face at (x, y)."""
        away = np.where(on_face, (rest[..., 0] - x) ** 2 + (rest[..., 1] - y) ** 2, 1e9)
        index.append(int(np.argmin(away)))
        offset.append([x - flat[index[-1], 0], y - flat[index[-1], 1], 0])

    def slit(row: int, x: float) -> None:
        """The point of a lid or of an inner lip at x."""
        index.append(row * COLUMNS + front_column(rest, row, x))
        offset.append([x - flat[index[-1], 0], 0, 0])

    _brows_and_nose(surface, who, rig)
    upper, lower = EYE_ROW, EYE_ROW + 1
    for x, row in ((-1, upper), (-0.36, upper), (0.36, upper), (1, upper), (0.36, lower), (-0.36, lower)):
        slit(row, -who.eye_x + x * who.eye_width)  # from the image's left, clockwise
    for x, row in ((-1, upper), (-0.36, upper), (0.36, upper), (1, upper), (0.36, lower), (-0.36, lower)):
        slit(row, who.eye_x + x * who.eye_width)
    _mouth(surface, slit, who, rig)
    return Anchors(np.array(index), np.array(offset, float), _jaw_vertices(rest))


def _brows_and_nose(surface: Callable[[float, float], None], who: Identity, rig: Rig) -> None:
    along = np.array([0.02, 0.25, 0.5, 0.75, 1])
    for side, s in ((-1, along[::-1]), (1, along)):
        x, y, half = brows.line(who, s)
        for point in zip(side * x, y + 0.45 * half, strict=True):
            surface(*point)
    for y in np.linspace(2, rig.nose_y + TIP_ABOVE_BASE + 1, 4):
        surface(0, y)
    for x, above in ((-0.72, 2.5), (-0.38, 0.5), (0, -0.5), (0.38, 0.5), (0.72, 2.5)):
        surface(x * who.nose_width, rig.nose_y + above)


def _mouth(
    surface: Callable[[float, float], None], slit: Callable[[int, float], None], who: Identity, rig: Rig
) -> None:
    half, y = who.mouth_width, rig.mouth_y
    slit(MOUTH_ROW, -half)
    for x in np.array([-0.62, -0.22, 0, 0.22, 0.62]) * half:
        surface(x, y + lip_heights(x, who)[0])
    slit(MOUTH_ROW, half)
    for x in np.array([0.6, 0.28, 0, -0.28, -0.6]) * half:
        surface(x, y - lip_heights(x, who)[1])
    for x in np.array([-0.86, -0.4, 0, 0.4, 0.86]) * half:
        slit(MOUTH_ROW, x)
    for x in np.array([0.4, 0, -0.4]) * half:
        slit(MOUTH_ROW + 1, x)


def _jaw_vertices(rest: np.ndarray) -> np.ndarray:
    """Vertices before the anatomical line of the jaw, from the temples to under the chin."""
    side = breadth(rest)
    limit = np.interp(RING, [5.2, 7, 8, 9, 10, 11, 12, 12.3], [0.985, 0.985, 0.975, 0.965, 0.95, 0.95, 0.97, 0.97])
    rows = ((RING > 5.2) & (RING < 12.35))[:, None]
    not_eyes = (side > 0.8) | (RING > 6.6)[:, None]
    return np.where(((side <= limit[:, None]) & (rest[..., 2] > -30) & rows & not_eyes).ravel())[0]


def landmarks(
    anchors: Anchors, head: np.ndarray, frame: Frame, project: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """(68, 3): x, y in the pixels of `project`, and depth z in mm, of a posed head's vertices (n, 3) mm."""
    fixed = head[anchors.index] + anchors.offset @ rotation(frame.yaw, frame.pitch, frame.roll).T
    jaw = _outline(head, fixed, anchors, frame.roll)
    points = np.concatenate([jaw, fixed])
    return np.concatenate([project(points), points[:, 2:]], 1)


def _outline(head: np.ndarray, fixed: np.ndarray, anchors: Anchors, roll: float) -> np.ndarray:
    """Points 0..16 (17, 3) mm: the farthest candidates round the face, cut at the eyes' height, evenly spaced."""
    lean = np.deg2rad(-roll)
    upright = np.array([[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]])
    eyes = 0.5 * (fixed[_EYE_RIGHT, :2] + fixed[_EYE_LEFT, :2])
    middle = 0.5 * (fixed[_NOSE, :2] + eyes)

    def level(points: np.ndarray) -> np.ndarray:
        """x, y off the middle of the face, with the roll taken out."""
        return (points[..., :2] - middle) @ upright.T

    candidates = head[anchors.jaw]
    off = level(candidates)
    angle = np.arctan2(-off[:, 0], -off[:, 1])  # 0 is down, positive the image's left
    bins = np.clip(((angle + _REACH) / (2 * _REACH) * _BINS).astype(int), 0, _BINS - 1)
    nearest_first = np.argsort(np.hypot(off[:, 0], off[:, 1]))
    farthest = np.full(_BINS, -1)
    farthest[bins[nearest_first]] = nearest_first
    curve = candidates[farthest[farthest >= 0][::-1]]  # from the image's left to its right
    flat = level(curve)
    chin = level(head[np.searchsorted(RING, CHIN_RING) * COLUMNS + MIDDLE])
    lowest = int(np.argmin(np.abs(flat[:, 0] - chin[0]) + 1e3 * (flat[:, 1] > 0)))
    top = level(eyes)[1] + 4
    left, right = _half(curve[: lowest + 1], level, top), _half(curve[lowest:][::-1], level, top)
    return np.concatenate([left, right[:-1][::-1]])


def _half(curve: np.ndarray, level: Callable[[np.ndarray], np.ndarray], top: float) -> np.ndarray:
    """Nine points (9, 3) evenly along a curve that runs down to the chin, from the height `top` on."""
    above = np.where(level(curve)[:, 1] > top)[0]
    if len(above):
        curve = curve[above[-1] :]
    steps = np.linalg.norm(np.diff(curve[:, :2], axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(steps)])
    wanted = np.linspace(0, length[-1], 9)
    return np.stack([np.interp(wanted, length, curve[:, k]) for k in range(3)], -1)
