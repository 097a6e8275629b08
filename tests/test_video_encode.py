"""Frames to a file: colours, sizes, the same bytes again, and what is said where it fails."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import get_args

import av
import numpy as np
import pytest
from media import INDEX, PATCHES, middles, packets, patches

from swapcore import video
from swapcore.config import compositing
from swapcore.errors import SwapError
from swapcore.video import codecs


@pytest.mark.parametrize("colour", [video.BT709, video.Colour(6, 2, 2), video.Colour(9, 9, 14)])
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


# pictures in the source's own format


def film(layout, count=3, seed=0):
    """Pictures of one layout: soft shapes that move, with grain in every sample."""
    noise = np.random.default_rng(seed)
    for n in range(count):
        y, x = np.mgrid[: layout.height, : layout.width]
        shapes = np.stack([np.sin((x + 3 * n) / 9 + k) * np.cos(y / 7 - k) for k in range(3)], -1) * 0.4 + 0.5
        grain = noise.normal(0, 0.02, shapes.shape)
        yield video.from_bgr(np.clip(shapes + grain, 0, 1).astype(np.float32), layout)


FILM = {"rate": Fraction(25), "preset": "ultrafast"}


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    "pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le", "yuv420p12le"]
)
def test_a_lossless_encoder_gives_every_sample_back(tmp_path, pix_fmt, full):
    layout = video.Layout(64, 48, pix_fmt, full_range=full)
    shown = list(film(layout))
    clip = tmp_path / "a.mkv"
    assert video.encode_pictures(clip, shown, layout=layout, crf=0, **FILM) == 3
    assert video.layout(clip, name="x").pix_fmt == pix_fmt and video.layout(clip, name="x").full_range == full
    frames, info = video.index(clip, name="x", **INDEX)
    back = video.decode_pictures(clip, frames, info, layout)
    for one, (_, again) in zip(shown, back, strict=True):
        np.testing.assert_array_equal(again.data, one.data)


DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
TAGGED = {
    "full": {"matrix": 5, "primaries": 5, "transfer": 6, "full_range": True},
    "anamorphic": {"sar": Fraction(16, 11)},
    "HDR without metadata": {"pix_fmt": "yuv420p10le", "matrix": 9, "primaries": 9, "transfer": 16},
    "HLG": {"pix_fmt": "yuv420p10le", "matrix": 9, "primaries": 9, "transfer": 18},
    "HDR10": {
        "pix_fmt": "yuv422p10le",
        "matrix": 9,
        "primaries": 9,
        "transfer": 16,
        "master_display": DISPLAY,
        "max_cll": "1000,400",
    },
}


@pytest.mark.parametrize("name", TAGGED)
def test_tags_survive_encoding_and_the_finished_file(tmp_path, name):
    layout = video.Layout(64, 48, **{"pix_fmt": "yuv420p", "primaries": 1, "transfer": 1, **TAGGED[name]})
    clip, out = tmp_path / "a.mkv", tmp_path / "a.mp4"
    video.encode_pictures(clip, film(layout), layout=layout, crf=20, **FILM)
    assert video.layout(clip, name="x") == layout
    frames, info = video.index(clip, name="x", **INDEX)
    video.mux(out, videos=[clip], frames=frames, info=info, source=clip, audio=False, metadata={})
    assert video.layout(out, name="x") == layout
    with av.open(str(out)) as container:
        codec = container.streams.video[0].codec_context
        assert codec.codec_tag == {"h264": "avc1", "hevc": "hvc1"}[codec.name]
    shape = b"".join(part.to_bytes(4, "big") for part in layout.sar.as_integer_ratio())
    assert layout.sar == 1 or b"pasp" + shape in out.read_bytes(), "the container says so too"


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_what_a_decoder_needs_does_not_tell_the_machine(tmp_path, codec):
    """Else parts of a long video, made on machines that differ, would not fit together."""
    layout = video.Layout(64, 48, "yuv420p", primaries=1, transfer=1, matrix=1)
    video.encode_pictures(tmp_path / "a.mkv", film(layout), layout=layout, crf=20, codec=codec, **FILM)
    with av.open(str(tmp_path / "a.mkv")) as container:
        head = container.streams.video[0].codec_context.extradata
    assert head and b"thread" not in head and b"cpuid" not in head and b"options" not in head


def test_rgb_is_delivered_as_players_expect_it(tmp_path, capsys):
    layout = video.Layout(140, 64, "gbrp", matrix=0, full_range=True)
    clip = tmp_path / "a.mkv"
    video.encode_pictures(clip, [video.from_bgr(patches(140, 64), layout)] * 2, layout=layout, crf=1, **FILM)
    found = video.layout(clip, name="x")
    assert (found.pix_fmt, found.matrix, found.full_range) == ("yuv420p", 1, False)
    assert "gbrp is written as yuv420p" in capsys.readouterr().err
    frames, info = video.index(clip, name="x", **INDEX)
    for _, frame in video.decode(clip, frames, info):
        assert np.abs(middles(frame) - PATCHES).max() <= 4


@pytest.mark.parametrize("codec", ["h264_nvenc", "hevc_qsv", "h264_vaapi", "hevc_videotoolbox"])
def test_hardware_that_is_missing_is_one_line(tmp_path, codec):
    """Such a device may be there: then it encodes, and the file is what was asked for."""
    layout = video.Layout(256, 256, "yuv420p")
    clip = tmp_path / "a.mkv"
    try:
        video.encode_pictures(clip, film(layout, count=2), layout=layout, codec=codec, crf=20, **FILM)
    except SwapError as error:
        assert "\n" not in str(error) and f"that ffmpeg has {codec} and the device" in str(error)
    else:
        with av.open(str(clip)) as container:
            assert container.streams.video[0].codec_context.name == codec.split("_")[0]


# what a codec is given


KINDS = ["yuv420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuv410p", "gbrp", "gray"]


@pytest.mark.parametrize("codec", video.CODECS)
@pytest.mark.parametrize("pix_fmt", [k + d for k in KINDS for d in ("", "10le", "12le", "16le")])
def test_every_codec_is_given_what_it_takes(codec, pix_fmt):
    even = codecs.delivered(video.Layout(64, 48, pix_fmt, full_range=True), codec)
    takes = video.CODECS[codec].pix_fmts
    assert even.pix_fmt in takes
    if pix_fmt in takes:
        assert even.pix_fmt == pix_fmt, "what it takes is not changed"
    try:
        odd = codecs.delivered(video.Layout(63, 47, pix_fmt), codec)
    except SwapError as error:
        assert "63x47" in str(error) and not any("444" in name for name in takes)
    else:
        assert odd.shift == (0, 0) and odd.pix_fmt in takes


def test_nothing_is_lost_that_a_codec_can_keep():
    given = lambda pix_fmt, codec: codecs.delivered(video.Layout(64, 48, pix_fmt), codec).pix_fmt  # noqa: E731
    assert given("yuv422p10le", "libx265") == "yuv422p10le"
    assert given("yuv422p", "h264_nvenc") == "yuv444p", "finer, not coarser"
    assert given("yuv420p10le", "libx264") == "yuv420p10le"
    assert given("yuv420p9le", "libx264") == "yuv420p10le", "deeper, not less deep"
    assert given("yuv444p12le", "libx264") == "yuv444p10le"
    assert given("gbrp16le", "libx265") == "yuv420p10le", "what players can show"
    assert codecs.chosen("auto", video.Layout(64, 48, "yuv420p")) == "libx264"
    assert codecs.chosen("auto", video.Layout(64, 48, "yuv420p", transfer=18)) == "libx265"
    assert codecs.chosen("auto", video.Layout(64, 48, "yuv422p10le")) == "libx265"


@pytest.mark.parametrize("codec", video.CODECS)
@pytest.mark.parametrize("preset", ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"])
def test_every_codec_knows_every_preset(codec, preset):
    options = video.CODECS[codec].options(18, preset, video.Layout(64, 48, "yuv420p"))
    assert options and all(isinstance(value, (int, str)) for value in options.values())


def test_settings_name_every_codec():
    assert set(get_args(compositing.Encoder.model_fields["codec"].annotation)) == {"auto", *video.CODECS}
