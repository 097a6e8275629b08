"""Who is it: what is known of a person, and the vote of a track."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from swapcore.errors import SwapError
from swapcore.types import FaceSet, PeopleTable

NEAREST = 3  # a face is as far from a person as the mean of this many of the references nearest to it
VOTERS = 15  # of each track, its sharpest and most frontal faces
UNLIKE = 0.6  # a photo whose median distance to the others is larger may show somebody else
ALIKE = 0.5  # two faces of one clip within this distance are taken for one person


def distance(embeddings: np.ndarray, references: np.ndarray) -> np.ndarray:
    """How far faces (n, 128) are from a person known by references (m, 128): (n,) float32, dlib's unit.

    The mean distance of the NEAREST references nearest to each face: a profile need not resemble a front view. Raises
    ValueError where there are no references.
    """
    if not len(references):
        raise ValueError("expected at least one reference")
    apart = _apart(embeddings, references)
    return np.sort(apart, axis=1)[:, :NEAREST].mean(1).astype(np.float32)


def _apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances of (n, d) and (m, d): (n, m) float64."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0))


def merit(faces: FaceSet) -> np.ndarray:
    """How much each face says about who it is, (n,) int, comparable within one call alone: more is better.

    The face's place in the order of sharpness plus that in the order of facing the camera; equal faces share a place.
    """
    frontal = -(np.abs(faces.yaw) + np.abs(faces.pitch))
    return sum(np.unique(value, return_inverse=True)[1] for value in (faces.sharpness, frontal))


def vote(
    faces: FaceSet,
    references: dict[str, np.ndarray],
    *,
    candidates: Sequence[str],
    decided: dict[int, str],
    threshold: float,
    margin: float,
) -> PeopleTable:
    """Whose face each of a clip's faces is: one person for each track, so that identity does not change within it.

    references: name -> (m, 128) of everybody known; all compete, so that a stranger to the clip who is nearer than every
    candidate leaves a track unknown. Only `candidates`, the people of this clip, are given. A track's distance to a person
    is the median over its VOTERS faces of most merit; the nearest candidate is taken if that is at most `threshold` and
    everybody else is farther by at least `margin`.

    decided: row of a face -> name, what was decided by hand; it holds for the face's whole track.

    In the table, `distance` is each face's own to its person (unknown: to the nearest candidate), `margin` its track's.
    Raises ValueError for a name without references, SwapError where two people were decided for one track.
    """
    names = list(references)
    if missing := {*candidates, *decided.values()} - set(names):
        raise ValueError(f"no references of {', '.join(sorted(missing))}")
    by_hand: dict[int, str] = {}
    for row, name in decided.items():
        track = int(faces.track[row])
        if by_hand.setdefault(track, name) != name:
            raise SwapError(
                f"face {faces.id[row]}: its track was decided to be {name} and, by another of its faces, "
                f"{by_hand[track]}; keep one of the two lines"
            )
    own = np.stack([distance(faces.embedding, references[name]) for name in names], 1)
    person, by = np.full(len(faces), "", object), np.full(len(faces), "vote", object)
    shown, gap = np.zeros(len(faces), np.float32), np.zeros(len(faces), np.float32)
    allowed = [names.index(name) for name in dict.fromkeys(candidates)]
    for track in np.unique(faces.track):
        rows = np.flatnonzero(faces.track == track)
        voters = rows[np.argsort(-merit(faces.select(rows)), kind="stable")[:VOTERS]]
        apart = np.median(own[voters], axis=0)
        hand = by_hand.get(int(track))
        best = names.index(hand) if hand else min(allowed, key=lambda k: apart[k])
        gap[rows] = np.delete(apart, best).min(initial=np.inf) - apart[best]
        shown[rows] = own[rows, best]
        if hand:
            by[rows] = "edit"
        if hand or (apart[best] <= threshold and gap[rows[0]] >= margin):
            person[rows] = names[best]
    return PeopleTable(
        id=faces.id, frame=faces.frame, track=faces.track, person=person, distance=shown, margin=gap, by=by
    )


def dominant(faces: FaceSet, *, max_faces: int) -> np.ndarray:
    """Rows of the faces that show the person whom most of these faces show, at most `max_faces`, spread over their order.

    For clips in which a person is alone: what the detector took for a face, or somebody who passes by, is left out. The
    person is the face with the most others within ALIKE of its embedding, with those others; from each stretch of them the
    face of most merit is taken. Raises ValueError where there are no faces.
    """
    if not len(faces):
        raise ValueError("expected faces, got none")
    some = np.unique(np.linspace(0, len(faces) - 1, min(len(faces), 1000)).round().astype(int))  # to choose the middle
    near = _apart(faces.embedding[some], faces.embedding) <= ALIKE
    rows = np.flatnonzero(near[near.sum(1).argmax()])
    worth = merit(faces.select(rows))
    parts = np.array_split(np.arange(len(rows)), min(max_faces, len(rows)))
    return rows[[part[worth[part].argmax()] for part in parts]]


def odd_one(embeddings: np.ndarray) -> int | None:
    """Of photos (n, 128) said to show one person, the row of the one least like the others, if it is another person.

    Its median distance to the others is over UNLIKE; None where all are alike or there are fewer than three.
    """
    if len(embeddings) < 3:
        return None
    apart = _apart(embeddings, embeddings)
    middle = np.array([np.median(np.delete(row, k)) for k, row in enumerate(apart)])
    return int(middle.argmax()) if middle.max() > UNLIKE else None
