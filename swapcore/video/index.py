"""The frame table: what frames a clip has, and when each is shown."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from swapcore import progress, store
from swapcore.errors import SwapError
from swapcore.types import ClipInfo, FrameTable
from swapcore.video import damage, sequence
from swapcore.video.sequence import SMALL
from swapcore.video.tools import (
    LOCAL,
    Complaints,
    exact,
    fill,
    opened,
    picture_stream,
    running,
    url,
    with_times,
    written_times,
)

LOOKED = 12  # frames that are looked at for being interlaced


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
    levels of 255) and copies (below `duplicate_threshold`), and which packets give no picture. Where some do, or the
    decoder complains, a second decode finds out where, and the table says what is damaged (see `damage`): all packets
    are frames, so that counts and times stay the source's.

    `start` and `end` (seconds from the file's first frame; a frame at `end` is out) select frames; `number` still counts
    from the file's first frame, `shot` from the first one selected. Photos are sorted by name, have their index as pts,
    a time base of 1, a shot each, and the size of the largest in the info.

    Raises SwapError, naming the clip and the file, for a file that is missing, no video, cut off, interlaced, without times
    or without any picture, for an empty folder and an empty selection.
    """
    path = Path(path)
    if path.is_dir() and rate is not None:
        limits = {"shot_threshold": shot_threshold, "duplicate_threshold": duplicate_threshold}
        return sequence.index(path, name=name, rate=rate, start=start, end=end, **limits)
    if path.is_dir():
        return _photos(path, name=name, start=start, end=end)
    packets, info = _packets(path, name=name)
    pts, key = packets.pts, packets.key
    decoded, change, suspect = _looked(path, pts, name=name)
    damaged = np.zeros(len(pts), bool)
    if suspect or (decoded < 0).any():
        bad = damage.errors(path, name=name) | set(pts[decoded < 0].tolist())
        damaged = np.isin(pts, list(damage.spread(*packets.coded, bad)))
    seconds = (pts - pts[0]).astype(object) * info.time_base  # exact fractions
    first = 0 if start is None else int(np.searchsorted(seconds, exact(start)))
    last = len(pts) if end is None else int(np.searchsorted(seconds, exact(end)))
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
        decoded=decoded[first:last],
        damaged=damaged[first:last],
        name=np.full(last - first, "", object),
    )
    if not (frames.decoded >= 0).any():
        raise SwapError(
            f"clip {name}: {path}: none of its {len(frames)} frames can be decoded; copy or record it again"
        )
    if told := damage.line(frames, info.time_base):
        progress.say(f"clip {name}: {path.name}: {told}")
    elif suspect and not damaged.any():
        progress.say(
            f"clip {name}: {path.name}: ffmpeg complains while decoding it ({suspect}), no frame is known to be hurt"
        )
    return frames, info


def listed(path: str | Path, *, name: str) -> tuple[FrameTable, ClipInfo]:
    """The frames of a whole video by its packets alone, nothing decoded: nothing is known of shots, duplicates and damage."""
    packets, info = _packets(Path(path), name=name)
    unknown, numbers = np.zeros(len(packets.pts), bool), np.arange(len(packets.pts))
    known = {"number": numbers, "decoded": numbers, "pts": packets.pts, "key": packets.key}
    names = np.full(len(numbers), "", object)
    return FrameTable(**known, shot=unknown, duplicate=unknown, damaged=unknown, name=names), info


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
        decoded=np.arange(count),
        damaged=np.zeros(count, bool),
        name=np.array([p.name for p in photos], object),
    )
    return frames, ClipInfo(name, width, height, Fraction(1), Fraction(1), photos=True)


class _Packets(NamedTuple):
    pts: np.ndarray  # (n,) int64, ascending
    key: np.ndarray  # (n,) bool, by pts
    coded: tuple[list[int], list[bool]]  # both in the order of decoding, with packets that are not shown


