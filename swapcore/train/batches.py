"""Faces for training: decoded once into a memory-mapped file, then drawn from it by chance.

A cached face is (s, s, 6) uint8: BGR, its mask, its eyes, its mouth; the part of the archive's crop that a sample can look at,
averaged down to a little more than the model sees. Reading one costs a copy instead of decoding a PNG and drawing polygons.
Beside it lie its landmarks and a digest of its PNG and of what was parsed of it, so that a dataset that has grown decodes what is
new and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from swapcore import align, code, progress, store
from swapcore.errors import SwapError
from swapcore.masks import FEATURES, Setting
from swapcore.train import parsed
from swapcore.train.fresh import Fresh
from swapcore.train.warps import REACH
from swapcore.types import DatasetTable

OVERSAMPLING = 1.5  # cached pixels for a pixel of the model, each way: one bilinear sampling then blurs little
FEWEST = 16  # faces of a person: fewer do not make a model of anybody


@dataclass(frozen=True)
class Faces:
    """One person's dataset: which faces, and where they lie."""

    person: str
    table: DatasetTable
    archives: Mapping[str, Path]  # clip -> its faces.zip
    digest: str  # of the dataset
    size: int  # of the archives' crops, pixels
    centring: str  # of the crops, see align.CENTRINGS
    span: float  # share of the crop's side that the width over the brows takes
    masks: Mapping[str, Path] = field(default_factory=dict)  # clip -> its masks.zip, where the mask wants it


class Cached(NamedTuple):
    """A person's faces, memory-mapped, in the order of the dataset's table."""

    faces: np.ndarray  # (n, s, s, 6) uint8: B, G, R, mask, eyes, mouth
    landmarks: np.ndarray  # (n, 68, 2) float32, pixels of the cached face


class Geometry(NamedTuple):
    """What part of a crop is cached, and how large."""

    border: int  # pixels of the crop left out at each edge
    side: int  # of a cached face, pixels
    view: float  # share of the cached side that the model sees of an undisturbed face


def geometry(size: int, *, coverage: float, resolution: int) -> Geometry:
    """For crops of `size` pixels, of which a model of `resolution` pixels sees the central share `coverage`."""
    border = max(int(size * (1 - coverage * REACH) / 2), 0)
    view = coverage * size / (size - 2 * border)
    return Geometry(border, max(round(OVERSAMPLING * resolution / view), 2), view)


def check(source: Faces, target: Faces) -> None:
    """Raise SwapError where two datasets cannot be trained together."""
    for faces in (source, target):
        if len(faces.table) < FEWEST:
            raise SwapError(
                f"{faces.person}: expected at least {FEWEST} faces to train from, found {len(faces.table)}; add clips or "
                f"photos of {faces.person}, or loosen `clean` (the picture dropped.jpg shows what it took out, and why)"
            )
    shapes = [(faces.size, faces.centring, faces.span) for faces in (source, target)]
    if shapes[0] != shapes[1]:
        said = " and ".join(
            f"{size} px {centring}, span {span:g} of {faces.person}"
            for faces, (size, centring, span) in zip((source, target), shapes, strict=True)
        )
        raise SwapError(
            f"expected crops of one size and centring, found {said}; delete the older faces.zip and run snakemake again"
        )


def cached(folder: Path, role: str, faces: Faces, *, coverage: float, mask: Setting, resolution: int) -> Cached:
    """A person's faces for a model of `resolution` pixels; `geometry` says what part of their crops they show.

    They lie in `{role}-{settings}-{dataset}.npy`, made where it is missing: faces that an older file of the role has, made with
    the same settings by the same code, are copied from it, the others decoded. Then the older files are removed. mask as
    masks.Setting; of faces that were not parsed it is drawn from landmarks alone.
    """
    shape = geometry(faces.size, coverage=coverage, resolution=resolution)
    kind = _short([faces.size, mask, *shape, code.digest(__file__)])
    keys = parsed.keys(faces.table, faces.masks)
    path = folder / f"{role}-{kind}-{_short([faces.digest, parsed.digest(faces.table, keys)])}.npy"
    found = _open(path, keys, shape)
    if found is None:
        folder.mkdir(parents=True, exist_ok=True)
        older = _known(folder.glob(f"{role}-{kind}-*.npy"), keys, shape)
        with store.atomic(path) as temporary:
            rows = np.lib.format.open_memmap(temporary, "w+", _row(shape), (len(faces.table),))
            with open(
                temporary, "r+b"
            ) as file:  # its pages are taken now: a full disk would kill the process at one of them
                os.posix_fallocate(file.fileno(), 0, temporary.stat().st_size)
            _fill(rows, faces, keys, shape, mask=mask, older=older)
            rows.flush()
        del older
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    for old in (*folder.glob(f"{role}-*.npy"), *folder.glob(f".{role}-*")):  # also what a kill left half made
        if old != path:
            old.unlink()
    return Cached(found["face"], found["landmarks"])


