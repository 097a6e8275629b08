"""What users give that cannot be used: one line that says what was expected, what came and what to do; nothing half-written."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import shutil
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from media import INDEX, X264, ff, refused
from media import picture as moving
from project import ROOT, snakemake, write
from toy import Toy

from swapcore import store, video
from swapcore.types import FrameTable

SPAN = json.dumps({"start": None, "end": None, "rate": ""})


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
