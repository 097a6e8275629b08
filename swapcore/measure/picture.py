"""How good the picture is: sharpness, the seam, and what lies outside the face."""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.measure.difference import ciede2000, lab
from swapcore.measure.look import Metric

NEAR, FAR = 4, 12  # pixels of the crop from the mask's outline: where its two sides are looked at
REACH = 6.0  # pixels, the Gaussian along the outline that a side's colour is the mean of
OWN_EDGE = 10.0  # CIEDE2000: where the original steps by more, a seam is not seen
ROUNDING = 1 / 12  # mean squared error of rounding to whole levels: no two 8-bit pictures are known to be nearer


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


def seam(original_crop: np.ndarray, result_crop: np.ndarray, mask: np.ndarray) -> float | None:
    """How much more the colour steps across the mask's edge than it did before, CIEDE2000; None where there is no edge.

    Crops (h, w, 3) uint8 BGR, mask (h, w) 0..1 where the swapped face shows. At each place of the outline, where the mask is
    0.5, the mean colour from NEAR to FAR within it is compared with that from NEAR to FAR without, in the result and in the
    original; the mean of how much the result's step is larger (never less than 0: an edge that was lost is no seam). So a
    cheekbone's own shade does not count, and a mask that is soft over more than FAR hides what it hides from the eye. Places
    where the original itself steps by more than OWN_EDGE, as from the jaw to what is behind it, tell nothing.
    """
    rim, sides = _sides(mask)
    if not rim.any():
        return None
    steps = []
    for crop in (original_crop, result_crop):
        within, without = (_local_mean(lab(crop), side) for side in sides)
        steps.append(ciede2000(within[rim], without[rim]))
    told = steps[0] <= OWN_EDGE
    return float(np.maximum(steps[1] - steps[0], 0)[told].mean()) if told.any() else None


ROWS: dict[str, Metric] = {
    "outside_psnr": Metric(
        outside_psnr,
        ("original_bgr", "result_bgr", "outside"),
        None,
        "dB",
        "higher",
        "clip against video away from the swapped faces; about 40 is left by the lossy encode",
        step=1.0,
        why="away from the face the picture is {value:.1f} dB from the clip's, where {usual:.1f} is usual",
    ),
    "sharpness_ratio": Metric(
        sharpness_ratio,
        ("original_crop", "result_crop", "inside"),
        1.0,
        "ratio",
        "nearer the baseline",
        "fine detail inside the face, swapped over original; a model of few pixels makes soft faces",
        step=0.2,
        why="the face has {value:.2f} times the original's fine detail, where {usual:.2f} is usual",
    ),
    "seam": Metric(
        seam,
        ("original_crop", "result_crop", "mask"),
        0.0,
        "CIEDE2000",
        "lower",
        "how much more the colour steps across the mask's edge than in the original; below about 1 it is not seen",
        step=1.0,
        why="the colour steps across the mask's edge by {value:.1f} more than in the original, where {usual:.1f} is usual",
    ),
}


def _laplacian_rms(crop_bgr: np.ndarray, inside: np.ndarray) -> float:
    grey = cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2GRAY)
    edges = cv2.Laplacian(grey, cv2.CV_32F)[inside]
    return float(np.sqrt(np.square(edges).mean())) if edges.size else 0.0


def _sides(mask: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Where a mask's outline is, with enough of both sides in the picture, (h, w) bool; and its two sides, float32 0 or 1."""
    face = (mask > 0.5).astype(np.uint8)
    if not face.any() or face.all():
        return np.zeros(mask.shape, bool), []
    depth, height = (cv2.distanceTransform(part, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for part in (face, 1 - face))
    sides = [((d >= NEAR) & (d <= FAR)).astype(np.float32) for d in (depth, height)]
    rim = (depth > 0) & (depth <= 1)
    for side in sides:
        rim &= cv2.GaussianBlur(side, (0, 0), REACH) > 0.05
    return rim, sides


def _local_mean(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Means of values (h, w, 3) about each pixel, of those with a weight (h, w)."""
    total = cv2.GaussianBlur(values * weight[..., None], (0, 0), REACH)
    return total / np.maximum(cv2.GaussianBlur(weight, (0, 0), REACH), 1e-6)[..., None]
