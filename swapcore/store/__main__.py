"""What a face says about itself: `python -m swapcore.store face.png`, any number of them; `faces.zip` lists its faces,
`faces.zip::000120_0` is one of them. With --taken-out, an archive's faces that were taken out of it by hand, as lines for
config/edits/{person}.yaml.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from swapcore.errors import SwapError
from swapcore.store.archives import FaceArchive, printable
from swapcore.store.rows import PNG_LIMIT, FaceRow, face_crop, face_row
from swapcore.store.tables import read_table
from swapcore.types import FaceSet, PeopleTable


def main(arguments: list[str]) -> int:
    """Print what is known of each file; what cannot be read is a line on stderr. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m swapcore.store", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", help="face.png, faces.zip or faces.zip::id")
    parser.add_argument(
        "--taken-out", action="store_true", help="lines for edits of the faces that are no longer there"
    )
    options = parser.parse_args(arguments)
    failed = 0
    for name in options.files:
        try:
            for line in taken_out(Path(name)) if options.taken_out else told(name, alone=len(options.files) == 1):
                print(line)
        except BrokenPipeError:  # as `| head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except SwapError as error:
            sys.stdout.flush()
            print(f"swapcore.store: {error}", file=sys.stderr)
            failed = 1
    return failed


def told(name: str, *, alone: bool) -> Iterator[str]:
    """The lines about one file; `alone`: not to be told apart from others."""
    path, mark, wanted = name.rpartition("::")
    if mark and not Path(name).exists():
        with FaceArchive(path) as archive:
            yield from ([] if alone else [f"{name}:"])
            yield readable(archive.row(wanted))
    elif zipfile.is_zipfile(name):
        yield from listed(Path(name))
    else:
        row = face(Path(name))
        yield from ([] if alone else [f"{name}:"])
        yield readable(row)


def face(path: Path) -> FaceRow:
    """The row of a face's PNG that is whole."""
    try:
        if path.is_dir():
            raise SwapError("expected a face's PNG or a faces.zip, found a folder: name the files in it")
        with open(path, "rb") as file:
            png = file.read(PNG_LIMIT + 1)
        row = face_row(png)
        face_crop(png)
        return row
    except OSError as error:
        raise SwapError(f"{path}: expected a face's PNG or a faces.zip ({error.strerror}); correct its path") from None
    except SwapError as error:
        raise SwapError(f"{path}: {error}; use the original file") from None


def readable(row: FaceRow) -> str:
    """A row as JSON for people: a key a line, long lists and tables in lines of six."""
    lines = []
    for key, value in row.model_dump(mode="json").items():
        whole = json.dumps(value, ensure_ascii=False)
        if len(whole) > 110 and isinstance(value, (list, dict)):
            parts = [json.dumps([item]) for item in value] if isinstance(value, list) else []
            parts += (
                [json.dumps({k: v}, ensure_ascii=False) for k, v in value.items()] if isinstance(value, dict) else []
            )
            parts = [part[1:-1] for part in parts]  # without the brackets
            inner = ",".join("\n   " + ", ".join(parts[k : k + 6]) for k in range(0, len(parts), 6))
            whole = f"{whole[0]}{inner}\n {whole[-1]}"
        lines.append(f' "{key}": {whole}')
    return "{\n" + ",\n".join(lines) + "\n}"


def listed(path: Path) -> Iterator[str]:
    """A line per face of an archive; what was passed over goes to stderr."""
    with FaceArchive(path) as archive:
        for name in archive.ids():
            row = archive.row(name)
            angles = " ".join(
                f"{key} {row.quality[key]:+.0f}" for key in ("yaw", "pitch", "roll") if key in row.quality
            )
            where = f"{row.file or row.clip} frame {row.frame} track {row.track}"
            called = archive.file_name(name)
            renamed = "" if called == f"{name}.png" else f"  as {printable(called)}"
            yield f"{name}  {where}  {row.size} px {row.centring}  {angles}{renamed}"
        for remark in archive.remarks:
            print(f"swapcore.store: {remark}", file=sys.stderr)


def taken_out(path: Path) -> Iterator[str]:
    """Lines for config/edits of the faces that stand in the table beside an archive, and not in the archive."""
    faces, _ = read_table(path.with_name("faces.parquet"), FaceSet)
    people, _ = read_table(path.with_name("people.parquet"), PeopleTable)
    whose = dict(zip(people.id, people.person, strict=True))
    with FaceArchive(path) as archive:
        held = set(archive.ids())
    out = [(whose.get(name, ""), k) for k, name in enumerate(faces.id) if name not in held]
    for person in sorted({person for person, _ in out if person}):  # an unknown face neither trains nor is swapped
        yield f"# taken out of {path}; for config/edits/{person}.yaml, under swap_only:"
        for k in (k for name, k in out if name == person):
            name, box = json.dumps(faces.id[k], ensure_ascii=False), faces.box_xyxy[k].round().astype(int).tolist()
            yield f"  - {{clip: {archive.clip}, face: {name}, box: {box}}}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
