"""Against the true swap, where it is known: the studio's clips.

Crops are (h, w, 3) uint8 BGR; `inside` (h, w) bool is where the crop is wholly swapped, for what lies at the mask's edge is half
the target's. A blur beats a sharp face that is a pixel aside in any error taken pixel by pixel (Blau and Michaeli 2018), so tone,
layout and detail are compared each at its own size: of a swap after 160 and after 2,880 steps plain figures preferred the first.
"""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.measure.difference import ciede2000, lab
from swapcore.measure.expression import eyes_apart
from swapcore.measure.look import CROP_SIDE, Metric
from swapcore.measure.picture import ROUNDING

COARSE = CROP_SIDE / 32  # sigma of the Gaussian that leaves tone and shade, pixels
LAYOUT = CROP_SIDE / 64  # and of the one that leaves where things are
FINE = (1.0, 4.0)  # sigmas of the two between which detail is: what is finer is grain
AROUND = CROP_SIDE / 32  # detail may lie that far aside, sigma in pixels
SSIM_SIDE = 64  # pixels of the crop where structure is compared
SSIM_SIGMA = 1.5  # of the window, pixels, as in the paper
SSIM_C1, SSIM_C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def truth_psnr(crop_bgr: np.ndarray, truth_crop: np.ndarray, inside: np.ndarray) -> float | None:
    """Peak signal-to-noise ratio of the face against the true swap, dB, both smoothed by LAYOUT; equal faces give 58.9.

    What is finer is truth_detail's. None where there is no face.
    """
    if not inside.any():
        return None
    one, other = (cv2.GaussianBlur(c.astype(np.float32), (0, 0), LAYOUT)[inside] for c in (crop_bgr, truth_crop))
    return float(10 * np.log10(255**2 / max(np.square(one - other).mean(dtype=np.float64), ROUNDING)))


def truth_ssim(crop_bgr: np.ndarray, truth_crop: np.ndarray, inside: np.ndarray) -> float | None:
    """Structural similarity of the face's luma to the true swap's, 1 where equal. None where there is no face.

    Wang, Bovik, Sheikh and Simoncelli 2004: Gaussian window of 11 pixels, sigma 1.5, K 0.01 and 0.03; the mean of its map. On
    crops of SSIM_SIDE pixels, where a window holds an eye: pictures are to be brought down to the size at which they are seen.
    """
    if not inside.any():
        return None
    small = (SSIM_SIDE, SSIM_SIDE)
    grey = (cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY).astype(np.float64) for crop in (crop_bgr, truth_crop))
    x, y = (cv2.resize(picture, small, interpolation=cv2.INTER_AREA) for picture in grey)
    weight = cv2.resize(inside.astype(np.float64), small, interpolation=cv2.INTER_AREA)
    mx, my, xx, yy, xy = (cv2.GaussianBlur(p, (11, 11), SSIM_SIGMA) for p in (x, y, x * x, y * y, x * y))
    shared = (2 * mx * my + SSIM_C1) * (2 * (xy - mx * my) + SSIM_C2)
    found = shared / ((mx**2 + my**2 + SSIM_C1) * (xx - mx**2 + yy - my**2 + SSIM_C2))
    return float(np.average(found, weights=weight))


def truth_colour(crop_bgr: np.ndarray, truth_crop: np.ndarray, inside: np.ndarray) -> float | None:
    """How far tone and shade of the face are from the true swap's, CIEDE2000: the mean of both smoothed by COARSE.

    Only the face is smoothed, so that what lies about it does not count. None where there is no face.
    """
    if not inside.any():
        return None
    weight = inside.astype(np.float32)
    share = np.maximum(cv2.GaussianBlur(weight, (0, 0), COARSE), 1e-6)[..., None]
    one, other = (cv2.GaussianBlur(lab(c) * weight[..., None], (0, 0), COARSE) / share for c in (crop_bgr, truth_crop))
    return float(ciede2000(one[inside], other[inside]).mean())


def truth_shape(landmarks: np.ndarray, truth_landmarks: np.ndarray) -> float:
    """Root mean square distance of landmarks (68, 2) to the true swap's, in shares of the distance between its eyes.

    Both in pixels of the same crop, neither moved: a face in the wrong place is wrong.
    """
    apart = np.asarray(landmarks, np.float64) - truth_landmarks
    return float(np.sqrt(np.square(apart).sum(-1).mean()) / eyes_apart(truth_landmarks))


def truth_detail(crop_bgr: np.ndarray, truth_crop: np.ndarray, inside: np.ndarray) -> float | None:
    """How much of the true swap's detail is missed or too much, as a share of its own: 0 none, 1 a smooth face.

    Detail is luma between the Gaussians FINE; its strength, the root mean square within AROUND, is compared place by place, so
    an eyelash a pixel aside is no mistake and a brow where none is, is one. None where the truth has none.
    """
    if not inside.any():
        return None
    one, other = (_strength(crop)[inside] for crop in (crop_bgr, truth_crop))
    own = float(other.mean(dtype=np.float64))
    return float(np.abs(one - other).mean(dtype=np.float64) / own) if own**2 > ROUNDING else None


def _strength(crop_bgr: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(cv2.GaussianBlur(np.square(_detail(crop_bgr)), (0, 0), AROUND), 0))


def _detail(crop_bgr: np.ndarray) -> np.ndarray:
    luma = cv2.cvtColor(crop_bgr, cv2.COLOR_BGR2GRAY).astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in FINE)
    return fine - coarse


_RESULT, _ORIGINAL = (("result_crop", "truth_crop", "inside"), ("original_crop", "truth_crop", "inside"))

ROWS: dict[str, Metric] = {
    "truth_psnr": Metric(
        truth_psnr,
        _RESULT,
        _ORIGINAL,
        "dB",
        "higher",
        "layout and shade of the swapped face against the true swap's",
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
        "detail that is missed or too much, over the true swap's own; 1 is a smooth face",
        step=0.1,
        why="detail missed or too much is {value:.2f} of the true swap's, where {usual:.2f} is usual",
    ),
}
