"""What sections are made of: names, dates, hints, and the base of all sections."""

from __future__ import annotations

import datetime
import math
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

NAME = r"[A-Za-z0-9][A-Za-z0-9-]*(_[A-Za-z0-9-]+)*"  # of clips, people, swaps, videos: they become names of files
LONGEST = 100  # letters of a name; of a video's, which is put together of two, 210: a file's name may have 255 bytes


def hint(default: Any, **kwargs: Any) -> Any:
    """A field that cannot change any result."""
    return Field(default, json_schema_extra={"hint": True}, **kwargs)


def _iso(value: Any) -> Any:
    """A YAML date, or text that is one, as 2026-11-01."""
    if isinstance(value, datetime.datetime):
        value = value.date()
    if isinstance(value, str) and value:
        try:
            value = datetime.date.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("expected a date such as 2026-11-01") from None
    return value.isoformat() if isinstance(value, datetime.date) else value


def _rate(value: Any) -> Any:
    """Frames a second as an exact fraction, in words: 24, 24000/1001. What is near a rate of NTSC's (23.976, 29.97) is that."""
    if not isinstance(value, str) or not value:
        return value
    try:
        rate = Fraction(value.strip())
    except (ValueError, ZeroDivisionError):
        raise ValueError("expected frames a second such as 24, 23.976 or 24000/1001") from None
    if not 0 < rate <= 1000:
        raise ValueError("expected frames a second, above 0 and up to 1000")
    ntsc = Fraction(1000 * math.ceil(rate), 1001)
    if "/" not in value and rate.denominator > 1 and abs(rate - ntsc) < Fraction(6, 1000):
        rate = ntsc
    return str(rate)


def off(value: Any) -> Any:
    """The word off, which YAML 1.1 reads as false where it is bare."""
    return "off" if value is False else value


Name = Annotated[str, Field(pattern=f"^{NAME}$", max_length=LONGEST)]
VideoName = Annotated[str, Field(pattern=f"^{NAME}$", max_length=2 * LONGEST + 10)]
Rate = Annotated[str, BeforeValidator(_rate)]
Date = Annotated[str, BeforeValidator(_iso)]


class Section(BaseModel):
    """Base of all sections: no unknown keys, nothing changes after the check."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @classmethod
    def hints(cls) -> set[str]:
        """Names of the fields that cannot change a result."""
        return {
            k
            for k, f in cls.model_fields.items()
            if isinstance(f.json_schema_extra, dict) and f.json_schema_extra.get("hint")
        }
