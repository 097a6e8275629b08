"""A swapped face in the light and colours of the face that it replaces, steady through time.

What is said of light and colour is said from a face's own frame and from those before and after: where a hand covers half of it,
the frames beside still know. A neighbour weighs less the farther it is, and nothing where the light has changed since.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import cv2
import numpy as np

from swapcore import align, light, masks
from swapcore.colour import COLOURS, Samples
from swapcore.types import Face

REACH = 8  # frames to both sides
FALL = 4.0  # frames in which what a neighbour weighs falls to 0.6
UNLIKE = 0.04  # of the picture's range, by which skin that both show may differ before a neighbour counts by half less
THUMB = 24  # pixels a side of the pictures whose colours are compared


class Seen(NamedTuple):
    """A face of a frame, as the model has made it."""

    face: Face
    matrix: np.ndarray  # (2, 3), frame pixels -> those of the crops
    target: np.ndarray  # (s, s, 3) float32 BGR 0..1, in sRGB's gamma values
    swapped: np.ndarray  # the same, as the model made it
    skin: np.ndarray  # (s, s) float32 0..1, what of the target is face
    lit: light.Lit | None  # None where light is left alone, or cannot be told
    thumbs: Samples  # both and the skin, (THUMB, THUMB), the swapped one relit by its own frame


def see(face: Face, matrix: np.ndarray, target: np.ndarray, swapped: np.ndarray, *, mask: Any, relight: bool) -> Seen:
    """What there is to say of a face from its own frame alone. mask: masks.Setting; arguments as of Seen."""
    points, to_frame = align.transform(face.landmarks_xy, matrix), align.invert(matrix)
    look = {"size_hw": target.shape[:2], "parsed": face.parsed, "learned": face.learned, "matrix": to_frame}
    parts = masks.drawn(mask, points, **look)
    skin = masks.combined(mask, [part for part, _ in parts])
    lit = light.read(swapped, target, skin, points) if relight else None
    small = [cv2.resize(p, (THUMB, THUMB), interpolation=cv2.INTER_AREA) for p in (swapped, target, skin)]
    return Seen(face, matrix, target, swapped, skin, lit, Samples(light.relight(small[0], lit), *small[1:]))


def recoloured(seen: Seen, around: Sequence[tuple[int, Seen]] = (), *, colour: str) -> np.ndarray:
    """The swapped face (s, s, 3) float32 BGR 0..1 in the target's light and colours; colour: a row of COLOURS.

    around: the same face in neighbouring frames, each with its distance in frames; without any, its own frame decides.
    """
    known = [(weight, other) for far, other in around if (weight := agreement(seen.thumbs, other.thumbs, far)) > 0.02]
    swapped = light.relight(seen.swapped, seen.lit, [(weight, o.lit) for weight, o in known if o.lit is not None])
    like = None
    if known:
        every = [(1.0, seen), *known]
        pictures = (np.concatenate([getattr(s.thumbs, part) for _, s in every]) for part in ("swapped", "target"))
        like = Samples(*pictures, np.concatenate([np.float32(weight) * s.thumbs.mask for weight, s in every]))
    return np.clip(COLOURS[colour](swapped, seen.target, seen.skin, like), 0, 1)


def agreement(here: Samples, there: Samples, far: int) -> float:
    """What a neighbour `far` frames away weighs, 0..1: less with distance, and where skin that both show looks otherwise."""
    both = (here.mask > 0.5) & (there.mask > 0.5)
    if not both.any():
        return 0.0
    off = float(np.median(np.abs(here.target[both] - there.target[both]).mean(-1)))
    return float(np.exp(-0.5 * (far / FALL) ** 2) * np.exp2(-((off / UNLIKE) ** 2)))


class Frame(Protocol):
    """What `neighbours` goes through."""

    number: int
    seen: Sequence[tuple[Hashable, Seen]]  # each with what is the same for the same face through time


Frames = TypeVar("Frames", bound=Frame)


def neighbours(frames: Iterable[Frames]) -> Iterator[tuple[Frames, list[list[tuple[int, Seen]]]]]:
    """Every frame, and for each of its faces the same one in the frames up to REACH before and after, with its distance.

    Frames come in ascending order; at most REACH are read ahead, and as many looked back to.
    """
    past: deque[tuple[int, Sequence[tuple[Hashable, Seen]]]] = deque()
    waiting: deque[Frames] = deque()
    source = iter(frames)
    while True:
        while not waiting or waiting[-1].number < waiting[0].number + REACH:
            if (one := next(source, None)) is None:
                break
            waiting.append(one)
        if not waiting:
            return
        now = waiting.popleft()
        while past and past[0][0] < now.number - REACH:
            past.popleft()
        others = [*past, *((w.number, w.seen) for w in waiting if w.number <= now.number + REACH)]
        yield (
            now,
            [
                [(abs(number - now.number), seen) for number, some in others for other, seen in some if other == key]
                for key, _ in now.seen
            ],
        )
        past.append((now.number, now.seen))
