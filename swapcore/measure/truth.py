"""Against the true swap, where it is known: the studio's clips.

Crops are (h, w, 3) uint8 BGR, mask (h, w) 0..1 is where the swapped face shows: all is measured where it is over half.
"""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.measure.difference import ciede2000, lab
from swapcore.measure.expression import eyes_apart
from swapcore.measure.look import CROP_SIDE, Metric
from swapcore.measure.picture import ROUNDING

FACE = 0.5  # of the mask
COARSE = CROP_SIDE / 32  # sigma of the Gaussian that leaves tone and shade, pixels
FINE = (1.0, 4.0)  # sigmas of the two between which detail is: what is finer is grain
SSIM_SIGMA = 1.5  # of the window, pixels, as in the paper
SSIM_C1, SSIM_C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def truth_psnr(crop_bgr: np.ndarray, truth_crop: np.ndarray, mask: np.ndarray) -> float | None:
    """Peak signal-to-noise ratio of the face against the true swap, dB; equal faces give 58.9. None where there is no face."""
    face = mask > FACE
    if not face.any():
        return None
    error = crop_bgr[face].astype(np.float32) - truth_crop[face]
    return float(10 * np.log10(255**2 / max(np.square(error).mean(dtype=np.float64), ROUNDING)))


def truth_ssim(crop_bgr: np.ndarray, truth_crop: np.ndarray, mask: np.ndarray) -> float | None:
    """Structural similarity of the face's luma to the true swap's, 1 where equal. None where there is no face.

    Wang, Bovik, Sheikh and Simoncelli 2004: Gaussian window of 11 pixels, sigma 1.5, K 0.01 and 0.03; the mean of its map.
    """
    face = mask > FACE
    if not face.any():
        return None
    x, y = (cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.float64) for crop in (crop_bgr, truth_crop))
    mx, my, xx, yy, xy = (cv2.GaussianBlur(p, (11, 11), SSIM_SIGMA) for p in (x, y, x * x, y * y, x * y))
    shared = (2 * mx * my + SSIM_C1) * (2 * (xy - mx * my) + SSIM_C2)
    found = shared / ((mx**2 + my**2 + SSIM_C1) * (xx - mx**2 + yy - my**2 + SSIM_C2))
    return float(found[face].mean())


def truth_colour(crop_bgr: np.ndarray, truth_crop: np.ndarray, mask: np.ndarray) -> float | None:
    """How far tone and shade of the face are from the true swap's, CIEDE2000: the mean of both smoothed by COARSE.

    Only the face is smoothed, so that what lies about it does not count. None where there is no face.
    """
    face = mask > FACE
    if not face.any():
        return None
    weight = face.astype(np.float32)
    share = np.maximum(cv2.GaussianBlur(weight, (0, 0), COARSE), 1e-6)[..., None]
    one, other = (cv2.GaussianBlur(lab(c) * weight[..., None], (0, 0), COARSE) / share for c in (crop_bgr, truth_crop))
    return float(ciede2000(one[face], other[face]).mean())


def truth_shape(landmarks: np.ndarray, truth_landmarks: np.ndarray) -> float:
    """Root mean square distance of landmarks (68, 2) to the true swap's, in shares of the distance between its eyes.

    Both in pixels of the same crop, neither moved: a face in the wrong place is wrong.
    """
    apart = np.asarray(landmarks, np.float64) - truth_landmarks
    return float(np.sqrt(np.square(apart).sum(-1).mean()) / eyes_apart(truth_landmarks))


def truth_detail(crop_bgr: np.ndarray, truth_crop: np.ndarray, mask: np.ndarray) -> float | None:
    """How much of the true swap's detail is missed or wrong: the difference of both faces' detail over the truth's own.

    Detail is luma between the Gaussians FINE, root mean square. 0 equal; 1 as much as a smooth face; more where detail is in the
    wrong place. None where the truth has none.
    """
    face = mask > FACE
    one, other = (_detail(crop)[face] for crop in (crop_bgr, truth_crop))
    own = np.square(other).mean(dtype=np.float64) if face.any() else 0
    return float(np.sqrt(np.square(one - other).mean(dtype=np.float64) / own)) if own > ROUNDING else None


def _detail(crop_bgr: np.ndarray) -> np.ndarray:
    luma = cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2GRAY).astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in FINE)
    return fine - coarse


_RESULT, _ORIGINAL = (("result_crop", "truth_crop", "mask"), ("original_crop", "truth_crop", "mask"))

ROWS: dict[str, Metric] = {
    "truth_psnr": Metric(
        truth_psnr,
        _RESULT,
        _ORIGINAL,
        "dB",
        "higher",
        "swapped face against the true swap",
        step=1.0,
        why="the face is {value:.1f} dB from the true swap, where {usual:.1f} is usual",
    ),
    "truth_ssim": Metric(
        truth_ssim,
        _RESULT,
        _ORIGINAL,
        "ratio",
        "higher",
        "likeness of structure to the true swap (Wang et al. 2004)",
        step=0.03,
        why="the face's structure is {value:.2f} like the true swap's, where {usual:.2f} is usual",
    ),
    "truth_colour": Metric(
        truth_colour,
        _RESULT,
        _ORIGINAL,
        "CIEDE2000",
        "lower",
        "tone and shade against the true swap's",
        step=1.0,
        why="tone and shade differ by {value:.1f} from the true swap's, where {usual:.1f} is usual",
    ),
    "truth_shape": Metric(
        truth_shape,
        ("result_landmarks", "truth_landmarks"),
        ("original_landmarks", "truth_landmarks"),
        "of the eyes' distance",
        "lower",
        "landmarks against the true swap's",
        step=0.02,
        why="the landmarks lie {value:.3f} of the eyes' distance from the true swap's, where {usual:.3f} is usual",
    ),
    "truth_detail": Metric(
        truth_detail,
        _RESULT,
        _ORIGINAL,
        "ratio",
        "lower",
        "detail that is missed or wrong, over the true swap's own; 1 is a smooth face",
        step=0.1,
        why="detail missed or wrong is {value:.2f} of the true swap's, where {usual:.2f} is usual",
    ),
}
