"""Long clips in segments: how long a clip is by its header, and where in its frames each segment begins."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from swapcore.errors import SwapError
from swapcore.types import FrameTable
from swapcore.video.tools import opened

NEAR = 0.25  # shares of a segment within which a better frame to begin with is looked for


class Span(NamedTuple):
    """Rows of a frame table, from `first` to the one before `after`."""

    first: int
    after: int

    def numbers(self, frames: FrameTable) -> list[int]:
        """FrameTable.number of its rows."""
        return frames.number[self.first : self.after].tolist()


def header_seconds(path: str | Path) -> float | None:
    """How long a video is by its header, s; None where it does not say, or is no video (which the stage `frames` says)."""
    with contextlib.suppress(SwapError), opened(path, name=Path(path).stem) as container:
        return container.duration / 1e6 if container.duration else None
    return None


def spans(frames: FrameTable, count: int) -> list[Span]:
    """A clip's rows in `count` spans of about equal length, in order; with fewer frames than that some are empty.

    A span begins where a shot does, since no track goes beyond it; else at a key frame, since decoding begins there; where
    neither is near, at any frame.
    """
    total = len(frames)
    new_shot = np.append(True, np.diff(frames.shot) != 0)[:total]
    edges = [0]
    for k in range(1, count):
        wanted, best = round(k * total / count), None
        for good in (new_shot & frames.key, new_shot, frames.key):
            rows = np.flatnonzero(good)
            near = rows[np.abs(rows - wanted) <= NEAR * total / count]
            if best is None and len(near):
                best = int(near[np.abs(near - wanted).argmin()])
        edges.append(wanted if best is None else best)
    return [Span(first, after) for first, after in zip(edges, [*edges[1:], total], strict=True)]


def widened(frames: FrameTable, span: Span, margin: int, step: int = 1) -> Span:
    """A span with at least `margin` more rows on either side, as far as they are of the same shot as its own next to them.

    It begins a multiple of `step` rows behind its shot: what is done in every so many frames of a shot is done in the same ones.
    """
    if span.first == span.after:
        return span
    shot = int(np.searchsorted(frames.shot, frames.shot[span.first], side="left"))
    after = int(np.searchsorted(frames.shot, frames.shot[span.after - 1], side="right"))
    before = max(span.first - margin - shot, 0) // step * step if span.first > shot else 0
    return Span(shot + before, min(span.after + margin, after))


def named(frames: FrameTable, segment: str) -> Span:
    """The span of a segment that is named as `2/3`: the last of three, counted from 0."""
    part, count = map(int, segment.split("/"))
    return spans(frames, count)[part]
