"""The state of a training survives kills and damage."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from swapcore import store
from swapcore.errors import SwapError
from swapcore.train import checkpoint

ARRAYS = {"weights/a/kernel": np.arange(12, dtype=np.float32).reshape(3, 4), "first/a/kernel": np.ones(5, np.float32)}


def saved(folder, *steps):
    return [
        checkpoint.save(folder, {**ARRAYS, "step": np.float32(s)}.items(), {"step": s, "goals": []}) for s in steps
    ][-1]


def find(folder):
    lines = []
    return checkpoint.find(folder, say=lines.append), lines


def test_what_is_saved_is_found(tmp_path):
    assert find(tmp_path) == (None, [])
    saved(tmp_path, 7)
    found, lines = find(tmp_path)
    assert found.info == {"step": 7, "goals": []} and lines == []
    arrays = checkpoint.read_arrays(found)
    assert set(arrays) == {*ARRAYS, "step"} and all((arrays[k] == v).all() for k, v in ARRAYS.items())
    assert list(checkpoint.read_arrays(found, "weights")) == ["a/kernel"]


def test_two_are_kept_with_what_lies_beside_them(tmp_path):
    for step in range(5):
        saved(tmp_path, step).path.with_suffix(".jpg").write_bytes(b"preview")
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == [f"{n:06d}.{s}" for n in (4, 5) for s in ("h5", "jpg", "json")]
    assert find(tmp_path)[0].info["step"] == 4


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", [".h5", ".json"])
@pytest.mark.parametrize(
    "damage", [truncate, lambda p: p.write_bytes(b""), flip], ids=["truncated", "empty", "flipped"]
)
def test_a_damaged_state_falls_back_to_the_older(tmp_path, suffix, damage):
    newest = saved(tmp_path, 10, 20)
    damage(newest.path.with_suffix(suffix))
    found, lines = find(tmp_path)
    assert found.info["step"] == 10 and len(lines) == 1 and "damaged" in lines[0] and "step 10" in lines[0]
    assert not newest.path.exists(), "or it would be the newest again"
    saved(tmp_path, 15)
    assert find(tmp_path)[0].info["step"] == 15 and find(tmp_path)[1] == []


def test_another_trainings_state_falls_back_to_the_older(tmp_path):
    saved(tmp_path / "ours", 10)
    foreign = saved(tmp_path / "theirs", 5, 90)
    for suffix in (".h5", ".json"):
        (tmp_path / f"ours/000007{suffix}").write_bytes(foreign.path.with_suffix(suffix).read_bytes())
    found, lines = find(tmp_path / "ours")
    assert found.info == {"step": 10, "goals": []} and len(lines) == 1
    assert "the saved state 7 is damaged or another training's; going on from the one before, step 10" in lines[0]
    assert find(tmp_path / "theirs")[0].info["step"] == 90


def test_an_older_state_says_not_whose_it_is(tmp_path):
    path = saved(tmp_path, 10).path
    info = {"step": 10, "goals": []}
    store.write_json(path.with_suffix(".json"), {"seal": checkpoint._seal(store.sha256(path), info), **info})
    assert find(tmp_path)[0].info == info


def test_a_missing_file_counts_as_damage(tmp_path):
    saved(tmp_path, 10, 20).path.unlink()
    assert find(tmp_path)[0].info["step"] == 10


def test_training_does_not_silently_begin_again_where_all_is_damaged(tmp_path):
    for path in (saved(tmp_path, 10).path, saved(tmp_path, 20).path):
        truncate(path)
    with pytest.raises(SwapError, match=r"all saved states \(2\) are damaged or another"):
        find(tmp_path)


def test_a_save_killed_half_way_does_not_count(tmp_path):
    saved(tmp_path, 10)
    (tmp_path / ".000002.h5.x.h5").write_bytes(b"half")  # killed while the arrays were written
    (tmp_path / "000002.h5").write_bytes(b"whole, perhaps")  # killed before the JSON was
    assert find(tmp_path)[0].info["step"] == 10
    assert not (tmp_path / ".000002.h5.x.h5").exists()
    saved(tmp_path, 20)
    assert find(tmp_path)[0].info["step"] == 20


def test_a_state_that_is_not_finite_is_not_saved(tmp_path):
    saved(tmp_path, 10)
    with pytest.raises(SwapError, match="b is no longer finite"):
        checkpoint.save(tmp_path, {**ARRAYS, "b": np.array([1, np.nan])}.items(), {"step": 20})
    assert find(tmp_path)[0].info["step"] == 10 and len(list(tmp_path.iterdir())) == 2


def test_the_same_arrays_give_the_same_file(tmp_path):
    """Also in groups, and in another second: HDF5 notes times where it is not asked to."""
    arrays = {**ARRAYS, "encoder/conv/kernel": np.arange(6.0), "encoder/conv/bias": np.zeros(2)}
    first = checkpoint.write_arrays(tmp_path / "a.h5", arrays.items())
    time.sleep(1.1)
    assert first == checkpoint.write_arrays(tmp_path / "b.h5", arrays.items()) == store.sha256(tmp_path / "a.h5")


def test_a_second_training_is_refused(tmp_path, root):
    lines = []
    hold = (
        "import sys, pathlib\nfrom swapcore.train import checkpoint\n"
        f"with checkpoint.lock(pathlib.Path({json.dumps(str(tmp_path))})):\n print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", hold], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(SwapError, match=f"another training has it .process {other.pid} on "),
            checkpoint.lock(tmp_path, say=lines.append, patience=0.3),
        ):
            pass
        assert len(lines) == 1 and "waiting 0 s for it to end" in lines[0]
    finally:
        other.kill()  # the lock goes with its process, however that ends
        other.communicate()
    with checkpoint.lock(tmp_path):
        pass


def test_best_weights_without_their_words_are_dropped(tmp_path):
    saved(tmp_path, 10)
    checkpoint.save_best(tmp_path, 10, ARRAYS.items(), {"step": 10})
    orphan = tmp_path / checkpoint.BEST / "000020.h5"
    orphan.write_bytes(b"killed before the JSON was written")
    assert find(tmp_path)[0].info["step"] == 10
    assert not orphan.exists() and checkpoint.find_best(tmp_path, 10) is not None
