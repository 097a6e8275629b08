"""The visible note: which frames carry it, how it is drawn into frames and planes, and whether a frame shows it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from swapcore.errors import SwapError
from swapcore.video import CURVES, Picture, block_means
from swapcore.video.tools import exact

LETTERS = 0.055  # size of the note's letters, share of the picture's shorter side (GB 45438-2025 asks for 0.05)
MARGIN = 0.025  # between the note and the picture's edges, the same share
AREA = 0.08  # of the picture that the note may take; letters shrink to it
WIDTH = 0.92  # of the picture's width, the same
SMALLEST = 8  # size of letters that a tiny picture gets though the note takes more, pixels
SHADE = 0.6  # of black in the note's box
WHITE = 240  # of the letters
PARTS = 4  # of the note's length, compared one by one
LIKENESS = 0.65  # correlation from which a part counts; compressed notes have over 0.8, others under 0.5
CONTRAST = 40  # of letters and box, grey levels, from which it does
LOOKS = 5  # frames that are checked


def covers(pts: np.ndarray, *, time_base: Fraction, mode: str, seconds: float) -> np.ndarray:
    """Which frames carry the note, (n,) bool: mode `always`, `off`, or `opening`, the first `seconds` of the video.

    `pts` (n,) int64 ascend, in units of `time_base`; time counts from the first. The first frame always carries an
    opening's note.
    """
    if mode == "off":
        return np.zeros(len(pts), bool)
    if mode == "always":
        return np.ones(len(pts), bool)
    limit = exact(seconds) / time_base
    return np.array([t - pts[0] < limit for t in pts.tolist()], bool)


def note(frame_bgr: np.ndarray, text: str) -> np.ndarray:
    """A copy of a frame (h, w, 3) uint8 BGR with `text` in a dark translucent box at the bottom left.

    Letters are 5.5 % of the picture's shorter side, and smaller where a long text would cover more than 8 % of the
    picture. Any script that OpenCV's built-in font has can be written.
    """
    height, width = frame_bgr.shape[:2]
    letters, (left, top) = _plate(text, width, height)
    out = frame_bgr.copy()
    box = out[top : top + letters.shape[0], left : left + letters.shape[1]]
    box[:] = np.rint(_inked(box, letters[..., None], SHADE, 0, WHITE))
    return out


def note_picture(picture: Picture, text: str) -> Picture:
    """A copy of a picture with what `note` draws, laid into its planes: all other samples are untouched.

    The letters are as bright as white is in the picture's own range and transfer: in HDR as a white sheet of paper.
    """
    layout, made = picture.layout, picture.copy()
    letters, (left, top) = _plate(text, layout.width, layout.height)
    curve = CURVES.get(layout.transfer)
    greys = np.array([[0, WHITE / 255 * (curve.white if curve else 1)]], np.float32)
    colours = layout.values(np.repeat(greys[..., None], 3, axis=2))[0]  # of the box and of the letters, (2, planes)
    for k, plane in enumerate(made.planes):
        x, y, ink = block_means(letters, left, top, layout, k)
        shade = block_means(np.full_like(letters, SHADE), left, top, layout, k)[2]
        part = plane[y : y + ink.shape[0], x : x + ink.shape[1]]
        part[:] = np.rint(_inked(part, ink, shade, *colours[:, k]))
    return made


def _inked(part: np.ndarray, ink: np.ndarray, shade: np.ndarray | float, dark: float, bright: float) -> np.ndarray:
    shaded = part + shade * (dark - part.astype(np.float32))
    return shaded + ink * (bright - shaded)


def shows_note(frame_bgr: np.ndarray, text: str) -> bool:
    """Whether a frame (h, w, 3) uint8 BGR, perhaps compressed, shows what `note` draws.

    The place where the note belongs is compared with the note's letters, each quarter of its length by normalised
    correlation, so that a note which only begins alike is none; and letters must be brighter than their box.
    """
    height, width = frame_bgr.shape[:2]
    letters, (left, top) = _plate(text, width, height)
    grey = cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2GRAY)
    box = grey[top : top + letters.shape[0], left : left + letters.shape[1]].astype(np.float32)
    parts = zip(np.array_split(box, PARTS, axis=1), np.array_split(letters, PARTS, axis=1), strict=True)
    bright, dark = box[letters > 0.7], box[letters < 0.05]
    contrast = float(bright.mean() - dark.mean()) if bright.size and dark.size else 0.0
    return contrast >= CONTRAST and all(_likeness(a, b) >= LIKENESS for a, b in parts if np.ptp(b) > 0.5)


def _likeness(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale else 0.0


@functools.lru_cache(maxsize=4)
def _plate(text: str, width: int, height: int) -> tuple[np.ndarray, tuple[int, int]]:
    """The letters' opacity (box height, box width) float32 0..1, and the box's place (left, top) in the picture."""
    font = cv2.FontFace("sans")
    short = min(width, height)
    margin = round(MARGIN * short)
    size = max(round(LETTERS * short), SMALLEST)
    while True:
        pad = max(1, round(size * 0.35))
        lines = _wrap(text, font, size, WIDTH * width - 2 * pad)
        step = round(size * 1.25)
        box_w = max(_length(line, font, size) for line in lines) + 2 * pad
        box_h = step * len(lines) + 2 * pad
        fits = box_w <= WIDTH * width and box_w * box_h <= AREA * width * height
        if fits or size <= SMALLEST:
            break
        size -= 1
    box_w, box_h = min(box_w, width), min(box_h, height)
    canvas = np.zeros((box_h, box_w), np.uint8)
    for k, line in enumerate(lines):
        base = pad + step * k + round(size * 0.95)
        cv2.putText(canvas, line, (pad, base), 255, font, size, 500)
    left = min(margin, width - box_w)
    top = max(0, height - margin - box_h)
    letters = canvas.astype(np.float32) / 255
    letters.setflags(write=False)
    return letters, (left, top)


def _length(line: str, font: Any, size: int) -> int:
    x, _, w, _ = cv2.getTextSize((0, 0), line, (0, 0), font, size, 500)
    return int(x + w)


def _wrap(text: str, font: Any, size: int, limit: float) -> list[str]:
    """Words in lines not longer than `limit` pixels; a longer word has a line of its own."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _length(longer, font, size) <= limit:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def looked_at(covered: np.ndarray) -> set[int]:
    """Places of up to five frames, spread evenly over those that carry the note, for `check_picture`."""
    places = np.flatnonzero(covered)
    return {int(places[k]) for k in np.linspace(0, len(places) - 1, min(LOOKS, len(places))).round().astype(int)}


def check_picture(frames: Iterable[tuple[int, np.ndarray]], *, text: str, where: str) -> None:
    """Raise SwapError where one of the (number, frame_bgr) does not show the note."""
    for number, frame_bgr in frames:
        if not shows_note(frame_bgr, text):
            raise SwapError(
                f"{where}: the settings ask for a visible note, but frame {number} does not show it, so no video is written; "
                "delete the composite and run snakemake again"
            )
