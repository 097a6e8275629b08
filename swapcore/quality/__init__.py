"""What can be measured of one face: what `sort` orders by and `clean` decides by.

A score is a function of a `View`, the few small pictures that all scores share, and gives one finite number. To add one:
write it in `picture`, `shape` or `cover`, give it a row in SCORES, and a column of that name to FaceSet and ScoreTable.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from swapcore.quality.cover import misalignment, occlusion
from swapcore.quality.picture import FACES_OWN, contrast, exposure, motion_blur, redness, sharpness, smear, warmth
from swapcore.quality.shape import eyes_open, mouth_open, pitch, roll, size, yaw
from swapcore.quality.view import THUMB, View, view

__all__ = ["FACES_OWN", "SCORES", "THUMB", "Score", "View", "of", "scores", "smear", "view"]

Score = Callable[[View], float]

SCORES: dict[str, Score] = {
    "sharpness": sharpness,
    "motion_blur": motion_blur,
    "exposure": exposure,
    "contrast": contrast,
    "redness": redness,
    "warmth": warmth,
    "size": size,
    "yaw": yaw,
    "pitch": pitch,
    "roll": roll,
    "mouth_open": mouth_open,
    "eyes_open": eyes_open,
    "misalignment": misalignment,
    "occlusion": occlusion,
}
"""Name -> f(View) -> float; meaning, unit and range stand in each function's docstring."""


def of(seen: View) -> dict[str, float]:
    """All of SCORES for a face that `view` prepared."""
    return {name: score(seen) for name, score in SCORES.items()}


def scores(
    crop_bgr: np.ndarray, landmarks_xy: np.ndarray, box_xyxy: np.ndarray, matrix: np.ndarray
) -> dict[str, float]:
    """All of SCORES for one face; see `view` for what is given. About 1.2 ms on one core."""
    return of(view(crop_bgr, landmarks_xy, box_xyxy, matrix))
