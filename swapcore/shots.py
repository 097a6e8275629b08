"""What is done about the forehead that a calm mask leaves, shot by shot.

A mask that stops above the brows is calm, and leaves the target's forehead: its tone and its wrinkles. One that reaches to the
hair takes them away, and has an edge that is harder to place. So the tone and the wrinkles that would be left are measured on
some frames of each shot, against what the swap would show there, and how sure the parser was of the hairline.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from swapcore.forehead import skin, wrinkles
from swapcore.measure.difference import ciede2000, lab
from swapcore.types import Parsed

Chosen = Literal["calm", "hairline", "smooth"]

WHOLLY = 0.9  # of a forehead's mask, which fades where the brows are
SEEN = 0.04  # of the calm mask's area: less of a forehead is not looked at
SURE = 0.8  # share of a shot's frames whose hairline must be sure
WAVERING = 0.30  # share of the forehead where the parser says neither yes nor no, from which on it is not sure
JUMP = 0.25  # by which the forehead's area changes from one frame to the next where something is wrong
FADE = 8  # frames at least, from one mask to the other


class Look(NamedTuple):
    """What one face's forehead says."""

    tone: float  # CIEDE2000 between the target's and the swap's
    wrinkles: float  # per cent, by how much the target's stand out more than the swap's


def look(target: np.ndarray, swapped: np.ndarray, forehead: np.ndarray, calm: np.ndarray) -> Look | None:
    """How the forehead that a calm mask leaves differs from the swap's; None where too little of it is seen.

    target and swapped (s, s, 3) float32 BGR 0..1; forehead as of forehead.region, calm the mask that would be laid without it,
    with its soft edge. What shows through it counts by as much, and only where both are skin. Tone: the mean colours' CIEDE2000.
    """
    shown = (forehead > WHOLLY) * (1 - calm) * skin(swapped, target)
    if shown.sum() < SEEN * max(float(calm.sum()), 1.0):
        return None
    means = [(np.clip(p, 0, 1) * shown[..., None]).sum((0, 1)) / shown.sum() for p in (target, swapped)]
    tone = ciede2000(*(lab(np.rint(255 * mean).astype(np.uint8).reshape(1, 1, 3)) for mean in means))
    lines = [wrinkles(p, forehead, shown) for p in (target, swapped)]
    return Look(float(tone[0, 0]), lines[0] - lines[1])


def wavering(parsed: Parsed, forehead: np.ndarray) -> tuple[float, float]:
    """How unsure a parser was of a forehead: the share where it says neither yes nor no; and how much forehead it found.

    forehead (s, s): masks.forehead in the mask's own pixels. The second value is in pixels; without any the first is 0.
    """
    share = parsed.share.astype(np.float32) / 255 * (forehead > 0.5)
    some = (share > 0.25).sum()
    return float(((share > 0.25) & (share < 0.75)).sum() / max(some, 1)), float(share.sum())


def sure(unsure: np.ndarray, area: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """In which frames of one track the hairline is to be trusted, (n,) bool.

    unsure and area (n,) as of `wavering`, frames (n,) their numbers, ascending. Not where the parser wavers, nor in two frames
    between which the area jumps.
    """
    good = unsure < WAVERING
    if len(area) > 1:
        near = np.diff(frames) <= 2
        jumps = near & (np.abs(np.diff(area)) > JUMP * np.maximum(np.minimum(area[1:], area[:-1]), 1))
        good[1:] &= ~jumps
        good[:-1] &= ~jumps
    return good


def shows(looks: Sequence[Look], *, tone: float, wrinkles: float) -> bool:
    """Whether the foreheads of a shot show that they are the target's: their median tone or wrinkles differ by so much."""
    medians = np.median(looks, axis=0)
    return bool((medians >= (tone, wrinkles)).any())


def choose(looks: Sequence[Look], sure_share: float, *, tone: float, wrinkles: float) -> tuple[Chosen, str]:
    """What is done in a shot, and why, in words. looks: of some of its frames, none where no forehead is seen.

    sure_share: the share of its frames whose hairline is `sure`; tone and wrinkles: what is seen, as of Look.
    """
    if not looks:
        return "calm", "no forehead is seen above the mask"
    off, lines = (float(value) for value in np.median(looks, axis=0))
    said = f"tone differs by {off:.1f}, wrinkles by {lines:.1f} %"
    if not shows(looks, tone=tone, wrinkles=wrinkles):
        return "calm", f"the forehead does not show: {said}"
    if sure_share >= SURE:
        return "hairline", f"the forehead shows: {said}"
    unsure = f"{said}; the hairline is sure in {100 * sure_share:.0f} % of the frames"
    if lines >= wrinkles:
        return "smooth", f"wrinkles show, and the hairline is not sure: {unsure}"
    return "calm", f"the forehead's tone shows, and the hairline is not sure: {unsure}"


def faded(trusted: np.ndarray, frames: np.ndarray, *, fade: int = FADE) -> np.ndarray:
    """How far a mask is raised in frames (n,) of one track in one shot, (n,) float32 0..1: 0 where `trusted` (n,) is not.

    It goes from one to the other by 1/fade a frame at most, so it is low before a frame that is not trusted, never in it.
    """
    raised = np.where(trusted, 1.0, 0.0)
    for way in (slice(None), slice(None, None, -1)):
        height, number = raised[way], frames[way]
        for k in range(1, len(height)):
            height[k] = min(height[k], height[k - 1] + abs(int(number[k]) - int(number[k - 1])) / fade)
    return raised.astype(np.float32)
