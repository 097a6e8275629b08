"""What people decided by hand, in config/edits/{person}.yaml: read, and checked against the faces that are there now."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import yaml

from swapcore.detect import overlap
from swapcore.errors import SwapError
from swapcore.types import FaceSet

SAME_FACE = 0.5  # smallest overlap of the noted box with the face that has this id now
SAME_TRACK = 0.5  # smallest overlap of the noted frames with those of the track that has this number now
DEPTH_LIMIT = 10
LISTS = ("reject", "swap_only", "keep")  # of faces; a face stands in one of them at most
NOBODY = "nobody"  # in the place of a person: the track is unknown
ENTRY = "{clip: stunt, face: 000012_0, box: [left, top, right, bottom]}"
TRACK = "stunt/3: lead"
CHECKED = "stunt/3: {person: lead, frames: [0, 119]}"


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
class Track:
    """Whose a track is: of a face named by id and box, or of a number, which may say what frames the track had."""

    clip: str
    person: str  # a name, or NOBODY
    where: str
    face: Entry | None = None
    number: int | None = None
    frames: tuple[int, int] | None = None  # first and last

    def __str__(self) -> str:
        return f"{self.face or f'{self.clip}/{self.number} {self.frames}'} {self.person}"


@dataclass(frozen=True)
class Edits:
    """The lists of one person's file."""

    reject: tuple[Entry, ...] = field(default=())  # not this person, or no face: neither trains nor is swapped
    swap_only: tuple[Entry, ...] = field(default=())  # does not train, is swapped
    keep: tuple[Entry, ...] = field(default=())  # trains although a rule dropped it
    identity: tuple[Track, ...] = field(default=())  # whose the whole track of a face is


def read(text: str, *, where: str, person: str = "") -> Edits:
    """Parse the text of the file of `person`; `where` is its name, for messages.

    Raises SwapError, one line, at the first mistake.
    """
    try:
        # every scalar stays text: YAML 1.1 reads a bare 000012_0 as the octal number 80
        loader = yaml.BaseLoader(text)
        root = loader.get_single_node()
        _check_plain(root, where)
        lines = _lines(root, where)
        data = None if root is None else loader.construct_document(root)
    except (yaml.YAMLError, RecursionError) as error:
        raise SwapError(f"{where}: expected YAML ({error}); correct it") from None
    known = [f.name for f in fields(Edits)]
    if data is None:
        return Edits()
    if not isinstance(data, dict):
        raise SwapError(f"{where}: expected a heading such as `reject:` above the lines (one of {', '.join(known)})")
    if unknown := [str(key) for key in data if key not in known]:
        raise SwapError(f"{where}: unknown list {unknown[0]!r:.80}; known are {', '.join(known)}")
    lists = {}
    for name, rows in data.items():
        if name == "identity" and isinstance(rows, dict):
            rows = [{key: value} for key, value in rows.items()]
        if rows and not isinstance(rows, list):
            raise SwapError(f"{where}, {name}: expected a list of `- {ENTRY}`, got {rows!r:.80}")
        places = [f"{where}, {name}, line {line}" for line in lines[name]]
        made = [
            _track(row, place, person) if name == "identity" else _entry(row, place)
            for row, place in zip(rows or [], places, strict=True)
        ]
        lists[name] = tuple(made)
    found = Edits(**lists)
    named: dict[tuple[str, str], str] = {}
    for name in LISTS:
        for entry in getattr(found, name):
            if named.setdefault((entry.clip, entry.face), name) != name:
                both = f"{named[entry.clip, entry.face]} and in {name}"
                raise SwapError(f"{where}: face {entry.face} of clip {entry.clip} is in {both}; keep one")
    return found


def _check_plain(root: yaml.Node | None, where: str) -> None:
    """Raise SwapError where lists are nested without end, or a part stands in several places (a few bytes could be gigabytes)."""
    seen, todo = set(), [(root, 0)]
    while todo:
        node, depth = todo.pop()
        if not isinstance(node, yaml.CollectionNode):
            continue
        if id(node) in seen or depth > DEPTH_LIMIT:
            what = (
                f"lists nested at most {DEPTH_LIMIT} deep"
                if depth > DEPTH_LIMIT
                else "no list that stands in two places (*)"
            )
            raise SwapError(f"{where}, line {node.start_mark.line + 1}: expected {what}; write it out")
        seen.add(id(node))
        inside = node.value if isinstance(node, yaml.SequenceNode) else [one for pair in node.value for one in pair]
        todo += [(one, depth + 1) for one in inside]


