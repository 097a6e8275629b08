"""What the tests of measures look at: an unchanged face, and tables of a clip's faces."""

from __future__ import annotations

import cv2
import numpy as np
from analytic import face

from swapcore import measure
from swapcore.measure import motion
from swapcore.types import FaceSet, PeopleTable

SIDE = measure.CROP_SIDE


def noise(seed: int, shape=(SIDE, SIDE, 3), blur: float = 2, spread: float = 30) -> np.ndarray:
    rough = np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), blur) if blur else rough
    return np.clip(128 + spread * smooth / smooth.std(), 0, 255).astype(np.uint8)


def unit(*at: int) -> np.ndarray:
    """Rows of the identity matrix, (n, 128): all at a distance of the square root of 2."""
    return np.eye(128, dtype=np.float32)[list(at)]


REFERENCES = {"s": unit(1, 2), "two": unit(1, 2)}
REALS = dict.fromkeys(("s", "other", "two"), dict.fromkeys(measure.METRICS))  # nothing is known of real frames


def look(**changed) -> measure.Look:
    """An unchanged face: every metric gives its baseline."""
    picture = noise(1)
    fields = {
        "frame": 7,
        "swap": "s",
        "original_bgr": picture,
        "result_bgr": picture,
        "outside": measure.outside([face((128, 128), 30)], (SIDE, SIDE)),
        "original_crop": picture,
        "result_crop": picture,
        "inside": measure.inside(face((128, 128), 30)),
        "original_before": picture,
        "result_before": picture,
        "flow": motion.flow(picture, picture),
        "original_embedding": unit(0)[0] * 1.5,  # at a distance of sqrt(1 + 1.5^2) from the references
        "result_embedding": unit(0)[0] * 1.5,
        "references": unit(1, 2),
        "original_landmarks": face((128, 128), 30),
        "result_landmarks": face((128, 128), 30),
        "mask": measure.inside(face((128, 128), 30)).astype(np.float32),
        "mask_before": measure.inside(face((128, 128), 30)).astype(np.float32),
        "original_embedding_before": unit(0)[0] * 1.4,
        "result_embedding_before": unit(0)[0] * 1.4,
        "truth_crop": noise(3),
        "truth_landmarks": face((128, 128), 31),
        "target_references": unit(3, 4),
        "known": {"source": unit(1, 2), "target": unit(3, 4)},
        "distractors": unit(5, 6, 7),
        "original_second": unit(0)[0],
        "result_second": unit(0)[0],
        "references_second": unit(1, 2),
    }
    return measure.Look(**{**fields, **changed})


def clip_faces(rows) -> tuple[FaceSet, PeopleTable]:
    """Tables of (frame, track, person, centre) rows."""
    n = len(rows)
    columns = {name: np.zeros((n, *value.shape[1:])) for name, value in FaceSet.empty().columns().items()}
    ids = np.array([f"{frame:06d}_{k}" for k, (frame, *_) in enumerate(rows)], object)
    marks = np.stack([face(centre, 25) for *_, centre in rows])
    keys = {"id": ids, "frame": np.array([r[0] for r in rows]), "track": np.array([r[1] for r in rows])}
    faces = FaceSet(**{**columns, **keys, "landmarks_xy": marks, "landmarks_smooth_xy": marks})
    person, by = np.array([r[2] for r in rows], object), np.array(["vote"] * n, object)
    return faces, PeopleTable(**keys, person=person, nearest=person, distance=np.zeros(n), margin=np.zeros(n), by=by)
