"""Times of the source for a movie whose every frame is a key frame."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from swapcore.errors import SwapError
from swapcore.video.tools import opened, picture_stream, url, writing

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
        count = 0
        for packet in (p for p in given.demux(picture) if p.size):
            if count < len(times):
                packet.stream, packet.time_base = target, unit
                packet.pts = packet.dts = times[count]
                packet.duration = lengths[count]
                written.mux(packet)
            count += 1
    if count != len(times):
        raise SwapError(f"{video}: expected {len(times)} frames, found {count}; delete it and run snakemake again")
