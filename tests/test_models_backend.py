"""What models, losses and warps need of the tensor library beside Keras' own operations."""

from __future__ import annotations

import numpy as np
import pytest

from swapcore.models import backend


def drawn(function, shape, seed, **how):
    return np.asarray(function(shape, np.int32(seed), **how))


def test_random_numbers_follow_from_their_seed():
    for draw in (backend.uniform, backend.normal):
        one, again, other = (drawn(draw, (50, 4), seed) for seed in ((1, 2), (1, 2), (2, 1)))
        assert one.shape == (50, 4) and one.dtype == np.float32
        assert (one == again).all() and (one != other).mean() > 0.9


def test_random_numbers_are_spread_as_stated():
    even = drawn(backend.uniform, (4000,), (3, 4), low=-1.0, high=3.0)
    assert even.min() >= -1 and even.max() < 3
    assert even.mean() == pytest.approx(1, abs=0.1) and even.std() == pytest.approx(4 / 12**0.5, rel=0.05)
    bell = drawn(backend.normal, (4000,), (3, 4))
    assert bell.mean() == pytest.approx(0, abs=0.06) and bell.std() == pytest.approx(1, rel=0.05)


def test_a_seed_splits_into_independent_ones():
    seeds = [np.asarray(seed) for seed in backend.split(np.int32([5, 6]), 3)]
    assert [(seed.shape, seed.dtype) for seed in seeds] == [((2,), np.int32)] * 3
    rows = np.stack([drawn(backend.normal, (2000,), seed) for seed in seeds])
    assert np.abs(np.corrcoef(rows) - np.eye(3)).max() < 0.08


def test_rows_of_a_table():
    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    assert np.asarray(backend.rows(table, np.int32([[3, 0], [1, 1]]))).tolist() == table[[[3, 0], [1, 1]]].tolist()


def test_the_backend_cannot_change_once_it_runs():
    backend.choose(running := backend.keras().backend.backend())
    with pytest.raises(RuntimeError, match=f"runs on {running} .* already"):
        backend.choose("jax" if running == "tensorflow" else "tensorflow")
    assert backend.os.environ["KERAS_BACKEND"] == running


def test_rows_of_each_table():
    chance = np.random.default_rng(0)
    tables, index = chance.random((3, 5, 2), dtype=np.float32), chance.integers(0, 5, (3, 4, 6)).astype(np.int32)
    found = np.asarray(backend.rows_of_each(tables, index))
    assert (found == np.stack([table[i] for table, i in zip(tables, index, strict=True)])).all()


@pytest.mark.parametrize(
    ("cpuinfo", "gpu", "wanted"),
    [
        ("processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_bf16\n", False, "bfloat16"),
        ("flags\t\t: fpu avx2 amx_bf16\n", False, "bfloat16"),
        ("Features\t: fp asimd bf16\n", False, "bfloat16"),
        ("model name\t: a bf16 processor\nflags\t\t: fpu avx2 avx512f\n", False, "float32"),
        ("", False, "float32"),
        ("flags\t\t: fpu avx2\n", True, "bfloat16"),
    ],
)
def test_bfloat16_where_the_machine_multiplies_it_itself(cpuinfo, gpu, wanted):
    assert backend.computed_in("auto", gpu=gpu, cpuinfo=cpuinfo) == wanted
    assert {backend.computed_in(asked, gpu=gpu, cpuinfo=cpuinfo) for asked in ("bfloat16", "float32")} == {
        "bfloat16",
        "float32",
    }
