"""The relief of a face: displacements of the plain head, written as functions of (x, y) in millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from swapcore.studio.identity import Identity
from swapcore.studio.mesh import bump, smooth
from swapcore.studio.rings import (
    CHIN_RING,
    EYE_ROW,
    MOUTH_RING,
    NOSE_RING,
    RING,
    base_head,
    front_column,
    head_normals,
    height_of,
)

TIP_ABOVE_BASE = 9.5  # the nose's tip above its base, mm


@dataclass(frozen=True)
class Rig:
    """Where a head moves: what the expressions and the eyes need to know beside the identity. Millimetres."""

    mouth_y: float  # height of the line between the lips
    nose_y: float  # height of the nose's base
    chin_y: float  # height of the chin's ring
    eye_z: float  # depth of the eyeballs' centres
    ball: tuple[float, float, float] = (17.0, 14.6, 14.2)  # radii of an eyeball, x y z


def lip_heights(x: np.ndarray | float, who: Identity) -> tuple[np.ndarray, np.ndarray]:
    """Heights (mm) of the upper and the lower lip at the lateral position `x`."""
    ax = np.abs(x)
    t = np.clip(ax / who.mouth_width, 0, 1)
    bow = 1 - who.lip_bow * np.exp(-((x / 3.0) ** 2)) + 0.08 * np.exp(-(((ax - 6) / 4) ** 2))
    return who.lip_upper * (1 - t**2) ** 0.75 * bow, who.lip_lower * (1 - t**2.2) ** 0.8


def lip_depth(x: np.ndarray, y: np.ndarray, who: Identity, rig: Rig) -> np.ndarray:
    """Distance from the line of the mouth in units of the lip's height there: 0 at the line, 1 at the lip's edge."""
    upper, lower = lip_heights(x, who)
    d = y - rig.mouth_y
    return np.where(d > 0, d / (upper + 1e-3), -d / (lower + 1e-3))


def lid_heights(
    x: np.ndarray, who: Identity, *, blink: float, gaze_y: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Margins of the lids at the lateral positions `x`: upper and lower height (mm), and the place along the eye.

    The place is -1 at the inner corner and +1 at the outer one. `blink` is 0..1, `gaze_y` radians upwards.
    """
    t = (np.abs(x) - who.eye_x) / who.eye_width
    inside = np.clip(t, -1, 1)
    arch = 1 - inside**2
    upper = who.lid_upper * arch**0.62 * (1 - 0.16 * inside) + gaze_y * 2.0 * arch
    lower = -who.lid_lower * arch**0.8 * (1 + 0.22 * inside)
    upper = upper * (1 - blink) + (lower * 0.75) * blink
    tilt = who.eye_tilt * who.eye_width * inside * np.exp(-(np.maximum(np.abs(t) - 1, 0) ** 2) * 4)
    return np.maximum(upper, lower) + tilt, lower * (1 - 0.2 * blink) + tilt, t


def face_weight(head: np.ndarray) -> np.ndarray:
    """(ROWS, COLUMNS) 1 on the front of the head above the neck, 0 behind and below."""
    return smooth(head[..., 2], 0, 40) * (RING[:, None] < 13.2)


def rest_head(who: Identity) -> tuple[np.ndarray, Rig]:
    """The head with closed eyes and mouth (ROWS, COLUMNS, 3) mm, and its rig."""
    base = base_head(who)
    heights = {"mouth_y": MOUTH_RING, "nose_y": NOSE_RING, "chin_y": CHIN_RING}
    rig = Rig(**{name: height_of(base, ring) for name, ring in heights.items()}, eye_z=0)
    head = _sculpt(base, who, rig)
    column = front_column(head, EYE_ROW, who.eye_x)
    return head, Rig(
        rig.mouth_y, rig.nose_y, rig.chin_y, head[EYE_ROW, column, 2] - rig.ball[2] + 1.5 + who.eye_forward
    )


def _sculpt(base: np.ndarray, who: Identity, rig: Rig) -> np.ndarray:
    head = base.copy()
    x, y, z = head[..., 0], head[..., 1], head[..., 2]
    ax = np.abs(x)
    weight = face_weight(head)
    relief = _eyes_and_cheeks(ax, y, who) + _nose(ax, y, who, rig) + _mouth_and_chin(x, y, who, rig)
    z += relief * weight
    y += weight * (who.tip_lift * bump(ax, y, 0, rig.nose_y + TIP_ABOVE_BASE, 8, 7))
    broaden = 0.5 * who.cheekbone * bump(ax, y, 56, -21, 16, 12) - 0.4 * who.cheek_hollow * bump(ax, y, 55, -55, 14, 18)
    x += weight * np.sign(x) * broaden
    for fx, fy, phase, height in who.asymmetry:
        z += weight * height * np.sin(x * fx + y * fy + phase)
    cloth = smooth(RING[:, None], 17.2, 17.5)
    return head + head_normals(head) * (cloth * 3.5)[..., None]


