"""Check a whole configuration: one clear line for the first mistake."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from swapcore.config import bounds
from swapcore.config.entries import CONSENT, Clip, Consent, Person, Swap, Video
from swapcore.config.fields import SECTIONS, S
from swapcore.config.kinds import LONGEST, NAME, Name, Section, VideoName
from swapcore.errors import SwapError


class Project(Section):
    """A checked configuration: nothing in it is a default left open."""

    clips: dict[Name, Clip]
    people: dict[Name, Person]
    swaps: dict[Name, Swap]
    videos: dict[VideoName, Video]
    sections: dict[str, Any]
    state: str

    def settings(
        self, section: str, *, swap: str | None = None, video: str | None = None, person: str | None = None
    ) -> str:
        """A stage's settings as one line of JSON, without hints: what Snakemake compares between runs."""
        model = self._model(section, swap, video, person)
        return json.dumps(model.model_dump(mode="json", exclude=model.hints()), sort_keys=True)

    def studio_clip(self, clip: str) -> str:
        """Who plays in a synthetic clip, and what, as one line of JSON."""
        return json.dumps(self.sections["studio"].clips[clip].model_dump(mode="json"), sort_keys=True)

    def hints(self, section: str, *, swap: str | None = None) -> dict[str, Any]:
        """A stage's fields that cannot change a result."""
        model = self._model(section, swap)
        return model.model_dump(mode="json", include=model.hints())

    def starts(self, swap: str) -> list[Swap]:
        """The swaps that a swap's training begins with: that of start_from, that one's, and so on."""
        found = []
        while swap := self.swaps[swap].train.start_from:
            found.append(self.swaps[swap])
        return found

    def _model(self, section: str, swap: str | None, video: str | None = None, person: str | None = None) -> Section:
        if swap is not None:
            return getattr(self.swaps[swap], section)
        if video is not None and section in ("convert", "label"):
            return getattr(self.videos[video], section)
        if person is not None and section in ("sort", "clean"):
            return getattr(self.people[person], section)
        return self.sections[section]


BRANCHES = ("function-", "constrained-", "literal[", "[key]")  # in pydantic's places: no names of the user's
TOP = {"clips", "people", "swaps", "videos", "also", "state", *SECTIONS}


def load(
    config: dict[str, Any],
    clips_tsv: str,
    *,
    is_folder: Callable[[str], bool] = lambda path: False,
    by_hand: Collection[str] = (),
) -> Project:
    """Check a configuration: the parsed YAML, the text of clips.tsv, which clips' paths are folders of photos, and of whom
    tracks were decided by hand.

    A swap's, a video's or a person's own settings are laid over the global ones, then defaults are filled in and all is checked.
    Raises SwapError, one line for the first mistake.
    """
    if not isinstance(config, dict):
        raise SwapError(
            f"config: expected settings like `people:`, got {type(config).__name__}; see config/config.yaml"
        )
    bounds.check(config, where="config")
    for key in config:
        if key not in TOP:
            raise SwapError(f"config: unknown key {key!r:.100}{_nearest(key, TOP)}; known are {', '.join(sorted(TOP))}")
    glob = {name: config.get(name) or {} for name in SECTIONS}
    sections = {name: _check(model, glob[name], name) for name, model in SECTIONS.items()}
    clips = parse_clips(clips_tsv)
    nameless = not config.get("people") and not any(clip.people for clip in clips.values())
    people = {} if nameless else _people(config.get("people"), glob)
    for where, sort in [("sort", sections["sort"]), *((f"person {n}: sort", p.sort) for n, p in people.items())]:
        if sort.like:
            _known([sort.like.split("/")[0]], clips, f"{where}.like", "clip", "clips.tsv")
    for clip in clips.values():
        _known(clip.people, people, f"clips.tsv: clip {clip.name}", "person", "people")
        _willing(clip.people, people, f"clips.tsv: clip {clip.name}")
    swaps: dict[str, Swap] = {}
    for row in _rows(config.get("swaps"), "swaps", {"name", "source", "target", "train", "also_back"}):
        where = f"swap {row.get('name', '?')}"
        swap = _check(Swap, {**row, "train": _merge(glob["train"], row.get("train"), f"{where}: train")}, where)
        _known([swap.source, swap.target], people, where, "person", "people")
        _willing([swap.source, swap.target], people, where)
        if swap.source == swap.target:
            raise SwapError(f"{where}: source and target are both {swap.source}; name two people")
        for person in (swap.source, swap.target):
            if not any(person in c.people for c in clips.values()):
                raise SwapError(f"{where}: no clip of {person}; add one to clips.tsv")
        _once(swaps, swap.name, "swaps")
        swaps[swap.name] = swap
    check_starts(swaps)
    swaps |= _back(swaps)
    photos = _photos(clips, is_folder)
    videos = _videos(config.get("videos"), config.get("also") or [], glob, clips, swaps, photos)
    for name, person in people.items():
        if person.references or name in by_hand:
            continue
        if person.refuse:
            raise SwapError(f"person {name} is refused, so must be known: add `references: [folder of photos]`")
        if any(name in c.people for c in clips.values()) and not any(c.alone == name for c in clips.values()):
            raise SwapError(
                f"person {name}: no reference photos, no clip with {name} alone, and no track decided by hand; add "
                f"`references: [folder of photos]`, or put `?` for {name} in clips.tsv and see groups.jpg of the clip"
            )
    state = config.get("state", "state")
    if not isinstance(state, str) or not state:
        raise SwapError(f"state: expected a folder, got {state!r}")
    return Project(clips=clips, people=people, swaps=swaps, videos=videos, sections=sections, state=state)


