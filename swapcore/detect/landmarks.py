"""Landmarks of a face in a grey frame (h, w) uint8; (0, 0) is the centre of the first pixel."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from swapcore import align

# A box is the square that dlib's detector puts around a frontal face, in units and coordinates of align.TEMPLATE_XY: the
# mean over three people's videos (means of each 1.21 to 1.30 and 0.01 to 0.06).
BOX_SIDE = 1.25
BOX_DOWN = 0.03
# Landmarks are fitted in a chip of this many pixels a side, in which the box takes this share: dlib rounds landmarks to
# whole pixels, and in the chip that is half a per cent of the face, whatever its size in the frame. On studio heads with
# grain they shake by 0.91 % of the distance between the eyes in this chip, by 0.90 % in one of 640 that takes twice as long.
CHIP = 320
CHIP_SHARE = 0.7
# Where landmarks are tried in a detector's box: how far to the right, sides of the box, and how far the head leans, degrees.
STARTS = ((0.0, 0.0), (-0.15, 0.0), (0.15, 0.0), (0.0, -45.0), (0.0, 45.0), (0.0, -90.0), (0.0, 90.0))
SETTLED = 0.015  # mean motion of landmarks from one fit to the next that no longer counts, shares of the face
TURNED = 25  # degrees of yaw from which even settled landmarks are tried from other starts
RESTING = 0.03  # that motion and what `askew` says, together, below which no more starts are tried
UNREST = 800  # degrees of yaw that weigh as much as a motion by the whole face
# Each landmark's partner on the other side of the face.
MIRRORED = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), *range(45, 41, -1), 47, 46]
    + [*range(39, 35, -1), 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1)]
)

Fitter = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def fitter(model_path: str) -> Fitter:
    """dlib's 68 landmarks (ensemble of regression trees: Kazemi and Sullivan 2014, trained on iBUG 300-W).

    Returns f(frame_gray (h, w) uint8, box_xyxy (4,), angle) -> landmarks_xy (68, 2) float32 in frame pixels. `angle` is how
    far the head leans, degrees clockwise; the predictor sees the face upright, at one size.
    """
    import dlib

    predictor = dlib.shape_predictor(str(model_path))
    half = CHIP * CHIP_SHARE / 2
    middle = (CHIP - 1) / 2
    window = dlib.rectangle(round(middle - half), round(middle - half), round(middle + half), round(middle + half))

    def fit(frame_gray: np.ndarray, box_xyxy: np.ndarray, angle: float) -> np.ndarray:
        box = np.asarray(box_xyxy, np.float64)
        turn = np.exp(-1j * np.deg2rad(angle)) * 2 * half / max(box[2] - box[0], 1.0)
        linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
        matrix = np.column_stack([linear, middle - linear @ (box[:2] + box[2:]) / 2])
        parts = predictor(align.warp(frame_gray, matrix, CHIP), window).parts()
        return align.transform(np.array([(p.x, p.y) for p in parts], np.float64), align.invert(matrix))

    return fit


def box_around(landmarks_xy: np.ndarray) -> np.ndarray:
    """The box (4,) float32 of landmarks (68, 2): upright, square, where dlib's detector would put it."""
    return box_and_lean(align.upright(landmarks_xy))[0]


def lean(landmarks_xy: np.ndarray) -> float:
    """How far a face leans in the image, degrees clockwise."""
    return box_and_lean(align.upright(landmarks_xy))[1]


def box_and_lean(upright: np.ndarray) -> tuple[np.ndarray, float]:
    """`box_around` and `lean` of landmarks whose align.upright (2, 3) this is."""
    centre = align.transform(np.array([[0.0, BOX_DOWN]]), align.invert(upright))[0]
    half = BOX_SIDE / align.scale(upright) / 2
    leaning = -np.degrees(np.arctan2(upright[1, 0], upright[0, 0]))
    return np.concatenate([centre - half, centre + half]).astype(np.float32), float(leaning)


def overlap(a_xyxy: np.ndarray, b_xyxy: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (n, 4) and (m, 4): (n, m) float32, 0..1."""
    a, b = np.asarray(a_xyxy, np.float64).reshape(-1, 1, 4), np.asarray(b_xyxy, np.float64).reshape(1, -1, 4)
    sides = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    area = sides.prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - area
    return (area / np.maximum(union, 1e-9)).astype(np.float32)


def locate(frame_gray: np.ndarray, box_xyxy: np.ndarray, fit: Fitter) -> np.ndarray:
    """Landmarks (68, 2) of a face in a detector's box: fitted three times, each time where the fit before has the face.

    That is enough for most. Where they have not settled by then, or show a turned head, other STARTS are tried: a turned
    face lies beside the middle of a detector's box, and a head may lean. Taken are the landmarks that rest the most: the
    last fit moved them least, and they are found in the same places in the mirror; of such, the most turned, for
    landmarks that have lost a turned face slip towards a frontal one.
    """
    found, best = None, -np.inf
    for aside, angle in STARTS:
        start = box_xyxy + np.float32([aside, 0, aside, 0]) * (box_xyxy[2] - box_xyxy[0])
        landmarks = fit(frame_gray, start, angle)
        before = _fitted_again(frame_gray, landmarks, fit)
        landmarks = _fitted_again(frame_gray, before, fit)
        unrest, turn = _apart(landmarks, before), abs(align.pose(landmarks)[0])
        if found is None and unrest < SETTLED and turn < TURNED:
            return landmarks
        unrest += askew(frame_gray, landmarks, fit)
        if turn - UNREST * unrest > best:
            found, best = landmarks, turn - UNREST * unrest
        if unrest < RESTING:
            break
    return found


def askew(frame_gray: np.ndarray, landmarks_xy: np.ndarray, fit: Fitter) -> float:
    """How far landmarks (68, 2) are from those that are fitted in the mirror, from where they are, shares of the face.

    Right ones are found in the same places: on clips a, b and c within 0.02. Wrong ones, as on a profile, mostly are not:
    0.05 to 0.14 on a studio head that turns to 75 degrees.
    """
    there = (landmarks_xy * [-1, 1] + [frame_gray.shape[1] - 1, 0])[MIRRORED].astype(np.float32)
    return _apart(_fitted_again(cv2.flip(frame_gray, 1), there, fit), there)


def refit(frame_gray: np.ndarray, landmarks_xy: np.ndarray, fit: Fitter) -> np.ndarray:
    """Landmarks (68, 2) of a face that is known to be where these are: fitted once.

    For comparing pictures of one face: a second fit, from the first, would shake by itself. Of two such pictures, one of which
    was a JPEG, mouths differed by 0.4 to 0.7 per cent of the nose's length with one fit, by 0.8 to 1.3 with two.
    """
    return _fitted_again(frame_gray, landmarks_xy, fit)


def _fitted_again(frame_gray: np.ndarray, landmarks_xy: np.ndarray, fit: Fitter) -> np.ndarray:
    """Landmarks fitted where these have the face."""
    return fit(frame_gray, *box_and_lean(align.upright(landmarks_xy)))


def _apart(a_xy: np.ndarray, b_xy: np.ndarray) -> float:
    """Mean distance of landmarks, shares of the face."""
    return float(np.linalg.norm(a_xy - b_xy, axis=1).mean() / max(np.ptp(a_xy, axis=0).max(), 1.0))


def grey(frame_bgr: np.ndarray) -> np.ndarray:
    """Luma (h, w) uint8 of a frame (h, w, 3) uint8 BGR."""
    return cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2GRAY)
