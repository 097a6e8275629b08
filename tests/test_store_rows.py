"""A face's PNG and the row in it."""

from __future__ import annotations

import contextlib
import json
import struct
import zlib

import cv2
import numpy as np
import pytest
from analytic import face
from hypothesis import given, settings
from hypothesis import strategies as st
from pngs import SIDE, chunk, png, row, text_of, with_row

from swapcore import store
from swapcore.errors import SwapError


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
