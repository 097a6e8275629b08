"""Decoded frames: the right ones, upright, in the right colours."""

from __future__ import annotations

import itertools
import subprocess
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media import INDEX, PATCHES, check_decoded, ff, middles, patches, picture

from swapcore import video
from swapcore.errors import SwapError
from swapcore.video.decode import RUNS, _runs


@pytest.mark.parametrize("name", ["constant.mp4", "variable.mp4", "late.mp4"])
def test_decode_agrees_with_pyav(clips, name):
    check_decoded(clips / name)


def test_quick_decoding_hardly_differs(footage):
    path = footage / "clip_c.mp4"
    frames, info = video.index(path, name="x", **INDEX)
    some = set(range(0, len(frames), 100))
    exact, quick = (dict(video.decode(path, frames, info, wanted=some, quick=way)) for way in (False, True))
    off = [np.abs(exact[n].astype(int) - quick[n]).mean() for n in some]
    assert exact.keys() == quick.keys() == some and 0 < max(off) < 0.1


@pytest.mark.parametrize("wanted", [{0}, {49}, {3, 4, 20}, set(), {7, 999}, None])
def test_decode_gives_what_is_wanted(clips, wanted):
    path = clips / "constant.mp4"
    frames, info = video.index(path, name="x", **{**INDEX, "start": 0.1})
    every = dict(video.decode(path, frames, info))
    found = list(video.decode(path, frames, info, wanted=wanted))
    numbers = frames.number.tolist() if wanted is None else sorted(wanted & set(frames.number.tolist()))
    assert [number for number, _ in found] == numbers
    assert all(np.array_equal(frame, every[number]) for number, frame in found)


def test_many_runs_of_frames_are_decoded(tmp_path):
    clip = tmp_path / "long.mp4"
    shown = [np.full((16, 16, 3), k % 200 + 20, np.uint8) for k in range(1000)]
    video.encode(clip, shown, width=16, height=16, rate=Fraction(25), crf=10, preset="ultrafast")
    frames, info = video.index(clip, name="x", **INDEX)
    wanted = set(range(1, 1000, 2))
    found = {number: int(frame.mean().round()) for number, frame in video.decode(clip, frames, info, wanted=wanted)}
    assert set(found) == wanted and all(abs(v - (k % 200 + 20)) <= 2 for k, v in found.items())


@given(st.sets(st.integers(0, 5000), min_size=1, max_size=900))
@settings(max_examples=60, deadline=None)
def test_runs_hold_every_number_and_stay_few(numbers):
    numbers = sorted(numbers)
    runs = _runs(numbers)
    held = [n for first, last in runs for n in range(first, last + 1)]
    assert len(runs) <= RUNS and set(numbers) <= set(held) and held == sorted(set(held))
    if sum(b - a > 1 for a, b in itertools.pairwise(numbers)) < RUNS:
        assert held == numbers


def test_a_closed_generator_ends_ffmpeg(clips, monkeypatch):
    started = []
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1])
    path = clips / "constant.mp4"
    frames, info = video.index(path, name="x", **INDEX)
    generator = video.decode(path, frames, info)
    next(generator)
    generator.close()
    assert started[-1].returncode is not None


def test_a_file_that_has_become_shorter_is_noticed(clips):
    frames, info = video.index(clips / "constant.mp4", name="x", **INDEX)
    with pytest.raises(SwapError, match=r"clip x: .*variable.mp4: expected frame 44"):
        list(video.decode(clips / "variable.mp4", frames, info, wanted={44}))


def test_rotation_is_applied(clips, tmp_path):
    turned = tmp_path / "turned.mp4"
    ff("-display_rotation", "90", "-i", clips / "silent.mp4", "-c", "copy", turned)
    frames, info = video.index(turned, name="x", **INDEX)
    assert (info.width, info.height) == (96, 128)
    _, upright = next(video.decode(turned, frames, info))
    _, lying = next(video.decode(clips / "silent.mp4", *video.index(clips / "silent.mp4", name="x", **INDEX)))
    assert np.abs(upright.astype(int) - cv2.rotate(lying, cv2.ROTATE_90_COUNTERCLOCKWISE)).mean() < 2


@pytest.mark.parametrize(
    ("space", "height"), [("bt709", 96), ("smpte170m", 96), ("bt2020nc", 96), (None, 96), (None, 720)]
)
@pytest.mark.parametrize("span", ["tv", "pc"])
def test_matrix_and_range_are_followed(tmp_path, space, span, height):
    """A clip made by ffmpeg with each matrix shows the colours that went in; untagged, its height decides."""
    still, clip = tmp_path / "still.png", tmp_path / "clip.mkv"
    cv2.imwrite(str(still), patches(140, height))
    used = {"bt2020nc": "bt2020", None: "bt709" if height == 720 else "smpte170m"}.get(space, space)
    tags = f",setparams=colorspace={space or 'unknown'}"
    scale = f"scale=out_color_matrix={used}:out_range={span}:flags=accurate_rnd+full_chroma_int,format=yuv444p{tags}"
    ff("-i", still, "-vf", scale, "-c:v", "ffv1", "-color_range", span, clip)
    frames, info = video.index(clip, name="x", **INDEX)
    _, frame = next(video.decode(clip, frames, info))
    assert np.abs(middles(frame) - PATCHES).max() <= 3


def test_hdr_comes_down_to_the_look_of_a_screen(tmp_path):
    """A white sheet of 203 cd/m2 is near white, grey of a tenth of its light as dark as on a screen."""
    clip = tmp_path / "deep.mkv"
    levels = [round(64 + 876 * code) for code in (0.5807, 0.3675)]  # PQ (SMPTE ST 2084) of 203 and 20.3 cd/m2, 10 bit
    flat = "geq=lum='if(lt(X,64),{},{})':cb=512:cr=512".format(*levels)
    deep = f"format=yuv420p10le,{flat},setparams=color_trc=smpte2084:colorspace=bt2020nc"
    ff(*picture(seconds=0.1), "-vf", deep, "-c:v", "ffv1", clip)
    frames, info = video.index(clip, name="x", **INDEX)
    _, frame = next(video.decode(clip, frames, info))
    assert frame.dtype == np.uint8
    assert 220 < frame[48, 32].mean() < 240 and 80 < frame[48, 96].mean() < 95


@pytest.mark.parametrize("name", ["odd_vfr", "odd_2997", "odd_rotated", "odd_hdr10"])
def test_real_clips_are_decoded(footage, name):
    check_decoded(footage / f"{name}.mp4")
