"""Reading while others work."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
AHEAD = 3  # items that are read before they are asked for


def ahead(frames: Iterable[Item]) -> Iterator[Item]:
    """The same, read in a thread of its own from now on, at most AHEAD before they are asked for.

    Reading begins with the call, so that the first frames are there when all else is loaded. An error of the reader is
    raised where its frame would have come.
    """
    reader, source = ThreadPoolExecutor(1), iter(frames)
    end: Any = object()
    waiting = deque(reader.submit(next, source, end) for _ in range(AHEAD))

    def handed() -> Iterator[Item]:
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(reader.submit(next, source, end))
                yield item
        finally:
            reader.shutdown(cancel_futures=True)
            if close := getattr(source, "close", None):
                close()

    return handed()
