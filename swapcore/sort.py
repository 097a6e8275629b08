"""One person's faces gathered from all clips, compared, put in an order and in groups."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from swapcore import edits, looks
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
    "similarity": True,
}

# score -> words, unit, decimals shown
LABELS: dict[str, tuple[str, str, int]] = {
    "sharpness": ("sharpness", " %", 1),
    "motion_blur": ("motion blur", " %", 0),
    "exposure": ("exposure", " L*", 0),
    "contrast": ("contrast", " L*", 1),
    "redness": ("redness", " a*", 1),
    "warmth": ("warmth", " b*", 1),
    "size": ("size", " px", 0),
    "yaw": ("yaw", "°", 0),
    "pitch": ("pitch", "°", 0),
    "roll": ("roll", "°", 0),
    "mouth_open": ("mouth open", " %", 0),
    "eyes_open": ("eyes open", " %", 0),
    "misalignment": ("misalignment", " %", 0),
    "occlusion": ("occlusion", " %", 0),
    "distance": ("distance", "", 3),
    "similarity": ("similarity", "", 3),
}
YAW_BINS = {  # number of bins -> upper edges, degrees, and what is between them
    3: ((-15, "to the image's left"), (15, "ahead"), (None, "to the image's right")),
    5: (
        *((-45, "far to the image's left"), (-15, "to the image's left"), (15, "ahead")),
        *((45, "to the image's right"), (None, "far to the image's right")),
    ),
}


def gather(clip: str, rows: np.ndarray, *, frames: FrameTable, faces: FaceSet, people: PeopleTable) -> ScoreTable:
    """The faces `rows` (k,) int of a clip's tables, which name the same faces in the same order, as scores.

    The order is that of the clip; `compare` fills in similarity and look, which need all clips.
    """
    if not np.array_equal(faces.id, people.id):
        raise ValueError(f"clip {clip}: faces and people are of different faces")
    mine, duplicates = faces.select(rows), frames.number[frames.duplicate]
    same = [f.name for f in fields(ScoreTable) if f.name in mine.columns()]
    return ScoreTable(
        clip=np.full(len(rows), clip, object),
        **{name: getattr(mine, name) for name in same},
        distance=people.distance[rows],
        similarity=np.zeros(len(rows)),
        look=np.zeros(len(rows)),
        duplicate=np.isin(mine.frame, duplicates),
        damaged=np.isin(mine.frame, frames.number[frames.damaged]),
        order=np.arange(len(rows)),
    )


def compare(scores: ScoreTable, embedding: np.ndarray, *, like: np.ndarray | None, look_distance: float) -> ScoreTable:
    """The same faces with `similarity` and `look`. embedding (n, 128) float, in their order; like: see `similarity`."""
    names = list(zip(scores.clip, scores.track.tolist(), strict=True))
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    track = np.array([numbers[name] for name in names], np.int64)
    found = {
        "similarity": similarity(embedding, like),
        "look": looks.looks(track, embedding, scores, distance=look_distance),
    }
    return ScoreTable(**{**scores.columns(), **found})


def similarity(embedding: np.ndarray, like: np.ndarray | None) -> np.ndarray:
    """1 less the distance of embeddings (n, 128) to `like` (128,), or to their own mean where there is none; (n,) float32.

    1 is the same picture; of two pictures of one person it is above 0.4, of strangers mostly below.
    """
    middle = like if like is not None else embedding.mean(0) if len(embedding) else np.zeros(embedding.shape[1])
    return (1 - np.linalg.norm(embedding.astype(np.float64) - middle, axis=1)).astype(np.float32)


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


def parted(scores: ScoreTable, *, by: str, group: str, bins: int) -> Iterator[tuple[str, np.ndarray]]:
    """Groups of faces as `sort.group` and `sort.bins` ask: (what they are, rows in order). One without a name where neither
    does. Looks and clips in their own order, bins in that of the faces.
    """
    rows = np.argsort(scores.order, kind="stable")
    outer = {"look": scores.look, "clip": scores.clip}.get(group)
    for value in [None] if outer is None else dict.fromkeys(np.sort(outer, kind="stable").tolist()):
        mine = rows if outer is None else rows[outer[rows] == value]
        name = "" if outer is None else f"look {value}" if group == "look" else str(value)
        for label, part in _bins(scores, mine, by, bins) if bins else [("", mine)]:
            yield ", ".join(filter(None, (name, label))), part


def _bins(scores: ScoreTable, rows: np.ndarray, by: str, bins: int) -> Iterator[tuple[str, np.ndarray]]:
    """Rows in their order, parted by about `bins` bins of what they are ordered by; empty ones are left out."""
    if by == "time":
        for k, part in enumerate(np.array_split(rows, bins), 1):
            if len(part):
                yield f"part {k} of {bins}", part
        return
    values = getattr(scores, by).astype(np.float64)
    edges, names = _edges(values[np.isfinite(values)], by, bins)
    place = np.digitize(values[rows], edges)
    for k in range(len(names))[:: -1 if DESCENDING[by] else 1]:
        if (place == k).any():
            yield names[k], rows[place == k]


def _edges(values: np.ndarray, by: str, bins: int) -> tuple[list[float], list[str]]:
    """Edges between bins (k - 1) and what each bin is called (k)."""
    label, unit, _ = LABELS[by]
    if by == "yaw" and bins in YAW_BINS:
        edges = [edge for edge, _ in YAW_BINS[bins] if edge is not None]
        return edges, [
            f"{words} ({span})" for (_, words), span in zip(YAW_BINS[bins], _spans(edges, unit), strict=True)
        ]
    low, high = np.percentile(values, [2, 98]) if len(values) else (0.0, 1.0)  # outliers make no bin wider
    span = max(high - low, 1e-6)
    steps = np.outer(10.0 ** np.arange(np.floor(np.log10(span)) - 2, np.log10(span) + 1), (1, 2, 2.5, 5)).ravel()
    step = steps[np.abs(np.log(span / steps / bins)).argmin()]  # a round one
    edges = np.arange(np.floor(low / step) + 1, np.ceil(high / step)) * step
    edges = [float(np.round(edge, 9)) for edge in edges]
    return edges, [f"{label} {span}" for span in _spans(edges, unit)]


def _spans(edges: list[float], unit: str) -> list[str]:
    if not edges:
        return ["all"]
    inner = [f"{a:g} to {b:g}{unit}" for a, b in itertools.pairwise(edges)]
    return [f"below {edges[0]:g}{unit}", *inner, f"from {edges[-1]:g}{unit} on"]


def caption(scores: ScoreTable, row: int, by: str) -> str:
    """What stands under a face: the value it is ordered by, its id, its clip; a line each."""
    name = f"{scores.id[row]}\n{scores.clip[row]}"
    if by == "time":
        return name
    _, unit, decimals = LABELS[by]
    return f"{getattr(scores, by)[row]:.{decimals}f}{unit}\n{name}"


def words(by: str) -> str:
    """What faces are ordered by, as people say it."""
    return "time" if by == "time" else LABELS[by][0]


def legend(by: str) -> str:
    """What stands under the faces, in a line."""
    return "Under each face: " + ("" if by == "time" else f"{words(by)}, ") + "id, clip"


def lines(scores: ScoreTable, person: str) -> str:
    """A line per face as config/edits/{person}.yaml takes it."""
    head = (
        f"# All faces of {person}, in the order of the sheet. Copy lines into config/edits/{person}.yaml,\n"
        "# under reject:, swap_only:, keep: or identity:\n"
    )
    table = scores.select(np.argsort(scores.order, kind="stable"))
    rows = zip(table.clip, table.id, table.box_xyxy, strict=True)
    return head + "".join(edits.line(*row) for row in rows)
