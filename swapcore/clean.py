"""Which faces train and which are swapped: rules over scores, and on top of them what people decided by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from swapcore import edits as by_hand
from swapcore.config.fields import Clean
from swapcore.types import DecisionTable, ScoreTable

GOOD = "good"
REJECTED, SWAP_ONLY, KEPT = "rejected by hand", "swapped only, by hand", "kept by hand"
TAKEN_OUT = "taken out of the archive"


def too_soft(scores: ScoreTable, limits: Clean) -> np.ndarray:
    """Sharpness below `min_sharpness`."""
    return scores.sharpness < limits.min_sharpness


def too_small(scores: ScoreTable, limits: Clean) -> np.ndarray:
    """Narrower than `min_size` pixels of the frame."""
    return scores.size < limits.min_size


def turned_too_far(scores: ScoreTable, limits: Clean) -> np.ndarray:
    """Yaw beyond `max_yaw` degrees to either side."""
    return np.abs(scores.yaw) > limits.max_yaw


def unlike_references(scores: ScoreTable, limits: Clean) -> np.ndarray:
    """The face's own embedding lies farther than `max_distance`, although its track was voted to be this person."""
    return scores.distance > limits.max_distance


def seen_before(scores: ScoreTable, limits: Clean) -> np.ndarray:
    """Its frame hardly differs from the one before, so it would only count twice."""
    return scores.duplicate & (limits.duplicates == "drop")


# reason -> which faces it drops, (n,) bool; a face that several drop is given the first
RULES: dict[str, Callable[[ScoreTable, Clean], np.ndarray]] = {
    "not like the references": unlike_references,
    "too small": too_small,
    "too soft": too_soft,
    "turned too far": turned_too_far,
    "same as the frame before": seen_before,
}

LOOSEN = {  # reason -> the setting that lets such faces train
    "not like the references": "clean.max_distance",
    "too small": "clean.min_size",
    "too soft": "clean.min_sharpness",
    "turned too far": "clean.max_yaw",
    "same as the frame before": "clean.duplicates",
}


def decide(
    scores: ScoreTable, limits: Clean, edits: by_hand.Edits, *, there: np.ndarray | None = None
) -> DecisionTable:
    """One decision and exactly one reason for every face.

    Rules keep a face from training, never from being swapped: a blurred face that is not swapped flickers. By hand,
    `reject` does both, `swap_only` keeps it from training, and `keep` overrules the rules. there (n,) bool: which faces their
    archives still hold (None: all); one that was taken out cannot train, whatever else was decided. Raises SwapError where an
    edit no longer fits a face (edits.match).
    """
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
    return DecisionTable(clip=scores.clip, id=scores.id, use_train=use_train, use_swap=use_swap, reason=reason)


def counts(decisions: DecisionTable) -> dict[str, int]:
    """Reason -> number of faces, the most frequent first."""
    names, numbers = np.unique(decisions.reason.astype(str), return_counts=True)
    return {str(names[i]): int(numbers[i]) for i in np.argsort(-numbers, kind="stable")}


def dropped(decisions: DecisionTable) -> dict[str, int]:
    """Reason -> number of the faces that do not train, the most frequent first."""
    return counts(decisions.select(~decisions.use_train))


def remedy(dropped: dict[str, int], person: str) -> str:
    """What to do where too many of a person's faces were dropped, by the most frequent reason."""
    reason = max(dropped, key=lambda name: dropped[name])
    if reason == TAKEN_OUT:
        return "put some back into the clips' faces.zip, or delete those and run snakemake again"
    return f"loosen {LOOSEN[reason]} in config.yaml" if reason in LOOSEN else f"shorten config/edits/{person}.yaml"
