"""The frame table: what frames a clip has, and when each is shown."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from swapcore import progress, store
from swapcore.errors import SwapError
from swapcore.types import ClipInfo, FrameTable
from swapcore.video import sequence
from swapcore.video.tools import LOCAL, fill, opened, picture_stream, running, url

SMALL = 64  # side of the grey pictures that neighbouring frames are compared by, pixels


def index(
    path: str | Path,
    *,
    name: str,
    start: float | None,
    end: float | None,
    shot_threshold: float,
    duplicate_threshold: float,
    rate: Fraction | None = None,
) -> tuple[FrameTable, ClipInfo]:
    """The frames of a video, the photos of a folder, or with a `rate` (frames a second) its image sequence (see `sequence`).

    Times come from the packets, in the order of presentation; packets that an edit list hides are left out. One decode
    to 64-pixel grey pictures finds cuts (mean absolute difference to the frame before above `shot_threshold`, grey
    levels of 255) and copies (below `duplicate_threshold`), and must find as many frames as there are packets.

    `start` and `end` (seconds from the file's first frame; a frame at `end` is out) select frames; `number` still counts
    from the file's first frame, `shot` from the first one selected. Photos are sorted by name, have their index as pts,
    a time base of 1, a shot each, and the size of the largest in the info.

    Raises SwapError, naming the clip and the file, for a file that is missing, no video, cut off or without times, for
    an empty folder and an empty selection.
    """
    path = Path(path)
    if path.is_dir() and rate is not None:
        limits = {"shot_threshold": shot_threshold, "duplicate_threshold": duplicate_threshold}
        return sequence.index(path, name=name, rate=rate, start=start, end=end, **limits)
    if path.is_dir():
        return _photos(path, name=name, start=start, end=end)
    pts, key, info = _packets(path, name=name)
    change = _changes(path, len(pts), name=name)
    seconds = (pts - pts[0]).astype(object) * info.time_base  # exact fractions
    first = 0 if start is None else int(np.searchsorted(seconds, _exact(start)))
    last = len(pts) if end is None else int(np.searchsorted(seconds, _exact(end)))
    if first >= last:
        length = float(seconds[-1])
        raise SwapError(
            f"clip {name}: {path}: no frame between start {start or 0} s and end {end if end is not None else 'of file'}, "
            f"its last frame is at {length:.3f} s; correct start and end in clips.tsv"
        )
    shot = np.cumsum(change > shot_threshold)[first:last]
    duplicate = (change < duplicate_threshold)[first:last]
    duplicate[0] = False
    frames = FrameTable(
        number=np.arange(first, last),
        pts=pts[first:last],
        key=key[first:last],
        shot=shot - shot[0],
        duplicate=duplicate,
        name=np.full(last - first, "", object),
    )
    return frames, info


def _exact(seconds: float) -> Fraction:
    """0.1 as a tenth, not as the binary fraction just above it."""
    return Fraction(repr(float(seconds)))


def _photos(folder: Path, *, name: str, start: float | None, end: float | None) -> tuple[FrameTable, ClipInfo]:
    if start is not None or end is not None:
        raise SwapError(
            f"clip {name}: start and end select times of a video, but {folder} is a folder of photos; remove them"
        )
    photos = store.pictures(folder)
    if not photos:
        raise SwapError(
            f"clip {name}: {folder}: expected photos ({', '.join(store.PICTURES)}), found none; add some or correct its path"
        )
    stems = [p.stem for p in photos]
    for photo in photos:
        if stems.count(photo.stem) > 1:  # a face is named by its photo's stem
            raise SwapError(f"clip {name}: {folder}: two photos are called {photo.stem}; rename one")
    width = height = 0
    for photo in progress.track(photos, len(photos), f"clip {name}", unit="photos"):
        h, w = store.read_picture(photo).shape[:2]
        if w * h > width * height:
            width, height = w, h
    count = len(photos)
    frames = FrameTable(
        number=np.arange(count),
        pts=np.arange(count),
        key=np.ones(count, bool),
        shot=np.arange(count),
        duplicate=np.zeros(count, bool),
        name=np.array([p.name for p in photos], object),
    )
    return frames, ClipInfo(name, width, height, Fraction(1), Fraction(1), photos=True)


def _packets(path: Path, *, name: str) -> tuple[np.ndarray, np.ndarray, ClipInfo]:
    """Presentation times (n,) int64, ascending, key flags (n,) bool, and the clip's info."""
    import av

    where = f"clip {name}: {path}"
    with opened(path, name=name) as container:
        stream = picture_stream(container, path, name=name)
        try:
            last = 0.0  # end of the longest stream, seconds: tells a file that was cut off
            packets = []
            for packet in container.demux():
                if packet.size and packet.pts is not None:
                    last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.size and packet.stream_index == stream.index and not packet.is_discard:
                    packets.append((packet.pts, packet.is_keyframe))
        except av.error.FFmpegError as error:
            raise SwapError(f"{where}: cannot be read to its end ({error.strerror}); copy it again") from None
        _whole(container, last, path, where)
        if not packets:
            raise SwapError(f"{where}: expected a video, found no frames in it; record or copy it again")
        remedy = f"write its times anew: ffmpeg -fflags +genpts -i {path.name} -c copy new.mp4, or encode it again"
        if any(t is None for t, _ in packets):
            raise SwapError(f"{where}: expected a time for every frame, found frames without one; {remedy}")
        packets.sort()
        pts = np.array([t for t, _ in packets], np.int64)
        if len(pts) > 1 and np.diff(pts).min() == 0:
            at = float(pts[int(np.diff(pts).argmin())] * stream.time_base)
            raise SwapError(f"{where}: two frames have the same time, {at:.3f} s; {remedy}")
        info = ClipInfo(name, *_upright_size(path, name=name), stream.time_base, _rate(stream, pts))
    return pts, np.array([k for _, k in packets], bool), info


def _whole(container: Any, last: float, path: Path, where: str) -> None:
    """Raise SwapError where the file ends before what its header announces: ffmpeg itself would only stop early.

    `last` is the time in seconds at which its packets end.
    """
    size = path.stat().st_size
    needed = max((e.pos + e.size for s in container.streams for e in getattr(s, "index_entries", ())), default=0)
    if needed > size:
        raise SwapError(f"{where}: it is cut off, {needed - size} bytes are missing at its end; copy it again")
    if "matroska" in container.format.name and container.duration:
        announced = container.duration / 1e6
        if announced - last > 1 + announced / 50:
            raise SwapError(
                f"{where}: it is cut off, {announced:.1f} s are announced and {last:.1f} s there; copy it again"
            )


def _rate(stream: Any, pts: np.ndarray) -> Fraction:
    """Average frames per second: the container's own figure, else from the times."""
    if stream.average_rate:
        return Fraction(stream.average_rate)
    if len(pts) > 1:
        return ((len(pts) - 1) / (int(pts[-1] - pts[0]) * stream.time_base)).limit_denominator(100_000)
    return Fraction(stream.guessed_rate or 1)


def _upright_size(path: Path, *, name: str) -> tuple[int, int]:
    """Width and height of the first frame after the container's rotation."""
    import av

    with opened(path, name=name) as container:
        stream = picture_stream(container, path, name=name)
        try:
            frame = next(container.decode(stream))
        except (av.error.FFmpegError, StopIteration) as error:
            raise SwapError(
                f"clip {name}: {path}: its first frame cannot be decoded ({getattr(error, 'strerror', None) or 'no frame'}); "
                "check that it plays, or encode it again"
            ) from None
        sideways = abs(frame.rotation) % 180 == 90
        return (frame.height, frame.width) if sideways else (frame.width, frame.height)


def _changes(path: Path, count: int, *, name: str) -> np.ndarray:
    """Mean absolute difference of each frame to the one before, (n,) float64, grey levels of 255; the first has 0."""
    change = np.zeros(count)
    before = None
    found = 0
    for grey in progress.track(_greys(path, name=name), count, f"clip {name}"):
        if before is not None and found < count:
            change[found] = np.abs(grey.astype(np.int16) - before).mean()
        before = grey
        found += 1
    if found != count:
        raise SwapError(
            f"clip {name}: {path}: it holds {count} frames, of which {found} can be decoded; "
            f"it is damaged, or begins in the middle of a recording: encode it again (ffmpeg -i {path.name} new.mp4)"
        )
    return change


def _greys(path: Path, *, name: str) -> Iterator[np.ndarray]:
    """Every frame as (64, 64) uint8 grey, in the order of presentation."""
    import ffmpeg as ff

    with opened(path, name=name) as container:
        position = picture_stream(container, path, name=name).index
    pipe = (
        ff.input(url(path), protocol_whitelist=LOCAL)[str(position)]
        .filter("scale", SMALL, SMALL, flags="area")
        .output("pipe:", format="rawvideo", pix_fmt="gray", fps_mode="passthrough")
    )
    with running(pipe, stdout=subprocess.PIPE) as (process, complaints):
        while True:
            grey = np.empty((SMALL, SMALL), np.uint8)
            if not fill(process.stdout, memoryview(grey).cast("B")):
                break
            yield grey
        if process.wait():
            raise SwapError(f"clip {name}: {path}: ffmpeg cannot decode it ({complaints.last()}); encode it again")
