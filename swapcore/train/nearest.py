"""Warp to landmarks: a face bent into the expression and shape of a face of the other person that is like it.

A decoder that has only seen its own person's shape straightened from random bends has to guess what it makes of the other's;
here the input has the other's landmarks, and the truth is the person as he is. The bend is given on a coarse grid, smooth, in
the space of the cached face, so it costs a step little.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from swapcore.distances import squares

ALIKE = 10  # nearest faces of the other person, one of which is drawn
AT_ONCE = 512  # faces that are compared with all others at once
GRID = 12  # points of the bend, each way, over the whole cached face
REACH = 0.18  # of a landmark's pull, half sides of the view: neighbours overlap, so the bend is smooth
REST = 0.05  # pull of standing still, against the sum of the landmarks' pulls: the background stays where it is


def alike(own: np.ndarray, others: np.ndarray, *, without: Sequence[int] = ()) -> np.ndarray:
    """Of each face the ALIKE others whose landmarks lie nearest, (n, up to ALIKE) int64, nearest first.

    own (n, 68, 2) and others (m, 68, 2): landmarks in one space, such as that of aligned crops. without: others that do not
    count.
    """
    kept = np.setdiff1d(np.arange(len(others)), without)
    others = others[kept]
    own, others = (np.reshape(points, (len(points), -1)).astype(np.float64) for points in (own, others))
    parts = np.array_split(own, max(len(own) // AT_ONCE, 1))
    return kept[np.concatenate([np.argsort(squares(part, others), axis=1, kind="stable")[:, :ALIKE] for part in parts])]


def drawn(
    pictures: tuple[np.ndarray, np.ndarray],
    kin: tuple[np.ndarray, np.ndarray],
    rows: np.ndarray,
    *,
    first: int,
    seed: int,
    side: int,
    view: float,
) -> np.ndarray:
    """The bends of some steps' faces, (steps, 2n, GRID, GRID, 2) float32, see `bends`.

    pictures: landmarks (., 68, 2) of source and target; kin: `alike` of either. rows: (steps, 2n) rows of the source's faces and
    then of the target's, see batches.picked. What is drawn depends on the step's number and the seed alone.
    """
    count = rows.shape[1] // 2
    found = []
    for number, row in enumerate(rows, first):
        chance = np.random.default_rng([seed, number, 1])
        for own, other, near, mine in zip(pictures, pictures[::-1], kin, np.split(row, 2), strict=True):
            theirs = near[mine, chance.integers(near.shape[1], size=count)]
            found.append(bends(own[mine], other[theirs], side=side, view=view))
    return np.concatenate(found).reshape(len(rows), 2 * count, GRID, GRID, 2)


def bends(own: np.ndarray, wanted: np.ndarray, *, side: int, view: float) -> np.ndarray:
    """Where to look in a cached face to see it with other landmarks: shifts (n, GRID, GRID, 2) float32, half sides of the view.

    own, wanted: (n, 68, 2) pixels of the cached face, whose side is `side`; view: the share of it that the model sees. Near a
    wanted landmark the shift leads to the own one: weighted means with Gaussian weights (Shepard 1968).
    """
    scale = np.float32(2 / (view * side))
    to, at = ((points.astype(np.float32) - np.float32((side - 1) / 2)) * scale for points in (own, wanted))
    line = np.linspace(-1, 1, GRID, dtype=np.float32) / np.float32(view)
    across, down = (
        np.exp(-(((line[None, :, None] - at[:, None, :, k]) / REACH) ** 2)) for k in (0, 1)
    )  # (n, GRID, 68)
    shift = (to - at)[:, None]
    # a landmark's weight is the product of both, so sums over the landmarks are products of matrices
    found = [down @ (across * part).transpose(0, 2, 1) for part in (1.0, shift[..., 0], shift[..., 1])]
    return np.stack(found[1:], -1) / (found[0] + REST)[..., None]
