"""Tracks joined over the cuts of a clip that was followed in parts."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_follow import World

from swapcore import detect


def followed(world, first, after, margin, **settings):
    """What a part of a world gives: frames `first` to the one before `after`, and a margin."""
    low, high = max(0, first - margin) // 5 * 5, min(len(world.places), after + margin)
    frames = list(itertools.islice(world.frames(), low, high))
    found = list(
        detect.follow(
            frames,
            lambda *_: None,
            detect=world.detect,
            fit=world.fit_also_mirrored,
            **{"every": 5, "carry": 20, "gap": 8, "min_size": 10, **settings},
        )
    )
    faces = [face for _, faces in found for face in faces]
    frame = np.array([face.frame for face in faces], np.int64)
    boxes = np.array([face.box_xyxy for face in faces]).reshape(-1, 4)
    own = (frame >= first) & (frame < after)
    return detect.Followed(frame, np.array([face.track for face in faces], np.int64), boxes, own)


def by_frame(parts, numbers):
    """(frame, *box) -> the clip's track, of all own rows."""
    found = {}
    for part, tracks in zip(parts, numbers, strict=True):
        for k in np.flatnonzero(part.own):
            key = int(part.frame[k]), *part.box_xyxy[k].tolist()
            assert key not in found
            found[key] = int(tracks[k])
    return found


def check(world, cuts, margin=40, **settings):
    """Parts give the same faces, on the same tracks, as the whole; the tracks' numbers may be others."""
    edges = [0, *cuts, len(world.places)]
    parts = [followed(world, a, b, margin, **settings) for a, b in itertools.pairwise(edges)]
    whole = followed(world, 0, len(world.places), 0, **settings)
    joined, wanted = by_frame(parts, detect.joined(parts)), by_frame([whole], [whole.track])
    assert joined.keys() == wanted.keys()
    pairs = {(wanted[key], joined[key]) for key in wanted}
    assert len(pairs) == len(dict(pairs)) == len({new for _, new in pairs}), "one track each"
    return joined


@pytest.mark.parametrize("cut", [21, 33])
def test_faces_that_go_on_are_one_track_each(cut):
    world = World([{0: (60 + 2 * n, 100), 1: (340 - 2 * n, 190)} for n in range(60)])
    assert set(check(world, [cut]).values()) == {0, 1}


@pytest.mark.parametrize("cut", [26, 30, 35])
def test_a_face_out_of_sight_over_the_cut_keeps_its_track(cut):
    world = World([{0: (100, 100)} if not 27 <= n < 34 else {} for n in range(60)])
    assert set(check(world, [cut]).values()) == {0}


def test_a_face_that_the_detector_misses_over_the_cut():
    world = World([{0: (100 + n, 100)} for n in range(60)], missed=[(n, 0) for n in range(21, 38)])
    assert set(check(world, [30]).values()) == {0}


@pytest.mark.parametrize("cut", [27, 30])
def test_a_face_that_enters_at_the_cut_is_a_track_of_its_own(cut):
    world = World([{0: (100, 100), **({1: (300, 150)} if n >= 29 else {})} for n in range(60)])
    assert set(check(world, [cut]).values()) == {0, 1}


def test_many_cuts_also_without_frames_between():
    world = World([{0: (60 + 2 * n, 100), **({1: (300, 200)} if 10 <= n < 40 else {})} for n in range(60)])
    check(world, [0, 20, 23, 23])


def test_tracks_that_begin_later_get_the_next_numbers():
    places = [{0: (100, 60)} if n < 20 else {1: (300, 180)} if n < 40 else {0: (100, 60)} for n in range(60)]
    joined = check(World(places), [30])
    assert [joined[key] for key in sorted(joined)] == [0] * 20 + [1] * 20 + [2] * 20


@given(st.lists(st.integers(0, 99), max_size=4), st.integers(0, 30))
def test_every_row_of_its_own_has_a_number(cuts, margin):
    """Whatever the parts say of one another: random faces, nothing in common."""
    rng = np.random.default_rng(len(cuts) * 100 + margin)
    edges, parts = [0, *sorted(cuts), 100], []
    for first, after in itertools.pairwise(edges):
        frame = np.sort(rng.integers(max(0, first - margin), max(after + margin, first + 1), 30))
        left = rng.uniform(0, 300, (30, 2))
        own = (frame >= first) & (frame < after)
        parts.append(detect.Followed(frame, rng.integers(0, 6, 30), np.hstack([left, left + 80]), own))
    for part, numbers in zip(parts, detect.joined(parts), strict=True):
        assert (numbers[part.own] >= 0).all()
        for track in np.unique(part.track):
            assert len(np.unique(numbers[part.track == track])) == 1
        kept = [(int(a), int(b)) for a, b in zip(part.track, numbers, strict=True) if b >= 0]
        assert len(set(kept)) == len({b for _, b in kept}), "no two tracks of a part become one"
