"""What is painted on a face beside its brows: complexion, beard, lips, nostrils, lids, wrinkles."""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.studio import canvas
from swapcore.studio.canvas import Canvas
from swapcore.studio.features import TIP_ABOVE_BASE, Rig, lip_depth
from swapcore.studio.identity import Identity
from swapcore.studio.mesh import smooth
from swapcore.studio.tones import LASH

_BEARD_HAIRS = 16000  # tried over the lower face; those outside the beard are dropped


def complexion(face: Canvas, rng: np.random.Generator, who: Identity, rig: Rig) -> None:
    """Uneven colour, blush, shadows round the eyes, freckles, moles."""
    tone = face.tone
    layers = [(70, 0.025), (24, 0.03), (8, 0.03), (3, 0.025)]
    mottled = sum(face.noise(rng, cell) * amount for cell, amount in layers)
    face.rgb *= (1 + mottled * who.mottle)[..., None]
    tip = rig.nose_y + TIP_ABOVE_BASE
    red = face.spot(42, -26, 17, 14) + 0.9 * face.spot(0, tip, 15, 9)
    red = red + 0.35 * face.spot(0, rig.chin_y + 14, 16, 11) + 0.25 * face.spot(0, 52, 40, 20)
    red = who.blush * red * (1 + 0.25 * face.noise(rng, 26))
    face.paint(red, tone * [1.08, 0.66, 0.62], 0.5)
    circles = face.spot(who.eye_x - 3, -13, 14, 6) + 0.7 * face.spot(17, 0, 6, 9)
    face.paint(circles, tone * [0.66, 0.52, 0.52], 0.55 * who.dark_circles)
    face.paint(face.spot(who.eye_x, 5, 15, 7), who.eyeshadow_tint * tone, who.eyeshadow)
    face.paint(face.spot(0, 55, 46, 26), tone * 1.05, 0.3)
    freckles = np.zeros_like(face.relief)
    for _ in range(who.freckles):
        x, y = canvas.to_pixels(np.array([rng.normal(0, 30), rng.normal(-14, 13)]))
        radius = int(rng.integers(1, 4))
        cv2.circle(freckles, (int(x), int(y)), radius, float(rng.uniform(0.3, 1)), -1, cv2.LINE_AA)
    face.paint(cv2.GaussianBlur(freckles, (0, 0), 0.9), tone * [0.62, 0.42, 0.32], 0.8)
    for _ in range(who.moles):
        x, y, radius = rng.uniform(-45, 45), rng.uniform(-90, 55), rng.uniform(0.8, 1.8)
        mole = np.exp(-((((face.x - x) ** 2 + (face.y - y) ** 2) / radius**2) ** 2))
        face.paint(mole, tone * [0.25, 0.16, 0.12], 0.85)
        face.relief += 0.5 * mole


def beard(face: Canvas, rng: np.random.Generator, who: Identity, rig: Rig) -> None:
    """Hair by hair, those of stubble short; nothing for `none`."""
    if who.beard == "none":
        return
    area = _beard_area(face, who, rig)
    if who.beard == "stubble":
        grain = np.clip(face.noise(rng, 1.6) * 0.5 + 0.5, 0, 1)
        area = area * smooth(area, 0, 0.6)
        face.paint(area * (0.7 + 0.3 * grain), face.tone * 0.4 + 0.1 * who.hair_rgb, 0.26)
        rng = np.random.default_rng(who.seed + 9)  # so that nothing else that is drawn changes
    roots = rng.uniform([-78, -122], [78, -28], (_BEARD_HAIRS, 2))
    at = canvas.to_pixels(roots).astype(int)
    density = area[np.clip(at[:, 1], 0, canvas.HEIGHT - 1), at[:, 0]] ** 1.5
    roots = roots[rng.random(len(roots)) < density]
    n = len(roots)
    angles = -np.pi / 2 + roots[:, 0] * -0.012 + rng.normal(0, 0.35, n)
    if who.beard == "stubble":
        hairs = face.strokes(rng, roots, angles, rng.uniform(0.5, 1.3, n), rng.uniform(0.15, 0.3, n))
        face.paint(hairs, who.hair_rgb * 0.8, 0.6)
        return
    hairs = face.strokes(rng, roots, angles, rng.uniform(2, 4, n), rng.uniform(0.22, 0.35, n))
    face.paint(area**2, who.hair_rgb * 0.55, 0.6)
    face.paint(hairs, who.hair_rgb * 1.15, 0.8)
    face.relief += hairs * 0.3


