"""The frame table: counts, times, cuts and copies, and what is said of files that cannot be used."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from media import INDEX, SOUND, X264, erase, ff, patches, picture, shown

from swapcore import video
from swapcore.errors import SwapError


@pytest.mark.parametrize(("name", "count"), [("constant.mp4", 50), ("ntsc.mp4", 60), ("one_frame.mp4", 1)])
def test_index_counts_frames(clips, name, count):
    frames, info = video.index(clips / name, name="x", **INDEX)
    assert len(frames) == count and frames.number.tolist() == list(range(count))
    assert frames.key[0] and not frames.duplicate[0] and (info.width, info.height) == (128, 96)
    if count > 1:
        assert set(np.diff(frames.pts) * info.time_base) == {1 / info.rate}


def test_index_reads_exact_rates(clips):
    _, info = video.index(clips / "ntsc.mp4", name="x", **INDEX)
    assert info.rate == Fraction(30000, 1001)


def test_index_keeps_variable_times(clips):
    frames, info = video.index(clips / "variable.mp4", name="x", **INDEX)
    kept = [n for n in range(50) if n % 5 != 2 and n % 7 != 3]
    assert [t * info.time_base * 25 for t in frames.pts.tolist()] == kept


@pytest.mark.parametrize("name", ["constant.mp4", "late.mp4"])
def test_start_and_end_count_from_the_first_frame(clips, name):
    whole, _ = video.index(clips / name, name="x", **INDEX)
    part, _ = video.index(clips / name, name="x", **{**INDEX, "start": 0.2, "end": 0.6})
    assert part.number.tolist() == list(range(5, 15)), "a frame at start is in, one at end is out"
    assert part.pts.tolist() == whole.pts[5:15].tolist()
    assert part.shot[0] == 0 and not part.duplicate[0]


def test_index_finds_cuts_and_copies(tmp_path):
    rng = np.random.default_rng(1)
    scenes = [cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (128, 96)) for _ in range(2)]
    moved = np.roll(scenes[1], 9, axis=1)
    clip = tmp_path / "cut.mp4"
    shown = [scenes[0], scenes[0], scenes[1], moved, moved]
    video.encode(clip, shown, width=128, height=96, rate=Fraction(25), crf=10, preset="veryfast")
    frames, _ = video.index(clip, name="x", **{**INDEX, "shot_threshold": 25.0})
    assert frames.shot.tolist() == [0, 0, 1, 1, 1]
    assert frames.duplicate.tolist() == [False, True, False, False, True]


def test_photos_are_a_clip(tmp_path):
    for name, (w, h) in {"b.png": (60, 40), "a.jpg": (32, 48), ".hidden.png": (500, 500)}.items():
        cv2.imwrite(str(tmp_path / name), np.full((h, w, 3), 90, np.uint8))
    frames, info = video.index(tmp_path, name="x", **INDEX)
    assert frames.name.tolist() == ["a.jpg", "b.png"] and frames.pts.tolist() == [0, 1] and info.photos
    assert (info.width, info.height, info.time_base) == (60, 40, 1)
    shapes = {number: frame.shape for number, frame in video.decode(tmp_path, frames, info, wanted={1})}
    assert shapes == {1: (40, 60, 3)}


# what is said of what cannot be used


def broken(folder, clips, case):
    path = folder / "clip.mp4"
    if case == "a folder":
        path.mkdir()
    elif case == "text":
        path.write_text("not a video\n" * 99)
    elif case == "empty":
        path.touch()
    elif case == "cut off":
        path.write_bytes((clips / "constant.mp4").read_bytes()[:9000])
    elif case == "holes":
        ff("-i", clips / "constant.mp4", "-c", "copy", "-movflags", "faststart", path)
        path.write_bytes(path.read_bytes()[:-20000])
    elif case == "half a matroska":
        ff("-i", clips / "constant.mp4", "-c", "copy", "-f", "matroska", path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    elif case == "no picture left":
        erase(clips / "constant.mp4", path, range(50))
    elif case == "woven":
        ff(*picture(), "-vf", "interlace", *X264, "-x264-params", "interlaced=1", path)
    elif case == "sound alone":
        ff(*SOUND, "-c:a", "aac", path)
    return path


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("missing", "found none"),
        ("a folder", "expected photos"),
        ("text", "expected a video"),
        ("empty", "empty file"),
        ("cut off", "cut-off"),
        ("holes", "20000 bytes are missing"),
        ("half a matroska", "are announced"),
        ("no picture left", "none of its frames can be decoded"),
        ("woven", "found interlaced ones; deinterlace it first: ffmpeg -i clip.mp4"),
        ("sound alone", "expected a stream of pictures, found audio"),
    ],
)
def test_what_cannot_be_indexed_is_named(tmp_path, clips, case, words):
    path = broken(tmp_path, clips, case)
    with pytest.raises(SwapError) as error:
        video.index(path, name="stunt", **INDEX)
    line = str(error.value)
    assert line.startswith(f"clip stunt: {path}") and words in line and "\n" not in line


def test_the_command_that_deinterlaces_works(tmp_path, clips):
    path = broken(tmp_path, clips, "woven")
    with pytest.raises(SwapError) as error:
        video.index(path, name="x", **INDEX)
    words = str(error.value).partition("ffmpeg -i clip.mp4 ")[2].replace("new.mkv", str(tmp_path / "new.mkv"))
    ff("-i", path, *words.split())
    frames, _ = video.index(tmp_path / "new.mkv", name="x", **INDEX)
    assert len(frames) == len(shown(path)[0])


def test_an_empty_range_is_named(clips):
    with pytest.raises(SwapError, match=r"clip x: .*no frame between start 7.* correct start and end"):
        video.index(clips / "constant.mp4", name="x", **{**INDEX, "start": 7.0})


def test_a_cover_picture_is_no_video(clips, tmp_path):
    still, clip = tmp_path / "cover.png", tmp_path / "clip.mp4"
    cv2.imwrite(str(still), patches(64, 64))
    words = ["-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic"]
    ff("-i", still, "-i", clips / "constant.mp4", *words, clip)
    frames, info = video.index(clip, name="x", **INDEX)
    assert len(frames) == 50 and (info.width, info.height) == (128, 96)
    assert len(list(video.decode(clip, frames, info, wanted={1, 2}))) == 2


def test_two_photos_of_one_stem_are_refused(tmp_path):
    for name in ("a.png", "a.jpg"):
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(SwapError, match="two photos are called a"):
        video.index(tmp_path, name="x", **INDEX)


def test_a_truncated_real_clip_is_named(footage):
    with pytest.raises(SwapError, match=r"clip x: .*odd_truncated.mp4: .*cut-off"):
        video.index(footage / "odd_truncated.mp4", name="x", **INDEX)
