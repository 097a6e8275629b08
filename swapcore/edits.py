"""What people decided by hand, in config/edits/{person}.yaml: read, and checked against the faces that are there now."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import yaml

from swapcore.errors import SwapError

SAME_FACE = 0.5  # smallest overlap of the noted box with the face that has this id now
ENTRY = "{clip: stunt, face: 000012_0, box: [left, top, right, bottom]}"


@dataclass(frozen=True)
class Entry:
    """One face, named by id and box."""

    clip: str
    face: str
    box_xyxy: tuple[float, float, float, float]
    where: str  # file, list and line, for messages

    def __str__(self) -> str:
        return f"{self.clip} {self.face} {list(self.box_xyxy)}"


@dataclass(frozen=True)
class Edits:
    """The lists of one person's file."""

    reject: tuple[Entry, ...] = field(default=())  # not this person, or no face: neither trains nor is swapped
    swap_only: tuple[Entry, ...] = field(default=())  # does not train, is swapped
    keep: tuple[Entry, ...] = field(default=())  # trains although a rule dropped it
    identity: tuple[Entry, ...] = field(default=())  # the whole track of this face is this person


def read(text: str, *, where: str) -> Edits:
    """Parse a file's text. `where` is its name, for messages. Raises SwapError, one line, at the first mistake."""
    try:
        # every scalar stays text: YAML 1.1 reads a bare 000012_0 as the octal number 80
        loader = yaml.BaseLoader(text)
        root = loader.get_single_node()
        lines = _lines(root, where)
        data = None if root is None else loader.construct_document(root)
    except yaml.YAMLError as error:
        raise SwapError(f"{where}: expected YAML ({error}); correct it") from None
    known = [f.name for f in fields(Edits)]
    if data is None:
        return Edits()
    if not isinstance(data, dict):
        raise SwapError(f"{where}: expected a heading such as `reject:` above the lines (one of {', '.join(known)})")
    if unknown := [str(key) for key in data if key not in known]:
        raise SwapError(f"{where}: unknown list {unknown[0]!r}; known are {', '.join(known)}")
    lists = {}
    for name, rows in data.items():
        if rows and not isinstance(rows, list):
            raise SwapError(f"{where}, {name}: expected a list of `- {ENTRY}`, got {rows!r:.80}")
        lists[name] = tuple(
            _entry(row, f"{where}, {name}, line {line}") for row, line in zip(rows or [], lines[name], strict=True)
        )
    found = Edits(**lists)
    named: dict[tuple[str, str], str] = {}
    for name in ("reject", "swap_only", "keep"):
        for entry in getattr(found, name):
            if named.setdefault((entry.clip, entry.face), name) != name:
                both = f"{named[entry.clip, entry.face]} and in {name}"
                raise SwapError(f"{where}: face {entry.face} of clip {entry.clip} is in {both}; keep one")
    return found


def match(entry: Entry, *, ids: np.ndarray, boxes_xyxy: np.ndarray) -> int:
    """Row of the face that an entry means, among the faces of its clip: ids (n,) str, boxes_xyxy (n, 4) float.

    Raises SwapError where no face has that id now, or where another face does (overlap of the boxes under 0.5).
    """
    rows = np.flatnonzero(ids == entry.face)
    remedy = "look at the sheet again, then correct or delete this line"
    if not len(rows):
        raise SwapError(f"{entry.where}: clip {entry.clip} has no face {entry.face} of this person now; {remedy}")
    overlap = iou(np.asarray(entry.box_xyxy), boxes_xyxy[rows[0]])
    if overlap < SAME_FACE:
        box = [round(float(v)) for v in boxes_xyxy[rows[0]]]
        raise SwapError(
            f"{entry.where}: face {entry.face} of clip {entry.clip} is now at {box}, not at {list(entry.box_xyxy)}; {remedy}"
        )
    return int(rows[0])


def iou(a_xyxy: np.ndarray, b_xyxy: np.ndarray) -> float:
    """Intersection over union of two boxes, 0..1."""
    a, b = np.asarray(a_xyxy, float), np.asarray(b_xyxy, float)
    inner = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    total = (a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - inner
    return float(inner / total) if total > 0 else 0.0


def _lines(root: yaml.Node | None, where: str) -> dict[str, list[int]]:
    """List -> line of each of its entries. Refuses a key that stands twice: YAML would drop the first without a word."""
    lines = {}
    for key, value in _once(root, where):
        entries = value.value if isinstance(value, yaml.SequenceNode) else []
        for entry in entries:
            _once(entry, where)
        lines[str(key.value)] = [entry.start_mark.line + 1 for entry in entries]
    return lines


def _once(node: yaml.Node | None, where: str) -> list[tuple[yaml.Node, yaml.Node]]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    seen = set()
    for key, _ in pairs:
        if str(key.value) in seen:
            line = key.start_mark.line + 1
            raise SwapError(
                f"{where}, line {line}: {key.value} stands here a second time; put both together, or keep one"
            )
        seen.add(str(key.value))
    return pairs


def _entry(row: Any, where: str) -> Entry:
    if not isinstance(row, dict) or set(row) != {"clip", "face", "box"}:
        raise SwapError(f"{where}: expected `{ENTRY}`, got {row!r:.120}")
    box = _numbers(row["box"])
    if box is None or box[2] <= box[0] or box[3] <= box[1]:
        raise SwapError(f"{where}: expected box: [left, top, right, bottom] in pixels, got {row['box']!r:.80}")
    clip, face = row["clip"], row["face"]
    if not isinstance(clip, str) or not isinstance(face, str) or not re.search(r"_\d+$", face):
        raise SwapError(
            f"{where}: expected a clip's name and a face's id such as 000012_0, got {clip!r:.40} and {face!r:.40}"
        )
    return Entry(clip, face, box, where)


def _numbers(box: Any) -> tuple[float, ...] | None:
    try:
        values = tuple(float(v) for v in box) if isinstance(box, list) else ()
    except (TypeError, ValueError):
        return None
    return values if len(values) == 4 and all(abs(v) < 1e6 for v in values) else None
