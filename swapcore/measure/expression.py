"""What of the target's own play is kept: pose, expression, mouth and eyes.

All compare landmarks (68, 2) in pixels of one crop, fitted in the same way to the original and to the result, so an unchanged
face gives 0. The landmarks are dlib's: they find a face even in a poor one. Another person's face has another shape, which is no
mistake: `settled` takes out what stays the same over many frames.
"""

from __future__ import annotations

import numpy as np

from swapcore import align
from swapcore.measure.look import Metric
from swapcore.quality.shape import eye_opening, mouth_opening

ENOUGH = 8  # frames from which the constant difference of two faces is told from their play
FULL = 0.5  # of the original's amplitude: that much is play enough, for people differ
TURNS = (
    3.0  # degrees, standard deviation: a head that holds still has up to 2.8, as its face plays (clip b of the footage)
)
INNER = slice(17, 68)  # brows, nose, eyes, mouth: the jaw is the target's, and lies at the mask's edge


def pose_error(original_landmarks: np.ndarray, result_landmarks: np.ndarray) -> float:
    """The angle between the directions of two heads, degrees: of the one rotation that takes one to the other.

    Yaw, pitch and roll of each are align.pose's, a generic head fitted in scaled orthographic projection.
    """
    turn = _rotation(original_landmarks) @ _rotation(result_landmarks).T
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))


def landmark_error(original_landmarks: np.ndarray, result_landmarks: np.ndarray) -> float:
    """Root mean square distance of brows, nose, eyes and mouth once the best similarity has laid one face over the other.

    In shares of the distance between the original's eyes (of their centres). Procrustes: place, size and lean do not count
    (Gower 1975).
    """
    original, result = (np.asarray(points, np.float64) for points in (original_landmarks, result_landmarks))
    laid = align.transform(result[INNER], align.similarity(result[INNER], original[INNER]))
    return _rms(laid - original[INNER]) / eyes_apart(original)


def eye_error(original_landmarks: np.ndarray, result_landmarks: np.ndarray) -> float:
    """How much farther open or closed the eyes are, per cent of their width (quality.shape.eye_opening)."""
    return abs(eye_opening(result_landmarks) - eye_opening(original_landmarks))


def mouth_error(original_landmarks: np.ndarray, result_landmarks: np.ndarray) -> float:
    """How much farther open or closed the mouth is, per cent of the nose's length (quality.shape.mouth_opening)."""
    return abs(mouth_opening(result_landmarks) - mouth_opening(original_landmarks))


def follows(original: np.ndarray, result: np.ndarray) -> float:
    """How well numbers or points (n, ..) follow others over n pictures, 0..1: their correlation, means taken off, for these are
    the person's own; less in proportion where they move less than FULL of the amplitude. 0 where the original holds still.
    """
    original, result = (np.asarray(a, np.float64) - np.mean(a, axis=0) for a in (original, result))
    moves, moved = np.sqrt(np.square(original).mean()), np.sqrt(np.square(result).mean())
    if min(moves, moved) < 1e-9:
        return 0.0
    correlation = (original * result).mean() / (moves * moved)
    return float(np.clip(correlation, 0, 1) * min(moved / moves / FULL, 1))


def mouth_followed(original_landmarks: np.ndarray, result_landmarks: np.ndarray) -> float:
    """How well the mouth's opening follows the original's, over frames of landmarks (n, 68, 2): see `follows`."""
    return follows(*(np.array([mouth_opening(p) for p in points]) for points in (original_landmarks, result_landmarks)))


def shape_followed(original_landmarks: np.ndarray, result_landmarks: np.ndarray) -> float:
    """How well brows, eyes, nose and mouth of the upright face follow the original's, see `follows`.

    What the head's turns explain is taken off both: even a still picture goes with them, for its landmarks go with the outline.
    """
    turns = np.array([align.pose(points)[:2] for points in original_landmarks])  # yaw and pitch; upright has no roll
    pair = (original_landmarks, result_landmarks)
    upright = (np.stack([align.transform(p, align.upright(p))[INNER] for p in points]) for points in pair)
    return follows(*(_unexplained(points.reshape(len(points), -1), turns) for points in upright))


def pose_followed(original_landmarks: np.ndarray, result_landmarks: np.ndarray) -> float | None:
    """How well the head's turns follow the original's: the mean of `follows` of yaw and of pitch, by align.pose.

    What turns by less than TURNS is left out, and None where both do: that is the fit's own unrest.
    """
    pair = (original_landmarks, result_landmarks)
    original, result = (np.array([align.pose(p) for p in points]) for points in pair)
    told = [follows(original[:, k], result[:, k]) for k in (0, 1) if original[:, k].std() >= TURNS]
    return float(np.mean(told)) if told else None


