"""Pictures: encoded, written, read."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import cv2
import numpy as np

from swapcore.errors import SwapError
from swapcore.store.files import PICTURES, write_bytes
from swapcore.store.given import read_bytes
from swapcore.store.marks import marked
from swapcore.store.sizes import PIXELS_LIMIT, SIDE_LIMIT, announced, too_large

BYTES_LIMIT = 2 << 30  # of a picture's file; 16 bit a sample uncompressed is 6 bytes a pixel
AFTER_HEADER = 8 + 4 + 4 + 13 + 4  # bytes of a PNG's signature and IHDR


def encode_picture(image_bgr: np.ndarray, suffix: str = ".jpg", *, quality: int = 90) -> bytes:
    """(h, w, 3) or (h, w) uint8 BGR -> bytes of a PNG or JPEG."""
    if suffix in (".jpg", ".jpeg"):
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    else:  # one filter, Huffman's codes alone: for faces a quarter faster than with run lengths, and as small
        options = [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
        options += [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_HUFFMAN_ONLY, cv2.IMWRITE_PNG_COMPRESSION, 1]
    done, data = cv2.imencode(suffix, image_bgr, options)
    if not done:
        raise ValueError(f"cannot encode {image_bgr.shape} {image_bgr.dtype} as {suffix}")
    return data.tobytes()


def with_chunks(png: bytes, chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A PNG with chunks (kind, body) behind its header, the place where those that tell of colour have to stand."""
    made = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return png[:AFTER_HEADER] + made + png[AFTER_HEADER:]


def write_picture(path: str | Path, image_bgr: np.ndarray, *, marks: Mapping[str, str] | None = None) -> None:
    """Write a picture in the format of the path's suffix; a JPEG says `marks` (label.marks()) of itself."""
    data = encode_picture(image_bgr, Path(path).suffix)
    write_bytes(path, marked(data, marks) if marks else data)


def read_picture(path: str | Path, *, deep: bool = False) -> np.ndarray:
    """(h, w, 3) BGR, upright by its EXIF orientation, without transparency; uint8, or with `deep` as the file has it.

    Raises SwapError where it is no picture of a format of PICTURES, or larger than `sizes` and BYTES_LIMIT allow, which is known
    before it is decoded.
    """
    data = read_bytes(path, what="a picture", most=BYTES_LIMIT)
    size, image = announced(data), None
    if size and too_large(size):
        raise SwapError(
            f"{path}: expected a picture of at most {PIXELS_LIMIT / 1e6:.0f} megapixels and {SIDE_LIMIT} a side, this one says "
            f"it has {size[0]}x{size[1]}; make it smaller, or remove it"
        )
    if size:
        try:
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | (cv2.IMREAD_ANYDEPTH if deep else 0))
        except cv2.error:
            image = None
    if image is None or image.ndim != 3 or image.shape[2] != 3:
        raise SwapError(
            f"{path}: expected a picture that OpenCV reads ({', '.join(PICTURES)}), found a damaged file or something else; "
            "remove or convert it"
        )
    return image
