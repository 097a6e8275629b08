"""What index, decode, encode and mux share: the ffmpeg program, opening a file, colour tags."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from swapcore.errors import SwapError

if TYPE_CHECKING:
    import av.container
    import av.stream
    import av.video.stream

PIPE_BYTES = 1 << 20  # in a pipe to or from ffmpeg; what Linux allows everybody
LOCAL = "file,pipe"  # protocols that ffmpeg may open: a playlist must not reach the network


def ffmpeg() -> str:
    """Path of the ffmpeg program: $SWAPCORE_FFMPEG, else the one on PATH, else imageio-ffmpeg's.

    Raises SwapError where $SWAPCORE_FFMPEG is set but names no program, and where there is none at all.
    """
    if wanted := os.environ.get("SWAPCORE_FFMPEG"):
        if found := shutil.which(wanted):
            return found
        raise SwapError(
            f"SWAPCORE_FFMPEG: expected an ffmpeg program, found none at {wanted}; correct the variable or unset it"
        )
    if found := shutil.which("ffmpeg"):
        return found
    import imageio_ffmpeg

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        raise SwapError(
            "expected ffmpeg on PATH or in the package imageio-ffmpeg, found neither; install ffmpeg or set SWAPCORE_FFMPEG"
        ) from None


class Complaints:
    """What a running ffmpeg writes to stderr: kept in a file, so that a long complaint cannot stall the program."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 (`running` closes it)

    def last(self, nothing: str = "no message") -> str:
        """The last two lines, as one; `nothing` where there are none."""
        self.file.seek(0)
        lines = [x.strip() for x in self.file.read().decode(errors="replace").splitlines() if x.strip()]
        return "; ".join(lines[-2:])[:400] or nothing


@contextlib.contextmanager
def running(stream: Any, **pipes: Any) -> Iterator[tuple[subprocess.Popen[bytes], Complaints]]:
    """Run an ffmpeg-python stream; the process has ended when the block is left, however it is left."""
    complaints = Complaints()
    command = stream.global_args("-hide_banner", "-nostdin", "-loglevel", "error").compile(cmd=ffmpeg())
    environment = (
        os.environ.copy()
    )  # taken before: another thread's library, TensorFlow, may be changing the process's own
    try:
        process = subprocess.Popen(command, stderr=complaints.file, bufsize=0, env=environment, **pipes)
    except OSError as error:
        complaints.file.close()
        raise SwapError(
            f"{command[0]}: cannot be run ({error.strerror}); install ffmpeg or set SWAPCORE_FFMPEG"
        ) from None
    pipes_here = [pipe for pipe in (process.stdin, process.stdout) if pipe is not None]
    for pipe in pipes_here:  # a frame is larger than the usual 64 KiB; where this is not allowed it is only slower
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    try:
        yield process, complaints
    finally:
        for pipe in pipes_here:
            with contextlib.suppress(OSError):
                pipe.close()
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        complaints.file.close()


def fill(pipe: IO[bytes], view: memoryview) -> bool:
    """Fill `view` from a pipe; False at the stream's end, also where it ends in the middle."""
    at = 0
    while at < len(view):
        count = pipe.readinto(view[at:])  # type: ignore[attr-defined]
        if not count:
            return False
        at += count
    return True


def with_times(stream: Any, file: Path) -> Any:
    """An ffmpeg-python stream whose frames' times are written to a file, each before its frame comes."""
    stream = stream.filter("metadata", mode="add", key="seen", value="1")  # without any, nothing would be written
    return stream.filter("metadata", mode="print", file=file, direct=1)


def written_times(file: Path) -> list[int | None]:
    """The times that stand in a file of `with_times`, a frame each, in units of the stream's time base; None for no time."""
    lines = file.read_text().splitlines() if file.exists() else []
    words = (line.split() for line in lines if line.startswith("frame:"))
    found = (next(w for w in line if w.startswith("pts:")).removeprefix("pts:") for line in words)
    return [None if time == "NOPTS" else int(time) for time in found]


