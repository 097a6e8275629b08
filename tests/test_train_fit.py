"""The batch that fits a machine, by scripted probes; and what is done where memory runs out."""

from __future__ import annotations

import numpy as np
import pytest
from test_train_run import Sums, arrays, trained
from training import make_faces, without_tensorflow_beside

from swapcore import store
from swapcore.config.architectures import SIZES, Sizes
from swapcore.errors import SwapError
from swapcore.train import fit, run

GB = 10**9


class ResourceExhaustedError(Exception):
    """As TensorFlow's is called."""


def scripted(rates, *, room=10**12, each=1):
    """images_per_s and left of a machine: batch -> images/s; a batch takes `each` bytes a face."""
    free = [room]

    def images_per_s(batch):
        if batch not in rates:
            raise ResourceExhaustedError
        free[0] = room - each * batch
        return rates[batch]

    return images_per_s, lambda: free[0]


CASES = {
    "more is better": ({4: 10, 8: 20, 16: 40, 32: 80, 64: 160, 128: 320, 256: 640}, 256),
    "no gain beyond 16": ({4: 50, 8: 80, 16: 100, 32: 101, 64: 100, 128: 102, 256: 99}, 16),
    "it falls again": ({4: 50, 8: 100, 16: 90, 32: 80, 64: 999}, 8),
    "memory ends": ({4: 10, 8: 20, 16: 30}, 16),
}


@pytest.mark.parametrize(("rates", "wanted"), CASES.values(), ids=CASES)
def test_the_quickest_batch_is_found(rates, wanted):
    found = fit.probe(*scripted(rates))
    assert fit.choose(found) == wanted and set(found.items()) <= set(rates.items())


def test_what_is_expected_not_to_fit_is_not_tried():
    rates = {batch: batch for batch in fit.BATCHES}
    found = fit.probe(*scripted(rates, room=100, each=1))  # 64 leave 36, and 128 need 64 more
    assert max(found) == 64
    with pytest.raises(fit.TooLarge):
        fit.probe(*scripted({}))
    with pytest.raises(ZeroDivisionError):
        fit.probe(lambda batch: 1 / 0, lambda: 1)


