"""Frames of a clip as arrays: one decode, in order."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from swapcore import store
from swapcore.errors import SwapError
from swapcore.types import ClipInfo, FrameTable
from swapcore.video import curves, damage, seek, sequence
from swapcore.video.picture import Layout, Picture
from swapcore.video.tools import (
    LOCAL,
    MATRICES,
    fill,
    is_rgb,
    opened,
    picture_stream,
    running,
    stream_colour,
    url,
    with_times,
    written_times,
)

RUNS = 64  # runs of frames that one select expression names (ffmpeg's parser stops at 100); more are joined


def decode(
    path: str | Path, frames: FrameTable, info: ClipInfo, *, wanted: set[int] | None = None, quick: bool = False
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (number, frame_bgr) for every row of `frames`, in its order; frame_bgr is (height, width, 3) uint8, upright.

    For looking, not for compositing (see `decode_pictures`). `wanted` (FrameTable.number) leaves the other rows out: they
    are decoded, but neither converted nor handed over, and nothing is decoded after the last. Each array is its own, and
    writable. Photos come in their own size. `quick`: chroma is interpolated linearly, which is off by 0.06 grey levels in
    the mean and takes half the time.

    The matrix is the tagged one, untagged the players' rule (see `colour`); the full range of BGR is used. Deeper pictures
    come down to 8 bit, and those of HDR (PQ) are brought to the look of a normal screen (see `curves`). Raises SwapError
    where ffmpeg fails or the file has fewer frames than the table; ffmpeg is ended when the generator is closed.
    """
    path = Path(path)
    if path.is_dir():
        for number, name in zip(frames.number.tolist(), frames.name, strict=True):
            if wanted is None or number in wanted:
                image = store.read_picture(path / name, deep=not info.photos)
                if not info.photos and image.shape != (info.height, info.width, 3):
                    raise SwapError(
                        f"{path / name}: expected {info.width}x{info.height}, found {image.shape[1]}x{image.shape[0]}; "
                        "has it changed? run snakemake again"
                    )
                yield number, image if info.photos else sequence.shown(image)
        return
    with opened(path, name=info.name) as container:
        stream = picture_stream(container, path, name=info.name)
        way = "bilinear" if quick else "bicubic+full_chroma_inp"
        scale: dict[str, Any] = {"flags": f"{way}+accurate_rnd+full_chroma_int"}
        if not is_rgb(stream) and int(stream.codec_context.colorspace) == 2:
            scale["in_color_matrix"] = MATRICES[stream_colour(stream).matrix]
        curve = curves.CURVES.get(int(stream.codec_context.color_trc))
    table = curve.table() if curve else None
    to_bgr, shape = ("scale", (info.width, info.height), scale), (info.height, info.width, 3)
    raw = _Raw(path, frames, info, "bgr24", lambda: np.empty(shape, np.uint8), (to_bgr,))
    for number, frame_bgr in _read(raw, wanted):
        yield number, frame_bgr if table is None else cv2.LUT(frame_bgr, table)


def decode_pictures(
    path: str | Path, frames: FrameTable, info: ClipInfo, layout: Layout, *, wanted: set[int] | None = None
) -> Iterator[tuple[int, Picture]]:
    """Yield (number, picture) for every row of `frames`: the samples as they were decoded, upright. Otherwise as `decode`."""
    if Path(path).is_dir():
        for number, name in zip(frames.number.tolist(), frames.name, strict=True):
            if wanted is None or number in wanted:
                image = sequence.read(Path(path) / name, sequence.Like(layout.height, layout.width, layout.dtype))
                yield number, Picture(layout, sequence.planar(image))
        return
    raw = _Raw(Path(path), frames, info, layout.pix_fmt, lambda: np.empty(layout.samples, layout.dtype))
    for number, data in _read(raw, wanted):
        yield number, Picture(layout, data)


class _Raw(NamedTuple):
    """A video to read, and as what."""

    path: Path
    frames: FrameTable
    info: ClipInfo
    pix_fmt: str
    made: Callable[[], np.ndarray]  # gives the arrays that ffmpeg's bytes are read into
    filters: tuple[tuple[str, tuple, dict[str, Any]], ...] = ()


