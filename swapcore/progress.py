"""Progress for people: a line with the rate and the time left, every few seconds, on a terminal and in a log alike."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def counted(number: int, word: str) -> str:
    """1 face, 2 faces."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def duration(seconds: float) -> str:
    """12 s, 3 min 20 s, 2 h 05 min."""
    whole = round(max(seconds, 0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def say(line: str) -> None:
    """One line to stderr, at once."""
    print(line, file=sys.stderr, flush=True)


def track(
    items: Iterable[T],
    total: int,
    what: str,
    *,
    unit: str = "frames",
    every: float = 5.0,
    report: Callable[[str], None] = say,
) -> Iterator[T]:
    """Pass `items` on; report `what: 120/300 frames, 45.1 frames/s, 4 s left` every `every` seconds, and once at the end."""
    start = last = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= every and done < total:
            last = now
            rate = done / (now - start)
            report(f"{what}: {done}/{total} {unit}, {rate:.1f} {unit}/s, {duration((total - done) / rate)} left")
    spent = time.monotonic() - start
    report(f"{what}: {done} {unit} in {duration(spent)}, {done / max(spent, 1e-3):.1f} {unit}/s")
