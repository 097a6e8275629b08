"""What is listed by name in the configuration, beside the stages' settings: people, swaps, videos, clips."""

from __future__ import annotations

import math
from typing import Literal, Self, get_args

from pydantic import ConfigDict, Field, model_validator

from swapcore.config.fields import Clean, Convert, Label, Sort, Train
from swapcore.config.kinds import Date, Name, Rate, Section, VideoName

CONSENT = "consent: {basis: written | self | synthetic | public-domain, by: who signed, date: when, scope: what for}"


MOST_SEGMENTS = 200  # of a clip: a day and more in those of ten minutes
FORM = Literal["png", "exr", "prores", "ffv1"]  # of passes for compositors; a test compares them with passes.FORMS
FORMS: tuple[str, ...] = get_args(FORM)
ALSO = Literal["side_by_side", "preview", "png", "exr", "prores", "ffv1"]


class Consent(Section):
    """Who agreed to what. `written` and `self` name who, when and what for; `public-domain` what it rests on."""

    basis: Literal["written", "self", "synthetic", "public-domain"]
    """written: signed by somebody; self: you are the person; synthetic: nobody real; public-domain."""
    by: str = ""
    """Who signed or declared it."""
    date: Date = ""
    """When, as 2026-11-01."""
    scope: str = ""
    """What it covers."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {"written": ("by", "date", "scope"), "self": ("by", "date", "scope"), "public-domain": ("by", "scope")}
        missing = [k for k in needed.get(self.basis, ()) if not getattr(self, k).strip()]
        if missing:
            raise ValueError(f"a consent of basis {self.basis} needs {', '.join(missing)}")
        return self


class Person(Section):
    """Somebody whose face is used or changed; or refused: recognised in every clip, and left alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["consent"]}, {"required": ["refuse"], "properties": {"refuse": {"const": True}}}]
        }
    )

    consent: Consent | None = None
    """The consent record. Everybody needs one but the refused, of whose faces nothing is made."""
    references: list[str] = Field(default_factory=list)
    """Photos, or folders of photos, of this person. May be left out where a clip has this person alone, or where tracks were
    decided by hand to be this person's."""
    refuse: bool = False
    """This person's faces are never trained from nor swapped, in any clip. Needs references, and no consent, since nothing is
    made of them; may not be in clips.tsv nor in a swap."""
    sort: Sort = Sort()
    """Laid over the settings of `sort` for all."""
    clean: Clean = Clean()
    """Laid over the settings of `clean` for all."""


class Swap(Section):
    """One model: an encoder for both, a decoder each."""

    name: Name
    source: Name
    """Whose face appears in the result."""
    target: Name
    """Who is changed in the video."""
    train: Train
    also_back: bool = False
    """The same model also puts the target's face on the source: the swap `{name}_back`, which videos may name, and which
    without `videos` is made of every clip of the source."""
    back_of: Name | None = None
    """Of a swap that also_back made: the one whose model it uses. Not for the configuration."""

    @property
    def learnt(self) -> str:
        """The name of the swap whose model it uses: mostly its own."""
        return self.back_of or self.name


class Video(Section):
    """One video to make."""

    name: VideoName
    clip: Name
    """The clip that is changed."""
    swaps: list[Name] = Field(min_length=1)
    """The swaps it shows; each changes its own target."""
    also: list[ALSO] = Field(default_factory=list)
    """What is made beside the video: side_by_side, preview, and passes for compositors as png, exr, prores or ffv1."""
    convert: Convert
    label: Label


class Clip(Section):
    """One row of clips.tsv."""

    name: Name
    people: list[Name]
    """Everybody in it whom the configuration knows."""
    others: bool = False
    """Whether `?` stands among the people: there are more, whom nobody has named yet."""
    path: str = Field(min_length=1, pattern="^[^-]")
    """A video file, a folder of photos, or with a rate the folder of an image sequence. Where its name begins with -, write
    its folder too, if need be the absolute one."""
    start: float | None = Field(None, ge=0)
    """Seconds from the beginning of the file; frames before are left out."""
    end: float | None = Field(None, gt=0)
    """Seconds from the beginning of the file; frames from there on are left out."""

    rate: Rate = ""
    """Only for an image sequence: its frames per second, as 24, 23.976 (which is 24000/1001) or 24000/1001."""

    @property
    def alone(self) -> str:
        """The one person in it, or ""."""
        return self.people[0] if len(self.people) == 1 and not self.others else ""

    def segments(self, seconds: float | None, *, minutes: float) -> int:
        """How many segments of about `minutes` at most it is split into, where its file has so many seconds, or nobody knows.

        There are MOST_SEGMENTS at most: a header may say anything.
        """
        if seconds is None:
            return 1
        kept = (seconds if self.end is None else min(seconds, self.end)) - (self.start or 0)
        return min(max(1, math.ceil(kept / (60 * minutes))), MOST_SEGMENTS)

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError(f"end ({self.end}) must come after start ({self.start})")
        return self
