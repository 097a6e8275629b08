"""Faces for training: decoded once into a memory-mapped file, then drawn from it by chance.

A cached face is (s, s, 4) uint8: BGR and its mask, the part of the archive's crop that a sample can look at, averaged down
to a little more than the model sees. Reading one costs a copy instead of decoding a PNG and drawing polygons.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from swapcore import align, code, progress, store
from swapcore.errors import SwapError
from swapcore.masks import MASKS
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


def cached(folder: Path, role: str, faces: Faces, *, coverage: float, mask: str, resolution: int) -> np.ndarray:
    """A person's faces (n, s, s, 4) uint8, memory-mapped, in the table's order; `geometry` says what part they show.

    The file `{role}-{key}.npy` is made where it is missing; older ones of the role are removed. The key depends on the
    dataset, these settings and the code that makes the file.
    """
    shape = geometry(faces.size, coverage=coverage, resolution=resolution)
    made_by = [faces.digest, faces.size, mask, *shape, code.digest(__file__)]
    key = hashlib.sha256(json.dumps(made_by).encode()).hexdigest()[:16]
    path = folder / f"{role}-{key}.npy"
    expected = (len(faces.table), shape.side, shape.side, 4)
    try:
        found = np.load(path, mmap_mode="r")
        if found.shape == expected and found.dtype == np.uint8:
            return found
    except (OSError, ValueError):
        pass  # missing or damaged: made again
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob(f"{role}-*.npy"), *folder.glob(f".{role}-*")):  # also what a kill left half made
        old.unlink()
    with store.atomic(path) as temporary:
        pixels = np.lib.format.open_memmap(temporary, "w+", np.uint8, expected)
        with open(
            temporary, "r+b"
        ) as file:  # its pages are taken now: a full disk would kill the process at one of them
            os.posix_fallocate(file.fileno(), 0, temporary.stat().st_size)
        _decode(pixels, faces, shape, mask=mask)
        pixels.flush()
    return np.load(path, mmap_mode="r")


def _decode(pixels: np.ndarray, faces: Faces, shape: Geometry, *, mask: str) -> None:
    table = faces.table
    done = iter(progress.track(range(len(table)), len(table), f"reading {faces.person}", unit="faces"))
    for clip in dict.fromkeys(table.clip.tolist()):  # each archive is opened once
        if clip not in faces.archives:
            raise SwapError(f"{faces.person}: no archive of clip {clip} was given; run snakemake again")
        with store.FaceArchive(faces.archives[clip], clip=clip) as archive:
            for place in np.flatnonzero(table.clip == clip).tolist():
                png = archive.png(table.id[place])
                if hashlib.sha256(png).hexdigest() != table.digest[place]:
                    raise SwapError(
                        f"{archive.path}: face {table.id[place]} is not the one that the dataset of {faces.person} names; "
                        "delete that dataset.parquet and run snakemake again"
                    )
                try:
                    pixels[place] = prepare(png, shape, size=faces.size, mask=mask)
                except SwapError as error:
                    raise SwapError(
                        f"{archive.path}: face {table.id[place]}: {error}; delete the archive and run snakemake again"
                    ) from None
                next(done)
    next(done, None)


def prepare(png: bytes, shape: Geometry, *, size: int, mask: str) -> np.ndarray:
    """One face's PNG as it is cached: (s, s, 4) uint8, BGR and mask."""
    crop, row = store.face_crop(png), store.face_row(png)
    if crop.shape != (size, size, 3):
        raise SwapError(f"expected a crop of {size} px, found {crop.shape}")
    drawn = np.rint(MASKS[mask](row.landmarks_in_crop(), size_hw=(size, size)) * 255).astype(np.uint8)
    part = slice(shape.border, size - shape.border)
    filtering = cv2.INTER_AREA if shape.side < size - 2 * shape.border else cv2.INTER_LINEAR
    return cv2.resize(np.dstack([crop, drawn])[part, part], (shape.side, shape.side), interpolation=filtering)


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
    """Random faces for `steps` steps beginning with number `first`: (steps, 2 * batch, s, s, 4), the source's first.

    What a step gets depends on its number and the seed alone, so a resumed training goes on as if it had not stopped.
    `without`: rows of each that are never drawn.
    """
    rows = [np.setdiff1d(np.arange(len(p)), out) for p, out in zip((source, target), without, strict=True)]
    picked = []
    for step in range(first, first + steps):
        chance = np.random.default_rng([seed, step])
        picked += [p[r[chance.integers(len(r), size=batch)]] for p, r in zip((source, target), rows, strict=True)]
    return np.concatenate(picked).reshape(steps, 2 * batch, *source.shape[1:])


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
