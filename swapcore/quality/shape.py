"""Scores of the landmarks alone: how large, how turned, how open mouth and eyes."""

from __future__ import annotations

import numpy as np

from swapcore.quality.view import View


def size(view: View) -> float:
    """Width of the face's box, pixels of the frame. More is better: a smaller face has less to learn from."""
    return float(view.box_xyxy[2] - view.box_xyxy[0])


def yaw(view: View) -> float:
    """How far the head is turned sideways, degrees, > 0 to the image's right; see align.pose for method and errors."""
    return view.pose[0]


def pitch(view: View) -> float:
    """How far the head is raised or bowed, degrees, > 0 up; see align.pose. A person's own constant error is up to 11."""
    return view.pose[1]


def roll(view: View) -> float:
    """How far the head leans, degrees, > 0 clockwise in the image, within 180; see align.pose."""
    return view.pose[2]


def mouth_open(view: View) -> float:
    """How far the mouth is open, per cent; see mouth_opening."""
    return mouth_opening(view.landmarks_xy)


def eyes_open(view: View) -> float:
    """How far the eyes are open, per cent; see eye_opening."""
    return eye_opening(view.landmarks_xy)


def mouth_opening(landmarks_xy: np.ndarray) -> float:
    """How far the mouth of landmarks (68, 2) is open, per cent: the mean gap between the inner lips over the nose's length.

    0 closed, about 20 in speech, 50 to 75 wide open. Gaps and nose turn alike, so yaw counts by a tenth to 40 degrees,
    pitch by a quarter to 15. (Usual is the gap over the mouth's width, which also changes with smile, pucker and yaw.)
    """
    p = landmarks_xy
    nose = max(_apart(p, 27, 33), 1e-3)
    return float(min(100 * (_apart(p, 61, 67) + _apart(p, 62, 66) + _apart(p, 63, 65)) / 3 / nose, 1000))


def eye_opening(landmarks_xy: np.ndarray) -> float:
    """How far the eyes of landmarks (68, 2) are open, per cent: the mean gap between the lids over the wider eye's width.

    The eye aspect ratio (Soukupova & Cech 2016), with the width of the eye that is turned less, so that yaw counts less.
    Open eyes have 20 to 45 on footage, by the person; blinks 13 to 17, for dlib's landmarks seldom close wholly.
    """
    p = landmarks_xy
    gap = sum(_apart(p, corner + 1, corner + 5) + _apart(p, corner + 2, corner + 4) for corner in (36, 42)) / 4
    return float(min(100 * gap / max(_apart(p, 36, 39), _apart(p, 42, 45), 1e-3), 1000))


def _apart(points_xy: np.ndarray, a: int, b: int) -> float:
    return float(np.hypot(*(points_xy[a] - points_xy[b])))
