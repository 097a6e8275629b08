"""Faces as PNGs with their rows, archives of them as users leave them, and the command that prints them."""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import sys
import zipfile
import zlib

import cv2
import numpy as np
import pytest
from analytic import face
from hypothesis import given, settings
from hypothesis import strategies as st

from swapcore import store
from swapcore.errors import SwapError
from swapcore.store import __main__ as command
from swapcore.store import archives, rows
from swapcore.types import FaceSet, PeopleTable

SIDE = 16
DEFLATED, STORED = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED


def row(name="000001_0", clip="lead", size=SIDE, **changed):
    landmarks = face(centre_xy=(80, 60), radius=30)
    about = {"clip": clip, "file": f"{clip}.mp4", "sha256": "0f" * 32, "id": name, "frame": 1, "track": 0, "score": 0.5}
    about |= {"box_xyxy": np.array([50, 30, 110, 90], np.float32), "landmarks_xy": landmarks}
    about |= {
        "matrix": np.array([[0.2, 0, -4], [0, 0.2, -3]], np.float32),
        "size": size,
        "centring": "face",
        "span": 0.4,
    }
    return store.FaceRow.of(**(about | {"quality": {"yaw": 12.3456}} | changed))


def png(name="000001_0", clip="lead", size=SIDE, seed=0, **changed):
    crop = np.random.default_rng(seed).integers(0, 255, (size, size, 3), np.uint8)
    return store.face_png(crop, row(name, clip, size, **changed))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_row(text, *, flag=b"\0", keyword=rows.ROW_KEYWORD, size=SIDE):
    """A PNG whose iTXt chunk holds any bytes."""
    data = store.encode_picture(np.zeros((size, size, 3), np.uint8), ".png")
    return data[:33] + chunk(b"iTXt", keyword + b"\0" + flag + b"\0\0\0" + text) + data[33:]


def text_of(row):
    return row.model_dump_json().encode()


def zipped(path, members, method=STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


# one face


def test_a_face_knows_where_it_came_from():
    crop = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    data = store.face_png(crop, row())
    found = store.face_row(data)
    assert found == row() and (found.clip, found.file, found.quality) == ("lead", "lead.mp4", {"yaw": 12.346})
    assert np.array_equal(store.face_crop(data), crop)
    assert np.array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), 1), crop), "other programs show it"
    assert b'"kind":"swapcore face","version":2' in data, "and a text search finds the row"


def test_a_row_says_where_the_landmarks_are_in_the_crop():
    wanted = face(centre_xy=(80, 60), radius=30) * 0.2 - [4, 3]
    np.testing.assert_allclose(row().landmarks_in_crop(), wanted, atol=1e-3)
    assert row().landmarks_in_crop().shape == (68, 2)


def test_a_crop_must_fit_its_row():
    with pytest.raises(ValueError, match="pixels"):
        store.face_png(np.zeros((SIDE, SIDE + 1, 3), np.uint8), row())


