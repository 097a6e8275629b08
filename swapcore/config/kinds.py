"""What sections are made of: names, dates, hints, and the base of all sections."""

from __future__ import annotations

import datetime
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


def off(value: Any) -> Any:
    """The word off, which YAML 1.1 reads as false where it is bare."""
    return "off" if value is False else value


Name = Annotated[str, Field(pattern=f"^{NAME}$", max_length=LONGEST)]
VideoName = Annotated[str, Field(pattern=f"^{NAME}$", max_length=2 * LONGEST + 10)]
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
