"""The finished file: times and sound packet by packet, and what the video says of itself."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media import CLIPS, COPIES, INDEX, SOUND, check_remade, ff, packets, picture, remade

from swapcore import video
from swapcore.errors import SwapError
from swapcore.types import FrameTable
from swapcore.video.mux import decoding_times


@pytest.mark.parametrize("name", [*CLIPS, *COPIES, "shortened.mp4"])
def test_times_and_sound_are_the_sources(clips, tmp_path, name):
    check_remade(clips / name, tmp_path)


CUT = ["constant.mp4", "variable.mp4", "late_ntsc.mp4", "matroska.mkv", "edited.mp4", "delayed.mp4", "broadcast.ts"]


@pytest.mark.parametrize("name", CUT)
@pytest.mark.parametrize("origin", [False, True])
def test_a_cut_clip_keeps_its_times_and_the_sound_of_them(clips, tmp_path, name, origin):
    frames, info, out = remade(clips / name, tmp_path, start=0.5, end=1.2, origin=origin)
    moved = int(frames.pts[0]) if origin else 0
    again, _ = video.index(out, name="x", **INDEX)
    assert again.pts.tolist() == (frames.pts - moved).tolist()
    (before,), (after,) = packets(clips / name, "audio"), packets(out, "audio")
    where = {data: time for time, data in before}
    drift = [time + moved * info.time_base - where[data] for time, data in after]
    assert max(map(abs, drift)) < Fraction(1, 400), "sound and picture stay together"
    whole, _ = video.index(clips / name, name="x", **INDEX)
    begin = int(frames.pts[0]) * info.time_base
    end = int(whole.pts[whole.pts > frames.pts[-1]][0]) * info.time_base  # the last frame is shown until then
    kept = [where[data] for _, data in after]
    length = Fraction(1024, 44100)
    assert begin - length <= kept[0] <= begin + length and end - 2 * length <= kept[-1] < end + length


def test_own_metadata_survives_and_the_sources_goes(clips, tmp_path):
    tagged = tmp_path / "tagged.mp4"
    ff("-i", clips / "silent.mp4", "-c", "copy", "-metadata", "title=secret place", tagged)
    _, _, out = remade(tagged, tmp_path)
    found = video.read_metadata(out)
    assert found["own"] == "1" and "secret" not in str(found)
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "the index stands in front"


def test_the_digest_of_the_picture_survives_muxing(clips, tmp_path):
    _, _, out = remade(clips / "constant.mp4", tmp_path)
    assert video.content_digest(out) == video.content_digest(tmp_path / "composite.mkv")
    assert video.content_digest(out) != video.content_digest(clips / "constant.mp4")


def test_sound_that_mp4_cannot_hold_is_named(tmp_path):
    clip = tmp_path / "old.wmv"
    ff(*picture(), *SOUND, "-c:v", "wmv2", "-c:a", "wmav2", clip)
    with pytest.raises(SwapError, match=r"clip x: .*cannot hold its sound \(wmav2.*convert the sound"):
        remade(clip, tmp_path)


def test_a_composite_of_another_length_is_refused(clips, tmp_path):
    frames, info, _ = remade(clips / "silent.mp4", tmp_path)
    fewer = frames.select(slice(0, 40))
    with pytest.raises(SwapError, match="expected 40 frames, found 50"):
        video.mux(
            tmp_path / "y.mp4",
            videos=[tmp_path / "composite.mkv"],
            frames=fewer,
            info=info,
            source=clips / "silent.mp4",
            audio=True,
            metadata={},
        )


def test_a_table_of_another_file_is_refused(clips, tmp_path):
    frames, info, _ = remade(clips / "silent.mp4", tmp_path)
    with pytest.raises(SwapError, match="the file has changed"):
        video.mux(
            tmp_path / "y.mp4",
            videos=[tmp_path / "composite.mkv"],
            frames=frames,
            info=info,
            source=clips / "variable.mp4",
            audio=True,
            metadata={},
        )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_named(tmp_path, clips):
    full = tmp_path / "x.mkv"
    full.symlink_to("/dev/full")
    frames, info, _ = remade(clips / "silent.mp4", tmp_path)
    composite = tmp_path / "composite.mkv"
    with pytest.raises(SwapError, match=r"x.mkv: cannot be written"):
        video.mux(
            full,
            videos=[composite],
            frames=frames,
            info=info,
            source=clips / "silent.mp4",
            audio=True,
            metadata={},
        )


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=40), st.randoms())
@settings(max_examples=100, deadline=None)
def test_decoding_times_rise_and_are_never_late(gaps, random):
    pts = np.cumsum(gaps)
    order = list(range(len(pts)))
    for at in range(0, len(order), 4):  # reorder within groups, as B-frames do
        group = order[at : at + 4]
        random.shuffle(group)
        order[at : at + 4] = group
    rank = np.array(order)
    dts = decoding_times(pts, rank, step=1)
    assert (np.diff(dts) > 0).all() and (dts <= pts[rank]).all()


def test_the_table_of_a_made_file_counts_anew(clips):
    frames, _ = video.index(clips / "constant.mp4", name="x", **{**INDEX, "start": 1.0})
    anew = video.made(frames)
    assert isinstance(anew, FrameTable) and anew.number.tolist() == list(range(25))
    assert anew.pts.tolist() == frames.pts.tolist()


@pytest.mark.parametrize("name", ["odd_vfr", "odd_2997", "odd_rotated", "odd_hdr10"])
def test_real_clips_keep_times_and_sound(footage, tmp_path, name):
    check_remade(footage / f"{name}.mp4", tmp_path)
