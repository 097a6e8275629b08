"""The vote: whose face each of a clip's faces is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from swapcore.errors import SwapError
from swapcore.identify.likeness import distance, rows_by, voters
from swapcore.identify.parts import parts
from swapcore.types import FaceSet, PeopleTable

NOBODY = ""  # in memory; null in the file; in edits it is written `nobody`
TURNED = 0.7  # up to this distance a part of a track that is nobody's stays with the person of the track's other part
PASSING = 0.2  # of two parts voted the same person: share of common frames up to which the other loses only those


def vote(
    faces: FaceSet,
    references: Mapping[str, np.ndarray],
    *,
    candidates: Sequence[str],
    refused: Sequence[str] = (),
    decided: Mapping[int, str],
    threshold: float,
    margin: float,
) -> PeopleTable:
    """Whose face each of a clip's faces is: one person for each part of a track (see `parts`), so that identity holds still.

    references: name -> (m, 128) of everybody known; all compete, so that a stranger to the clip who is nearer than every
    candidate leaves a part unknown. Only `candidates`, the people of this clip, are given. A part's distance to a person is
    the median over its VOTERS faces of most merit; the nearest person is taken if that is at most `threshold` and everybody
    else is farther by at least `margin`. Where one of the `refused` is nearest and within `threshold`, the faces are nobody's,
    `by` refused. In one frame a person appears once: of two parts the nearer one keeps the name, the other becomes unknown.

    decided: row of a face -> name or NOBODY, what was decided by hand; it holds for the face's part, before all else. A
    refused name marks the part as refused.

    In the table, `nearest` is who of everybody known is nearest to the part; `distance` is each face's own to its person
    (nobody's: to the nearest); `margin` is by how much everybody else is farther from the part. Raises ValueError for a name
    without references, SwapError where two people were decided for one part.
    """
    names = list(references)
    if missing := {*candidates, *refused, *decided.values()} - {*names, NOBODY}:
        raise ValueError(f"no references of {', '.join(sorted(missing))}")
    label = parts(faces)
    rows_of = rows_by(label)
    # one column more for nobody, infinitely far: an index of -1 is then nobody everywhere
    own = np.full((len(faces), len(names) + 1), np.inf, np.float32)
    for k, name in enumerate(names):
        own[:, k] = distance(faces.embedding, references[name])
    apart = np.array([np.median(own[voters(faces, rows)], axis=0) for rows in rows_of]).reshape(-1, len(names) + 1)
    nobody = len(names)
    best = apart.argmin(1)
    near = apart.min(1) <= threshold
    is_candidate, is_refused = (np.isin([*names, NOBODY], list(group)) for group in (candidates, refused))
    given = np.where(near & is_candidate[best] & (_gap(apart, best) >= margin), best, nobody)
    by = np.where(near & is_refused[best], "refused", "vote").astype(object)
    about = best.copy()  # whom `margin` is about
    for part, name in _by_hand(faces, label, decided).items():
        about[part] = names.index(name) if name else best[part]
        given[part] = nobody if name in refused or not name else about[part]
        by[part] = "refused" if name in refused else "edit"
        if name in refused:
            best[part] = about[part]
    _rejoin(given, by, apart, np.array([faces.track[rows[0]] for rows in rows_of]), nobody)
    whose = _once(given, by, apart, faces.frame, rows_of, nobody)
    called = np.array([*names, NOBODY], object)
    return PeopleTable(
        id=faces.id,
        frame=faces.frame,
        track=faces.track,
        person=called[whose],
        nearest=called[best][label],
        distance=own[np.arange(len(faces)), np.where(whose == nobody, best[label], whose)],
        margin=_gap(apart, about)[label],
        by=by[label],
    )


def _gap(apart: np.ndarray, about: np.ndarray) -> np.ndarray:
    """By how much everybody else is farther from each part (p, people) than one of them (p,) is; inf: there is nobody else."""
    rows, others = np.arange(len(apart)), apart.copy()
    others[rows, about] = np.inf
    nearest = others.min(1)
    return nearest - np.where(np.isinf(nearest), 0, apart[rows, about])


def _by_hand(faces: FaceSet, label: np.ndarray, decided: Mapping[int, str]) -> dict[int, str]:
    """Part -> name."""
    hand: dict[int, str] = {}
    for row, name in decided.items():
        if (other := hand.setdefault(int(label[row]), name)) != name:
            both = f"{name or 'nobody'} and, by another of its faces, {other or 'nobody'}"
            raise SwapError(f"face {faces.id[row]}: its track was decided to be {both}; keep one of the two lines")
    return hand


def _rejoin(given: np.ndarray, by: np.ndarray, apart: np.ndarray, tracks: np.ndarray, nobody: int) -> None:
    """Give a track's other parts to the one person voted for in it, where they are nobody's and not far from that person.

    A face that was turned away or hidden for a while is no other person.
    """
    for mine in (rows for rows in rows_by(tracks) if len(rows) > 1):
        people = set(given[mine].tolist()) - {nobody}
        if len(people) == 1:
            (who,) = people
            same = (given[mine] == nobody) & (by[mine] == "vote") & (apart[mine].argmin(1) == who)
            given[mine[same & (apart[mine, who] <= TURNED)]] = who


def _once(
    given: np.ndarray, by: np.ndarray, apart: np.ndarray, frame: np.ndarray, rows_of: list[np.ndarray], nobody: int
) -> np.ndarray:
    """Whose each face is, (n,) int: what its part was given, but a person once in a frame, unless decided by hand."""
    whose = np.full(len(frame), nobody)
    taken: dict[int, set[int]] = {}
    order = np.lexsort((apart[np.arange(len(apart)), given], by != "edit"))
    for part in order[given[order] != nobody]:
        who, rows = int(given[part]), rows_of[part]
        seen = taken.setdefault(who, set())
        free = np.array([by[part] == "edit" or number not in seen for number in frame[rows].tolist()])
        if free.mean() >= 1 - PASSING:  # two looks of one person in a dissolve share a few frames, two people many
            whose[rows[free]] = who
            seen.update(frame[rows[free]].tolist())
    return whose
