"""Readers for test_fuzz.py, and valid files for them; fuzz_inputs.py damages these."""

from __future__ import annotations

import contextlib
import functools
import io
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pngs import png
from test_config import CLIPS, CONFIG
from test_parsing import network

from swapcore import config, parsing, store
from swapcore import edits as edits_of
from swapcore.errors import SwapError
from swapcore.models import read_weights as weights_of
from swapcore.store import rows
from swapcore.train import checkpoint
from swapcore.types import DatasetTable, DecisionTable, FaceSet, FrameTable, PeopleTable, ScoreTable

# ---- memory


@contextlib.contextmanager
def peak() -> Iterator[list[int]]:
    """A list whose one number is, after the block, by how many bytes the process' resident memory was larger at its worst."""
    taken, before = [0], 0
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")

    def said(key: str) -> int:
        return int(next(line for line in status.read_text().splitlines() if line.startswith(key)).split()[1]) << 10

    try:
        reset.write_text("5")  # the highest so far is forgotten
        before = said("VmRSS:")
    except OSError:  # another system: nothing is measured
        before = -1
    yield taken
    if before >= 0:
        taken[0] = said("VmHWM:") - before


# ---- readers


def read_face(path: Path) -> None:
    """All of a face's PNG."""
    found = store.read_face_row(path)
    if found is not None:
        assert np.isfinite(found.landmarks_in_crop()).all()
    rows.face_row(path.read_bytes())
    assert store.face_crop(path.read_bytes()).dtype == np.uint8


def read_archive(path: Path) -> None:
    """All faces of an archive."""
    with store.FaceArchive(path) as archive:
        assert all("\n" not in remark for remark in archive.remarks)
        for name in archive.ids():
            assert archive.row(name).id == name
            assert archive.crop(name).shape[2] == 3


def read_masks(path: Path) -> None:
    """All masks of an archive."""
    with store.MaskArchive(path) as archive:
        for name in ("000001_0", "000002_0", *archive._names):
            archive.mask(name)


KINDS = (FaceSet, FrameTable, PeopleTable, ScoreTable, DecisionTable, DatasetTable)


def read_tables(path: Path) -> None:
    """A file as a table of each kind: at most one of them takes it."""
    taken, last = 0, None
    for kind in KINDS:
        try:
            table, meta = store.read_table(path, kind)
            taken += 1
            assert isinstance(meta, dict) and all(text is not None for text in table.columns().values())
        except SwapError as error:
            last = error
            assert "\n" not in str(error)
    if not taken:
        raise last
    assert taken == 1


def read_edits(path: Path) -> None:
    """A file of edits, and what stands beside the lists."""
    text = store.read_text(path)
    found = edits_of.read(text, where="edits.yaml", person="lead")
    assert all(entry.box_xyxy[0] < entry.box_xyxy[2] for entry in found.reject)
    edits_of.other_headings(text)


def read_config(path: Path) -> None:
    """A configuration."""
    found = config.read_yaml(store.read_text(path), where="config.yaml")
    project = config.load(found, CLIPS)
    for section in project.sections:
        project.settings(section)


def read_clips(path: Path) -> None:
    """The table of clips, and the configuration with it."""
    text = store.read_text(path)
    config.parse_clips(text)
    config.load(CONFIG, text)


def read_weights(path: Path) -> None:
    """Arrays."""
    for array in (*weights_of(path).values(), *weights_of(path, "weights").values()):
        assert array.dtype.kind in "fiu"


def read_checkpoint(path: Path) -> None:
    """A folder of states whose newest file is this, as arrays or as words; the older one must be found, or the folder refused."""
    data, folder = path.read_bytes(), path.parent / "state"
    folder.mkdir(exist_ok=True)
    for name, kept in state_files().items():
        (folder / name).write_bytes(kept)
    target = "000002.json" if data[:1] == b"j" else "000002.h5"
    (folder / target).write_bytes(data[1:])
    found = checkpoint.find(folder, say=lambda line: None)
    assert found is not None and found.info["step"] == found.number and checkpoint.read_arrays(found)
    if found.number == 1:
        raise SwapError("the older one was found")


def read_picture(path: Path) -> None:
    """A picture, as photos and as sequences are read."""
    for deep in (False, True):
        image = store.read_picture(path, deep=deep)
        assert image.ndim == 3 and image.shape[2] == 3


