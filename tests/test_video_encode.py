"""Frames to a file: colours, sizes, the same bytes again, and what is said where it fails."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media import INDEX, PATCHES, middles, packets, patches

from swapcore import video
from swapcore.errors import SwapError


@pytest.mark.parametrize("colour", [video.BT709, video.Colour(6, 2, 2), video.Colour(9, 9, 16)])
def test_colours_survive_encode_and_decode(tmp_path, colour):
    clip = tmp_path / "a.mkv"
    video.encode(
        clip, [patches(140, 64)] * 2, width=140, height=64, rate=Fraction(25), crf=1, preset="veryfast", colour=colour
    )
    assert video.colour(clip, name="x") == colour
    frames, info = video.index(clip, name="x", **INDEX)
    for _, frame in video.decode(clip, frames, info):
        assert np.abs(middles(frame) - PATCHES).max() <= 4


@pytest.mark.parametrize("size", [(33, 48), (48, 33), (33, 35)])
def test_odd_sizes_keep_their_size(tmp_path, size):
    width, height = size
    clip = tmp_path / "odd.mkv"
    shown = [np.full((height, width, 3), 77, np.uint8)] * 3
    assert video.encode(clip, shown, width=width, height=height, rate=Fraction(25), crf=10, preset="veryfast") == 3
    _, info = video.index(clip, name="x", **INDEX)
    assert (info.width, info.height) == size


def test_the_same_frames_give_the_same_file(tmp_path):
    shown = [np.random.default_rng(k).integers(0, 256, (32, 32, 3), np.uint8) for k in range(5)]
    files = [tmp_path / name for name in ("a.mkv", "b.mkv")]
    for file in files:
        video.encode(
            file, shown, width=32, height=32, rate=Fraction(25), crf=20, preset="veryfast", metadata={"own": 'a="1"; é'}
        )
    assert files[0].read_bytes() == files[1].read_bytes()
    assert video.read_metadata(files[0])["own"] == 'a="1"; é'


def test_an_ffmpeg_that_fails_is_quoted(tmp_path, monkeypatch):
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\necho 'Unknown encoder libx264' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("SWAPCORE_FFMPEG", str(fake))
    shown = [np.zeros((64, 64, 3), np.uint8)] * 50
    with pytest.raises(SwapError, match="Unknown encoder libx264"):
        video.encode(tmp_path / "x.mkv", shown, width=64, height=64, rate=Fraction(25), crf=20, preset="fast")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_named(tmp_path):
    full = tmp_path / "x.mkv"
    full.symlink_to("/dev/full")
    noise = [np.random.default_rng(k).integers(0, 256, (64, 64, 3), np.uint8) for k in range(60)]
    with pytest.raises(SwapError, match=r"No space left.*check that the disk has space"):
        video.encode(full, noise, width=64, height=64, rate=Fraction(25), crf=20, preset="veryfast")


def test_no_frames_are_no_video(tmp_path):
    with pytest.raises(SwapError, match="got none"):
        video.encode(tmp_path / "x.mkv", [], width=64, height=64, rate=Fraction(25), crf=20, preset="fast")


def test_sound_is_attached(tmp_path):
    clip, out = tmp_path / "v.mp4", tmp_path / "av.mp4"
    video.encode(clip, [patches(70, 32)] * 25, width=70, height=32, rate=Fraction(25), crf=20, preset="veryfast")
    samples = np.sin(np.arange(44100) * 2 * np.pi * 440 / 44100).astype(np.float32) * 0.5
    video.add_sound(out, video=clip, samples=samples, sample_rate=44100)
    assert packets(out, "video") == packets(clip, "video")
    with av.open(str(out)) as container:
        decoded = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert abs(len(decoded) - 44100) <= 2048
    spectrum = np.abs(np.fft.rfft(decoded[:44100]))
    assert abs(int(spectrum.argmax()) - 440) <= 2 and abs(decoded[2048:40000].std() - 0.5 / 2**0.5) < 0.02
