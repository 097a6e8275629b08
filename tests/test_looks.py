from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_clean import scores

from swapcore import align, embedding, looks, nets, quality, studio
from swapcore.config.fields import Sort
from swapcore.studio.actor import build
from swapcore.studio.cast import CAST
from swapcore.studio.identity import draw_identity

DISTANCE = Sort().look_distance
SPREAD = 0.018  # of a face's embedding, each dimension: as in footage, 0.2 in all


def person(apart, sizes, *, of, seed=0):
    """Tracks of looks that lie `apart`, sizes (t,) and looks `of` (t,): track, embedding, scores. Faces are alike otherwise."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(0, 1, (128, max(of) + 1)))[0].T * apart / np.sqrt(2)
    track = np.repeat(np.arange(len(sizes)), sizes)
    return (
        track,
        axes[np.array(of)[track]] + rng.normal(0, SPREAD, (len(track), 128)),
        scores(len(track), thumb=flat(len(track))),
    )


def flat(count):
    return np.full((count, 16, 16), 120)


def found(track, faces, table, distance=DISTANCE):
    look = looks.looks(track, faces, table, distance=distance)
    per_track = [set(look[track == k].tolist()) for k in np.unique(track)]
    assert all(len(one) == 1 for one in per_track)  # a look does not change within a track
    return [one.pop() for one in per_track]


def test_one_look_is_one_look_and_nobody_has_none():
    assert found(*person(0, [40, 3, 90, 1, 12], of=[0] * 5)) == [1] * 5
    assert looks.looks(np.zeros(0, int), np.zeros((0, 128)), scores(0), distance=DISTANCE).tolist() == []


def test_looks_come_apart_and_are_numbered_as_they_are_seen():
    assert found(*person(0.6, [40, 30, 60, 25], of=[1, 0, 1, 2])) == [1, 2, 1, 3]
    assert found(*person(0.6, [40, 30, 60, 25], of=[1, 0, 1, 2]), distance=1.0) == [1] * 4


def test_a_handful_of_faces_makes_no_look():
    assert found(*person(0.6, [300, 300, 4], of=[0, 1, 2]))[:2] == [1, 2]
    assert len(set(found(*person(0.6, [300, 300, 4], of=[0, 1, 2])))) == 2
    assert found(*person(0.6, [6, 4], of=[0, 1])) == [1, 2]  # but for few faces all counts


def test_what_moves_with_the_pose_is_no_look():
    # tracks from the left and the right, 0.4 apart, whose faces are alike where they look ahead
    rng = np.random.default_rng(2)
    turned = [np.linspace(-60, 5, 40), np.linspace(-5, 60, 40)]
    axis = rng.normal(0, 1, 128)
    axis /= np.linalg.norm(axis)
    yaw = np.concatenate(turned)
    faces = 0.4 / 60 * yaw[:, None] * axis + rng.normal(0, SPREAD, (80, 128))
    track, table = np.repeat([0, 1], 40), scores(80, yaw=yaw, thumb=flat(80))
    assert found(track, faces, table) == [1, 1]


def test_tracks_that_share_no_pose_are_one_look_unless_they_are_strangers():
    for apart, expected in ((0.3, [1, 1]), (0.6, [1, 2])):
        track, faces, _ = person(apart, [30, 30], of=[0, 1])
        assert found(track, faces, scores(60, yaw=np.repeat([-50, 50], 30), thumb=flat(60))) == expected


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_the_same_faces_have_the_same_looks_in_any_order_of_rows(seed, sizes):
    rng = np.random.default_rng(seed)
    of = rng.integers(0, 3, len(sizes)).tolist()
    track, faces, table = person(0.6, sizes, of=of, seed=seed)
    look = looks.looks(track, faces, table, distance=DISTANCE)
    assert sorted(set(look.tolist())) == list(range(1, look.max() + 1)) and look[0] == 1
    again = looks.looks(track, faces.copy(), table, distance=DISTANCE)
    assert np.array_equal(look, again)


def test_many_tracks_are_compared_by_some(monkeypatch):
    monkeypatch.setattr(looks, "TRACKS", 10)
    of = [k % 2 for k in range(60)]
    assert found(*person(0.6, [20] * 60, of=of)) == [1 + k for k in of]


# actors


@pytest.fixture(scope="module")
def played():
    """f(actor, performance, changes) -> embeddings and scores of nine moments of an actor whose look was changed."""
    session = nets.identity_session(threads=2)

    def play(name, performance, **changes):
        actor = build(draw_identity(**(CAST[name] | changes)))
        acted, rows = studio.Performance(performance), []
        for k in range(9):
            picture, truth = studio.render(actor, acted(0.9 * k), size=176)
            marks = truth.faces[0].landmarks_xy
            matrix = align.crop_matrix(marks, size=128, span=0.5)
            seen = quality.view(align.warp(picture, matrix, 128), marks, np.zeros(4), matrix)
            rows.append((embedding.embed(picture, marks[None], session)[0], quality.of(seen), seen.thumb()))
        return rows

    return play


def looks_of(*tracks):
    rows = [row for track in tracks for row in track]
    measured = {name: [row[1][name] for row in rows] for name in rows[0][1]}
    table = scores(len(rows), thumb=np.array([row[2] for row in rows]), **measured)
    which = np.repeat(np.arange(len(tracks)), [len(track) for track in tracks])
    return found(which, np.array([row[0] for row in rows]), table)


def test_looks_of_actors(played):
    ann = [played("ann", seed) for seed in (1, 7)]
    aged = played("ann", 3, glasses=True, age=1.0, wrinkles=1.0, hair_rgb=np.full(3, 0.6))
    assert looks_of(*ann) == [1, 1]  # in other light, saying something else
    assert looks_of(*ann, aged) == [1, 1, 2]
    assert looks_of(*ann, played("bob", 1)) == [1, 1, 2]
