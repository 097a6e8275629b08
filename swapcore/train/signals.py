"""Signals that end a training are noted, and answered between two steps."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def noted() -> Iterator[list[signal.Signals]]:
    """While the block runs, SIGTERM and SIGINT are only noted in the list."""
    caught: list[signal.Signals] = []
    before = {
        number: signal.signal(number, lambda number, _: caught.append(signal.Signals(number)))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
