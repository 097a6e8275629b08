"""Files written whole or not at all, JSON, digests, and the pictures of a folder.

A file is written beside its place, flushed to the disk and renamed, so that its name never stands on half a file.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swapcore.errors import SwapError
from swapcore.store.given import read_bytes

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # a disk, a user's share of it, the largest file allowed
JSON_LIMIT = 256 << 20  # bytes; a training's state has some MB
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix; renamed to `path` when the block ends well, removed when not.

    What a kill left of an earlier try is removed: only one process at a time may write a path. Raises SwapError where the
    folder may not be written or the disk is full.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{glob.escape(path.name)}.????????{glob.escape(path.suffix)}"):
            left.unlink(missing_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise _unwritten(path, error) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        _put(temporary, path, mode=0o666)
    except (OSError, SwapError) as error:
        raise _told(error, temporary, path) from None
    finally:
        temporary.unlink(missing_ok=True)


def _put(temporary: Path, path: Path, *, mode: int) -> None:
    """Rename what was made private to its place, as open as the user's umask leaves it."""
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(mode & ~mask)
    os.replace(temporary, path)


def _told(error: OSError | SwapError, temporary: Path, path: Path) -> OSError | SwapError:
    """An error of the work on a temporary file: nobody knows that one's name, and a full disk is a line."""
    if isinstance(error, SwapError):
        return SwapError(str(error).replace(str(temporary), str(path)))
    return _unwritten(path, error) if error.errno in FULL else error


def _unwritten(path: Path, error: OSError) -> SwapError:
    said = os.strerror(error.errno) if error.errno else str(error)
    remedy = "free some space" if error.errno in FULL else "check that its folder is one and may be written"
    return SwapError(f"{path}: cannot be written ({said}); {remedy}, and run snakemake again")


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """A temporary folder beside `path`, renamed to it when the block ends well, removed when not; an old one is replaced.

    What a kill left of an earlier try is removed, and errors are those of `atomic`.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{glob.escape(path.name)}.????????"):
            shutil.rmtree(left, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise _unwritten(path, error) from None
    try:
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        _put(temporary, path, mode=0o777)
    except (OSError, SwapError) as error:
        raise _told(error, temporary, path) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write atomically."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: str | Path, data: Any) -> None:
    """Write JSON for people: indented, keys in the given order, no NaN."""
    write_bytes(path, (json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def read_json(path: str | Path) -> Any:
    """Read JSON. Raises SwapError for a file that is none, is nested beyond reason or larger than JSON_LIMIT."""
    remedy = "delete it and run snakemake again"
    data = read_bytes(path, what="JSON", most=JSON_LIMIT, remedy=remedy)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SwapError(f"{path}: expected JSON ({error}); {remedy}") from None


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


def pictures(folder: str | Path) -> list[Path]:
    """The pictures of a folder, by name; hidden files are left out."""
    return sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in PICTURES and not p.name.startswith("."))
