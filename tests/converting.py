"""A scene, and the tables of a conversion, that several tests share."""

from __future__ import annotations

import cv2
import numpy as np
from analytic import face

from swapcore.types import DecisionTable, FaceSet, PeopleTable

HEIGHT, WIDTH = 240, 320
SWAP = {"name": "lead_onto_double", "source": "lead", "target": "double"}
TRAINED = {"swap": "lead_onto_double", "source": "lead", "target": "double", "weights": {"sha256": "ab"}}


def scene(seed: int = 1, blur: float = 6) -> np.ndarray:
    """A smooth, colourful frame, (240, 320, 3) uint8: what a crop of 64 pixels can carry without loss."""
    noise = np.random.default_rng(seed).uniform(0, 255, (HEIGHT, WIDTH, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), blur)
    return np.clip((smooth - 128) * 8 + 128, 20, 235).astype(np.uint8)


def paint(colour_bgr):
    return lambda crops: np.broadcast_to(np.array(colour_bgr, np.float32), crops.shape)


def texts(*values: str) -> np.ndarray:
    return np.array(values, object)


def tables(people=("double", "", "double", "other"), use=(True, True, True, True)):
    """Two frames of two faces each, whose faces they are, and the decisions on those of `double`."""
    ids, n = texts("000000_0", "000000_1", "000004_0", "000004_1"), 4
    columns = {name: np.zeros((n, *value.shape[1:])) for name, value in FaceSet.empty().columns().items()}
    frame = np.array([0, 0, 4, 4])
    marks = np.stack([face((60 + 50 * k, 100)) for k in range(n)])
    faces = FaceSet(**{**columns, "id": ids, "frame": frame, "landmarks_xy": marks, "landmarks_smooth_xy": marks + 1})
    zeros = np.zeros(n)
    whose = PeopleTable(
        **{"id": ids, "frame": frame, "track": zeros, "distance": zeros, "margin": zeros},
        **{"person": texts(*people), "nearest": texts(*people), "by": texts(*["vote"] * n)},
    )
    double = np.array(people) == "double"
    # the same ids in another clip, decided the other way round, must not count
    decided = DecisionTable(
        clip=texts(*["stunt"] * double.sum(), *["else"] * n),
        id=np.concatenate([ids[double], ids]),
        use_train=np.zeros(double.sum() + n),
        use_swap=np.concatenate([np.array(use)[double], ~np.array(use)]),
        reason=texts(*[""] * (double.sum() + n)),
    )
    return faces, whose, {SWAP["name"]: decided}