def test_batches_that_are_tried_can_be_spread():
    for devices in (1, 2, 3, 8):
        tried = []
        fit.probe(lambda batch, tried=tried: tried.append(batch) or float(batch), lambda: 10**12, devices=devices)
        assert tried == sorted(set(tried)) and all(batch % devices == 0 for batch in tried)
        assert tried[0] == max(devices, 4 // devices * devices) and tried[-1] > 200


SPREAD = [  # asked, seen, batch, GPUs; found, a line
    ("all", 1, 16, 0, 1, ""),
    ("all", 2, 16, 0, 1, ""),  # one processor that plays two
    (2, 2, 16, 0, 2, ""),
    ("all", 4, 16, 4, 4, ""),
    ("all", 4, "auto", 4, 4, ""),
    (2, 4, 16, 4, 2, ""),
    (
        "all",
        3,
        16,
        3,
        2,
        "16 faces of each person cannot be spread evenly over 3 devices, 2 train; a train.batch of 15 or 18",
    ),
    ("all", 8, 5, 8, 5, "5 train; a train.batch of 8 takes all"),
    (4, 4, 2, 4, 2, "2 train"),  # what memory left of a batch of 4
    ("all", 1, 16, 4, 1, "of 4 GPUs one trains, for train.backend is tensorflow; jax takes all"),
]


@pytest.mark.parametrize(("asked", "seen", "batch", "gpus", "wanted", "said"), SPREAD)
def test_a_batch_is_spread_over_the_devices(asked, seen, batch, gpus, wanted, said, capfd):
    assert fit.spread(asked, seen, batch, gpus=gpus, what="train s") == wanted
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == bool(said) and (not said or said in lines[0])


def test_more_devices_than_are_seen_are_refused():
    with pytest.raises(
        SwapError, match=r"train\.devices: expected at most 1, as many as are seen, found 2; set 1 or all"
    ):
        fit.spread(2, 1, 16, gpus=1, what="s")


def test_faces_are_kept_where_they_fit(capfd):
    assert fit.room_to_keep(GB, 40 * GB, what="train s") and not fit.room_to_keep(GB, 3 * GB, what="train s")
    assert not fit.room_to_keep(1, None, what="train s"), "on a processor"
    said = capfd.readouterr().err.splitlines()
    assert said[0] == "train s: all faces lie in the GPU's memory (1.00 of 40.0 GB)" and len(said) == 2
    assert "(1.0 GB) would take more than 25% of the GPU's free memory (3.0 GB)" in said[1]


def test_errors_of_memory_are_known():
    for error in (MemoryError(), ResourceExhaustedError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory")):
        assert fit.out_of_memory(error)
    assert not fit.out_of_memory(ValueError("shape"))


def test_it_is_remembered_by_device_and_model(tmp_path, capfd):
    def measure(best):
        return lambda: {4: 1.0, best: 10.0}

    asked = [("cpu", "small", 16), ("cpu", "original", 8), ("gpu", "small", 64)]
    assert [fit.batch(tmp_path, d, m, measure(b), what="train s") for d, m, b in asked] == [16, 8, 64]
    again = [fit.batch(tmp_path, d, m, lambda: pytest.fail("probed again"), what="train s") for d, m, _ in asked]
    assert again == [16, 8, 64]
    said = capfd.readouterr().err.splitlines()
    assert said[0] == "train s: batch 16, the quickest for small on cpu (images/s by batch: 4: 1, 16: 10)"
    assert "earlier" in said[3]
    (tmp_path / fit.REMEMBERED).write_text("{")
    assert fit.batch(tmp_path, "cpu", "small", measure(32), what="s") == 32, "a damaged file is made anew"


def test_free_memory_heeds_the_control_group(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable:    4000000 kB\n")
    assert fit.free_memory(tmp_path) == 4_096_000_000
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "memory.current").write_text("1000000000\n")
    for limit, free in (("max", 4_096_000_000), ("3000000000", 2 * GB), ("500000000", 0)):
        (group / "memory.max").write_text(limit)
        assert fit.free_memory(tmp_path) == free
    assert fit.free_memory() > 0


def test_a_model_without_room_is_a_line():
    fit.check_room("original", 82_060_000, 3 * GB)
    with pytest.raises(SwapError, match=r"original needs about 2.0 GB of memory more to train, 1.5 GB are free; close"):
        fit.check_room("original", 82_060_000, 3 * GB // 2)


@pytest.fixture
def people(tmp_path):
    return make_faces(tmp_path, "ann"), make_faces(tmp_path, "bob", seed=1)


@pytest.fixture
def small_memory(monkeypatch):
    """A machine on which no more than three faces of each have room; its learning."""
    made = []

    class Small(Sums):
        def __init__(self):
            super().__init__()
            made.append(self)

        def run(self, images, *, step, warp, rate, **more):
            if images.shape[1] > 6:
                self.weight += 1000  # a call that fails may have moved the weights
                raise ResourceExhaustedError
            return super().run(images, step=step, warp=warp, rate=rate, **more)

    monkeypatch.setattr(run, "device", lambda count: "nothing")
    without_tensorflow_beside(monkeypatch)
    monkeypatch.setattr(run, "_machine", lambda settings, **_: Small())
    monkeypatch.setitem(SIZES, "small", Sizes(32, 16, 32, 64))
    return made


def test_out_of_memory_halves_the_batch_and_goes_on(small_memory, people, tmp_path, capfd):
    said = trained(tmp_path, people, budget={"steps": 9}, batch=8)
    assert said["batch"] == 2 and said["steps"] == 9 and said["images"] == 2 * 2 * 9
    assert len(small_memory) == 3 and arrays(tmp_path)["weights/w"][0] == 9, "nothing of a failed call is kept"
    lines = capfd.readouterr().err
    assert "out of memory with a batch of 8; going on with 4" in lines and "with a batch of 4; going on with 2" in lines
    assert trained(tmp_path, people, budget={"steps": 12}, batch=8)["batch"] == 2 and len(small_memory) == 4
    trained(tmp_path, people, budget={"steps": 3}, batch=2, seed=5)
    assert store.read_json(tmp_path / "trained.json")["batch"] == 2


def test_one_face_that_does_not_fit_is_a_line(small_memory, people, tmp_path, monkeypatch):
    def never(*_, **__):
        raise ResourceExhaustedError

    monkeypatch.setattr(Sums, "run", never)
    with pytest.raises(SwapError, match="memory ran out with a single face of each person"):
        trained(tmp_path, people, budget={"steps": 9}, batch=1)


def test_auto_is_chosen_once_and_stays(small_memory, people, tmp_path, monkeypatch):
    found = []
    monkeypatch.setattr(fit, "timed", lambda run, batch: (run(batch), found.append(batch), float(batch))[2])
    monkeypatch.setattr(fit, "BATCHES", (1, 2, 3, 4))
    said = trained(tmp_path, people, budget={"steps": 5}, batch="auto")
    assert said["batch"] == 3 and found == [1, 2, 3], "four run out of memory"
    assert said["settings"]["batch"] == "auto" and said["steps"] == 5
    assert np.allclose(arrays(tmp_path)["weights/w"][0], 5), "what the probe learnt is taken back"
    assert trained(tmp_path, people, budget={"steps": 7}, batch="auto")["batch"] == 3 and found == [1, 2, 3]


def test_the_processor_is_read_where_linux_tells_of_it(tmp_path):
    assert fit.cpuinfo(tmp_path) == ""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("flags\t: avx2\n")
    assert fit.cpuinfo(tmp_path) == "flags\t: avx2\n"