def exact(seconds: float) -> Fraction:
    """0.1 as a tenth, not as the binary fraction just above it."""
    return Fraction(repr(float(seconds)))


def url(path: str | Path) -> str:
    """A path as ffmpeg takes it, so that `-x.mp4` is no option and `a:b.mp4` no protocol."""
    return f"file:{path}"


@contextlib.contextmanager
def opened(path: str | Path, *, name: str) -> Iterator[av.container.InputContainer]:
    """A file opened by PyAV. Raises SwapError for one that is missing, no media file or cut off."""
    import av

    path, where = Path(path), f"clip {name}: {path}"
    if not path.is_file():
        raise SwapError(
            f"{where}: expected a video file, found {'a folder' if path.is_dir() else 'none'}; correct its path"
        )
    if not path.stat().st_size:
        raise SwapError(f"{where}: expected a video, found an empty file; copy it again")
    try:
        container = av.open(url(path), options={"protocol_whitelist": LOCAL}, metadata_errors="replace")
    except PermissionError:
        raise SwapError(f"{where}: expected a video, found one that may not be read; let it be read (chmod)") from None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise SwapError(
            f"{where}: expected a video that ffmpeg reads, found a damaged or cut-off file or something else "
            f"({getattr(error, 'strerror', None) or error}); check that it plays, copy it again or correct its path"
        ) from None
    with container:
        yield container


@contextlib.contextmanager
def writing(path: str | Path) -> Iterator[None]:
    """Turn PyAV's trouble with the disk into a SwapError."""
    try:
        yield
    except OSError as error:
        raise SwapError(
            f"{path}: cannot be written ({error.strerror}); check that the disk has space and the folder may be written"
        ) from None


def picture_stream(
    container: av.container.InputContainer, path: str | Path, *, name: str
) -> av.video.stream.VideoStream:
    """The first stream of moving pictures; a cover picture is none. Raises SwapError where there is none."""
    import av

    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic and stream.codec_context is not None:
            return stream
    found = ", ".join(s.type for s in container.streams) or "nothing"
    raise SwapError(f"clip {name}: {path}: expected a stream of pictures, found {found}; correct its path")


@dataclass(frozen=True)
class Colour:
    """How a video's numbers mean colours: code points of ISO/IEC 23091-2 (H.273); 2 is unspecified."""

    matrix: int  # from YCbCr to RGB
    primaries: int
    transfer: int


BT709 = Colour(matrix=1, primaries=1, transfer=1)
MATRICES = {1: "bt709", 4: "fcc", 5: "bt470", 6: "smpte170m", 7: "smpte240m", 9: "bt2020"}  # swscale's names
HDR = {16: "PQ", 18: "HLG"}  # transfer characteristics


def colour(path: str | Path, *, name: str) -> Colour:
    """A video's colour tags, with a matrix that can be encoded with.

    Where the matrix is untagged, the players' rule: BT.709 for more than 576 lines or from 1280 columns on, else BT.601.
    RGB and the rare matrices that swscale cannot write become BT.709. Primaries and transfer are left as they are.
    """
    with opened(path, name=name) as container:
        return stream_colour(picture_stream(container, path, name=name))


def stream_colour(stream: av.video.stream.VideoStream) -> Colour:
    """`colour` of an opened stream."""
    codec = stream.codec_context
    matrix = int(codec.colorspace)
    if matrix == 2 and not is_rgb(stream):
        matrix = 1 if codec.width >= 1280 or codec.height > 576 else 6
    elif matrix not in MATRICES:
        matrix = 9 if matrix in (10, 14) else 1
    return Colour(matrix, int(codec.color_primaries), int(codec.color_trc))


def is_rgb(stream: av.video.stream.VideoStream) -> bool:
    """Whether the decoder gives RGB, which needs no matrix."""
    return stream.codec_context.format is not None and stream.codec_context.format.is_rgb
