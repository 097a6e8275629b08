"""States are written while training goes on: what is written is what was saved, in its order, and nothing is lost."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from swapcore.errors import SwapError
from swapcore.train import checkpoint
from swapcore.train.saver import saver


@pytest.fixture
def arrays():
    return {"weights/a": np.arange(5, dtype=np.float32), "first/a": np.ones((2, 3), np.float32)}


@pytest.fixture
def slow(monkeypatch):
    """Writing waits for the event."""
    go, write = threading.Event(), checkpoint.write_arrays

    def waits(path, pairs):
        assert go.wait(20)
        return write(path, pairs)

    monkeypatch.setattr(checkpoint, "write_arrays", waits)
    return go


def test_it_does_not_wait_and_writes_what_was_saved(tmp_path, arrays, slow):
    with saver(tmp_path, None) as states:
        states.take(arrays.items())
        states.save(arrays.items(), {"step": 3})
        assert states.busy() and checkpoint.find(tmp_path, say=print) is None, "nothing is written yet"
        arrays["weights/a"][:] = -1  # training goes on
        slow.set()
    saved = checkpoint.find(tmp_path, say=print)
    assert saved.info == {"step": 3}
    assert checkpoint.read_arrays(saved)["weights/a"].tolist() == [0, 1, 2, 3, 4]


def test_one_thing_after_the_other(tmp_path, arrays, slow):
    slow.set()
    with saver(tmp_path, None) as states:
        for step in range(1, 6):
            arrays["weights/a"][:] = step
            states.save_best(step, arrays.items(), {"step": step})
            states.save(arrays.items(), {"step": step, "best": step})
        newest = states.wait()
        assert not states.busy()
    assert newest.info["step"] == 5 and newest == checkpoint.find(tmp_path, say=print)
    for step in (4, 5):
        best = checkpoint.find_best(tmp_path, step)
        assert set(checkpoint.read_arrays(best)) == {"weights/a"}
        assert (checkpoint.read_arrays(best)["weights/a"] == step).all()
    assert checkpoint.find_best(tmp_path, 3) is None, "no kept state names it"


def test_the_same_memory_serves_every_time(tmp_path, arrays):
    with saver(tmp_path, None) as states:
        states.take(arrays.items())
        states.save(arrays.items(), {"step": 1})
        states.wait()
        first = {name: id(copy) for name, copy in states.kept.items()}
        states.save_best(1, arrays.items(), {"step": 1})
        states.save(arrays.items(), {"step": 2})
        states.wait()
        assert {name: id(copy) for name, copy in states.kept.items()} == first and set(first) == set(arrays)


@pytest.mark.parametrize("look", ["busy", "wait", "save", "the end"])
def test_what_fails_is_told(tmp_path, arrays, look):
    spoilt = {**arrays, "first/a": np.full((2, 3), np.nan, np.float32)}
    with pytest.raises(SwapError, match="no longer finite"), saver(tmp_path, None) as states:
        states.save(arrays.items(), {"step": 1})
        states.save(spoilt.items(), {"step": 2})
        if look == "busy":
            while states.busy():
                pass
        elif look == "wait":
            states.wait()
        elif look == "save":
            states.save(arrays.items(), {"step": 3})
    assert checkpoint.find(tmp_path, say=print).info["step"] == 1


def test_an_error_of_training_waits_for_the_write(tmp_path, arrays, slow):
    with pytest.raises(ZeroDivisionError), saver(tmp_path, None) as states:
        states.save(arrays.items(), {"step": 1})
        threading.Timer(0.2, slow.set).start()
        raise ZeroDivisionError
    assert checkpoint.find(tmp_path, say=print).info["step"] == 1
