"""Quality in a training that is killed, resumed, changed: the best is kept, the history is one, a standstill ends it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_train_run import FILES, Sums, arrays, state, trained, without_tensorflow
from training import make_faces, without_tensorflow_beside

from swapcore import store
from swapcore.config.architectures import SIZES, Sizes
from swapcore.train import checkpoint, held, run, schedule
from swapcore.train.quality import SHARES

CURVES = {
    "rising": lambda step: 1 - 1 / (1 + step / 20),
    "falling late": lambda step: 0.9 - abs(step - 40) / 100,
    "flat": lambda step: 0.5 * min(step / 20, 1),
}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    return make_faces(folder, "ann", count=40), make_faces(folder, "bob", count=40, seed=1)


class Judged(Sums):
    """Sums whose weights can be taken back from the best."""

    def take(self, weights, *, where):
        self.weight = weights["w"].copy()


@pytest.fixture
def judged(monkeypatch):
    """Training without TensorFlow, measured every 10 steps by a curve over the steps that its weights have seen."""
    without_tensorflow_beside(monkeypatch)
    monkeypatch.setattr(run, "_machine", lambda settings, **_: Judged())
    monkeypatch.setitem(SIZES, "small", Sizes(32, 16, 32, 64))
    monkeypatch.setattr(schedule, "FEWEST_STEPS", 10)

    def by(curve, *, basis="faces"):
        def measure(machine):
            score = round(CURVES[curve](machine.weight[0]), 4)
            return {"score": score, **dict.fromkeys(SHARES, score), "fooled": False}

        rows = np.arange(4), np.arange(4)
        cut = held.Slice(rows=rows, basis=basis, measure=measure)
        monkeypatch.setattr(held, "held_out", lambda people, asked, **look: rows if asked else None)
        monkeypatch.setattr(held, "hold_out", lambda people, rows, **look: cut)

    by("falling late")
    return by


def weights(folder):
    return checkpoint.read_weights(folder / "weights.h5")["w"]


def without_times(said):
    return [{k: v for k, v in row.items() if k not in ("seconds", "took")} for row in said["quality"]["history"]]


def test_the_best_is_handed_over_or_the_last(judged, people, tmp_path, capfd):
    said = trained(tmp_path, people, budget={"steps": 60})["quality"]
    assert [row["step"] for row in said["history"]] == [10, 20, 30, 40, 50, 60]
    assert (said["best"]["step"], said["last"]["step"], said["delivered"]) == (40, 60, 40)
    assert said["best"]["score"] == 0.9 and said["last"]["score"] == 0.7
    assert said["stopped"] == "budget: its 60 steps are spent" and weights(tmp_path)[0] == 40
    err = capfd.readouterr().err
    assert "step 40, quality 0.900 (the best so far, 0.800 before): likeness 90%" in err
    assert "step 60, quality 0.700 (0.900 was best, at step 40)" in err
    assert [row["warp"] for row in said["history"]] == ["random"] * 4 + ["none"] * 2
    last = trained(tmp_path, people, budget={"steps": 60}, deliver="last")["quality"]
    assert last["delivered"] == 60 and last["best"] == said["best"] and weights(tmp_path)[0] == 60


def test_nothing_left_to_do_hands_over_the_same(judged, people, tmp_path, monkeypatch):
    first = trained(tmp_path, people, budget={"steps": 60})
    before = {file: (tmp_path / file).read_bytes() for file in FILES.values()}
    without_tensorflow(monkeypatch)
    assert trained(tmp_path, people, budget={"steps": 60}) == first
    assert {file: (tmp_path / file).read_bytes() for file in FILES.values()} == before
    again = trained(tmp_path, people, budget={"steps": 60}, patience=30)
    assert again["quality"] == first["quality"], "how it is judged is no reason to train"


@pytest.mark.parametrize("place", ["the best", "the state", "learning", "measuring"])
def test_killed_anywhere_best_and_history_are_the_same(judged, people, tmp_path, monkeypatch, place):
    whole = trained(tmp_path / "whole", people, budget={"steps": 60})
    left = [4]

    def killing(function, *, where=lambda *a: True):
        def once(*given, **how):
            if left[0] and where(*given):
                left[0] -= 1
                raise KeyboardInterrupt
            return function(*given, **how)

        return once

    if place == "the best":
        monkeypatch.setattr(checkpoint, "save_best", killing(checkpoint.save_best))
    elif place == "the state":  # between the best and the state that names it
        monkeypatch.setattr(checkpoint, "save", killing(checkpoint.save, where=lambda *a: a[2]["step"] > 25))
    elif place == "learning":
        monkeypatch.setattr(Judged, "run", killing(Sums.run, where=lambda machine, *a: machine.weight[0] > 35))
    else:
        monkeypatch.setattr(run.standing, "said", killing(run.standing.said))
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "parts", people, budget={"steps": 60})
    parts = trained(tmp_path / "parts", people, budget={"steps": 60})
    assert without_times(parts) == without_times(whole) and len(whole["quality"]["history"]) == 6
    assert parts["quality"]["best"]["step"] == whole["quality"]["best"]["step"] == 40
    assert parts["weights"] == whole["weights"] and (weights(tmp_path / "parts") == weights(tmp_path / "whole")).all()
    folder = state(tmp_path / "parts")
    # where the disk is slow fewer states are saved: the older one of the two that are kept may name an older best
    named = {store.read_json(path)["best"] for path in folder.glob("[0-9]*.json")} - {None}
    assert 40 in named and {int(path.stem) for path in (folder / "best").iterdir()} == named


def test_two_trainings_are_one(judged, people, tmp_path):
    one, two = (trained(tmp_path / name, people, budget={"steps": 60}) for name in ("one", "two"))
    assert without_times(one) == without_times(two) and one["weights"] == two["weights"]


def test_a_damaged_best_is_said_and_the_last_is_handed_over(judged, people, tmp_path, capfd):
    trained(tmp_path, people, budget={"steps": 60})
    path = state(tmp_path) / "best/000040.h5"
    path.write_bytes(path.read_bytes()[:-9])
    assert trained(tmp_path, people, budget={"steps": 60})["quality"]["delivered"] == 60
    assert "the best weights, of step 40, are missing or damaged; the last are handed over" in capfd.readouterr().err
    assert weights(tmp_path)[0] == 60


def test_a_damaged_state_goes_back_to_its_own_best(judged, people, tmp_path):
    trained(tmp_path, people, budget={"steps": 30})
    trained(tmp_path, people, budget={"steps": 60})
    saved = checkpoint.find(state(tmp_path), say=print)
    older = store.read_json(saved.path.with_name(f"{saved.number - 1:06d}.json"))
    assert checkpoint.find_best(state(tmp_path), older["best"]) is not None, "kept as long as a kept state names it"


@pytest.mark.parametrize("budget", [{"steps": 1000}, {"minutes": 600}])
def test_a_plateau_ends_training_and_says_so(judged, people, tmp_path, monkeypatch, capfd, budget):
    judged("flat")
    monkeypatch.setattr(schedule, "PARTS", 100)
    how = {"budget": budget, "stop": "plateau", "patience": 3}
    if "minutes" in budget:
        how["quality_every"] = 0.0005
    said = trained(tmp_path, people, **how)
    steps, why = said["steps"], said["quality"]["stopped"]
    assert why.startswith("plateau: quality stopped rising, none of 3 measurements brought a gain")
    assert said["seconds"] < 600 and said["quality"]["last"]["warp"] == "none", (
        "the last part without the warp came to its turn"
    )
    err = capfd.readouterr().err
    assert "quality has stopped rising; the next phase begins, without the warp" in err
    assert f"stopped after step {steps} by its plateau" in err
    if "steps" in budget:
        assert steps == 67, "20 rising, 3 more in patience, and a third of these 50 without the warp"
    monkeypatch.setattr(run.batches, "draw", lambda *a, **k: pytest.fail("trained again"))
    assert trained(tmp_path, people, **how)["quality"] == said["quality"]


def test_after_a_plateau_the_budget_may_still_be_spent(judged, people, others, tmp_path):
    judged("flat")
    how = {"budget": {"steps": 100}, "patience": 3}
    stopped = trained(tmp_path, people, stop="plateau", **how)
    assert stopped["steps"] < 100
    assert trained(tmp_path, others, stop="plateau", **how)["steps"] >= stopped["steps"] + 25, (
        "data changed: it goes on"
    )
    assert trained(tmp_path, others, **how)["quality"]["stopped"].startswith("budget")


def test_while_it_rises_it_is_not_stopped(judged, people, tmp_path):
    judged("rising")
    said = trained(tmp_path, people, budget={"steps": 120}, stop="plateau", patience=3)
    assert said["steps"] == 120 and said["quality"]["best"] == said["quality"]["last"]


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    folder = tmp_path_factory.mktemp("others")
    return make_faces(folder, "ann", count=40, seed=7), make_faces(folder, "bob", count=40, seed=8)


def test_after_a_change_only_what_was_measured_since_is_compared(judged, people, others, tmp_path):
    """The best of before was trained from faces that the user has taken out since."""
    trained(tmp_path, people, budget={"steps": 60})
    said = trained(tmp_path, others, budget={"steps": 60})
    assert said["steps"] == 75 and said["quality"]["best"]["step"] == 70 and weights(tmp_path)[0] == 70
    assert len(said["quality"]["history"]) == 8, "the curve is one"
    judged("falling late", basis="others")
    more = trained(tmp_path, others, budget={"steps": 120}, held_out=9)
    assert more["steps"] == 90 and more["quality"]["best"]["step"] > 75


def test_an_older_state_goes_on_and_is_measured(judged, people, tmp_path, monkeypatch):
    """Trained before quality was measured: nothing is trained again, and with a higher budget it is measured from there."""
    judged("rising")
    trained(tmp_path, people, budget={"steps": 20}, held_out=0)
    saved = checkpoint.find(state(tmp_path), say=print)
    info = {k: v for k, v in saved.info.items() if k not in ("quality", "basis", "since", "best")}
    old = checkpoint.read_arrays(saved)
    for path in state(tmp_path).glob("0*"):
        path.unlink()
    store.write_bytes(checkpoint.save(state(tmp_path), old.items(), info).path.with_suffix(".jpg"), b"a preview")
    with monkeypatch.context() as patch:
        without_tensorflow(patch)
        said = trained(tmp_path, people, budget={"steps": 20})
    assert said["steps"] == 20 and said["quality"]["history"] == [] and said["quality"]["best"] is None
    assert said["quality"]["delivered"] == 20
    more = trained(tmp_path, people, budget={"steps": 40})
    assert [row["step"] for row in more["quality"]["history"]] == [30, 40] and arrays(tmp_path)["weights/w"][0] == 40


def test_an_older_goal_is_the_same_goal():
    data = {"source": "1", "target": "2"}
    old = {"learning_rate": 3e-4, "budget": {"steps": 9}, "continue_share": 0.2}
    new = {**old, "held_out": 24, "quality_every": None, "deliver": "best", "stop": "plateau", "patience": 4}
    assert schedule.goal_digest(data, old) == schedule.goal_digest(data, new)


def test_too_few_faces_are_said(judged, people, tmp_path, monkeypatch, capfd):
    few = people[0], make_faces(tmp_path, "bob", count=20, seed=3)
    trained(tmp_path, few, budget={"steps": 5}, held_out=0)
    assert "quality is not measured, for train.held_out is 0" in capfd.readouterr().err
    monkeypatch.setattr(held, "held_out", lambda *a, **k: None)
    said = trained(tmp_path, few, budget={"steps": 9}, stop="plateau")
    err = capfd.readouterr().err
    assert "bob has 20 faces to train from and at least 32 are needed" in err and "to the end of its budget" in err
    assert said["quality"]["history"] == [] and said["quality"]["stopped"].startswith("budget")
    assert json.dumps(said["quality"])