def settled(original_landmarks: np.ndarray, result_landmarks: np.ndarray) -> np.ndarray:
    """The result's landmarks (n, 68, 2) of n frames without their mean difference from the original's (n, 68, 2).

    The mean is of upright faces of one size (align.upright of the original's), so it is the constant part: the source's own
    shape, and what dlib's landmarks make of it. What is left is how the play differs. Of two studio actors a true swap's mouth
    error fell from 14 to 2 per cent by this, that of a face which plays 0.4 s off from 13 to 6: before, they looked alike. Fewer
    than ENOUGH frames come back as they are.
    """
    if len(result_landmarks) < ENOUGH:
        return result_landmarks
    upright = [align.upright(points) for points in original_landmarks]
    pairs = zip(original_landmarks, result_landmarks, upright, strict=True)
    apart = np.mean([align.transform(b, m) - align.transform(a, m) for a, b, m in pairs], axis=0)
    back = zip(result_landmarks, upright, strict=True)
    return np.stack([align.transform(align.transform(b, m) - apart, align.invert(m)) for b, m in back])


def eyes_apart(landmarks_xy: np.ndarray) -> float:
    """Distance of the centres of both eyes of landmarks (68, 2), in their unit."""
    return float(np.hypot(*(landmarks_xy[36:42].mean(0) - landmarks_xy[42:48].mean(0))))


def _unexplained(values: np.ndarray, by: np.ndarray) -> np.ndarray:
    """What is left of values (n, k) when a linear function of others (n, m) is taken off, by least squares."""
    others = np.column_stack([np.ones(len(by)), by])
    return values - others @ np.linalg.lstsq(others, values, rcond=None)[0]


def _rms(apart_xy: np.ndarray) -> float:
    return float(np.sqrt(np.square(apart_xy).sum(-1).mean()))


def _rotation(landmarks_xy: np.ndarray) -> np.ndarray:
    """(3, 3): the head's own directions -> the picture's, by align.pose's order of turns."""
    yaw, pitch, roll = np.radians(align.pose(landmarks_xy))
    cy, sy, cx, sx, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


_TAKES = ("original_landmarks", "result_landmarks")

ROWS: dict[str, Metric] = {
    "pose_error": Metric(
        pose_error,
        _TAKES,
        0.0,
        "degrees",
        "lower",
        "angle between the head's direction in the swap and in the original, but for what is constant",
        step=3.0,
        why="the head looks {value:.0f} degrees away from where it does in the original, where {usual:.0f} are usual",
    ),
    "landmark_error": Metric(
        landmark_error,
        _TAKES,
        0.0,
        "of the eyes' distance",
        "lower",
        "brows, nose, eyes and mouth of the swap against the original's, but for what is constant",
        step=0.02,
        why="brows, eyes, nose and mouth lie {value:.3f} of the eyes' distance from the original's, where {usual:.3f} is usual",
    ),
    "eye_error": Metric(
        eye_error,
        _TAKES,
        0.0,
        "per cent of an eye's width",
        "lower",
        "how far the eyes are open in the swap against the original, but for what is constant",
        step=5.0,
        why="the eyes are {value:.0f} % of their width more open or closed than in the original, where {usual:.0f} is usual",
    ),
    "mouth_error": Metric(
        mouth_error,
        _TAKES,
        0.0,
        "per cent of the nose's length",
        "lower",
        "how far the mouth is open in the swap against the original, but for what is constant",
        step=8.0,
        why="the mouth is {value:.0f} % of the nose's length more open or closed than the original's, where {usual:.0f} is usual",
    ),
}

# of all looked-at frames of a swap at once, from ENOUGH on: functions of the landmarks (n, 68, 2) of originals and results
SEQUENCES: dict[str, Metric] = {
    name: Metric(
        function,
        _TAKES,
        1.0,
        "correlation",
        "higher",
        f"how well {what} of the swap follow the original's through the clip, less where they move less; 0 for a still face",
    )
    for name, function, what in (
        ("mouth_followed", mouth_followed, "the openings of the mouth"),
        ("shape_followed", shape_followed, "brows, eyes, nose and mouth, but for the turns of the head,"),
        ("pose_followed", pose_followed, "the turns of the head"),
    )
}
