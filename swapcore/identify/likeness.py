"""How alike faces are, and which of a track's say most about who it is."""

from __future__ import annotations

import numpy as np

from swapcore.distances import squares
from swapcore.types import FaceSet

NEAREST = 3  # a face is as far from a person as the mean of this many of the references nearest to it
VOTERS = 15  # of each track, its sharpest and most frontal faces


def distance(embeddings: np.ndarray, references: np.ndarray) -> np.ndarray:
    """How far faces (n, 128) are from a person known by references (m, 128): (n,) float32, dlib's unit.

    The mean distance of the NEAREST references nearest to each face: a profile need not resemble a front view. Raises
    ValueError where there are no references.
    """
    if not len(references):
        raise ValueError("expected at least one reference")
    return np.sort(apart(embeddings, references), axis=1)[:, :NEAREST].mean(1).astype(np.float32)


def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances of (n, d) and (m, d): (n, m) float64."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.sqrt(squares(a, b))


def merit(faces: FaceSet) -> np.ndarray:
    """How much each face says about who it is, (n,) int, comparable within one call alone: more is better.

    The face's place in the order of sharpness plus that in the order of facing the camera; equal faces share a place.
    """
    frontal = -(np.abs(faces.yaw) + np.abs(faces.pitch))
    return sum(np.unique(value, return_inverse=True)[1] for value in (faces.sharpness, frontal))


def voters(faces: FaceSet, rows: np.ndarray) -> np.ndarray:
    """Of some rows (k,) of the faces the VOTERS of most merit, the best first."""
    return rows[np.argsort(-merit(faces.select(rows)), kind="stable")[:VOTERS]]


def rows_by(labels: np.ndarray) -> list[np.ndarray]:
    """The rows (k,) int, ascending, of each label of (n,), in the order of the labels."""
    order = np.argsort(labels, kind="stable")
    edges = np.flatnonzero(np.diff(labels[order])) + 1
    return np.split(order, edges) if len(labels) else []
