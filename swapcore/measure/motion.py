"""How calm the swap is from frame to frame."""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.measure.look import Metric

FLICKER_SIDE = 64  # averages grain away: what flickers to the eye is larger
STILL = 1 / 4  # mean absolute error of rounding: less change than this is none


def flicker_ratio(
    original_before: np.ndarray | None,
    original_crop: np.ndarray,
    result_before: np.ndarray | None,
    result_crop: np.ndarray,
    inside: np.ndarray,
) -> float | None:
    """Change from one frame to the next inside the face, result over original; None where there is no frame before.

    Both pairs are aligned by the same landmarks, so what moves is the face's play, the light, and what the swap adds: the
    mean absolute difference of crops brought down to FLICKER_SIDE pixels. Neither is taken below the error of rounding, so a
    still face that stays still gives 1.
    """
    if original_before is None or result_before is None or not inside.any():
        return None
    original = _change(original_before, original_crop, inside)
    result = _change(result_before, result_crop, inside)
    return max(result, STILL) / max(original, STILL)


ROWS: dict[str, Metric] = {
    "flicker_ratio": Metric(
        flicker_ratio,
        ("original_before", "original_crop", "result_before", "result_crop", "inside"),
        1.0,
        "ratio",
        "nearer the baseline",
        "change from frame to frame inside the aligned face, swapped over original",
    ),
}


def _change(before_bgr: np.ndarray, after_bgr: np.ndarray, inside: np.ndarray) -> float:
    size = (FLICKER_SIDE, FLICKER_SIDE)
    before, after, weight = (
        cv2.resize(a.astype(np.float32), size, interpolation=cv2.INTER_AREA) for a in (before_bgr, after_bgr, inside)
    )
    return float(np.average(np.abs(after - before).mean(-1), weights=weight))
