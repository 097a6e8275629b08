"""What a source has beside its picture: tracks of sound and subtitles with what is said of them, chapters; whole and cut."""

from __future__ import annotations

from fractions import Fraction

import av
import pytest
from media import INDEX, SOUND, X264, ff, packets, picture, remade

from swapcore import video
from swapcore.video import tracks

SPOKEN = "1\n00:00:00,200 --> 00:00:00,800\nHello\n\n2\n00:00:01,100 --> 00:00:01,700\nagain\n"
CHAPTERS = """;FFMETADATA1
title=secret place
[CHAPTER]
TIMEBASE=1/1000
START=0
END=700
title=One
location=secret place
[CHAPTER]
TIMEBASE=1/1000
START=700
END=2000
title=Two
"""
TRACKS = [  # two languages and a commentary; subtitles
    *["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu", "-metadata:s:a:1", "title=Kommentar"],
    *["-metadata:s:s:0", "language=fra", "-metadata:s:s:1", "title=Für Gehörlose"],
    *["-disposition:a:0", "0", "-disposition:a:1", "default+comment"],
    *["-disposition:s:0", "forced", "-disposition:s:1", "hearing_impaired"],
]


@pytest.fixture(scope="module")
def rich(tmp_path_factory):
    """Folder of rich.mkv (SubRip) and rich.mp4 (mov_text): two tracks of sound, two of subtitles, two chapters."""
    folder = tmp_path_factory.mktemp("rich")
    (folder / "spoken.srt").write_text(SPOKEN)
    (folder / "chapters.txt").write_text(CHAPTERS)
    given = [*picture(), *SOUND, *SOUND, "-i", folder / "spoken.srt", "-i", folder / "chapters.txt"]
    maps = ["-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map", "3", "-map_metadata", "4"]
    ff(*given, *maps, *X264, "-c:a", "aac", "-c:s", "subrip", *TRACKS, folder / "rich.mkv")
    ff("-i", folder / "rich.mkv", "-map", "0", "-c", "copy", "-c:s", "mov_text", folder / "rich.mp4")
    ff("-i", folder / "rich.mkv", "-map", "0", "-c", "copy", "-c:s", "ass", folder / "styled.mkv")
    return folder


def said(path):
    """Type, language, title and dispositions of each track but the picture and that of chapters."""
    found = []
    with av.open(str(path)) as container:
        for s in container.streams:
            if s.type in ("audio", "subtitle"):
                title = s.metadata.get("title") or s.metadata.get("name")
                kept = s.disposition & (1 | 8 | 64 | 128)  # default, comment, forced, hearing impaired
                found.append((s.type, s.metadata.get("language", "und"), title, int(kept)))
    return found


def texts(path):
    """For each track of subtitles (begin, end, text), seconds, of what is shown."""
    found = {}
    with av.open(str(path)) as container:
        for packet in container.demux(subtitles=tuple(range(len(container.streams.subtitles)))):
            if packet.size > 2:
                words = bytes(packet)[2:7].decode()
                begin = packet.pts * packet.time_base
                times = (float(begin), float(begin + packet.duration * packet.time_base))
                found.setdefault(packet.stream_index, []).append((*times, words))
    return list(found.values())


def chapters(path):
    with av.open(str(path)) as container:
        return [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"])
            for c in container.chapters()
        ]


def test_tracks_keep_languages_titles_and_dispositions(rich, tmp_path):
    for name in ("rich.mkv", "rich.mp4", "styled.mkv"):
        _, _, out = remade(rich / name, tmp_path)
        kinds = [
            ("audio", "eng", None, 0),
            ("audio", "deu", "Kommentar", 9),
            ("subtitle", "fra", None, 64),
            ("subtitle", "und", "Für Gehörlose", 128),
        ]
        found = said(out)
        assert [f[:3] for f in found] == [k[:3] for k in kinds]
        assert [f[3] & ~(f[0] == "subtitle") for f in found] == [k[3] for k in kinds], (
            "FFmpeg sets default of subtitles"
        )
        before, after = packets(rich / name, "audio"), packets(out, "audio")
        assert [[data for _, data in s] for s in after] == [[data for _, data in s] for s in before]
        assert texts(out) == [[(0.2, 0.8, "Hello"), (1.1, 1.7, "again")]] * 2
        assert chapters(out) == [(0.0, 0.7, {"title": "One"}), (0.7, 2.0, {"title": "Two"})]
        assert b"secret" not in out.read_bytes()


