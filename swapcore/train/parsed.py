"""What the stage `parse` found of the faces that train, where `train.mask` wants it: a hand before a face then does not count."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from swapcore import masks, store
from swapcore.types import DatasetTable, Parsed

Shares = Callable[[str], np.ndarray | None]
"""A face's id -> what was parsed of its crop, (s, s) uint8; None where it was not."""


@contextlib.contextmanager
def opened(archives: Mapping[str, Path], clip: str) -> Iterator[Shares]:
    """What was parsed of a clip's faces; archives: clip -> its masks.zip, where it was parsed."""
    if clip not in archives:
        yield lambda name: None
        return
    with store.MaskArchive(archives[clip]) as archive:
        yield archive.mask


def shares(table: DatasetTable, rows: np.ndarray, archives: Mapping[str, Path]) -> list[np.ndarray | None]:
    """What was parsed of some faces of a dataset, in the order of the rows; each archive is opened once."""
    found: dict[int, np.ndarray | None] = {}
    for clip in dict.fromkeys(table.clip[rows].tolist()):
        with opened(archives, clip) as read:
            found |= {row: read(str(table.id[row])) for row in rows if table.clip[row] == clip}
    return [found[row] for row in rows]


def keys(table: DatasetTable, archives: Mapping[str, Path]) -> np.ndarray:
    """(n,) S64: a digest of each face's picture and of what was parsed of it; where nothing was, the picture's alone."""
    found = table.digest.astype("S64")
    for clip in sorted(set(table.clip.tolist()) & set(archives)):
        with store.MaskArchive(archives[clip]) as archive:
            for row in np.flatnonzero(table.clip == clip):
                if seen := archive.checksum(str(table.id[row])):
                    found[row] = hashlib.sha256(found[row] + seen.encode()).hexdigest()
    return found


def digest(table: DatasetTable, keys: np.ndarray) -> str:
    """Of what was parsed of a dataset, whatever the order of its faces; "" where nothing was."""
    if (keys == table.digest.astype("S64")).all():
        return ""
    return hashlib.sha256(b"".join(sorted(keys.tolist()))).hexdigest()


def drawn(
    mask: masks.Setting, landmarks_xy: np.ndarray, *, size_hw: tuple[int, int], share: np.ndarray | None
) -> np.ndarray:
    """The mask of a crop, (h, w) float32 0..1: landmarks (68, 2) in its pixels, `share` (s, s) uint8 is what was parsed of it.

    Where nothing was, it is what the setting's other masks say, or the hull where there are none.
    """
    if share is None:
        how, which = masks.names(mask)
        mask, seen = {how: [name for name in which if name != masks.PARSED] or ["hull"]}, None
    else:
        smaller = len(share) / size_hw[0]
        shift = (smaller - 1) / 2  # the middle of the first pixel is 0, in both
        seen = Parsed(share, np.array([[smaller, 0, shift], [0, smaller, shift]]))
    parts = masks.drawn(mask, landmarks_xy, size_hw=size_hw, parsed=seen, matrix=np.eye(2, 3))
    return masks.combined(mask, [part for part, _ in parts])


def said(person: str, keys: np.ndarray, digests: Sequence[str]) -> str:
    """What is to be said of faces of which nothing was parsed; "" where all were."""
    missing = int((keys == np.asarray(digests, "S64")).sum())
    if not missing:
        return ""
    return f"{person}: {missing} of {len(keys)} faces were not parsed; the loss takes their masks from landmarks"
