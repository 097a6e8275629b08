"""Where decoding begins when a few frames of a long clip are wanted."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swapcore import video
from swapcore.types import FrameTable
from swapcore.video import seek


def table(count, keys, first=0):
    number = np.arange(first, first + count)
    return FrameTable(
        number=number,
        pts=number * 512,
        key=np.isin(np.arange(count), keys),
        shot=np.zeros(count),
        duplicate=np.zeros(count),
        decoded=np.arange(count),
        damaged=np.zeros(count, bool),
        name=np.full(count, "", object),
    )


def test_a_stretch_begins_at_the_key_frame_before_what_is_wanted():
    found = seek.stretches(table(2000, range(0, 2000, 250)), np.array([3, 700, 705, 749, 755, 1999]))
    assert [(s.begin, s.rows.tolist()) for s in found] == [(None, [3]), (500, [700, 705, 749, 755]), (1750, [1999])]


def test_near_frames_and_clips_without_key_frames_are_read_from_the_beginning():
    assert [s.begin for s in seek.stretches(table(2000, [0]), np.array([3, 1999]))] == [None]
    assert [s.begin for s in seek.stretches(table(200, range(0, 200, 10)), np.arange(200))] == [None]
    assert seek.stretches(table(200, [0]), np.array([], int)) == []


def test_a_clip_cut_at_its_front_begins_at_its_first_key_frame():
    assert [s.begin for s in seek.stretches(table(50, [5, 30], first=1000), np.array([2, 9]))] == [None]
    assert [s.begin for s in seek.stretches(table(50, [5, 30], first=1000), np.array([9]))] == [5]


@given(st.integers(1, 900), st.sets(st.integers(0, 899)), st.sets(st.integers(0, 899)), st.integers(0, 500))
def test_stretches_hold_every_wanted_frame_once_after_a_key_frame(count, keys, wanted, first):
    rows = np.array(sorted(w for w in wanted if w < count), int)
    frames = table(count, sorted(keys), first)
    found = seek.stretches(frames, rows)
    assert np.array_equal(np.concatenate([s.rows for s in found] or [rows]), rows)
    for k, stretch in enumerate(found):
        if stretch.begin is None:
            assert k == 0
        else:
            assert frames.key[stretch.begin] and stretch.begin <= stretch.rows[0]
            assert not frames.key[stretch.begin + 1 : stretch.rows[0] + 1].any()


X264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "30")
OPEN = (*X264, "-x264-params", "open-gop=1:bframes=4:b-adapt=0")
FILES = {  # file name -> rate, how it is encoded
    "b.mp4": ("30000/1001", X264),
    "open.mp4": ("30000/1001", OPEN),
    "late.mp4": ("30000/1001", (*X264, "-output_ts_offset", "7.3")),
    "uneven.mp4": ("30000/1001", (*X264, "-vf", "select='mod(n\\,3)+not(mod(n\\,7))'", "-fps_mode", "vfr")),
    "open.ts": ("25", OPEN),  # which begins behind the key frame that it is asked for
    "slow.ts": ("5", OPEN),
    "slow.mkv": ("5", OPEN),
    "b.mkv": ("30000/1001", X264),
    "b.avi": ("30000/1001", ("-c:v", "mpeg4", "-g", "30")),
    "b.mpg": ("30000/1001", ("-c:v", "mpeg2video", "-g", "15", "-bf", "2", "-b:v", "2M")),
}


@pytest.mark.parametrize("name", FILES)
def test_frames_sought_are_those_of_the_whole_decode(name, tmp_path, monkeypatch):
    path, (rate, words) = tmp_path / name, FILES[name]
    source = ("-f", "lavfi", "-i", f"testsrc2=s=96x64:r={rate}:d=40", "-frames:v", "180")
    command = [video.ffmpeg(), "-nostdin", "-loglevel", "error", *source, *words, "-threads", "1", str(path)]
    subprocess.run(command, check=True)
    frames, info = video.index(path, name="x", start=None, end=None, shot_threshold=30, duplicate_threshold=0.05)
    layout = video.layout(path, name="x")
    whole = [picture.data for _, picture in video.decode_pictures(path, frames, info, layout)]
    monkeypatch.setattr(seek, "WORTH", 5)
    begun = []
    monkeypatch.setattr(seek, "options", lambda seconds, real=seek.options: begun.append(seconds) or real(seconds))
    few = {int(n) for n in np.array([0.05, 0.4, 0.41, 0.97]) * len(frames)}
    for wanted in (few, *(set(range(n, n + 25)) for n in range(44, 140, 41))):
        found = {n: p.data for n, p in video.decode_pictures(path, frames, info, layout, wanted=wanted)}
        assert set(found) == wanted and all(np.array_equal(found[n], whole[n]) for n in wanted)
    assert begun


def test_a_table_whose_times_are_not_the_files_is_read_from_the_beginning(tmp_path, monkeypatch):
    path = tmp_path / "v.mp4"
    source = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=4")
    subprocess.run([video.ffmpeg(), "-loglevel", "error", *source, *X264, str(path)], check=True)
    frames, info = video.index(path, name="x", start=None, end=None, shot_threshold=30, duplicate_threshold=0.05)
    moved = FrameTable(**{**frames.columns(), "pts": frames.pts + 7})
    monkeypatch.setattr(seek, "WORTH", 5)
    ((number, found),) = video.decode(path, moved, info, wanted={70})
    ((_, expected),) = video.decode(path, video.made(frames), info, wanted={70})  # of which no frame is a key frame
    assert number == 70 and np.array_equal(found, expected)
