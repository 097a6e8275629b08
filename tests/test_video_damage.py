"""Damaged files: every packet stays a frame, what is wrong is known, and the finished video has every frame and time."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from media import INDEX, SOUND, X264, check_remade, erase, ff, picture, remade, shown

from swapcore import video
from swapcore.errors import SwapError
from swapcore.video import damage

# packets that are erased, in the order of decoding; the frames that have no picture then
ERASED = {"one": [13], "some": [13, 14, 27], "first": [0], "a key frame": [20], "last": [49], "half": range(10, 35)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Clips of 50 frames with a key frame every 20: "b.mp4" with B-frames, "plain.mp4" without, of which errors are seen."""
    folder = tmp_path_factory.mktemp("whole")
    ff(*picture(), *SOUND, *X264, "-sc_threshold", "0", "-c:a", "aac", folder / "b.mp4")
    plain = ["-c:v", "libx264", "-profile:v", "baseline", "-g", "20", "-sc_threshold", "0", "-pix_fmt", "yuv420p"]
    ff(*picture(), *SOUND, *plain, "-c:a", "aac", folder / "plain.mp4")
    return folder


def times(clip, places):
    """pts of packets, counted in the order of decoding."""
    with av.open(str(clip)) as container:
        found = [p.pts for p in container.demux(video=0) if p.size]
    return {found[k] for k in places}


@pytest.mark.parametrize("case", ERASED)
@pytest.mark.parametrize("name", ["b.mp4", "plain.mp4"])
def test_every_frame_is_handed_on_at_its_time(whole, tmp_path, capsys, name, case):
    clip = tmp_path / "clip.mp4"
    erase(whole / name, clip, ERASED[case])
    frames, info = video.index(clip, name="x", **INDEX)
    told = capsys.readouterr().err
    assert frames.pts.tolist() == shown(whole / name)[0] and len(frames) == 50
    lost = set(frames.pts[frames.decoded < 0].tolist())
    assert times(clip, ERASED[case]) <= lost <= set(frames.pts[frames.damaged].tolist())
    assert f"{int(frames.damaged.sum())} frames of 50" in told or "1 frame of 50" in told
    assert f"{len(lost)} without a picture" in told
    handed = list(video.decode(clip, frames, info))
    assert [number for number, _ in handed] == list(range(50))
    source = damage.shown(frames)
    for row in np.flatnonzero(frames.decoded < 0):
        assert np.array_equal(handed[row][1], handed[source[row]][1]), "the picture of another is shown"
    capsys.readouterr()
    check_remade(clip, tmp_path)


def test_frames_before_and_behind_the_damage_are_as_they_were(whole, tmp_path):
    clip = tmp_path / "clip.mp4"
    erase(whole / "plain.mp4", clip, [25])
    frames, info = video.index(clip, name="x", **INDEX)
    assert np.flatnonzero(frames.decoded < 0).tolist() == [25]
    assert np.flatnonzero(frames.damaged).tolist() == list(range(25, 40)), "until the next key frame"
    good = dict(video.decode(whole / "plain.mp4", *video.index(whole / "plain.mp4", name="x", **INDEX)))
    for number, frame in video.decode(clip, frames, info):
        if not frames.damaged[number]:
            assert np.array_equal(frame, good[number])
        if number == 25:
            assert np.array_equal(frame, good[24]), "the one before is shown"


def test_errors_that_the_decoder_conceals_are_known(whole, tmp_path, capsys):
    clip = tmp_path / "clip.mp4"
    erase(whole / "plain.mp4", clip, [25], flip=40)
    frames, _ = video.index(clip, name="x", **INDEX)
    assert (frames.decoded == np.arange(50)).all() and np.flatnonzero(frames.damaged).tolist() == list(range(25, 40))
    assert "15 frames of 50 may show damage, at 1.00 to 1.56 s. Their faces" in capsys.readouterr().err
    check_remade(clip, tmp_path)


@pytest.mark.parametrize("wanted", [{13}, {14}, {12, 13, 14}, {40}, {0, 49}, set(range(10, 30))])
def test_single_frames_of_a_damaged_clip_are_the_same(whole, tmp_path, wanted):
    clip = tmp_path / "clip.mp4"
    erase(whole / "plain.mp4", clip, [13, 14, 27])
    frames, info = video.index(clip, name="x", **INDEX)
    every = dict(video.decode(clip, frames, info))
    layout = video.layout(clip, name="x")
    pictures = dict(video.decode_pictures(clip, frames, info, layout))
    assert list(pictures) == list(every)
    found = dict(video.decode(clip, frames, info, wanted=wanted))
    assert set(found) == wanted and all(np.array_equal(found[n], every[n]) for n in wanted)


