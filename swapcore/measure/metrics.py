"""What is measured: METRICS, functions of one swapped face in one frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np

CROP_SIDE = 256  # of the aligned crops that faces are compared in: a face counts alike wherever it stands
FLICKER_SIDE = 64  # averages grain away: what flickers to the eye is larger
ROUNDING = 1 / 12  # mean squared error of rounding to whole levels: no two 8-bit pictures are known to be nearer
STILL = 1 / 4  # mean absolute error of rounding: less change than this is none


@dataclass(frozen=True)
class Look:
    """One swapped face in one frame, as the metrics see it. Pictures are BGR uint8."""

    frame: int
    swap: str
    original_bgr: np.ndarray  # (h, w, 3) the clip's frame
    result_bgr: np.ndarray  # (h, w, 3) the video's
    outside: np.ndarray  # (h, w) bool, away from every swapped face and from the note
    original_crop: np.ndarray  # (CROP_SIDE, CROP_SIDE, 3) aligned
    result_crop: np.ndarray
    inside: np.ndarray  # (CROP_SIDE, CROP_SIDE) bool, where the crop is wholly swapped
    original_before: np.ndarray | None  # the same face's crops one frame earlier, where there is one
    result_before: np.ndarray | None
    original_embedding: np.ndarray  # (128,) dlib identity
    result_embedding: np.ndarray
    references: np.ndarray  # (m, 128) of the swap's source


class Metric(NamedTuple):
    """A row of METRICS. `function` gets the `takes` of a Look, `baseline` the same function of the unchanged target."""

    function: Callable[..., float | None]
    takes: tuple[str, ...]
    baseline: tuple[str, ...] | float | None  # what to take, or a fixed number, or nothing
    unit: str
    better: Literal["lower", "higher", "nearer the baseline"]
    source: str


def identity_distance(embedding: np.ndarray, references: np.ndarray) -> float:
    """Mean Euclidean distance of a face's embedding (128,) to a person's references (m, 128), in dlib's unit.

    Below about 0.6 dlib takes two faces for one person (King, High Quality Face Recognition with Deep Metric Learning, 2017).
    """
    return float(np.linalg.norm(np.asarray(references, np.float64) - embedding, axis=1).mean())


def reference_spread(references: np.ndarray) -> float | None:
    """Mean distance of a person's references (m, 128) to each other; None where there is only one."""
    references = np.asarray(references, np.float64)
    if len(references) < 2:
        return None
    distances = np.linalg.norm(references[:, None] - references, axis=-1)
    return float(distances[np.triu_indices(len(references), 1)].mean())


def outside_psnr(original_bgr: np.ndarray, result_bgr: np.ndarray, outside: np.ndarray) -> float | None:
    """Peak signal-to-noise ratio of the pixels (h, w) `outside` of two uint8 frames, dB; None where there are none.

    10 log10(255^2 / mean squared error), the error not taken below that of rounding, so that equal frames give 58.9.
    """
    if not outside.any():
        return None
    error = original_bgr[outside].astype(np.float32) - result_bgr[outside]
    return float(10 * np.log10(255**2 / max(np.square(error).mean(dtype=np.float64), ROUNDING)))


def sharpness_ratio(original_crop: np.ndarray, result_crop: np.ndarray, inside: np.ndarray) -> float | None:
    """Fine detail of the result over that of the original, inside the face; None where the original has none.

    The root mean square of the Laplacian of grey (Pech-Pacheco et al. 2000 take its variance as a measure of focus).
    """
    original, result = (_laplacian_rms(crop, inside) for crop in (original_crop, result_crop))
    return result / original if original > 0 else None


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


METRICS: dict[str, Metric] = {
    "identity_distance": Metric(
        identity_distance,
        ("result_embedding", "references"),
        ("original_embedding", "references"),
        "dlib embedding, Euclidean",
        "lower",
        "swapped face to the source's references; baseline: the target as it was",
    ),
    "outside_psnr": Metric(
        outside_psnr,
        ("original_bgr", "result_bgr", "outside"),
        None,
        "dB",
        "higher",
        "clip against video away from the swapped faces; about 40 is left by the lossy encode",
    ),
    "sharpness_ratio": Metric(
        sharpness_ratio,
        ("original_crop", "result_crop", "inside"),
        1.0,
        "ratio",
        "nearer the baseline",
        "fine detail inside the face, swapped over original; a model of few pixels makes soft faces",
    ),
    "flicker_ratio": Metric(
        flicker_ratio,
        ("original_before", "original_crop", "result_before", "result_crop", "inside"),
        1.0,
        "ratio",
        "nearer the baseline",
        "change from frame to frame inside the aligned face, swapped over original",
    ),
}


def _laplacian_rms(crop_bgr: np.ndarray, inside: np.ndarray) -> float:
    grey = cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2GRAY)
    edges = cv2.Laplacian(grey, cv2.CV_32F)[inside]
    return float(np.sqrt(np.square(edges).mean())) if edges.size else 0.0


def _change(before_bgr: np.ndarray, after_bgr: np.ndarray, inside: np.ndarray) -> float:
    size = (FLICKER_SIDE, FLICKER_SIDE)
    before, after, weight = (
        cv2.resize(a.astype(np.float32), size, interpolation=cv2.INTER_AREA) for a in (before_bgr, after_bgr, inside)
    )
    return float(np.average(np.abs(after - before).mean(-1), weights=weight))
