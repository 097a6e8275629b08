"""Eyebrows: their line, and their hairs on the canvas."""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.studio.canvas import Canvas
from swapcore.studio.identity import Identity
from swapcore.studio.mesh import smooth


def line(who: Identity, s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre line (x > 0, y) and half thickness, mm, of a brow at `s`: 0 at its inner end, 1 at its outer end."""
    x = who.brow_inner + (who.brow_outer - who.brow_inner) * s
    arch = who.brow_arch * np.sin(np.pi * np.clip(s, 0, 1) ** 1.25)
    y = who.brow_y + arch + who.brow_tilt * (s - 0.3) - 9.0 * np.clip(s - 0.75, 0, 1)
    half = 0.5 * who.brow_thickness * (1 - 0.72 * np.clip(s - 0.35, 0, 1) / 0.65) * (0.75 + 0.25 * smooth(s, 0, 0.15))
    return x, y, half


def outline(who: Identity) -> np.ndarray:
    """Polygon (60, 2) mm around the brow on x > 0, a little wider than its hairs."""
    x, y, half = line(who, np.linspace(0, 1, 30))
    return np.concatenate([np.stack([x, y + half + 0.8], -1), np.stack([x, y - half - 0.8], -1)[::-1]])


def paint(face: Canvas, rng: np.random.Generator, who: Identity) -> None:
    """Both brows, hair by hair over a soft shadow."""
    s = rng.random(who.brow_hairs)
    x, y, half = line(who, s)
    across = rng.uniform(-1, 1, len(s))
    angle = np.interp(s, [0, 0.25, 0.6, 1], [1.35, 0.75, 0.15, -0.35]) - across * 0.35 + rng.normal(0, 0.12, len(s))
    length = rng.uniform(4.5, 7.5, len(s)) * (1 - 0.35 * s)
    width = rng.uniform(0.22, 0.42, len(s))
    root_x, root_y = x - np.cos(angle) * length * 0.4, y + across * half - np.sin(angle) * length * 0.4
    left = face.strokes(rng, np.stack([root_x, root_y], -1), angle, length, width)
    right = face.strokes(rng, np.stack([-root_x, root_y], -1), np.pi - angle, length, width)
    hairs = left + right
    face.paint(cv2.GaussianBlur(hairs, (0, 0), 3.5), who.brow_rgb + 0.12 * face.tone, 0.55)
    face.paint(hairs, who.brow_rgb, 0.88)
    face.relief += hairs * 0.12
