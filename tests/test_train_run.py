"""A swap is trained, killed, gone on with, changed: on a tiny model, and once by the real script."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from training import make_faces, settings, without_tensorflow_beside

from swapcore import models, store
from swapcore.config.architectures import SIZES, Sizes
from swapcore.errors import SwapError
from swapcore.models import portable, small
from swapcore.train import Outputs, batches, checkpoint, results, run, sheet, train

FILES = {"trained": "trained.json", "weights": "weights.h5"}
FILES |= {"curve": "loss.png", "quality": "quality.png", "preview": "preview.jpg"}
TABLE = run._table


@pytest.fixture
def tiny(monkeypatch):
    """Real training, but of pictures of 32 pixels, and with a sixteenth of the channels."""
    monkeypatch.setattr(small, "WIDTH", 1 / 16)
    monkeypatch.setitem(SIZES, "small", Sizes(32, 16, 32, 64))


class Sums:
    """In place of a model: its one weight adds up what it is given, so no step can be lost or done twice unseen."""

    def __init__(self):
        self.weight = np.zeros(2)
        self.loss = np.array([0.2, 0.1])

    def run(self, images, *, step, warp, rate, shares, bends=None):
        self.weight += [len(images), sum((step + k) * float(i.mean()) for k, i in enumerate(images))]
        return self.loss

    def arrays(self):
        return [("weights/w", self.weight.copy())]

    def restore(self, arrays, *, where):
        self.weight = arrays["weights/w"].copy()

    def graphs(self):
        return dict.fromkeys(portable.GRAPHS.values(), b"graph")

    def show(self, source, target):
        return np.stack([source, source, target, target, target, source], axis=1)


@pytest.fixture
def sums(monkeypatch):
    """Training without TensorFlow."""
    machine = Sums
    without_tensorflow_beside(monkeypatch)
    monkeypatch.setattr(run, "_machine", lambda settings, **_: machine())
    monkeypatch.setitem(SIZES, "small", Sizes(32, 16, 32, 64))
    return machine


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    return make_faces(folder, "ann"), make_faces(folder, "bob", seed=1)


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    return make_faces(tmp_path_factory.mktemp("others"), "ann", seed=7)


def trained(folder: Path, people, **changed) -> dict:
    """Train in a folder, with all outputs missing before, as Snakemake has it; what trained.json says."""
    outputs = Outputs(**{name: folder / file for name, file in FILES.items()})
    for path in vars(outputs).values():
        path.unlink(missing_ok=True)
    train("ann_onto_bob", *people, settings=settings(**changed), state=folder / "state", outputs=outputs)
    return store.read_json(outputs.trained)


def state(folder: Path) -> Path:
    return folder / "state/swaps/ann_onto_bob/ann.bob.small-32"


def arrays(folder: Path) -> dict[str, np.ndarray]:
    return checkpoint.read_arrays(checkpoint.find(state(folder), say=print))


def without_tensorflow(monkeypatch):
    monkeypatch.setattr(run, "_work", lambda *a, **k: pytest.fail("TensorFlow was needed"))


def test_a_swap_is_learnt(tiny, people, tmp_path, capfd):
    said = trained(tmp_path, people, budget={"steps": 150}, learning_rate=3e-3, batch=4)
    assert said["steps"] == 150 and (said["swap"], said["source"], said["target"]) == ("ann_onto_bob", "ann", "bob")
    assert said["datasets"] == {"source": people[0].digest, "target": people[1].digest}
    assert said["weights"] == {"file": "weights.h5", "sha256": store.sha256(tmp_path / "weights.h5")}
    assert (said["model"], said["resolution"], said["span"], said["coverage"]) == ("small", 32, 0.5, 0.8)
    assert said["centring"] == "legacy"
    history = store.read_json(sorted(state(tmp_path).glob("*.json"))[-1])["history"]
    fall = np.array([row[3:] for row in history])
    assert (fall[-1] < 0.5 * fall[0]).all(), "both losses fall"
    sheet, curve = (cv2.imread(str(tmp_path / FILES[name])) for name in ("preview", "curve"))
    assert sheet.shape[0] > 6 * 128 and curve.shape[1] > 800

    swap = models.predictor(said, tmp_path / "weights.h5", runtime="onnx")
    (path,) = (tmp_path / "state/swaps/ann_onto_bob/samples").glob("target-*.npy")
    cache = np.load(path)["face"][:8, 10:-10, 10:-10]  # bob's faces, blue; ann's are red
    bob = np.stack([cv2.resize(face[..., :3], (32, 32)) for face in cache]).astype(np.float32) / 255
    ann = swap(bob)[:, 12:20, 12:20].mean((0, 1, 2))
    assert ann[2] > ann[0] + 0.2, "bob's face in, ann's colour out"
    lines = [line for line in capfd.readouterr().err.splitlines() if "images/s" in line]
    assert lines and "step 150/150" in lines[-1] and "0 s left" in lines[-1]


def test_masks_are_learnt_and_may_be_from_later_on(tiny, people, tmp_path, capfd):
    how = {"learning_rate": 3e-3, "batch": 4, "continue_share": 1.0}
    trained(tmp_path, people, budget={"steps": 2}, **how)
    before = arrays(tmp_path)
    assert not [name for name in before if "/mask/" in name]
    said = trained(tmp_path, people, budget={"steps": 150}, learn_mask=True, **how)
    assert "train ann_onto_bob: learns masks from here on; all else goes on as it was" in capfd.readouterr().err
    assert said["steps"] == 152 and said["settings"]["learn_mask"]
    assert {name for name in arrays(tmp_path) if "/mask/" not in name} == set(before)

    (path,) = (tmp_path / "state/swaps/ann_onto_bob/samples").glob("target-*.npy")
    shape, rows = batches.geometry(people[1].size, coverage=0.8, resolution=32), np.load(path)["face"]
    bob, inside = sheet.looks(rows, shape, resolution=32)
    both = models.predictor(said, tmp_path / "weights.h5", runtime="onnx", masked=True)(bob)
    seen = both[..., 3] > 0.5
    assert both.shape == (20, 32, 32, 4) and (seen & inside).sum() / (seen | inside).sum() > 0.8

    trained(tmp_path, people, budget={"steps": 2}, **how)
    assert "no longer learns masks; what it had learnt of them is dropped" in capfd.readouterr().err
    assert set(arrays(tmp_path)) == set(before)


def test_going_on_equals_not_stopping(tiny, people, tmp_path):
    """Weights, moments, samples and learning rate: all as if training had not been interrupted."""
    ends = [{"warp": "random", "until": {"steps": 3}}, {"warp": "landmarks", "until": {"steps": 4}}]
    late = {"warp": "none", "rate": 0.5, "losses": {"gradient": 1.0}}
    steps = {"budget": {"steps": 12}, "schedule": [*ends, late]}
    trained(tmp_path / "whole", people, **steps)
    trained(tmp_path / "parts", people, **{**steps, "budget": {"steps": 5}})
    assert trained(tmp_path / "parts", people, **steps)["steps"] == 12
    whole, parts = arrays(tmp_path / "whole"), arrays(tmp_path / "parts")
    assert set(whole) == set(parts) and {name.split("/")[0] for name in whole} == {"weights", "first", "second"}
    for name, array in whole.items():
        assert np.allclose(array, parts[name], rtol=1e-3, atol=1e-3 * np.abs(array).max()), name


def test_faces_in_the_gpus_memory_train_alike(tiny, people, tmp_path, monkeypatch, capfd):
    """A GPU is pretended: the faces lie in TensorFlow's memory, and each step is handed numbers alone."""
    how = {"budget": {"steps": 6}, "schedule": [{"warp": "landmarks", "until": {"steps": 2}}, {"warp": "random"}]}
    trained(tmp_path / "handed", people, **how)
    monkeypatch.setattr(run, "gpu_memory_free", lambda count: 10**9)
    trained(tmp_path / "kept", people, **how)
    assert "all faces lie in the GPU's memory" in capfd.readouterr().err
    handed, kept = arrays(tmp_path / "handed"), arrays(tmp_path / "kept")
    for name, array in handed.items():
        assert np.allclose(array, kept[name], rtol=1e-3, atol=1e-3 * np.abs(array).max()), name
    histories = [checkpoint.find(state(tmp_path / f), say=print).info["history"][-1][3:] for f in ("handed", "kept")]
    assert np.allclose(*histories, rtol=1e-3)


