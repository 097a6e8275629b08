"""The same face followed through time: detected now and then, its landmarks fitted in every frame.

Frames wait in a short queue until nothing that is found later can change them: a face is carried from its detection both
ways, so that one that enters between two detections has its first frames too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from swapcore import align
from swapcore.detect.detectors import Detector
from swapcore.detect.landmarks import Fitter, askew, box_and_lean, grey, locate, overlap

LOOK = 32  # side of the small pictures by which a face is known again, pixels
LOOK_SPAN = 0.7  # share of it that the width over the brows takes
SAME_BOX = 0.4  # IoU from which a detection is of a track, and a face where it was a frame before
AGREE = 0.6  # IoU with its detection from which a face's landmarks may be taken to sit on it
ASKEW = 0.035  # and how far they may be from those in the mirror (see `askew`), shares of the face
LEAN = 45  # degrees that a head can lean more or less from one detection to the next
DRIFTED = 0.15  # IoU from which a detection is of a track that hardly looks like its face any more
TWO_TRACKS = 0.6  # IoU from which two tracks are on one face
SAME_LOOK = 0.75  # correlation with the frame before; carried faces of the test footage: 0.9 and more
STILL_A_FACE = 0.4  # correlation with the last detection, asked for when the detector misses the face
WEAK = 0.6  # correlation with the last detection under which the detector is asked soon
SOON = 3  # frames after a detection when it is asked again because of something doubtful
REACH = 1.5  # sides of its box that a face can move from one frame to the next
SURE_SCORE = 0.3  # a detection with this score need not be found a second time
CARRY_SECONDS = 2.0  # a face that the detector misses, turned away say, is carried this long at most
GAP_SECONDS = 1.0  # a face that was lost and comes back, the same to the eye, within this time keeps its track


@dataclass(frozen=True, eq=False)
class Found:
    """A face in a frame."""

    frame: int
    track: int
    box_xyxy: np.ndarray  # (4,) float32, of its landmarks
    landmarks_xy: np.ndarray  # (68, 2) float32
    score: float  # the detector's, of the track's last detection
    detected: bool  # found by the detector in this very frame
    fitted: bool  # landmarks were fitted in this frame; else they lie between those of the frames around a gap
    data: Any  # what `describe` returned


class _Face(NamedTuple):
    """Landmarks in a frame, and what follows from them."""

    landmarks: np.ndarray
    box: np.ndarray  # (4,)
    lean: float  # degrees
    look: np.ndarray  # a small aligned picture, (LOOK, LOOK) uint8


@dataclass(eq=False)
class _Track:
    """A face on its way through a shot."""

    number: int
    face: _Face  # in the frame where it was last fitted
    score: float
    last: int  # index of that frame
    known: np.ndarray = field(init=False)  # its look at the last detection
    carried: int = 0  # frames since then
    sure: bool | None = None  # whether it is a face: not known until a detection says so

    def __post_init__(self):
        self.known = self.face.look
        self.sure = True if self.score >= SURE_SCORE else None

    def detected(self, score: float) -> None:
        """The detector found it where it is."""
        self.known, self.carried, self.score, self.sure = self.face.look, 0, float(score), True

    def weak(self) -> bool:
        """Whether it hardly looks as it did when it was detected."""
        return self.carried > 0 and _correlation(self.face.look, self.known) < WEAK


class _Place(NamedTuple):
    """A track's face in one frame."""

    track: _Track
    face: _Face
    detected: bool
    fitted: bool


@dataclass(eq=False)
class _Frame:
    """A frame in the queue."""

    index: int  # 0 based, in the order of the frames
    number: int
    bgr: np.ndarray
    gray: np.ndarray
    places: dict[int, _Place] = field(default_factory=dict)  # by track