def test_each_array_is_its_own(whole, tmp_path):
    clip = tmp_path / "clip.mp4"
    erase(whole / "plain.mp4", clip, [13, 14])
    frames, info = video.index(clip, name="x", **INDEX)
    every = [frame.copy() for _, frame in video.decode(clip, frames, info)]
    for (_, frame), before in zip(video.decode(clip, frames, info), every, strict=True):
        assert np.array_equal(frame, before) and frame.flags.writeable
        frame[:] = 0  # what a user does with a frame does not reach the next


def test_a_cut_that_begins_in_the_damage_shows_the_next_picture(whole, tmp_path):
    clip = tmp_path / "clip.mp4"
    erase(whole / "plain.mp4", clip, [10, 11])
    frames, info, out = remade(clip, tmp_path, start=0.4, end=1.0, origin=True)
    assert frames.number[0] == 10 and frames.decoded[:3].tolist() == [-1, -1, 10]
    first, second, third = (f for _, f in video.decode(clip, frames, info, wanted={10, 11, 12}))
    assert np.array_equal(first, third) and np.array_equal(second, third)
    assert len(shown(out)[0]) == 15
    with pytest.raises(SwapError, match=r"none of its 2 frames can be decoded"):
        video.index(clip, name="x", **{**INDEX, "start": 0.4, "end": 0.48})


def test_a_recording_that_begins_in_the_middle_is_taken(whole, tmp_path):
    stream = tmp_path / "part.ts"
    ff("-i", whole / "plain.mp4", "-c", "copy", "-f", "mpegts", stream)
    data = stream.read_bytes()
    stream.write_bytes(data[188 * (len(data) // 188 // 4) :])
    frames, info = video.index(stream, name="x", **INDEX)
    assert frames.decoded[0] == -1 and frames.decoded[-1] >= 0
    assert len(list(video.decode(stream, frames, info))) == len(frames)


def test_whole_files_are_not_damaged(clips):
    for name in ("constant.mp4", "edited.mp4", "broadcast.ts", "ntsc.avi"):
        frames, info = video.index(clips / name, name="x", **INDEX)
        assert not frames.damaged.any() and frames.decoded.tolist() == list(range(len(frames)))
        assert damage.line(frames, info.time_base) == ""


# the functions


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_what_is_claimed_rises(packets):
    pts = np.arange(len(packets)) * 3
    seen = [int(t) for t, (there, _) in zip(pts, packets, strict=True) if there]
    decoded = damage.claimed(pts, seen)
    assert [k for k in decoded if k >= 0] == list(range(len(seen)))
    assert pts[decoded >= 0].tolist() == seen


def test_pictures_that_no_packet_claims_are_passed_over():
    pts = np.array([0, 10, 20, 30, 40])
    assert damage.claimed(pts, [0, 10, 5, 40]).tolist() == [0, 1, -1, -1, 3]
    assert damage.claimed(pts, [None, 10, 10, 30]).tolist() == [-1, 1, -1, 3, -1]
    assert damage.claimed(pts, [1, 11, 21, 31, 41]).tolist() == [0, 1, 2, 3, 4], "as many as packets"


def test_damage_reaches_the_next_key_frame_and_what_is_shown_before_it():
    pts = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    key = [t in (0, 6) for t in pts]
    assert damage.spread(pts, key, {3}) == {3, 1, 2, 4, 5}
    assert damage.spread(pts, key, {6}) == {6, 4, 5, 9, 7, 8}
    assert damage.spread(pts, key, set()) == set()


def test_a_line_names_few_stretches(clips):
    frames, info = video.index(clips / "constant.mp4", name="x", **INDEX)
    marked = frames.number % 3 == 0
    frames = type(frames)(**{**frames.columns(), "damaged": marked})
    line = damage.line(frames, Fraction(1, 25) * 25 * info.time_base)
    assert "17 frames of 50" in line and "and 9 more stretches" in line and "without" not in line
