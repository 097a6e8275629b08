"""One person's faces gathered from all clips and put in an order."""

from __future__ import annotations

import json
from dataclasses import fields

import numpy as np

from swapcore.types import FaceSet, FrameTable, PeopleTable, ScoreTable

# sort.by -> largest first; a sheet begins with what is best, or with the smallest where nothing is best
DESCENDING = {
    "time": False,
    "sharpness": True,
    "motion_blur": False,
    "exposure": False,
    "contrast": True,
    "redness": False,
    "warmth": False,
    "size": True,
    "yaw": False,
    "pitch": False,
    "roll": False,
    "mouth_open": False,
    "eyes_open": True,
    "misalignment": False,
    "occlusion": False,
    "distance": False,
}


def gather(clip: str, rows: np.ndarray, *, frames: FrameTable, faces: FaceSet, people: PeopleTable) -> ScoreTable:
    """The faces `rows` (k,) int of a clip's tables, which name the same faces in the same order, as scores.

    The order is that of the clip.
    """
    if not np.array_equal(faces.id, people.id):
        raise ValueError(f"clip {clip}: faces and people are of different faces")
    mine, duplicates = faces.select(rows), frames.number[frames.duplicate]
    same = [f.name for f in fields(ScoreTable) if f.name in mine.columns()]
    return ScoreTable(
        clip=np.full(len(rows), clip, object),
        **{name: getattr(mine, name) for name in same},
        distance=people.distance[rows],
        duplicate=np.isin(mine.frame, duplicates),
        order=np.arange(len(rows)),
    )


def order(scores: ScoreTable, *, by: str) -> ScoreTable:
    """The same rows, with `order` set to their rank by one of DESCENDING; ties stand as clip and frame do."""
    if by == "time":
        rank = np.arange(len(scores))
    else:
        value = getattr(scores, by) * (-1 if DESCENDING[by] else 1)
        rank = np.empty(len(scores), np.int64)
        rank[np.argsort(value, kind="stable")] = np.arange(len(scores))
    return ScoreTable(**{**scores.columns(), "order": rank})


def spread_rows(order: np.ndarray, most: int) -> np.ndarray:
    """Rows of at most `most` faces, evenly over their order (n,), in that order."""
    rows = np.argsort(order, kind="stable")
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))]


def spread(scores: ScoreTable, most: int) -> ScoreTable:
    """At most `most` faces, evenly over their order, in that order."""
    return scores.select(spread_rows(scores.order, most))


def caption(scores: ScoreTable, row: int, by: str) -> str:
    """What stands under a face: its id, its clip, and the value it is ordered by."""
    value = "" if by == "time" else f" {getattr(scores, by)[row]:.3g}"
    return f"{scores.id[row]}{value}\n{scores.clip[row]}"


def lines(scores: ScoreTable, person: str) -> str:
    """A line per face as config/edits/{person}.yaml takes it."""
    head = (
        f"# All faces of {person}, in the order of the sheet. Copy lines into config/edits/{person}.yaml,\n"
        "# under reject:, swap_only:, keep: or identity:\n"
    )
    table = scores.select(np.argsort(scores.order, kind="stable"))
    rows = zip(table.clip, table.id, table.box_xyxy.round().astype(int).tolist(), strict=True)
    return head + "".join(
        f"- {{clip: {clip}, face: {json.dumps(name, ensure_ascii=False)}, box: {box}}}\n" for clip, name, box in rows
    )