def _short(of: Any) -> str:
    return hashlib.sha256(json.dumps(of).encode()).hexdigest()[:16]


def _row(shape: Geometry) -> np.dtype:
    """What the file holds of a face."""
    face = (np.uint8, (shape.side, shape.side, 4 + len(FEATURES)))
    return np.dtype([("face", *face), ("landmarks", np.float32, (68, 2)), ("key", "S64")])


def _open(path: Path, keys: np.ndarray, shape: Geometry) -> np.ndarray | None:
    """The rows of a file, memory-mapped; None where it is missing, damaged or of other faces. keys: see parsed.keys."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, OverflowError, MemoryError):
        return None
    same = found.dtype == _row(shape) and found.shape == keys.shape
    return found if same and (found["key"] == keys).all() else None


def _known(paths: Iterable[Path], keys: np.ndarray, shape: Geometry) -> dict[bytes, np.void]:
    """Key -> row, of the dataset's faces that lie in older files already."""
    wanted, found = set(keys.tolist()), {}
    for path in paths:
        try:
            rows = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError, OverflowError, MemoryError):
            continue  # damaged: as if it were not there
        if rows.dtype == _row(shape):
            found |= {key: rows[k] for k, key in enumerate(rows["key"].tolist()) if key in wanted}
    return found


def _fill(
    rows: np.ndarray,
    faces: Faces,
    keys: np.ndarray,
    shape: Geometry,
    *,
    mask: Setting,
    older: Mapping[bytes, np.void],
) -> None:
    table = faces.table
    new = []
    for place, key in enumerate(keys.tolist()):
        if key in older:
            rows[place] = older[key]
        else:
            new.append(place)
    if not new:
        return
    if len(new) < len(table):
        progress.say(f"{faces.person}: {len(table) - len(new)} of {len(table)} faces were read before")
    done = iter(progress.track(range(len(new)), len(new), f"reading {faces.person}", unit="faces"))
    for clip in dict.fromkeys(table.clip[new].tolist()):  # each archive is opened once
        if clip not in faces.archives:
            raise SwapError(f"{faces.person}: no archive of clip {clip} was given; run snakemake again")
        with store.FaceArchive(faces.archives[clip], clip=clip) as archive, parsed.opened(faces.masks, clip) as shares:
            for place in (place for place in new if table.clip[place] == clip):
                png = archive.png(table.id[place])
                if hashlib.sha256(png).hexdigest() != table.digest[place]:
                    raise SwapError(
                        f"{archive.path}: face {table.id[place]} is not the one that the dataset of {faces.person} names; "
                        "delete that dataset.parquet and run snakemake again"
                    )
                try:
                    look = {"mask": mask, "share": shares(table.id[place])}
                    pixels, points = prepare(png, shape, size=faces.size, **look)
                except SwapError as error:
                    raise SwapError(
                        f"{archive.path}: face {table.id[place]}: {error}; delete the archive and run snakemake again"
                    ) from None
                rows[place] = (pixels, points, keys[place])
                next(done)
    next(done, None)


