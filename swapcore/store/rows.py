"""A face's PNG: its crop, and in an iTXt chunk (PNG 1.2, 4.2.3.3) its row, as JSON that is checked when read and written.

A face may come from anywhere: mailed, renamed, saved by another program. So nothing is believed: sizes are looked at before
anything is unpacked or decoded, and what is not as it should be is a SwapError or no face at all.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from swapcore.errors import SwapError
from swapcore.store.images import AFTER_HEADER, encode_picture, with_chunks

KIND = "swapcore face"
ROW_VERSION = 2  # raised when a key changes its meaning
ROW_KEYWORD = b"swapcore face"
ROW_LIMIT = 64 * 1024  # bytes of JSON; a row has about 3,000
SIDE_LIMIT = 1024  # pixels; faces.crop_size goes no farther
PNG_LIMIT = 16 << 20  # bytes of a face's PNG; one of 1024 pixels has 3 MiB at most, others' notes on top
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
DECIMALS = {"matrix": 6, "span": 6}  # of numbers in the row; elsewhere 3: a thousandth of a pixel

Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e7, le=1e7)]
Words = Annotated[str, Field(max_length=255, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]  # nothing that steers a terminal
Count = Annotated[int, Field(ge=0, le=2**53)]


class FaceRow(BaseModel):
    """What a face's PNG says about it: all that training needs, and where the face is from.

    Unknown keys are passed over: another program may add a note, and a later Swapcore a fact; a changed meaning of a known
    key is another version. Numbers are finite. Coordinates are pixels of the upright frame.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", use_attribute_docstrings=True)

    kind: Literal["swapcore face"] = KIND
    version: Literal[2] = ROW_VERSION
    clip: Annotated[Words, Field(min_length=1)]
    """Name of the clip in clips.tsv."""
    file: Words
    """Name of the video's file, or of the photo."""
    sha256: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
    """Digest of that file, so that a face tells whose it is when names have changed; empty where it is not known."""
    id: Annotated[Words, Field(min_length=1)]
    """As in the face table."""
    frame: Count
    track: Count
    box_xyxy: tuple[Finite, Finite, Finite, Finite]
    landmarks_xy: Annotated[tuple[tuple[Finite, Finite], ...], Field(min_length=68, max_length=68)]
    score: Finite
    """Of the detector."""
    matrix: tuple[tuple[Finite, Finite, Finite], tuple[Finite, Finite, Finite]]
    """Frame pixels -> pixels of the crop."""
    size: Annotated[int, Field(ge=1, le=SIDE_LIMIT)]
    """Side of the crop, pixels."""
    centring: Annotated[Words, Field(min_length=1)]
    """See align.CENTRINGS."""
    span: Annotated[Finite, Field(gt=0)]
    """Share of the crop's side that the width over the brows takes."""
    quality: Annotated[dict[Annotated[Words, Field(max_length=64)], Finite], Field(max_length=256)]
    """Name -> value, see quality.SCORES."""

    @classmethod
    def of(cls, **values: Any) -> FaceRow:
        """A row of numbers and arrays, rounded to DECIMALS. Raises ValueError where one is out of its range."""
        return cls(**{name: _plain(value, DECIMALS.get(name, 3)) for name, value in values.items()})

    def landmarks_in_crop(self) -> np.ndarray:
        """The landmarks (68, 2) float32 in pixels of the crop: what a detector would find in the PNG."""
        matrix = np.array(self.matrix)
        return (np.array(self.landmarks_xy) @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def _plain(value: Any, decimals: int) -> Any:
    """Arrays and lists as nested tuples, numbers rounded, all of Python's own types."""
    if isinstance(value, dict):
        return {str(name): _plain(item, decimals) for name, item in value.items()}
    if isinstance(value, (np.ndarray, np.floating, np.integer, float, list, tuple)):
        value = np.asarray(value)
        value = (value if value.dtype.kind in "iu" else np.round(value.astype(np.float64), decimals)).tolist()
        return (
            tuple(tuple(item) if isinstance(item, list) else item for item in value)
            if isinstance(value, list)
            else value
        )
    return value


def face_png(crop_bgr: np.ndarray, row: FaceRow) -> bytes:
    """A face's crop (size, size, 3) uint8 BGR as PNG, with its row. Raises ValueError where they do not fit each other."""
    if crop_bgr.shape != (row.size, row.size, 3):
        raise ValueError(f"a crop of {crop_bgr.shape} and a row of {row.size} pixels")
    return with_chunks(encode_picture(crop_bgr, ".png"), [(b"iTXt", _body(row))])


def with_track(png: bytes, track: int) -> bytes:
    """A face's PNG, as `face_png` wrote it, with another number of its track; the picture is not touched.

    Raises SwapError where its row is damaged or not where `face_png` puts it.
    """
    row = face_row(png)
    body = _body(row)
    start = AFTER_HEADER + 8
    if png[start : start + len(body)] != body:
        raise SwapError("expected a face's PNG as it was cut out, found one that another program wrote")
    rest = png[:AFTER_HEADER] + png[start + len(body) + 4 :]
    return with_chunks(rest, [(b"iTXt", _body(row.model_copy(update={"track": track})))])


def _body(row: FaceRow) -> bytes:
    """A row as the body of an iTXt chunk: not compressed, no language, no translated keyword."""
    text = row.model_dump_json().encode()
    if len(text) > ROW_LIMIT:
        raise ValueError(f"a face's row has {len(text)} bytes, more than {ROW_LIMIT}")
    return ROW_KEYWORD + b"\0\0\0\0\0" + text


def face_row(png: bytes) -> FaceRow:
    """The row of a face's PNG. Raises SwapError where there is none or it is damaged."""
    row = row_of(io.BytesIO(png))
    if row is None:
        raise SwapError("expected a face of a faces.zip, found a picture without a row of Swapcore")
    return row


def read_face_row(path: str | Path) -> FaceRow | None:
    """The row of a file that may be a face; None for any other file. Reads its beginning alone.

    Raises SwapError where the row is damaged, or the picture was resized since.
    """
    try:
        with open(path, "rb") as file:
            return row_of(file)
    except OSError as error:
        raise SwapError(f"{path}: expected a picture ({error.strerror}); correct its path") from None
    except SwapError as error:
        raise SwapError(f"{path}: {error}; use the original file, or save it as JPEG, which has no row") from None


def row_of(file: BinaryIO) -> FaceRow | None:
    """The row in a PNG that is open at its beginning, read no farther than that; None where there is no row, or no PNG."""
    if file.read(8) != PNG_SIGNATURE:
        return None
    width, height = _header(file)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return None
        if kind != b"iTXt":
            _skip(file, length + 4)
            continue
        start = file.read(min(length, len(ROW_KEYWORD) + 1))
        if start != ROW_KEYWORD + b"\0":
            _skip(file, length - len(start) + 4)
            continue
        if length > ROW_LIMIT:
            raise SwapError(f"its row has {length} bytes, more than {ROW_LIMIT}")
        rest = file.read(length - len(start) + 4)
        if len(rest) != length - len(start) + 4 or zlib.crc32(kind + start + rest[:-4]) != _number(rest[-4:]):
            raise SwapError("its row is damaged")
        row = _parsed(_text(rest[:-4]))
        if (width, height) != (row.size, row.size):
            raise SwapError(f"expected a crop of {row.size}x{row.size} pixels, as its row says, found {width}x{height}")
        return row
    return None


def face_crop(png: bytes) -> np.ndarray:
    """The crop of a face's PNG, (h, w, 3) uint8 BGR. Raises SwapError where it is damaged, cut off, or too large to be one."""
    file = io.BytesIO(png)
    if file.read(8) != PNG_SIGNATURE:
        raise SwapError("expected a face's PNG, found something else")
    width, height = _header(file)
    if not 0 < width <= SIDE_LIMIT or not 0 < height <= SIDE_LIMIT or len(png) > PNG_LIMIT:
        raise SwapError(f"expected a face of at most {SIDE_LIMIT} pixels, found {width}x{height}")
    at, kind = 8, b""
    while kind != b"IEND":  # a decoder would show a damaged picture as far as it goes
        length, kind = _number(png[at : at + 4]), png[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(png) or zlib.crc32(png[at + 4 : end - 4]) != _number(png[end - 4 : end]):
            raise SwapError("its picture is damaged or cut off")
        at = end
    try:
        image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        image = None
    if image is None or image.shape != (height, width, 3):
        raise SwapError("its picture is damaged")
    return image


def _header(file: BinaryIO) -> tuple[int, int]:
    """Width and height by the chunk IHDR, which is the first."""
    head = file.read(8 + 13 + 4)
    if len(head) != 25 or head[:8] != b"\0\0\0\x0dIHDR" or zlib.crc32(head[4:21]) != _number(head[21:]):
        raise SwapError("expected a PNG, found one whose header is damaged")
    width, height = struct.unpack(">II", head[8:16])
    return width, height


def _skip(file: BinaryIO, count: int) -> None:
    while count > 0 and (block := file.read(min(count, 1 << 16))):
        count -= len(block)


def _number(four: bytes) -> int:
    return int.from_bytes(four, "big")


def _text(body: bytes) -> bytes:
    """The text of an iTXt chunk from its compression flag on; a program that saved the PNG again may have compressed it."""
    flag, (_, _, text) = body[:1], (body[2:].split(b"\0", 2) + [b"", b""])[:3]
    if flag != b"\1":
        return text
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(text, ROW_LIMIT)
    except zlib.error:
        text = b""
    return text if unpacking.eof else b""


def _parsed(text: bytes) -> FaceRow:
    try:
        return FaceRow.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"][:2])
        if where == "version":
            found = f"{first['input']!r:.20}"
            raise SwapError(
                f"expected a row of version {ROW_VERSION}, found {found}; it is of another Swapcore"
            ) from None
        said = first["msg"].encode("ascii", "replace").decode()
        raise SwapError(f"its row is damaged ({where}: {said:.80})") from None
