"""What users give, looked at before any job: whether it is there and may be read, and text as text."""

from __future__ import annotations

import errno
import io
import os
import stat
import time
from pathlib import Path

from swapcore.errors import SwapError

KINDS = {
    stat.S_ISFIFO: "a pipe, which cannot be read twice",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}
AHEAD = 60.0  # seconds that another machine's clock may be ahead
TEXT_LIMIT = 64 << 20  # bytes of a text of the user's; a clip's line has about 100
NONE = {errno.ENOENT: "none", errno.ENOTDIR: "none", errno.ELOOP: "a link to itself"}


def check_given(path: str | Path, *, where: str, expected: str, remedy: str) -> None:
    """Raise SwapError, beginning with `where`, where a file or folder is not there or may not be read, or is a pipe or device, or
    where a file's date is to come: Snakemake takes what is made from it for older, and stops.
    """
    found = _amiss(path)
    if found:
        if found.endswith("not be read"):
            remedy = "let it be read (chmod)"
        raise SwapError(f"{where}: expected {expected} at {path}, found {found}; {remedy}")
    found = os.stat(path)
    if found.st_mtime > time.time() + AHEAD and not stat.S_ISDIR(found.st_mode):
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.st_mtime))
        raise SwapError(
            f"{where}: expected a date that has been, {path} is of {when}; set the clock right, or the file's date: touch it"
        )


def dated_now(folder: str | Path) -> int:
    """Date files that are of a time to come as of now, and say how many: a clock that jumped back made them older again."""
    now, count = time.time(), 0
    for place, _, names in os.walk(folder):
        for path in (os.path.join(place, name) for name in names):
            try:
                if os.lstat(path).st_mtime > now:
                    os.utime(path, (now, now), follow_symlinks=False)
                    count += 1
            except OSError:  # not ours, or gone in this moment
                continue
    return count


def _amiss(path: str | Path) -> str:
    """What is found in the place of a file or a folder that can be read; "" where there is one."""
    try:
        mode = os.stat(path).st_mode
    except PermissionError:
        return "a folder on the way to it that may not be read"
    except OSError as error:
        return NONE.get(error.errno or 0) or f"none ({error.strerror})"
    except ValueError:  # a null character
        return "none"
    for is_kind, name in KINDS.items():
        if is_kind(mode):
            return name
    if stat.S_ISDIR(mode):
        return "" if os.access(path, os.R_OK | os.X_OK) else "a folder that may not be read"
    return "" if os.access(path, os.R_OK) else "a file that may not be read"


def check_writable(folder: str | Path) -> None:
    """Raise SwapError where nothing can be written into a folder, or where it cannot be made."""
    place = Path(folder)
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise SwapError(f"{folder}: expected a folder, found a file at {place}; rename or remove it")
    if not os.access(place, os.W_OK | os.X_OK):
        raise SwapError(
            f"{folder}: nothing may be written into {place.absolute()}; change its permissions or its owner"
        )


def read_bytes(path: str | Path, *, what: str, most: int, remedy: str = "correct its path") -> bytes:
    """A file whole, if it has at most `most` bytes. Raises SwapError where it cannot be read or is larger; expected: `what`."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(most + 1) if size <= most else b""
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise SwapError(f"{path}: expected {what} ({said}); {remedy}") from None
    if max(size, len(data)) > most:
        raise SwapError(
            f"{path}: expected {what} of at most {most >> 20} MiB, found {max(size, len(data)) >> 20} MiB; {remedy}"
        )
    return data


def read_text(path: str | Path) -> str:
    """A text file of the user's. Raises SwapError where it is not there, may not be read, is too large or not in UTF-8."""
    check_given(path, where=str(path), expected="a text file", remedy="write it, or correct its path")
    if os.path.isdir(path):
        raise SwapError(f"{path}: expected a text file, found a folder; rename or remove it")
    data = read_bytes(path, what="a text file", most=TEXT_LIMIT)
    try:
        return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8").read()  # whose line ends are one
    except UnicodeDecodeError:
        line = _undecoded(data)
        raise SwapError(
            f"{path}, line {line}: expected text in UTF-8, found other bytes; save it again as UTF-8 (in a spreadsheet as "
            "text with tabs, UTF-8)"
        ) from None


def _undecoded(data: bytes) -> int:
    """The first line that is not UTF-8, from 1."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    return 1
