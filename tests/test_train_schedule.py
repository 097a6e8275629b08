"""Goals and budgets: nothing is trained twice, nothing begins again."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swapcore.train.schedule import MOST_STEPS_PER_CALL, Goal, goal_digest, moved, plan, pursue

STEPS = {"steps": 100, "minutes": None}
MINUTES = {"steps": None, "minutes": 10.0}


def pursued(goals, digest, *, step, seconds=0.0, continue_share=0.25, **budget):
    return pursue(goals, digest, step=step, seconds=seconds, continue_share=continue_share, **(budget or STEPS))


def end(goals, **budget):
    return plan(goals[-1], until=(0.75, 1.0), **(budget or STEPS)).end


def test_the_first_goal_gets_the_whole_budget():
    goals = pursued([], "a", step=0)
    assert goals == [Goal("a", 0, 0.0, 1.0)] and end(goals) == 100
    assert pursued(goals, "a", step=60) == goals, "the same goal goes on"
    assert end(pursued(goals, "a", step=100, steps=250, minutes=None), steps=250, minutes=None) == 250, (
        "a raised budget too"
    )


def test_a_change_goes_on_for_a_share():
    goals = pursued(pursued([], "a", step=0), "b", step=100)
    assert goals[-1] == Goal("b", 100, 0.0, 0.25) and end(goals) == 125
    assert pursued(goals, "b", step=110) == goals


def test_a_change_on_the_way_keeps_what_was_owed():
    goals = pursued(pursued([], "a", step=0), "b", step=40)
    assert end(goals) == pytest.approx(100, abs=1)
    again = pursued(goals, "c", step=50)
    assert end(again) == pytest.approx(100, abs=1)


def test_a_change_taken_back_before_a_step_costs_nothing():
    first = pursued([], "a", step=0)
    assert pursued(pursued(first, "b", step=100), "a", step=100) == first
    assert pursued(pursued([], "a", step=0), "b", step=0) == [Goal("b", 0, 0.0, 1.0)]


def test_minutes_are_counted_as_steps_are():
    goals = pursued(pursued([], "a", step=0, **MINUTES), "b", step=900, seconds=600.0, **MINUTES)
    way = plan(goals[-1], until=(0.75, 1.0), **MINUTES)
    assert (way.begin, way.end) == (600.0, 750.0)
    assert [way.phase(5000, seconds) for seconds in (700.0, 720.0)] == [0, 1] and way.done(0, 750.0)
    assert way.seconds_left(0, 700.0, pace=9.0) == 50.0


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60), st.integers(1, 300), st.booleans()), max_size=12),
    st.floats(0.05, 1),
)
def test_whatever_happens_every_goal_is_reached_once(events, continue_share):
    """Each event: a goal, steps until a kill, a budget, whether the kill came before anything was saved."""
    goals, step = [], 0
    for digest, until_kill, budget, lost in events:
        before, last = step, goals[-1] if goals else None
        budget = {"steps": budget, "minutes": None}
        goals_now = pursued(goals, digest, step=step, continue_share=continue_share, **budget)
        assert goals_now[-1].digest == digest and goals_now[-1].step <= step
        assert all(a.step < b.step for a, b in itertools.pairwise(goals_now))
        way = plan(goals_now[-1], until=(0.75, 1.0), **budget)
        if last is None or last.digest != digest:
            kept = goals_now[-1] in goals  # the goal between made no step and is forgotten
            assert kept or not way.done(step, 0.0), "a change is trained"
            assert kept or way.end - step >= math.ceil(continue_share * budget["steps"]), "for its share at least"
        while not way.done(step, 0.0) and step - before < until_kill:
            step += way.steps(step, 0.0, pace=0.1)
        assert way.done(step, 0.0) is (step >= way.end) and step <= max(way.end, before)
        if lost:
            step = before
        else:
            goals = goals_now
        assert pursued(goals_now, digest, step=max(step, goals_now[-1].step), **budget) == goals_now


@given(st.floats(1e-4, 100), st.integers(0, 99), st.lists(st.floats(0.01, 0.99), max_size=4))
def test_a_call_is_short_and_keeps_to_the_boundaries(pace, step, until):
    way = plan(Goal("a", 0, 0.0, 1.0), until=(*sorted(until), 1.0), **STEPS)
    count = way.steps(step, 0.0, pace)
    assert 1 <= count <= MOST_STEPS_PER_CALL and step + count <= 100
    assert count == 1 or count * pace <= 1.0
    assert len({way.phase(s, 0.0) for s in range(step, step + count)}) == 1, "one call is of one phase"


def test_phases_follow_one_another():
    way = plan(Goal("a", 0, 0.0, 1.0), until=(0.5, 0.75, 1.0), **STEPS)
    assert [way.phase(s, 0.0) for s in (0, 49, 50, 74, 75, 99, 100)] == [0, 0, 1, 1, 2, 2, 2]
    goal = Goal("b", 100, 0.0, 0.2)
    assert plan(goal, until=(0.5, 0.75, 1.0), **STEPS).ends == (110, 115, 120), "a continued goal has them all"


STILL = [0.4] * 8


@pytest.mark.parametrize(
    ("stops", "scores", "ends"),
    [
        (False, ([0.1, 0.2, 0.3], [], []), (50, 75, 100)),
        (False, (STILL, [], []), (9, 54, 100)),  # the later phases share what is left
        (False, (STILL, STILL, []), (9, 29, 100)),
        (False, (STILL, STILL, STILL), (9, 29, 100)),
        (True, (STILL, [], []), (9, 14, 18)),  # as long in proportion to what was trained
        (True, (STILL, [], STILL), (9, 14, 19)),
    ],
)
def test_a_standstill_moves_on(stops, scores, ends):
    way = plan(Goal("a", 0, 0.0, 1.0), until=(0.5, 0.75, 1.0), **STEPS)
    begins, rows = (0, 20, 10), []
    for phase, found in enumerate(scores):
        rows += [
            {"phase": phase, "step": begins[phase] + 2 * k + 1, "seconds": 0.0, "score": s} for k, s in enumerate(found)
        ]
    assert moved(way, rows, patience=4, sooner=(True, True, True), stops=stops).ends == pytest.approx(ends, abs=1)
    assert moved(way, rows, patience=4, sooner=(False,) * 3, stops=stops).ends == way.ends


@pytest.mark.parametrize("stops", [True, False])
def test_each_standstill_counts_from_where_the_one_before_moved_the_ends(stops):
    way = plan(Goal("a", 0, 0.0, 1.0), until=(0.25, 0.5, 0.75, 1.0), steps=40000, minutes=None)
    rows = [
        {"phase": phase, "step": 4000 * phase + 1000 * (k + 1), "seconds": 0.0, "score": 0.4}
        for phase in (0, 1)
        for k in range(4)
    ]
    found = moved(way, rows, patience=3, sooner=(True,) * 4, stops=stops)
    assert found.ends == ((4000, 8000, 12000, 16000) if stops else (4000, 8000, 24000, 40000))


def test_a_goal_is_its_data_and_settings():
    data, settings = (
        {"source": "1", "target": "2"},
        {"learning_rate": 3e-4, "budget": {"steps": 9}, "continue_share": 0.2},
    )
    digest = goal_digest(data, settings)
    assert digest == goal_digest(data, {**settings, "budget": {"minutes": 1}, "continue_share": 0.9})
    assert digest != goal_digest({"source": "2", "target": "1"}, settings)
    assert digest != goal_digest(data, {**settings, "learning_rate": 1e-4})