@pytest.mark.parametrize(
    "changed",
    [
        {"landmarks_xy": np.zeros((67, 2))},
        {"landmarks_xy": np.full((68, 2), np.nan)},
        {"box_xyxy": [1.0, 2.0, 3.0]},
        {"matrix": np.full((2, 3), np.inf)},
        {"matrix": np.zeros((3, 3))},
        {"size": 1025},
        {"frame": -1},
        {"id": ""},
        {"clip": "a\x1b[2J"},
        {"sha256": "0" * 63},
        {"quality": {"yaw": float("nan")}},
        {"span": 0.0},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_is_no_row_is_neither_written_nor_read(changed):
    with pytest.raises(ValueError, match=next(iter(changed))):
        row(**changed)
    plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in changed.items()}
    data = with_row(json.dumps(row().model_dump() | plain).encode())
    with pytest.raises(SwapError, match=f"damaged.*{next(iter(changed))}"):
        store.face_row(data)


def test_unknown_keys_are_passed_over_and_other_versions_are_not():
    known = row().model_dump()
    assert store.face_row(with_row(json.dumps(known | {"note": "nice", "rating": {"stars": 5}}).encode())) == row()
    with pytest.raises(SwapError, match=r"version 2, found 3.*another Swapcore"):
        store.face_row(with_row(json.dumps(known | {"version": 3}).encode()))
    with pytest.raises(SwapError, match="kind"):
        store.face_row(with_row(json.dumps(known | {"kind": "another"}).encode()))


def test_a_row_that_another_program_moved_or_compressed_is_found():
    text = text_of(row())
    assert store.face_row(with_row(zlib.compress(text), flag=b"\1")) == row()
    data = with_row(text)
    end = 33 + 12 + struct.unpack(">I", data[33:37])[0]
    moved = data[:33] + chunk(b"tEXt", b"Software\0x") + data[end:-12] + data[33:end] + data[-12:]
    assert store.face_row(moved) == row() and store.face_crop(moved).shape == (SIDE, SIDE, 3)
    other = chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"x" * 100_000)
    assert store.face_row(data[:33] + other + data[33:]) == row()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "without a row"),
        (b"GIF89a", "without a row"),
        (store.encode_picture(np.zeros((8, 8, 3), np.uint8), ".png"), "without a row"),
        (with_row(b"{}", keyword=b"another"), "without a row"),
        (with_row(b"no JSON"), "damaged"),
        (with_row(b"[" * 30_000), "damaged"),
        (with_row(b"{}"), "damaged"),
        (with_row(b"\xff\xfe"), "damaged"),
        (with_row(b" " * (store.ROW_LIMIT + 1)), "more than 65536"),
        (with_row(zlib.compress(bytes(50 << 20), 9), flag=b"\1"), "damaged"),
        (with_row(text_of(row()), size=SIDE * 2), "expected a crop of 16x16.*found 32x32"),
        (png()[:300], "damaged"),
        (png()[:20], "header is damaged"),
        (png().replace(b"lead", b"bead"), "damaged"),
    ],
    ids=range(14),
)
def test_what_has_no_good_row_is_refused_in_a_line(data, said):
    with pytest.raises(SwapError, match=said):
        store.face_row(data)


def resized_header(data, width, height):
    head = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]


@pytest.mark.parametrize("side", [0, 1025, 2**31 - 1])
def test_no_picture_larger_than_a_crop_is_decoded(side, monkeypatch):
    data = resized_header(png(), side, side)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(SwapError, match="at most 1024 pixels"):
        store.face_crop(data)


def test_a_picture_that_is_damaged_is_not_shown_in_part():
    data = png(size=64)
    place = data.index(b"IDAT") + 200
    for bad in (data[:place], data[:-13], data[:place] + b"x" + data[place + 1 :], data[:-12]):
        with pytest.raises(SwapError, match="damaged"):
            store.face_crop(bad)
    short = zlib.compress(bytes(500))
    pieces = store.encode_picture(np.zeros((64, 64, 3), np.uint8), ".png")[:33] + chunk(b"IDAT", short)
    with contextlib.suppress(SwapError):  # whole chunks over too few pixels: refused, or a picture of that size
        assert store.face_crop(pieces + chunk(b"IEND", b"")).shape == (64, 64, 3)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 5000), st.integers(0, 255), st.integers(0, 5000))
def test_damaged_faces_are_refused_and_nothing_worse(noise, at, value, cut):
    whole = png()
    changed = bytearray(whole)
    changed[at % len(whole)] = value
    for data in (noise, store.PNG_SIGNATURE + noise, whole[:33] + noise, bytes(changed), whole[: cut % len(whole)]):
        with contextlib.suppress(SwapError):
            assert isinstance(store.face_row(data), store.FaceRow)
        with contextlib.suppress(SwapError):
            assert store.face_crop(data).shape == (SIDE, SIDE, 3)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*store.FaceRow.model_fields, "more"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_json_a_row_is_it_is_checked(changed):
    text = json.dumps(row().model_dump() | changed).encode()
    with contextlib.suppress(SwapError):
        found = store.face_row(with_row(text))
        assert found.landmarks_in_crop().shape == (68, 2) and np.isfinite(found.landmarks_in_crop()).all()


def test_a_file_that_may_be_a_face(tmp_path):
    (tmp_path / "face.png").write_bytes(png())
    store.write_picture(tmp_path / "photo.jpg", np.zeros((9, 9, 3), np.uint8))
    assert store.read_face_row(tmp_path / "face.png") == row()
    assert store.read_face_row(tmp_path / "photo.jpg") is None
    (tmp_path / "bad.png").write_bytes(png()[:500])
    for name in ("bad.png", "none.png"):
        with pytest.raises(SwapError, match=name):
            store.read_face_row(tmp_path / name)


# archives


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
