"""A person's faces as one HTML file: look, sort, filter, choose by clicking, and copy the edits. It needs no network.

The file holds everything: thumbnails as JPEG sheets, scores and decisions as JSON, its own style and script (faces.html,
faces.css, and three scripts beside this module). Names from outside reach it as JSON alone, and the script shows them as text.
"""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from typing import Any

import cv2
import numpy as np

from swapcore import quality, store
from swapcore.edits import LISTS, Edits
from swapcore.sort import DESCENDING, LABELS
from swapcore.types import DecisionTable, ScoreTable

FACES = 3000  # on a page; more are thinned out
COLUMNS, ROWS = 16, 16  # of thumbnails on a sheet
SIDES = tuple(range(96, 193, 16))  # pixels a thumbnail; whole blocks of JPEG, so that none shows its neighbours
BYTES = 8_000_000  # that all sheets together may have, before base64 makes them a third larger
PER_PIXEL = 0.30  # bytes that a pixel of a face takes as JPEG, measured 0.15 to 0.21

ABOUT = {
    "distance": "How far the face's embedding lies from the person's references; one person is below about 0.6.",
    "similarity": "1 less the distance to the face named by sort.like, or else to the mean of all; one person is above 0.4.",
}


def chosen(scores: ScoreTable, edits: Edits, *, most: int = FACES) -> np.ndarray:
    """Rows of the faces that a page shows: at most `most`, evenly over their order, those decided by hand before all others.

    Ascending by clip and frame as the table is.
    """
    named = {(entry.clip, entry.face) for name in LISTS for entry in getattr(edits, name)}
    by_hand = np.array([pair in named for pair in zip(scores.clip, scores.id, strict=True)], bool)
    first, rest = (np.flatnonzero(mask)[np.argsort(scores.order[mask], kind="stable")] for mask in (by_hand, ~by_hand))
    first = first[:most]
    left = min(most - len(first), len(rest))
    rest = rest[np.linspace(0, len(rest) - 1, left).round().astype(int)] if left else rest[:0]
    return np.sort(np.concatenate([first, rest]))


def side(count: int) -> int:
    """How large the thumbnails of so many faces may be, pixels."""
    fit = [side for side in SIDES if count * side * side * PER_PIXEL <= BYTES]
    return max(fit, default=SIDES[0])


def sheets(crops_bgr: Iterable[np.ndarray], side: int) -> Iterator[bytes]:
    """Crops (any size, uint8 BGR) as JPEG sheets of COLUMNS x ROWS thumbnails, `side` pixels each, in their order."""
    sheet, count = np.zeros((ROWS * side, COLUMNS * side, 3), np.uint8), 0
    for crop in crops_bgr:
        row, column = divmod(count, COLUMNS)
        small = cv2.resize(
            crop, (side, side), interpolation=cv2.INTER_AREA if crop.shape[0] > side else cv2.INTER_LINEAR
        )
        sheet[row * side : (row + 1) * side, column * side : (column + 1) * side] = small
        count += 1
        if count == COLUMNS * ROWS:
            yield store.encode_picture(sheet, ".jpg", quality=82)
            sheet, count = np.zeros_like(sheet), 0
    if count:
        yield store.encode_picture(sheet[: -(-count // COLUMNS) * side], ".jpg", quality=82)


def build(
    scores: ScoreTable,
    ruled: DecisionTable,
    pictures: Iterable[bytes],
    *,
    person: str,
    edits: Edits,
    rest: str,
    why: Sequence[str],
    by: str,
    group: str,
    note: str,
) -> str:
    """The page's text.

    scores and ruled: the faces shown, and what the rules alone say of them; pictures: their `sheets`. edits: all that the
    person's file says today, of which `rest` is the YAML that no click changes (`edits.other_headings`). why: per face, the
    number behind its reason ("" for none). by and group: how the page is sorted and grouped at first (sort.by; none, look,
    clip or bins). note: a line at the page's head.
    """
    names = [name for name in LABELS if name in scores.columns()]
    clips = list(dict.fromkeys(scores.clip.tolist()))
    reasons = sorted(set(ruled.reason[~ruled.use_train].tolist()))
    data = {
        "person": person,
        "file": f"config/edits/{person}.yaml",
        "note": note,
        "by": by,
        "group": group,
        "columns": COLUMNS,
        "rows": ROWS,
        "clips": clips,
        "reasons": reasons,
        "rest": rest,
        "edits": {name: [_entry(entry) for entry in getattr(edits, name)] for name in LISTS},
        "scores": [_score(name, getattr(scores, name)) for name in names],
        "faces": {
            "clip": [clips.index(clip) for clip in scores.clip],
            "id": scores.id.tolist(),
            "frame": scores.frame.tolist(),
            "track": scores.track.tolist(),
            "look": scores.look.tolist(),
            "box": scores.box_xyxy.round().astype(int).tolist(),
            "train": ruled.use_train.astype(int).tolist(),
            "reason": [reasons.index(r) if not t else 0 for r, t in zip(ruled.reason, ruled.use_train, strict=True)],
            "why": list(why),
        },
    }
    style = [
        f".sheet{k} {{ background-image: url(data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}); "
        f"--columns: {COLUMNS}; }}"
        for k, jpeg in enumerate(pictures)
    ]
    parts = {
        "title": html.escape(f"{person}: faces"),
        "css": _file("faces.css"),
        "sprites": "\n".join(style),
        "choices": _file("choices.js"),
        "arrange": _file("arrange.js"),
        "js": _file("faces.js"),
        # < is escaped, so that no name can end the script it stands in
        "data": json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    pieces = _file("faces.html").split("/*")
    for k, piece in enumerate(pieces[1:], 1):
        name, _, after = piece.partition("*/")
        pieces[k] = parts[name] + after
    return "".join(pieces)


def _file(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _entry(entry: Any) -> list[Any]:
    return [entry.clip, entry.face, [int(v) if v == int(v) else v for v in entry.box_xyxy]]


def _score(name: str, values: np.ndarray) -> dict[str, Any]:
    label, unit, decimals = LABELS[name]
    about = ABOUT.get(name) or (quality.SCORES[name].__doc__ or "").partition("\n\n")[0]
    shown = np.round(values.astype(np.float64), decimals + 2)
    return {
        "name": name,
        "label": label,
        "unit": unit,
        "decimals": decimals,
        "down": DESCENDING[name],
        "about": " ".join(about.split()),
        "values": [value if np.isfinite(value) else None for value in shown.tolist()],
    }