def match(entry: Entry, *, ids: np.ndarray, boxes_xyxy: np.ndarray) -> int:
    """Row of the face that an entry means, among the faces of its clip: ids (n,) str, boxes_xyxy (n, 4) float.

    Raises SwapError where no face has that id now, or where another face does (overlap of the boxes under 0.5).
    """
    rows = np.flatnonzero(ids == entry.face)
    remedy = "look at the sheet again, then correct or delete this line"
    if not len(rows):
        raise SwapError(f"{entry.where}: clip {entry.clip} has no face {entry.face} of this person now; {remedy}")
    if overlap(np.asarray(entry.box_xyxy), boxes_xyxy[rows[0]])[0, 0] < SAME_FACE:
        box = [round(float(v)) for v in boxes_xyxy[rows[0]]]
        raise SwapError(
            f"{entry.where}: face {entry.face} of clip {entry.clip} is now at {box}, not at {list(entry.box_xyxy)}; {remedy}"
        )
    return int(rows[0])


def check_faces(found: Edits, *, person: str, clips: Mapping[str, Collection[str]]) -> None:
    """Raise SwapError at the first face in LISTS that cannot be the person's: known before any clip is looked at.

    clips: name -> the people in it.
    """
    for entry in (entry for name in LISTS for entry in getattr(found, name)):
        _clip(entry.clip, entry.where, clips)
        if person not in clips[entry.clip]:
            raise SwapError(
                f"{entry.where}: {person} is not among the people of clip {entry.clip} "
                f"({', '.join(clips[entry.clip]) or '?'}); correct or delete this line"
            )


def _clip(name: str, where: str, clips: Collection[str]) -> None:
    if name not in clips:
        raise SwapError(f"{where}: no clip is called {name}{_near(name, clips)}; correct or delete this line")


def check_tracks(
    tracks: Iterable[Track], *, people: Collection[str], refused: Collection[str], clips: Mapping[str, Collection[str]]
) -> None:
    """Raise SwapError at the first track that cannot be meant: known before any clip is looked at.

    people: everybody configured; clips: name -> the people in it. Only people of a clip are given its faces; any clip may
    have some of the `refused`.
    """
    decided: dict[tuple[str, Any], Track] = {}
    for track in tracks:
        place, who = track.where, track.person
        _clip(track.clip, place, clips)
        if who not in people and who != NOBODY:
            raise SwapError(
                f"{place}: nobody is called {who} in config.yaml{_near(who, people)}; expected a name from there, or {NOBODY}"
            )
        if who not in {*clips[track.clip], *refused, NOBODY}:
            known = ", ".join(clips[track.clip]) or "?"
            raise SwapError(
                f"{place}: {who} is not among the people of clip {track.clip} ({known}); "
                "add the name in clips.tsv, or delete this line"
            )
        other = decided.setdefault((track.clip, track.face.face if track.face else track.number), track)
        if other.person != who:
            what = f"face {track.face.face}" if track.face else f"track {track.number}"
            raise SwapError(f"{place}: {what} of clip {track.clip} is {other.person}'s in {other.where}; keep one line")


def decided(tracks: Iterable[Track], *, clip: str, faces: FaceSet) -> dict[int, str]:
    """Row of a face -> person, "" for nobody, of what was decided about one clip, whose faces are given.

    Raises SwapError where a face or track is not there now or is another (see `match`), or one face is two people's.
    """
    whose: dict[int, str] = {}
    for track in (t for t in tracks if t.clip == clip):
        rows = [match(track.face, ids=faces.id, boxes_xyxy=faces.box_xyxy)] if track.face else _rows(track, faces)
        name = "" if track.person == NOBODY else track.person
        for row in rows:
            if whose.setdefault(row, name) != name:
                raise SwapError(
                    f"{track.where}: face {faces.id[row]} of clip {clip} is also {whose[row] or NOBODY}'s; keep one line"
                )
    return whose