def follow(
    frames: Iterable[tuple[int, int, np.ndarray]],
    describe: Callable[[int, np.ndarray, np.ndarray, int], Any],
    *,
    detect: Detector,
    fit: Fitter,
    every: int,
    carry: int,
    gap: int,
    min_size: float,
) -> Iterator[tuple[int, list[Found]]]:
    """Find and follow the faces of a clip.

    Takes (number, shot, frame_bgr) in order and yields (number, faces from left to right) for each, in order, a few frames
    later: about 2 * `every` frames are held at most. `describe(number, frame_bgr, landmarks_xy, track)` is called for each
    face as its frame leaves, and what it returns goes into Found.data.

    The detector runs in every `every`-th frame of a shot, whatever was found before, wherever a face was lost, and soon again
    while something is doubtful. Between, a face's landmarks are fitted anew from where they were, forwards and, from a face's
    first detection, backwards. A face that the detector misses is carried for `carry` frames at most, as long as it looks as it
    did. One that was lost and comes back within `gap` frames, not far away and with the same look, keeps its track; over up to
    `every` frames its landmarks are filled in, where the picture between still shows the face. A detection of low score that is
    not found again when the detector runs next is dropped. Tracks end with their shot. Faces narrower than `min_size` pixels are
    left out.
    """
    queue: deque[_Frame] = deque()
    tracks: list[_Track] = []
    lost: list[_Track] = []
    count, shot, begun, settled = 0, None, 0, -1
    for index, (number, shot_now, frame_bgr) in enumerate(frames):
        if shot_now != shot:
            while queue:
                yield _found(queue.popleft(), describe, min_size)
            tracks, lost, shot, begun = [], [], shot_now, index
        here = _Frame(index, number, frame_bgr, grey(frame_bgr))
        held = [track for track in tracks if _carry(track, here, fit)]
        gone = [track for track in tracks if track not in held]
        lost = [track for track in lost if index - track.last <= gap + every] + gone
        tracks, seen = held, set()
        doubtful = any(t.sure is None or t.weak() for t in held) or any(index - t.last <= every + SOON for t in lost)
        if (index - begun) % every == 0 or gone or (doubtful and index - settled >= SOON):
            settled = index
            tracks, seen, left = _confirmed(held, here, queue, detect, fit)
            lost += [track for track in held if track not in tracks and track.sure]
            for box, score in left:
                if (track := _begun(box, score, here, queue, lost, fit, count, every, gap)) is not None:
                    count = max(count, track.number + 1)
                    tracks.append(track)
                    seen.add(track.number)
                    lost = [other for other in lost if other is not track]
            for track in gone:  # lost before a second detection
                track.sure = bool(track.sure)
        tracks = [t for t in _apart(tracks) if t.carried <= carry]
        for track in tracks:
            here.places[track.number] = _Place(track, track.face, track.number in seen, True)
        queue.append(here)
        open_gaps = [t.last for t in lost if t.sure and index - t.last <= every + SOON]
        alive = {t.number for t in tracks}
        while queue and _decided(queue[0], settled, open_gaps, alive):
            yield _found(queue.popleft(), describe, min_size)
    while queue:
        yield _found(queue.popleft(), describe, min_size)


def _decided(frame: _Frame, settled: int, open_gaps: list[int], alive: set[int]) -> bool:
    """Whether nothing to come can change this frame's faces: the detector ran since, no track is doubtful, no gap open."""
    return (
        frame.index < settled
        and all(last >= frame.index for last in open_gaps)
        and all(place.track.sure is not None or name not in alive for name, place in frame.places.items())
    )


def _found(
    frame: _Frame, describe: Callable[[int, np.ndarray, np.ndarray, int], Any], min_size: float
) -> tuple[int, list[Found]]:
    """A frame's faces, without false detections; what no detection contradicted is a face."""
    faces = []
    for place in frame.places.values():
        landmarks, box, *_ = place.face
        if place.track.sure is False or box[2] - box[0] < min_size:
            continue
        data = describe(frame.number, frame.bgr, landmarks, place.track.number)
        about = (place.track.score, place.detected, place.fitted, data)
        faces.append(Found(frame.number, place.track.number, box, landmarks, *about))
    return frame.number, sorted(faces, key=lambda face: tuple(face.box_xyxy))


