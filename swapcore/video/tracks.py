"""What a source has beside its picture: sound, subtitles, chapters; what an MP4 can hold of it, moved and clipped to a span."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.container

from swapcore.errors import SwapError
from swapcore.video.tools import LOCAL, opened, running, url


class Span(NamedTuple):
    """The part of a source that is kept, in seconds of its own time."""

    begin: Fraction | None  # None: from the file's own begin
    end: Fraction | None  # None: to its end
    origin: Fraction  # what becomes 0


class Track(NamedTuple):
    """A track to copy: the stream that is read, and the one it becomes."""

    stream: Any
    copy: Any


def chosen(container: av.container.InputContainer, picture: Any) -> tuple[list[Any], list[Any], list[str]]:
    """The streams of sound, those of subtitles that are text, and what an MP4 of the swap leaves out, in words, each one.

    Left out are subtitles that are pictures, and other pictures, data and attachments. The track with which an MP4 or MOV
    keeps its chapters is no loss: chapters are copied.
    """
    sounds, texts, left = [], [], []
    for stream in container.streams:
        if stream is picture:
            continue
        codec = stream.codec_context
        said = f"track {stream.index} ({named(stream)})"
        if stream.type == "audio":
            sounds.append(stream)
        elif stream.type == "subtitle" and codec is not None and codec.codec.text_sub:
            texts.append(stream)
        elif stream.type == "subtitle":
            left.append(f"{said}: an MP4 holds subtitles as text only, these are pictures or unknown")
        elif stream.type == "video":
            left.append(f"{said}: one track of pictures is kept")
        elif stream.type != "data" or not (container.chapters() and "mov" in container.format.name):
            left.append(f"{said}: neither sound nor subtitles")
    return sounds, texts, left


def named(stream: Any) -> str:
    """A stream in words: its type, codec, language and title."""
    title = _title(stream)
    language = stream.metadata.get("language", "und")
    codec = stream.codec_context.name if stream.codec_context is not None else ""
    return " ".join(x for x in (stream.type, codec, language.replace("und", ""), title and f'"{title}"') if x)


def _title(stream: Any) -> str:
    return stream.metadata.get("title") or stream.metadata.get("name") or ""  # MP4 calls it name


def added(written: av.container.OutputContainer, stream: Any, *, like: Any) -> Any:
    """A new stream with the codec of `stream`, and the language, title and dispositions (default, forced, ...) of `like`.

    Raises ValueError where the container cannot hold the codec.
    """
    copy = written.add_stream_from_template(stream)
    copy.time_base = stream.time_base
    copy.disposition = like.disposition
    if language := like.metadata.get("language"):
        copy.metadata["language"] = language
    if title := _title(like):
        copy.metadata["title"] = copy.metadata["handler_name"] = title  # players look at one or the other
    return copy


def unfit(path: str | Path, *, name: str) -> list[str]:
    """The tracks of sound that an MP4 cannot hold, in words: `mux` would refuse them, after all the work."""
    found = []
    with opened(path, name=name) as container:
        for stream in container.streams.audio:
            trial = av.open(io.BytesIO(), "w", format="mp4")
            try:
                added(trial, stream, like=stream)
                trial.start_encoding()
            except (ValueError, av.error.FFmpegError):
                found.append(f"track {stream.index} ({named(stream)})")
            finally:
                with contextlib.suppress(ValueError, av.error.FFmpegError):
                    trial.close()
    return found


@contextlib.contextmanager
def as_text(path: str | Path, texts: list[Any], *, name: str) -> Iterator[list[Any]]:
    """A stream of mov_text, which an MP4 holds, for each of these text subtitles of `path`, at the same times.

    Where they are something else (SubRip, ASS, WebVTT, ...) ffmpeg writes them anew, with the styles that mov_text knows.
    """
    import ffmpeg as ff

    if all(stream.codec_context.name == "mov_text" for stream in texts):
        yield texts
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "text.mp4"
        given = ff.input(url(path), protocol_whitelist=LOCAL)
        streams = [given[str(stream.index)] for stream in texts]
        command = ff.output(*streams, url(file), **{"c:s": "mov_text"}).global_args("-copyts")
        with running(command) as (process, complaints):
            if process.wait():
                raise SwapError(
                    f"clip {name}: {path}: its subtitles cannot be written as an MP4's ({complaints.last()}); "
                    f"remove them: ffmpeg -i {Path(path).name} -map 0 -map -0:s -c copy new.mkv"
                )
        with opened(file, name=name) as container:
            yield list(container.streams.subtitles)


def packets(tracks: list[Track], span: Span) -> Iterator[av.Packet]:
    """Packets of tracks of one container that overlap the span, moved so that its origin becomes 0.

    Sound keeps whole packets. Subtitles are shortened to the span. Packets that an edit list hides are kept at a track's
    begin, where decoders need them before the first that is heard, and left out behind it.
    """
    if not tracks:
        return
    copies = {track.stream.index: track.copy for track in tracks}
    begun = set()
    for packet in tracks[0].stream.container.demux([track.stream for track in tracks]):
        if not packet.size or packet.pts is None:
            continue
        if packet.is_discard and packet.stream_index in begun:
            continue
        if not packet.is_discard:
            begun.add(packet.stream_index)
        base = packet.time_base
        first, last = packet.pts * base, (packet.pts + (packet.duration or 0)) * base
        if (span.begin is not None and last <= span.begin) or (span.end is not None and first >= span.end):
            continue
        shift = round(span.origin / base)
        if packet.stream.type == "subtitle":
            begin = packet.pts if span.begin is None else max(packet.pts, round(span.begin / base))
            end = packet.pts + packet.duration
            end = end if span.end is None else min(end, round(span.end / base))
            packet.pts, packet.duration = begin, end - begin
            packet.dts = begin
        packet.stream = copies[packet.stream_index]
        packet.dts = (packet.pts if packet.dts is None else packet.dts) - shift
        packet.pts -= shift
        yield packet


def chapters(container: av.container.InputContainer, span: Span) -> list[dict[str, Any]]:
    """The chapters that overlap the span, shortened to it and moved so that its origin becomes 0; of their metadata the title."""
    kept = []
    for chapter in container.chapters():
        base = chapter["time_base"]
        begin, end = chapter["start"] * base, chapter["end"] * base
        begin = begin if span.begin is None else max(begin, span.begin)
        end = end if span.end is None else min(end, span.end)
        if begin >= end:
            continue
        metadata = {key: text for key, text in chapter["metadata"].items() if key == "title"}
        start, stop = (round((time - span.origin) / base) for time in (begin, end))
        kept.append({"id": len(kept), "start": start, "end": stop, "time_base": base, "metadata": metadata})
    return kept