def test_a_gpu_too_full_for_the_faces_trains_all_the_same(sums, people, tmp_path, monkeypatch, capfd):
    def full(self, images):
        raise MemoryError

    monkeypatch.setattr(run, "_table", TABLE)
    monkeypatch.setattr(run, "gpu_memory_free", lambda count: 10**9)
    monkeypatch.setattr(sums, "keep", full, raising=False)
    assert trained(tmp_path, people)["steps"] == 12
    assert "the GPU's memory ran out, so each step's faces are handed over" in capfd.readouterr().err


def test_nothing_left_to_do(sums, people, tmp_path, monkeypatch, capfd):
    first = trained(tmp_path, people)
    before = {file: (tmp_path / file).read_bytes() for file in FILES.values()}
    monkeypatch.setattr(run, "_work", lambda *a, **k: pytest.fail("TensorFlow was needed"))
    assert trained(tmp_path, people) == first
    assert {file: (tmp_path / file).read_bytes() for file in FILES.values()} == before
    assert trained(tmp_path, people, budget={"steps": 6})["steps"] == 12, "a smaller budget takes nothing back"
    assert "nothing left to do after step 12" in capfd.readouterr().err


@pytest.mark.parametrize("place", ["before the arrays", "before their JSON", "while learning"])
def test_killed_anywhere_every_step_is_done_once(sums, people, tmp_path, monkeypatch, place):
    """A kill without warning, again and again, until one run gets through."""
    trained(tmp_path / "whole", people, budget={"steps": 30})
    write, learn, left = checkpoint.write_arrays, sums.run, [3]

    def killed_writing(path, pairs):
        left[0] -= 1
        if place == "before their JSON":
            write(path, pairs)
        if left[0] >= 0:
            raise KeyboardInterrupt
        return write(path, pairs)

    def killed_learning(self, images, **how):
        left[0] -= how["step"] >= 10
        if left[0] >= 0 and how["step"] >= 10:
            raise KeyboardInterrupt
        return learn(self, images, **how)

    trained(tmp_path / "parts", people, budget={"steps": 10})
    if place == "while learning":
        monkeypatch.setattr(sums, "run", killed_learning)
    else:
        monkeypatch.setattr(checkpoint, "write_arrays", killed_writing)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "parts", people, budget={"steps": 30})
    assert trained(tmp_path / "parts", people, budget={"steps": 30})["steps"] == 30
    assert np.allclose(arrays(tmp_path / "parts")["weights/w"], arrays(tmp_path / "whole")["weights/w"])


