"""How good a swap is: numbers from the finished video beside its clip.

Quality is never one number: a model can be trained to please one of them while the eye is not fooled. So each stands with
its unit, which direction is better, and what the unchanged target or a perfect swap would give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np

from swapcore import align, masks

# What faces are compared in: aligned crops of one size, so that a face counts alike wherever it stands.
CROP_SIDE = 256
CROP_SPAN = 0.6
FLICKER_SIDE = 64  # averages grain away: what flickers to the eye is larger
ROUNDING = 1 / 12  # mean squared error of rounding to whole levels: no two 8-bit pictures are known to be nearer
STILL = 1 / 4  # mean absolute error of rounding: less change than this is none
INSIDE = 0.12  # of the face's size: deeper than this in the mask, convert's default soft edge is over
AROUND = 0.25  # of the face's size: farther than this from the mask, nothing of a swap is expected


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
WORST = 6  # frames listed as the worst


def crop(frame_bgr: np.ndarray, landmarks_xy: np.ndarray) -> np.ndarray:
    """The aligned crop that faces are compared in, (CROP_SIDE, CROP_SIDE, 3) uint8."""
    matrix = align.crop_matrix(landmarks_xy, size=CROP_SIDE, span=CROP_SPAN)
    return align.warp(frame_bgr, matrix, CROP_SIDE)


def inside(landmarks_xy: np.ndarray) -> np.ndarray:
    """Where that crop is wholly swapped, (CROP_SIDE, CROP_SIDE) bool."""
    matrix = align.crop_matrix(landmarks_xy, size=CROP_SIDE, span=CROP_SPAN)
    mask = masks.components(align.transform(landmarks_xy, matrix), size_hw=(CROP_SIDE, CROP_SIDE))
    return masks.soften(mask, face_size=CROP_SIDE * CROP_SPAN, erode=INSIDE, blur=0) > 0


def outside(faces_xy: Sequence[np.ndarray], size_hw: tuple[int, int]) -> np.ndarray:
    """(h, w) bool: the frame without the faces of landmarks (68, 2) and what is near them."""
    near = np.zeros(size_hw, bool)
    for landmarks_xy in faces_xy:
        face_size = CROP_SIDE * CROP_SPAN / align.scale(align.crop_matrix(landmarks_xy, size=CROP_SIDE, span=CROP_SPAN))
        face = masks.extended(landmarks_xy, size_hw=size_hw) > 0
        if face.any():
            away = cv2.distanceTransform((~face).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
            near |= away <= AROUND * face_size
    return ~near


class Values(NamedTuple):
    """The metrics of one face in one frame, and of the unchanged target there; None where one cannot be told."""

    frame: int
    swap: str
    value: dict[str, float | None]
    baseline: dict[str, float | None]


def evaluate(look: Look) -> Values:
    """Every metric of one look."""

    def call(metric: Metric, fields: tuple[str, ...]) -> float | None:
        return metric.function(*(getattr(look, field) for field in fields))

    value = {name: call(m, m.takes) for name, m in METRICS.items()}
    baseline = {
        name: call(m, m.baseline) if isinstance(m.baseline, tuple) else m.baseline for name, m in METRICS.items()
    }
    return Values(look.frame, look.swap, value, baseline)


def summarise(rows: Sequence[Values], *, references: dict[str, np.ndarray]) -> dict[str, Any]:
    """Means over all looks as JSON: each metric's value, per swap too, with unit, direction and baseline; worst frames; note.

    references: swap -> (m, 128) embeddings of its source, for the alarm of a swap that is nearer to them than they are to
    each other: then it fools the judge, not the eye. Raises ValueError without rows.
    """
    if not rows:
        raise ValueError("nothing was looked at")
    result: dict[str, Any] = {}
    swaps = list(dict.fromkeys(r.swap for r in rows))
    for name, metric in METRICS.items():
        result[name] = {
            "value": _mean(r.value[name] for r in rows),
            "unit": metric.unit,
            "better": metric.better,
            "baseline": _mean(r.baseline[name] for r in rows),
            "of": metric.source,
            "swaps": {s: _mean(r.value[name] for r in rows if r.swap == s) for s in swaps},
        }
    alarms = [a for s in swaps if (a := alarm(s, result["identity_distance"]["swaps"][s], references[s]))]
    if alarms:
        result["identity_distance"]["alarm"] = "; ".join(alarms)
    return {**result, "worst": worst(rows), "note": _note(rows, result, alarms)}


def alarm(swap: str, distance: float | None, references: np.ndarray) -> str | None:
    """A warning where a swap's mean distance lies below its references' own spread, None where all is well."""
    spread = reference_spread(references)
    if distance is None or spread is None or distance >= spread:
        return None
    return (
        f"swap {swap} is nearer to the references ({distance:.3f}) than they are to each other ({spread:.3f}), as a model that "
        "learnt to please the identity network is: trust the eye"
    )


def worst(rows: Sequence[Values]) -> list[int]:
    """The WORST frames by the mean of their ranks in all metrics, worst first: where to look."""
    ranks: list[list[float]] = [[] for _ in rows]
    for name, metric in METRICS.items():
        told = [i for i, r in enumerate(rows) if r.value[name] is not None]
        badness = [_badness(metric, rows[i].value[name], rows[i].baseline[name]) for i in told]
        better = np.searchsorted(np.sort(badness), badness)  # how many are better; equals rank alike
        for i, count in zip(told, better, strict=True):
            ranks[i].append(count / len(told))
    mean = np.array([np.mean(r) if r else 0 for r in ranks])
    frames = dict.fromkeys(rows[i].frame for i in np.argsort(-mean, kind="stable"))
    return list(frames)[:WORST]


def _badness(metric: Metric, value: float, baseline: float | None) -> float:
    if metric.better == "lower":
        return value
    if metric.better == "higher":
        return -value
    return abs(float(np.log(max(value, 1e-6) / baseline)))


def _note(rows: Sequence[Values], result: dict[str, Any], alarms: Sequence[str]) -> str:
    frames = len({r.frame for r in rows})
    identity = result["identity_distance"]
    text = (
        f"Over {frames} frames the swapped faces lie {identity['value']:.2f} from the source's references, where the unchanged "
        f"target lies {identity['baseline']:.2f}"
    )
    return text + ("; " + "; ".join(alarms) if alarms else "") + "."


def _mean(found: Iterable[float | None]) -> float | None:
    known = [v for v in found if v is not None]
    return round(float(np.mean(known)), 4) if known else None


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
