"""Lids, brows, lips and jaw: the head at rest -> the head with an expression, still looking straight ahead."""

from __future__ import annotations

import numpy as np

from swapcore.studio.features import Rig, face_weight, lid_heights
from swapcore.studio.identity import Identity
from swapcore.studio.mesh import bump, smooth
from swapcore.studio.performance import Frame
from swapcore.studio.rings import EYE_RING, EYE_ROW, MOUTH_ROW, RING, ROWS

HINGE_Y, HINGE_Z = -12.0, -8.0  # the jaw's axis, mm
JAW_ANGLE = 0.30  # radians at a wide open mouth


def express(rest: np.ndarray, who: Identity, rig: Rig, frame: Frame) -> np.ndarray:
    """The head at rest (ROWS, COLUMNS, 3) mm with the frame's expression, a new array."""
    head = rest.copy()
    weight = face_weight(rest)
    _lids(head, rest, weight, who, rig, frame)
    _brows(head, rest, weight, frame)
    _lips(head, rest, weight, who, rig, frame)
    _jaw(head, rest, weight, who, rig, frame)
    return head


def _lids(head: np.ndarray, rest: np.ndarray, weight: np.ndarray, who: Identity, rig: Rig, frame: Frame) -> None:
    """Open the slit of the eyes, fold the upper lid, and wrap both lids around the eyeball."""
    first, last = np.searchsorted(RING, 3.5), np.searchsorted(RING, 8.6)
    rows = np.s_[first:last]
    x, y, weight = rest[rows, :, 0], rest[rows, :, 1], weight[rows]
    moved_y, z = head[rows, :, 1], head[rows, :, 2]
    upper, lower, t = lid_heights(x, who, blink=frame.blink, gaze_y=frame.gaze[1])
    above = (np.arange(first, last) <= EYE_ROW)[:, None]
    reach_up, reach_down = np.clip(1 - y / 21, 0, 1) ** 2, np.clip(1 + y / 18, 0, 1) ** 2
    moved_y += weight * np.where(above, upper * reach_up, lower * reach_down)
    distance = moved_y - upper
    crease = 1.3 * np.exp(-(((distance - who.lid_crease) / 1.1) ** 2))
    hood = who.lid_hood * np.exp(-(((distance - who.lid_crease - 3.5) / 2.4) ** 2))
    z -= weight * (1 - frame.blink) * smooth(np.abs(t), 1.25, 0.75) * above * (crease - hood)
    # distance from the eyeball's axis, 1 at its rim
    r = ((np.abs(x) - who.eye_x) / rig.ball[0]) ** 2 + (moved_y / rig.ball[1]) ** 2
    ball = rig.eye_z + rig.ball[2] * np.where(r < 1, np.sqrt(np.maximum(1 - r, 0)), -0.7 * (r - 1)) + 1.1
    wrapped = 0.5 * (z + ball + np.sqrt((z - ball) ** 2 + 1.5))  # a soft maximum
    z += weight * (wrapped - z) * smooth(r, 1.6, 0.9)


def _brows(head: np.ndarray, rest: np.ndarray, weight: np.ndarray, frame: Frame) -> None:
    x, y = rest[..., 0], rest[..., 1]
    ax = np.abs(x)
    head[..., 1] += weight * frame.brow * 6.5 * bump(ax, y, 30, 22, 34, 15) * (y > 0) * smooth(y, 0, 12)
    if frame.brow < 0:
        head[..., 0] += weight * np.sign(x) * frame.brow * 2.5 * bump(ax, y, 16, 18, 12, 10)


def _lips(head: np.ndarray, rest: np.ndarray, weight: np.ndarray, who: Identity, rig: Rig, frame: Frame) -> None:
    """Smile (corners, cheeks, lower lids) and pucker."""
    x, y = rest[..., 0], rest[..., 1]
    ax, half = np.abs(x), who.mouth_width
    smile, pucker = frame.smile, frame.pucker
    corner = bump(ax, y, half, rig.mouth_y, 15, 13)
    head[..., 0] += weight * np.sign(x) * corner * (6.5 * smile - 5.0 * pucker)
    head[..., 1] += weight * corner * 5.0 * smile
    head[..., 2] -= weight * corner * 3.0 * max(smile, 0)
    cheek = bump(ax, y, 40, rig.mouth_y + 34, 16, 13) * smile
    head[..., 1] += weight * cheek * 3.0
    head[..., 2] += weight * cheek * 2.4
    head[..., 1] += weight * smile * 1.4 * bump(ax, y, who.eye_x, -7, 13, 6) * (RING[:, None] > EYE_RING)
    front = bump(ax, y, 0, rig.mouth_y, half * 0.9, 13) * pucker
    head[..., 2] += weight * front * 7
    head[..., 0] -= weight * x * front * 0.22
    head[..., 2] -= weight * 0.9 * max(smile, 0) * bump(ax, y, 0, rig.mouth_y, half, 8)


def _jaw(head: np.ndarray, rest: np.ndarray, weight: np.ndarray, who: Identity, rig: Rig, frame: Frame) -> None:
    """Turn the jaw about its hinge; the upper lip lifts a little, the corners come in."""
    y = rest[..., 1]
    ax, half = np.abs(rest[..., 0]), who.mouth_width
    row = RING[:, None]
    width = np.sqrt(np.clip(1 - (ax / half) ** 2, 0, 1))
    gate = np.exp(-(((y - rig.mouth_y) / 24) ** 2)) * width
    below = (np.arange(ROWS) > MOUTH_ROW)[:, None]
    share = smooth(y, rig.mouth_y + 26, rig.mouth_y - 30)
    lower = np.maximum(gate, smooth(y, rig.mouth_y - 6, rig.mouth_y - 26) * width)
    share = np.where(below, share + (1 - share) * lower, share * (1 - gate))
    share = share * smooth(row, 15.5, 13) * (row > EYE_RING)
    lift = np.where(below, 0, gate * frame.mouth * 3.0)
    turned_y, head[..., 2] = turn_jaw(head[..., 1], head[..., 2], share * frame.mouth * JAW_ANGLE)
    head[..., 1] = turned_y + lift
    head[..., 0] *= 1 - 0.10 * min(frame.mouth, 1) * bump(ax, y, half, rig.mouth_y, 14, 14) * weight


def turn_jaw(y: np.ndarray, z: np.ndarray, angle: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Heights and depths (mm) turned about the jaw's hinge by `angle` radians: positive opens."""
    dy, dz = y - HINGE_Y, z - HINGE_Z
    c, s = np.cos(angle), np.sin(angle)
    return dy * c - dz * s + HINGE_Y, dy * s + dz * c + HINGE_Z
