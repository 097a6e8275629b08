"""Segments: where they begin, and that what is encoded in parts is the clip again, packet by packet."""

from __future__ import annotations

import itertools

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from media import CLIPS, COPIES, INDEX, X264, ff, packets, picture, refused, shown

from swapcore import video
from swapcore.types import FrameTable
from swapcore.video import seek, segments


def table(count, *, keys=(), cuts=()):
    rows = np.arange(count)
    return FrameTable(
        number=rows + 1000,
        pts=rows * 512,
        key=np.isin(rows, list(keys)),
        shot=np.cumsum(np.isin(rows, list(cuts))),
        duplicate=np.zeros(count),
        decoded=rows,
        damaged=np.zeros(count, bool),
        name=np.full(count, "", object),
    )


@given(st.integers(0, 300), st.sets(st.integers(0, 299)), st.sets(st.integers(1, 299)), st.integers(1, 12))
def test_spans_hold_every_row_once_and_are_about_equal(count, keys, cuts, parts):
    frames = table(count, keys=keys, cuts=cuts)
    found = segments.spans(frames, parts)
    assert len(found) == parts
    assert [n for span in found for n in span.numbers(frames)] == frames.number.tolist()
    assert [segments.named(frames, f"{k}/{parts}") for k in range(parts)] == found
    assert all(abs(span.after - span.first - count / parts) <= 0.5 * count / parts + 1 for span in found)


def test_spans_begin_with_a_shot_else_at_a_key_frame_else_anywhere():
    assert [s.first for s in segments.spans(table(300, keys=[0, 90, 110, 190], cuts=[85, 110]), 3)] == [0, 110, 190]
    assert [s.first for s in segments.spans(table(300, keys=[0, 99], cuts=[80]), 3)] == [0, 80, 200]
    assert [s.first for s in segments.spans(table(300, keys=[0, 50, 250]), 3)] == [0, 100, 200], "none is near"


def test_a_margin_ends_with_the_shot():
    frames = table(300, cuts=[90, 210])
    assert segments.widened(frames, segments.Span(100, 200), 30) == (90, 210)
    assert segments.widened(frames, segments.Span(100, 200), 5) == (95, 205)
    assert segments.widened(frames, segments.Span(90, 210), 30) == (90, 210)
    assert segments.widened(frames, segments.Span(0, 300), 30) == (0, 300)
    assert segments.widened(frames, segments.Span(50, 50), 30) == (50, 50)
    assert segments.widened(frames, segments.Span(150, 200), 30, step=12) == (114, 210)
    assert segments.widened(frames, segments.Span(100, 200), 30, step=12) == (90, 210)


def test_the_header_says_how_long_a_clip_is(clips, tmp_path):
    for name in ("constant.mp4", "matroska.mkv", "broadcast.ts", "ntsc.avi"):
        assert segments.header_seconds(clips / name) == pytest.approx(2, abs=0.1)
    (tmp_path / "text.mp4").write_text("no video")
    assert segments.header_seconds(tmp_path / "text.mp4") is None
    assert segments.header_seconds(tmp_path / "none.mp4") is None


def in_parts(path, folder, count, *, layout=None, **span):
    """A clip converted in parts by the scripts' means, unchanged and without loss; its table, its info, the new file."""
    frames, info = video.index(path, name="x", **{**INDEX, **span})
    layout, parts = layout or video.layout(path, name="x"), []
    for part in segments.spans(frames, count):
        wanted = set(part.numbers(frames))
        if not wanted:
            continue
        parts.append(folder / f"{len(parts)}.mkv")
        pictures = (p for _, p in video.decode_pictures(path, frames, info, layout, wanted=wanted))
        video.encode_pictures(parts[-1], pictures, layout=layout, rate=info.rate, crf=0, preset="ultrafast")
    out = folder / "out.mp4"
    origin = int(frames.pts[0]) if span else 0
    video.mux(
        out, videos=parts, frames=frames, info=info, source=path, audio=True, metadata={"own": "1"}, origin=origin
    )
    assert video.content_digest(out) == video.content_digest(*parts)
    return frames, info, out


def check_parts(path, folder, count, monkeypatch, **span):
    """No frame twice, none lost: times, pictures and sound are the clip's, also where decoding begins at key frames."""
    monkeypatch.setattr(seek, "WORTH", 5)
    frames, info, out = in_parts(path, folder, count, **span)
    pts, base = shown(out)
    moved = int(frames.pts[0]) if span else 0
    assert [t * base for t in pts] == [(int(t) - moved) * info.time_base for t in frames.pts]
    with av.open(str(out)) as container:
        coded = [p for p in container.demux(video=0) if p.size]
    assert all(p.dts <= p.pts for p in coded) and all(b.dts > a.dts for a, b in itertools.pairwise(coded))
    assert sum(p.is_keyframe for p in coded) >= min(count, len(frames))
    monkeypatch.setattr(seek, "WORTH", 10_000)
    layout, again = video.layout(path, name="x"), video.made(frames)
    before = (p.data for _, p in video.decode_pictures(path, frames, info, layout))
    after = (p.data for _, p in video.decode_pictures(out, again, info, video.layout(out, name="x")))
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    if not span:
        assert [[d for _, d in s] for s in packets(out, "audio")] == [[d for _, d in s] for s in packets(path, "audio")]


@pytest.mark.parametrize("name", [*CLIPS, *COPIES, "shortened.mp4"])
def test_a_clip_in_parts_is_the_clip(clips, tmp_path, monkeypatch, name):
    check_parts(clips / name, tmp_path, 3, monkeypatch)


@pytest.mark.parametrize("name", ["constant.mp4", "variable.mp4", "edited.mp4", "broadcast.ts"])
def test_a_clip_cut_by_start_and_end_in_parts(clips, tmp_path, monkeypatch, name):
    check_parts(clips / name, tmp_path, 2, monkeypatch, start=0.5, end=1.6)


@pytest.mark.parametrize("name", ["open.mp4", "open.ts", "open.mkv"])
@pytest.mark.parametrize("rate", ["5", "25"])
def test_open_groups_of_pictures(tmp_path, monkeypatch, name, rate):
    words = ["-x264-params", "open-gop=1:bframes=4:b-adapt=0"]
    ff(*picture(rate, seconds=300 / int(rate)), *X264, *words, "-frames:v", "150", tmp_path / name)
    check_parts(tmp_path / name, tmp_path, 4, monkeypatch)


def test_more_parts_than_frames(clips, tmp_path, monkeypatch):
    check_parts(clips / "one_frame.mp4", tmp_path, 3, monkeypatch)


def test_parts_that_were_encoded_otherwise_are_refused(clips, tmp_path):
    frames, info, _ = in_parts(clips / "silent.mp4", tmp_path, 2)
    wanted = set(segments.named(frames, "1/2").numbers(frames))
    layout = video.layout(clips / "silent.mp4", name="x")
    pictures = (p for _, p in video.decode_pictures(clips / "silent.mp4", frames, info, layout, wanted=wanted))
    video.encode_pictures(tmp_path / "1.mkv", pictures, layout=layout, rate=info.rate, crf=20, preset="slow")
    given = {"frames": frames, "info": info, "source": clips / "silent.mp4", "audio": True, "metadata": {}}
    parts = [tmp_path / "0.mkv", tmp_path / "1.mkv"]
    said = refused(video.mux, tmp_path / "y.mp4", videos=parts, **given)
    assert "1.mkv: expected it encoded as" in said and "the same ffmpeg" in said