def prepare(
    png: bytes, shape: Geometry, *, size: int, mask: Setting, share: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """One face's PNG as it is cached: (s, s, 6) uint8, see Cached, and its landmarks (68, 2) float32 in it; share: what was
    parsed of its crop, (k, k) uint8.
    """
    crop, row = store.face_crop(png), store.face_row(png)
    if crop.shape != (size, size, 3):
        raise SwapError(f"expected a crop of {size} px, found {crop.shape}")
    landmarks = row.landmarks_in_crop()
    drawn = [parsed.drawn(mask, landmarks, size_hw=(size, size), share=share)]
    drawn += [paint(landmarks, size_hw=(size, size)) for paint in FEATURES.values()]
    layers = np.dstack([crop, *(np.rint(layer * 255).astype(np.uint8) for layer in drawn)])
    part, kept = slice(shape.border, size - shape.border), size - 2 * shape.border
    filtering = cv2.INTER_AREA if shape.side < kept else cv2.INTER_LINEAR
    parts = [layers[part, part, :3], layers[part, part, 3:]]  # OpenCV resizes up to four channels
    pixels = np.dstack([cv2.resize(layer, (shape.side, shape.side), interpolation=filtering) for layer in parts])
    zoom = shape.side / kept
    return pixels, ((landmarks - shape.border + 0.5) * zoom - 0.5).astype(np.float32)


def draw(
    source: np.ndarray,
    target: np.ndarray,
    *,
    first: int,
    steps: int,
    batch: int,
    seed: int,
    without: tuple[Sequence[int], Sequence[int]] = ((), ()),
) -> np.ndarray:
    """The faces of `picked` rows: (steps, 2 * batch, s, s, 6), the source's first."""
    rows = picked((len(source), len(target)), first=first, steps=steps, batch=batch, seed=seed, without=without)
    return gathered(source, target, rows)


def gathered(source: np.ndarray, target: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The faces of `rows`, see `picked`."""
    found = np.empty((*rows.shape, *source.shape[1:]), source.dtype)
    for step, row in zip(found, rows, strict=True):
        half = len(row) // 2
        for place, number in enumerate(row):  # one by one: each is copied once, a fifth of the time of indexing by all
            step[place] = (source if place < half else target)[number]
    return found


def picked(
    counts: tuple[int, int],
    *,
    first: int,
    steps: int,
    batch: int,
    seed: int,
    without: tuple[Sequence[int], Sequence[int]] = ((), ()),
    new: tuple[Fresh | None, Fresh | None] = (None, None),
) -> np.ndarray:
    """Rows for `steps` steps beginning with number `first`, drawn by chance: (steps, 2 * batch) int64, the source's first.

    counts: faces of source and target. What a step gets depends on its number and the seed alone, so a resumed training goes on
    as if it had not stopped. `without`: rows of each that are never drawn; new: rows that are drawn in another share.
    """
    kept = [np.setdiff1d(np.arange(count), out) for count, out in zip(counts, without, strict=True)]
    parts = [_parts(rows, only) for rows, only in zip(kept, new, strict=True)]
    found = []
    for step in range(first, first + steps):
        chance = np.random.default_rng([seed, step])
        for (old, fresh), only in zip(parts, new, strict=True):
            drawn = old[chance.integers(len(old), size=batch)]
            if len(fresh):
                drawn = np.where(
                    chance.random(batch) < only.share, fresh[chance.integers(len(fresh), size=batch)], drawn
                )
            found.append(drawn)
    return np.concatenate(found).reshape(steps, 2 * batch)


def _parts(rows: np.ndarray, new: Fresh | None) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are drawn as ever, and the new ones among them; all are drawn as ever where there are none but these."""
    fresh = np.intersect1d(rows, new.rows) if new else rows[:0]
    old = np.setdiff1d(rows, fresh)
    return (old, fresh) if len(old) else (rows, rows[:0])


def spread(values: np.ndarray, count: int) -> np.ndarray:
    """Indices of `count` rows spread evenly over the order of `values` (n,), the ends left out."""
    return np.argsort(values, kind="stable")[((np.arange(count) + 0.5) * len(values) / count).astype(int)]


def views(faces: np.ndarray, shape: Geometry, *, resolution: int) -> np.ndarray:
    """Cached faces (n, s, s, c) uint8 as the model sees them undisturbed: (n, r, r, 3) float32 BGR 0..1; of more channels than
    three the first three.
    """
    matrix = view_matrix(shape, resolution=resolution)
    return (
        np.stack([align.warp(np.array(face[..., :3]), matrix, resolution) for face in faces]).astype(np.float32) / 255
    )


def view_matrix(shape: Geometry, *, resolution: int) -> np.ndarray:
    """Pixels of a cached face -> pixels of what the model sees of it undisturbed, (2, 3)."""
    zoom = resolution / (shape.view * shape.side)
    shift = (resolution - 1) / 2 - zoom * (shape.side - 1) / 2
    return np.array([[zoom, 0, shift], [0, zoom, shift]])
