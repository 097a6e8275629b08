"""What users give that cannot be used: one line that says what was expected, what came and what to do; nothing half-written."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from media import INDEX, X264, ff
from media import picture as moving
from project import ROOT, snakemake, write
from toy import Toy

from swapcore import store, video
from swapcore.errors import SwapError
from swapcore.types import FrameTable

SPAN = json.dumps({"start": None, "end": None, "rate": ""})


def refused(call, *given, **more) -> str:
    with pytest.raises(SwapError) as caught:
        call(*given, **more)
    return str(caught.value)


# before any job: files


def given(path):
    return refused(store.check_given, path, where="clip x", expected="a video or a folder", remedy="correct clips.tsv")


def nothing(path):
    pass


def loop(path):
    path.symlink_to(path.name)


def dangling(path):
    path.symlink_to("elsewhere.mp4")


def pipe(path):
    os.mkfifo(path)


def socket_file(path):
    with socket.socket(socket.AF_UNIX) as one, contextlib.chdir(path.parent):  # the whole path is too long for a socket
        one.bind(path.name)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (nothing, "none"),
        (loop, "a link to itself"),
        (dangling, "none"),
        (pipe, "a pipe, which cannot be read twice"),
        (socket_file, "a socket"),
    ],
)
def test_what_is_no_file_is_named(tmp_path, make, found):
    path = tmp_path / "x.mp4"
    make(path)
    said = f"clip x: expected a video or a folder at {path}, found {found}; correct clips.tsv"
    assert given(path) == said


def test_names_that_no_system_takes_are_not_there(tmp_path):
    assert "found none; correct" in given("film/a\0b.mp4")
    assert "found none (File name too long); correct" in given(tmp_path / ("x" * 300))
    assert "found none; correct" in given(store.__file__ + "/x.mp4")
    assert "found a device" in given("/dev/null")


@pytest.mark.parametrize(("what", "said"), [("x.mp4", "a file that may not be read"), ("", "a folder that may")])
def test_what_may_not_be_read_is_named(tmp_path, monkeypatch, what, said):
    (tmp_path / "x.mp4").write_text("x")
    store.check_given(tmp_path / what, where="", expected="", remedy="")
    monkeypatch.setattr(os, "access", lambda *_: False)  # who runs the tests may be allowed everything
    assert said in given(tmp_path / what) and given(tmp_path / what).endswith("let it be read (chmod)")


def test_text_is_read_as_utf_8_or_refused_with_its_line(tmp_path):
    path = tmp_path / "clips.tsv"
    path.write_bytes("\ufeffname\tperson\r\nü\tann\r\n".encode())
    assert store.read_text(path).endswith("ü\tann\n")
    for data, line in ("name\tperson\nü\tann\n".encode("latin-1"), 2), ("name\tperson\n".encode("utf-16"), 1):
        path.write_bytes(data)
        assert f"clips.tsv, line {line}: expected text in UTF-8, found other bytes; save" in refused(
            store.read_text, path
        )
    assert "expected a text file, found a folder" in refused(store.read_text, tmp_path)
    assert "found none" in refused(store.read_text, tmp_path / "none")


def test_where_results_cannot_be_written_is_known_at_once(tmp_path, monkeypatch):
    store.check_writable(tmp_path / "results/clips")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "results").write_text("a file")
    assert "expected a folder, found a file" in refused(store.check_writable, tmp_path / "results/clips")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert f"nothing may be written into {tmp_path}; change" in refused(store.check_writable, tmp_path / "other")


# before any job: a dry run


FACE = "- {clip: %s, face: 000001_0, box: [1, 2, 30, 40]}\n"


def lists_unknown_clip(folder):
    (folder / "config/edits").mkdir()
    (folder / "config/edits/ann.yaml").write_text("reject:\n" + FACE % "a1" + FACE % "a9")


def makes_a_pipe(folder):
    os.unlink(folder / "film/b1.mp4")
    os.mkfifo(folder / "film/b1.mp4")


def links_a_photo_to_nothing(folder):
    (folder / "photos/ann/2.jpg").symlink_to("gone.jpg")


def renders_exr(folder):
    (folder / "film/b1.mp4").rename(folder / "film/b1.0001.exr")
    (folder / "film/b1.mp4").mkdir()
    (folder / "film/b1.0001.exr").rename(folder / "film/b1.mp4/b1.0001.exr")


def saves_clips_as_latin_1(folder):
    with open(folder / "config/clips.tsv", "ab") as file:
        file.write("é\tann\tx.mp4\n".encode("latin-1"))


def empties_the_configuration(folder):
    (folder / "config/config.yaml").write_text("# nothing yet\n")


def forgets_the_configuration(folder):
    os.unlink(folder / "config/config.yaml")


def indents_with_tabs(folder):
    (folder / "config/config.yaml").write_text("people:\n\tann: {}\n")


def puts_a_file_in_the_place_of_results(folder):
    (folder / "results").write_text("mine")


MISTAKES = {
    lists_unknown_clip: "ann.yaml, reject, line 3: no clip is called a9; correct",
    makes_a_pipe: "clip b1: expected a video or a folder at film/b1.mp4, found a pipe",
    renders_exr: "clip b1: no pictures in film/b1.mp4, which holds .exr; put some there (.jpg, .jpeg, .png",
    links_a_photo_to_nothing: "person ann: expected a picture at photos/ann/2.jpg, found none; put it back",
    saves_clips_as_latin_1: "config/clips.tsv, line 6: expected text in UTF-8",
    empties_the_configuration: "config/config.yaml: expected settings such as `people:`, found none",
    forgets_the_configuration: "expected config/config.yaml, found none in ",
    indents_with_tabs: "line 2, column 1; begin lines with spaces, not with tabs",
    puts_a_file_in_the_place_of_results: "results: expected a folder, found a file at results; rename",
}


@pytest.fixture(scope="module")
def dry_runs(tmp_path_factory):
    """What a dry run says of each mistake; two at a time."""
    toy = Toy(tmp_path_factory.mktemp("toy"), ROOT)

    def tried(mistake):
        other = toy.copy(tmp_path_factory.mktemp("toys") / "toy")
        mistake(other.folder)
        return other.snakemake("--dry-run", check=False)

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(MISTAKES, pool.map(tried, MISTAKES), strict=True))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_of_a_dry_run(dry_runs, mistake):
    done = dry_runs[mistake]
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1 and len(lines) == 1 and lines[0].startswith("swapcore: ")
    assert MISTAKES[mistake] in lines[0]


# in a job


@pytest.fixture
def frames(monkeypatch, tmp_path):
    """f(path) runs the script of the stage `frames` as a job does; gives its exit code and what it leaves of results."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    script, common = importlib.import_module("frames"), importlib.import_module("common")
    monkeypatch.setattr(sys, "argv", ["scripts/frames.py"])

    def go(path):
        out = tmp_path / "results/frames.parquet"
        args = {"settings": "{}", "clip": "x", "path": path, "range": SPAN, "out": out, "log": tmp_path / "x.log"}
        try:
            common.run(script.main, argparse.Namespace(**args))
        except SystemExit as end:
            return end.code, sorted(out.parent.rglob("*"))
        return 0, sorted(out.parent.rglob("*"))

    return go


