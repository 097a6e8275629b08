"""Files: tables, JSON, face archives, pictures. Writes are atomic, reads are checked.

A file is written beside its place, flushed to the disk and renamed, so that its name never stands on half a file.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np

from swapcore.errors import SwapError
from swapcore.types import Table

VERSION = 1  # of the tables and of the row in a face's PNG
ROW_KEYWORD = b"swapcore face"
ROW_LIMIT = 64 * 1024  # bytes of JSON in a face's PNG
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")

T = TypeVar("T", bound=Table)


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix; renamed to `path` when the block ends well, removed when not.

    What a kill left of an earlier try is removed: only one process at a time may write a path.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.????????{glob.escape(path.suffix)}"):
        left.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)  # mkstemp made it private
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: str | Path, data: Any) -> None:
    """Write JSON for people: indented, keys in the given order, no NaN."""
    write_bytes(path, (json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_json(path: str | Path) -> Any:
    """Read JSON. Raises SwapError for a file that is none."""
    try:
        return json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise SwapError(f"{path}: expected JSON ({error}); delete it and run snakemake again") from None


def sha256(path: str | Path) -> str:
    """Digest of a file's bytes, hexadecimal; of a folder: of its pictures' names and bytes in the order of names."""
    path, digest = Path(path), hashlib.sha256()
    if path.is_dir():
        for name in pictures(path):
            digest.update(f"{Path(name).name}\n{sha256(name)}\n".encode())
        return digest.hexdigest()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


# tables


def write_table(path: str | Path, table: Table, meta: dict[str, Any] | None = None) -> None:
    """Write a table as parquet; `meta` is any JSON that belongs to the whole of it. The same content gives the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays, schema = [], []
    for name, value in table.columns().items():
        if value.dtype == object:
            array = pa.array([v if v != "" else None for v in value.tolist()], pa.string())
        else:
            array = pa.array(np.ascontiguousarray(value).reshape(-1))
            for size in reversed(value.shape[1:]):
                array = pa.FixedSizeListArray.from_arrays(array, size)
        arrays.append(array)
        schema.append(pa.field(name, array.type))
    head = {"kind": table.KIND, "version": VERSION, "meta": meta or {}}
    metadata = {"swapcore": json.dumps(head, sort_keys=True, allow_nan=False)}
    with atomic(path) as temporary:
        pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(schema, metadata)), temporary, compression="zstd")


def read_table(path: str | Path, kind: type[T]) -> tuple[T, dict[str, Any]]:
    """Read a table written by `write_table`, and its meta. Raises SwapError where it is damaged or of another kind."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    remedy = "delete it and run snakemake again"
    try:
        found = pq.read_table(path, memory_map=False)
        head = json.loads((found.schema.metadata or {})[b"swapcore"])
        if (head["kind"], head["version"]) != (kind.KIND, VERSION):
            raise SwapError(
                f"{path}: expected {kind.KIND}, version {VERSION}, found {head['kind']}, version {head['version']}; {remedy}"
            )
        columns = {}
        for name, empty in kind.empty().columns().items():
            array = found.column(name).combine_chunks()
            if empty.dtype == object:
                columns[name] = np.array([v if v is not None else "" for v in array.to_pylist()], object)
                continue
            for _ in empty.shape[1:]:
                array = array.flatten()
            columns[name] = (
                array.to_numpy(zero_copy_only=False).astype(empty.dtype).reshape(len(found), *empty.shape[1:])
            )
        return kind(**columns), head["meta"]
    except SwapError:
        raise
    except (OSError, KeyError, ValueError, TypeError, pa.ArrowException) as error:
        raise SwapError(
            f"{path}: expected a table of {kind.KIND}, but it is damaged or foreign ({error}); {remedy}"
        ) from None


# pictures


def encode_picture(image_bgr: np.ndarray, suffix: str = ".jpg", *, quality: int = 90) -> bytes:
    """(h, w, 3) or (h, w) uint8 BGR -> bytes of a PNG or JPEG."""
    if suffix in (".jpg", ".jpeg"):
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    else:  # one filter and run lengths: for faces 1.8 times as fast as the choice by OpenCV, and 3 % smaller
        options = [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG]
        options += [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE, cv2.IMWRITE_PNG_COMPRESSION, 1]
    done, data = cv2.imencode(suffix, image_bgr, options)
    if not done:
        raise ValueError(f"cannot encode {image_bgr.shape} {image_bgr.dtype} as {suffix}")
    return data.tobytes()


def write_picture(path: str | Path, image_bgr: np.ndarray) -> None:
    """Write a picture in the format of the path's suffix."""
    write_bytes(path, encode_picture(image_bgr, Path(path).suffix))


