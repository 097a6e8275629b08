"""The finished file: encoded pictures with the source's times, all else of the source, and what the video says of itself."""

from __future__ import annotations

import contextlib
import hashlib
import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.container
import numpy as np

from swapcore.errors import SwapError
from swapcore.types import ClipInfo, FrameTable
from swapcore.video import tracks
from swapcore.video.tools import opened, picture_stream, url, writing

LARGEST = 2**31 - 1  # of an MP4's time scales


def mux(
    out: str | Path,
    *,
    videos: Sequence[str | Path],
    frames: FrameTable,
    info: ClipInfo,
    source: str | Path,
    audio: bool,
    metadata: dict[str, str],
    origin: int = 0,
) -> list[str]:
    """Write an MP4: packets of `videos` (one per row of `frames`, at any times) with times of `frames`, all else of `source`.

    `videos` are the parts of one, in order, mostly one; each begins with a key frame. The k-th
    picture in the order of presentation gets pts `frames.pts[k] - origin` in the source's time base; where an
    MP4 cannot have that time base (its numerator is not 1), the times are the same and their unit is 1/denominator.
    `origin` is the time of the source that becomes 0: for a clip cut by `start`, its first pts, or players would show
    nothing until `start`. Decoding times are made anew: the sorted pts, shifted by the reorder delay. The last picture is
    shown as long as in the source.

    With `audio`, packets of all the source's sound streams are copied, payload unchanged (AAC of MPEG transport streams
    without the ADTS headers that an MP4 does not have), also moved by `origin`. Where
    the table leaves out frames of the source, only packets that overlap the frames' time are copied, and an edit list
    says where in the first of them to begin; a player that ignores it is early by less than one packet. Subtitles that
    are text become mov_text or are copied, chapters are copied; both are shortened to the frames' time. Tracks keep their
    languages, titles and dispositions. The source's own metadata (it may hold places and times) is not copied;
    `metadata` is written with its keys as given, also own ones. The index stands at the file's front.

    Returns what of the source was left out, a line for each track. Raises SwapError where counts differ, parts were not encoded
    alike, the source has changed, an MP4 cannot hold the sound's codec, or the disk is full.
    """
    options = {
        "movflags": "use_metadata_tags+faststart",
        "video_track_timescale": str(info.time_base.denominator),
    }
    if Path(source).is_dir():  # an image sequence has nothing but pictures, and shows the last for one unit
        source, (span, last) = videos[0], (tracks.Span(None, None, Fraction(0)), 1)
    else:
        span, last = _cut(source, frames, info, origin)
    order = _order(videos, frames, info)
    with (
        opened(source, name=info.name) as given,
        opened(source, name=info.name) as beside,  # two readers of one file, each at its own place
        contextlib.ExitStack() as stack,
    ):
        encoded = [stack.enter_context(opened(video, name=info.name)) for video in videos]
        sounds, texts, left_out = tracks.chosen(given, picture_stream(given, source, name=info.name))
        sounds = sounds if audio else []
        options["movie_timescale"] = str(_movie_scale(info, sounds))
        texts = [beside.streams[stream.index] for stream in texts]
        with (
            tracks.as_text(source, texts, name=info.name) as as_text,
            writing(out),
            av.open(url(out), "w", format="mp4", container_options=options) as written,
        ):
            written.metadata.update(metadata)
            pictured = [
                picture_stream(container, video, name=info.name)
                for container, video in zip(encoded, videos, strict=True)
            ]
            picture = _alike(pictured, videos, info)
            target = written.add_stream_from_template(picture)
            target.time_base = Fraction(1, info.time_base.denominator)
            if picture.sample_aspect_ratio:  # the template's parameters leave it out
                target.codec_context.sample_aspect_ratio = picture.sample_aspect_ratio
            if picture.codec_context.name == "hevc":
                target.codec_context.codec_tag = "hvc1"  # without it Apple's players show nothing
            heard = [tracks.Track(stream, _sound(written, stream, info, source)) for stream in sounds]
            read = [
                tracks.Track(text, tracks.added(written, text, like=own))
                for text, own in zip(as_text, texts, strict=True)
            ]
            written.set_chapters(tracks.chapters(given, span))
            try:
                written.start_encoding()
            except ValueError as error:
                raise _codecs(info, source, sounds, error) from None
            coded = (p for part in pictured for p in part.container.demux(part) if p.size)
            pictures = _pictures(coded, target, frames.pts - origin, order, info, last=last)
            parts = [pictures, tracks.packets(heard, span), tracks.packets(read, span)]
            for packet in heapq.merge(*parts, key=lambda p: float(p.dts * p.time_base)):
                written.mux(packet)
    return left_out


def _cut(source: str | Path, frames: FrameTable, info: ClipInfo, origin: int) -> tuple[tracks.Span, int]:
    """What is kept of the source's time, and how long the table's last frame is shown, in units of pts (0: not known)."""
    with opened(source, name=info.name) as container:
        stream = picture_stream(container, source, name=info.name)
        found = [
            (p.pts, p.duration or 0)
            for p in container.demux(stream)
            if p.size and p.pts is not None and not p.is_discard
        ]
        found.sort()
        pts = np.array([time for time, _ in found], np.int64)
        if stream.time_base != info.time_base or not np.isin(frames.pts, pts).all():
            raise SwapError(
                f"clip {info.name}: {source}: its times are not those of the frame table; "
                "the file has changed, run snakemake again"
            )
    begin = None if frames.pts[0] == pts[0] else int(frames.pts[0]) * info.time_base
    after = int(np.searchsorted(pts, frames.pts[-1])) + 1
    whole = after == len(pts)
    last = found[-1][1] if whole else int(pts[after] - frames.pts[-1])
    return tracks.Span(begin, None if whole else int(pts[after]) * info.time_base, origin * info.time_base), last


