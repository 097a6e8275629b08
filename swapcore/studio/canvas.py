"""The frontal canvas on which skin is painted: 4 pixels to a millimetre, seen from straight ahead."""

from __future__ import annotations

import cv2
import numpy as np

PX = 4.0  # pixels per mm
LEFT, TOP = -100.0, 112.0  # mm
WIDTH, HEIGHT = 800, 976  # pixels


def noise(rng: np.random.Generator, height: int, width: int, cell: float) -> np.ndarray:
    """Smooth noise (height, width) float32 of mean 0 and deviation about 1, with blobs of `cell` pixels."""
    coarse = rng.standard_normal((int(height / cell) + 3, int(width / cell) + 3)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def to_pixels(points: np.ndarray) -> np.ndarray:
    """Points (..., 2) mm -> pixels of the canvas."""
    return np.stack([(points[..., 0] - LEFT) * PX, (TOP - points[..., 1]) * PX], -1)


class Canvas:
    """Layers of a face in the making, all (HEIGHT, WIDTH): linear colour, gloss, relief, relief of raised brows."""

    def __init__(self, tone: np.ndarray):
        rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        self.x = columns / PX + LEFT  # mm
        self.y = TOP - rows / PX
        self.ax = np.abs(self.x)
        self.tone = np.asarray(tone, float)
        self.rgb = np.empty((HEIGHT, WIDTH, 3), np.float32)
        self.rgb[:] = tone
        self.gloss = np.full((HEIGHT, WIDTH), 0.33, np.float32)
        self.relief = np.zeros((HEIGHT, WIDTH), np.float32)
        self.brow_relief = np.zeros((HEIGHT, WIDTH), np.float32)

    def spot(self, x: float, y: float, width: float, height: float) -> np.ndarray:
        """Gaussian spots at (x, y) and (-x, y) mm."""
        return np.exp(-(((self.ax - x) / width) ** 2) - ((self.y - y) / height) ** 2)

    def noise(self, rng: np.random.Generator, cell: float) -> np.ndarray:
        """Noise over the canvas, `cell` in pixels."""
        return noise(rng, HEIGHT, WIDTH, cell)

    def paint(self, cover: np.ndarray, rgb: np.ndarray, amount: float = 1.0) -> None:
        """Mix a colour in where `cover` * `amount` is above 0."""
        cover = np.clip(cover * amount, 0, 1)[..., None]
        self.rgb[:] = self.rgb * (1 - cover) + np.asarray(rgb, np.float32) * cover

    def strokes(
        self,
        rng: np.random.Generator,
        roots: np.ndarray,
        angles: np.ndarray,
        lengths: np.ndarray,
        widths: np.ndarray,
    ) -> np.ndarray:
        """Coverage 0..1 of antialiased hairs: roots (n, 2) mm, angles in radians, lengths and widths in mm."""
        cover = np.zeros((HEIGHT, WIDTH), np.uint8)
        for (x, y), angle, length, width in zip(roots, angles, lengths, widths, strict=True):
            bend = rng.normal(0, 0.18)
            middle = [x + length * 0.5 * np.cos(angle), y + length * 0.5 * np.sin(angle)]
            end = [x + length * np.cos(angle + bend), y + length * np.sin(angle + bend)]
            points = to_pixels(np.array([[x, y], middle, end]))
            thick = max(1, round(width * PX))
            grey = int(255 * rng.uniform(0.55, 1))
            cv2.polylines(cover, [np.round(points * 16).astype(np.int32)], False, grey, thick, cv2.LINE_AA, 4)
        return cover.astype(np.float32) / 255