def test_faces_are_drawn_while_the_step_before_computes(sums, people, tmp_path, monkeypatch):
    asked, learn = [threading.Event() for _ in range(13)], sums.run
    picked = run.batches.picked

    def noted(counts, *, first, steps, **how):
        for event in asked[first : first + steps]:
            event.set()
        return picked(counts, first=first, steps=steps, **how)

    def waits(self, images, *, step, **how):
        end = step + len(images)
        assert end >= 12 or asked[end].wait(30), "the next call's faces are not drawn before this one ends"
        return learn(self, images, step=step, **how)

    monkeypatch.setattr(run.batches, "picked", noted)
    monkeypatch.setattr(sums, "run", waits)
    assert trained(tmp_path, people)["steps"] == 12


def test_other_data_or_settings_go_on_for_a_share(sums, people, others, tmp_path, capfd):
    trained(tmp_path, people, budget={"steps": 20})
    changed = (others, people[1])
    assert trained(tmp_path, changed, budget={"steps": 20})["steps"] == 25
    assert "going on from step 20" in capfd.readouterr().err
    assert arrays(tmp_path)["weights/w"][0] == 25, "from the weights, not from the beginning"
    assert trained(tmp_path, changed, budget={"steps": 20}, mask="components")["steps"] == 30
    assert trained(tmp_path, changed, budget={"steps": 24}, mask="components")["steps"] == 31


