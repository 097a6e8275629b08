"""A second judge beside dlib's: our own small net, so that neither is teacher and judge at once.

Learnt from 111 studio actors alone (recipes/second_faces.py, second_train.py: a residual network of 225,000 weights, ArcFace's
margin), each also in another's head, so that it knows people by the face and not by hair, outline or skin tone. It has never
seen a real face; what it tells of three real people, and what it cannot tell, was measured: docs/quality.md, Two judges.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import cv2
import numpy as np

from swapcore.measure.identity import left_out
from swapcore.measure.look import CROP_SIDE, Metric

SIDE, DIMENSIONS = 64, 64  # of the pictures the net sees, pixels; of what it says
BATCH = 32


def second(crops_bgr: np.ndarray) -> np.ndarray:
    """Embeddings (n, 64) float32 of unit length of faces (n, CROP_SIDE, CROP_SIDE, 3) uint8 BGR, aligned as `measure.crop`."""
    crops_bgr = np.asarray(crops_bgr)
    if crops_bgr.dtype != np.uint8 or crops_bgr.shape[1:] != (CROP_SIDE, CROP_SIDE, 3):
        raise ValueError(
            f"expected crops (n, {CROP_SIDE}, {CROP_SIDE}, 3) uint8, got {crops_bgr.shape} {crops_bgr.dtype}"
        )
    small = np.array([cv2.resize(c, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for c in crops_bgr], np.uint8)
    parts = [_session().run(None, {"faces": small[k : k + BATCH]})[0] for k in range(0, len(small), BATCH)]
    return np.concatenate([np.zeros((0, DIMENSIONS), np.float32), *parts])


def second_distance(embedding: np.ndarray, references: np.ndarray) -> float:
    """Mean cosine distance, 1 - cosine, of a face's second embedding (64,) to a person's (m, 64): 0 the same, 1 strangers."""
    return float(1 - (np.asarray(references, np.float64) @ embedding).mean())


def real_distance(references: np.ndarray) -> float | None:
    """`second_distance` of a person's own frames (m, 64), each against the others; None where there is only one."""
    return left_out(second_distance, references)


ROWS: dict[str, Metric] = {
    "second_distance": Metric(
        second_distance,
        ("result_second", "references_second"),
        ("original_second", "references_second"),
        "1 - cosine of the second embedding",
        "lower",
        "swapped face to the source's own frames by our own small net, which no swap is trained on; see docs/quality.md",
        step=0.1,
        why="the second judge puts the face {value:.2f} from the source, where {usual:.2f} is usual, the target {baseline:.2f}",
        real=(real_distance, ("references_second",)),
    ),
}


@functools.cache
def _session() -> Any:
    from swapcore.nets import graph

    model = (resources.files("swapcore.measure") / "second.onnx").read_bytes()
    return graph.session(model, threads=1)
