from __future__ import annotations

import dataclasses
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

from swapcore import store, types
from swapcore.errors import SwapError

TABLES = [
    t for t in vars(types).values() if isinstance(t, type) and issubclass(t, types.Table) and t is not types.Table
]


def made_up(kind, rows, seed=0):
    rng = np.random.default_rng(seed)
    columns = {}
    for field in dataclasses.fields(kind):
        dtype, shape = field.metadata["dtype"], field.metadata["shape"]
        if dtype.kind == "O":
            columns[field.name] = np.array([f"x{i}" if i % 2 else "" for i in range(rows)], object)
        else:
            columns[field.name] = rng.normal(0, 50, (rows, *shape)).astype(dtype)
    return kind(**columns)


@pytest.mark.parametrize("kind", TABLES, ids=lambda t: t.KIND)
@pytest.mark.parametrize("rows", [0, 1, 7])
def test_a_table_comes_back_as_it_was(tmp_path, kind, rows):
    table = made_up(kind, rows)
    store.write_table(tmp_path / "t.parquet", table, {"clip": "a"})
    found, meta = store.read_table(tmp_path / "t.parquet", kind)
    assert meta == {"clip": "a"} and len(found) == rows
    for name, value in table.columns().items():
        assert np.array_equal(value, getattr(found, name)) and getattr(found, name).dtype == value.dtype


def test_the_same_table_gives_the_same_bytes(tmp_path):
    for name in "ab":
        store.write_table(tmp_path / name, made_up(types.FaceSet, 5), {"b": 1, "a": 2})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_table_refuses_wrong_shapes():
    columns = made_up(types.FaceSet, 3).columns()
    with pytest.raises(ValueError, match="box_xyxy"):
        types.FaceSet(**{**columns, "box_xyxy": np.zeros((3, 5))})
    with pytest.raises(ValueError, match="expected 3 rows"):
        types.FaceSet(**{**columns, "score": np.zeros(2)})


def test_select_and_concatenate():
    table = made_up(types.PeopleTable, 6)
    parts = [table.select(slice(0, 2)), table.select(np.array([2, 3, 4, 5]))]
    whole = types.PeopleTable.concatenate(parts)
    assert all(np.array_equal(a, b) for a, b in zip(table.columns().values(), whole.columns().values(), strict=True))
    assert len(types.PeopleTable.concatenate([])) == 0


@pytest.mark.parametrize("damage", ["cut", "text", "kind", "missing"])
def test_a_damaged_table_is_named(tmp_path, damage):
    path = tmp_path / "t.parquet"
    store.write_table(path, made_up(types.FaceSet, 4))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "text":
        path.write_text("no table")
    elif damage == "kind":
        store.write_table(path, made_up(types.PeopleTable, 4))
    else:
        path.unlink()
    with pytest.raises(SwapError, match=r"t\.parquet.*delete it"):
        store.read_table(path, types.FaceSet)


def test_nothing_half_written_is_left(tmp_path):
    path = tmp_path / "x.json"
    store.write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), store.atomic(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert store.read_json(path) == {"a": 1} and [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_what_a_kill_left_goes_with_the_next_try(tmp_path):
    (tmp_path / ".x.mkv.abcd1234.mkv").write_bytes(b"half")
    (tmp_path / ".x.mkv.swp").write_bytes(b"somebody else's")
    store.write_bytes(tmp_path / "x.mkv", b"whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".x.mkv.swp", "x.mkv"]


def test_a_folder_has_the_digest_of_its_pictures(tmp_path):
    store.write_picture(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    first = store.sha256(tmp_path)
    (tmp_path / "notes.txt").write_text("no picture")
    assert store.sha256(tmp_path) == first
    store.write_picture(tmp_path / "b.png", np.zeros((8, 8, 3), np.uint8))
    assert store.sha256(tmp_path) != first


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_what_is_no_picture_is_named(tmp_path, data):
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(SwapError, match=r"x\.png: expected a picture"):
        store.read_picture(tmp_path / "x.png")


@pytest.mark.parametrize("side", [2**16, 2**20])
def test_a_picture_too_large_to_decode_is_named(tmp_path, side):
    """OpenCV has an error of its own for a header that announces more than 2**30 pixels."""
    png = bytearray(store.encode_picture(np.zeros((8, 8, 3), np.uint8), ".png"))
    png[16:24] = struct.pack(">II", side, side)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    (tmp_path / "x.png").write_bytes(png)
    with pytest.raises(SwapError, match=r"x\.png: expected a picture"):
        store.read_picture(tmp_path / "x.png")


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "passes" / "png"
    (tmp_path / "passes" / ".png.abcdefgh").mkdir(parents=True)  # of a try that was killed
    with pytest.raises(RuntimeError), store.atomic_folder(path) as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert list(path.parent.iterdir()) == []
    for text in ("old", "new"):
        with store.atomic_folder(path) as folder:
            assert not list(folder.iterdir())
            (folder / "file").write_text(text)
    assert [p.name for p in path.parent.iterdir()] == ["png"] and (path / "file").read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o777 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_full_disk_leaves_no_folder_and_is_one_line(tmp_path):
    path = tmp_path / "passes" / "exr"
    with (
        pytest.raises(SwapError, match=r"passes/exr: cannot be written \(No space left") as caught,
        store.atomic_folder(path) as folder,
    ):
        (folder / "half").write_text("x")
        raise OSError(28, "No space left on device", str(folder / "half"))
    assert "\n" not in str(caught.value) and list(path.parent.iterdir()) == []
    with pytest.raises(SwapError, match=r"exr/swapped\.mov: ffmpeg") as caught, store.atomic_folder(path) as folder:
        raise SwapError(f"{folder}/swapped.mov: ffmpeg stopped")
    assert ".exr." not in str(caught.value)
    (tmp_path / "file").write_text("x")
    with pytest.raises(SwapError, match="cannot be written"), store.atomic_folder(tmp_path / "file" / "png"):
        pass


def test_tables_do_not_load_pandas(tmp_path):
    """It takes a quarter of a second, in every job."""
    code = (
        "import sys; from swapcore import store; from swapcore.types import FaceSet, ScoreTable\n"
        f"store.write_table({str(tmp_path / 'x.parquet')!r}, FaceSet.empty())\n"
        f"store.read_table({str(tmp_path / 'x.parquet')!r}, FaceSet)\n"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
