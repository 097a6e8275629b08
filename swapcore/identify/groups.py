"""Who might it be, where nobody is known: parts of tracks that look like one person."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from swapcore.identify.likeness import apart, merit, rows_by, voters
from swapcore.identify.parts import parts
from swapcore.identify.votes import NOBODY
from swapcore.types import FaceSet, PeopleTable

MOST = 4000  # parts that are grouped, those of most faces; time and memory grow with the square


class Proposal(NamedTuple):
    """Faces that nobody was found for, and that look like one person."""

    number: int  # 1: the most faces
    rows: np.ndarray  # (k,) int, of the clip's faces, ascending
    heads: np.ndarray  # (parts,) int, a row of each part, the face of most merit: naming these names them all
    tracks: list[int]
    nearest: str  # whom of everybody known most of them are nearest to; "" where nobody is known
    distance: float  # median of those faces to that person


def proposals(faces: FaceSet, people: PeopleTable, *, threshold: float) -> tuple[list[Proposal], int]:
    """Groups (see `group`) of a clip's unknown faces, those of most faces first, and how many faces are in none.

    Faces that were decided by hand to be nobody's, or are of a refused person, are not unknown. Raises ValueError where the
    two tables are of different faces.
    """
    if not np.array_equal(faces.id, people.id):
        raise ValueError("faces and people are of different faces")
    unknown = np.flatnonzero((people.person == NOBODY) & (people.by == "vote"))
    some = faces.select(unknown)
    number, label, found = group(some, threshold=threshold), parts(some), []
    for mine in rows_by(number):
        if number[mine[0]] == 0:
            continue
        heads = [part[merit(some.select(part)).argmax()] for part in (mine[k] for k in rows_by(label[mine]))]
        names, counts = np.unique(people.nearest[unknown[mine]].astype(str), return_counts=True)
        nearest = str(names[counts.argmax()])
        far = people.distance[unknown[mine]][people.nearest[unknown[mine]] == nearest]
        tracks = np.unique(some.track[mine]).tolist()
        rows = unknown[mine]
        found.append(Proposal(int(number[mine[0]]), rows, unknown[heads], tracks, nearest, float(np.median(far))))
    return found, int((number == 0).sum())


def group(faces: FaceSet, *, threshold: float) -> np.ndarray:
    """The group of each face, (n,) int64, numbered from 1 with the most faces first; 0: its part is one of too many.

    The faces of one part (see `parts`) stay together. Average linkage over the mean embeddings of the parts' VOTERS, weighted
    by how many these are, up to a mean distance of `threshold`; parts that are in one frame together are never one person.
    Linked along chains of nearest neighbours (Benzecri 1982; Murtagh 1983), which gives what joining the nearest pair again
    and again would, in quadratic time.
    """
    label = parts(faces)
    rows_of = rows_by(label)
    largest = np.sort(np.argsort([-len(rows) for rows in rows_of], kind="stable")[:MOST])
    chosen = [voters(faces, rows_of[part]) for part in largest]
    means = np.array([faces.embedding[rows].mean(0, dtype=np.float64) for rows in chosen]).reshape(-1, 128)
    far = apart(means, means).astype(np.float32)
    place = np.full(len(rows_of), -1)
    place[largest] = np.arange(len(largest))
    for together in rows_by(faces.frame):
        for a, b in combinations(sorted(set(place[label[together]].tolist()) - {-1}), 2):
            far[a, b] = far[b, a] = np.inf
    joined = _linked(far, np.array([len(rows) for rows in chosen], np.float64), threshold)
    sizes = [sum(len(rows_of[largest[k]]) for k in members) for members in joined]
    number = np.zeros(len(rows_of), np.int64)
    for rank, k in enumerate(sorted(range(len(joined)), key=lambda k: (-sizes[k], joined[k][0])), 1):
        number[largest[joined[k]]] = rank
    return number[label]


def _linked(far: np.ndarray, weights: np.ndarray, threshold: float) -> list[list[int]]:
    """Groups of the rows of a symmetric matrix of distances (n, n), which is changed; each group ascending."""
    np.fill_diagonal(far, np.inf)
    members = [[k] for k in range(len(far))]
    open_ = set(range(len(far)))
    done, chain = [], []
    while open_:
        top = chain[-1] if chain else min(open_)
        chain = chain or [top]
        nearest = int(far[top].argmin())
        before = chain[-2] if len(chain) > 1 else nearest
        if far[top, before] <= far[top, nearest]:
            nearest = before
        if not far[top, nearest] <= threshold:
            chain.pop()
            open_.remove(top)
            far[top] = far[:, top] = np.inf
            done.append(sorted(members[top]))
        elif nearest == before and len(chain) > 1:
            del chain[-2:]
            total = weights[top] + weights[nearest]
            far[top] = (weights[top] * far[top] + weights[nearest] * far[nearest]) / total
            far[:, top] = far[top]
            far[top, top] = np.inf
            far[nearest] = far[:, nearest] = np.inf
            weights[top], members[top] = total, members[top] + members[nearest]
            open_.remove(nearest)
        else:
            chain.append(nearest)
    return done