def _eyes_and_cheeks(ax: np.ndarray, y: np.ndarray, who: Identity) -> np.ndarray:
    relief = who.brow_ridge * bump(ax, y, 27, 17, 23, 8) + who.brow_ridge * 0.5 * bump(ax, y, 0, 17, 14, 7)
    relief -= who.socket_depth * bump(ax, y, who.eye_x, 1, 18, 13) + 4.5 * bump(ax, y, 15, 3, 6, 9)
    relief += who.cheekbone * bump(ax, y, 44, -21, 15, 11) - who.cheek_hollow * bump(ax, y, 45, -54, 13, 17)
    relief += who.cheek_fullness * bump(ax, y, 36, -46, 17, 17)
    return relief - who.eye_bag * bump(ax, y, who.eye_x - 2, -15, 14, 3.2)


def _nose(ax: np.ndarray, y: np.ndarray, who: Identity, rig: Rig) -> np.ndarray:
    tip = rig.nose_y + TIP_ABOVE_BASE
    t = np.clip((5 - y) / (5 - tip), 0, 1.0)  # 0 at the root, 1 at the tip
    height = who.nose_root + (who.nose_projection - who.nose_root) * t**1.25
    height = height + who.nose_hump * np.exp(-(((t - 0.42) / 0.2) ** 2))
    under = np.clip((tip - y) / (TIP_ABOVE_BASE + 1.5), 0, 1)
    height = height * smooth(y, 17, 1) * np.sqrt(np.clip(1 - under**2.2, 0, 1))
    width = who.bridge_width * (1 - t) + who.tip_width * t**1.5 + 2.6 * t * (1 - t) + 2.0
    relief = height * np.exp(-((ax / width) ** 2.3))
    wing = who.nose_width
    relief += 0.42 * who.nose_projection * bump(ax, y, wing - 5.5, tip - 1.5, 5.5, 6.5)
    return relief - 1.8 * bump(ax, y, wing + 3, tip - 1, 2.8, 7)


def _mouth_and_chin(x: np.ndarray, y: np.ndarray, who: Identity, rig: Rig) -> np.ndarray:
    ax, d, half = np.abs(x), y - rig.mouth_y, who.mouth_width
    depth = lip_depth(x, y, who, rig)
    middle = np.clip(1 - (ax / half) ** 2, 0, 1)
    swell = np.exp(-(((depth - 0.45) / 0.55) ** 2)) * middle**0.6
    relief = swell * np.where(d > 0, 0.42 * who.lip_upper, 0.42 * who.lip_lower)
    relief -= 2.2 * np.exp(-((d / 1.6) ** 2)) * middle**0.4 + 2.5 * bump(ax, y, half + 1, rig.mouth_y, 4, 5)
    relief += 2.0 * bump(ax, y, 0, rig.mouth_y, half * 1.1, 20)
    relief -= 3.2 * bump(ax, y, 0, rig.mouth_y - who.lip_lower - 7, 19, 5)
    relief += who.chin_bulge * bump(ax, y, 0, rig.chin_y + 12, 14, 11)
    relief -= who.chin_cleft * bump(ax, y, 0, rig.chin_y + 10, 2.2, 8)
    philtrum = (rig.nose_y + rig.mouth_y + who.lip_upper) / 2
    relief -= 1.0 * bump(ax, y, 0, philtrum, 2.2, 6) - 0.6 * bump(ax, y, 4.5, philtrum, 2, 6)
    relief -= who.cheek_fold * np.exp(-((_fold_distance(ax, y, who, rig) / 2.6) ** 2))
    beard = smooth(y, rig.mouth_y + 4, rig.mouth_y - 14) * smooth(depth, 0.9, 1.6)
    return relief + who.beard_depth * beard


def _fold_distance(ax: np.ndarray, y: np.ndarray, who: Identity, rig: Rig) -> np.ndarray:
    """Distance (mm) from the line between the nose's wing and the corner of the mouth."""
    start = np.array([who.nose_width + 3.5, rig.nose_y + 10])
    step = np.array([who.mouth_width + 9, rig.mouth_y - 4]) - start
    along = np.clip(((ax - start[0]) * step[0] + (y - start[1]) * step[1]) / (step**2).sum(), 0, 1)
    return np.hypot(ax - start[0] - along * step[0], y - start[1] - along * step[1])
