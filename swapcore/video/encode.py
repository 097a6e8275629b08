"""Frames to a video file, and sound to a video."""

from __future__ import annotations

import heapq
import subprocess
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
import numpy as np

from swapcore.errors import SwapError
from swapcore.video.tools import BT709, MATRICES, Colour, opened, picture_stream, running, url, writing

AAC_FRAME = 1024  # samples that one packet of AAC holds
AAC_BITS = 128_000  # a second
CONTAINERS_OWN = ("major_brand", "minor_version", "compatible_brands", "encoder")  # metadata that a muxer writes itself


def encode(
    path: str | Path,
    frames_bgr: Iterable[np.ndarray],
    *,
    width: int,
    height: int,
    rate: Fraction,
    crf: int,
    preset: str,
    colour: Colour = BT709,
    metadata: dict[str, str] | None = None,
) -> int:
    """Write frames (height, width, 3) uint8 BGR as H.264 at a constant `rate` (frames/s); return how many.

    The container follows the suffix: .mkv (whose times are rounded to ms; `mux` replaces them) or .mp4. The picture is
    yuv420p in limited range, converted with the matrix of `colour` and tagged so: give the source's `colour(path)`, and
    players show the result like the source. An odd width or height cannot be halved, so such a video is yuv444p: exact
    in size, but not every browser plays it. The same frames give the same bytes on the same machine. The caller makes
    the write atomic.

    Raises SwapError where ffmpeg fails (no libx264, disk full) or no frame comes.
    """
    import ffmpeg as ff

    path = Path(path)
    odd = bool(width % 2 or height % 2)
    tags = {"colorspace": colour.matrix, "color_primaries": colour.primaries, "color_trc": colour.transfer}
    options = {
        "vcodec": "libx264",
        "crf": crf,
        "preset": preset,
        "pix_fmt": "yuv444p" if odd else "yuv420p",
        "color_range": "tv",
        **tags,
        "fflags": "+bitexact",  # no random ids in the container
        "flags:v": "+bitexact",
    }
    if path.suffix == ".mp4":
        options["movflags"] = "+faststart+use_metadata_tags"
    for k, (key, value) in enumerate((metadata or {}).items()):
        options[f"metadata:g:{k}"] = f"{key}={value}"  # numbered, for ffmpeg-python takes each option once
    stream = (
        ff.input("pipe:", format="rawvideo", pix_fmt="bgr24", s=f"{width}x{height}", framerate=str(rate))
        .filter(
            "scale",
            out_color_matrix=MATRICES[colour.matrix],
            out_range="tv",
            flags="bicubic+accurate_rnd+full_chroma_int+full_chroma_inp",
        )
        .filter("format", options["pix_fmt"])
        .filter("setparams", range="tv", **tags)
        .output(url(path), **options)
        .overwrite_output()
    )
    count = 0
    with running(stream, stdin=subprocess.PIPE) as (process, complaints):
        try:
            for frame_bgr in frames_bgr:
                if frame_bgr.shape != (height, width, 3) or frame_bgr.dtype != np.uint8:
                    raise ValueError(f"expected ({height}, {width}, 3) uint8, got {frame_bgr.shape} {frame_bgr.dtype}")
                _write(process.stdin, np.ascontiguousarray(frame_bgr))
                count += 1
            process.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg has given up, and says why
        if process.wait():
            raise SwapError(
                f"{path}: ffmpeg stopped encoding after {count} frames ({complaints.last()}); check that the disk has space "
                "and that ffmpeg has libx264 (the package imageio-ffmpeg's has; see SWAPCORE_FFMPEG)"
            )
    if not count:
        raise SwapError(f"{path}: expected frames to encode, got none; check the clip's start and end")
    return count


def _write(pipe: IO[bytes], frame_bgr: np.ndarray) -> None:
    view = memoryview(frame_bgr).cast("B")
    while len(view):
        view = view[pipe.write(view) :]


def add_sound(out: str | Path, *, video: str | Path, samples: np.ndarray, sample_rate: int) -> None:
    """Copy the picture of `video` packet by packet into `out` and add `samples` (n,) float32, mono, -1..1, as AAC.

    Sound and picture begin together; metadata is kept. The container follows the suffix of `out`. Raises SwapError where
    the file cannot be written.
    """
    samples = np.asarray(samples, np.float32)
    if samples.ndim != 1 or not len(samples):
        raise ValueError(f"expected samples (n,), got {samples.shape}")
    options = {"movflags": "faststart+use_metadata_tags"} if Path(out).suffix == ".mp4" else {}
    with (
        opened(video, name=Path(video).stem) as source,
        writing(out),
        av.open(url(out), "w", container_options=options) as written,
    ):
        written.metadata.update({k: v for k, v in source.metadata.items() if k not in CONTAINERS_OWN})
        picture = picture_stream(source, video, name=Path(video).stem)
        copy = written.add_stream_from_template(picture)
        copy.time_base = picture.time_base
        sound = written.add_stream("aac", rate=sample_rate, layout="mono", bit_rate=AAC_BITS)
        pictures = (p for p in source.demux(picture) if p.size)
        for packet in heapq.merge(pictures, _aac(sound, samples, sample_rate), key=_when):
            if packet.stream is picture:
                packet.stream = copy
            written.mux(packet)


def _when(packet: av.Packet) -> float:
    return float((packet.pts if packet.dts is None else packet.dts) * packet.time_base)


def _aac(stream: Any, samples: np.ndarray, sample_rate: int) -> Iterator[av.Packet]:
    for at in range(0, len(samples), AAC_FRAME):
        block = np.ascontiguousarray(np.clip(samples[None, at : at + AAC_FRAME], -1, 1))
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, at, Fraction(1, sample_rate)
        yield from stream.encode(frame)
    yield from stream.encode(None)