def read_picture(path: str | Path) -> np.ndarray:
    """(h, w, 3) uint8 BGR, upright by its EXIF orientation. Raises SwapError where it is no picture."""
    try:
        data = np.frombuffer(Path(path).read_bytes(), np.uint8)
    except OSError as error:
        raise SwapError(f"{path}: expected a picture ({error.strerror}); correct its path") from None
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise SwapError(
            f"{path}: expected a picture that OpenCV reads ({', '.join(PICTURES)}), found something else; remove or convert it"
        )
    return image


def pictures(folder: str | Path) -> list[Path]:
    """The pictures of a folder, by name; hidden files are left out."""
    return sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith("."))


# faces


def face_png(crop_bgr: np.ndarray, row: dict[str, Any]) -> bytes:
    """A face's crop (h, w, 3) uint8 BGR as PNG, with its row of the face table as JSON in an iTXt chunk (PNG 1.2, 4.2.3.3)."""
    data = encode_picture(crop_bgr, ".png")
    text = json.dumps({"version": VERSION, **row}, allow_nan=False).encode()
    if len(text) > ROW_LIMIT:
        raise ValueError(f"a face's row has {len(text)} bytes, more than {ROW_LIMIT}")
    body = ROW_KEYWORD + b"\0\0\0\0\0" + text  # not compressed, no language, no translated keyword
    chunk = struct.pack(">I", len(body)) + b"iTXt" + body + struct.pack(">I", zlib.crc32(b"iTXt" + body))
    after_header = 8 + 4 + 4 + 13 + 4
    return data[:after_header] + chunk + data[after_header:]


def face_row(png: bytes) -> dict[str, Any]:
    """The row that `face_png` put into a PNG. Raises SwapError where there is none."""
    if not png.startswith(PNG_SIGNATURE):
        raise SwapError("face: expected a PNG, found something else")
    at = 8
    while at + 12 <= len(png):
        size = struct.unpack(">I", png[at : at + 4])[0]
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        if kind == b"iTXt" and body.startswith(ROW_KEYWORD + b"\0") and size <= ROW_LIMIT + 64:
            try:
                row = json.loads(body[len(ROW_KEYWORD) + 5 :])
                if isinstance(row, dict) and row.get("version") == VERSION:
                    return row
            except ValueError:
                pass
            raise SwapError("face: its row is damaged or of another version; extract it again")
        if kind == b"IEND":
            break
        at += 12 + size
    raise SwapError("face: a PNG without a row of Swapcore; only faces from a faces.zip can be used")


def face_crop(png: bytes) -> np.ndarray:
    """The crop of a face's PNG, (h, w, 3) uint8 BGR."""
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise SwapError("face: its PNG is damaged; delete the faces.zip and run snakemake again")
    return image


def write_archive(path: str | Path, faces: Iterable[tuple[str, bytes]]) -> None:
    """A zip of {id}.png, stored and not deflated, as (id, PNG) come; no times in it, so the same faces give the same bytes."""
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, png in faces:
            archive.writestr(zipfile.ZipInfo(f"{name}.png"), png)


class FaceArchive:
    """Random access to a faces.zip; a context manager."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        try:
            self._zip = zipfile.ZipFile(self.path)
        except (OSError, zipfile.BadZipFile) as error:
            raise SwapError(
                f"{path}: expected an archive of faces ({error}); delete it and run snakemake again"
            ) from None

    def __enter__(self) -> FaceArchive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def ids(self) -> list[str]:
        """Ids of the faces, in the archive's order."""
        return [name.removesuffix(".png") for name in self._zip.namelist()]

    def png(self, name: str) -> bytes:
        """The bytes of one face's PNG. Raises SwapError where it is missing or damaged."""
        try:
            return self._zip.read(f"{name}.png")
        except (KeyError, OSError, zipfile.BadZipFile, zlib.error) as error:
            raise SwapError(
                f"{self.path}: face {name} is missing or damaged ({error}); delete it and run snakemake again"
            ) from None

    def crop(self, name: str) -> np.ndarray:
        """One face's crop, (h, w, 3) uint8 BGR."""
        return face_crop(self.png(name))


def crops(archives: dict[str, Path], clips: Iterable[str], names: Iterable[str]) -> list[np.ndarray]:
    """The crops (h, w, 3) uint8 BGR of faces named by clip and id, from the archives of their clips."""
    with contextlib.ExitStack() as stack:
        opened = {clip: stack.enter_context(FaceArchive(path)) for clip, path in archives.items()}
        return [opened[clip].crop(name) for clip, name in zip(clips, names, strict=True)]