def test_other_masks_go_on_for_a_share_where_the_mask_wants_them(sums, people, tmp_path, capfd):
    def seen(rows):
        share = np.repeat(np.where(np.arange(64) < rows, 255, 0).astype(np.uint8)[:, None], 64, 1)
        for faces in people:
            store.write_masks(tmp_path / f"{faces.person}.zip", ((str(name), share) for name in faces.table.id[:15]))
        return tuple(dataclasses.replace(f, masks={f.person: tmp_path / f"{f.person}.zip"}) for f in people)

    wants = {"mask": {"min": ["extended", "parser"]}, "budget": {"steps": 20}}
    said = trained(tmp_path, seen(32), **wants)
    assert (said["steps"], said["mask"]) == (20, wants["mask"])
    assert "ann: 5 of 20 faces were not parsed; the loss takes their masks from landmarks" in capfd.readouterr().err
    assert trained(tmp_path, seen(32), **wants)["steps"] == 20, "the same masks"
    assert trained(tmp_path, seen(40), **wants)["steps"] == 25


def test_another_person_or_model_is_another_state(sums, people, tmp_path):
    assert trained(tmp_path, people, budget={"steps": 3})["steps"] == 3
    assert trained(tmp_path, people[::-1], budget={"steps": 2})["steps"] == 2
    assert trained(tmp_path, people, budget={"steps": 2}, model="original")["steps"] == 2
    assert trained(tmp_path, people, budget={"steps": 4})["steps"] == 4, "and going back loses nothing"
    assert arrays(tmp_path)["weights/w"][0] == 4


def test_another_centring_is_another_state(sums, people, tmp_path):
    heads = tuple(make_faces(tmp_path, p.person, seed=k, centring="head") for k, p in enumerate(people))
    assert trained(tmp_path, people, budget={"steps": 3})["centring"] == "legacy"
    said = trained(tmp_path, heads, budget={"steps": 2})
    assert (said["steps"], said["centring"], said["span"]) == (2, "head", people[0].span)
    assert trained(tmp_path, people, budget={"steps": 4})["steps"] == 4, "and going back loses nothing"


def test_the_warp_and_the_rate_follow_the_budget(sums, people, tmp_path, monkeypatch):
    asked = []

    def note(self, images, *, step, warp, rate, shares, bends=None):
        asked.append((step, len(images), warp, round(float(rate[-1]) * 6e4, 4)))
        return self.loss

    monkeypatch.setattr(sums, "run", note)
    trained(tmp_path, people, budget={"steps": 40}, learning_rate=6e-4, warp=0.5)
    assert sum(steps for _, steps, *_ in asked) == 40
    assert {row[2:] for row in asked if row[0] < 30} == {(0.5, 36.0)}
    assert {row[2:] for row in asked if row[0] >= 30} == {(0.0, 6.0)}


def test_a_rate_that_falls_does_so_step_by_step_however_many_a_call_has(sums, people, tmp_path, monkeypatch):
    rates = {}

    def note(self, images, *, step, warp, rate, shares, bends=None):
        rates.update(zip(range(step, step + len(images)), rate.tolist(), strict=True))
        return self.loss

    monkeypatch.setattr(sums, "run", note)
    schedule = [{"warp": "random", "until": {"share": 0.5}}, {"warp": "none", "rate": 0.8, "rate_end": 0.2}]
    trained(tmp_path, people, budget={"steps": 40}, learning_rate=1e-3, schedule=schedule)
    wanted = [1e-3] * 20 + [1e-3 * (0.8 - 0.6 * k / 20) for k in range(20)]
    assert np.allclose([rates[k] for k in range(40)], wanted, rtol=1e-5)


def test_a_damaged_state_costs_a_checkpoint(sums, people, tmp_path, capfd):
    trained(tmp_path, people, budget={"steps": 4})
    trained(tmp_path, people, budget={"steps": 8})
    saved = checkpoint.find(state(tmp_path), say=print)
    saved.path.write_bytes(saved.path.read_bytes()[:-50])
    assert trained(tmp_path, people, budget={"steps": 8})["steps"] == 8
    assert "is damaged or another training's; going on from the one before" in capfd.readouterr().err
    assert arrays(tmp_path)["weights/w"][0] == 8


def test_a_preview_lost_after_training_is_made_again(sums, people, tmp_path, monkeypatch):
    """Killed between the last save and the preview: no step is repeated."""
    first = trained(tmp_path, people, budget={"steps": 4})
    checkpoint.find(state(tmp_path), say=print).path.with_suffix(".jpg").unlink()
    monkeypatch.setattr(run.batches, "draw", lambda *a, **k: pytest.fail("trained again"))
    assert trained(tmp_path, people, budget={"steps": 4}) == first


