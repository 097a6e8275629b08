"""The script that finds a clip's faces, on films of synthetic actors and on what is no film of a face."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from swapcore import align, detect, quality, store, studio, video
from swapcore.types import ClipInfo, FaceSet

SETTINGS = {"every": 4, "detect_size": 256, "crop_size": 128, "coverage": 0.8}
POSES = [(0, 0), (4, 1), (8, 2), (12, 3), (16, 2), (20, 1)]


@pytest.fixture(scope="module")
def script(root):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "scripts"))
        yield importlib.import_module("faces")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A clip of an actor who turns, then, after a cut, of another: path, and the truth of each frame."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    shots = [
        studio.render(studio.actor_named(name), studio.Frame(yaw=yaw, pitch=pitch, background=k), size=256)
        for k, name in enumerate(("bob", "ann"))
        for yaw, pitch in POSES
    ]
    video.encode(path, (f for f, _ in shots), width=256, height=256, rate=Fraction(25), crf=12, preset="veryfast")
    return path, [truth.faces[0].landmarks_xy for _, truth in shots]


def made(script, tmp_path, path, **settings):
    """The table, its meta and the path of the archive that the script makes of a clip."""
    frames, info = video.index(path, name="x", start=None, end=None, shot_threshold=8, duplicate_threshold=0.01)
    store.write_table(tmp_path / "frames.parquet", frames, {"clip": info.to_json(), "sha256": store.sha256(path)})
    script.main(
        argparse.Namespace(
            settings=json.dumps(SETTINGS | settings),
            clip="x",
            path=path,
            frames=tmp_path / "frames.parquet",
            detector_file=[],
            faces=tmp_path / "faces.parquet",
            archive=tmp_path / "faces.zip",
        )
    )
    return *store.read_table(tmp_path / "faces.parquet", FaceSet), tmp_path / "faces.zip"


@pytest.fixture(scope="module")
def result(script, film, tmp_path_factory):
    return made(script, tmp_path_factory.mktemp("result"), film[0])


def test_every_face_is_in_the_table(result, film):
    faces, meta, _ = result
    assert faces.frame.tolist() == list(range(12)) and faces.track.tolist() == [0] * 6 + [1] * 6
    assert faces.id.tolist() == [f"{n:06d}_0" for n in range(12)]
    assert faces.detected.tolist() == [n in (0, 4, 6, 10) for n in range(12)]
    assert ClipInfo.from_json(meta["clip"]).name == "x" and (meta["size"], meta["centring"], meta["coverage"]) == (
        128,
        "legacy",
        0.8,
    )
    for found, truth in zip(faces.landmarks_xy, film[1], strict=True):
        assert np.linalg.norm(found - truth, axis=1).mean() / np.linalg.norm(truth[36] - truth[45]) < 0.09
    np.testing.assert_allclose(faces.yaw, [yaw for yaw, _ in POSES * 2], atol=9)


def test_embeddings_tell_the_two_apart(result):
    apart = np.linalg.norm(result[0].embedding[:, None] - result[0].embedding, axis=-1)
    assert apart[:6, :6].max() < apart[:6, 6:].min()


def test_smoothed_landmarks_stay_within_their_track(result):
    faces = result[0]
    for track in (0, 1):
        rows = faces.track == track
        wanted = detect.smooth(faces.landmarks_xy[rows], faces.frame[rows])
        np.testing.assert_array_equal(faces.landmarks_smooth_xy[rows], wanted)
    assert (faces.landmarks_smooth_xy != faces.landmarks_xy).any()


def test_the_archive_holds_each_face_with_its_row(result, film):
    faces, _, path = result
    with store.FaceArchive(path) as archive:
        assert archive.ids() == faces.id.tolist()
        for k, name in enumerate(faces.id):
            row, crop = store.face_row(archive.png(name)), archive.crop(name)
            assert (row.clip, row.file, row.sha256) == ("x", "film.mp4", store.sha256(film[0]))
            assert (row.id, row.frame, row.track) == (name, k, faces.track[k])
            assert (row.size, row.centring, row.span, crop.shape) == (128, "legacy", 0.625, (128, 128, 3))
            np.testing.assert_allclose(row.landmarks_xy, faces.landmarks_xy[k], atol=6e-4)
            np.testing.assert_allclose(row.box_xyxy, faces.box_xyxy[k], atol=6e-4)
            np.testing.assert_allclose(row.matrix, faces.matrix[k], atol=1e-6)
            assert row.quality["sharpness"] == pytest.approx(faces.sharpness[k], abs=6e-4)
            assert row.quality.keys() == quality.SCORES.keys()
            wanted = align.TEMPLATE_XY * 0.625 * 128 + 63.5
            shown = align.transform(np.array(row.landmarks_xy)[17:], np.array(row.matrix))
            assert np.linalg.norm(shown - wanted, axis=1).mean() < 8


def test_crops_are_those_of_the_frames(result, film):
    faces, _, path = result
    frames, info = video.index(film[0], name="x", start=None, end=None, shot_threshold=8, duplicate_threshold=0.01)
    ((_, frame),) = video.decode(film[0], frames, info, wanted={7}, quick=True)
    with store.FaceArchive(path) as archive:
        np.testing.assert_array_equal(archive.crop("000007_0"), align.warp(frame, faces.matrix[7], 128))


def test_the_same_clip_gives_the_same_bytes(script, film, result, tmp_path):
    made(script, tmp_path, film[0])
    for name in ("faces.zip", "faces.parquet"):
        assert store.sha256(tmp_path / name) == store.sha256(result[2].parent / name)


def test_photos_are_named_by_their_files(script, tmp_path):
    (photos := tmp_path / "photos").mkdir()
    for name, size, actor in (("one.two.png", 200, "bob"), ("large.jpg", 700, "ann")):
        store.write_picture(photos / name, studio.render(studio.actor_named(actor), studio.Frame(), size=size)[0])
    faces, meta, path = made(script, tmp_path, photos)
    assert faces.id.tolist() == ["large_0", "one.two_0"] and faces.track.tolist() == [0, 1]
    assert faces.detected.all() and ClipInfo.from_json(meta["clip"]).photos
    with store.FaceArchive(path) as archive:
        assert archive.ids() == ["large_0", "one.two_0"]


def test_a_clip_without_any_face_gives_an_empty_table_and_says_so(script, tmp_path, capsys):
    path = tmp_path / "wall.mp4"
    wall = (np.full((64, 96, 3), 40 * n, np.uint8) for n in range(4))
    video.encode(path, wall, width=96, height=64, rate=Fraction(25), crf=20, preset="veryfast")
    faces, meta, archive = made(script, tmp_path, path)
    assert len(faces) == 0 and ClipInfo.from_json(meta["clip"]).width == 96
    with store.FaceArchive(archive) as opened:
        assert opened.ids() == []
    assert "found no face; is" in capsys.readouterr().err


def test_a_folder_of_faces_from_an_archive_is_a_clip_of_photos(result, script, tmp_path):
    faces, _, path = result
    (folder := tmp_path / "picked").mkdir()
    with store.FaceArchive(path) as archive:
        for k, name in enumerate(faces.id[[8, 2, 5]]):
            (folder / f"best of {k}.png").write_bytes(archive.png(name))
    found, _, _ = made(script, tmp_path, folder)
    assert found.id.tolist() == [f"best of {k}_0" for k in range(3)] and not found.detected.any()
    for row, was in zip(range(3), (8, 2, 5), strict=True):
        there = align.transform(faces.landmarks_xy[was], faces.matrix[was])
        np.testing.assert_allclose(found.landmarks_xy[row], there, atol=0.01)
        assert np.linalg.norm(found.embedding[row] - faces.embedding[was]) < 0.35


def test_no_tensor_library_is_loaded(root, film, tmp_path):
    frames, info = video.index(film[0], name="x", start=None, end=None, shot_threshold=8, duplicate_threshold=0.01)
    store.write_table(tmp_path / "frames.parquet", frames, {"clip": info.to_json(), "sha256": "0" * 64})
    line = "import sys, runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__');"
    line += "print(sorted({'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules)))"
    script = [root / "scripts/faces.py", "--settings", json.dumps(SETTINGS), "--clip", "x", "--path", film[0]]
    files = [
        "--frames",
        tmp_path / "frames.parquet",
        "--faces",
        tmp_path / "f.parquet",
        "--archive",
        tmp_path / "f.zip",
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "scripts")])}
    command = [sys.executable, "-c", line, *map(str, [*script, *files])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
