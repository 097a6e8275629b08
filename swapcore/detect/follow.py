"""The same face followed through time: detected now and then, its landmarks fitted in every frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from swapcore import align
from swapcore.detect.detectors import Detector
from swapcore.detect.landmarks import Fitter, box_around, grey, lean, locate, overlap

LOOK = 32  # side of the small pictures by which a face is known again, pixels

SAME_BOX = 0.4  # IoU from which a detection is of a track, and a face where it was a frame before
TWO_TRACKS = 0.6  # IoU from which two tracks are on one face
SAME_LOOK = 0.75  # correlation with the frame before; carried faces of the test footage: 0.9 and more
STILL_A_FACE = 0.4  # correlation with the last detection, asked for when the detector misses the face
REACH = 1.5  # sides of its box that a face can move from one frame to the next
SURE_SCORE = 0.3  # a detection with this score need not be found a second time
CARRY_SECONDS = 2.0  # a face that the detector misses, turned to a profile say, is carried this long at most


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
            tracks, seen, count = _detect(tracks, held, frame_bgr, detect, fit, count)
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
    tracks: list[_Track], held: list[bool], frame_bgr: np.ndarray, detect: Detector, fit: Fitter, count: int
) -> tuple[list[_Track], set[int], int]:
    """Run the detector: the tracks that go on and those that begin, the numbers of those detected, the count of tracks."""
    boxes, scores = detect(frame_bgr)
    frame = grey(frame_bgr)
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
