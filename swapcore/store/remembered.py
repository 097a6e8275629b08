"""What was found out about files, kept until they change."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from swapcore.errors import SwapError
from swapcore.store.files import read_json, write_json


def remembered(memory: str | Path, files: Iterable[str], find: Callable[[str], Any]) -> dict[str, Any]:
    """What `find` says of each file (any JSON), by its path; None of those that are not there.

    It is asked once, and again when a file's size or time of change is another than the JSON file `memory` says. What that
    holds of other files is forgotten. It only saves time: where it is damaged, all are asked, and where it cannot be written,
    that is passed over.
    """
    kept: Any = None
    if os.path.exists(memory):
        with contextlib.suppress(SwapError):
            kept = read_json(memory)
    kept = kept if isinstance(kept, dict) else {}
    now: dict[str, Any] = {}
    for path in files:
        try:
            about = os.stat(path)
        except OSError:
            continue
        state, before = [about.st_size, about.st_mtime_ns], kept.get(path)
        same = isinstance(before, list) and len(before) == 3 and before[:2] == state
        now[path] = before if same else [*state, find(path)]
    if now != kept:
        with contextlib.suppress(SwapError, OSError):
            write_json(memory, now)
    return {path: found for path, (*_, found) in now.items()}
