"""The triangles of an actor: parts with their surface and label, in one list; positions are filled in per frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swapcore.studio.labels import Part, Surface
from swapcore.studio.mesh import grid_triangles, grid_uv


@dataclass(frozen=True)
class Piece:
    """A grid of points with one surface."""

    name: str
    rows: int
    columns: int
    surface: Surface
    label: Part  # of its pixels; the head's come from the painted skin instead
    layer: int = 0  # which alpha picture cuts it
    one_sided: bool = False
    slits: tuple[int, ...] = ()  # rows below which there are no triangles


@dataclass(frozen=True, eq=False)
class Topology:
    """Triangles of all pieces. n vertices, t triangles."""

    pieces: dict[str, slice]  # vertices of each piece
    triangles: np.ndarray  # (t, 3) int32
    surface: np.ndarray  # (t,) uint8 of Surface
    label: np.ndarray  # (t,) uint8 of Part
    layer: np.ndarray  # (t,) uint8
    cull: np.ndarray  # (t,) uint8, 1: one-sided
    cut: np.ndarray  # (t,) bool: alpha-tested
    uv: np.ndarray  # (n, 2) float32 0..1

    def __len__(self) -> int:
        return len(self.uv)

    def extended(self, pieces: Sequence[Piece]) -> Topology:
        """With more pieces behind these."""
        more = assemble(pieces, first=len(self))
        joined = {
            name: np.concatenate([getattr(self, name), getattr(more, name)])
            for name in ("triangles", "surface", "label", "layer", "cull", "cut", "uv")
        }
        return Topology(pieces=self.pieces | more.pieces, **joined)


def assemble(pieces: Sequence[Piece], first: int = 0) -> Topology:
    """Number the vertices of the pieces from `first` on, in their order."""
    slices, triangles = {}, []
    count = first
    for piece in pieces:
        triangles.append(grid_triangles(piece.rows, piece.columns, piece.slits) + count)
        slices[piece.name] = slice(count, count + piece.rows * piece.columns)
        count += piece.rows * piece.columns
    sizes = [len(t) for t in triangles]

    def each(values: list[int]) -> np.ndarray:
        return np.repeat(np.array(values, np.uint8), sizes)

    surface = each([int(p.surface) for p in pieces])
    return Topology(
        pieces=slices,
        triangles=np.concatenate(triangles).astype(np.int32),
        surface=surface,
        label=each([int(p.label) for p in pieces]),
        layer=each([p.layer for p in pieces]),
        cull=each([int(p.one_sided) for p in pieces]),
        cut=surface == Surface.HAIR,
        uv=np.concatenate([grid_uv(p.rows, p.columns) for p in pieces]).astype(np.float32),
    )