def _carry(track: _Track, frame: _Frame, fit: Fitter) -> bool:
    """Fit a track's landmarks in the next frame; tell whether it still is the same face."""
    track.carried += 1
    face = _refit(track.face, frame, fit)
    if face is None:
        return False
    track.face, track.last = face, frame.index
    return True


def _refit(before: _Face, frame: _Frame, fit: Fitter) -> _Face | None:
    """A face in a neighbouring frame, or None where the landmarks are not on the same one."""
    face, (height, width) = before, frame.gray.shape
    for _ in range(2):  # a poor first fit, after a quick movement, is fitted again where it says that the face is
        face = _face(frame.gray, fit(frame.gray, face.box, face.lean))
        middle = (face.box[:2] + face.box[2:]) / 2
        inside = 0 <= middle[0] < width and 0 <= middle[1] < height
        if not inside or overlap(before.box, face.box)[0, 0] < SAME_BOX:
            return None
        if _correlation(face.look, before.look) >= SAME_LOOK:
            return face
    return None


def _confirmed(
    held: list[_Track], frame: _Frame, queue: deque[_Frame], detect: Detector, fit: Fitter
) -> tuple[list[_Track], set[int], list[tuple[np.ndarray, float]]]:
    """Run the detector: the tracks that go on, the numbers of those detected, and detections (box, score) of no track."""
    boxes, scores = detect(frame.bgr)
    free = set(range(len(boxes)))
    likeness = overlap([track.face.box for track in held], boxes)
    wanted = np.array([[DRIFTED if track.weak() else SAME_BOX] for track in held]).reshape(-1, 1)
    seen: set[int] = set()
    for t, b in sorted(np.argwhere(likeness >= wanted).tolist(), key=lambda pair: -likeness[tuple(pair)]):
        track = held[t]
        if track.number in seen or b not in free:
            continue
        _put_back(track, boxes[b], frame, queue, fit, agree=likeness[t, b] >= AGREE)
        track.detected(scores[b])
        seen.add(track.number)
        free.remove(b)
    kept = []
    for track in held:
        if track.number not in seen and track.sure is None:
            track.sure = False
        elif track.number in seen or _correlation(track.face.look, track.known) >= STILL_A_FACE:
            kept.append(track)
    return kept, seen, [(boxes[b], float(scores[b])) for b in sorted(free)]