def test_a_training_without_the_graph_back_gets_it(sums, people, tmp_path, monkeypatch):
    """As one that an older Swapcore finished: no step is trained for it, and the weights are the same."""
    first = trained(tmp_path, people, budget={"steps": 4})
    weights = models.read_weights(tmp_path / "weights.h5")
    assert set(portable.GRAPHS.values()) < set(weights)
    results.graph_paths(state(tmp_path))[portable.GRAPHS["target"]].unlink()
    monkeypatch.setattr(run.batches, "draw", lambda *a, **k: pytest.fail("trained again"))
    assert trained(tmp_path, people, budget={"steps": 4}) == first
    again = models.read_weights(tmp_path / "weights.h5")
    assert {name: array.tolist() for name, array in again.items()} == {n: a.tolist() for n, a in weights.items()}


def test_minutes_end_in_time(sums, people, tmp_path):
    said = trained(tmp_path, people, budget={"minutes": 0.02})
    assert 1.2 <= said["seconds"] < 3 and said["steps"] > 3
    assert trained(tmp_path, people, budget={"minutes": 0.02})["steps"] == said["steps"]


@pytest.mark.parametrize("place", ["loss", "weight"])
def test_what_is_no_number_stops_before_it_is_saved(sums, people, tmp_path, monkeypatch, place):
    trained(tmp_path, people, budget={"steps": 3})
    spoilt = type("Spoilt", (sums,), {"arrays": lambda self: [("weights/w", self.weight * np.nan)]})
    spoilt = sums if place == "loss" else spoilt
    monkeypatch.setattr(run, "_machine", lambda settings, **_: spoilt())
    if place == "loss":
        monkeypatch.setattr(sums, "run", lambda self, images, **_: np.array([np.nan, 0.1]))
    with pytest.raises(SwapError, match="no longer a number after step 4" if place == "loss" else "no longer finite"):
        trained(tmp_path, people, budget={"steps": 60})
    assert checkpoint.find(state(tmp_path), say=print).info["step"] == 3
    assert np.isfinite(arrays(tmp_path)["weights/w"]).all()


@pytest.fixture
def diverging(sums, monkeypatch):
    """Training whose loss is NaN after step 20 where the rate is above a limit, as it would be; and the rates that were tried."""
    learn, limit, rates = sums.run, [1e-4], []

    def step(self, images, *, step, rate, **how):
        learn(self, images, step=step, rate=rate, **how)
        rates.append(round(float(rate.max()), 9))
        spoilt = step + len(images) > 20 and rates[-1] > limit[0]
        self.weight = self.weight * (np.nan if spoilt else 1)
        return self.loss * (np.nan if spoilt else 1)

    monkeypatch.setattr(sums, "run", step)
    return limit, rates


HOT = {"budget": {"steps": 40}, "learning_rate": 3.9e-4, "schedule": [{"warp": "none"}]}


def test_a_loss_that_is_no_number_is_gone_back_from_with_a_lower_rate(diverging, people, tmp_path, capfd):
    assert trained(tmp_path, people, **HOT)["steps"] == 40
    said = capfd.readouterr().err
    assert said.count("going back to step") == 2 and "on with 0.5 of" in said and "on with 0.25 of" in said
    assert set(diverging[1]) == {3.9e-4, 1.95e-4, 0.975e-4}
    assert arrays(tmp_path)["weights/w"][0] == 40, "no step of the spoilt ones is in the weights, none is missing"
    assert checkpoint.find(state(tmp_path), say=print).info["slower"] == 0.25
    diverging[1].clear()
    assert trained(tmp_path, people, **{**HOT, "budget": {"steps": 50}})["steps"] == 50
    assert set(diverging[1]) == {0.975e-4}, "the next run goes on with what was found"
    assert trained(tmp_path, people, **{**HOT, "learning_rate": 0.8e-4})["steps"] == 60
    assert diverging[1][-1] == 0.8e-4, "a rate that the user sets is taken as it is"