def _packets(path: Path, *, name: str) -> tuple[_Packets, ClipInfo]:
    """What the packets of the picture say, and the clip's info."""
    import av

    where = f"clip {name}: {path}"
    with opened(path, name=name) as container:
        stream = picture_stream(container, path, name=name)
        try:
            last = 0.0  # end of the longest stream, seconds: tells a file that was cut off
            packets, coded = [], []
            for packet in container.demux():
                if packet.size and packet.pts is not None:
                    last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.size and packet.stream_index == stream.index:
                    coded.append((packet.pts, packet.is_keyframe))
                    if not packet.is_discard:
                        packets.append(coded[-1])
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
    key = np.array([k for _, k in packets], bool)
    return _Packets(pts, key, ([t for t, _ in coded if t is not None], [k for t, k in coded if t is not None])), info


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
    """Width and height of the first frame that can be decoded, after the container's rotation.

    Raises SwapError where one of the first LOOKED is interlaced, or none can be decoded.
    """
    import av

    frames = []
    with opened(path, name=name) as container:
        stream = picture_stream(container, path, name=name)
        for packet in container.demux(stream):
            with contextlib.suppress(av.error.FFmpegError):
                frames += packet.decode()
            if len(frames) >= LOOKED:
                break
    if not frames:
        raise SwapError(
            f"clip {name}: {path}: expected pictures, none of its frames can be decoded; "
            "check that it plays, copy or record it again"
        )
    if any(frame.interlaced_frame for frame in frames):
        raise SwapError(
            f"clip {name}: {path}: expected whole pictures, found interlaced ones; deinterlace it first: "
            f"ffmpeg -i {path.name} -map 0 -c copy -vf bwdif=mode=send_frame -c:v libx264 -crf 12 new.mkv"
        )
    sideways = abs(frames[0].rotation) % 180 == 90
    return (frames[0].height, frames[0].width) if sideways else (frames[0].width, frames[0].height)


def _looked(path: Path, pts: np.ndarray, *, name: str) -> tuple[np.ndarray, np.ndarray, str]:
    """One decode of all frames: which of the decoder's frames is each packet's, (n,) int64, -1 for none; mean absolute
    difference of each to the frame before, (n,) float64, grey levels of 255, 0 for the first and for none; and what ffmpeg
    complained of, "" for nothing.
    """
    count = len(pts)
    changes: list[float] = []
    before = None
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times"
        with _greys(path, times, name=name) as (greys, complaints):
            for grey in progress.track(greys, count, f"clip {name}"):
                changes.append(0.0 if before is None else float(np.abs(grey.astype(np.int16) - before).mean()))
                before = grey
            said = complaints.last(nothing="")
        seen = written_times(times)
    decoded = damage.claimed(pts, seen)
    change = np.zeros(count)
    there = decoded >= 0
    change[there] = np.array(changes)[decoded[there]]
    return decoded, change, said


@contextlib.contextmanager
def _greys(path: Path, times: Path, *, name: str) -> Iterator[tuple[Iterator[np.ndarray], Complaints]]:
    """Every frame as (64, 64) uint8 grey, in the order of presentation, and what ffmpeg complains of.

    Beside them their times are written to the file `times`.
    """
    import ffmpeg as ff

    with opened(path, name=name) as container:
        position = picture_stream(container, path, name=name).index
    small = ff.input(url(path), protocol_whitelist=LOCAL)[str(position)].filter("scale", SMALL, SMALL, flags="area")
    pipe = (
        with_times(small, times)
        .output("pipe:", format="rawvideo", pix_fmt="gray", fps_mode="passthrough")
        .global_args("-copyts", "-max_error_rate", "1")
    )
    with running(pipe, stdout=subprocess.PIPE) as (process, complaints):

        def greys() -> Iterator[np.ndarray]:
            while True:
                grey = np.empty((SMALL, SMALL), np.uint8)
                if not fill(process.stdout, memoryview(grey).cast("B")):
                    break
                yield grey
            if process.wait():
                raise SwapError(f"clip {name}: {path}: ffmpeg cannot decode it ({complaints.last()}); encode it again")

        yield greys(), complaints
