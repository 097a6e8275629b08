"""When a training reached what another one did."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(scope="module")
def bench(root):
    sys.path.insert(0, str(root / "benchmarks"))
    import start_from

    yield start_from
    sys.path.remove(str(root / "benchmarks"))


def test_the_step_at_which_a_score_was_reached(bench):
    rows = [[100, 1.0, 0.2], [200, 2.0, 0.4], [300, 3.0, 0.3], [400, 4.0, 0.6]]
    assert [bench.reach(rows, score) for score in (0.1, 0.2, 0.3, 0.5, 0.6, 0.7)] == [50, 100, 150, 367, 400, None]


def test_figures_compare_with_the_fresh_one(bench):
    def told(scores):
        rows = [{"step": 100 * (n + 1), "seconds": float(n), "score": score} for n, score in enumerate(scores)]
        return {"quality": {"history": rows}}

    found = bench.figures({"first": told([0.9]), "fresh": told([0.1, 0.2, 0.3, 0.4]), "rate": told([0.4, 0.5])})
    assert found["wanted"] == {"half": 0.2, "end": 0.4}
    assert found["reached_after_steps"] == {"fresh": {"half": 200, "end": 400}, "rate": {"half": 50, "end": 100}}
