"""How large a picture says it is, read from its first bytes: before a decoder takes memory for what it announces."""

from __future__ import annotations

import struct
from collections.abc import Callable

PIXELS_LIMIT = 1 << 28  # 268 megapixels: more than any camera has; 0.8 GB as 8 bit BGR
SIDE_LIMIT = 1 << 16


def announced(data: bytes) -> tuple[int, int] | None:
    """Width and height that a PNG, JPEG, WebP, BMP or TIFF says it has; None where it is none of these or says nothing."""
    for head, read in KINDS.items():
        if data.startswith(head):
            try:
                found = read(data)
            except (struct.error, IndexError):
                return None
            return found if found and min(found) > 0 else None
    return None


def too_large(size_wh: tuple[int, int]) -> bool:
    """Whether no picture of this size is decoded."""
    return max(size_wh) > SIDE_LIMIT or size_wh[0] * size_wh[1] > PIXELS_LIMIT


def _png(data: bytes) -> tuple[int, int] | None:
    """None too where a chunk says that it goes on beyond the file: OpenCV takes as much memory as it says."""
    at = 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        at += 12 + length
        if at > len(data):
            return None
        if kind == b"IEND":
            break
    return struct.unpack_from(">II", data, 16) if data[12:16] == b"IHDR" else None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """By the frame header (ITU T.81, B.2.2), which is the first of the markers SOF."""
    at = 2
    while True:
        at = data.find(b"\xff", at)  # a decoder passes over what stands between, too
        if at < 0:
            return None
        while data[at] == 0xFF:  # a marker may be filled up
            at += 1
        marker, at = data[at], at + 1
        if marker in (0xD9, 0xDA):  # the end, or the picture's own data
            return None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 3)
            return width, height
        if marker not in (0x00, 0x01) and not 0xD0 <= marker <= 0xD8:
            at += max(struct.unpack_from(">H", data, at)[0], 2)


def _webp(data: bytes) -> tuple[int, int] | None:
    if data[8:12] != b"WEBP":
        return None
    kind = data[12:16]
    if kind == b"VP8X":
        return tuple(int.from_bytes(data[k : k + 3], "little") + 1 for k in (24, 27))
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _bmp(data: bytes) -> tuple[int, int] | None:
    """Of OS/2's short header and of all longer ones; a negative height means that the first row is on top."""
    short = struct.unpack_from("<I", data, 14)[0] == 12
    width, height = struct.unpack_from("<HH" if short else "<ii", data, 18)
    return width, abs(height)


def _tiff(data: bytes) -> tuple[int, int] | None:
    """The largest that its first directory names (TIFF 6.0; BigTIFF)."""
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43
    start = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]
    count = struct.unpack_from(order + ("Q" if big else "H"), data, start)[0]
    step, first, place = (20, start + 8, 12) if big else (12, start + 2, 8)
    found = {256: 0, 257: 0}
    for at in range(first, first + step * min(count, 4096), step):
        tag, kind = struct.unpack_from(order + "HH", data, at)
        if tag in found and kind in WHOLE:
            found[tag] = max(found[tag], struct.unpack_from(order + WHOLE[kind], data, at + place)[0])
    return found[256], found[257]


WHOLE = {1: "B", 3: "H", 4: "I", 16: "Q"}  # TIFF's kinds of whole numbers
KINDS: dict[bytes, Callable[[bytes], tuple[int, int] | None]] = {
    b"\x89PNG\r\n\x1a\n": _png,
    b"\xff\xd8\xff": _jpeg,
    b"RIFF": _webp,
    b"BM": _bmp,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
    b"II+\0": _tiff,
    b"MM\0+": _tiff,
}
