"""How hair lies: the direction of its strands over the head, and their brightness, drawn out along it."""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.studio.compile import compiled
from swapcore.studio.identity import Identity
from swapcore.studio.mesh import smooth, unit

_VOLUME = 64  # cells of the block of noise, each way
_SCALES = ((1.0, 0.60), (2.6, 0.55), (7.5, 0.45))  # width of strands, of locks, of tufts: mm, and weight
_STEP = 1.6  # mm along which the noise is followed at a time
_TIED_AT = np.array([0, 30, -112.0])  # where tied hair is gathered


def directions(surface: np.ndarray, who: Identity) -> np.ndarray:
    """Unit directions (R, C, 3), root to tip, along a surface (R, C, 3) mm of which rows run from the crown down."""
    x, y, z = np.moveaxis(surface, -1, 0)
    down = np.zeros_like(surface) + [0, -1.0, 0]
    side = 1.0 if np.sin(who.hair_phase) > 0 else -1.0
    on_top = smooth(y, 30, 82) * smooth(np.abs(x), 76, 50)
    if who.hair.comb == "down":
        wanted = np.gradient(surface, axis=0)
        on_top = 0 * on_top
    elif who.hair.comb == "back":
        wanted = (
            _TIED_AT - surface if not who.hair.quiff else np.stack([0.25 * side + 0 * x, 0.5 + 0 * x, -1 + 0 * x], -1)
        )
        on_top = smooth(y, -10, 50) if not who.hair.quiff else on_top
    elif who.hair.comb == "across":
        wanted = np.stack([side + 0 * x, -0.1 + 0 * x, 0.55 * smooth(z, -60, 40) - 0.15], -1)
    else:
        away = np.tanh((x - parting(who)) / 2.5)
        wanted = np.stack([away, -0.35 + 0 * x, -0.35 * smooth(z, 0, 60)], -1)
    mixed = unit(wanted) * on_top[..., None] + unit(np.gradient(surface, axis=0) + 2 * down) * (1 - on_top)[..., None]
    normal = unit(np.cross(np.gradient(surface, axis=0), np.gradient(surface, axis=1)))
    return unit(mixed - (mixed * normal).sum(-1, keepdims=True) * normal)


def parting(who: Identity) -> float:
    """Where parted hair is parted, mm from the middle."""
    return 22.0 * float(np.sin(who.hair_phase))


def brightness(
    surface: np.ndarray, direction: np.ndarray, *, reach: float, size_hw: tuple[int, int], seed: int
) -> np.ndarray:
    """Brightness 0..1 of the strands, (h, w) float32 over the grid of a surface (R, C, 3) mm: noise in space, drawn out along
    `direction` by `reach` mm either way (line integral convolution, Cabral and Leedom 1993), at three widths.
    """
    height, width = size_hw
    volume = np.random.default_rng(seed).standard_normal((_VOLUME,) * 3).astype(np.float32)
    down, across = np.gradient(surface, axis=0), np.gradient(surface, axis=1)
    aa, ab, bb = ((one * other).sum(-1) for one, other in ((down, down), (down, across), (across, across)))
    a, b = ((direction * one).sum(-1) for one in (down, across))
    inverse = 1 / np.maximum(aa * bb - ab * ab, 1e-3)  # the direction in cells of the grid, by least squares
    cells = np.stack([(bb * a - ab * b) * inverse, (aa * b - ab * a) * inverse], -1) * _STEP
    cells = np.clip(cells, -6, 6)  # round the crown, where columns meet
    rows, columns = surface.shape[:2]
    texels = cells * [height / rows, width / columns]
    place, step = (cv2.resize(grid.astype(np.float32), (width, height)) for grid in (surface, texels))
    drawn = np.zeros((height, width, len(_SCALES)), np.float32)
    _draw_out(place, step, volume, np.array([1 / w for w, _ in _SCALES], np.float32), round(reach / _STEP), drawn)
    total = sum(weight * drawn[..., k] / drawn[..., k].std() for k, (_, weight) in enumerate(_SCALES))
    return np.clip(0.5 + 0.25 * total, 0, 1).astype(np.float32)


@compiled
def _draw_out(place, step, volume, inverse, count, drawn):
    """Add to drawn (h, w, k) the noise along the line through each texel, `count` steps either way."""
    height, width, scales = drawn.shape
    cells = volume.shape[0]
    for row in range(height):
        for column in range(width):
            for way in (-1.0, 1.0):
                r, c = row + 0.5, column + 0.5
                for _ in range(count):
                    i, j = int(r), int(c) % width
                    for k in range(scales):
                        x = int(np.floor(place[i, j, 0] * inverse[k])) % cells
                        y = int(np.floor(place[i, j, 1] * inverse[k])) % cells
                        z = int(np.floor(place[i, j, 2] * inverse[k])) % cells
                        drawn[row, column, k] += volume[x, y, z]
                    r += way * step[i, j, 0]
                    c += way * step[i, j, 1]
                    if r < 0 or r >= height:
                        break
                    if c < 0:
                        c += width
