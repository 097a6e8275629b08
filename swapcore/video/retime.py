"""Times of the source for a movie whose every frame is a key frame."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from swapcore.errors import SwapError
from swapcore.video.tools import opened, picture_stream, running, url, writing

CONTAINERS = {".mov": "mov", ".mkv": "matroska"}


def retime(
    out: str | Path, *, video: str | Path, pts: np.ndarray, time_base: Fraction, last: int, metadata: dict[str, str]
) -> None:
    """Copy the packets of `video`, all key frames in the order of presentation, into `out` with other times.

    pts (n,) int64 ascend, in units of `time_base`; `last` is how long the last frame is shown. The container follows the
    suffix: .mov keeps the times exactly (where the time base's numerator is not 1, in units of 1/denominator); .mkv rounds
    them to milliseconds. `metadata` is written with its keys as given. Raises SwapError where the number of frames differs
    or the file cannot be written.
    """
    out, unit = Path(out), Fraction(1, time_base.denominator)
    times = (pts * time_base.numerator).tolist()
    lengths = [*np.diff(times).tolist(), last * time_base.numerator]
    options = {"fflags": "+bitexact"}
    if out.suffix == ".mov":
        options |= {"movflags": "use_metadata_tags+faststart", "video_track_timescale": str(unit.denominator)}
        options |= {"movie_timescale": str(unit.denominator)}
    with (
        opened(video, name=out.stem) as given,
        writing(out),
        av.open(url(out), "w", format=CONTAINERS[out.suffix], container_options=options) as written,
    ):
        written.metadata.update(metadata)
        picture = picture_stream(given, video, name=out.stem)
        target = written.add_stream_from_template(picture)
        target.time_base = unit
        if picture.sample_aspect_ratio:  # the template's parameters leave it out
            target.codec_context.sample_aspect_ratio = picture.sample_aspect_ratio
        count = 0
        for packet in (p for p in given.demux(picture) if p.size):
            if count < len(times):
                packet.stream, packet.time_base = target, unit
                packet.pts = packet.dts = times[count]
                packet.duration = lengths[count]
                written.mux(packet)
            count += 1
        sar, shape = picture.sample_aspect_ratio or 1, Fraction(picture.width, picture.height)
    if sar != 1 and out.suffix == ".mkv":
        _show_as(out, sar * shape)
    if count != len(times):
        raise SwapError(f"{video}: expected {len(times)} frames, found {count}; delete it and run snakemake again")


def _show_as(path: Path, aspect: Fraction) -> None:
    """Write the picture's aspect ratio into a Matroska file, by a copy: PyAV has no way to do so."""
    import ffmpeg as ff

    copy = path.with_name(f"{path.stem}.aspect{path.suffix}")
    shape = f"{aspect.numerator}:{aspect.denominator}"
    stream = ff.input(url(path)).output(url(copy), c="copy", aspect=shape, copyts=None, fflags="+bitexact")
    try:
        with running(stream.overwrite_output()) as (process, complaints):
            if process.wait():
                raise SwapError(f"{path}: cannot be written ({complaints.last()}); check that the disk has space")
        copy.replace(path)
    finally:
        copy.unlink(missing_ok=True)
