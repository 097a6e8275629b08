"""A track that goes over from one person to another: found, and taken apart."""

from __future__ import annotations

import numpy as np

from swapcore.identify.likeness import rows_by
from swapcore.types import FaceSet

# Distances between the means of the embeddings before and after a frame: on three real people and eight synthetic ones 0.38
# at most within a person; where one dissolves into another over 3 to 40 frames 0.66 and more.
SWITCH = 0.55
WINDOWS = (9, 30)  # faces on either side whose means are compared: few for a short stretch, many for a long dissolve
FEWEST = 6  # faces that a part must have
SOFT = 3.0  # sharpness, per cent, below which a face says nothing: there, blur alone moves it by 0.3 to 0.7
PROFILE = 50.0  # degrees of yaw from which a face says nothing either


def parts(faces: FaceSet) -> np.ndarray:
    """Which faces are of one person: the number of its part for each face, (n,) int64, ascending with track and frame.

    A part is a whole track, but where the tracker went over from one face to another (a dissolve between two people in the
    same place, one who passes close in front of the other) it ends where the embeddings change: the means of the clear faces
    before and after lie SWITCH apart.
    """
    part, count = np.zeros(len(faces), np.int64), 0
    for rows in rows_by(faces.track):
        sharp = faces.sharpness[rows] >= SOFT
        clear = rows[(sharp | (not sharp.any())) & (np.abs(faces.yaw[rows]) <= PROFILE)]
        first = clear[_cuts(faces.embedding[clear].astype(np.float64))]  # the face that begins each later part
        part[rows] = count + np.searchsorted(first, rows, side="right")
        count += len(first) + 1
    return part


def _cuts(embeddings: np.ndarray) -> list[int]:
    """Where in a sequence (n, 128) another person begins, ascending."""
    places = np.arange(FEWEST, len(embeddings) - FEWEST + 1)
    if not len(places):
        return []
    total = np.concatenate([np.zeros((1, embeddings.shape[1])), np.cumsum(embeddings, 0)])
    gap = np.zeros(len(places))
    for window in WINDOWS:
        begin, end = np.maximum(places - window, 0), np.minimum(places + window, len(embeddings))
        before = (total[places] - total[begin]) / (places - begin)[:, None]
        after = (total[end] - total[places]) / (end - places)[:, None]
        gap = np.maximum(gap, np.linalg.norm(before - after, axis=1))
    if gap.max() < SWITCH:
        return []
    cut = int(places[gap.argmax()])
    return [*_cuts(embeddings[:cut]), cut, *(cut + later for later in _cuts(embeddings[cut:]))]
