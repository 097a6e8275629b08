"""Which triangle is seen through which pixel: a z-buffer rasteriser (single thread, compiled)."""

from __future__ import annotations

import numpy as np

from swapcore.studio.compile import compiled
from swapcore.studio.topology import Topology

_EDGE = -1e-6  # barycentric slack, so that neighbours leave no gap
_NO_IDS = np.zeros((0, 0), np.int32)
_NO_WEIGHTS = np.zeros((0, 0, 2), np.float32)


@compiled
def rasterise(x, y, near, triangles, cut, cull, uv, layer, alpha, depth, ids, weights):
    """Draw triangles into `depth`, and where wanted into `ids` and `weights`, in place.

    x, y, near (n,) float64: vertices in pixels and their closeness, which grows towards the viewer and is linear on the
    screen. triangles (t, 3) int32; cut (t,) bool: alpha-tested against alpha[layer] (l, h, w) uint8 at uv (n, 2);
    cull (t,): one-sided. depth (h, w) float64 holds the largest closeness so far; ids (h, w) int32 the triangle seen;
    weights (h, w, 2) float32 its 2nd and 3rd barycentric weight (both with no rows: not wanted).
    """
    height, width = depth.shape
    wanted = weights.shape[0] == height
    alpha_height, alpha_width = alpha.shape[1], alpha.shape[2]
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        xa, ya, xb, yb, xc, yc = x[a], y[a], x[b], y[b], x[c], y[c]
        area = (xb - xa) * (yc - ya) - (xc - xa) * (yb - ya)
        if area > -1e-9 and area < 1e-9:
            continue
        if cull[t] and area > 0:
            continue
        left, right = int(np.ceil(max(min(xa, xb, xc), 0.0))), int(np.floor(min(max(xa, xb, xc), width - 1.0)))
        top, bottom = int(np.ceil(max(min(ya, yb, yc), 0.0))), int(np.floor(min(max(ya, yb, yc), height - 1.0)))
        if right < left or bottom < top:
            continue
        inverse = 1.0 / area
        b_right, b_down, c_right, c_down = (
            (yc - ya) * inverse,
            (xa - xc) * inverse,
            (ya - yb) * inverse,
            (xb - xa) * inverse,
        )
        for row in range(top, bottom + 1):
            wb = (left - xa) * b_right + (row - ya) * b_down - b_right
            wc = (left - xa) * c_right + (row - ya) * c_down - c_right
            for column in range(left, right + 1):
                wb += b_right
                wc += c_right
                wa = 1.0 - wb - wc
                if wa < _EDGE or wb < _EDGE or wc < _EDGE:
                    continue
                closeness = wa * near[a] + wb * near[b] + wc * near[c]
                if closeness <= depth[row, column]:
                    continue
                if cut[t]:
                    u = wa * uv[a, 0] + wb * uv[b, 0] + wc * uv[c, 0]
                    v = wa * uv[a, 1] + wb * uv[b, 1] + wc * uv[c, 1]
                    i, j = min(int(v * alpha_height), alpha_height - 1), min(int(u * alpha_width), alpha_width - 1)
                    if alpha[layer[t], i, j] == 0:
                        continue
                depth[row, column] = closeness
                if wanted:
                    ids[row, column] = t
                    weights[row, column, 0] = wb
                    weights[row, column, 1] = wc


@compiled
def add_openness(x, y, near, facing, depth, bias, seen, total):
    """Add to seen and total (n,) how much of one direction's light reaches each vertex, weighted by its cosine."""
    height, width = depth.shape
    for i in range(x.shape[0]):
        if facing[i] <= 0:
            continue
        total[i] += facing[i]
        column, row = int(x[i] + 0.5), int(y[i] + 0.5)
        if column < 1 or row < 1 or column >= width - 1 or row >= height - 1:
            seen[i] += facing[i]
            continue
        lit = 0.0
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                lit += 1.0 if near[i] + bias > depth[row + dy, column + dx] else 0.0
        seen[i] += facing[i] * lit / 9


def shadow_map(
    points: np.ndarray, topology: Topology, alpha: np.ndarray, light: np.ndarray, *, size: int, span: float
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The scene as a lamp far away in the direction `light` (3,) sees it.

    points (n, 3) mm; `size` pixels cover `span` mm around the origin. Returns depth (size, size) float64 in mm towards
    the lamp, the matrix (3, 3) from mm to pixels off the centre and mm, and where the points are in the map: x, y in
    pixels and mm towards the lamp, (n,) each.
    """
    towards = np.asarray(light, float) / np.linalg.norm(light)
    across = np.cross([0, 1, 0] if abs(towards[1]) < 0.9 else [1, 0, 0], towards)
    across /= np.linalg.norm(across)
    matrix = np.stack([across, -np.cross(towards, across), towards])
    matrix = matrix * np.array([[size / span], [size / span], [1.0]])
    x, y, near = np.ascontiguousarray((points @ matrix.T).T)
    x, y, t = x + size * 0.5, y + size * 0.5, topology
    depth = np.full((size, size), -1e9)
    rasterise(x, y, near, t.triangles, t.cut, t.cull, t.uv, t.layer, alpha, depth, _NO_IDS, _NO_WEIGHTS)
    return depth, matrix, (x, y, near)


def openness(
    points: np.ndarray, normals: np.ndarray, topology: Topology, alpha: np.ndarray, *, directions: int
) -> np.ndarray:
    """How open each vertex is to the sky, (n,) float32 0.05..1: ambient occlusion from that many directions."""
    i = np.arange(directions) + 0.5
    polar = np.arccos(1 - 1.55 * i / directions)  # a Fibonacci sphere, without its foot
    azimuth = np.pi * (1 + 5**0.5) * i
    sky = np.stack([np.cos(azimuth) * np.sin(polar), np.cos(polar), np.sin(azimuth) * np.sin(polar)], -1)
    seen, total = np.zeros(len(points)), np.full(len(points), 1e-6)
    for light in sky:
        depth, _, (x, y, near) = shadow_map(points, topology, alpha, light, size=220, span=340.0)
        add_openness(x, y, near, normals @ light, depth, 3.0, seen, total)
    return np.clip(seen / total, 0.05, 1).astype(np.float32)
