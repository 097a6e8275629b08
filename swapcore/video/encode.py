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

from swapcore import progress
from swapcore.errors import SwapError
from swapcore.video.codecs import CODECS, chosen, delivered
from swapcore.video.picture import RGB, Layout, Picture
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

    For pictures that are drawn, not for those of a clip (see `encode_pictures`). The picture is yuv420p in limited range,
    converted with the matrix of `colour` and tagged so. An odd width or height cannot be halved, so such a video is
    yuv444p. Container, times, atomicity and errors are as those of `encode_pictures`.
    """
    odd = bool(width % 2 or height % 2)
    tags = Layout(width, height, "yuv444p" if odd else "yuv420p", colour.matrix, colour.primaries, colour.transfer)

    def checked() -> Iterator[np.ndarray]:
        for frame_bgr in frames_bgr:
            if frame_bgr.shape != (height, width, 3) or frame_bgr.dtype != np.uint8:
                raise ValueError(f"expected ({height}, {width}, 3) uint8, got {frame_bgr.shape} {frame_bgr.dtype}")
            yield np.ascontiguousarray(frame_bgr)

    options = {"vcodec": "libx264", **CODECS["libx264"].options(crf, preset, tags)}
    given = Layout(width, height, "bgr24", matrix=RGB, full_range=True)
    return encode_samples(path, checked(), given=given, made=tags, rate=rate, options=options, metadata=metadata)


def encode_pictures(
    path: str | Path,
    pictures: Iterable[Picture],
    *,
    layout: Layout,
    rate: Fraction,
    codec: str = "auto",
    crf: int,
    preset: str,
    metadata: dict[str, str] | None = None,
) -> int:
    """Write pictures of one layout at a constant `rate` (frames/s), their samples unchanged; return how many.

    `codec` is a row of CODECS or `auto`; `crf` its constant quality, `preset` its effort. Pictures that the codec cannot
    take become those of `delivered(layout)`, and a line says so. Tags of colour, pixel aspect ratio and HDR10's metadata
    are written. The container follows the suffix: .mkv (whose times are rounded to ms; `mux` replaces them) or .mp4. The
    same pictures give the same bytes on the same machine, from the encoders that are programs. The caller makes the write
    atomic.

    Raises SwapError where ffmpeg fails (no such encoder, no such device, disk full) or no picture comes.
    """
    codec = chosen(codec, layout)
    made = delivered(layout, codec)
    if made.pix_fmt != layout.pix_fmt:
        progress.say(f"{Path(path).name}: {layout.pix_fmt} is written as {made.pix_fmt}, the nearest for {codec}")
    options = {"vcodec": codec, **CODECS[codec].options(crf, preset, made)}
    samples, upload = (picture.data for picture in pictures), CODECS[codec].upload
    return encode_samples(
        path, samples, given=layout, made=made, rate=rate, options=options, upload=upload, metadata=metadata
    )


def encode_samples(
    path: str | Path,
    buffers: Iterable[np.ndarray],
    *,
    given: Layout,
    made: Layout,
    rate: Fraction,
    options: dict[str, Any],
    upload: str = "",
    metadata: dict[str, str] | None = None,
) -> int:
    """Write pictures in any encoder of ffmpeg at a constant `rate` (frames/s); return how many.

    Each array is contiguous and holds the samples of one picture in the pixel format of `given`, which may be one of
    ffmpeg's that is not planar; written are those of `made`, tagged as it says. `options` are the encoder's, `vcodec` its
    name; `upload` the filter that brings pictures to its device. Container, atomicity and errors are as those of
    `encode_pictures`.
    """
    path = Path(path)
    tags = {"colorspace": made.matrix, "color_primaries": made.primaries, "color_trc": made.transfer}
    ranges = {False: "tv", True: "pc"}
    options = {
        **options,
        **({} if upload else {"pix_fmt": made.pix_fmt}),
        "color_range": ranges[made.full_range],
        **tags,
        "fflags": "+bitexact",  # no random ids in the container
        "flags:v": "+bitexact",
    }
    if path.suffix in (".mp4", ".mov"):
        options["movflags"] = "+faststart+use_metadata_tags"
    for k, (key, value) in enumerate((metadata or {}).items()):
        options[f"metadata:g:{k}"] = f"{key}={value}"  # numbered, for ffmpeg-python takes each option once
    stream = _input(given, rate)
    if made.pix_fmt != given.pix_fmt:
        stream = stream.filter("setparams", range=ranges[given.full_range], colorspace=given.matrix).filter(
            "scale",
            out_color_matrix=MATRICES[made.matrix],
            out_range=ranges[made.full_range],
            flags="bicubic+accurate_rnd+full_chroma_int+full_chroma_inp",
        )
        stream = stream.filter("format", made.pix_fmt)
    stream = stream.filter("setparams", range=ranges[made.full_range], **tags)
    stream = stream.filter("setsar", f"{made.sar.numerator}/{made.sar.denominator}")
    if upload:  # a device takes pictures in formats of its own
        stream = stream.filter("format", "nv12" if made.bits == 8 else "p010le").filter(upload)
    output = stream.output(url(path), **options).overwrite_output()
    if upload:
        output = output.global_args("-vaapi_device", "/dev/dri/renderD128")
    count = 0
    with running(output, stdin=subprocess.PIPE) as (process, complaints):
        try:
            for data in buffers:
                _write(process.stdin, data)
                count += 1
            process.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg has given up, and says why
        if process.wait():
            raise SwapError(
                f"{path}: ffmpeg stopped encoding after {count} frames ({complaints.last()}); check that the disk has space "
                f"and that ffmpeg has {options['vcodec']} and the device that it runs on (see SWAPCORE_FFMPEG)"
            )
    if not count:
        raise SwapError(f"{path}: expected frames to encode, got none; check the clip's start and end")
    return count


def _input(given: Layout, rate: Fraction) -> Any:
    """ffmpeg-python's input of raw pictures through its stdin."""
    import ffmpeg as ff

    size = f"{given.width}x{given.height}"
    return ff.input("pipe:", format="rawvideo", pix_fmt=given.pix_fmt, s=size, framerate=str(rate))


def _write(pipe: IO[bytes], data: np.ndarray) -> None:
    view = memoryview(data).cast("B")
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
