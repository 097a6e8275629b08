"""Faces that came in while a training was under way are drawn more often, until they have caught up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_train_run import sums, trained  # noqa: F401 (a fixture)
from training import make_faces

from swapcore.train import batches, fresh

DIGESTS = [f"{k:08x}" + "0" * 56 for k in range(400)]


@pytest.mark.parametrize(
    ("new", "trained", "share", "times"),
    [
        (100, 0, 0.25, 1),  # nothing was trained: none is behind
        (100, 1, 0.4, 2),  # as long as is ahead: twice as often
        (100, 4, 0.5, 3),  # five times as often would be 0.625 of all, which is too much
        (300, 1, 0.75, 1),  # most are new: they are most of what is drawn in any case
    ],
)
def test_new_faces_catch_up(new, trained, share, times):
    found = fresh.fresh(DIGESTS, fresh.names(DIGESTS[:-new]), trained=trained, ahead=1)
    assert found.rows.tolist() == list(range(400 - new, 400))
    assert found.share == pytest.approx(share) and found.times(400) == pytest.approx(times)


@pytest.mark.parametrize("seen", [[], DIGESTS, DIGESTS[:-1][::-1] + DIGESTS[-1:], ["f" * 64]])
def test_where_all_or_none_were_seen_all_are_drawn_alike(seen):
    assert fresh.fresh(DIGESTS, fresh.names(seen), trained=3, ahead=1) is None


@given(st.lists(st.integers(0, 40)), st.lists(st.integers(0, 40)), st.lists(st.integers(0, 40)))
def test_names_are_a_set_of_faces(one, other, third):
    one, other, third = ([DIGESTS[k] for k in of] for of in (one, other, third))
    together = fresh.both(fresh.names(one), fresh.names(other))
    assert together == fresh.both(fresh.names(other), fresh.names(one)) == fresh.names([*other, *one, *one])
    found = fresh.fresh(third, together, trained=1, ahead=1)
    new = [k for k, digest in enumerate(third) if digest not in {*one, *other}]
    assert (found.rows.tolist() if found else []) == (new if 0 < len(new) < len(third) and together else [])


def test_the_share_is_what_is_drawn_and_the_other_person_is_drawn_as_ever():
    new = fresh.Fresh(np.arange(90, 100), 0.4), None
    what = {"first": 5, "steps": 100, "batch": 16, "seed": 3, "without": ((95, 3), (7,))}
    source, target = np.split(batches.picked((100, 50), new=new, **what), 2, axis=1)
    assert np.mean(source >= 90) == pytest.approx(0.4, abs=0.04)
    assert set(source.ravel()) == set(range(100)) - {3, 95} and set(target.ravel()) == set(range(50)) - {7}
    later = batches.picked((100, 50), new=new, **{**what, "first": 55, "steps": 50})
    assert (later == np.hstack([source, target])[50:]).all(), "whenever it is drawn"


def test_where_only_new_faces_train_they_are_drawn_as_ever():
    new = fresh.Fresh(np.arange(2, 4), 0.5), None
    rows = batches.picked((4, 4), first=0, steps=9, batch=4, seed=1, without=((0, 1), ()), new=new)
    assert set(rows[:, :4].ravel()) == {2, 3}


def test_a_grown_dataset_is_trained_with_its_new_faces_weighted_in(sums, tmp_path, capfd):  # noqa: F811
    ann, bob = make_faces(tmp_path / "a", "ann"), make_faces(tmp_path / "b", "bob", seed=1)
    some = dataclasses.replace(ann, table=ann.table.select(np.arange(20) < 17), digest="some")
    line = "3 of 20 faces of ann are new, each drawn 5.0 times as often"

    def said(people, **changed):
        trained(tmp_path, people, **changed)
        return capfd.readouterr().err

    assert "are new" not in said((some, bob), budget={"steps": 40})
    first = said((ann, bob), budget={"steps": 40})  # 10 steps more, a quarter of what was
    assert line in first and "faces of bob are new" not in first
    going_on = said((ann, bob), budget={"steps": 48})
    assert "3 of 20 faces of ann are new" in going_on, "in the same goal they are new until its end"
    assert "are new" not in said((ann, bob), budget={"steps": 40}, mask="components"), "in the next they are old"
    assert "are new" not in said((some, bob), budget={"steps": 40}) and "are new" not in said((ann, bob))
