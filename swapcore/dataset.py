"""The faces that training sees: chosen evenly over the poses, with a digest and a summary of what they cover."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from swapcore.errors import SwapError
from swapcore.types import DatasetTable, DecisionTable, ScoreTable

YAW_EDGES = np.arange(-90, 91, 15)  # degrees
PITCH_EDGES = np.arange(-60, 61, 15)


def thin(yaw: np.ndarray, pitch: np.ndarray, *, most: int) -> np.ndarray:
    """Rows to keep, ascending, at most `most`: rare poses whole, frequent ones thinned evenly.

    yaw and pitch (n,) float, degrees. The faces of each cell of a 15 degree grid are taken in turn, spread over their order,
    until there are enough; the same input gives the same choice.
    """
    if len(yaw) <= most:
        return np.arange(len(yaw))
    cell = np.digitize(yaw, YAW_EDGES) * 100 + np.digitize(pitch, PITCH_EDGES)
    turn = np.empty(len(yaw), np.int64)  # which turn of its cell takes a face
    for name in np.unique(cell):
        rows = np.flatnonzero(cell == name)
        turn[rows[_spread(len(rows))]] = np.arange(len(rows))
    return np.sort(np.lexsort((np.arange(len(yaw)), turn))[:most])


def _spread(count: int) -> np.ndarray:
    """0..count-1 so that every beginning of it is spread evenly (van der Corput, base 2)."""
    bits = max(int(count - 1).bit_length(), 1)
    order = [int(f"{i:0{bits}b}"[::-1], 2) for i in range(1 << bits)]
    return np.array([i for i in order if i < count])


def build(
    scores: ScoreTable, decisions: DecisionTable, *, most: int, digest_of: Callable[[str, str], str]
) -> DatasetTable:
    """The dataset of one person, ordered by clip and id.

    `digest_of(clip, id)` gives the sha256 of a face's PNG. Scores and decisions name the same faces in the same order.
    """
    if not (np.array_equal(scores.clip, decisions.clip) and np.array_equal(scores.id, decisions.id)):
        raise ValueError("scores and decisions are of different faces")
    chosen = scores.select(decisions.use_train)
    order = np.lexsort((chosen.id.astype(str), chosen.clip.astype(str)))
    chosen = chosen.select(order)
    chosen = chosen.select(thin(chosen.yaw, chosen.pitch, most=most))
    digests = np.array([digest_of(c, i) for c, i in zip(chosen.clip, chosen.id, strict=True)], object)
    return DatasetTable(clip=chosen.clip, id=chosen.id, digest=digests, yaw=chosen.yaw, pitch=chosen.pitch)


def one_geometry(found: Mapping[tuple[int, str, float], Mapping[str, int]], *, person: str) -> tuple[int, str, float]:
    """The size, centring and span that all of a person's crops have; `found` is those -> clip -> number of faces.

    Raises SwapError, which names the clips, where there are several: a model cannot learn from crops of two shapes.
    """
    usual = max(found, key=lambda geometry: sum(found[geometry].values()))
    if len(found) > 1:
        said = "; ".join(f"{s} px {c}, span {w:g} in {', '.join(sorted(found[s, c, w]))}" for s, c, w in sorted(found))
        clips = sorted({clip for geometry in found for clip in found[geometry] if geometry != usual})
        raise SwapError(
            f"person {person}: expected crops of one size and centring, found {said}; delete the faces.zip of "
            f"{', '.join(clips)} and run snakemake again"
        )
    return usual


def digest(table: DatasetTable) -> str:
    """sha256 over all faces, by name and content; neither time nor order nor any path changes it."""
    lines = sorted(f"{c}\t{i}\t{d}\n" for c, i, d in zip(table.clip, table.id, table.digest, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def coverage(table: DatasetTable) -> dict[str, Any]:
    """Faces per 15 degree cell of yaw (rows) and pitch (columns), beyond the ends counted in the last cell."""
    yaw = np.clip(table.yaw, YAW_EDGES[0], YAW_EDGES[-1])
    pitch = np.clip(table.pitch, PITCH_EDGES[0], PITCH_EDGES[-1])
    cells = np.histogram2d(yaw, pitch, bins=(YAW_EDGES, PITCH_EDGES))[0].astype(int)
    return {"yaw_edges": YAW_EDGES.tolist(), "pitch_edges": PITCH_EDGES.tolist(), "faces": cells.tolist()}


def in_words(table: DatasetTable) -> str:
    """One plain sentence about the directions that are there."""
    if not len(table):
        return "no faces"
    low, high = np.percentile(table.yaw, [2, 98])
    side = np.array([(table.yaw < -15).mean(), (np.abs(table.yaw) <= 15).mean(), (table.yaw > 15).mean()]) * 100
    return (
        f"{len(table)} faces, yaw {low:+.0f} to {high:+.0f} degrees: "
        f"{side[0]:.0f} % look to the image's left, {side[1]:.0f} % ahead, {side[2]:.0f} % to the right"
    )
