from __future__ import annotations

import contextlib
import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_a_face_knows_where_it_came_from():
    crop = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    png = store.face_png(crop, {"clip": "a", "id": "000001_0", "landmarks_xy": [[1.5, 2.0]]})
    assert store.face_row(png)["landmarks_xy"] == [[1.5, 2.0]]
    assert np.array_equal(store.face_crop(png), crop)
    assert np.array_equal(cv2.imdecode(np.frombuffer(png, np.uint8), 1), crop)


def test_a_face_without_a_row_is_refused():
    with pytest.raises(SwapError, match="without a row"):
        store.face_row(store.encode_picture(np.zeros((8, 8, 3), np.uint8), ".png"))


@settings(max_examples=200)
@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_damaged_faces_are_refused_and_nothing_worse(noise, at, value):
    png = bytearray(store.face_png(np.zeros((8, 8, 3), np.uint8), {"id": "x"}))
    png[at % len(png)] = value
    for data in (noise, store.PNG_SIGNATURE + noise, bytes(png)):
        with contextlib.suppress(SwapError):
            assert isinstance(store.face_row(data), dict)


def test_an_archive_has_no_times_and_random_access(tmp_path):
    faces = [(f"00000{k}_0", store.face_png(np.full((16, 16, 3), k, np.uint8), {"id": str(k)})) for k in range(4)]
    for name in ("a.zip", "b.zip"):
        store.write_archive(tmp_path / name, iter(faces))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with store.FaceArchive(tmp_path / "a.zip") as archive:
        assert archive.ids() == [name for name, _ in faces]
        assert archive.crop("000003_0").mean() == 3
        with pytest.raises(SwapError, match="000009_0 is missing"):
            archive.png("000009_0")
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(SwapError, match="expected an archive"):
        store.FaceArchive(tmp_path / "a.zip")


def test_a_folder_has_the_digest_of_its_pictures(tmp_path):
    store.write_picture(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    first = store.sha256(tmp_path)
    (tmp_path / "notes.txt").write_text("no picture")
    assert store.sha256(tmp_path) == first
    store.write_picture(tmp_path / "b.png", np.zeros((8, 8, 3), np.uint8))
    assert store.sha256(tmp_path) != first
