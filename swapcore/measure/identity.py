"""Whose face it is."""

from __future__ import annotations

import numpy as np

from swapcore.measure.look import Metric


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


ROWS: dict[str, Metric] = {
    "identity_distance": Metric(
        identity_distance,
        ("result_embedding", "references"),
        ("original_embedding", "references"),
        "dlib embedding, Euclidean",
        "lower",
        "swapped face to the source's references; baseline: the target as it was",
        step=0.05,
        why="the face lies {value:.2f} from the source, where {usual:.2f} is usual and the unchanged target lies {baseline:.2f}",
        real=(reference_spread, ("references",)),
    ),
}
