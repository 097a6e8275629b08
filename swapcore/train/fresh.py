"""Faces that came in while a training was under way: drawn more often than those that it has long seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LETTERS = 8  # of a face's digest that its name here has: two of 10,000 faces share one by a chance of 1 in 86
MOST = 0.5  # of a person's faces in a step


class Fresh(NamedTuple):
    """The new faces of a person's dataset."""

    rows: np.ndarray  # (k,) int64, ascending
    share: float  # of the person's faces in a step that are drawn from these

    def times(self, count: int) -> float:
        """How many times as often as another one a new face is drawn, of `count` faces."""
        return self.share / len(self.rows) * (count - len(self.rows)) / (1 - self.share)


def names(digests: Sequence[str]) -> str:
    """The faces of a dataset, short enough to be kept with a state: LETTERS of each digest, sorted, one after the other."""
    return "".join(sorted({digest[:LETTERS] for digest in digests}))


def both(one: str, other: str) -> str:
    """The faces of two datasets."""
    return names([*_each(one), *_each(other)])


def less(one: str, other: str) -> str:
    """The faces of a dataset that are not in another."""
    gone = set(_each(other))
    return names([name for name in _each(one) if name not in gone])


def among(digests: Sequence[str], some: str) -> np.ndarray:
    """Which faces of a dataset are among some, (n,) bool."""
    there = set(_each(some))
    return np.array([digest[:LETTERS] in there for digest in digests], bool)


def fresh(digests: Sequence[str], seen: str, *, trained: float, ahead: float) -> Fresh | None:
    """The faces that are not among those `seen` (see `names`), and how often to draw them; None where all are or none was seen.

    trained, ahead: how long training was and will be, in one unit. As often as lets a new face catch up by the end: one that is
    old has been seen for `trained` and will be for `ahead`, so a new one is drawn 1 + trained / ahead times as often; but the new
    ones make up no more than MOST of the faces, for the old ones are not to be forgotten.
    """
    rows = np.flatnonzero(~among(digests, seen))
    old = len(digests) - len(rows)
    if not seen or not len(rows) or not old:
        return None
    parts = (1 + trained / ahead) * len(rows)
    plain = len(rows) / len(digests)  # were all drawn alike
    return Fresh(rows, max(min(parts / (parts + old), MOST), plain))


def _each(text: str) -> list[str]:
    return [text[k : k + LETTERS] for k in range(0, len(text), LETTERS)]
