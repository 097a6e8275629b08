"""The skin as a picture over the head's grid: painted from the front, then looked up through the head at rest."""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.studio import brows, canvas, complexion
from swapcore.studio.canvas import Canvas
from swapcore.studio.features import TIP_ABOVE_BASE, Rig
from swapcore.studio.identity import Identity
from swapcore.studio.labels import Part
from swapcore.studio.mesh import smooth
from swapcore.studio.rings import COLUMNS, RING

SIZE = 640  # side of the skin's picture, pixels
CHANNELS = 8  # linear RGB, gloss, slope of the relief in x and y, the same of raised brows


def paint_skin(who: Identity, rig: Rig, rest: np.ndarray, tone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Skin (SIZE, SIZE, 8) float32 of CHANNELS and labels (SIZE, SIZE) uint8 of Part, over the head's grid.

    `tone` is the skin's colour (3,), which need not be the identity's own.
    """
    rng = np.random.default_rng(who.seed + 77)
    face = Canvas(tone)
    complexion.complexion(face, rng, who, rig)
    complexion.beard(face, rng, who, rig)
    lips = complexion.lips(face, rng, who, rig)
    complexion.nostrils_and_lids(face, who, rig)
    complexion.wrinkles(face, rng, who)
    brows.paint(face, rng, who)
    return _wrap(face, _labels(face, who, rig, lips), rng, who, rest)


def _labels(face: Canvas, who: Identity, rig: Rig, lips: np.ndarray) -> np.ndarray:
    labels = np.full(face.y.shape, Part.SKIN, np.uint8)
    outline = brows.outline(who)
    for side, part in ((1, Part.BROW_LEFT), (-1, Part.BROW_RIGHT)):
        polygon = np.round(canvas.to_pixels(outline * [side, 1])).astype(np.int32)
        cv2.fillPoly(labels, [polygon], int(part))
    base, tip = rig.nose_y, rig.nose_y + TIP_ABOVE_BASE
    wing, bridge = who.nose_width + 0.5, who.bridge_width
    heights, halves = [base - 1, base + 3, tip + 6, tip + 16, 3], [6, wing, wing, bridge + 5, bridge + 3]
    labels[(face.y < 3) & (face.y > base - 1) & (face.ax < np.interp(face.y, heights, halves))] = Part.NOSE
    labels[lips > 0.5] = Part.LIPS
    return labels


def _wrap(
    face: Canvas, labels: np.ndarray, rng: np.random.Generator, who: Identity, rest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Look the canvas up through the head; plain skin where it does not reach, and the clothes."""
    place = cv2.resize(rest.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    rings = np.repeat(RING.astype(np.float32)[:, None], COLUMNS, 1)
    rings = cv2.resize(rings, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    at = canvas.to_pixels(place[..., :2])
    across, down = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
    layers = [*cv2.split(face.rgb), face.gloss, *_slope(face.relief), *_slope(face.brow_relief)]
    looked_up = [cv2.remap(c, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for c in layers]
    front = (smooth(place[..., 2], -5, 25) * smooth(rings, 13.6, 12.6))[..., None]
    plain = np.zeros(CHANNELS, np.float32)
    plain[:3] = face.tone * 0.95
    plain[3] = 0.3
    skin = np.stack(looked_up, -1) * front + plain * (1 - front)
    skin[..., :3] *= (1 + 0.05 * canvas.noise(rng, SIZE, SIZE, 3) * (1 - front[..., 0]))[..., None]
    labels = cv2.remap(labels, across, down, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    labels[(place[..., 2] < 10) | (rings > 13)] = Part.SKIN
    labels[rings > 13.0] = Part.NECK
    _dress(skin, labels, rings, rng, who)
    return np.ascontiguousarray(skin, np.float32), labels


def _slope(relief: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Negative slope of a relief towards x and y (up), mm per mm."""
    scale = canvas.PX / 8
    return -cv2.Sobel(relief, -1, 1, 0, scale=scale), cv2.Sobel(relief, -1, 0, 1, scale=scale)


def _dress(skin: np.ndarray, labels: np.ndarray, rings: np.ndarray, rng: np.random.Generator, who: Identity) -> None:
    """Paint the clothes below the neckline, in place."""
    around = np.clip(np.linspace(-1, 1, SIZE) * 3.2, -np.pi / 2, np.pi / 2)
    cloth = rings > 17.3 + who.neckline * np.cos(around)[None]
    stripes = (np.sin(rings * 22) > 0.3)[..., None] if who.stripes else np.zeros((SIZE, SIZE, 1))
    weave = (1 + 0.04 * canvas.noise(rng, SIZE, SIZE, 2))[..., None]
    skin[cloth, :3] = (who.cloth_rgb * weave * (1 - 0.5 * stripes))[cloth]
    skin[cloth, 3:] = 0
    labels[cloth] = Part.CLOTH
