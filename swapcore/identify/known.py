"""What is known of a person: faces chosen from clips, and the right face of a photo that shows several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from swapcore.identify.likeness import apart, distance, merit
from swapcore.types import FaceSet

UNLIKE = 0.6  # a photo whose median distance to the others is larger may show somebody else
ALIKE = 0.5  # two faces of one clip within this distance are taken for one person
CLEARLY = 0.1  # of several faces in a photo the right one is nearer to the other photos by at least this


def spread(faces: FaceSet, rows: np.ndarray, *, max_faces: int) -> np.ndarray:
    """At most `max_faces` of the rows (k,), spread over their order: from each stretch the face of most merit."""
    worth = merit(faces.select(rows))
    stretches = np.array_split(np.arange(len(rows)), max(min(max_faces, len(rows)), 1))
    return rows[[stretch[worth[stretch].argmax()] for stretch in stretches if len(stretch)]]


def dominant(faces: FaceSet, *, max_faces: int) -> np.ndarray:
    """Rows of the faces that show the person whom most of these faces show, at most `max_faces`, spread over their order.

    For clips in which a person is alone: what the detector took for a face, or somebody who passes by, is left out. The
    person is the face with the most others within ALIKE of its embedding, with those others. Raises ValueError where there
    are no faces.
    """
    if not len(faces):
        raise ValueError("expected faces, got none")
    some = np.unique(np.linspace(0, len(faces) - 1, min(len(faces), 1000)).round().astype(int))  # to choose the middle
    near = apart(faces.embedding[some], faces.embedding) <= ALIKE
    return spread(faces, np.flatnonzero(near[near.sum(1).argmax()]), max_faces=max_faces)


def same_in_all(photos: Sequence[np.ndarray]) -> list[int | None]:
    """Of the faces (k >= 1, 128) of each photo of one person, which is that person's; None where that cannot be told.

    A photo with one face says who is meant, as does one that was decided so. Where all have several, the face is meant that
    has one like it in every other photo. It must be within UNLIKE of those (the mean of the nearest), and every other face of
    its photo farther by CLEARLY.
    """
    chosen: list[int | None] = [0 if len(faces) == 1 else None for faces in photos]
    known = [faces for faces in photos if len(faces) == 1]
    if not known and len(photos) > 1:
        for k, faces in enumerate(photos):
            others = [apart(faces, other).min(1) for j, other in enumerate(photos) if j != k]
            chosen[k] = _clear(np.mean(others, axis=0))
        return chosen
    while known:
        undecided = [k for k, row in enumerate(chosen) if row is None]
        found = {k: row for k in undecided if (row := _clear(distance(photos[k], np.concatenate(known)))) is not None}
        if not found:
            break
        for k, row in found.items():
            chosen[k] = row
            known.append(photos[k][row : row + 1])
    return chosen


def _clear(far: np.ndarray) -> int | None:
    """The row of the smallest of (k,) distances, if it is within UNLIKE and the next is farther by CLEARLY."""
    order = np.argsort(far, kind="stable")
    clear = far[order[0]] <= UNLIKE and far[order[1]] - far[order[0]] >= CLEARLY
    return int(order[0]) if clear else None


def odd_one(embeddings: np.ndarray) -> int | None:
    """Of photos (n, 128) said to show one person, the row of the one least like the others, if it is another person.

    Its median distance to the others is over UNLIKE; None where all are alike or there are fewer than three.
    """
    if len(embeddings) < 3:
        return None
    far = apart(embeddings, embeddings)
    middle = np.array([np.median(np.delete(row, k)) for k, row in enumerate(far)])
    return int(middle.argmax()) if middle.max() > UNLIKE else None
