"""What limits training, over cases; and counters of this machine."""

from __future__ import annotations

import pytest

from swapcore.train import watch

FINE = {
    "arithmetic": 0.95,
    "faces": 0.01,
    "measuring": 0.02,
    "saving": 0.0,
    "own": 0.9,
    "busy": 0.93,
    "memory_free": 0.5,
}
CASES = {
    "arithmetic": ({}, "the processors' arithmetic, 95% of the time"),
    "faces": ({"faces": 0.4, "arithmetic": 0.5}, "waiting for faces, 40% of the time: put `state` on a quicker disk"),
    "measuring": ({"measuring": 0.3}, "measuring quality, 30% of the time: raise train.quality_every"),
    "saving": ({"saving": 0.2}, "saving, 20% of the time: raise train.checkpoint_every"),
    "the worst of two": ({"faces": 0.2, "saving": 0.3}, "saving, 30%"),
    "others": ({"own": 0.4, "busy": 1.0}, "other processes take 60% of the processors"),
    "memory": ({"memory_free": 0.02, "faces": 0.5}, "little memory is left (2%)"),
    "an idle GPU": ({"gpu": 0.3}, "the GPU is busy 30% of the time: a larger train.batch"),
    "a busy GPU": ({"gpu": 0.97, "own": 0.1, "busy": 0.9}, "the GPU's arithmetic, 95% of the time"),
}


@pytest.mark.parametrize(("changed", "said"), CASES.values(), ids=CASES)
def test_the_verdict(changed, said):
    assert watch.verdict({**FINE, **changed}).startswith(said)


def test_time_is_counted_by_kind_and_begins_anew(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])
    seen = watch.Watch()
    for kind, seconds in (("arithmetic", 6), ("faces", 3), ("arithmetic", 1)):
        with seen.spent(kind):
            clock[0] += seconds
    found = seen.look()
    assert [found[kind] for kind in watch.KINDS] == [0.7, 0.3, 0, 0]
    clock[0] += 1
    assert seen.look()["arithmetic"] == 0


def test_counters_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(watch.os, "sysconf", lambda name: 100)
    (tmp_path / "stat").write_text("cpu  100 0 100 700 50 0 50 0 0 0\ncpu0 1\n")
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemAvailable: 250 kB\n")
    found = watch.counters(tmp_path)
    assert (found["all"], found["busy"], found["memory_free"]) == (10, 2.5, 0.25)
    assert watch.counters()["own"] > 0