def _movie_scale(info: ClipInfo, sounds: list[Any]) -> int:
    """Units a second for edit lists, in which delays of picture and sound are whole; the picture's where none is."""
    scale = math.lcm(info.time_base.denominator, *(s.time_base.denominator for s in sounds))
    return scale if scale <= LARGEST else info.time_base.denominator


def _sound(made: av.container.OutputContainer, stream: Any, info: ClipInfo, source: str | Path) -> Any:
    try:
        return tracks.added(made, stream, like=stream)
    except ValueError as error:
        raise _codecs(info, source, [stream], error) from None


def _codecs(info: ClipInfo, source: str | Path, sounds: list[Any], error: Exception) -> SwapError:
    names = ", ".join(s.codec_context.name for s in sounds) or "no sound"
    return SwapError(
        f"clip {info.name}: {source}: an MP4 cannot hold its sound ({names}; {error}); "
        f"convert the sound first: ffmpeg -i {Path(source).name} -c:v copy -c:a aac new.mkv"
    )


def _alike(pictured: list[Any], videos: Sequence[str | Path], info: ClipInfo) -> Any:
    """The first of the streams of pictures. Raises SwapError where another one needs another decoder's set-up."""
    first = pictured[0]
    for stream, path in zip(pictured, videos, strict=True):
        if stream.codec_context.extradata != first.codec_context.extradata:
            raise SwapError(
                f"clip {info.name}: {path}: expected it encoded as {videos[0]} is, found another set-up of the encoder; delete "
                "the parts and run snakemake again, with the same ffmpeg on all machines"
            )
    return first


def _order(videos: Sequence[str | Path], frames: FrameTable, info: ClipInfo) -> np.ndarray:
    """Place in the order of presentation of each of the encoded packets of all parts, (n,) int64."""
    places, total = [np.zeros(0, np.int64)], 0
    for video in videos:
        with opened(video, name=info.name) as container:
            stream = picture_stream(container, video, name=info.name)
            pts = [p.pts for p in container.demux(stream) if p.size]
        places.append(total + np.argsort(np.argsort(pts, kind="stable")))
        total += len(pts)
    if total != len(frames):
        raise SwapError(
            f"clip {info.name}: {', '.join(map(str, videos))}: expected {len(frames)} frames, found {total}; delete it and "
            "run snakemake again"
        )
    return np.concatenate(places)


def _pictures(
    coded: Iterable[av.Packet],
    target: Any,
    pts: np.ndarray,
    order: np.ndarray,
    info: ClipInfo,
    *,
    last: int,
) -> Iterator[av.Packet]:
    """The encoded packets as they come, with the times `pts` (n,) in the source's time base; the last is shown for `last`."""
    unit = Fraction(1, info.time_base.denominator)
    pts = pts * info.time_base.numerator
    gaps = np.diff(pts)
    last = last * info.time_base.numerator or (int(gaps[-1]) if len(gaps) else max(1, round(1 / (info.rate * unit))))
    length = np.append(gaps, last)
    dts = decoding_times(pts, order, step=int(gaps.min()) if len(gaps) else 1)
    for packet, place, time in zip(coded, order, dts, strict=True):
        packet.stream, packet.time_base = target, unit
        packet.pts, packet.dts, packet.duration = int(pts[place]), int(time), int(length[place])
        yield packet


def decoding_times(pts: np.ndarray, rank: np.ndarray, *, step: int) -> np.ndarray:
    """Decoding times of packets in coding order, (n,) int64: strictly rising, none later than its packet's pts.

    `pts` (n,) int64 ascend; `rank` (n,) is each packet's place in the order of presentation. Packet i gets the pts of
    place i - d, where d, the reorder delay, is the least that holds for all; before the first, times go on in `step`.
    """
    delay = max(0, int(np.max(np.arange(len(rank)) - rank)))
    before = pts[0] - step * np.arange(delay, 0, -1)
    return np.concatenate([before, pts])[: len(pts)].astype(np.int64)


def made(frames: FrameTable) -> FrameTable:
    """The table for a file that was made from these frames: `number` counts from its own first frame, all can be decoded.

    Where its own key frames are is not known.
    """
    count = len(frames)
    own = {"number": np.arange(count), "decoded": np.arange(count), "key": np.zeros(count), "damaged": np.zeros(count)}
    return FrameTable(**{**frames.columns(), **own})


def read_metadata(path: str | Path) -> dict[str, str]:
    """What a file's container says of itself; Matroska shows own keys in capitals, so all come in lower case."""
    with opened(path, name=Path(path).stem) as container:
        return {key.lower(): value for key, value in container.metadata.items()}


def content_digest(*paths: str | Path) -> str:
    """sha256 of the payloads of the picture's packets: the same for a video, its copy in another container, and its parts."""
    digest = hashlib.sha256()
    for path in paths:
        with opened(path, name=Path(path).stem) as container:
            stream = picture_stream(container, path, name=Path(path).stem)
            for packet in container.demux(stream):
                if packet.size:
                    digest.update(packet.size.to_bytes(8, "big") + bytes(packet))
    return digest.hexdigest()


def sound_digests(path: str | Path) -> list[str]:
    """sha256 of the payloads of each sound stream's packets, in the streams' order."""
    with opened(path, name=Path(path).stem) as container:
        digests = {stream.index: hashlib.sha256() for stream in container.streams.audio}
        for packet in container.demux(list(container.streams.audio)) if digests else ():
            if packet.size:
                digests[packet.stream_index].update(packet.size.to_bytes(8, "big") + bytes(packet))
    return [digest.hexdigest() for digest in digests.values()]
