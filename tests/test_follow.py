"""Tracks: in a world in which the detector and the landmarks are known, and on real faces."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from test_align import face

from swapcore import detect, nets, video
from swapcore.detect.landmarks import MIRRORED

WIDTH, HEIGHT = 400, 240
FACE = 60  # width of a made-up face, pixels


class World:
    """Faces as squares of noise at known places; `missed` (frame, face) are not detected."""

    cells = 12  # of noise along a side

    def __init__(self, places, *, missed=(), scores=None, patches=None):
        self.places, self.missed, self.scores, self.patches = places, set(missed), scores or {}, patches or {}
        self.detections: list[int] = []

    def frames(self, shots=None):
        for n, places in enumerate(self.places):
            frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            for k, (x, y) in places.items():
                seed = self.patches.get((n, k), k)
                patch = np.random.default_rng(seed).uniform(0, 255, (self.cells, self.cells)).astype(np.float32)
                patch = cv2.resize(patch, (80, 80), interpolation=cv2.INTER_CUBIC).clip(0, 255)
                frame[y - 40 : y + 40, x - 40 : x + 40] = patch[..., None]
            self.known(frame, n)
            yield n, shots[n] if shots else 0, frame

    @staticmethod
    def known(frame, n):
        """Marks by which detector and landmarks know the frame, also in the mirror."""
        frame[0, 0], frame[0, -1], frame[1, 0], frame[1, -1] = n, n, 0, 1

    def detect(self, frame_bgr):
        n = int(frame_bgr[0, 0, 0])
        self.detections.append(n)
        seen = [k for k in self.places[n] if (n, k) not in self.missed]
        found = [detect.box_around(self.face(n, k)) for k in seen]
        return np.array(found, np.float32).reshape(-1, 4), np.array([self.scores.get(k, 1.5) for k in seen], np.float32)

    def face(self, n, k):
        return face(*self.places[n][k], FACE).astype(np.float32)

    def fit(self, gray, box, angle):
        """The nearest face, or the landmarks stay where they were."""
        n, middle = int(gray[0, 0]), (box[:2] + box[2:]) / 2
        near = sorted(self.places[n], key=lambda k: np.hypot(*(self.places[n][k] - middle)))
        if near and np.hypot(*(self.places[n][near[0]] - middle)) < FACE / 2:
            return self.face(n, near[0])
        return face(*middle, FACE).astype(np.float32)

    def fit_also_mirrored(self, gray, box, angle):
        if gray[1, 0] == 0:
            return self.fit(gray, box, angle)
        flip = np.float32([-1, 1]), np.float32([WIDTH - 1, 0])
        left, top, right, bottom = box
        there = self.fit(gray, np.array([WIDTH - 1 - right, top, WIDTH - 1 - left, bottom]), -angle)
        return (there * flip[0] + flip[1])[MIRRORED]

    def follow(self, shots=None, *, every=5, carry=20, gap=8, min_size=10, describe=lambda *_: None):
        yield from detect.follow(
            self.frames(shots),
            describe,
            detect=self.detect,
            fit=self.fit_also_mirrored,
            every=every,
            carry=carry,
            gap=gap,
            min_size=min_size,
        )


def still(count, **faces):
    """The same places in each of some frames."""
    return [{int(k[1:]): place for k, place in faces.items()} for _ in range(count)]


def tracks(found):
    return [[f.track for f in faces] for _, faces in found]


@pytest.mark.parametrize("every", [1, 3, 5, 50])
def test_a_moving_face_is_one_track_with_few_detections(every):
    world = World([{0: (60 + 5 * n, 100 + 3 * (n % 4))} for n in range(41)])
    found = list(world.follow(every=every, carry=60))
    assert [n for n, _ in found] == list(range(41)) and tracks(found) == [[0]] * 41
    assert world.detections == list(range(0, 41, every))
    for n, (face_found,) in found:
        np.testing.assert_array_equal(face_found.landmarks_xy, world.face(n, 0))
        np.testing.assert_array_equal(face_found.box_xyxy, detect.box_around(world.face(n, 0)))
        assert face_found.frame == n and face_found.detected == (n % every == 0) and face_found.score == 1.5


def test_two_faces_keep_their_tracks_and_stand_from_left_to_right():
    world = World([{0: (60 + 9 * n, 60), 1: (340 - 9 * n, 180)} for n in range(30)])
    found = list(world.follow())
    assert all(len(faces) == 2 for _, faces in found)
    assert all(faces[0].box_xyxy[0] <= faces[1].box_xyxy[0] for _, faces in found)
    upper = {f.track for _, faces in found for f in faces if f.box_xyxy[1] < 80}
    lower = {f.track for _, faces in found for f in faces if f.box_xyxy[1] > 80}
    assert len(upper) == len(lower) == 1 and upper != lower


def test_a_face_that_leaps_keeps_its_track():
    world = World([{0: (100 if n < 7 else 170, 100), 1: (320, 100 if n < 13 else 170)} for n in range(20)])
    assert tracks(world.follow(every=5)) == [[0, 1]] * 20
    assert 7 in world.detections and 13 in world.detections


def test_a_face_does_not_leap_across_the_frame():
    world = World([{0: (60 if n < 7 else 340, 100)} for n in range(12)])
    assert tracks(world.follow(every=5)) == [[0]] * 7 + [[1]] * 5


def test_a_face_that_enters_between_two_detections_has_its_first_frames():
    world = World([{0: (80, 100)} | ({1: (280 - n, 100)} if n >= 7 else {}) for n in range(20)])
    found = list(world.follow(every=5))
    assert tracks(found) == [[0]] * 7 + [[0, 1]] * 13 and world.detections == [0, 5, 10, 15]
    assert [faces[-1].detected for _, faces in found[7:12]] == [False, False, False, True, False]
    for n, faces in found[7:]:
        np.testing.assert_array_equal(faces[1].landmarks_xy, world.face(n, 1))


def test_a_new_face_is_not_carried_back_beyond_its_shot():
    world = World(still(12, f0=(200, 100)), missed={(n, 0) for n in range(8)})
    assert tracks(world.follow(shots=[0] * 6 + [1] * 6, every=5)) == [[]] * 6 + [[0]] * 6


def test_a_face_that_leaves_is_gone_at_once_and_returns_as_another_track():
    world = World([{} if 6 <= n < 15 else {0: (200, 100)} for n in range(25)])
    found = tracks(world.follow(every=5, gap=8))
    # lost in frame 6; while it may come back, it is looked for soon, and every fifth frame in any case
    assert found == [[0]] * 6 + [[]] * 9 + [[1]] * 10
    assert world.detections[:6] == [0, 5, 6, 9, 10, 13]


def test_a_face_that_comes_back_in_time_keeps_its_track():
    world = World([{} if 6 <= n < 15 else {0: (200, 100)} for n in range(25)])
    assert tracks(world.follow(every=5, gap=10)) == [[0]] * 6 + [[]] * 9 + [[0]] * 10


def test_another_face_that_comes_in_time_does_not():
    places = [{} if 6 <= n < 15 else {0: (200, 100)} for n in range(25)]
    world = World(places, patches={(n, 0): 77 for n in range(15, 25)})
    assert tracks(world.follow(every=5, gap=10)) == [[0]] * 6 + [[]] * 9 + [[1]] * 10


class Blind(World):
    """In some frames neither the detector nor the landmarks find the face, though the picture shows it."""

    def __init__(self, places, blind):
        super().__init__(places, missed={(n, 0) for n in blind})
        self.blind = blind

    def fit(self, gray, box, angle):
        if int(gray[0, 0]) in self.blind:
            return face(*(box[:2] + box[2:]) / 2 + FACE, FACE).astype(np.float32)
        return super().fit(gray, box, angle)


def test_a_short_gap_is_filled_where_the_picture_shows_the_face():
    world = Blind([{0: (100 + 2 * n, 100 + n)} for n in range(24)], blind=range(7, 11))
    found = list(world.follow(every=5, gap=10))
    assert tracks(found) == [[0]] * 24
    assert [n for n, (only,) in found if not only.fitted] == [7, 8, 9, 10]
    for n, (only,) in found:
        np.testing.assert_allclose(only.landmarks_xy, world.face(n, 0), atol=1e-3)


def test_a_short_gap_in_which_something_else_is_seen_stays_a_gap():
    world = Blind(still(24, f0=(200, 100)), blind=range(7, 11))
    world.patches = {(n, 0): 50 + n for n in range(7, 11)}  # a hand, say
    assert tracks(world.follow(every=5, gap=10)) == [[0]] * 7 + [[]] * 4 + [[0]] * 13


class Slipping(World):
    """Landmarks lag behind a face that moves, unless they begin near it."""

    cells = 2

    def fit(self, gray, box, angle):
        n, middle = int(gray[0, 0]), (box[:2] + box[2:]) / 2
        true = np.array(self.places[n][0])
        off = true - middle
        return face(*(true if np.hypot(*off) < 2 else middle + 0.1 * off), FACE).astype(np.float32)


def test_landmarks_that_slip_are_put_back_where_the_detector_sees_the_face():
    world = Slipping([{0: (100 + 4 * min(max(n - 8, 0), 8), 100)} for n in range(24)])
    found = list(world.follow(every=8))
    assert tracks(found) == [[0]] * 24
    off = [np.abs(only.landmarks_xy - world.face(n, 0)).max() for n, (only,) in found]
    assert world.detections == [0, 8, 16] and max(off[16:]) < 1e-3
    # fitted forwards to the middle between two detections, backwards from the later one after it
    assert off[9] < off[10] < off[11] < off[12] > off[13] > off[14] > off[15] > 0
    assert off[15] == pytest.approx(off[9], abs=0.01)


class Skewed(World):
    """Landmarks that are carried settle beside the face, near enough to its box to pass for right."""

    cells = 2

    def fit_also_mirrored(self, gray, box, angle):
        true = super().fit_also_mirrored(gray, box, angle)
        return true if np.abs(box - detect.box_around(true)).max() < 0.5 else true + 6


def test_landmarks_that_the_mirror_contradicts_are_fitted_anew():
    world = Skewed([{0: (60 + 4 * n, 100)} for n in range(21)])
    off = [np.abs(only.landmarks_xy - world.face(n, 0)).max() for n, (only,) in world.follow(every=5)]
    assert world.detections == [0, 5, 10, 15, 20]
    assert [round(float(off[n])) for n in (5, 10, 15, 20)] == [0] * 4 and max(off) == pytest.approx(6, abs=0.01)


def test_tracks_end_with_their_shot():
    world = World(still(12, f0=(200, 100)))
    found = list(world.follow(shots=[0] * 7 + [1] * 5))
    assert tracks(found) == [[0]] * 7 + [[1]] * 5
    assert [n for n, faces in found if faces[0].detected] == [0, 5, 7]


def test_another_face_in_the_same_place_is_another_track():
    world = World(still(12, f0=(200, 100)), patches={(n, 0): 77 for n in range(7, 12)})
    assert tracks(world.follow()) == [[0]] * 7 + [[1]] * 5


@pytest.mark.parametrize("carry", [6, 12])
def test_a_face_that_the_detector_misses_is_carried_for_a_while(carry):
    world = World(still(40, f0=(200, 100)), missed={(n, 0) for n in range(1, 40)})
    found = list(world.follow(every=5, carry=carry))
    assert tracks(found) == [[0]] * (carry + 1) + [[]] * (39 - carry)


def test_a_carried_face_that_turned_into_something_else_is_dropped():
    missed = {(n, 0) for n in range(1, 40)}
    # its look drifts by so little that no frame stands out, to that of something else
    world = World(still(40, f0=(200, 100)), missed=missed)
    looks = [np.random.default_rng(k).uniform(0, 255, (12, 12)) for k in (0, 1)]

    def frames(shots=None):
        for n in range(40):
            frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            mixed = (looks[0] * (1 - n / 39) + looks[1] * n / 39).astype(np.float32)
            frame[60:140, 160:240] = cv2.resize(mixed, (80, 80), interpolation=cv2.INTER_CUBIC).clip(0, 255)[..., None]
            World.known(frame, n)
            yield n, 0, frame

    world.frames = frames
    seen = [len(faces) for _, faces in world.follow(every=5, carry=100)]
    assert seen[:10] == [1] * 10 and seen[-1] == 0


def test_a_weak_detection_that_is_not_found_again_never_was():
    world = World(still(15, f0=(100, 100), f1=(300, 100)), scores={1: 0.1}, missed={(n, 1) for n in range(1, 15)})
    assert tracks(world.follow(every=5)) == [[0]] * 15


def test_a_weak_detection_that_is_found_again_was_one_from_the_start():
    world = World(still(15, f0=(100, 100)), scores={0: 0.1})
    assert tracks(world.follow(every=5)) == [[0]] * 15


def test_a_strong_detection_need_not_be_found_again():
    world = World(still(4, f0=(100, 100)), missed={(1, 0), (2, 0), (3, 0)})
    assert tracks(world.follow(every=1)) == [[0]] * 4


def test_a_weak_detection_at_the_end_of_a_shot_counts():
    world = World(still(9, f0=(100, 100)), scores={0: 0.1})
    assert tracks(world.follow(shots=[0, 0, 0, 1, 2, 2, 2, 2, 2])) == [[0]] * 3 + [[1]] + [[2]] * 5


def test_small_faces_are_left_out_and_not_forgotten():
    world = World(still(3, f0=(100, 100)))
    side = FACE * detect.BOX_SIDE
    assert tracks(world.follow(min_size=side + 1)) == [[]] * 3
    assert tracks(world.follow(min_size=side - 1)) == [[0]] * 3


def test_two_tracks_on_one_face_become_one():
    # the second comes to stand where the first is
    world = World([{0: (200, 100), 1: (330 - 10 * min(n, 13), 100)} for n in range(25)])
    assert [len(faces) for _, faces in world.follow(every=2)][-5:] == [1] * 5


def test_frames_without_faces_and_no_frames():
    assert list(World(still(3)).follow()) == [(0, []), (1, []), (2, [])]
    assert list(World([]).follow()) == []


def test_only_a_few_frames_are_waited_for_and_described_while_at_hand():
    world, read, described = World(still(60, f0=(200, 100)), scores={0: 0.1}), [], []
    frames = world.frames

    def counted(shots=None):
        for item in frames(shots):
            read.append(item[0])
            yield item

    world.frames = counted
    behind = []
    for n, _ in world.follow(every=5, describe=lambda number, *_: described.append(number)):
        behind.append(read[-1] - n)
    assert max(behind) <= 10 and described == list(range(60))


# real faces


@pytest.mark.parametrize(("clip", "count"), [("clip_b.mp4", 60), ("crowd.mp4", 40)])
def test_real_faces_are_found_in_every_frame(footage, clip, count):
    frames, info = video.index(
        footage / clip, name="x", start=None, end=count / 30, shot_threshold=30, duplicate_threshold=0.05
    )
    decoded = ((n, 0, frame) for n, frame in video.decode(footage / clip, frames, info))
    found = dict(
        detect.follow(
            decoded,
            lambda *_: None,
            detect=detect.hog(detect_size=512, min_score=0.0),
            fit=detect.fitter(nets.model_path("landmarks")),
            every=5,
            carry=60,
            gap=30,
            min_size=32,
        )
    )
    people = 2 if clip.startswith("crowd") else 1
    assert len(found) == count
    assert all([f.track for f in faces] == [f.track for f in found[0]] for faces in found.values())
    assert all(len(faces) == people for faces in found.values())
