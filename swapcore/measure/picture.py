"""How good the picture is: sharpness, and what lies outside the face."""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.measure.look import Metric

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


ROWS: dict[str, Metric] = {
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
}


def _laplacian_rms(crop_bgr: np.ndarray, inside: np.ndarray) -> float:
    grey = cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2GRAY)
    edges = cv2.Laplacian(grey, cv2.CV_32F)[inside]
    return float(np.sqrt(np.square(edges).mean())) if edges.size else 0.0