def _rows(track: Track, faces: FaceSet) -> list[int]:
    """The faces of a track named by number."""
    rows = np.flatnonzero(faces.track == track.number)
    remedy = "look at groups.jpg or the sheet again, then correct or delete this line"
    if not len(rows):
        raise SwapError(f"{track.where}: clip {track.clip} has no track {track.number} now; {remedy}")
    first, last = int(faces.frame[rows].min()), int(faces.frame[rows].max())
    if track.frames:
        common = min(last, track.frames[1]) - max(first, track.frames[0]) + 1
        if common / (max(last, track.frames[1]) - min(first, track.frames[0]) + 1) < SAME_TRACK:
            raise SwapError(
                f"{track.where}: track {track.number} of clip {track.clip} is now in frames {first} to {last}, "
                f"not {track.frames[0]} to {track.frames[1]}; {remedy}"
            )
    return rows.tolist()


def other_headings(text: str) -> str:
    """Of the text of a file that `read` took, what stands under other headings than LISTS, as YAML; comments are lost."""
    known = yaml.BaseLoader(text).get_single_data() or {}
    rest = {name: value for name, value in known.items() if name not in LISTS and value}
    return (
        yaml.safe_dump(rest, allow_unicode=True, sort_keys=False, default_flow_style=None, width=1000) if rest else ""
    )


def line(clip: str, face: str, box_xyxy: np.ndarray) -> str:
    """One face as the lists take it, with the line break. JSON's strings are YAML's, but for what YAML takes for line ends."""
    quoted = re.sub(
        r"[\x7f-\x9f\u2028\u2029\ufeff]", lambda c: f"\\u{ord(c[0]):04x}", json.dumps(face, ensure_ascii=False)
    )
    return f"- {{clip: {clip}, face: {quoted}, box: {[round(float(v)) for v in box_xyxy]}}}\n"


def _near(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), 1)
    return f" (did you mean {close[0]}?)" if close else ""


def _lines(root: yaml.Node | None, where: str) -> dict[str, list[int]]:
    """List -> line of each of its entries. Refuses a key that stands twice: YAML would drop the first without a word."""
    lines = {}
    for key, value in _once(root, where):
        entries = value.value if isinstance(value, yaml.SequenceNode) else [track for track, _ in _once(value, where)]
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


def _track(row: Any, where: str, person: str) -> Track:
    """A line of `identity`: a face whose person is the file's unless it says so, or {clip/track: person}."""
    if isinstance(row, dict) and "face" in row:
        who = row.get("person", person)
        if not isinstance(who, str):
            raise SwapError(f"{where}: expected a person's name or {NOBODY}, got {who!r:.80}")
        entry = _entry({key: value for key, value in row.items() if key != "person"}, where)
        return Track(entry.clip, who, where, face=entry)
    key, value = next(iter(row.items())) if isinstance(row, dict) and len(row) == 1 else ("", "")
    named = re.fullmatch(r"(.+)/(\d{1,9})", key)
    if isinstance(value, str):
        value = {"person": value}
    if not named or not isinstance(value, dict) or not set(value) <= {"person", "frames"}:
        raise SwapError(f"{where}: expected `{ENTRY}`, `{TRACK}` or `{CHECKED}`, got {row!r:.120}")
    who, frames = value.get("person"), value.get("frames")
    if not isinstance(who, str) or not who:
        raise SwapError(f"{where}: expected a person's name or {NOBODY} for {key}, got {who!r:.80}")
    if frames is not None:
        whole = isinstance(frames, list) and len(frames) == 2 and all(re.fullmatch(r"\d{1,9}", str(f)) for f in frames)
        frames = tuple(int(f) for f in frames) if whole else (1, 0)
        if frames[0] > frames[1]:
            raise SwapError(f"{where}: expected frames: [first, last], got {value['frames']!r:.80}")
    return Track(named[1], who, where, number=int(named[2]), frames=frames)


def _numbers(box: Any) -> tuple[float, ...] | None:
    try:
        values = tuple(float(v) for v in box) if isinstance(box, list) else ()
    except (TypeError, ValueError):
        return None
    return values if len(values) == 4 and all(abs(v) < 1e6 for v in values) else None