def _read(raw: _Raw, wanted: set[int] | None) -> Iterator[tuple[int, np.ndarray]]:
    """(number, array) of each row of the table that is wanted.

    A frame without a picture gets that of another one (damage.shown), so that there are always as many as rows.
    """
    frames = raw.frames
    rows = np.arange(len(frames)) if wanted is None else np.flatnonzero(np.isin(frames.number, list(wanted)))
    if not len(rows):
        return
    shown = damage.shown(frames)[rows]
    numbers, again = frames.number[rows].tolist(), [*(np.diff(shown) == 0).tolist(), False]
    array = None
    with contextlib.closing(_pictures(raw, np.unique(shown))) as pictures:
        for number, needed in zip(numbers, again, strict=True):
            array = next(pictures) if array is None else array
            yield number, array.copy() if needed else array
            array = array if needed else None


def _pictures(raw: _Raw, rows: np.ndarray) -> Iterator[np.ndarray]:
    """The pictures of these rows of the table, ascending, which all have one."""
    frames = raw.frames
    # what a damaged file gives depends on where decoding begins
    stretches = [seek.Stretch(None, rows)] if frames.damaged.any() else seek.stretches(frames, rows)
    for stretch in stretches:
        handed = 0
        for begin in seek.begins(frames, stretch):
            if handed < len(stretch.rows):
                for array in _part(raw, seek.Stretch(begin, stretch.rows[handed:])):
                    yield array
                    handed += 1


def _part(raw: _Raw, stretch: seek.Stretch) -> Iterator[np.ndarray]:
    """`_pictures` of one stretch, by one run of ffmpeg: from the file's beginning the decoder's frames are counted, from a
    key frame on they are told by their times. Then fewer may come, and none where that key frame itself does not come first.
    """
    frames, info = raw.frames, raw.info
    places = frames.decoded[stretch.rows].tolist()
    runs = _runs(places)
    due, wanted = set(places), [n for first, last in runs for n in range(first, last + 1)]
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "times"
        if stretch.begin is None:
            pipe = _pipe(raw, runs, "n", len(wanted))
        else:
            time = dict(zip(places, frames.pts[stretch.rows].tolist(), strict=True))
            edges, key = [(time[first], time[last]) for first, last in runs], int(frames.pts[stretch.begin])
            if stretch.begin != stretch.rows[0]:
                edges, wanted = [(key, key), *edges], [-1, *wanted]
            pipe = _pipe(raw, edges, "pts", len(wanted), seek.options(key * info.time_base), times)
        with running(pipe, stdout=subprocess.PIPE) as (process, complaints):
            for k, place in enumerate(wanted):
                array = raw.made()
                if not fill(process.stdout, memoryview(array).cast("B")):
                    process.wait()
                    if stretch.begin is not None:
                        return
                    raise SwapError(
                        f"clip {info.name}: {raw.path}: expected frame {place}, ffmpeg gave none ({complaints.last()}); "
                        "has the file changed? run snakemake again"
                    )
                if k == 0 and stretch.begin is not None and written_times(times)[0] != key:
                    return  # a container without an exact index began behind the key frame
                if place in due:
                    yield array


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as at most RUNS runs (first, last) that hold them all, joined over the smallest gaps."""
    edges = np.asarray(numbers)
    gaps = np.diff(edges)
    breaks = np.flatnonzero(gaps > 1)
    if len(breaks) >= RUNS:
        breaks = np.sort(breaks[np.argsort(-gaps[breaks], kind="stable")[: RUNS - 1]])
    firsts = edges[np.concatenate([[0], breaks + 1])]
    lasts = edges[np.concatenate([breaks, [len(edges) - 1]])]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def _pipe(
    raw: _Raw,
    runs: list[tuple[int, int]],
    name: str,
    count: int,
    begin: dict[str, Any] | None = None,
    times: Path | None = None,
) -> Any:
    """The ffmpeg command, as an ffmpeg-python stream, that writes `count` frames as raw samples to its stdout.

    They are those whose `name`, a variable of the filter select, is in a run; `begin` are seek.options; `times` is a file in
    which each frame's time stands before the frame comes.
    """
    import ffmpeg as ff

    with opened(raw.path, name=raw.info.name) as container:
        position = picture_stream(container, raw.path, name=raw.info.name).index
    picked = "+".join(f"between({name},{first},{last})" for first, last in runs)
    video = ff.input(url(raw.path), protocol_whitelist=LOCAL, **(begin or {}))[str(position)].filter("select", picked)
    video = video if times is None else with_times(video, times)
    for name, values, options in raw.filters:
        video = video.filter(name, *values, **options)
    made = video.output("pipe:", format="rawvideo", pix_fmt=raw.pix_fmt, fps_mode="passthrough", **{"frames:v": count})
    return made.global_args("-max_error_rate", "1")
