"""Detectors: a frame in, boxes of faces out. dlib is imported where it is used."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from swapcore.detect.landmarks import grey

PHOTO_SCALE = 2  # photos are detected at this many times detect_size: they are few, and show more than a face

Detector = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def hog(*, detect_size: int, min_score: float) -> Detector:
    """dlib's detector of frontal faces (HOG features, SVM, image pyramid: Dalal and Triggs 2005; King 2015).

    Returns f(frame_bgr (h, w, 3) uint8) -> boxes_xyxy (n, 4) float32 in frame pixels, scores (n,) float32 (0: the edge of
    the SVM; good frontal faces have 1 to 3), the best first. The frame is brought to `detect_size` pixels on its longer
    side, where faces from 80 pixels are found; where none is, to twice that, for faces half as large. It is enlarged at
    most twice. Detections under `min_score` are dropped.
    """
    import dlib

    detector = dlib.get_frontal_face_detector()

    def look(frame_gray: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
        if scale != 1:
            way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            frame_gray = cv2.resize(frame_gray, None, fx=scale, fy=scale, interpolation=way)
        found, scores, _ = detector.run(frame_gray, 0, min_score)
        edges = [(r.left(), r.top(), r.right() + 1, r.bottom() + 1) for r in found]
        boxes = np.array(edges, np.float32).reshape(-1, 4) / scale - 0.5
        return boxes, np.array(scores, np.float32)

    def detect(frame_bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        frame_gray = grey(frame_bgr)
        fit = detect_size / max(frame_gray.shape)
        # a frame a little smaller is taken as it is: to enlarge it would cost time and find nothing
        scales = [1.0 if 1 <= scale < 1.25 else min(scale, 2.0) for scale in (fit, 2 * fit)]
        for scale in dict.fromkeys(scales):
            boxes, scores = look(frame_gray, scale)
            if len(boxes):
                break
        return boxes, scores

    return detect


DETECTORS: dict[str, Callable[..., Detector]] = {"hog": hog}
"""Name -> factory(*, detect_size, min_score) of a detector."""
