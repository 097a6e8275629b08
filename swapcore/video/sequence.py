"""Image sequences: folders of numbered images that are a clip, as renderers and compositors write them.

Images are read by OpenCV, one after the other: so their names may be any, numbers may be missing, and 16 bit stay 16 bit.
"""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from swapcore import progress, store
from swapcore.errors import SwapError
from swapcore.types import ClipInfo, FrameTable
from swapcore.video.tools import exact

SMALL = 64  # side of the grey pictures that neighbouring frames are compared by, pixels
NUMBER = re.compile(r"(.*?)(\d{1,15})(\D*)", re.DOTALL)  # the last digits of a name


class Images(NamedTuple):
    """A sequence's files in the order of their numbers."""

    names: list[str]
    numbers: np.ndarray  # (n,) int64, ascending


def images(folder: Path, *, name: str) -> Images:
    """The images of a folder by the last number in their names: frame.2.png before frame.10.png.

    Raises SwapError, naming clip and folder, where there are none, one has no number, two have the same, or there are two
    sequences in the folder.
    """
    where = f"clip {name}: {folder}"
    found: dict[int, str] = {}
    heads: dict[tuple[str, str], str] = {}
    for path in store.pictures(folder):
        parts = NUMBER.fullmatch(path.stem)
        if parts is None:
            raise SwapError(
                f"{where}: expected a number in the name of every image of a sequence, found {path.name}; "
                "rename or remove it. Photos need no rate in clips.tsv"
            )
        number = int(parts[2])
        if number in found:
            raise SwapError(f"{where}: {found[number]} and {path.name} have the same number; keep one")
        found[number] = path.name
        heads.setdefault((parts[1], parts[3]), path.name)
        if len(heads) > 1:
            raise SwapError(
                f"{where}: expected one sequence, found {' and '.join(heads.values())}; "
                "put each into a folder of its own"
            )
    if not found:
        raise SwapError(f"{where}: expected images ({', '.join(store.PICTURES)}), found none; correct its path")
    numbers = sorted(found)
    return Images([found[n] for n in numbers], np.array(numbers, np.int64))


def missing(numbers: np.ndarray) -> str:
    """Numbers that are left out between the first and the last, for people: "1004, 1010 to 1012"; "" where none is."""
    before = np.flatnonzero(np.diff(numbers) > 1)
    gaps = [(int(numbers[k]) + 1, int(numbers[k + 1]) - 1) for k in before]
    told = [str(first) if first == last else f"{first} to {last}" for first, last in gaps]
    return ", ".join(told[:10]) + (f" and {len(told) - 10} more gaps" if len(told) > 10 else "")


def index(
    folder: Path,
    *,
    name: str,
    rate: Fraction,
    start: float | None,
    end: float | None,
    shot_threshold: float,
    duplicate_threshold: float,
) -> tuple[FrameTable, ClipInfo]:
    """The frames of an image sequence, otherwise as `video.index`.

    `rate` is in frames a second. A frame's number is the image's own, its pts that less the first one's, in units of 1/rate:
    where numbers are missing, which is said, the image before is shown longer, and everything after stays in its time.

    Raises SwapError also where images differ in size or depth.
    """
    names, numbers = images(folder, name=name)
    if gaps := missing(numbers):
        progress.say(f"clip {name}: {folder}: no images with the numbers {gaps}; the ones before are shown longer")
    pts = numbers - numbers[0]
    begin, after = _selected(pts, rate, start, end, where=f"clip {name}: {folder}")
    image, names, count = first(folder, name=name), names[begin:after], after - begin
    like, before, change = Like(*image.shape[:2], image.dtype), None, np.zeros(count)
    for k, file in enumerate(progress.track(names, count, f"clip {name}", unit="images")):
        grey = _grey(read(folder / file, like))
        change[k] = 0 if before is None else np.abs(grey.astype(np.int16) - before).mean()
        before = grey
    duplicate = change < duplicate_threshold
    duplicate[0] = False
    frames = FrameTable(
        number=numbers[begin:after],
        pts=pts[begin:after],
        key=np.ones(count, bool),
        shot=np.cumsum(change > shot_threshold),
        duplicate=duplicate,
        decoded=np.arange(begin, after),
        damaged=np.zeros(count, bool),
        name=np.array(names, object),
    )
    return frames, ClipInfo(name, like.width, like.height, 1 / rate, rate)


def _selected(
    pts: np.ndarray, rate: Fraction, start: float | None, end: float | None, *, where: str
) -> tuple[int, int]:
    """First row between `start` and `end`, seconds, and the row after the last."""
    first_unit = exact(start or 0) * rate
    end_unit = int(pts[-1]) + 1 if end is None else exact(end) * rate
    begin, after = (int(np.searchsorted(pts.astype(object), edge)) for edge in (first_unit, end_unit))
    if begin >= after:
        raise SwapError(
            f"{where}: no image between start {start or 0} s and end {end if end is not None else 'of the sequence'}, its "
            f"last is at {float(int(pts[-1]) / rate):.3f} s; correct start and end in clips.tsv"
        )
    return begin, after


class Like(NamedTuple):
    """What all images of a sequence have in common."""

    height: int
    width: int
    dtype: np.dtype

    def __str__(self) -> str:
        return f"{self.width}x{self.height} of {8 * self.dtype.itemsize} bit"


def first(folder: Path, *, name: str) -> np.ndarray:
    """The first image of a sequence, (h, w, 3) uint8 or uint16 BGR."""
    path = folder / images(folder, name=name).names[0]
    image = store.read_picture(path, deep=True)
    if image.dtype not in (np.uint8, np.uint16):
        raise SwapError(f"{path}: expected 8 or 16 bit a sample, found {image.dtype}; convert the sequence to 16 bit")
    return image


def read(path: Path, like: Like) -> np.ndarray:
    """One image of a sequence, (h, w, 3) uint8 or uint16 BGR. Raises SwapError where it is not like the others."""
    image = store.read_picture(path, deep=True)
    found = Like(*image.shape[:2], image.dtype)
    if found != like:
        raise SwapError(f"{path}: expected {like}, as the sequence has, found {found}; make all images alike")
    return image


def planar(image_bgr: np.ndarray) -> np.ndarray:
    """The samples (3 * h * w,) of an image (h, w, 3) BGR as ffmpeg's gbrp has them: all of G, then B, then R."""
    blue, green, red = cv2.split(image_bgr)
    return np.concatenate([green.ravel(), blue.ravel(), red.ravel()])


def shown(image_bgr: np.ndarray) -> np.ndarray:
    """An image (h, w, 3) uint8 or uint16 as uint8, rounded."""
    return image_bgr if image_bgr.dtype == np.uint8 else cv2.convertScaleAbs(image_bgr, alpha=1 / 257)


def _grey(image_bgr: np.ndarray) -> np.ndarray:
    """(SMALL, SMALL) uint8 of an image."""
    return cv2.cvtColor(shown(cv2.resize(image_bgr, (SMALL, SMALL), interpolation=cv2.INTER_AREA)), cv2.COLOR_BGR2GRAY)
