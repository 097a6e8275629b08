"""A number that was found out about each file, kept until it changes."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from swapcore.errors import SwapError
from swapcore.store.files import read_json, write_json


def remembered(
    memory: str | Path, files: Iterable[str], find: Callable[[str], float | None]
) -> dict[str, float | None]:
    """What `find` says of each file, a finite number or None, by its path; nothing of those that are not there.

    It is asked once, and again when a file's size or time of change is another than the JSON file `memory` says. What that
    holds of other files is forgotten. It only saves time: of what is damaged in it `find` is asked, also of all; where it
    cannot be written, or another process writes it at the same time, that is passed over.
    """
    kept: Any = None
    if os.path.exists(memory):
        with contextlib.suppress(SwapError):
            kept = read_json(memory)
    kept = kept if isinstance(kept, dict) else {}
    now: dict[str, list[float | None]] = {}
    for path in files:
        try:
            about = os.stat(path)
        except OSError:
            continue
        state, before = [about.st_size, about.st_mtime_ns], kept.get(path)
        same = isinstance(before, list) and before[:2] == state and len(before) == 3 and _is_answer(before[2])
        now[path] = before if same else [*state, find(path)]
    if now != kept:
        with contextlib.suppress(SwapError, OSError):
            write_json(memory, now)
    return {path: found for path, (*_, found) in now.items()}


def _is_answer(value: Any) -> bool:
    """Whether it is something that `find` can have said."""
    return value is None or (isinstance(value, int | float) and math.isfinite(value))
