"""What the benchmarks of training count and compare."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from swapcore.config import parse
from swapcore.errors import SwapError
from swapcore.models import MODELS


@pytest.fixture(scope="module")
def benchmarks(root):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "benchmarks")
        modules = []
        for name in ("train", "precision"):  # scripts/train.py has the same name
            spec = importlib.util.spec_from_file_location(f"benchmark_{name}", root / f"benchmarks/{name}.py")
            modules.append(importlib.util.module_from_spec(spec))
            spec.loader.exec_module(modules[-1])
        yield modules


def test_the_arithmetic_of_a_step(benchmarks):
    """`original`, 16 faces of each: 364 GFLOP, counted by hand from its layers."""
    train, _ = benchmarks
    encoder = [(32, 25 * 3 * 128), (16, 25 * 128 * 256), (8, 25 * 256 * 512), (4, 25 * 512 * 1024)]
    encoder += [(1, 2 * 16384 * 1024), (4, 9 * 1024 * 2048)]
    decoder = [(8, 9 * 512 * 1024), (16, 9 * 256 * 512), (32, 9 * 128 * 256), (64, 25 * 64 * 3)]
    three = sum(3 * side**2 * of for side, of in encoder + decoder) - 32**2 * encoder[0][1]  # pictures need no gradient
    assert train.gflop(MODELS["original"].build(64, precision="bfloat16"), 16) == pytest.approx(2 * 32 * three / 1e9)


def test_the_share_that_landmarks_leave_is_of_turns_side_by_side(benchmarks):
    train, _ = benchmarks
    assert train.landmarks_share({"bare": [1.0, 8.0, 3.0], "bent": [1.25, 8.0, 6.0]}) == 0.8


def test_the_plan_of_precisions_is_what_the_settings_allow(benchmarks):
    _, precision = benchmarks
    swaps = precision.plan(["small", "original"], [1, 2], 300)
    assert list(swaps)[:3] == ["small-1-float32", "small-1-bfloat16", "small-2-float32"] and len(swaps) == 8
    for own in swaps.values():
        assert parse("train", json.dumps(own)).budget.steps == 300


def test_precisions_side_by_side(benchmarks):
    _, precision = benchmarks

    def told(kind, scores, loss):
        about = {"settings": {"precision": kind}, "loss": {"source": loss, "target": 2 * loss}}
        return {**about, "quality": {"history": [{"score": score} for score in scores]}}

    rows = [
        ("float32", [0.2, 0.5, 0.4], 0.1),
        ("float32", [0.6], 0.3),
        ("bfloat16", [0.3], 0.2),
        ("bfloat16", [0.5, 0.1], 0.2),
    ]
    found = precision.figures({str(n): told(*row) for n, row in enumerate(rows)})
    assert found["float32"]["best"] == {"mean": 0.55, "spread": 0.0707, "values": [0.5, 0.6]}
    assert found["bfloat16"]["last"]["values"] == [0.3, 0.1]
    assert found["gap"]["best"] == {"gap": -0.15, "spread": 0.1414}
    assert found["gap"]["loss_target"]["gap"] == 0
    with pytest.raises(SwapError, match="expected measured quality"):
        precision.figures({"a": told("float32", [], 0.1)})


@pytest.mark.parametrize("wrong", [["--models"], ["--sizes", "2"]])
def test_the_gpu_script_says_what_it_expects(root, wrong):
    done = subprocess.run([root / "benchmarks/gpu.sh", *wrong], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "expected" in done.stderr and not done.stdout


def test_the_gpu_script_measures_on_both_backends(root, tmp_path):
    """With stand-ins for the driver and for `run`: what it starts, and that one failure does not keep the rest from running."""
    (tmp_path / "benchmarks").mkdir()
    script = tmp_path / "benchmarks/gpu.sh"
    script.write_bytes((root / "benchmarks/gpu.sh").read_bytes())
    fake = '#!/bin/sh\necho "$SWAPCORE_LOCK ${*##*/}"\ncase "$*" in *jax*dfaker*) exit 1;; esac\n'
    for name, text in (("run", fake), ("nvidia-smi", "#!/bin/sh\necho 'a GPU, 80 GiB'\n")):
        (tmp_path / name).write_text(text)
    for path in (script, tmp_path / "run", tmp_path / "nvidia-smi"):
        path.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([script, "--batch", "8"], env=environment, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 1 and "gpu: dfaker on jax failed" in done.stderr and "a GPU" in done.stderr
    assert [("jax" in line, "dfaker" in line) for line in lines] == [
        (b, m) for m in (False, True) for b in (True, False)
    ]
    assert all(line.startswith("requirements-gpu.lock") and "--batch 8 --seconds 60" in line for line in lines)


def test_without_a_gpu_its_line_says_so(root):
    command = [sys.executable, root / "benchmarks/train.py", "--gpu"]
    environment = {**os.environ, "PYTHONPATH": str(root), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.strip().splitlines()[-1].startswith(
        "train: expected a GPU, tensorflow sees CPU"
    )
