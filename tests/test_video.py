"""Video in and out: counts, times and sound packet by packet, colours, and what is said of damaged files."""

from __future__ import annotations

import itertools
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swapcore import video
from swapcore.errors import SwapError
from swapcore.types import FrameTable
from swapcore.video.decode import RUNS, _runs
from swapcore.video.mux import decoding_times

INDEX = {"start": None, "end": None, "shot_threshold": 30.0, "duplicate_threshold": 0.05}
SOUND = ["-f", "lavfi", "-i", "aevalsrc=random(0)-0.5:d=2:s=44100"]  # noise: no two packets are alike


def ff(*words):
    subprocess.run([video.ffmpeg(), "-v", "error", "-y", *map(str, words)], check=True)


def picture(rate="25", size="128x96", seconds=2):
    return ["-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}"]


X264 = ["-c:v", "libx264", "-preset", "veryfast", "-g", "20", "-bf", "3", "-pix_fmt", "yuv420p"]
VARIABLE = ["-vf", "select='not(eq(mod(n,5),2)+eq(mod(n,7),3))'", "-fps_mode", "vfr"]
CLIPS = {  # file name -> what ffmpeg makes it from
    "constant.mp4": [*picture(), *SOUND, *X264, "-c:a", "aac"],
    "variable.mp4": [*picture(), *SOUND, *X264, *VARIABLE, "-c:a", "aac"],
    "ntsc.mp4": [*picture("30000/1001"), *SOUND, *X264, "-c:a", "aac"],
    "late.mp4": [*picture(), *SOUND, *X264, "-c:a", "aac", "-output_ts_offset", "1.5"],
    "late_ntsc.mp4": [*picture("30000/1001"), *SOUND, *X264, "-c:a", "aac", "-output_ts_offset", "0.7"],
    "silent.mp4": [*picture(), *X264],
    "matroska.mkv": [*picture("30000/1001"), *SOUND, *X264, "-c:a", "libopus"],
    "two_sounds.mkv": [*picture(), *SOUND, *X264, "-map", "0", "-map", "1", "-map", "1", "-c:a", "libmp3lame"],
    "no_b_frames.mov": [*picture(), *SOUND, *X264, "-bf", "0", "-c:a", "pcm_s16le"],
    "one_frame.mp4": [*picture(seconds=0.04), *X264],
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Folder of all CLIPS."""
    folder = tmp_path_factory.mktemp("clips")
    for name, words in CLIPS.items():
        ff(*words, folder / name)
    return folder


def packets(path, kind):
    """Per stream of the kind: (time in seconds, bytes) of each packet, in order of times."""
    with av.open(str(path)) as container:
        streams = [s for s in container.streams if s.type == kind]
        found = {s.index: [] for s in streams}
        for packet in container.demux(streams) if streams else []:
            if packet.size:
                found[packet.stream_index].append((packet.pts * packet.time_base, bytes(packet)))
    return [sorted(p, key=lambda x: x[0]) for p in found.values()]


def remade(path, folder, *, origin=False, **span):
    """Index, encode and mux a clip without changing anything; its table, its info, the new file."""
    frames, info = video.index(path, name="x", **{**INDEX, **span})
    composite, out = folder / "composite.mkv", folder / "out.mp4"
    video.encode(
        composite,
        (frame for _, frame in video.decode(path, frames, info)),
        width=info.width,
        height=info.height,
        rate=info.rate,
        crf=18,
        preset="veryfast",
    )
    begin = int(frames.pts[0]) if origin else 0
    video.mux(
        out, video=composite, frames=frames, info=info, source=path, audio=True, metadata={"own": "1"}, origin=begin
    )
    return frames, info, out


def check_remade(path, folder):
    frames, info, out = remade(path, folder)
    again, info_again = video.index(out, name="x", **INDEX)
    assert again.pts.tolist() == frames.pts.tolist()
    assert info_again.time_base == info.time_base
    with av.open(str(out)) as container:
        coded = [p for p in container.demux(video=0) if p.size]
    assert all(p.dts <= p.pts for p in coded)
    assert all(b.dts > a.dts for a, b in itertools.pairwise(coded))
    before, after = packets(path, "audio"), packets(out, "audio")
    assert [[data for _, data in s] for s in after] == [[data for _, data in s] for s in before]
    for old, new in zip(before, after, strict=True):
        assert max(abs(a - b) for (a, _), (b, _) in zip(old, new, strict=True)) < Fraction(1, 900)  # Matroska's ms


# index


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
    elif case == "damaged":
        data = bytearray((clips / "constant.mp4").read_bytes())
        data[20000:22000] = bytes(b ^ 0x5A for b in data[20000:22000])
        path.write_bytes(data)
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
        ("damaged", "can be decoded"),
        ("sound alone", "expected a stream of pictures, found audio"),
    ],
)
def test_what_cannot_be_indexed_is_named(tmp_path, clips, case, words):
    path = broken(tmp_path, clips, case)
    with pytest.raises(SwapError) as error:
        video.index(path, name="stunt", **INDEX)
    line = str(error.value)
    assert line.startswith(f"clip stunt: {path}") and words in line and "\n" not in line


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


def test_a_wrong_ffmpeg_is_named(monkeypatch, clips, tmp_path):
    monkeypatch.setenv("SWAPCORE_FFMPEG", str(tmp_path / "nowhere"))
    with pytest.raises(SwapError, match="SWAPCORE_FFMPEG"):
        video.index(clips / "constant.mp4", name="x", **INDEX)


def test_ffmpeg_comes_from_the_path_or_the_package(monkeypatch, tmp_path):
    monkeypatch.delenv("SWAPCORE_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "imageio_ffmpeg" in video.ffmpeg()
    (tmp_path / "ffmpeg").write_text("#!/bin/sh\n")
    (tmp_path / "ffmpeg").chmod(0o755)
    assert video.ffmpeg() == str(tmp_path / "ffmpeg")


# decode


def reference(path):
    """PyAV's own frames, (h, w, 3) uint8 BGR."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield (
                cv2.rotate(frame.to_ndarray(format="bgr24"), cv2.ROTATE_90_COUNTERCLOCKWISE)
                if (frame.rotation == 90)
                else frame.to_ndarray(format="bgr24")
            )


