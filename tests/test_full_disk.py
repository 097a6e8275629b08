"""A disk that is full while something is written: one line, and nothing half-written."""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys

import numpy as np
import pytest
from media import X264, ff, refused
from project import ROOT

from swapcore import store

FULL = """
import argparse, contextlib, io, json, os, sys
from fractions import Fraction
from pathlib import Path

import numpy as np

sys.path[:0] = {paths}
import common
from swapcore import store, video
from swapcore.errors import SwapError
from swapcore.train import batches, checkpoint
from swapcore.types import DatasetTable, FrameTable

disk, clip = Path({disk!r}), Path({clip!r})
noise = np.random.default_rng(0)
sys.argv = ["scripts/stage.py"]


def table():
    n = 100_000
    flat = np.zeros(n, bool)
    same = {{name: flat for name in ("key", "shot", "duplicate", "decoded", "damaged")}}
    columns = {{**same, "name": np.full(n, "", object)}}
    times = noise.integers(0, 2**60, n)
    store.write_table(disk / "frames.parquet", FrameTable(number=times, pts=times, **columns))


def archive():
    store.write_archive(disk / "faces.zip", ((str(k), noise.bytes(300_000)) for k in range(20)))


def numbers():
    store.write_json(disk / "x.json", ["x" * 3_000_000])


def picture():
    store.write_picture(disk / "x.png", noise.integers(0, 255, (1200, 1200, 3), np.uint8))


def weights():
    checkpoint.write_arrays(disk / "weights.h5", [(str(k), np.ones((300, 300), np.float32)) for k in range(20)])


def cache():
    n = 4000
    names = np.full(n, "x", object)
    dataset = DatasetTable(clip=names, id=names, digest=names, yaw=np.zeros(n), pitch=np.zeros(n))
    faces = batches.Faces("ann", dataset, {{"x": Path("none.zip")}}, "d", 256, "legacy", 0.5)
    batches.cached(disk, "source", faces, coverage=0.8, mask="extended", resolution=64)


def encode():
    frames = (noise.integers(0, 255, (256, 256, 3), np.uint8) for _ in range(40))
    with store.atomic(disk / "composite.mkv") as temporary:
        look = {{"crf": 5, "preset": "ultrafast"}}
        video.encode(temporary, frames, width=256, height=256, rate=Fraction(25), **look)


def mux():
    frames, info = video.index(clip, name="x", start=None, end=None, shot_threshold=30.0, duplicate_threshold=0.05)
    with store.atomic(disk / "video.mp4") as temporary:
        video.mux(temporary, videos=[clip], source=clip, frames=frames, info=info, audio=True, metadata={{}})


def log():
    with open(disk / "fill", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1024))
    for _ in range(9):
        print("progress " * 99, file=sys.stderr)
    raise SwapError("the line")


found = {{}}
for stage in (table, archive, numbers, picture, weights, cache, encode, mux, log):
    kept = os.listdir(disk)
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            common.run(lambda args: stage(), argparse.Namespace(log=disk / "x.log" if stage is log else None))
            end = "fine"
        except SystemExit as error:
            end = error.code
    left = sorted(set(os.listdir(disk)) - set(kept))
    found[stage.__name__] = [end, said.getvalue().splitlines()[-1:], left]
print(json.dumps(found))
"""
WRITERS = {
    "table": "frames.parquet: cannot be written",
    "archive": "faces.zip: cannot be written",
    "numbers": "x.json: cannot be written",
    "picture": "x.png: cannot be written",
    "weights": "weights.h5: cannot be written",
    "cache": ".npy: cannot be written",
    "encode": "composite.mkv: ffmpeg stopped encoding",
    "mux": "video.mp4: cannot be written",
}


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """What each writer says where the disk is full: a small one, mounted in a name space that goes with the process."""
    folder = tmp_path_factory.mktemp("full")
    mounted = f"mount -t tmpfs -o size=1m tmpfs {folder}/disk"
    (folder / "disk").mkdir()
    try:
        subprocess.run(["unshare", "-rm", "sh", "-c", mounted], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    ff("-f", "lavfi", "-i", "nullsrc=s=256x256:d=1,geq=random(1)*255:128:128", *X264, "-crf", "5", folder / "clip.mp4")
    paths = [str(ROOT), str(ROOT / "scripts")]
    program = folder / "full.py"
    program.write_text(FULL.format(paths=paths, disk=f"{folder}/disk", clip=f"{folder}/clip.mp4"))
    command = ["unshare", "-rm", "sh", "-c", f'{mounted} && exec "$@"', "-", sys.executable, program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (folder / "clip.mp4").stat().st_size > 1 << 20
    return json.loads(done.stdout)


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_one_line_and_leaves_nothing(full, writer):
    code, said, left = full[writer]
    assert code == 1 and left == []
    assert WRITERS[writer] in said[0] and "No space left on device" in said[0]
    assert "free some space" in said[0] or "check that the disk has space" in said[0]
    assert "/." not in said[0].split(": ")[1], "the temporary file's name is nobody's business"


def test_a_log_that_cannot_be_written_hides_no_line(full):
    code, said, _ = full["log"]
    assert code == 1 and said == ["stage: the line"]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "x").write_text("a file in the place of a folder")
    said = refused(store.write_json, tmp_path / "x/y.json", {})
    assert "x/y.json: cannot be written (" in said and "check that its folder is one and may be written" in said


@pytest.mark.parametrize("error", [OSError("plain"), ValueError("a mistake of ours")])
def test_what_is_no_mistake_of_the_users_stays_an_error(monkeypatch, error):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    common = importlib.import_module("common")

    def fail(args):
        raise error

    with pytest.raises(type(error), match=str(error)):
        common.run(fail, argparse.Namespace(log=None))


def test_errors_in_writing_are_not_taken_for_a_full_disk(tmp_path):
    with pytest.raises(FileNotFoundError), store.atomic(tmp_path / "x.json"):
        np.load(tmp_path / "none.npy")
