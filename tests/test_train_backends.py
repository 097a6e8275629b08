"""Training on TensorFlow and on JAX: the same losses and weights, from the same weights and samples."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

# in a process of its own, for Keras runs on one backend in a process
TRAIN = """
import dataclasses, sys
import numpy as np
from swapcore.models import backend, keras, masking, original
backend.choose(sys.argv[1])
from swapcore.train import step, warps

chance = np.random.default_rng(0)
truth = np.linspace(0, 1, 32)[:, None, None] * chance.random((4, 1, 1, 3)) * np.ones((1, 1, 32, 1))
faces = np.clip(truth + 0.1 * chance.normal(size=truth.shape), 0, 1)
samples = [keras().ops.convert_to_tensor(a.astype("float32")) for a in (faces, truth, np.ones((4, 32, 32, 3)))]
warps.samples = lambda images, seed, **_: samples  # random numbers differ between the backends
swapper = original.build(32, precision="float32", width=1 / 16)
head = masking.head(swapper.encoder, 32, precision="float32", width=1 / 8)
swapper = dataclasses.replace(swapper, mask=head)
trainer = step.trainer(swapper, view=0.7, seed=3, mix=("mae", "ssim", "laplacian"), weights={"eyes": 1, "mouth": 1})
shapes = {name: weight.shape for name, weight in swapper.variables().items()}
given = {n: chance.normal(size=s) * (2 / max(np.prod(s[:-1]), 1)) ** 0.5 * (len(s) > 1) for n, s in shapes.items()}
trainer.take({name: array.astype("float32") for name, array in given.items()}, where="here")
images = np.zeros((3, 4, 8, 8, 6), np.uint8)
bends, rates = (None, np.zeros((3, 4, 12, 12, 2), np.float32)), (1e-3, np.array([2e-3, 1e-3, 5e-4]))
how = {"warp": 1.0, "shares": [1.0, 1.0, 0.5]}
losses = [trainer.run(images, step=s, bends=b, rate=r, **how) for s, b, r in zip((0, 3), bends, rates)]
shown = trainer.show(*np.split(truth.astype("float32"), 2))
given = {f"before/{name}": array for name, array in given.items()}
np.savez(sys.argv[2], losses=losses, shown=shown, **given, **dict(trainer.arrays()))
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is an extra")
def test_both_backends_learn_the_same(root, tmp_path):
    quick = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    environment = {**os.environ, "PYTHONPATH": str(root), "JAX_PLATFORMS": "cpu", "XLA_FLAGS": quick}
    command = [sys.executable, "-c", TRAIN]
    names = ("tensorflow", "jax")
    pairs = [
        subprocess.Popen([*command, n, tmp_path / f"{n}.npz"], env=environment, stderr=subprocess.PIPE) for n in names
    ]
    said = [process.communicate()[1].decode() for process in pairs]
    assert [process.returncode for process in pairs] == [0, 0], said
    ours, theirs = (dict(np.load(tmp_path / f"{name}.npz")) for name in names)
    assert ours["losses"][1].sum() < ours["losses"][0].sum(), "it learns"
    assert np.allclose(ours["losses"], theirs["losses"], rtol=1e-4)
    assert set(ours) == set(theirs)
    for name in ours:
        if name.startswith("weights/"):
            # of the whole array: where a gradient is almost nothing, Adam moves by its sign, which rounding decides
            moved = np.linalg.norm(ours[name] - ours[name.replace("weights", "before", 1)])
            assert moved > 1e-3 and np.linalg.norm(ours[name] - theirs[name]) < 0.05 * moved, name
    assert np.abs(ours["shown"] - theirs["shown"]).max() < 4e-3, "less than a picture's levels differ"


