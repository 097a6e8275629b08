from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swapcore import identify
from swapcore.config.fields import Groups, Identify
from swapcore.errors import SwapError
from swapcore.identify import groups
from swapcore.types import FaceSet, PeopleTable

LIMITS = {"threshold": Identify().threshold, "margin": Identify().margin}


def person(number: int) -> np.ndarray:
    """The middle (128,) of a made-up person's embeddings; two people are 0.8 apart."""
    return np.eye(128)[number] * 0.8 / np.sqrt(2)


def embeddings(number: int, count: int, *, spread=0.2, seed=0) -> np.ndarray:
    """Faces of a made-up person, each about `spread` from the middle."""
    noise = np.random.default_rng([number, seed]).normal(0, spread / np.sqrt(128), (count, 128))
    return (person(number) + noise).astype(np.float32)


def faces(*tracks: np.ndarray, first=None, **columns) -> FaceSet:
    """A clip's faces: one array of embeddings for each track, one track after the other or from its `first` frame on."""
    embedding = np.concatenate([np.zeros((0, 128)), *tracks])
    lengths = [len(t) for t in tracks]
    first = np.cumsum([0, *lengths]) if first is None else first
    track = np.repeat(np.arange(len(tracks)), lengths)
    frame = np.concatenate([np.zeros(0, int), *(f + np.arange(n) for f, n in zip(first, lengths, strict=False))])
    table = FaceSet.empty().columns()
    made = {name: np.zeros((len(track), *value.shape[1:]), value.dtype) for name, value in table.items()}
    made["box_xyxy"] = np.tile(np.float32([0, 0, 50, 50]), (len(track), 1)) + 100 * track[:, None]
    made |= {"id": np.array([f"{f:06d}_{t}" for f, t in zip(frame, track, strict=True)], object)}
    made |= {"frame": frame, "track": track, "embedding": embedding, "sharpness": np.full(len(track), 10.0)}
    return FaceSet(**made | columns)


KNOWN = {name: embeddings(k, 5, seed=9) for k, name in enumerate("abc")}


# votes


def test_distance_is_of_the_nearest_references():
    references = np.concatenate([embeddings(0, 3), embeddings(1, 20)])
    near, far = identify.distance(np.stack([person(0), person(2)]), references)
    assert near < 0.3 and far > 0.7
    assert identify.distance(person(0)[None], references[:1]).shape == (1,)
    with pytest.raises(ValueError, match="at least one"):
        identify.distance(references, references[:0])


def test_each_track_goes_to_the_nearest_candidate():
    table = faces(embeddings(1, 12), embeddings(0, 4), embeddings(1, 1))
    people = identify.vote(table, KNOWN, candidates=["a", "b"], decided={}, **LIMITS)
    assert people.person.tolist() == ["b"] * 12 + ["a"] * 4 + ["b"]
    assert set(people.by) == {"vote"} and people.id.tolist() == table.id.tolist()
    np.testing.assert_allclose(people.distance[:12], identify.distance(table.embedding[:12], KNOWN["b"]))
    assert (people.margin > 0.3).all() and len(set(people.margin[:12])) == 1


def test_only_candidates_are_given_and_everybody_competes():
    table = faces(embeddings(2, 6))
    loose = {"threshold": 2.0, "margin": 0.05}
    assert set(identify.vote(table, KNOWN, candidates=["a", "b"], decided={}, **loose).person) == {""}
    alone = {"a": KNOWN["a"]}
    people = identify.vote(table, alone, candidates=["a"], decided={}, **loose)
    assert set(people.person) == {"a"} and np.isinf(people.margin).all()
    assert set(identify.vote(table, alone, candidates=["a"], decided={}, **LIMITS).person) == {""}


def test_too_near_to_two_people_is_unknown():
    between = np.tile((person(0) * 0.52 + person(1) * 0.48), (5, 1))
    known = {"a": person(0)[None], "b": person(1)[None]}
    for margin, who in ((0.1, ""), (0.01, "a")):
        people = identify.vote(faces(between), known, candidates=["a", "b"], decided={}, threshold=1, margin=margin)
        assert set(people.person) == {who}


def test_blurred_and_turned_faces_do_not_vote():
    track = np.concatenate([embeddings(0, 20), embeddings(1, 40)])  # the many look like b
    blurred = np.r_[np.full(20, 10.0), np.full(40, 1.0)]
    turned = np.r_[np.full(20, 5.0), np.full(40, -70.0)]
    for columns in ({"sharpness": blurred, "yaw": turned * 0}, {"yaw": turned}):
        people = identify.vote(faces(track, **columns), KNOWN, candidates=["a", "b"], decided={}, **LIMITS)
        assert set(people.person) == {"a"}


