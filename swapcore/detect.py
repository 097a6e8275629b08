"""Faces in frames: detection, landmarks, and the same face followed through time.

Everything works on grey frames (h, w) uint8; (0, 0) is the centre of the first pixel. dlib is imported where it is used.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from swapcore import align

# A box is the square that dlib's detector puts around a frontal face, in units and coordinates of align.TEMPLATE_XY: the
# mean over three people's videos (means of each 1.21 to 1.30 and 0.01 to 0.06).
BOX_SIDE = 1.25
BOX_DOWN = 0.03
# Landmarks are fitted in a chip of this many pixels a side, in which the box takes this share: dlib rounds landmarks to
# whole pixels, and in the chip that is a quarter of a per cent of the face, whatever its size in the frame.
CHIP = 640
CHIP_SHARE = 0.7
LOOK = 32  # side of the small pictures by which a face is known again, pixels

SAME_BOX = 0.4  # IoU from which a detection is of a track, and a face where it was a frame before
TWO_TRACKS = 0.6  # IoU from which two tracks are on one face
SAME_LOOK = 0.75  # correlation with the frame before; carried faces of the test footage: 0.9 and more
STILL_A_FACE = 0.4  # correlation with the last detection, asked for when the detector misses the face
REACH = 1.5  # sides of its box that a face can move from one frame to the next
SURE_SCORE = 0.3  # a detection with this score need not be found a second time
SMOOTH_FRAMES = 1.5  # standard deviation of the filter in time, frames
SMOOTH_MOTION = 0.02  # and in motion, shares of the face's size
CARRY_SECONDS = 2.0  # a face that the detector misses, turned to a profile say, is carried this long at most
PHOTO_SCALE = 2  # photos are detected at this many times detect_size: they are few, and show more than a face

Detector = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
Fitter = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def hog(*, detect_size: int, min_score: float) -> Detector:
    """dlib's detector of frontal faces (HOG features, SVM, image pyramid: Dalal and Triggs 2005; King 2015).

    Returns f(frame_gray (h, w) uint8) -> boxes_xyxy (n, 4) float32 in frame pixels, scores (n,) float32 (0: the edge of
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

    def detect(frame_gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def fitter(model_path: str) -> Fitter:
    """dlib's 68 landmarks (ensemble of regression trees: Kazemi and Sullivan 2014, trained on iBUG 300-W).

    Returns f(frame_gray (h, w) uint8, box_xyxy (4,), angle) -> landmarks_xy (68, 2) float32 in frame pixels. `angle` is how
    far the head leans, degrees clockwise; the predictor sees the face upright, at one size.
    """
    import dlib

    predictor = dlib.shape_predictor(str(model_path))
    half = CHIP * CHIP_SHARE / 2
    middle = (CHIP - 1) / 2
    window = dlib.rectangle(round(middle - half), round(middle - half), round(middle + half), round(middle + half))

    def fit(frame_gray: np.ndarray, box_xyxy: np.ndarray, angle: float) -> np.ndarray:
        box = np.asarray(box_xyxy, np.float64)
        turn = np.exp(-1j * np.deg2rad(angle)) * 2 * half / max(box[2] - box[0], 1.0)
        linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
        matrix = np.column_stack([linear, middle - linear @ (box[:2] + box[2:]) / 2])
        parts = predictor(align.warp(frame_gray, matrix, CHIP), window).parts()
        return align.transform(np.array([(p.x, p.y) for p in parts], np.float64), align.invert(matrix))

    return fit


def box_around(landmarks_xy: np.ndarray) -> np.ndarray:
    """The box (4,) float32 of landmarks (68, 2): upright, square, where dlib's detector would put it."""
    matrix = align.crop_matrix(landmarks_xy, size=1, span=1.0)
    centre = align.transform(np.array([[0.0, BOX_DOWN]]), align.invert(matrix))[0]
    half = BOX_SIDE / align.scale(matrix) / 2
    return np.concatenate([centre - half, centre + half]).astype(np.float32)


def lean(landmarks_xy: np.ndarray) -> float:
    """How far a face leans in the image, degrees clockwise."""
    matrix = align.crop_matrix(landmarks_xy, size=1, span=1.0)
    return float(-np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))


def overlap(a_xyxy: np.ndarray, b_xyxy: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (n, 4) and (m, 4): (n, m) float32, 0..1."""
    a, b = np.asarray(a_xyxy, np.float64).reshape(-1, 1, 4), np.asarray(b_xyxy, np.float64).reshape(1, -1, 4)
    sides = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    area = sides.prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - area
    return (area / np.maximum(union, 1e-9)).astype(np.float32)


def locate(frame_gray: np.ndarray, box_xyxy: np.ndarray, fit: Fitter) -> np.ndarray:
    """Landmarks (68, 2) of a face in a detector's box: fitted, then once more where the first fit says that the face is."""
    first = fit(frame_gray, box_xyxy, 0.0)
    return fit(frame_gray, box_around(first), lean(first))


def grey(frame_bgr: np.ndarray) -> np.ndarray:
    """Luma (h, w) uint8 of a frame (h, w, 3) uint8 BGR."""
    return cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2GRAY)


@dataclass(frozen=True, eq=False)
class Found:
    """A face in a frame."""

    frame: int
    track: int
    box_xyxy: np.ndarray  # (4,) float32, of its landmarks
    landmarks_xy: np.ndarray  # (68, 2) float32
    score: float  # the detector's, of the track's last detection
    detected: bool  # found by the detector in this very frame
    data: Any  # what `describe` returned


@dataclass(eq=False)
class _Track:
    """A face on its way through a shot."""

    number: int
    landmarks: np.ndarray
    look: np.ndarray  # of the last frame
    score: float
    known: np.ndarray = field(init=False)  # its look at the last detection
    carried: int = 0  # frames since then
    sure: bool | None = None  # whether it is a face: not known until a detection says so

    def __post_init__(self):
        self.known = self.look
        self.sure = True if self.score >= SURE_SCORE else None

    def detected(self, score: float) -> None:
        """The detector found it where it is."""
        self.known, self.carried, self.score, self.sure = self.look, 0, float(score), True


def follow(
    frames: Iterable[tuple[int, int, np.ndarray]],
    describe: Callable[[np.ndarray, np.ndarray], Any],
    *,
    detect: Detector,
    fit: Fitter,
    every: int,
    carry: int,
    min_size: float,
) -> Iterator[tuple[int, list[Found]]]:
    """Find and follow the faces of a clip.

    Takes (number, shot, frame_bgr) in order and yields (number, faces from left to right) for each, in order, a few frames
    later. `describe(frame_bgr, landmarks_xy)` is called for each face while its frame is at hand, and what it returns
    goes into Found.data; frames are not kept.

    The detector runs in every `every`-th frame of a shot and wherever a face was lost. Between, a face's landmarks are
    fitted anew from where they were; one that moved too far for that goes on where the detector finds what looks like it.
    A face that the detector misses is carried for `carry` frames at most, as long as it looks as it did. A detection of
    low score that is not found again when the detector runs next is dropped. Tracks end with their shot. Faces narrower
    than `min_size` pixels are left out.
    """
    waiting: deque[tuple[int, list[tuple[_Track, Found]]]] = deque()
    tracks: list[_Track] = []
    count, shot, since = 0, None, 0
    for number, shot_now, frame_bgr in frames:
        frame = grey(frame_bgr)
        if shot_now != shot:
            tracks, shot, since = [], shot_now, every
        held = [_carry(track, frame, fit) for track in tracks]
        seen: set[int] = set()
        if since >= every or not all(held):
            since = 0
            tracks, seen, count = _detect(tracks, held, frame, detect, fit, count)
        since += 1
        tracks = [t for t in _apart(tracks) if t.carried <= carry]
        faces = []
        for track in tracks:
            box = box_around(track.landmarks)
            if box[2] - box[0] >= min_size:
                data = describe(frame_bgr, track.landmarks)
                found = Found(number, track.number, box, track.landmarks, track.score, track.number in seen, data)
                faces.append((track, found))
        waiting.append((number, sorted(faces, key=lambda pair: tuple(pair[1].box_xyxy))))
        alive = {t.number for t in tracks}
        while waiting and all(t.sure is not None or t.number not in alive for t, _ in waiting[0][1]):
            yield _decided(waiting.popleft())
    while waiting:
        yield _decided(waiting.popleft())


def _decided(entry: tuple[int, list[tuple[_Track, Found]]]) -> tuple[int, list[Found]]:
    """Without false detections; what no detection contradicted is a face."""
    return entry[0], [found for track, found in entry[1] if track.sure is not False]


def _carry(track: _Track, frame: np.ndarray, fit: Fitter) -> bool:
    """Fit a track's landmarks in the next frame; tell whether it still is the same face."""
    before = box_around(track.landmarks)
    landmarks = fit(frame, before, lean(track.landmarks))
    box = box_around(landmarks)
    look = _look(frame, landmarks)
    height, width = frame.shape
    middle = (box[:2] + box[2:]) / 2
    same = (
        overlap(before, box)[0, 0] >= SAME_BOX
        and _correlation(look, track.look) >= SAME_LOOK
        and 0 <= middle[0] < width
        and 0 <= middle[1] < height
    )
    track.carried += 1
    if same:
        track.landmarks, track.look = landmarks, look
    return bool(same)


def _detect(
    tracks: list[_Track], held: list[bool], frame: np.ndarray, detect: Detector, fit: Fitter, count: int
) -> tuple[list[_Track], set[int], int]:
    """Run the detector: the tracks that go on and those that begin, the numbers of those detected, the count of tracks."""
    boxes, scores = detect(frame)
    free = set(range(len(boxes)))
    here = [track for track, on in zip(tracks, held, strict=True) if on]
    lost = [track for track, on in zip(tracks, held, strict=True) if not on]
    likeness = overlap([box_around(t.landmarks) for t in here], boxes)
    kept, seen = [], set()
    for t, b in sorted(np.argwhere(likeness >= SAME_BOX).tolist(), key=lambda pair: -likeness[tuple(pair)]):
        if here[t].number not in seen and b in free:
            here[t].detected(scores[b])
            seen.add(here[t].number)
            free.remove(b)
    for track in here:
        if track.number in seen:
            kept.append(track)
        elif track.sure is None:
            track.sure = False
        elif _correlation(track.look, track.known) >= STILL_A_FACE:
            kept.append(track)
    for b in sorted(free):
        landmarks = locate(frame, boxes[b], fit)
        if overlap(box_around(landmarks), boxes[b])[0, 0] < SAME_BOX:  # the landmarks found no face there
            continue
        look = _look(frame, landmarks)
        track = _again(lost, landmarks, look)
        if track is None:
            track = _Track(count, landmarks, look, float(scores[b]))
            count += 1
        else:  # it moved farther than landmarks can follow
            lost.remove(track)
            track.landmarks, track.look = landmarks, look
            track.detected(scores[b])
        seen.add(track.number)
        kept.append(track)
    for track in lost:
        track.sure = bool(track.sure)
    return kept, seen, count


def _again(lost: list[_Track], landmarks_xy: np.ndarray, look: np.ndarray) -> _Track | None:
    """Of the tracks just lost, the one whose face this is: it looks the same, and is not too far away."""
    box, best, most = box_around(landmarks_xy), None, 0.0
    for track in lost:
        before = box_around(track.landmarks)
        side, side_before = box[2] - box[0], before[2] - before[0]
        way = np.hypot(*(box[:2] + box[2:] - before[:2] - before[2:])) / 2
        near = overlap(before, box)[0, 0] >= SAME_BOX
        if not near and (way > REACH * side_before or not 1 / 1.5 < side / side_before < 1.5):
            continue
        likeness = _correlation(look, track.look)
        if likeness >= (STILL_A_FACE if near else SAME_LOOK) and likeness > most:
            best, most = track, likeness
    return best


def _apart(tracks: list[_Track]) -> list[_Track]:
    """Of two tracks on one face, the one detected later, then the older one."""
    kept: list[_Track] = []
    for track in sorted(tracks, key=lambda t: (t.carried, t.number)):
        box = box_around(track.landmarks)
        if all(overlap(box, box_around(other.landmarks))[0, 0] < TWO_TRACKS for other in kept):
            kept.append(track)
    return sorted(kept, key=lambda t: t.number)


def _look(frame: np.ndarray, landmarks_xy: np.ndarray) -> np.ndarray:
    """A small aligned picture of a face, (LOOK, LOOK) uint8."""
    return align.warp(frame, align.crop_matrix(landmarks_xy, size=LOOK, span=0.7), LOOK)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Normalised correlation of two pictures, -1..1; 0 where one is flat."""
    a, b = a - a.mean(dtype=np.float64), b - b.mean(dtype=np.float64)
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-9))


def smooth(landmarks_xy: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """One track's landmarks (n, 68, 2) at its ascending frame numbers (n,), steadied through time; same shape, float32.

    A weighted mean of neighbours, centred, so without lag: Gaussian in time (SMOOTH_FRAMES, cut at three deviations)
    times Gaussian in how far the whole face moved relative to its size (SMOOTH_MOTION), so that jitter goes and motion
    stays (bilateral filter: Tomasi and Manduchi 1998). Neighbours are weighed by frame number, so gaps count.
    """
    points = np.asarray(landmarks_xy, np.float64)
    frames = np.asarray(frames, np.int64)
    if len(points) < 2:
        return points.astype(np.float32)
    size = np.ptp(points[:, 17:], axis=1).max(-1).clip(1e-6)
    total, weights = points.copy(), np.ones(len(points))
    for step in range(1, min(int(3 * SMOOTH_FRAMES), len(points) - 1) + 1):
        later, earlier = np.arange(step, len(points)), np.arange(len(points) - step)
        gap = frames[later] - frames[earlier]
        # the median over the points is the face's motion, not that of its mouth and lids
        moved = np.median(np.linalg.norm(points[later] - points[earlier], axis=-1), axis=1)
        moved /= (size[later] + size[earlier]) / 2
        weight = np.exp(-0.5 * (gap / SMOOTH_FRAMES) ** 2 - 0.5 * (moved / SMOOTH_MOTION) ** 2)
        total[later] += weight[:, None, None] * points[earlier]
        total[earlier] += weight[:, None, None] * points[later]
        weights[later] += weight
        weights[earlier] += weight
    return (total / weights[:, None, None]).astype(np.float32)
