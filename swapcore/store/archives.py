"""Face archives: a zip of PNGs, each of which says itself what it is.

A user may unzip one, delete, rename and sort faces into folders, and zip them again with any program: faces are found by
their rows, never by their names. Nothing is ever extracted to the disk, so a member's name can do no harm; how many
members there are and how large each may be is limited before anything is unpacked.
"""

from __future__ import annotations

import contextlib
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np

from swapcore.errors import SwapError
from swapcore.store.files import atomic
from swapcore.store.rows import PNG_LIMIT, FaceRow, face_crop, row_of

MEMBERS_LIMIT = 2_000_000  # a face in every frame of 22 hours
RATIO_LIMIT = 100  # of unpacked to packed; pictures hardly shrink, a row to a third
BLOCK = 4096  # bytes, of what is packed as of what is unpacked
CLUTTER = {"thumbs.db", "desktop.ini"}  # what systems leave beside pictures, besides hidden files
CLUTTER_FOLDERS = {"__macosx", "@eadir"}

# what `zipfile` raises for damaged, encrypted and exotic archives
DAMAGE = (
    *(OSError, EOFError, ValueError, IndexError, RuntimeError, OverflowError, MemoryError),
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error),
)


def write_archive(path: str | Path, faces: Iterable[tuple[str, bytes]]) -> None:
    """A zip of {id}.png, stored and not deflated, as (id, PNG) come; no times in it, so the same faces give the same bytes.

    Raises SwapError where an id comes twice.
    """
    written = set()
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, png in faces:
            if name in written:
                raise SwapError(f"{path}: two faces are called {name}; rename one of the photos they are from")
            written.add(name)
            archive.writestr(zipfile.ZipInfo(f"{name}.png"), png)


class FaceArchive:
    """Random access to the faces of a faces.zip by their ids; a context manager.

    clip: the archive's clip, whose faces alone count; "" takes that of its first face. What was found beside them, and
    passed over, stands in `remarks`, a line each. Opening reads the beginning of each face: 5,000 in about 0.4 s.
    Raises SwapError where it is no zip, a face's row is damaged, or all faces are of another clip.
    """

    def __init__(self, path: str | Path, *, clip: str = ""):
        self.path, self.clip = Path(path), clip
        self.remarks: list[str] = []
        if self.path.is_dir():
            raise SwapError(f"{path}: expected a zip of faces, found a folder; zip what is in it, under that name")
        try:
            self._zip = zipfile.ZipFile(self.path)
        except DAMAGE as error:
            raise SwapError(f"{path}: expected a zip of faces ({_said(error)}); {_remedy('it')}") from None
        try:
            self._index()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> FaceArchive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def _index(self) -> None:
        members = [member for member in self._zip.infolist() if not _clutter(member)]
        if len(members) > MEMBERS_LIMIT:
            raise SwapError(
                f"{self.path}: expected at most {MEMBERS_LIMIT} files, found {len(members)}; zip the faces alone"
            )
        members.sort(key=lambda m: m.header_offset)  # as they lie on the disk, which is fastest to read
        # rows are not kept: as objects they take many times their place in the file
        whose = [(member, self._whose(member)) for member in members]
        whose.sort(key=lambda pair: pair[0].filename)
        clips = sorted({name[0] for _, name in whose if name is not None})
        if not self.clip and clips:
            self.clip = next(name[0] for _, name in whose if name is not None)
        if clips and self.clip not in clips:
            raise SwapError(
                f"{self.path}: expected faces of clip {self.clip}, found those of {', '.join(clips)}; put back the clip's "
                f"own, or {_remedy('the archive')}"
            )
        aside: dict[str, list[str]] = {"foreign": [], "others": [], "twice": []}
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member, name in whose:
            if name is None:
                aside["foreign"].append(member.filename)
            elif name[0] != self.clip:
                aside["others"].append(member.filename)
            elif name[1] in self._members:
                aside["twice"].append(member.filename)
            else:
                self._members[name[1]] = member
        others = ", ".join(clip for clip in clips if clip != self.clip)
        self._remark(aside["foreign"], "no face of Swapcore", "not used")
        self._remark(aside["others"], f"of clip {others}", "used from that clip's own archive alone")
        self._remark(aside["twice"], "there a second time", "the first by name is used")

    def _remark(self, names: list[str], what: str, then: str) -> None:
        if not names:
            return
        some = ", ".join(printable(name) for name in names[:3]) + (", .." if len(names) > 3 else "")
        number = "1 file is" if len(names) == 1 else f"{len(names)} files are"
        self.remarks.append(f"{self.path}: {number} {what} ({some}): {then}")

    def _whose(self, member: zipfile.ZipInfo) -> tuple[str, str] | None:
        """Clip and id by a member's row; None where it is no face."""
        row = self._row(member)
        return None if row is None else (row.clip, row.id)

    def _row(self, member: zipfile.ZipInfo) -> FaceRow | None:
        if member.file_size > PNG_LIMIT:
            return None
        if member.file_size > RATIO_LIMIT * (member.compress_size + 1024):
            raise self._damaged(member, f"expected a picture, found what unpacks to {member.file_size} bytes")
        try:
            with opened(self._zip, member) as file:
                return row_of(file)
        except DAMAGE as error:
            raise self._damaged(member, _said(error)) from None
        except SwapError as error:
            raise self._damaged(member, str(error)) from None

    def _damaged(self, member: zipfile.ZipInfo, said: str) -> SwapError:
        return SwapError(
            f"{self.path}: {printable(member.filename)}: {said}; take it out of the archive, or "
            f"{_remedy('the archive')}"
        )

    def ids(self) -> list[str]:
        """Ids of the faces that the archive holds, ascending. A face of the table that is not among them was taken out."""
        return sorted(self._members)

    def row(self, name: str) -> FaceRow:
        """One face's row. Raises SwapError where the archive does not hold it."""
        row = self._row(self._member(name))
        assert row is not None, "it had one when the archive was opened"
        return row

    def file_name(self, name: str) -> str:
        """What the face's PNG is called in the zip."""
        return self._member(name).filename

    def png(self, name: str) -> bytes:
        """The bytes of one face's PNG, PNG_LIMIT at most. Raises SwapError where it is missing or damaged."""
        member = self._member(name)
        try:
            return unpacked(self._zip, member)
        except DAMAGE as error:
            raise self._damaged(member, _said(error)) from None

    def crop(self, name: str) -> np.ndarray:
        """One face's crop, (size, size, 3) uint8 BGR. Raises SwapError as `png` does."""
        try:
            return face_crop(self.png(name))
        except SwapError as error:
            raise self._damaged(self._member(name), str(error)) from None

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise SwapError(
                f"{self.path}: expected face {name}, it is not there; put it back and run snakemake again, or "
                f"{_remedy('the archive')}"
            )
        return self._members[name]