def test_what_was_decided_by_hand_holds_for_the_track():
    table = faces(embeddings(0, 5), embeddings(1, 5))
    people = identify.vote(table, KNOWN, candidates=["a", "b"], decided={7: "a"}, **LIMITS)
    assert people.person.tolist() == ["a"] * 10 and set(people.nearest[5:]) == {"b"}
    assert people.by.tolist() == ["vote"] * 5 + ["edit"] * 5 and (people.margin[5:] < 0).all()
    people = identify.vote(table, KNOWN, candidates=["a", "b"], decided={2: ""}, **LIMITS)
    assert people.person.tolist() == [""] * 5 + ["b"] * 5 and set(people.by[:5]) == {"edit"}
    with pytest.raises(SwapError, match="to be nobody and, by another of its faces, a; keep one of the two lines"):
        identify.vote(table, KNOWN, candidates=["a", "b"], decided={7: "a", 8: ""}, **LIMITS)
    with pytest.raises(ValueError, match="no references of x"):
        identify.vote(table, KNOWN, candidates=["x"], decided={}, **LIMITS)


def test_no_faces_no_people_and_nobody_known_no_names():
    assert len(identify.vote(faces(), KNOWN, candidates=["a"], decided={}, **LIMITS)) == 0
    assert len(identify.vote(faces(), {}, candidates=[], decided={}, **LIMITS)) == 0
    people = identify.vote(faces(embeddings(0, 4)), {}, candidates=[], decided={}, **LIMITS)
    assert set(people.person) == set(people.nearest) == {""} and np.isinf([people.distance, people.margin]).all()


def test_where_nobody_may_be_given_the_nearest_is_still_told():
    people = identify.vote(faces(embeddings(1, 8)), KNOWN, candidates=[], decided={}, **LIMITS)
    assert set(people.person) == {""} and set(people.nearest) == {"b"} and people.distance.max() < 0.4


def test_a_person_is_once_in_a_frame():
    near, far = embeddings(0, 10), (person(0) * 0.7 + embeddings(3, 10) * 0.3)
    people = identify.vote(faces(far, near, first=(0, 0)), KNOWN, candidates=["a"], decided={}, **LIMITS)
    assert people.person.tolist() == [""] * 10 + ["a"] * 10 and set(people.nearest) == {"a"}
    # by hand both
    people = identify.vote(faces(far, near, first=(0, 0)), KNOWN, candidates=["a"], decided={3: "a"}, **LIMITS)
    assert people.person.tolist() == ["a"] * 10 + [""] * 10
    people = identify.vote(faces(far, near, first=(0, 0)), KNOWN, candidates=["a"], decided={3: "a", 13: "a"}, **LIMITS)
    assert people.person.tolist() == ["a"] * 20
    # a few common frames, as in a dissolve between two pictures of one person, cost these alone
    people = identify.vote(faces(far, near, first=(0, 9)), KNOWN, candidates=["a"], decided={}, **LIMITS)
    assert people.person.tolist() == ["a"] * 9 + [""] + ["a"] * 10


def test_the_refused_compete_in_every_clip_and_are_marked():
    table = faces(embeddings(2, 6), embeddings(0, 6))
    people = identify.vote(table, KNOWN, candidates=["a", "b"], refused=["c"], decided={}, **LIMITS)
    assert people.person.tolist() == [""] * 6 + ["a"] * 6
    assert people.by.tolist() == ["refused"] * 6 + ["vote"] * 6 and set(people.nearest[:6]) == {"c"}
    # also where a candidate is about as near, and where a face was named refused by hand
    between = np.tile(person(0) * 0.4 + person(2) * 0.6, (5, 1))
    loose = {"threshold": 0.7, "margin": 0.05}
    people = identify.vote(faces(between), KNOWN, candidates=["a"], refused=["c"], decided={}, **loose)
    assert set(people.person) == {""} and set(people.by) == {"refused"}
    people = identify.vote(table, KNOWN, candidates=["a", "b"], refused=["c"], decided={8: "c"}, **LIMITS)
    assert set(people.person) == {""} and set(people.by) == {"refused"} and set(people.nearest) == {"c"}
    # what a person looked at and decided goes before
    people = identify.vote(table, KNOWN, candidates=["a", "b"], refused=["c"], decided={0: "b"}, **LIMITS)
    assert set(people.person[:6]) == {"b"} and set(people.by[:6]) == {"edit"}


