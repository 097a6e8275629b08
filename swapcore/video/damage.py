"""What of a video can be decoded: frames without a picture, frames that may show a wrong one, and what is shown instead."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np

from swapcore import progress
from swapcore.types import FrameTable
from swapcore.video.tools import opened, picture_stream

SPANS = 8  # stretches of time that a line names


def claimed(pts: np.ndarray, seen: list[int | None]) -> np.ndarray:
    """Which of the decoder's frames, counted from 0, belongs to each packet, (n,) int64; -1: none.

    `pts` (n,) int64 ascend; `seen` are the times that the decoder gave its frames, in its order. As many frames as
    packets belong to them one by one, whatever their times.
    """
    if len(seen) == len(pts):
        return np.arange(len(pts))
    decoded = np.full(len(pts), -1, np.int64)
    place = {int(time): row for row, time in enumerate(pts)}
    last = -1
    for k, time in enumerate(seen):
        row = place.get(time, -1) if time is not None else -1
        if row > last:
            decoded[row] = k
            last = row
    return decoded


def errors(path: str | Path, *, name: str) -> set[int]:
    """Times (pts) of the packets at which PyAV's decoder complains, or that the container says are damaged.

    One thread decodes, packet by packet, so that a complaint belongs to the packet just given.
    """
    import av
    import av.logging

    level, skip = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.ERROR)
    av.logging.set_skip_repeated(False)
    quiet, log = logging.NullHandler(), logging.getLogger("libav")
    log.addHandler(quiet)  # or Python prints what nobody handles
    bad: set[int] = set()
    try:
        with opened(path, name=name) as container:
            stream = picture_stream(container, path, name=name)
            stream.thread_type = "NONE"
            for packet in container.demux(stream):
                with av.logging.Capture() as logs:
                    try:
                        wrong = any(frame.is_corrupt for frame in packet.decode())
                    except av.error.FFmpegError:
                        wrong = True
                if packet.pts is not None and (wrong or logs or packet.is_corrupt):
                    bad.add(packet.pts)
    finally:
        log.removeHandler(quiet)
        av.logging.set_skip_repeated(skip)
        av.logging.set_level(level)
    return bad


def spread(pts: Iterable[int], key: Iterable[bool], bad: set[int]) -> set[int]:
    """Times of all packets that damage may reach: each bad one, and those after it until the next key frame.

    `pts` and `key` are of the packets in the order of decoding. Frames that follow a key frame but are shown before it may
    rest on what was before it.
    """
    reached: set[int] = set()
    hurt = hurt_before = False
    since: int | None = None  # time of the last key frame
    for time, is_key in zip(pts, key, strict=True):
        if is_key:
            hurt_before, hurt, since = hurt, False, time
        hurt = hurt or time in bad
        if hurt or (hurt_before and since is not None and time < since):
            reached.add(time)
    return reached


def shown(frames: FrameTable) -> np.ndarray:
    """For each row the row whose picture it shows, (n,) int64: its own; without one that before it; at the front the next."""
    own = np.flatnonzero(frames.decoded >= 0)
    if not len(own):
        raise ValueError("expected a frame table with a picture")
    return own[np.maximum(np.searchsorted(own, np.arange(len(frames)), side="right") - 1, 0)]


def summary(frames: FrameTable, time_base: Fraction) -> dict[str, object]:
    """How many frames are damaged, of those how many without a picture, and when: spans of seconds from the file's time 0."""
    rows = np.flatnonzero(frames.damaged)
    spans = [part for part in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(part)]
    times = [[round(float(int(frames.pts[row]) * time_base), 3) for row in (part[0], part[-1])] for part in spans]
    return {"damaged": len(rows), "without_picture": int((frames.decoded < 0).sum()), "seconds": times}


def line(frames: FrameTable, time_base: Fraction) -> str:
    """`summary` in words; "" where nothing is damaged."""
    told = summary(frames, time_base)
    if not told["damaged"]:
        return ""
    spans = [f"{a:.2f} s" if a == b else f"{a:.2f} to {b:.2f} s" for a, b in told["seconds"]]
    more = f" and {len(spans) - SPANS} more stretches" if len(spans) > SPANS else ""
    missing = told["without_picture"]
    instead = f"; {missing} without a picture: the one before is shown" if missing else ""
    return (
        f"{progress.counted(told['damaged'], 'frame')} of {len(frames)} may show damage, at {', '.join(spans[:SPANS])}{more}"
        f"{instead}. Their faces are swapped, but train nothing"
    )
