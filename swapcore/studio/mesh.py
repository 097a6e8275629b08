"""Small tools for grids of points and for smooth functions of space.

The studio's space: millimetres, x to the image's right, y up, z towards the camera; y = 0 is the line of the eyes and
x = 0 the middle of the head.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def smooth(x: np.ndarray | float, start: float, end: float) -> np.ndarray:
    """The smoothstep: 0 at `start`, 1 at `end` (which may lie below `start`), flat outside."""
    t = np.clip((x - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def bump(x: np.ndarray, y: np.ndarray, x0: float, y0: float, width: float, height: float) -> np.ndarray:
    """A Gaussian hill of height 1 at (x0, y0): exp(-1) at a distance of `width` or `height`."""
    return np.exp(-(((x - x0) / width) ** 2) - ((y - y0) / height) ** 2)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross product over the last axis (np.cross is several times slower on large grids)."""
    return np.stack(
        [
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ],
        -1,
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1 over the last axis; zero stays zero."""
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) matrix that turns a head: degrees, in the house's signs.

    yaw > 0 looks to the image's right, pitch > 0 up, roll > 0 leans clockwise in the image; pitch is applied first,
    roll last.
    """
    y, x, z = np.deg2rad([yaw, -pitch, -roll])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    lean = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return lean @ turn @ nod


def grid_triangles(rows: int, columns: int, skip_rows: Sequence[int] = ()) -> np.ndarray:
    """(n, 3) int64 triangles of a grid of points counted row by row; no faces below the rows of `skip_rows`."""
    index = np.arange(rows * columns).reshape(rows, columns)
    kept = [r for r in range(rows - 1) if r not in skip_rows]
    a, b = index[:-1, :-1][kept], index[:-1, 1:][kept]
    c, d = index[1:, :-1][kept], index[1:, 1:][kept]
    upper, lower = np.stack([a, c, b], -1), np.stack([b, c, d], -1)
    return np.concatenate([upper.reshape(-1, 3), lower.reshape(-1, 3)])


def grid_uv(rows: int, columns: int) -> np.ndarray:
    """(rows * columns, 2) texture coordinates 0..1 of a grid's points, u along a row."""
    u, v = (np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows
    return np.stack(np.meshgrid(u, v), -1).reshape(-1, 2)


def grid_normals(grid: np.ndarray) -> np.ndarray:
    """Unit normals (rows, columns, 3) of a grid of points, by central differences."""
    return unit(cross(np.gradient(grid, axis=0), np.gradient(grid, axis=1)))


def resample(path: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Points of a polyline (n, k) at the fractional indices `at`, linearly."""
    steps = np.arange(len(path))
    return np.stack([np.interp(at, steps, path[:, k]) for k in range(path.shape[1])], -1)


def tube(path: np.ndarray, radius: np.ndarray | float, sides: int = 10) -> np.ndarray:
    """A tube along a polyline (n, 3) mm with one radius or one per point -> grid (n, sides + 1, 3)."""
    path = np.asarray(path, float)
    along = unit(np.gradient(path, axis=0))
    aside = np.where(np.abs(along[:, 1:2]) > 0.8, [[1.0, 0, 0]], [[0, 1.0, 0]])
    first = unit(np.cross(along, aside))
    second = np.cross(along, first)
    angle = np.linspace(0, 2 * np.pi, sides + 1)[None, :, None]
    reach = np.broadcast_to(np.asarray(radius, float), (len(path),))[:, None, None]
    return path[:, None] + reach * (first[:, None] * np.cos(angle) + second[:, None] * np.sin(angle))
