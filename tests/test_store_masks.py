"""Archives of masks."""

import zipfile

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swapcore import store
from swapcore.errors import SwapError


def some(count=3, side=32):
    rng = np.random.default_rng(1)
    return [(f"{k:06d}_0", rng.integers(0, 256, (side, side), np.uint8)) for k in range(count)]


def test_masks_come_back_by_id(tmp_path):
    store.write_masks(tmp_path / "masks.zip", some())
    with store.MaskArchive(tmp_path / "masks.zip") as archive:
        for name, mask in some():
            np.testing.assert_array_equal(archive.mask(name), mask)
        assert archive.mask("000009_0") is None and archive.checksum("000009_0") == ""


def test_a_checksum_tells_masks_apart(tmp_path):
    (name, mask), (other, _), _ = some()
    store.write_masks(tmp_path / "a.zip", [(name, mask), (other, mask)])
    store.write_masks(tmp_path / "b.zip", [(name, mask), (other, 255 - mask)])
    with store.MaskArchive(tmp_path / "a.zip") as one, store.MaskArchive(tmp_path / "b.zip") as two:
        assert one.checksum(name) == one.checksum(other) == two.checksum(name) != two.checksum(other)


def test_the_same_masks_are_the_same_file(tmp_path):
    for name in ("a.zip", "b.zip"):
        store.write_masks(tmp_path / name, some())
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_no_masks_are_a_file_too(tmp_path):
    store.write_masks(tmp_path / "masks.zip", [])
    with store.MaskArchive(tmp_path / "masks.zip") as archive:
        assert archive.mask("000000_0") is None


def test_half_a_write_leaves_nothing(tmp_path):
    def broken():
        yield from some(1)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        store.write_masks(tmp_path / "masks.zip", broken())
    assert not list(tmp_path.iterdir())


def png(image):
    return cv2.imencode(".png", image)[1].tobytes()


def claimed(side):
    """A small PNG that says it is a large one."""
    data = bytearray(png(np.zeros((8, 8), np.uint8)))
    data[16:24] = side.to_bytes(4, "big") * 2
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        png(np.zeros((8, 9), np.uint8)),
        png(np.zeros((8, 8), np.uint8))[:40],
        claimed(100_000),
        b"\0" * (5 << 20),
    ],
    ids=["empty", "text", "not square", "cut off", "says it is huge", "is huge"],
)
def test_a_damaged_mask_is_named(tmp_path, data):
    with zipfile.ZipFile(tmp_path / "masks.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("000001_0.png", data)
    with store.MaskArchive(tmp_path / "masks.zip") as archive, pytest.raises(SwapError, match=r"masks\.zip: 000001_0"):
        archive.mask("000001_0")


@given(data=st.binary(max_size=400))
def test_any_file_is_an_archive_or_one_line(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "masks.zip"
    path.write_bytes(data)
    with pytest.raises(SwapError, match="expected a zip of masks"):
        store.MaskArchive(path)
