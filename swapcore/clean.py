"""Which faces train and which are swapped: rules over scores, and on top of them what people decided by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from swapcore import edits as by_hand
from swapcore.config.fields import Clean
from swapcore.distances import squares
from swapcore.errors import SwapError
from swapcore.types import DecisionTable, ScoreTable

GOOD = "good"
REJECTED, SWAP_ONLY, KEPT = "rejected by hand", "swapped only, by hand", "kept by hand"
TAKEN_OUT = "taken out of the archive"
NEAR = "almost the same as a better one"
BLOCK = 512  # faces compared at once: 20,000 of one clip in about 2 s

# reason -> the score and the setting that it must keep to, by its size where it has a sign
THRESHOLDS: dict[str, tuple[str, str]] = {
    "not like the references": ("distance", "max_distance"),
    "too small": ("size", "min_size"),
    "too dark": ("exposure", "min_exposure"),
    "too bright": ("exposure", "max_exposure"),
    "too flat": ("contrast", "min_contrast"),
    "landmarks beside the face": ("misalignment", "max_misalignment"),
    "hidden": ("occlusion", "max_occlusion"),
    "too soft": ("sharpness", "min_sharpness"),
    "smeared by motion": ("motion_blur", "max_motion_blur"),
    "turned too far": ("yaw", "max_yaw"),
    "raised or bowed too far": ("pitch", "max_pitch"),
}

Rule = Callable[[ScoreTable, Clean], np.ndarray]


def beyond(score: str, setting: str) -> Rule:
    """The rule that drops faces below a setting min_.., or above a setting max_.. (then by size: 80 degrees to either side)."""

    def rule(scores: ScoreTable, limits: Clean) -> np.ndarray:
        value, limit = getattr(scores, score), getattr(limits, setting)
        return value < limit if setting.startswith("min_") else np.abs(value) > limit

    return rule


def seen_before(scores: ScoreTable, limits: Clean) -> np.ndarray:
    """Its frame hardly differs from the one before, so it would only count twice."""
    return scores.duplicate & (limits.duplicates == "drop")


def filled_in(scores: ScoreTable, limits: Clean) -> np.ndarray:
    """Its landmarks were not fitted in this frame, but lie between those before and after a short gap."""
    return ~scores.fitted & (limits.filled == "drop")


def damaged(scores: ScoreTable, limits: Clean) -> np.ndarray:
    """Its frame has no picture of its own, or one that may be wrong."""
    return scores.damaged & (limits.damaged == "drop")


def another_look(scores: ScoreTable, limits: Clean) -> np.ndarray:
    """Its look is none of those in `looks`, where there are any."""
    return ~np.isin(scores.look, limits.looks) & bool(limits.looks)


# reason -> which faces it drops, (n,) bool; a face that several drop is given the first
RULES: dict[str, Rule] = {
    "another look": another_look,
    "damaged frame": damaged,
    "filled in over a gap": filled_in,
    **{reason: beyond(*threshold) for reason, threshold in THRESHOLDS.items()},
    "same as the frame before": seen_before,
}

# reason -> the setting that lets such faces train
LOOSEN: dict[str, str] = {
    **{reason: f"clean.{setting}" for reason, (_, setting) in THRESHOLDS.items()},
    "another look": "clean.looks",
    "damaged frame": "clean.damaged",
    "filled in over a gap": "clean.filled",
    "same as the frame before": "clean.duplicates",
    NEAR: "clean.near_duplicates",
}


def decide(
    scores: ScoreTable, limits: Clean, edits: by_hand.Edits, *, there: np.ndarray | None = None
) -> DecisionTable:
    """One decision and exactly one reason for every face.

    Rules keep a face from training, never from being swapped: a blurred face that is not swapped flickers. By hand,
    `reject` does both, `swap_only` keeps it from training, and `keep` overrules the rules. there (n,) bool: which faces their
    archives still hold (None: all); one that was taken out cannot train, whatever else was decided. Of faces that are almost
    the same, the best of those that would train does; see `near_duplicates`. Raises SwapError where an edit no longer fits a
    face (edits.match).
    """
    if unknown := sorted(set(limits.looks) - set(scores.look.tolist())):
        raise SwapError(
            f"clean.looks: expected looks from 1 to {scores.look.max(initial=0)}, which these faces have, got {unknown[0]}; "
            "see faces.html, grouped by look. For one person alone set it under people, as {clean: {looks: [1]}}"
        )
    reason = np.full(len(scores), GOOD, object)
    for name in reversed(RULES):
        reason[RULES[name](scores, limits)] = name
    use_train, use_swap = reason == GOOD, np.ones(len(scores), bool)
    for entries, word, train, swap in (
        (edits.keep, KEPT, True, True),
        (edits.swap_only, SWAP_ONLY, False, True),
        (edits.reject, REJECTED, False, False),
    ):
        for entry in entries:
            rows = np.flatnonzero(scores.clip == entry.clip)
            row = rows[by_hand.match(entry, ids=scores.id[rows], boxes_xyxy=scores.box_xyxy[rows])]
            reason[row], use_train[row], use_swap[row] = word, train, swap
    if there is not None:
        out = ~there & ~np.isin(reason.astype(str), (REJECTED, SWAP_ONLY))
        reason[out], use_train[~there] = TAKEN_OUT, False
    near = near_duplicates(scores, use_train, kept=reason == KEPT, within=limits.near_duplicates)
    reason[near], use_train[near] = NEAR, False
    return DecisionTable(clip=scores.clip, id=scores.id, use_train=use_train, use_swap=use_swap, reason=reason)


def near_duplicates(scores: ScoreTable, use: np.ndarray, *, kept: np.ndarray, within: float) -> np.ndarray:
    """Of the faces `use` (n,) bool: those almost the same as a better one of their clip, (n,) bool.

    Faces are compared by their tiny pictures (ScoreTable.thumb) at equal brightness and contrast: the root of the mean
    square difference, per cent of the contrast, must be under `within` (0: nothing is). A closed eye or an opened mouth
    differs by 28 and more; neighbouring frames of a calm speaker by 4 to 12. Sharper faces are better, then earlier ones;
    the best is taken, what is near it is dropped, and so on, so that two that stay are always farther apart. Those in
    `kept` (n,) bool come first and are never dropped.
    """
    near = np.zeros(len(scores), bool)
    if not within or not use.any():
        return near
    pictures = scores.thumb.reshape(len(scores), scores.thumb[0].size).astype(np.float32)
    pictures -= pictures.mean(1, keepdims=True)
    pictures *= 100 / (np.sqrt(pictures.shape[1]) * np.maximum(pictures.std(1, keepdims=True), 1.0))
    for clip in np.unique(scores.clip[use].astype(str)):
        rows = np.flatnonzero(use & (scores.clip == clip))
        rows = rows[np.lexsort((scores.frame[rows], -scores.sharpness[rows], ~kept[rows]))]
        drops = _near_better(pictures[rows], kept[rows], within)
        near[rows] = drops
    return near


def _near_better(points: np.ndarray, kept: np.ndarray, within: float) -> np.ndarray:
    """Which of points (n, d), best first, are nearer than `within` to a better one that is none of these itself, (n,) bool."""
    drops = np.zeros(len(points), bool)
    stays = np.zeros((0, points.shape[1]), np.float32)
    for start in range(0, len(points), BLOCK):
        block = points[start : start + BLOCK]
        gone = _nearest(block, stays) < within if len(stays) else np.zeros(len(block), bool)
        gone &= ~kept[start : start + BLOCK]
        close = squares(block, block) < within**2
        for k in np.flatnonzero(~gone):
            later = close[k] & ~kept[start : start + BLOCK]
            later[: k + 1] = False
            if not gone[k]:
                gone |= later
        drops[start : start + BLOCK] = gone
        stays = np.concatenate([stays, block[~gone]])
    return drops


def _nearest(block: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Distance of each of block (k, d) to the nearest of points (n, d), (k,)."""
    parts = [squares(block, points[k : k + 8 * BLOCK]).min(1) for k in range(0, len(points), 8 * BLOCK)]
    return np.sqrt(np.min(parts, 0))