# ---- valid files


def written(write: Callable[[Path], Any]) -> bytes:
    """What a function writes to a path."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "file")
        return (Path(folder) / "file").read_bytes()


def zipped(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            with warnings.catch_warnings(action="ignore"):  # of names that come twice
                archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def grey(side: int = 16) -> bytes:
    """A mask's PNG."""
    return cv2.imencode(".png", np.arange(side * side, dtype=np.uint8).reshape(side, side))[1].tobytes()


@functools.cache
def some_tables() -> list[bytes]:
    """One of each kind, of four rows."""
    random, found = np.random.default_rng(0), []
    for kind in KINDS:
        columns = {}
        for name, empty in kind.empty().columns().items():
            values = random.integers(0, 2, (4, *empty.shape[1:]))
            columns[name] = np.array(["", "a", "bä", "c"], object) if empty.dtype == object else values
        found.append(written(lambda path, kind=kind, c=columns: store.write_table(path, kind(**c), {"clip": {"a": 1}})))
    return found


ARRAYS = {"weights/a/kernel": np.arange(12, dtype=np.float32).reshape(3, 4), "first/kernel": np.ones(5, np.float32)}


@functools.cache
def some_weights() -> list[bytes]:
    """A state's arrays."""
    return [written(lambda path: checkpoint.write_arrays(path, ARRAYS.items()))]


@functools.cache
def state_files() -> dict[str, bytes]:
    """Two saved states."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "state"  # a state knows whose folder it is of
        for step in (1, 2):
            checkpoint.save(folder, {**ARRAYS, "step": np.float32(step)}.items(), {"step": step, "goals": []})
        return {path.name: path.read_bytes() for path in folder.glob("0*")}


EDITS = """\
reject:
- {clip: stunt, face: 000012_0, box: [1, 2, 30, 40]}
- clip: stunt
  face: "000013_0"
  box: [1, 2, 30, 40]
keep: []
identity:
  stunt/3: lead
  stunt/4: {person: nobody, frames: [0, 119]}
"""
CONFIG_YAML = """\
people:
  lead: {references: [photos/lead], consent: {basis: written, by: J. Roe, date: 2026-11-01, scope: scene 4}}
  double: {consent: {basis: synthetic}}
swaps:
  - {name: lead_onto_double, source: lead, target: double, train: {budget: {minutes: 20}}}
videos:
  - {name: v, clip: stunt, swaps: [lead_onto_double], convert: {mask: {min: [extended, hull]}}}
also: [preview]
train: {batch: 8}
"""
JSON = b'{"a": [1, 2.5e3, null, true, {"b": "\\u00e4"}], "step": 7}'


@functools.cache
def some_pictures() -> list[bytes]:
    """Of every format, 8 and 16 bit."""
    image = np.random.default_rng(0).integers(0, 255, (9, 14, 3), np.uint8)
    deep = image.astype(np.uint16) * 257
    found = [cv2.imencode(suffix, image)[1].tobytes() for suffix in (".png", ".jpg", ".webp", ".bmp", ".tif")]
    found += [cv2.imencode(suffix, deep)[1].tobytes() for suffix in (".png", ".tif")]
    progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    return [
        *found,
        cv2.imencode(".jpg", image, progressive)[1].tobytes(),
        cv2.imencode(".png", image[..., 0])[1].tobytes(),
    ]


VALID: dict[str, Callable[[], list[bytes]]] = {
    "face PNG": functools.cache(lambda: [png(), png("000002_0", seed=1)]),
    "face archive": functools.cache(
        lambda: [zipped([("a.png", png()), ("b/c.png", png("000002_0"))], m) for m in METHODS]
    ),
    "mask archive": functools.cache(
        lambda: [zipped([("000001_0.png", grey()), ("x/2.png", grey(5))], m) for m in METHODS]
    ),
    "table": some_tables,
    "edits": lambda: [EDITS.encode()],
    "config": lambda: [CONFIG_YAML.encode()],
    "clips.tsv": lambda: [CLIPS.encode()],
    "weights": some_weights,
    "checkpoint": lambda: [b"h" + state_files()["000002.h5"], b"j" + state_files()["000002.json"]],
    "picture": some_pictures,
    "JSON": lambda: [JSON],
    "parser's network": functools.cache(lambda: [network(parsing.PARSERS["xseg"])]),
}
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