def check_decoded(path):
    frames, info = video.index(path, name="x", **INDEX)
    count = 0
    for (number, frame), expected in zip(video.decode(path, frames, info), reference(path), strict=True):
        assert number == count and frame.flags.writeable
        assert frame.shape == expected.shape
        difference = np.abs(frame.astype(int) - expected)
        assert np.median(difference) <= 1 and difference.mean() < 6, "they differ only in how chroma is enlarged"
        count += 1
    assert count == len(frames)


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


PATCHES = [(0, 0, 255), (0, 255, 0), (255, 0, 0), (255, 255, 255), (0, 0, 0), (30, 120, 200), (128, 128, 128)]


def patches(width, height):
    frame = np.zeros((height, width, 3), np.uint8)
    for k, colour in enumerate(PATCHES):
        frame[:, k * width // 7 : (k + 1) * width // 7] = colour
    return frame


def middles(frame):
    return frame[frame.shape[0] // 2, [(2 * k + 1) * frame.shape[1] // 14 for k in range(7)]].astype(int)


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


def test_deep_pictures_come_down_and_say_so(tmp_path, capsys):
    clip = tmp_path / "deep.mkv"
    ff(*picture(seconds=0.1), "-pix_fmt", "yuv420p10le", "-vf", "setparams=color_trc=smpte2084", "-c:v", "ffv1", clip)
    frames, info = video.index(clip, name="x", **INDEX)
    capsys.readouterr()
    _, frame = next(video.decode(clip, frames, info))
    said = capsys.readouterr().err
    assert frame.dtype == np.uint8 and "10-bit HDR (PQ)" in said and "8 bit" in said


# encode


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
def test_a_full_disk_is_named(tmp_path, clips):
    full = tmp_path / "x.mkv"
    full.symlink_to("/dev/full")
    noise = [np.random.default_rng(k).integers(0, 256, (64, 64, 3), np.uint8) for k in range(60)]
    with pytest.raises(SwapError, match=r"No space left.*check that the disk has space"):
        video.encode(full, noise, width=64, height=64, rate=Fraction(25), crf=20, preset="veryfast")
    frames, info, _ = remade(clips / "silent.mp4", tmp_path)
    composite = tmp_path / "composite.mkv"
    with pytest.raises(SwapError, match=r"x.mkv: cannot be written"):
        video.mux(
            full,
            video=composite,
            frames=frames,
            info=info,
            source=clips / "silent.mp4",
            audio=True,
            metadata={},
        )


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


# mux


@pytest.mark.parametrize("name", list(CLIPS))
def test_times_and_sound_are_the_sources(clips, tmp_path, name):
    check_remade(clips / name, tmp_path)


@pytest.mark.parametrize("name", ["constant.mp4", "variable.mp4", "late_ntsc.mp4", "matroska.mkv"])
@pytest.mark.parametrize("origin", [False, True])
def test_a_cut_clip_keeps_its_times_and_the_sound_of_them(clips, tmp_path, name, origin):
    frames, info, out = remade(clips / name, tmp_path, start=0.5, end=1.5, origin=origin)
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
            video=tmp_path / "composite.mkv",
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
            video=tmp_path / "composite.mkv",
            frames=frames,
            info=info,
            source=clips / "variable.mp4",
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


# real clips


@pytest.mark.parametrize("name", ["odd_vfr", "odd_2997", "odd_rotated", "odd_hdr10"])
def test_real_clips(footage, tmp_path, name):
    path = footage / f"{name}.mp4"
    check_remade(path, tmp_path)
    check_decoded(path)


def test_a_truncated_real_clip_is_named(footage):
    with pytest.raises(SwapError, match=r"clip x: .*odd_truncated.mp4: .*cut-off"):
        video.index(footage / "odd_truncated.mp4", name="x", **INDEX)