def counts(decisions: DecisionTable) -> dict[str, int]:
    """Reason -> number of faces, the most frequent first."""
    names, numbers = np.unique(decisions.reason.astype(str), return_counts=True)
    return {str(names[i]): int(numbers[i]) for i in np.argsort(-numbers, kind="stable")}


def dropped(decisions: DecisionTable) -> dict[str, int]:
    """Reason -> number of the faces that do not train, the most frequent first."""
    return counts(decisions.select(~decisions.use_train))


def value(scores: ScoreTable, row: int, reason: str, limits: Clean) -> str:
    """The number behind a reason and its limit, as "3.12 < 5"; "" where the reason is no threshold."""
    if reason not in THRESHOLDS:
        return ""
    score, setting = THRESHOLDS[reason]
    number, limit = float(getattr(scores, score)[row]), getattr(limits, setting)
    sign = "<" if setting.startswith("min_") else ">"
    return f"{number if sign == '<' else abs(number):.4g} {sign} {limit:g}"


def summary(decisions: DecisionTable, limits: Clean) -> dict[str, Any]:
    """What became of the faces, in numbers, as JSON holds it: in all, by clip, and by reason with the setting behind it."""
    reasons = {}
    for reason, number in dropped(decisions).items():
        reasons[reason] = {"faces": number}
        if reason in LOOSEN:
            limit = getattr(limits, LOOSEN[reason].removeprefix("clean."))
            reasons[reason] |= {"setting": LOOSEN[reason], "limit": limit}
    clips = {}
    for clip in dict.fromkeys(decisions.clip.tolist()):
        mine = decisions.select(decisions.clip == clip)
        clips[clip] = {"faces": len(mine), "train": int(mine.use_train.sum()), "swapped": int(mine.use_swap.sum())}
    return {
        "faces": len(decisions),
        "train": int(decisions.use_train.sum()),
        "swapped": int(decisions.use_swap.sum()),
        "dropped": reasons,
        "clips": clips,
    }


def remedy(dropped: dict[str, int], person: str) -> str:
    """What to do where too many of a person's faces were dropped, by the most frequent reason."""
    reason = max(dropped, key=lambda name: dropped[name])
    if reason == TAKEN_OUT:
        return "put some back into the clips' faces.zip, or delete those and run snakemake again"
    return f"loosen {LOOSEN[reason]} in config.yaml" if reason in LOOSEN else f"shorten config/edits/{person}.yaml"