def _beard_area(face: Canvas, who: Identity, rig: Rig) -> np.ndarray:
    """Density 0..1 of the beard."""
    ax, y, mouth = face.ax, face.y, rig.mouth_y
    jaw = smooth(y - 0.012 * (ax - 20) ** 2, mouth + 12, mouth - 14) * smooth(ax, 200, 100)
    jaw = jaw + smooth(ax, 42, 66) * smooth(y, 4, -34)
    lip = face.spot(0, (rig.nose_y + mouth + who.lip_upper) / 2 - 1, who.mouth_width, 7)
    lip = lip + 0.55 * face.spot(who.mouth_width + 2, mouth - 2, 6, 9)
    areas = {
        "stubble": jaw + lip,
        "full": jaw + lip * 1.2,
        "goatee": lip * 1.2 + face.spot(0, rig.chin_y + 9, 20, 17),
        "moustache": 1.25 * lip,
    }
    around_lips = smooth(lip_depth(face.x, y, who, rig), 1.0, 1.35)
    return np.clip(areas[who.beard], 0, 1) * around_lips * smooth(y, mouth + 60, mouth + 45)


def lips(face: Canvas, rng: np.random.Generator, who: Identity, rig: Rig) -> np.ndarray:
    """Paint the lips; returns where they are, 0..1."""
    cover = smooth(lip_depth(face.x, face.y, who, rig), 1.06, 0.94) * (face.ax < who.mouth_width)
    rgb = who.lip_tint * face.tone
    if who.lipstick is not None:
        rgb = 0.35 * rgb + 0.65 * who.lipstick
    face.paint(cover, rgb, 0.9)
    crease = np.sin(face.x * 2.6 + face.noise(rng, 10) * 2.2) * 0.06 + face.noise(rng, 4) * 0.04
    face.relief += cover * crease
    face.gloss[:] = face.gloss * (1 - cover) + cover * (0.75 if who.lipstick is None else 1.1)
    face.paint(cover * np.exp(-(((face.y - rig.mouth_y) / 1.3) ** 2)), rgb * 0.30, 0.75)
    return cover


def nostrils_and_lids(face: Canvas, who: Identity, rig: Rig) -> None:
    """Shine of nose and forehead, nostrils, lash line and crease of the lids."""
    face.gloss += 0.18 * face.spot(0, rig.nose_y + TIP_ABOVE_BASE, 9, 22) + 0.15 * face.spot(0, 55, 40, 22)
    r = ((face.ax - who.nose_width * 0.44) / (who.nose_width * 0.22)) ** 2 + ((face.y - rig.nose_y - 2.6) / 1.9) ** 2
    face.paint(np.exp(-(r**1.2)), face.tone * [0.14, 0.08, 0.07], 0.85)
    y = face.y
    t = np.abs((face.ax - who.eye_x) / who.eye_width)
    margin = smooth(t, 1.06, 0.88)
    face.paint(margin * smooth(y, 4.2, 1.2) * (y >= 0), LASH, 0.85)
    face.paint(margin * smooth(y, -1.8, -0.5) * (y < 0), LASH, 0.38)
    crease = smooth(t, 1.3, 0.8) * np.exp(-(((y - 8.2) / 1.5) ** 2))
    face.paint(crease, face.tone * [0.36, 0.24, 0.22], 0.55)


def wrinkles(face: Canvas, rng: np.random.Generator, who: Identity) -> None:
    """Pores; forehead lines, at rest by `who.wrinkles` and with raised brows in everybody; crow's feet by `who.age`."""
    x, ax, y = face.x, face.ax, face.y
    face.relief += (face.noise(rng, 2.2) * 0.035 + face.noise(rng, 5) * 0.03) * who.pores
    for k in range(5):
        height = who.brow_y + 13 + k * 7.2 + rng.normal(0, 0.8)
        path = height + 1.8 * np.sin(x * 0.055 + rng.uniform(0, 6)) + face.noise(rng, 160) * 0.8 - 0.0009 * x * x
        groove = np.exp(-(((y - path) / (1.0 + 0.25 * rng.random())) ** 2))
        groove = groove * smooth(ax, rng.uniform(52, 64), 26) * rng.uniform(0.8, 1)
        face.brow_relief -= groove * 0.9
        face.relief -= groove * 1.1 * who.wrinkles
        face.paint(groove, face.tone * [0.42, 0.30, 0.27], 0.8 * who.wrinkles)
    face.brow_relief -= 0.9 * np.exp(-(((ax - 5) / 1.2) ** 2)) * smooth(y, 8, 14) * smooth(y, 34, 24)
    outside = ax - who.eye_x - who.eye_width
    for k in range(4):
        line = np.exp(-(((y + 2 - np.tan(-0.5 + 0.33 * k) * outside) / 0.8) ** 2))
        line = line * smooth(outside, 2, 5) * smooth(outside, 15, 9)
        face.relief -= line * 0.9 * who.age
        face.paint(line, face.tone * 0.45, 0.35 * who.age)
