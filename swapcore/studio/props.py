"""Ears, spectacles, and things held before the face, as grids of points in millimetres."""

from __future__ import annotations

import numpy as np

from swapcore.studio.identity import Identity
from swapcore.studio.mesh import resample, smooth, tube
from swapcore.studio.performance import Occluder
from swapcore.studio.rings import COLUMNS, EYE_ROW, MIDDLE, RING
from swapcore.studio.tones import linear

FRAME_RGB = linear(30, 26, 26)
HAND_RGB, BOX_RGB = linear(200, 146, 112), linear(60, 90, 120)
OCCLUDER_Z = 150.0  # mm before the head's centre


# of the rows of an ear, how open they are to the light: the hollow of the concha, antihelix, the furrow, the rim, its back
EAR_OPEN = np.array([0.3, 0.35, 0.5, 0.8, 1, 1, 0.62, 0.6, 0.9, 1, 0.8, 0.5])[:, None, None]


def ear(who: Identity) -> np.ndarray:
    """The ear on the image's right (12, 37, 3) mm about its own hinge: concha, antihelix, rim, lobe, back."""
    angle = np.linspace(0, 2 * np.pi, 37)
    wide, tall = 17 + 2.5 * np.sin(angle), 31 + 1.5 * np.cos(2 * angle)
    outline = np.stack([wide * np.cos(angle), tall * np.sin(angle)], -1)
    outline[:, 0] *= 1 - 0.28 * smooth(outline[:, 1], -5, -30)
    share = np.array([0, 0.2, 0.38, 0.5, 0.6, 0.7, 0.8, 0.88, 0.94, 1.0, 0.97, 0.6])
    height = np.array([-7, -7, -5.5, -2, 1.5, 2.2, 0.2, 1.0, 3.2, 2.6, -1.5, -9])
    flat = share[:, None, None] * outline[None]
    hollow = 1 - 0.55 * smooth(flat[..., 1], -12, -24)  # the lobe is flat
    out = height[:, None] * hollow - 0.10 * flat[..., 0]
    back, up = flat[..., 0] * who.ear_size - 12, flat[..., 1] * who.ear_size  # the hinge is on the front edge
    c, s = np.cos(who.ear_angle), np.sin(who.ear_angle)
    return np.stack([out * c - back * s, up - 8, back * c + out * s - 0.2 * up - 2], -1)


def ear_position(rest: np.ndarray) -> np.ndarray:
    """Where the ear on the image's right is hinged (3,) mm."""
    first = MIDDLE + 10
    side = rest[:, first:]
    away = np.abs(side[..., 1] + 8) + np.abs(side[..., 2] + 8) + 1e3 * (RING[:, None] > 9)
    row, column = divmod(int(np.argmin(away)), COLUMNS - first)
    return np.array([side[row, column, 0] + 2.0, 0, -9])


def glasses(rest: np.ndarray, who: Identity) -> tuple[np.ndarray, ...]:
    """Two rims, two temples, a bridge: tubes in the head's space."""
    z = rest[EYE_ROW, MIDDLE, 2] + 11
    angle = np.linspace(0, 2 * np.pi, 41)
    tubes = []
    for side in (1, -1):
        x = side * (who.eye_x + 1 + 24 * _rounded(np.cos(angle), 0.7))
        y = -3 + 18.5 * _rounded(np.sin(angle), 0.75)
        tubes.append(tube(np.stack([x, y, z - 0.0045 * x**2], -1), 1.5, 8))
        end = side * (who.eye_x + 25)
        corners = [[end, 2, z - 0.0045 * end**2], [side * (who.eye_x + 32), 3, z - 26], [side * 72, 2, 12]]
        temple = np.array([*corners, [side * 75, 0, -14]])
        tubes.append(tube(resample(temple, np.linspace(0, 3, 24)), 1.4, 6))
    t = np.linspace(-1, 1, 9)
    bridge = np.stack([t * (who.eye_x - 22.5), 1 + 2 * (1 - t * t), z + 0 * t], -1)
    return (*tubes, tube(bridge, 1.3, 6))


def _rounded(value: np.ndarray, power: float) -> np.ndarray:
    return np.sign(value) * np.abs(value) ** power


def occluder(what: Occluder) -> tuple[list[np.ndarray], np.ndarray]:
    """A hand or a box in the camera's space -> its grids, and its colour (3,) linear RGB."""
    c, s = np.cos(what.rotation), np.sin(what.rotation)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    place = np.array([what.x, what.y, OCCLUDER_Z])
    if what.kind == "box":
        grids = [tube([[0, -60, 0], [0, -59.9, 0], [0, 59.9, 0], [0, 60, 0]], [0.1, 45, 45, 0.1], 4)]
    else:
        grids = _hand()
    rgb = what.rgb if what.rgb is not None else HAND_RGB if what.kind == "hand" else BOX_RGB
    return [grid @ turn.T + place for grid in grids], np.asarray(rgb, float)


def _hand() -> list[np.ndarray]:
    """Four fingers, a thumb, a palm with the wrist."""
    t = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, 20))
    grids = []
    for i, length in enumerate((46, 54, 50, 38)):
        path = np.stack([(-27 + 18 * i) * (1 + 0.12 * t), 8 + t * (length * 1.45 + 26), 3 - 16 * t**2], -1)
        radius = _cap(t, 14) * (9.4 - 1.8 * t + 0.4 * np.cos(t * 19))
        grids.append(tube(path, radius + 0.2, 12))
    thumb = np.stack([-16 - 50 * t + 12 * t**2, -35 + 72 * t, 4 + 0 * t], -1)
    grids.append(tube(thumb, _cap(t, 10) * (11 - 2.5 * t) + 0.2, 12))
    t = np.linspace(0, 1, 24)
    radius = np.interp(t, [0, 0.5, 0.62, 0.8, 0.95, 1], [26, 26, 34, 40, 37, 2])
    palm = tube(np.stack([0 * t, -150 + 195 * t, 0 * t], -1), radius, 20)
    palm[..., 2] *= 0.42
    return [*grids, palm]


def _cap(t: np.ndarray, power: int) -> np.ndarray:
    """1 along a finger, falling round to 0 at both ends."""
    return np.sqrt(np.clip(1 - (np.abs(t - 0.5) * 2) ** power, 0, 1))
