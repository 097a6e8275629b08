"""The faces of the next call, drawn in a thread while the call before computes: so the step never waits for them.

What is drawn depends on the number of the step alone, so it is the same whenever, and by whomever, it is drawn.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np


class Drawn(NamedTuple):
    """What a call trains on."""

    images: np.ndarray  # (k, 2n, ...) of k steps: see step.trainer
    bends: np.ndarray | None  # (k, 2n, g, g, 2), where a phase bends faces into others' landmarks

    def first(self, steps: int) -> Drawn:
        """Of the first steps alone."""
        return Drawn(self.images[:steps], None if self.bends is None else self.bends[:steps])


Draw = Callable[[int, int, int], Drawn]  # (first step, steps, phase): of fewer steps where so many are too large


@dataclass
class Feed:
    """Draws for one call ahead."""

    draw: Draw
    worker: ThreadPoolExecutor  # of one thread, in which all is drawn
    ahead: tuple[int, int, Future[Any]] | None = None  # first step, phase, and what is drawn for them

    def begin(self, first: int, steps: int, phase: int) -> None:
        """Begin to draw what `take` is expected to ask for."""
        self.ahead = first, phase, self.worker.submit(self.draw, first, steps, phase)

    def take(self, first: int, steps: int, phase: int) -> Drawn:
        """Of `steps` steps, or of fewer where fewer are drawn already; drawn now where others are. Raises what drawing raised."""
        if self.ahead is None or self.ahead[:2] != (first, phase):
            self.begin(first, steps, phase)
        (*_, drawing), self.ahead = self.ahead, None
        return drawing.result().first(steps)


@contextlib.contextmanager
def feed(draw: Draw) -> Iterator[Feed]:
    """A feed; at the end of the block, however it ends, nothing is drawn any more."""
    with ThreadPoolExecutor(1, thread_name_prefix="feed") as worker:
        yield Feed(draw, worker)