@pytest.mark.parametrize("name", ["rich.mkv", "rich.mp4"])
def test_a_cut_clip_has_the_subtitles_and_chapters_of_its_time(rich, tmp_path, name):
    _, _, out = remade(rich / name, tmp_path, start=0.4, end=1.2, origin=True)
    assert texts(out) == [[(0.0, 0.4, "Hello"), (0.7, 0.8, "again")]] * 2
    assert chapters(out) == [(0.0, 0.3, {"title": "One"}), (0.3, 0.8, {"title": "Two"})]
    _, _, out = remade(rich / name, tmp_path, start=0.4, end=1.2)
    assert texts(out) == [[(0.4, 0.8, "Hello"), (1.1, 1.2, "again")]] * 2, "the source's own times"
    _, _, out = remade(rich / name, tmp_path, start=0.8, end=1.0, origin=True)
    assert texts(out) == [] and chapters(out) == [(0.0, 0.2, {"title": "Two"})]


def test_what_an_mp4_cannot_hold_is_named(rich, tmp_path):
    source = tmp_path / "more.mkv"
    bitmaps(source)
    frames, info, out = remade(source, tmp_path)
    left = video.mux(
        out,
        videos=[tmp_path / "composite.mkv"],
        frames=frames,
        info=info,
        source=source,
        audio=True,
        metadata={},
    )
    assert len(left) == 2
    assert left[0].startswith('track 1 (subtitle pgssub spa "signs")') and "pictures" in left[0]
    assert left[1].startswith("track 2 (video h264)")
    assert [s[0] for s in said(out)] == ["audio"]


def bitmaps(path):
    """A file with sound, subtitles that are pictures (nothing but their codec's name), and a second track of pictures."""
    given = path.with_name("given.mkv")
    ff(*picture(size="64x64"), *picture(size="32x32"), *SOUND, "-map", "0", "-map", "1", "-map", "2", *X264, given)
    with av.open(str(given)) as container, av.open(str(path), "w") as made:
        first, second, sound = container.streams
        copies = {0: made.add_stream_from_template(first)}
        text = made.add_mux_stream("hdmv_pgs_subtitle")
        text.metadata.update({"language": "spa", "title": "signs"})
        copies |= {1: made.add_stream_from_template(second), 2: made.add_stream_from_template(sound)}
        for packet in container.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                made.mux(packet)


def test_sound_may_be_left_out(rich, tmp_path):
    frames, info, out = remade(rich / "rich.mp4", tmp_path)
    composite = tmp_path / "composite.mkv"
    left = video.mux(
        out, videos=[composite], frames=frames, info=info, source=rich / "rich.mp4", audio=False, metadata={}
    )
    assert left == [] and {kind for kind, *_ in said(out)} == {"subtitle"}


def test_the_last_picture_is_shown_as_long_as_in_the_source(clips, tmp_path):
    def length(path, place=-1):
        with av.open(str(path)) as container:
            found = sorted((p.pts, p.duration) for p in container.demux(video=0) if p.size)
        return found[place][1]

    _, _, out = remade(clips / "variable.mp4", tmp_path)
    assert length(out) == length(clips / "variable.mp4")
    frames, _, out = remade(clips / "variable.mp4", tmp_path, end=0.16)
    whole, _ = video.index(clips / "variable.mp4", name="x", **INDEX)
    assert len(frames) == 2 and length(out) == whole.pts[2] - whole.pts[1] == 3 * 512, "two are missing"


def test_chapters_without_title_or_in_the_cut_are_left_out():
    class Container:
        def chapters(self):
            base = Fraction(1, 10)
            return [
                {"id": 7, "start": 0, "end": 5, "time_base": base, "metadata": {}},
                {"id": 9, "start": 5, "end": 90, "time_base": base, "metadata": {"title": "x", "place": "y"}},
            ]

    kept = tracks.chapters(Container(), tracks.Span(Fraction(1, 2), Fraction(3), Fraction(1, 2)))
    assert kept == [{"id": 0, "start": 0, "end": 25, "time_base": Fraction(1, 10), "metadata": {"title": "x"}}]


def test_sound_that_no_mp4_holds_is_known_before_the_work(clips, tmp_path):
    old = tmp_path / "old.wmv"
    ff(*picture(), *SOUND, "-c:v", "wmv2", "-c:a", "wmav2", old)
    assert tracks.unfit(old, name="x") == ["track 1 (audio wmav2)"]
    for name in ("constant.mp4", "matroska.mkv", "two_sounds.mkv", "no_b_frames.mov", "silent.mp4", "broadcast.ts"):
        assert tracks.unfit(clips / name, name="x") == []