@contextlib.contextmanager
def open_archives(paths: Mapping[str, Path]) -> Iterator[dict[str, FaceArchive]]:
    """The archives of several clips, name -> path, open until the block ends."""
    with contextlib.ExitStack() as stack:
        yield {clip: stack.enter_context(FaceArchive(path, clip=clip)) for clip, path in paths.items()}


def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member's bytes, as many as were announced; at its end the check sum is compared. Raises one of DAMAGE.

    What is packed is read little by little: `zipfile` unpacks all that it is asked for before it looks at what was announced.
    """
    block = member.file_size + 1 if member.compress_type == zipfile.ZIP_STORED else BLOCK
    with opened(archive, member) as file:
        return b"".join(iter(lambda: file.read(block), b""))


def opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    """A member to read little by little. Raises one of DAMAGE, also where a few packed bytes could give gigabytes at once."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(
            "expected what is stored or deflated, found it packed otherwise; zip it again in the usual way"
        )
    return archive.open(member)


def held(archives: Mapping[str, FaceArchive], clips: Iterable[str], names: Iterable[str]) -> np.ndarray:
    """Of faces named by clip and id: which are in their clips' archives, (n,) bool. The others were taken out by hand."""
    there = {clip: set(archive.ids()) for clip, archive in archives.items()}
    return np.array([name in there[clip] for clip, name in zip(clips, names, strict=True)], bool)


def crops(archives: Mapping[str, FaceArchive], clips: Iterable[str], names: Iterable[str]) -> list[np.ndarray]:
    """The crops (h, w, 3) uint8 BGR of faces named by clip and id, from the archives of their clips."""
    return [archives[clip].crop(name) for clip, name in zip(clips, names, strict=True)]


def _clutter(member: zipfile.ZipInfo) -> bool:
    """Folders, what is hidden, and what systems put beside pictures."""
    parts = PurePosixPath(member.filename.replace("\\", "/").lower()).parts
    if not parts or member.filename.endswith("/"):  # not member.is_dir(), which fails where a name is empty
        return True
    hidden = any(part.startswith(".") for part in parts)
    return hidden or parts[-1] in CLUTTER or bool(set(parts[:-1]) & CLUTTER_FOLDERS)


def printable(name: str) -> str:
    """A file's name, or a message, without what steers a terminal, and not longer than a line."""
    return "".join(c if c.isprintable() else "?" for c in name)[:120]


def _said(error: BaseException) -> str:
    return printable(str(error)) if str(error) else type(error).__name__  # some quote a member's name, of any length


def _remedy(what: str) -> str:
    return f"delete {what} and run snakemake again, which brings all faces back"