def test_a_track_that_goes_over_to_another_person_is_two_peoples():
    both = np.concatenate([embeddings(0, 40), embeddings(1, 30)])
    table = faces(both)
    people = identify.vote(table, KNOWN, candidates=["a", "b"], decided={}, **LIMITS)
    assert people.person.tolist() == ["a"] * 40 + ["b"] * 30 and set(people.track) == {0}
    people = identify.vote(table, KNOWN, candidates=["a", "b"], decided={50: "a"}, **LIMITS)
    assert set(people.person) == {"a"} and set(people.by[40:]) == {"edit"} and set(people.by[:40]) == {"vote"}
    stranger = identify.vote(table, {"a": KNOWN["a"]}, candidates=["a"], decided={}, **LIMITS)
    assert stranger.person.tolist() == ["a"] * 40 + [""] * 30


def test_a_face_hidden_for_a_while_stays_the_same_person():
    hidden = person(0) + np.eye(128)[9] * 0.63  # 0.63 from a: too far to be named alone
    track = np.concatenate([embeddings(0, 40), np.tile(hidden, (30, 1)), embeddings(0, 40, seed=1)])
    assert set(identify.parts(faces(track)).tolist()) == {0, 1, 2}
    people = identify.vote(faces(track), KNOWN, candidates=["a", "b"], decided={}, **LIMITS)
    assert set(people.person) == {"a"}
    alone = identify.vote(faces(track[40:70]), KNOWN, candidates=["a", "b"], decided={}, **LIMITS)
    assert set(alone.person) == {""}


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(0, 20)), max_size=6), st.data())
def test_whatever_comes_the_rules_hold(drawn, data):
    tracks = [embeddings(who, count, seed=k) for k, (who, count, _) in enumerate(drawn)]
    table = faces(*tracks, first=[start for _, _, start in drawn])
    rows = st.dictionaries(st.integers(0, len(table) - 1), st.just("b"), max_size=2) if len(table) else st.just({})
    decided = data.draw(rows)
    people = identify.vote(table, KNOWN, candidates=["a", "b"], refused=["c"], decided=decided, **LIMITS)
    assert set(people.person) <= {"", "a", "b"} and set(people.by) <= {"vote", "edit", "refused"}
    assert all(people.person[row] == "b" for row in decided)
    voted = people.select(people.by == "vote")
    named = [pair for pair in zip(voted.frame, voted.person, strict=True) if pair[1]]
    assert len(named) == len(set(named))
    given_by_vote = (people.person != "") & (people.by == "vote")
    assert (people.nearest[given_by_vote] == people.person[given_by_vote]).all()


# parts of tracks


def test_a_track_of_one_person_is_one_part_whatever_its_number():
    table = faces(embeddings(0, 90), embeddings(1, 5), embeddings(0, 1))
    assert identify.parts(table).tolist() == [0] * 90 + [1] * 5 + [2]
    assert identify.parts(faces()).shape == (0,)


@pytest.mark.parametrize("lengths", [(40, 30), (6, 50), (12, 12, 60), (100, 8)])
def test_a_track_is_cut_where_the_person_changes(lengths):
    track = np.concatenate([embeddings(k % 2, n, seed=k) for k, n in enumerate(lengths)])
    assert identify.parts(faces(track)).tolist() == np.repeat(np.arange(len(lengths)), lengths).tolist()


def test_soft_and_turned_faces_cut_nothing():
    track = np.concatenate([embeddings(0, 40), embeddings(1, 20), embeddings(0, 40, seed=1)])
    odd = np.r_[np.zeros(40), np.ones(20), np.zeros(40)]
    assert set(identify.parts(faces(track, sharpness=10 - 8 * odd)).tolist()) == {0}
    assert set(identify.parts(faces(track, yaw=70 * odd)).tolist()) == {0}
    parted = [0] * 40 + [1] * 20 + [2] * 40
    for sharpness in (50 - 30 * odd, 20 + 30 * odd, np.full(100, 1.0)):  # people differ in it; a clip may be soft
        assert identify.parts(faces(track, sharpness=sharpness)).tolist() == parted


# references


def test_dominant_leaves_out_passers_by_and_is_spread():
    parts = [embeddings(0, 40), embeddings(1, 15), embeddings(0, 60, seed=1)]
    rows = identify.dominant(faces(*parts, sharpness=np.tile([1.0, 9, 1, 1, 1], 23)), max_faces=20)
    assert len(rows) == 20 and (np.diff(rows) > 0).all()
    assert not set(rows) & set(range(40, 55))
    assert sum(rows < 40) == 8
    assert (rows % 5 == 1).all()
    few = identify.dominant(faces(embeddings(0, 3)), max_faces=20)
    assert few.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="got none"):
        identify.dominant(faces(), max_faces=20)


def test_a_strange_photo_is_noticed():
    alike = embeddings(0, 4)
    assert identify.odd_one(alike) is None and identify.odd_one(alike[:1]) is None
    assert identify.odd_one(np.concatenate([alike[:2], embeddings(1, 1), alike[2:]])) == 2