def _put_back(
    track: _Track, box_xyxy: np.ndarray, frame: _Frame, queue: deque[_Frame], fit: Fitter, *, agree: bool
) -> None:
    """Landmarks that slipped off their face, as at a profile, are fitted anew where the detector sees it.

    So are those of the later half of the frames since its last detection, backwards from here. `agree`: the landmarks'
    box is about the detector's.
    """
    before = askew(frame.gray, track.face.landmarks, fit)
    if agree and before <= ASKEW:
        return
    face = _face(frame.gray, locate(frame.gray, box_xyxy, fit))
    if abs((face.lean - track.face.lean + 180) % 360 - 180) > LEAN:
        return
    if agree and askew(frame.gray, face.landmarks, fit) >= before:
        return
    if not agree and overlap(face.box, box_xyxy)[0, 0] <= overlap(track.face.box, box_xyxy)[0, 0]:
        return
    track.face = face
    for earlier, _ in zip(reversed(queue), range(track.carried // 2), strict=False):
        face = _refit(face, earlier, fit)
        if face is None or track.number not in earlier.places:
            return
        earlier.places[track.number] = earlier.places[track.number]._replace(face=face)


def _begun(
    box_xyxy: np.ndarray,
    score: float,
    here: _Frame,
    queue: deque[_Frame],
    lost: list[_Track],
    fit: Fitter,
    count: int,
    every: int,
    gap: int,
) -> _Track | None:
    """The track of a new detection: one of `lost` that comes back, or a new one with the number `count`; None for no face.

    It is carried back through the frames that wait, and written into them.
    """
    face = _face(here.gray, locate(here.gray, box_xyxy, fit))
    if overlap(face.box, box_xyxy)[0, 0] < SAME_BOX:  # the landmarks found no face there
        return None
    way = _back(face, queue, fit, every)
    first, earliest = way[-1] if way else (here, face)
    track = _again([other for other in lost if 0 < first.index - other.last <= gap + 1], earliest)
    if track is None:
        track = _Track(count, face, score, here.index)
    else:
        _fill(track, first, earliest, queue, every)
        track.face, track.last = face, here.index
        track.detected(score)
    for frame, place in way:
        frame.places[track.number] = _Place(track, place, False, True)
    return track


def _back(face: _Face, queue: deque[_Frame], fit: Fitter, every: int) -> list[tuple[_Frame, _Face]]:
    """Where a face was in the frames before its detection, latest first, until it is lost or another track has it."""
    way, known = [], face.look
    for frame, _ in zip(reversed(queue), range(every), strict=False):
        face = _refit(face, frame, fit)
        if face is None or _correlation(face.look, known) < STILL_A_FACE:
            break
        if (overlap(face.box, [place.face.box for place in frame.places.values()]) >= SAME_BOX).any():
            break
        way.append((frame, face))
    return way


def _fill(track: _Track, first: _Frame, after: _Face, queue: deque[_Frame], every: int) -> None:
    """Landmarks for the frames of a gap, between those before and after it, where the picture still shows the face."""
    gap = [frame for frame in queue if track.last < frame.index < first.index]
    if not gap or len(gap) > every or len(gap) < first.index - track.last - 1:
        return
    before = track.face
    for frame in gap:
        share = (frame.index - track.last) / (first.index - track.last)
        between = (1 - share) * before.landmarks + share * after.landmarks
        face = _face(frame.gray, between.astype(np.float32))
        if max(_correlation(face.look, before.look), _correlation(face.look, after.look)) >= STILL_A_FACE:
            frame.places[track.number] = _Place(track, face, False, False)


def _again(lost: list[_Track], face: _Face) -> _Track | None:
    """Of the lost tracks, the one whose face this is: it looks the same, and is not too far away."""
    best, most = None, 0.0
    for track in (t for t in lost if t.sure is not False):
        box, before = face.box, track.face.box
        side, side_before = box[2] - box[0], before[2] - before[0]
        way = np.hypot(*(box[:2] + box[2:] - before[:2] - before[2:])) / 2
        near = overlap(before, box)[0, 0] >= SAME_BOX
        if not near and (way > REACH * side_before or not 1 / 1.5 < side / side_before < 1.5):
            continue
        likeness = _correlation(face.look, track.face.look)
        if likeness >= (STILL_A_FACE if near else SAME_LOOK) and likeness > most:
            best, most = track, likeness
    return best


def _apart(tracks: list[_Track]) -> list[_Track]:
    """Of two tracks on one face, the one detected later, then the older one."""
    kept: list[_Track] = []
    for track in sorted(tracks, key=lambda t: (t.carried, t.number)):
        if not (overlap(track.face.box, [other.face.box for other in kept]) >= TWO_TRACKS).any():
            kept.append(track)
    return sorted(kept, key=lambda t: t.number)


def _face(frame_gray: np.ndarray, landmarks_xy: np.ndarray) -> _Face:
    """Landmarks (68, 2) with their box, lean and look."""
    upright = align.upright(landmarks_xy)
    to_look = upright * LOOK_SPAN * LOOK
    to_look[:, 2] += (LOOK - 1) / 2
    return _Face(landmarks_xy, *box_and_lean(upright), align.warp(frame_gray, to_look, LOOK))


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Normalised correlation of two pictures, -1..1; 0 where one is flat."""
    a, b = a - a.mean(dtype=np.float64), b - b.mean(dtype=np.float64)
    return float((a * b).sum() / max(np.sqrt((a * a).sum() * (b * b).sum()), 1e-9))
