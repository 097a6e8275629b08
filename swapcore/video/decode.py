"""Frames of a clip as arrays: one decode, in order."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from swapcore import progress, store
from swapcore.errors import SwapError
from swapcore.types import ClipInfo, FrameTable
from swapcore.video.tools import HDR, LOCAL, MATRICES, fill, is_rgb, opened, picture_stream, running, stream_colour, url

RUNS = 64  # runs of frames that one select expression names (ffmpeg's parser stops at 100); more are joined


def decode(
    path: str | Path, frames: FrameTable, info: ClipInfo, *, wanted: set[int] | None = None, quick: bool = False
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (number, frame_bgr) for every row of `frames`, in its order; frame_bgr is (height, width, 3) uint8, upright.

    `wanted` (FrameTable.number) leaves the other rows out: they are decoded, but neither converted nor handed over, and
    nothing is decoded after the last. Each array is its own, and writable. Photos come in their own size. `quick`, for
    looking and not for compositing: chroma is interpolated linearly, which is off by 0.06 grey levels in the mean and takes
    half the time.

    The matrix is the tagged one, untagged the players' rule (see `colour`); the full range of BGR is used. Deeper
    pictures come down to 8 bit, and a line says so. Raises SwapError where ffmpeg fails or the file has fewer frames
    than the table; ffmpeg is ended when the generator is closed.
    """
    path = Path(path)
    rows = np.ones(len(frames), bool) if wanted is None else np.isin(frames.number, list(wanted))
    numbers = frames.number[rows].tolist()
    if not numbers:
        return
    if info.photos:
        for number, name in zip(numbers, frames.name[rows], strict=True):
            yield number, store.read_picture(path / name)
        return
    runs = _runs(numbers)
    due = iter(numbers)
    number = next(due)
    shape = (info.height, info.width, 3)
    with running(_pipe(path, runs, info, quick), stdout=subprocess.PIPE) as (process, complaints):
        for at in (n for first, last in runs for n in range(first, last + 1)):
            frame_bgr = np.empty(shape, np.uint8)
            if not fill(process.stdout, memoryview(frame_bgr).cast("B")):
                process.wait()
                raise SwapError(
                    f"clip {info.name}: {path}: expected frame {at}, ffmpeg gave none ({complaints.last()}); "
                    "has the file changed? run snakemake again"
                )
            if at == number:
                yield number, frame_bgr
                number = next(due, -1)


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


def _pipe(path: Path, runs: list[tuple[int, int]], info: ClipInfo, quick: bool) -> Any:
    """The ffmpeg command, as an ffmpeg-python stream, that writes these runs of frames as raw bgr24 to its stdout."""
    import ffmpeg as ff

    with opened(path, name=info.name) as container:
        stream = picture_stream(container, path, name=info.name)
        way = "bilinear" if quick else "bicubic+full_chroma_inp"
        scale: dict[str, Any] = {"flags": f"{way}+accurate_rnd+full_chroma_int"}
        if not is_rgb(stream) and int(stream.codec_context.colorspace) == 2:
            scale["in_color_matrix"] = MATRICES[stream_colour(stream).matrix]
        _tell_depth(stream, info)
        position = stream.index
    video = ff.input(url(path), protocol_whitelist=LOCAL)[str(position)]
    picked = "+".join(f"between(n,{first},{last})" for first, last in runs)
    count = sum(last - first + 1 for first, last in runs)
    return (
        video.filter("select", picked)
        .filter("scale", info.width, info.height, **scale)
        .output("pipe:", format="rawvideo", pix_fmt="bgr24", fps_mode="passthrough", **{"frames:v": count})
    )


def _tell_depth(stream: Any, info: ClipInfo) -> None:
    depth = max(c.bits for c in stream.codec_context.format.components)
    hdr = HDR.get(int(stream.codec_context.color_trc))
    if depth > 8 or hdr:
        what = f"{depth}-bit{f' HDR ({hdr})' if hdr else ''}"
        progress.say(f"clip {info.name}: its {what} picture comes down to 8 bit, without tone mapping; bands may show")