# the same steps on one device whom faces are handed, and on two with the faces in their memory
SPREAD = """
import sys
import numpy as np
from swapcore.models import backend, keras, original
backend.choose("jax")
import jax
jit, flops = jax.jit, []

def counted(function=None, **how):
    made = jit(function, **how) if function else jit(**how)
    if getattr(function, "__name__", "") != "many":
        return made
    def call(*given):
        program = made.lower(*given).compile()
        flops.append(program.cost_analysis()["flops"])  # of one device
        return program(*given)
    return call

jax.jit = counted
from swapcore.train import step
assert backend.devices() == 2 and backend.gpu_memory_free(2) is None and backend.device(2).startswith("CPU")

chance = np.random.default_rng(0)
faces = chance.integers(0, 256, (9, 20, 20, 6), dtype=np.uint8)
numbers = chance.integers(0, 9, (3, 8)).astype(np.int32)
bends = chance.normal(0, 0.02, (3, 8, 12, 12, 2)).astype("float32")
start, found = None, {}
for devices in (1, 2):
    swapper = original.build(32, precision="float32", width=1 / 16)
    trainer = step.trainer(swapper, view=0.7, seed=3, mix=("mae",), weights={"eyes": 1, "mouth": 1}, devices=devices)
    start = start or {name: array.copy() for name, array in trainer.weights()}
    trainer.take(start, where="here")
    given = {"table": trainer.keep(faces)} if devices == 2 else {}
    how = {"warp": 1.0, "rate": 1e-3, "shares": [1.0], "bends": bends}
    losses = trainer.run(numbers if given else faces[numbers], step=5, **how, **given)
    used = {len(v.value.sharding.device_set) for v in swapper.variables().values()}
    assert used == {devices}, used
    found |= {f"{devices}/losses": losses, **{f"{devices}/{n}": a.copy() for n, a in trainer.weights()}}
assert 0.4 < flops[1] / flops[0] < 0.6, flops
assert trainer.show(*chance.random((2, 2, 32, 32, 3), dtype="float32")).shape == (2, 6, 32, 32, 3)
np.savez(sys.argv[1], **found, **{f"start/{n}": a for n, a in start.items()})
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is an extra")
def test_two_devices_learn_what_one_learns(root, tmp_path):
    """At half the arithmetic each; with faces that lie in their memory as with faces that are handed over."""
    flags = "--xla_force_host_platform_device_count=2"
    flags += " --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    environment = {**os.environ, "PYTHONPATH": str(root), "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    command = [sys.executable, "-c", SPREAD, tmp_path / "found.npz"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = dict(np.load(tmp_path / "found.npz"))
    names = [name.removeprefix("start/") for name in found if name.startswith("start/")]
    assert np.allclose(found["2/losses"], found["1/losses"], rtol=1e-5)
    for name in names:
        moved = np.linalg.norm(found[f"1/{name}"] - found[f"start/{name}"])
        assert moved > 1e-4 and np.linalg.norm(found[f"2/{name}"] - found[f"1/{name}"]) < 0.02 * moved, name


def test_tensorflow_trains_from_a_table_of_faces_too():
    from swapcore.models import original
    from swapcore.train import step, step_tensorflow

    chance = np.random.default_rng(0)
    faces = chance.integers(0, 256, (9, 20, 20, 6), dtype=np.uint8)
    numbers = chance.integers(0, 9, (3, 4)).astype(np.int32)
    swapper = original.build(32, precision="float32", width=1 / 16)
    trainer = step.trainer(swapper, view=0.7, seed=3, mix=("mae",), weights={"eyes": 1, "mouth": 1})
    start = {name: array.copy() for name, array in trainer.arrays()}
    for bends in (None, chance.normal(0, 0.02, (3, 4, 12, 12, 2)).astype(np.float32)):
        how = {"step": 5, "warp": 1.0, "rate": 1e-3, "shares": [1.0], "bends": bends}
        losses, weights = [], []
        for images, given in ((faces[numbers], {}), (numbers, {"table": trainer.keep(faces)})):
            trainer.restore(start, where="here")
            losses.append(trainer.run(images, **how, **given))
            weights.append({name: array.copy() for name, array in trainer.weights()})
        assert np.allclose(*losses, rtol=1e-5)
        for name, array in weights[0].items():
            moved = np.linalg.norm(array - start[f"weights/{name}"])
            assert moved > 1e-4 and np.linalg.norm(array - weights[1][name]) < 0.02 * moved, name
    weights = []
    for count, rate in ((1, 1e-3), (3, np.array([1e-3, 0, 0]))):  # each step has its own
        trainer.restore(start, where="here")
        trainer.run(faces[numbers[:count]], step=5, warp=1.0, rate=rate, shares=[1.0])
        weights.append({name: array.copy() for name, array in trainer.weights()})
    for name, array in weights[0].items():
        assert np.allclose(array, weights[1][name], atol=1e-7), name
    with pytest.raises(ValueError, match="expected one device, found 2"):
        step_tensorflow.steps(swapper, {}, None, factors={}, seed=0, devices=2)


def test_a_missing_jax_is_one_line(monkeypatch):
    from swapcore.errors import SwapError
    from swapcore.models import backend

    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    with pytest.raises(SwapError, match=r"expected JAX to be installed, found none; .*set tensorflow"):
        backend.choose("jax")
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
