"""Detectors: a frame in, boxes of faces out, whatever the detector in the house's convention: the square that dlib's HOG
detector puts around a frontal face. dlib and ONNX Runtime are imported where they are used.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from swapcore import align, nets
from swapcore.detect.landmarks import BOX_DOWN, BOX_SIDE, grey
from swapcore.errors import SwapError

PHOTO_SCALE = 2  # photos are detected at this many times detect_size: they are few, and show more than a face
SMALL_SCALE = 2  # the setting small_faces: the same again, four times the pixels

# Where the house's box lies in the CNN's, in sides of the house's box: the CNN's is shifted to the left and up by this and
# this large. Means over 312 pictures of three people and eight actors, 75 to 150 pixels wide; they scatter by 0.05, 0.05
# and 0.08, dlib's HOG boxes by 0.03, 0.05 and 0.10.
CNN_LEFT, CNN_UP, CNN_SIDE = 0.037, 0.104, 0.976

YUNET_USUAL = 0.6  # YuNet's score, 0..1, that counts as 0 here; 1 is 1
YUNET_OVERLAP = 0.3  # intersection over union of two boxes on one face, as OpenCV has it
YUNET_MOST = 5000  # candidates, as OpenCV has it
YUNET_OUTPUTS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}  # at strides 8, 16, 32: numbers for each cell

Detector = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def hog(*, detect_size: int, min_score: float, threads: int = 1, model: bytes = b"") -> Detector:
    """dlib's detector of frontal faces (HOG features, SVM, image pyramid: Dalal and Triggs 2005; King 2015).

    Returns f(frame_bgr (h, w, 3) uint8) -> boxes_xyxy (n, 4) float32 in frame pixels, scores (n,) float32 (0: the edge of
    the SVM; good frontal faces have 1 to 3), the best first. The frame is brought to `detect_size` pixels on its longer
    side, where faces from 80 pixels are found; where none is, to twice that, for faces half as large. It is enlarged at
    most twice. Detections under `min_score` are dropped. `threads` and `model` are for other detectors.
    """
    import dlib

    detector = dlib.get_frontal_face_detector()

    def look(frame_gray: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
        found, scores, _ = detector.run(_scaled(frame_gray, scale), 0, min_score)
        edges = [(r.left(), r.top(), r.right() + 1, r.bottom() + 1) for r in found]
        boxes = np.array(edges, np.float32).reshape(-1, 4) / scale - 0.5
        return boxes, np.array(scores, np.float32)

    def detect(frame_bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        frame_gray = grey(frame_bgr)
        for scale in dict.fromkeys(_scale(frame_gray, size) for size in (detect_size, 2 * detect_size)):
            boxes, scores = look(frame_gray, scale)
            if len(boxes):
                break
        return boxes, scores

    return detect


def cnn(*, detect_size: int, min_score: float, threads: int = 1, model: bytes = b"") -> Detector:
    """dlib's CNN detector (max-margin object detection: King 2015), which finds profiles and partly covered faces too.

    Returns what `hog` returns; scores reach 1.1, 0 is dlib's own threshold, and clear faces have about 1. The frame is
    brought to `detect_size` pixels on its longer side, enlarged at most twice; faces from about 62 pixels are found there,
    an eighth of 512. `threads` are the network's; `model` is for other detectors.
    """
    detector = nets.detector_session(threads=threads)

    def detect(frame_bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scale = _scale(frame_bgr, detect_size)
        boxes, scores = nets.find_faces(_scaled(frame_bgr, scale), detector, min_score=min_score, thorough=False)
        boxes = (boxes + 0.5) / scale - 0.5
        side = (boxes[:, 2:] - boxes[:, :2]) / CNN_SIDE
        middle = (boxes[:, :2] + boxes[:, 2:]) / 2 + side * np.float32([CNN_LEFT, CNN_UP])
        return np.concatenate([middle - side / 2, middle + side / 2], 1), scores

    return detect


def yunet(*, detect_size: int, min_score: float, threads: int = 1, model: bytes = b"") -> Detector:
    """YuNet (Wu et al. 2023) by OpenCV's FaceDetectorYN; `model` is the ONNX file, which the user gives.

    Returns what `hog` returns; scores are YuNet's (0.6 .. 1) stretched to 0 .. 1. The frame is brought to `detect_size`
    pixels on its longer side, enlarged at most twice; YuNet was made for faces of 10 to 300 pixels. Boxes are drawn
    around its five points, so how its own boxes lie does not matter. `threads` is for other detectors: OpenCV has its
    own setting. Raises SwapError where the file is damaged or holds another network.
    """
    try:
        nets.check(model)
    except SwapError as error:
        raise _no_yunet(f"a file in which was {error!s}") from None
    logging = cv2.utils.logging
    level = logging.setLogLevel(logging.LOG_LEVEL_SILENT)  # OpenCV warns of a setting that nobody made
    try:
        detector = cv2.FaceDetectorYN_create(
            "onnx",
            np.frombuffer(model, np.uint8),
            np.zeros(0, np.uint8),
            (64, 64),
            YUNET_USUAL + min_score * (1 - YUNET_USUAL),
            YUNET_OVERLAP,
            YUNET_MOST,
        )
        network = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        _check_yunet(network, (64, 64))
    except cv2.error:
        raise _no_yunet("a file that OpenCV cannot read") from None
    finally:
        logging.setLogLevel(level)
    seen = {(64, 64)}

    def detect(frame_bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scale = _scale(frame_bgr, detect_size)
        small = _scaled(frame_bgr, scale)
        size = (small.shape[1], small.shape[0])
        if size not in seen:  # OpenCV would read beyond outputs that are too short
            _check_yunet(network, size)
            seen.add(size)
        detector.setInputSize(size)
        found = detector.detect(small)[1]
        rows = np.zeros((0, 15), np.float32) if found is None else found[np.argsort(-found[:, 14], kind="stable")]
        rows = rows[np.isfinite(rows).all(1) & (np.ptp(rows[:, 4:14:2], axis=1) > 0)]
        boxes = np.array([_around(row[4:14].reshape(5, 2)) for row in rows], np.float32).reshape(-1, 4)
        return (boxes + 0.5) / scale - 0.5, (rows[:, 14] - YUNET_USUAL) / (1 - YUNET_USUAL)

    return detect


def _check_yunet(network: cv2.dnn.Net, size: tuple[int, int]) -> None:
    """Raises SwapError where the network's outputs for a picture of this size are not YuNet's."""
    width, height = (-(-side // 32) * 32 for side in size)
    names = [f"{name}_{stride}" for name in YUNET_OUTPUTS for stride in (8, 16, 32)]
    shapes = [(1, width * height // stride**2, count) for count in YUNET_OUTPUTS.values() for stride in (8, 16, 32)]
    try:
        network.setInput(cv2.dnn.blobFromImage(np.zeros((height, width, 3), np.uint8)))
        found = [output.shape for output in network.forward(names)]
    except cv2.error:
        raise _no_yunet(f"one that OpenCV cannot run on {width} x {height} pixels") from None
    if found != shapes:
        raise _no_yunet(f"one whose outputs for {width} x {height} pixels have the shapes {found}")


def _no_yunet(got: str) -> SwapError:
    return SwapError(
        f"faces.detector_file: expected YuNet as an ONNX file (12 outputs: cls, obj, bbox, kps at 8, 16, 32), got {got}; "
        "give such a file, or use detector cnn"
    )


def _around(points_xy: np.ndarray) -> np.ndarray:
    """The house's box (4,) around the eyes, the nose's tip and the corners of the mouth (5, 2), from left to right."""
    mean = align.TEMPLATE_XY
    template = [mean[19:25].mean(0), mean[25:31].mean(0), mean[13], mean[31], mean[37]]
    matrix = align.invert(align.similarity(points_xy, np.array(template)))
    middle, half = align.transform(np.array([[0.0, BOX_DOWN]]), matrix)[0], BOX_SIDE * align.scale(matrix) / 2
    return np.concatenate([middle - half, middle + half])


def _scale(frame: np.ndarray, detect_size: int) -> float:
    """What brings a frame's longer side to this size. A frame a little smaller is taken as it is: to enlarge it would cost
    time and find nothing; and none is enlarged more than twice.
    """
    scale = detect_size / max(frame.shape[:2])
    return 1.0 if 1 <= scale < 1.25 else min(scale, 2.0)


def _scaled(frame: np.ndarray, scale: float) -> np.ndarray:
    if scale == 1:
        return frame
    size = [max(round(side * scale), 1) for side in frame.shape[1::-1]]
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


DETECTORS: dict[str, Callable[..., Detector]] = {"cnn": cnn, "hog": hog, "yunet": yunet}
"""Name -> factory(*, detect_size, min_score, threads, model) of a detector."""