def test_after_three_times_it_is_an_error(diverging, people, tmp_path, capfd):
    diverging[0][0] = 0.0
    with pytest.raises(
        SwapError, match=r"after step 2\d, also with 0.125 of the learning rate; the last saved state is kept: lower"
    ):
        trained(tmp_path, people, **HOT)
    assert capfd.readouterr().err.count("going back to step") == 3
    saved = checkpoint.find(state(tmp_path), say=print).info["step"]
    assert 0 < saved <= 20 and np.isfinite(arrays(tmp_path)["weights/w"]).all()
    diverging[0][0] = 1.0
    assert trained(tmp_path, people, **HOT)["steps"] == 40 and arrays(tmp_path)["weights/w"][0] == 40


def test_a_signal_while_the_loss_is_spoilt_ends_all_the_same(sums, people, tmp_path, monkeypatch, capfd):
    def spoilt(self, images, **how):
        os.kill(os.getpid(), signal.SIGTERM)
        return self.loss * np.nan

    monkeypatch.setattr(sums, "run", spoilt)
    with pytest.raises(SystemExit) as stopped:
        trained(tmp_path, people)
    assert stopped.value.code == 143 and "stopped by SIGTERM; the last saved state is kept" in capfd.readouterr().err


def test_too_few_faces_are_refused_before_anything(sums, people, tmp_path):
    with pytest.raises(SwapError, match="bob: expected at least 16 faces"):
        trained(tmp_path, (people[0], make_faces(tmp_path, "bob", count=9)))
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_and_ends(sums, people, tmp_path, number, capfd):
    def kill():
        while not list(state(tmp_path).glob("*.json")):  # until training runs
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    handlers = [signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)]
    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(SystemExit) as stopped:
        trained(tmp_path, people, budget={"minutes": 10})
    thread.join()
    assert stopped.value.code == 128 + number
    assert [signal.getsignal(s) for s in (signal.SIGTERM, signal.SIGINT)] == handlers
    assert not (tmp_path / "trained.json").exists()
    step = checkpoint.find(state(tmp_path), say=print).info["step"]
    assert f"stopped by {number.name} after step {step}; saved" in capfd.readouterr().err
    assert trained(tmp_path, people, budget={"steps": step + 2})["steps"] == step + 2


def test_the_script_stops_in_time(root, people, tmp_path):
    """The real script and the real small model: a second one is refused, SIGTERM saves and ends it."""
    command = [sys.executable, root / "scripts/train.py", "--swap", "s", "--source", "ann", "--target", "bob"]
    for role, faces in zip(("source", "target"), people, strict=True):
        store.write_table(tmp_path / f"{role}.parquet", faces.table)
        about = {"person": faces.person, "digest": faces.digest, "size": faces.size}
        about |= {"centring": faces.centring, "span": faces.span}
        store.write_json(tmp_path / f"{role}.json", about)
        command += [f"--{role}-dataset", tmp_path / f"{role}.parquet", f"--{role}-json", tmp_path / f"{role}.json"]
    command += ["--clips", "ann", "bob", "--archives", people[0].archives["ann"], people[1].archives["bob"]]
    command += ["--settings", json.dumps({"budget": {"minutes": 10}, "batch": 1})]
    command += ["--state", tmp_path / "state", "--hints", json.dumps({"s": {"progress_every": 0.01}})]
    for option, file in (
        ("out", "t.json"),
        ("weights", "w.h5"),
        ("curve", "c.png"),
        ("quality", "q.png"),
        ("preview", "p.jpg"),
    ):
        command += [f"--{option}", tmp_path / file]

    def start():
        environment = {**os.environ, "PYTHONPATH": str(root)}
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)

    first = start()
    try:
        while "images/s" not in (line := first.stderr.readline()):
            assert line, "it ended before its first step"
        second = start()
        assert f"another training has it (process {first.pid} on" in second.communicate()[1] and second.returncode == 1
        asked = time.monotonic()
        first.terminate()
        said = first.communicate(timeout=60)[1]
        assert first.returncode == 143 and time.monotonic() - asked < 10, said
    finally:
        first.kill()
    folder = tmp_path / "state/swaps/s/ann.bob.small-64"
    step = checkpoint.find(folder, say=print).info["step"]
    assert step > 0 and f"stopped by SIGTERM after step {step}; saved" in said
    assert "Traceback" not in said and not (tmp_path / "t.json").exists()