@pytest.mark.parametrize(
    ("photos", "chosen"),
    [
        ([["a"], ["a"]], [0, 0]),
        ([["a"], ["b", "a"], ["a", "c"]], [0, 1, 0]),
        ([["b", "a"], ["a", "c"], ["c", "d", "a"]], [1, 0, 2]),  # common to all
        ([["a", "b"]], [None]),  # nothing to compare
        ([["a", "b"], ["a", "b"]], [None, None]),  # a couple
        ([["a", "b"], ["c", "d"]], [None, None]),
        ([["a"], ["b", "c"]], [0, None]),  # somebody else
        ([["a"], ["x", "b"], ["y", "c"]], [0, 0, 0]),  # x, then y, which is like x alone
        ([], []),
    ],
)
def test_of_several_faces_in_a_photo_the_one_that_is_in_the_others_is_taken(photos, chosen):
    between = person(0) + np.eye(128)[20] * 0.55
    made = {"x": between, "y": between + np.eye(128)[21] * 0.3, **{n: person(k) for k, n in enumerate("abcd")}}
    assert identify.same_in_all([np.array([made[name] for name in photo]) for photo in photos]) == chosen


# groups


def test_groups_are_people_the_largest_first():
    table = faces(embeddings(1, 6), embeddings(0, 9), embeddings(1, 5, seed=1), embeddings(2, 3))
    number = identify.group(table, threshold=Groups().threshold)
    assert number.tolist() == [1] * 6 + [2] * 9 + [1] * 5 + [3] * 3
    assert identify.group(faces(), threshold=0.5).shape == (0,)
    assert set(identify.group(table, threshold=2.0)) == {1}


def test_two_faces_of_one_frame_are_two_people():
    table = faces(embeddings(0, 6), embeddings(0, 5, seed=1), embeddings(0, 4, seed=2), first=(0, 5, 20))
    number = identify.group(table, threshold=2.0)
    assert number[0] != number[6] and set(number) == {1, 2}


def test_too_many_tracks_leave_the_shortest_out(monkeypatch):
    monkeypatch.setattr(groups, "MOST", 3)
    table = faces(embeddings(0, 2), embeddings(0, 9), embeddings(1, 8), embeddings(2, 7))
    assert identify.group(table, threshold=0.5).tolist() == [0] * 2 + [1] * 9 + [2] * 8 + [3] * 7


@given(st.integers(0, 9), st.floats(0.05, 1.2), st.integers(0, 10_000), st.data())
def test_chains_join_what_joining_the_nearest_pair_again_and_again_joins(count, threshold, seed, data):
    random = np.random.default_rng(seed)
    points, weights = random.random((count, 3)), random.integers(1, 9, count).astype(float)
    far = identify.apart(points, points)
    for a, b in data.draw(st.lists(st.tuples(*[st.integers(0, max(count - 1, 0))] * 2), max_size=4)) if count else ():
        far[a, b] = far[b, a] = np.inf
    sets, apart, weight = [[k] for k in range(count)], far.copy(), weights.copy()
    np.fill_diagonal(apart, np.inf)
    while count and apart.min() <= threshold:
        a, b = sorted(np.unravel_index(apart.argmin(), apart.shape))
        apart[a] = (weight[a] * apart[a] + weight[b] * apart[b]) / (weight[a] + weight[b])
        apart[:, a], apart[a, a] = apart[a], np.inf
        apart[b] = apart[:, b] = np.inf
        weight[a], sets[a], sets[b] = weight[a] + weight[b], sets[a] + sets[b], []
    assert sorted(groups._linked(far, weights, threshold)) == sorted(sorted(s) for s in sets if s)


def test_proposals_are_of_unknown_faces_and_name_who_is_nearest():
    table = faces(embeddings(0, 6), embeddings(3, 5), embeddings(2, 4), embeddings(3, 7, seed=1), embeddings(1, 3))
    people = identify.vote(table, KNOWN, candidates=["a"], refused=["c"], decided={23: ""}, **LIMITS)
    found, left = identify.proposals(table, people, threshold=0.5)
    assert left == 0 and [(g.number, len(g.rows), g.tracks) for g in found] == [(1, 12, [1, 3])]
    assert found[0].nearest in "abc" and found[0].distance > 0.7
    assert sorted(table.track[found[0].heads].tolist()) == [1, 3]
    with pytest.raises(ValueError, match="different faces"):
        identify.proposals(table.select(slice(1, None)), people, threshold=0.5)
    assert identify.proposals(faces(), PeopleTable.empty(), threshold=0.5) == ([], 0)