def parse_clips(text: str) -> dict[str, Clip]:
    """clips.tsv: columns `name person path`, optional `start end` in seconds and `rate`; `#` begins a comment line."""
    lines = [
        (n, line)
        for n, line in enumerate(text.lstrip("\ufeff").splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise SwapError("clips.tsv: expected a first line `name person path`, found nothing; see config/clips.tsv")
    if "\t" not in lines[0][1]:
        raise SwapError(f"clips.tsv, line {lines[0][0]}: no tab in it; separate the cells by tabs, not by spaces")
    header = [cell.strip() for cell in lines[0][1].split("\t")]
    if missing := {"name", "person", "path"} - set(header):
        raise SwapError(
            f"clips.tsv: expected columns name, person, path, separated by tabs; there is no {', '.join(sorted(missing))}"
        )
    if unknown := set(header) - {"name", "person", "path", "start", "end", "rate"}:
        raise SwapError(
            f"clips.tsv: unknown column {', '.join(sorted(unknown)):.100}; known are name, person, path, start, end, rate"
        )
    clips: dict[str, Clip] = {}
    for number, line in lines[1:]:
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) > len(header):
            raise SwapError(
                f"clips.tsv, line {number}: expected {len(header)} cells separated by tabs, found {len(cells)}"
            )
        row = {k: v for k, v in zip(header, cells, strict=False) if v}
        where = f"clips.tsv, line {number}"
        if missing := {"name", "person", "path"} - set(row):
            raise SwapError(
                f"{where}: nothing in column {', '.join(sorted(missing))}; are the cells separated by tabs? "
                "Where nobody is known, person is ?"
            )
        names = [p.strip() for p in row.pop("person").split(",") if p.strip()]
        if not names:
            raise SwapError(f"{where}: expected who is in the clip, as lead or lead,double, or ? where nobody is known")
        row |= {"people": [name for name in names if name != "?"], "others": "?" in names}
        clip = _check(Clip, row, where)
        _once(clips, clip.name, where)
        clips[clip.name] = clip
    return clips


def _people(given: Any, glob: dict[str, Any]) -> dict[str, Person]:
    if not isinstance(given, dict) or not given:
        raise SwapError("people: expected the people by name, found none; see config/config.yaml")
    people = {}
    for name, row in given.items():
        where = f"person {name}"
        if not re.fullmatch(NAME, str(name)):
            raise SwapError(f"{where}: a name is made of letters, digits, - and single _ between them")
        if len(str(name)) > LONGEST:
            raise SwapError(
                f"person {str(name)[:20]}..: expected a name of at most {LONGEST} letters, got {len(str(name))}"
            )
        if name == "nobody":
            raise SwapError(f"{where}: this name means an unknown face; give the person another")
        if isinstance(row, dict) and row.get("refuse") is True and not row.get("consent"):
            people[str(name)] = _check(Person, {k: v for k, v in row.items() if k != "consent"}, where)
            continue
        if not isinstance(row, dict) or not row.get("consent"):
            raise SwapError(
                f"{where} has no consent record, so nothing is run; add to config.yaml under people, {name}: `{CONSENT}`"
            )
        consent = row["consent"]
        if not isinstance(consent, dict):
            raise SwapError(f"{where}: expected a consent record, got {consent!r}; write `{CONSENT}`")
        try:
            Consent.model_validate(consent)
        except ValidationError as error:
            raise SwapError(f"{where}: {_line(error, 'consent', Consent)}; write `{CONSENT}`") from None
        own = {k: _merge(glob[k], row.get(k), f"{where}: {k}") for k in ("sort", "clean")}
        people[str(name)] = _check(Person, {**row, **own}, where)
    return people


def _photos(clips: dict[str, Clip], is_folder: Callable[[str], bool]) -> set[str]:
    """Names of the clips that are folders of photos. Raises SwapError for one with times, and for a rate of a file."""
    photos = set()
    for clip in clips.values():
        where = f"clips.tsv: clip {clip.name}"
        if not is_folder(clip.path):
            if clip.rate:
                raise SwapError(f"{where}: a rate is for a folder of images, not for {clip.path}; take it out")
        elif not clip.rate:
            if clip.start is not None or clip.end is not None:
                raise SwapError(
                    f"{where}: {clip.path} is a folder of photos, which have no times; take out start and end, or if its "
                    "images are one sequence, give it a rate (frames a second, such as 24)"
                )
            photos.add(clip.name)
    return photos


def _videos(
    given: Any, also: Any, glob: dict[str, Any], clips: dict[str, Clip], swaps: dict[str, Swap], photos: set[str]
) -> dict[str, Video]:
    if given is None:
        given = [
            {"name": f"{s.name}_on_{c.name}", "clip": c.name, "swaps": [s.name]}
            for s in swaps.values()
            for c in clips.values()
            if s.target in c.people and c.name not in photos
        ]
    videos: dict[str, Video] = {}
    for row in _rows(given, "videos", {"name", "clip", "swaps", "also", "convert", "label"}):
        where = f"video {row.get('name', '?')}"
        own = {k: _merge(glob[k], row.get(k), f"{where}: {k}") for k in ("convert", "label")}
        video = _check(Video, {"also": also, **row, **own}, where)
        _known([video.clip], clips, where, "clip", "clips.tsv")
        _known(video.swaps, swaps, where, "swap", "swaps")
        if video.clip in photos:
            raise SwapError(
                f"{where}: clip {video.clip} is a folder of photos; if its images are one sequence, "
                "give it a rate in clips.tsv (frames a second, such as 24)"
            )
        targets = [swaps[s].target for s in video.swaps]
        for swap, target in zip(video.swaps, targets, strict=True):
            if target not in clips[video.clip].people:
                raise SwapError(
                    f"{where}: swap {swap} changes {target}, who is not in clip {video.clip}; "
                    "correct the video's clip, or the person in clips.tsv"
                )
            if video.convert.learns() and not swaps[swap].train.learn_mask:
                raise SwapError(
                    f"{where}: convert.mask has learned, and swap {swap} learns no masks; set train.learn_mask, or choose "
                    "another mask"
                )
            if targets.count(target) > 1:
                raise SwapError(f"{where}: more than one swap changes {target}; keep one")
        _once(videos, video.name, "videos")
        videos[video.name] = video
    return videos


def _back(swaps: Mapping[str, Swap]) -> dict[str, Swap]:
    """The swaps the other way round that are asked for, which use the models of these."""
    found = {}
    for swap in (swap for swap in swaps.values() if swap.also_back):
        name = f"{swap.name}_back"
        if name in swaps:
            raise SwapError(
                f"swap {swap.name}: also_back makes a swap {name}, and there is another of that name; rename it"
            )
        if len(name) > LONGEST:
            raise SwapError(
                f"swap {swap.name[:20]}..: also_back makes a swap of this name and _back, and a name has at most {LONGEST} "
                "letters; shorten it"
            )
        exchanged = {"name": name, "source": swap.target, "target": swap.source}
        found[name] = swap.model_copy(update={**exchanged, "also_back": False, "back_of": swap.name})
    return found


def check_starts(swaps: Mapping[str, Swap]) -> None:
    """Raise SwapError where a swap begins with one that is not there, with itself, in a circle, or with another model."""
    for name, swap in swaps.items():
        way = [name]
        while (other := swaps[way[-1]].train.start_from) is not None:
            where = f"swap {way[-1]}: train.start_from"
            _known([other], swaps, where, "swap", "swaps")
            if other in way:
                circle = " -> ".join([*way[way.index(other) :], other])
                raise SwapError(
                    f"{where}: swaps that begin with one another in a circle ({circle}); let one begin fresh"
                )
            way.append(other)
        if len(way) > 1:
            mine, its = ((one.train.model, one.train.side) for one in (swap, swaps[way[1]]))
            if mine != its:
                raise SwapError(
                    f"swap {name}: train.start_from: {way[1]} is of the model {its[0]} at {its[1]} px, this one of {mine[0]} at "
                    f"{mine[1]}; give both the same train.model and train.resolution, or begin fresh"
                )


def _rows(given: Any, where: str, keys: set[str]) -> list[dict[str, Any]]:
    rows = [] if given is None else given
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise SwapError(f"{where}: expected a list of `- {{name: ..., ...}}`, got {given!r}"[:300])
    for row in rows:
        if unknown := set(row) - keys:
            key = sorted(map(str, unknown))[0]
            raise SwapError(
                f"{where}, {row.get('name', '?')}: unknown key {key!r}{_nearest(key, keys)}; known are {', '.join(sorted(keys))}"
            )
    return rows


def _merge(base: dict[str, Any], own: Any, where: str) -> dict[str, Any]:
    if own is None:
        return base
    if not isinstance(own, dict) or not isinstance(base, dict):
        raise SwapError(f"{where}: expected settings by name, got {own!r}"[:300])
    merged = dict(base)
    for key, value in own.items():
        # one choice, not two settings: a budget of {steps} in a swap replaces {minutes} of all, and so does a mask
        nested = isinstance(value, dict) and isinstance(base.get(key), dict) and key not in ("budget", "mask")
        merged[key] = _merge(base[key], value, f"{where}.{key}") if nested else value
    return merged


def _known(names: list[str], known: dict[str, Any], where: str, what: str, place: str) -> None:
    for name in names:
        if name not in known:
            raise SwapError(
                f"{where}: unknown {what} {name!r}{_nearest(name, known)}; {place} has {', '.join(known) or 'none'}"
            )


def _willing(names: list[str], people: dict[str, Person], where: str) -> None:
    for name in names:
        if people[name].refuse:
            raise SwapError(
                f"{where}: {name} is refused in config.yaml; take the name out here, or `refuse: true` there"
            )


def _once(known: dict[str, Any], name: str, where: str) -> None:
    if name in known:
        raise SwapError(f"{where}: the name {name} is used twice; give one of the two another name")


def _nearest(word: Any, known: Any) -> str:
    close = difflib.get_close_matches(str(word), [str(k) for k in known], 1)
    return f" (did you mean {close[0]}?)" if close else ""


def _check(model: type[S], data: Any, where: str) -> S:
    if not isinstance(data, dict):
        raise SwapError(f"{where}: expected settings by name, got {data!r}"[:300])
    bounds.finite(data, where)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise SwapError(_line(error, where, model)) from None


def _line(error: ValidationError, where: str, model: type[BaseModel]) -> str:
    first, *more = error.errors()
    path, *others = (".".join(p for p in map(str, e["loc"]) if not p.startswith(BRANCHES)) for e in (first, *more))
    at = f"{where}.{path}" if path else where
    if first["type"] == "extra_forbidden":
        owner: Any = model
        for part in first["loc"][:-1]:
            found = getattr(owner, "model_fields", {}).get(str(part))
            owner = found.annotation if found else None
        fields = list(getattr(owner, "model_fields", {}))
        known = f"; known are {', '.join(fields)}" if fields else ""
        return f"{at}: unknown key{_nearest(first['loc'][-1], fields)}{known}"
    if first["type"] == "missing":
        return f"{at}: expected a value, found none"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "string_pattern_mismatch" and NAME in message:
        message = "a name is made of letters, digits, - and single _ between them"
    if first["type"] == "string_pattern_mismatch" and "'^[^-]'" in message:
        message = "a path may not begin with -, as an option does; write its folder before it"
    words = [
        e["ctx"]["expected"] for e, its in zip(more, others, strict=True) if (its, e["type"]) == (path, "literal_error")
    ]
    message, got = " or ".join([message, *words]), first["input"]
    said = "" if isinstance(got, (dict, BaseModel)) else f", got {got!r:.120}"
    return f"{at}: {message[0].lower()}{message[1:]}{said}"


def parse(section: str, text: str) -> S:
    """A stage's settings from the JSON that Snakemake passed to its script."""
    return SECTIONS[section].model_validate_json(text)  # type: ignore[return-value]
