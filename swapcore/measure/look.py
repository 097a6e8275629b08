"""What a metric sees, and what a row of METRICS is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

CROP_SIDE = 256  # of the aligned crops that faces are compared in: a face counts alike wherever it stands


@dataclass(frozen=True)
class Look:
    """One swapped face in one frame, as the metrics see it. Pictures are BGR uint8.

    What cannot be told is None: a metric that takes it gives None. "Crop" is the aligned crop of CROP_SIDE pixels, of the frame
    itself; "before" the same face one frame earlier, in that frame's own crop.
    """

    frame: int
    swap: str
    original_bgr: np.ndarray  # (h, w, 3) the clip's frame
    result_bgr: np.ndarray  # (h, w, 3) the video's
    outside: np.ndarray  # (h, w) bool, away from every swapped face and from the note
    original_crop: np.ndarray  # (CROP_SIDE, CROP_SIDE, 3) aligned
    result_crop: np.ndarray
    inside: np.ndarray  # (CROP_SIDE, CROP_SIDE) bool, where the crop is wholly swapped
    original_before: np.ndarray | None  # the same face's crops one frame earlier, where there is one
    result_before: np.ndarray | None
    flow: tuple[np.ndarray, np.ndarray] | None  # of the original's crops from one frame to the next, see motion.flow
    original_embedding: np.ndarray  # (128,) dlib identity
    result_embedding: np.ndarray
    references: np.ndarray  # (m, 128) of the swap's source
    original_landmarks: np.ndarray | None = None  # (68, 2) float32, pixels of the crop
    result_landmarks: np.ndarray | None = None  # the same, fitted anew on the result
    mask: np.ndarray | None = None  # (CROP_SIDE, CROP_SIDE) float32 0..1, the soft mask that conversion laid
    mask_before: np.ndarray | None = None
    original_embedding_before: np.ndarray | None = None  # (128,)
    result_embedding_before: np.ndarray | None = None
    truth_crop: np.ndarray | None = None  # (CROP_SIDE, CROP_SIDE, 3) the true swap, in the same crop
    truth_landmarks: np.ndarray | None = None  # (68, 2) fitted to it, pixels of the crop
    original_second: np.ndarray | None = None  # (d,) the second embedding, unit length
    result_second: np.ndarray | None = None
    references_second: np.ndarray | None = None  # (m, d) of the swap's source
    target_references: np.ndarray | None = None  # (m, 128) of the swap's target
    known: Mapping[str, np.ndarray] | None = None  # (m, 128) of everybody known, by name
    distractors: np.ndarray | None = None  # (n, 128) of people whom nobody here is


class Metric(NamedTuple):
    """A row of METRICS. `function` gets the `takes` of a Look, `baseline` the same function of the unchanged target.

    Where anything taken is None, the value is None.
    """

    function: Callable[..., float | None]
    takes: tuple[str, ...]
    baseline: tuple[str, ...] | float | None  # what to take, or a fixed number, or nothing
    unit: str
    better: Literal["lower", "higher", "nearer the baseline"]
    source: str
    step: float = (
        0.05  # a difference that counts: so much is seen, or more than noise; of a logarithm where nearer is better
    )
    why: str = "{name} is {value:.3g}; in half of the frames it is {usual:.3g} or better"  # of one of the worst frames
    real: tuple[Callable[..., float | None], tuple[str, ...]] | None = (
        None  # the same figure for real frames of the source
    )
