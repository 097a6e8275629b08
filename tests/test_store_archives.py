"""Archives of faces as users leave them, and the command that prints them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pngs import DEFLATED, SIDE, STORED, png, zipped

from swapcore import store
from swapcore.errors import SwapError
from swapcore.store import __main__ as command
from swapcore.store import archives
from swapcore.types import FaceSet, PeopleTable


def test_an_archive_has_no_times_and_random_access(tmp_path):
    faces = [(f"00000{k}_0", png(f"00000{k}_0", seed=k)) for k in range(4)]
    for name in ("a.zip", "b.zip"):
        store.write_archive(tmp_path / name, iter(faces))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with store.FaceArchive(tmp_path / "a.zip") as archive:
        assert archive.ids() == [name for name, _ in faces] and archive.clip == "lead" and not archive.remarks
        assert np.array_equal(archive.crop("000003_0"), store.face_crop(faces[3][1]))
        assert archive.row("000002_0").id == "000002_0" and archive.png("000001_0") == faces[1][1]
        with pytest.raises(SwapError, match="expected face 000009_0, it is not there"):
            archive.png("000009_0")


def test_two_faces_of_one_name_are_not_written(tmp_path):
    with pytest.raises(SwapError, match="two faces are called 000001_0"):
        store.write_archive(tmp_path / "a.zip", [("000001_0", png()), ("000001_0", png())])
    assert not list(tmp_path.iterdir())


def test_an_archive_that_a_user_made_again_holds_the_same_faces(tmp_path):
    """Renamed, sorted into folders, some deleted, deflated, with what file managers leave beside."""
    faces = {f"00000{k}_0": png(f"00000{k}_0", seed=k) for k in range(6)}
    store.write_archive(tmp_path / "faces.zip", faces.items())
    members = [
        ("good/", b""),
        ("good/smile.png", faces["000003_0"]),
        ("good/000001_0.png", faces["000002_0"]),  # the name of another face
        ("Böse Gesichter/IMG (1).PNG", faces["000001_0"]),
        ("no suffix", faces["000005_0"]),
        ("__MACOSX/good/._smile.png", b"\0\5\26\7"),
        ("good/.DS_Store", b"\0\0\0\1Bud1"),
        ("good/Thumbs.db", b"\xd0\xcf\x11\xe0"),
        ("good/.thumbnails/smile.png", store.encode_picture(np.zeros((8, 8, 3), np.uint8), ".png")),
        ("good\\desktop.ini", b"[.ShellClassInfo]"),
    ]
    zipped(tmp_path / "again.zip", members, DEFLATED)
    with (
        store.FaceArchive(tmp_path / "again.zip", clip="lead") as archive,
        store.FaceArchive(tmp_path / "faces.zip") as old,
    ):
        assert archive.ids() == ["000001_0", "000002_0", "000003_0", "000005_0"] and not archive.remarks
        for name in archive.ids():
            assert archive.png(name) == faces[name] == old.png(name)
            assert np.array_equal(archive.crop(name), old.crop(name))
        clips, names = ["lead"] * 6, list(faces)
        assert store.held({"lead": archive}, clips, names).tolist() == [False, True, True, True, False, True]


@pytest.mark.parametrize("name", ["", "/", "a/", ".x.png", "a/.b/c.png", "A\\Thumbs.DB", "__MACOSX/x.png"])
def test_clutter_is_passed_over(name):
    """A damaged directory may hold a file without any name."""
    assert archives._clutter(zipfile.ZipInfo(name))


@pytest.mark.parametrize("name", ["x", "a/b.png", "./a.png", "a..b/c.PNG", "macosx/thumbs.png"])
def test_everything_else_is_looked_at(name):
    assert not archives._clutter(zipfile.ZipInfo(name))


def test_what_is_beside_the_faces_is_said(tmp_path):
    members = [
        ("a.png", png()),
        ("copy of a.png", png(seed=9)),
        ("notes.txt", b"the best ones"),
        ("foreign.png", store.encode_picture(np.zeros((8, 8, 3), np.uint8), ".png")),
        ("b.png", png(clip="other")),
    ]
    with store.FaceArchive(zipped(tmp_path / "x.zip", members), clip="lead") as archive:
        assert archive.ids() == ["000001_0"] and archive.png("000001_0") == png(), "the first by name"
        assert [line.removeprefix(f"{archive.path}: ") for line in archive.remarks] == [
            "2 files are no face of Swapcore (foreign.png, notes.txt): not used",
            "1 file is of clip other (b.png): used from that clip's own archive alone",
            "1 file is there a second time (copy of a.png): the first by name is used",
        ]


def test_the_order_in_the_zip_does_not_matter(tmp_path):
    members = [("a.png", png(seed=1)), ("b.png", png(seed=2)), ("c.png", png("000002_0"))]
    for k, order in enumerate((members, members[::-1])):
        with store.FaceArchive(zipped(tmp_path / f"{k}.zip", order)) as archive:
            assert archive.ids() == ["000001_0", "000002_0"] and archive.png("000001_0") == members[0][1]


def test_the_faces_of_another_clip_are_refused(tmp_path):
    zipped(tmp_path / "x.zip", [("a.png", png(clip="b")), ("c.png", png(clip="c"))])
    with pytest.raises(SwapError, match="expected faces of clip lead, found those of b, c"):
        store.FaceArchive(tmp_path / "x.zip", clip="lead")


def test_an_empty_archive_holds_nothing(tmp_path):
    with store.FaceArchive(zipped(tmp_path / "x.zip", []), clip="lead") as archive:
        assert archive.ids() == []


def test_what_is_no_archive_is_refused(tmp_path):
    (tmp_path / "text.zip").write_bytes(b"no zip")
    (tmp_path / "folder.zip").mkdir()
    for name, said in (
        ("text.zip", "expected a zip of faces"),
        ("folder.zip", "found a folder"),
        ("none.zip", "expected a zip"),
    ):
        with pytest.raises(SwapError, match=f"{name}.*{said}"):
            store.FaceArchive(tmp_path / name)


def test_a_damaged_face_is_named(tmp_path):
    good = png()
    for bad in (good[:60] + b"x" + good[61:], good[:200]):
        zipped(tmp_path / "x.zip", [("fine.png", png("000002_0")), ("sub/bad.png", bad)])
        with pytest.raises(SwapError, match=r"x\.zip: sub/bad\.png: .*damaged.*take it out"):
            store.FaceArchive(tmp_path / "x.zip")
    zipped(tmp_path / "x.zip", [("bad.png", good[:-40])])  # its row is whole
    with store.FaceArchive(tmp_path / "x.zip") as archive, pytest.raises(SwapError, match=r"bad\.png: .*cut off"):
        archive.crop("000001_0")


def test_bombs_are_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "PNG_LIMIT", 1 << 20)
    zipped(tmp_path / "large.zip", [("a.png", store.PNG_SIGNATURE + np.random.default_rng(0).bytes(2 << 20))])
    with store.FaceArchive(tmp_path / "large.zip") as archive:
        assert not archive.ids() and "no face of Swapcore (a.png)" in archive.remarks[0]
    zipped(tmp_path / "bomb.zip", [("a.png", store.PNG_SIGNATURE + bytes(1 << 19))], DEFLATED)
    with pytest.raises(SwapError, match=r"a\.png: .*unpacks to 524296 bytes"):
        store.FaceArchive(tmp_path / "bomb.zip")
    monkeypatch.setattr(archives, "MEMBERS_LIMIT", 3)
    zipped(tmp_path / "many.zip", [(f"{k}.txt", b"") for k in range(4)])
    with pytest.raises(SwapError, match="at most 3 files, found 4"):
        store.FaceArchive(tmp_path / "many.zip")


def test_a_zip_that_needs_a_password_is_named(tmp_path):
    data = bytearray(zipped(tmp_path / "x.zip", [("a.png", png())]).read_bytes())
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + place] |= 1
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(SwapError, match=r"a\.png.*encrypted"):
        store.FaceArchive(tmp_path / "x.zip")


@pytest.mark.parametrize("error", archives.DAMAGE)
def test_whatever_zipfile_says_of_damage_is_a_line(tmp_path, monkeypatch, error):
    """Of an empty name Python 3.11 says IndexError, for one."""
    path = zipped(tmp_path / "x.zip", [("a.png", png())])

    def fail(*_):
        raise error("broken")

    monkeypatch.setattr(zipfile.ZipFile, "open", fail)
    with pytest.raises(SwapError, match=r"x\.zip: a\.png: broken; take it out"):
        store.FaceArchive(path)
    monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", fail)
    with pytest.raises(SwapError, match=r"x\.zip: expected a zip of faces \(broken\)"):
        store.FaceArchive(path)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([STORED, DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_damaged_archives_are_refused_and_nothing_worse(tmp_path_factory, method, changes, cut, from_end):
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    data = bytearray(zipped(path, [("a.png", png()), ("b/c.png", png("000002_0"))], method).read_bytes())
    for at, value in changes:  # the directory at the end is hit as often as the faces
        data[-1 - at % 160 if from_end else at % len(data)] = value
    path.write_bytes(data[: len(data) - cut % 200 if cut % 3 == 0 else None])
    with contextlib.suppress(SwapError), store.FaceArchive(path) as archive:
        for name in archive.ids():
            with contextlib.suppress(SwapError):
                assert archive.crop(name).shape == (SIDE, SIDE, 3)
            with contextlib.suppress(SwapError):
                assert archive.row(name).id == name


# the command


@pytest.fixture
def files(tmp_path):
    many = {f"score_{k}": k / 8 for k in range(16)}
    (tmp_path / "face.png").write_bytes(png(quality=many))
    (tmp_path / "cut.png").write_bytes(png(size=64)[:-30])
    store.write_picture(tmp_path / "foreign.png", np.zeros((8, 8, 3), np.uint8))
    members = [(f"00000{k}_0.png", png(f"00000{k}_0", frame=k)) for k in range(3)]
    zipped(tmp_path / "faces.zip", [*members, ("sorted/smile.png", png("000007_0", frame=7)), ("x.txt", b"")])
    return tmp_path


def test_a_face_is_printed_as_readable_json(files, capsys):
    assert command.main([str(files / "face.png")]) == 0
    said = capsys.readouterr().out
    assert json.loads(said) == json.loads(store.face_row((files / "face.png").read_bytes()).model_dump_json())
    assert max(map(len, said.splitlines())) < 140
    assert command.main([str(files / "faces.zip::000002_0"), str(files / "face.png")]) == 0
    first, second = capsys.readouterr().out.split(f"{files / 'face.png'}:\n")
    assert json.loads(first.removeprefix(f"{files / 'faces.zip::000002_0'}:\n"))["frame"] == 2
    assert json.loads(second)["id"] == "000001_0"


def test_an_archive_is_printed_a_line_a_face(files, capsys):
    assert command.main([str(files / "faces.zip")]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "000000_0  lead.mp4 frame 0 track 0  16 px face  yaw +12",
        "000001_0  lead.mp4 frame 1 track 0  16 px face  yaw +12",
        "000002_0  lead.mp4 frame 2 track 0  16 px face  yaw +12",
        "000007_0  lead.mp4 frame 7 track 0  16 px face  yaw +12  as sorted/smile.png",
    ]
    assert "x.txt" in said.err


def test_what_cannot_be_printed_is_a_line_each(files, capsys):
    names = ["foreign.png", "none.png", "cut.png", "face.png", "faces.zip::9", "none.zip::9", "."]
    assert command.main([str(files / name) for name in names]) == 1
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert len(lines) == 6 and '"id": "000001_0"' in said.out, "the good one is printed all the same"
    for line, word in zip(
        lines, ("without a row", "No such file", "cut off", "not there", "No such file", "folder"), strict=True
    ):
        assert line.startswith("swapcore.store: ") and word in line


def test_the_command_runs(files, root):
    """As users run it; and into a pipe that closes early."""
    run = [sys.executable, "-m", "swapcore.store"]
    done = subprocess.run([*run, files / "foreign.png"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    done = subprocess.run(
        f"{sys.executable} -m swapcore.store {files / 'faces.zip'} | head -1", shell=True, cwd=root, capture_output=True
    )
    assert done.stdout.startswith(b"000000_0") and b"Traceback" not in done.stderr


def test_faces_taken_out_become_lines_for_edits(files, capsys):
    names = np.array([f"00000{k}_0" for k in (0, 1, 2, 4, 5, 7)], object)
    tables = {kind: kind.empty().columns() for kind in (FaceSet, PeopleTable)}
    for kind, columns in tables.items():
        columns = {k: np.full((6, *v.shape[1:]), "" if v.dtype == object else 0, v.dtype) for k, v in columns.items()}
        columns["id"] = names
        if kind is FaceSet:
            columns["box_xyxy"] = np.tile([1.2, 2, 3, 4], (6, 1))
        else:
            columns["person"] = np.array(["ann", "ann", "bob", "ann", "", "bob"], object)
        store.write_table(files / f"{kind.KIND}.parquet", kind(**columns))
    assert command.main(["--taken-out", str(files / "faces.zip")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"# taken out of {files / 'faces.zip'}; for config/edits/ann.yaml, under swap_only:",
        '  - {clip: lead, face: "000004_0", box: [1, 2, 3, 4]}',
    ]