def text(path):
    path.write_text("this is no film\n" * 99)


def empty(path):
    path.write_bytes(b"")


def without_frames(path):
    ff(*moving(), "-frames:v", "0", *X264, path)


def only_sound(path):
    ff("-f", "lavfi", "-i", "sine=d=0.2", path)


def zeros(path):
    path.write_bytes(bytes(100_000))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (text, "expected a video that ffmpeg reads, found a damaged or cut-off file or something else"),
        (zeros, "expected a video that ffmpeg reads"),
        (empty, "expected a video, found an empty file; copy it again"),
        (without_frames, "expected a stream of pictures, found nothing"),
        (only_sound, "expected a stream of pictures, found audio"),
        (nothing, "expected a video file, found none; correct its path"),
    ],
)
def test_what_is_no_video_stops_its_job_in_one_line(frames, tmp_path, capsys, make, said):
    path = tmp_path / "x.mp4"
    make(path)
    assert frames(path) == (1, [])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"frames: clip x: {path}: ") and said in lines[0]
    assert (tmp_path / "x.log").read_text().splitlines() == lines


def test_odd_paths_work_and_a_bad_clip_stops_its_own_job(tmp_path):
    """Names are restricted, paths are not."""
    film = tmp_path / "film/ü 'q' \"d\" 100% [x] $HOME `ls` ;&|#\\n %03d (1)"
    film.mkdir(parents=True)
    ff(*moving(seconds=0.4), *X264, tmp_path / "good.mp4")
    shutil.move(tmp_path / "good.mp4", film / "ß %d*?.mp4")
    text(tmp_path / "text.mp4")
    clips = [("odd", "?", film / "ß %d*?.mp4"), ("text", "?", tmp_path / "text.mp4")]
    write(tmp_path / "p", {}, clips)
    targets = [f"results/clips/{name}/frames.parquet" for name in ("text", "odd")]
    done = snakemake(tmp_path / "p", "--keep-going", *targets, check=False)
    table, meta = store.read_table(tmp_path / "p" / targets[1], FrameTable)
    assert len(table) == 10 and meta["clip"]["width"] == 128
    assert done.returncode == 1 and not (tmp_path / "p" / targets[0]).exists()
    assert [line for line in done.stderr.splitlines() if line.startswith("frames: ")] == [
        line for line in (tmp_path / "p/results/logs/frames/text.log").read_text().splitlines()
    ]
    decoded = [n for n, _ in video.decode(clips[0][2], table, video.index(clips[0][2], name="x", **INDEX)[1])]
    assert decoded == list(range(10))


# a full disk

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
        video.mux(temporary, video=clip, source=clip, frames=frames, info=info, audio=True, metadata={{}})


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
