"""Image sequences: numbered images that are a clip."""

from __future__ import annotations

import argparse
import importlib
import json
import re
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media import INDEX, packets
from toy import Toy

from swapcore import store, studio, video
from swapcore.errors import SwapError
from swapcore.types import FaceSet, FrameTable
from swapcore.video import sequence

RATE = Fraction(24000, 1001)
KINDS = {  # suffix and depth -> how far a sample may be off
    ("png", 8): 0,
    ("png", 16): 0,
    ("tif", 8): 0,
    ("tiff", 16): 0,
    ("bmp", 8): 0,
    ("jpg", 8): 15,
}


def image(k, bits=8, size=(64, 48)):
    """Smooth colours that differ from image to image."""
    small = np.random.default_rng(k).integers(0, 256, (3, 4, 3)).astype(np.float32) / 255
    shown = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
    return np.rint(shown * ((1 << bits) - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def wrote(folder, numbers, suffix="png", bits=8, name="shot_v2.{}"):
    folder.mkdir(exist_ok=True)
    for number in numbers:
        assert cv2.imwrite(str(folder / f"{name.format(number)}.{suffix}"), image(int(number), bits))
    return folder


def indexed(folder, rate=RATE, **span):
    return video.index(folder, name="x", rate=rate, **{**INDEX, **span})


def refused(folder, **span):
    with pytest.raises(SwapError) as caught:
        indexed(folder, **span)
    assert str(folder) in str(caught.value)
    return str(caught.value)


# names and times


def test_images_come_by_their_numbers(tmp_path):
    frames, info = indexed(wrote(tmp_path / "s", range(1, 12)))
    assert frames.name.tolist() == [f"shot_v2.{k}.png" for k in range(1, 12)]
    assert frames.number.tolist() == list(range(1, 12)) and frames.pts.tolist() == list(range(11)) and frames.key.all()
    assert (info.time_base, info.rate, info.width, info.height) == (1 / RATE, RATE, 64, 48) and not info.photos


def test_missing_numbers_are_said_and_what_follows_stays_in_its_time(tmp_path, capsys):
    frames, _ = indexed(wrote(tmp_path / "s", ["1001", "1002", "1004", "1009"]))
    assert frames.number.tolist() == [1001, 1002, 1004, 1009] and frames.pts.tolist() == [0, 1, 3, 8]
    said = [line for line in capsys.readouterr().err.splitlines() if "no images" in line]
    assert (
        len(said) == 1 and "no images with the numbers 1003, 1005 to 1008; the ones before are shown longer" in said[0]
    )


@settings(deadline=None)
@given(st.sets(st.integers(0, 10**6), min_size=1, max_size=30))
def test_what_is_missing_is_told_in_a_line(numbers):
    numbers = sorted(numbers)
    told = sequence.missing(np.array(numbers))
    assert (told == "") == (numbers == list(range(numbers[0], numbers[-1] + 1)))
    assert len(told) < 250 and "\n" not in told


@pytest.mark.parametrize(
    ("start", "end", "pts"),
    [(None, None, [0, 1, 2, 5, 6]), (0.1, None, [1, 2, 5, 6]), (None, 0.5, [0, 1, 2]), (0.2, 0.6, [2, 5])],
)
def test_start_and_end_cut_by_time(tmp_path, start, end, pts):
    folder = wrote(tmp_path / "s", [10, 11, 12, 15, 16])
    frames, _ = indexed(folder, rate=Fraction(10), start=start, end=end)
    assert frames.pts.tolist() == pts and frames.number.tolist() == [10 + time for time in pts]
    assert frames.shot[0] == 0 and not frames.duplicate[0]


def test_an_empty_cut_is_one_line(tmp_path):
    folder = wrote(tmp_path / "s", range(5))
    assert "no image between start 3.0 s and end of the sequence, its last is at 0.167 s" in refused(folder, start=3.0)


def test_shots_and_copies_are_found(tmp_path):
    folder = wrote(tmp_path / "s", [1])
    dark, light = np.full((48, 64, 3), 40, np.uint16) * 257, np.full((48, 64, 3), 200, np.uint16) * 257
    for k, one in enumerate([dark, dark + 600, dark + 600, light, light + 700], 1):
        cv2.imwrite(str(folder / f"shot_v2.{k}.png"), one)
    frames, _ = indexed(folder)
    assert frames.shot.tolist() == [0, 0, 0, 1, 1] and frames.duplicate.tolist() == [False, False, True, False, False]


# what is no sequence


def test_two_sequences_in_a_folder_are_refused(tmp_path):
    wrote(tmp_path / "s", [1, 2], name="a.{}")
    wrote(tmp_path / "s", [3, 4], name="b.{}")
    assert "expected one sequence, found a.1.png and b.3.png; put each into a folder of its own" in refused(
        tmp_path / "s"
    )


def test_a_number_twice_is_refused(tmp_path):
    wrote(tmp_path / "s", ["7"])
    wrote(tmp_path / "s", ["007"], suffix="tif")
    assert "have the same number; keep one" in refused(tmp_path / "s")


def test_images_without_numbers_are_photos(tmp_path):
    cv2.imwrite(str(tmp_path / "poster.png"), image(1))
    assert "expected a number in the name of every image of a sequence, found poster.png" in refused(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "shot.0001.exr").write_bytes(b"v/1\1")
    assert "expected images (.jpg, .jpeg, .png" in refused(tmp_path)


def test_another_size_or_depth_is_named(tmp_path):
    folder = wrote(tmp_path / "s", range(3))
    cv2.imwrite(str(folder / "shot_v2.1.png"), image(1, size=(60, 48)))
    assert "shot_v2.1.png: expected 64x48 of 8 bit, as the sequence has, found 60x48 of 8 bit" in refused(folder)
    cv2.imwrite(str(folder / "shot_v2.1.png"), image(1, bits=16))
    assert "found 64x48 of 16 bit; make all images alike" in refused(folder)
    cv2.imwrite(str(folder / "shot_v2.1.png"), image(1))
    assert len(indexed(folder)[0]) == 3


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
def test_a_half_written_image_is_named(tmp_path, suffix):
    folder = wrote(tmp_path / "s", range(3), suffix)
    path = folder / f"shot_v2.2.{suffix}"
    path.write_bytes(path.read_bytes()[:-200])
    assert f"shot_v2.2.{suffix}: expected a picture that OpenCV reads" in refused(folder)


def test_floating_point_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.1.tif"), image(1).astype(np.float32))
    assert "expected 8 or 16 bit a sample, found float32; convert" in refused(tmp_path)


# pictures


@pytest.mark.parametrize(("suffix", "bits"), KINDS)
def test_pictures_are_those_of_the_files(tmp_path, suffix, bits):
    folder = wrote(tmp_path / "s", range(8, 12), suffix, bits)
    frames, info = indexed(folder)
    layout = video.layout(folder, name="x")
    assert (layout.pix_fmt, layout.width, layout.height) == ("gbrp" if bits == 8 else "gbrp16le", 64, 48)
    shown = dict(video.decode(folder, frames, info))
    whole = dict(video.decode_pictures(folder, frames, info, layout))
    assert list(shown) == list(whole) == [8, 9, 10, 11]
    for number, picture in whole.items():
        green, blue, red = picture.planes
        expected = image(number, bits)
        off = np.abs(np.dstack([blue, green, red]).astype(int) - expected)
        assert green.dtype == expected.dtype and off.max() <= KINDS[suffix, bits]
        assert np.abs(shown[number] - expected / ((1 << bits) - 1) * 255).max() <= KINDS[suffix, bits] + 0.51
        assert shown[number].dtype == np.uint8 and np.abs(video.to_bgr(picture) - shown[number] / 255).max() < 0.003


def test_wanted_images_alone_are_read(tmp_path):
    folder = wrote(tmp_path / "s", range(5))
    frames, info = indexed(folder)
    (folder / "shot_v2.0.png").unlink()
    layout = video.layout(folder, name="x")
    assert [n for n, _ in video.decode(folder, frames, info, wanted={3, 1})] == [1, 3]
    assert [n for n, _ in video.decode_pictures(folder, frames, info, layout, wanted={4})] == [4]


def test_transparency_is_left_out_and_grey_is_colour(tmp_path):
    rgba = np.dstack([image(1, 16), np.full((48, 64), 30_000, np.uint16)])
    cv2.imwrite(str(tmp_path / "a.1.png"), rgba)
    cv2.imwrite(str(tmp_path / "a.2.png"), image(2, 16)[..., 0])
    frames, info = indexed(tmp_path)
    one, two = (p for _, p in video.decode_pictures(tmp_path, frames, info, video.layout(tmp_path, name="x")))
    assert np.array_equal(one.planes[1], image(1, 16)[..., 0]) and all(
        np.array_equal(plane, image(2, 16)[..., 0]) for plane in two.planes
    )


def test_an_image_that_changed_since_is_named(tmp_path):
    folder = wrote(tmp_path / "s", range(3))
    frames, info = indexed(folder)
    layout = video.layout(folder, name="x")
    cv2.imwrite(str(folder / "shot_v2.1.png"), image(1, size=(32, 48)))
    for pictures in (video.decode(folder, frames, info), video.decode_pictures(folder, frames, info, layout)):
        with pytest.raises(SwapError, match=r"shot_v2\.1\.png: expected 64x48.*found 32x48"):
            list(pictures)


# a video of it


@pytest.mark.parametrize(("bits", "pix_fmt"), [(8, "yuv420p"), (16, "yuv420p10le")])
def test_the_video_of_a_sequence_has_its_times_and_no_sound(tmp_path, bits, pix_fmt):
    folder = wrote(tmp_path / "s", [5, 6, 8, 9, 10, 11, 12], bits=bits)
    frames, info = indexed(folder)
    layout = video.layout(folder, name="x")
    pictures = (picture for _, picture in video.decode_pictures(folder, frames, info, layout))
    composite, out = tmp_path / "composite.mkv", tmp_path / "video.mp4"
    look = {"crf": 1, "preset": "ultrafast"}
    assert video.encode_pictures(composite, pictures, layout=layout, rate=info.rate, **look) == 7
    left_out = video.mux(
        out, videos=[composite], frames=frames, info=info, source=folder, audio=True, metadata={"own": "1"}
    )
    (coded,) = packets(out, "video")
    assert [time for time, _ in coded] == [Fraction(n) / RATE for n in (0, 1, 3, 4, 5, 6, 7)]
    assert packets(out, "audio") == [] and left_out == []
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.format.name == pix_fmt and stream.duration * stream.time_base == 8 / RATE
    again, info = video.index(out, name="x", **INDEX)
    for number, (_, one) in zip((5, 6, 8, 9, 10, 11, 12), video.decode(out, again, info), strict=True):
        assert np.abs(one.astype(int) - image(number)).mean() < 2


# the stages


@pytest.fixture
def stages(root, monkeypatch, tmp_path):
    """f(stage, **options) runs a stage's script."""
    monkeypatch.syspath_prepend(str(root / "scripts"))

    def go(stage, **options):
        importlib.import_module(stage).main(argparse.Namespace(**options))

    return go


def test_faces_of_a_sequence_are_found_and_followed(stages, tmp_path):
    folder = tmp_path / "plate"
    folder.mkdir()
    truth = []
    for k in range(6):
        picture, known = studio.render(studio.actor_named("bob"), studio.Frame(yaw=2 * k), size=256)
        cv2.imwrite(str(folder / f"bob.{1001 + k}.png"), picture.astype(np.uint16) * 257)
        truth.append(known.faces[0].landmarks_xy)
    span = json.dumps({"start": None, "end": None, "rate": "25"})
    table = tmp_path / "frames.parquet"
    stages("frames", settings="{}", clip="x", path=folder, range=span, out=table)
    frames, meta = store.read_table(table, FrameTable)
    assert meta["clip"]["rate"] == "25" and meta["sha256"] == store.sha256(folder) and len(frames) == 6
    stages(
        "faces",
        settings=json.dumps({"detector": "hog", "every": 3, "crop_size": 128}),
        clip="x",
        path=folder,
        frames=table,
        detector_file=[],
        faces=tmp_path / "faces.parquet",
        archive=tmp_path / "faces.zip",
    )
    faces, _ = store.read_table(tmp_path / "faces.parquet", FaceSet)
    assert faces.id.tolist() == [f"bob.{1001 + k}_0" for k in range(6)] and set(faces.track) == {0}
    assert faces.frame.tolist() == list(range(1001, 1007))
    for found, known in zip(faces.landmarks_xy, truth, strict=True):
        assert np.linalg.norm(found - known, axis=1).mean() < 0.06 * np.linalg.norm(known[36] - known[45])
    with store.FaceArchive(tmp_path / "faces.zip") as archive:
        assert archive.row("bob.1003_0").file == "bob.1003.png"


def test_a_sequence_is_planned_like_a_video(tmp_path, root):
    toy = Toy(tmp_path, root)
    for k in (1, 2, 3):
        toy.write(f"film/plate/p.{k}.png", f"image {k}")
    toy.config["swaps"] = toy.config["swaps"][:1]
    toy.save()
    table = (toy.folder / "config/clips.tsv").read_text().replace("path\n", "path\trate\n")
    toy.write("config/clips.tsv", table + "plate\tbob\tfilm/plate\t24\n")
    done = toy.snakemake("--dry-run", "--printshellcmds", "results/videos/ann_onto_bob_on_plate/video.mp4")
    commands = [line for line in done.stdout.splitlines() + done.stderr.splitlines() if "--path film/plate " in line]
    stages = {re.search(r"scripts/(\w+)\.py", line)[1] for line in commands}
    assert stages == {"frames", "faces", "forehead", "convert", "label"}
    table_of = "results/clips/plate/frames.parquet"
    toy.snakemake(table_of, "--quiet", "all")
    assert '"rate":"24"' in (toy.folder / table_of).read_text()
    toy.write("film/plate/p.2.png", "another image")
    assert "Updated input files: film/plate/p.2.png" in toy.snakemake("--dry-run", table_of).stdout
    toy.write("film/plate/poster.png", "no number")
    done = toy.snakemake("--dry-run", check=False)
    assert done.stderr.count("\n") == 1 and "swapcore: clip plate: film/plate: expected a number in the" in done.stderr
    toy.write("config/clips.tsv", table + "plate\tbob\tfilm/plate\t\n")
    toy.config["videos"] = [{"name": "v", "clip": "plate", "swaps": ["ann_onto_bob"]}]
    toy.write("config/config.yaml", json.dumps(toy.config))
    done = toy.snakemake("--dry-run", check=False)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1 and len(lines) == 1 and "video v: clip plate is a folder of photos" in lines[0]
    assert "give it a rate in clips.tsv" in lines[0]
