"""The tensor library, loaded when it is first needed: TensorFlow costs eight CPU seconds.

Models, losses and warps are written with `keras().ops`, which runs on TensorFlow and on JAX alike; what Keras lacks, random
numbers that follow from a seed alone, is here for both.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

from swapcore.errors import SwapError


@functools.cache
def tensorflow() -> Any:
    """The module `tensorflow`, with Keras on it, taking a GPU's memory as it needs it and not all at once."""
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever ~/.keras/keras.json says
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _quiet():
        import keras  # noqa: F401  (so that what it says is kept quiet too)
        import tensorflow as tf

        found = tf.config.list_physical_devices("GPU")
    for gpu in found:
        with contextlib.suppress(RuntimeError):  # in use already: whoever did that set it up
            tf.config.experimental.set_memory_growth(gpu, True)
    return tf


def choose(backend: str, *, deterministic: bool = False) -> None:
    """Have `keras` run on `backend`, "tensorflow" or "jax", in this process; before anything loads it.

    deterministic: the same numbers in give the same numbers out, to the last bit, on the same machine.

    Raises RuntimeError where Keras runs on the other already: it cannot change. Raises SwapError where JAX is not installed.
    """
    if "keras" in sys.modules and (running := sys.modules["keras"].backend.backend()) != backend:
        raise RuntimeError(f"Keras runs on {running} in this process already, and cannot change to {backend}")
    if backend == "jax" and importlib.util.find_spec("jax") is None:
        raise SwapError(
            "train.backend: expected JAX to be installed, found none; pip install 'swapcore[jax]', or set tensorflow"
        )
    os.environ["KERAS_BACKEND"] = backend
    if not deterministic:
        return
    if backend == "tensorflow":
        tensorflow().config.experimental.enable_op_determinism()
    else:  # processors are without it
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()


def computed_in(asked: str, *, gpu: bool, cpuinfo: str) -> str:
    """What is computed in, "bfloat16" or "float32", where "auto" or either was asked for.

    gpu: whether a GPU computes. cpuinfo: the text of Linux' /proc/cpuinfo, "" elsewhere. A processor without instructions for
    bfloat16 (AVX-512 or AMX of x86, Arm's own) imitates them, and takes two to three times as long as in float32.
    """
    if asked != "auto":
        return asked
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    flags = {flag for name, _, value in lines if name.strip() in ("flags", "Features") for flag in value.split()}
    return "bfloat16" if gpu or flags & {"avx512_bf16", "amx_bf16", "bf16"} else "float32"


@functools.cache
def keras() -> Any:
    """The module `keras`: on JAX where the environment's KERAS_BACKEND says `jax` (see `choose`), else on TensorFlow."""
    if os.environ.get("KERAS_BACKEND") != "jax":
        tensorflow()
    with _quiet():
        import keras
    return keras


def event_files() -> tuple[Any, Any, type[Exception]]:
    """TensorFlow's messages of events (event_pb2), what opens a file of them to write, and what that raises; on JAX too."""
    with _quiet():
        import tensorflow as tf
        from tensorflow.core.util import event_pb2
    return event_pb2, tf.io.TFRecordWriter, tf.errors.OpError


def split(seed: Any, count: int) -> list[Any]:
    """Independent seeds (2,) int32 out of one."""
    if _jax():
        import jax

        return [
            jax.lax.bitcast_convert_type(row, "int32")
            for row in jax.random.key_data(jax.random.split(_key(seed), count))
        ]
    tf = tensorflow()
    return tf.unstack(tf.random.split(seed, count))


def uniform(shape: tuple[Any, ...], seed: Any, low: float = 0.0, high: float = 1.0) -> Any:
    """Numbers of low <= x < high, float32, evenly spread; the same seed (2,) int32 gives the same on one backend."""
    if _jax():
        import jax

        return jax.random.uniform(_key(seed), shape, minval=low, maxval=high)
    return tensorflow().random.stateless_uniform(shape, seed, low, high)


def normal(shape: tuple[Any, ...], seed: Any) -> Any:
    """Numbers of mean 0 and standard deviation 1, float32, normally spread; see `uniform`."""
    if _jax():
        import jax

        return jax.random.normal(_key(seed), shape)
    return tensorflow().random.stateless_normal(shape, seed)


def rows(table: Any, index: Any) -> Any:
    """table[index] for indices that are known to lie within it; `ops.take` first looks for negative ones, half the cost."""
    if _jax():
        return table.at[index].get(mode="promise_in_bounds")
    return tensorflow().gather(table, index)


def rows_of_each(tables: Any, index: Any) -> Any:
    """tables[k][index[k]] for every k: of tables (n, m, c) at indices (n, ...), as `rows`."""
    if _jax():
        import jax

        return jax.vmap(rows)(tables, index)  # which can be spread over devices by the tables
    tf = tensorflow()
    count, length = tf.unstack(tf.shape(tables)[:2])
    first = tf.reshape(tf.range(count) * length, (-1, *(1,) * (len(index.shape) - 1)))
    return rows(tf.reshape(tables, (-1, tables.shape[2])), index + first)


def _jax() -> bool:
    return keras().backend.backend() == "jax"


def _key(seed: Any) -> Any:
    """A seed (2,) int32 as JAX has it."""
    import jax

    return jax.random.wrap_key_data(jax.lax.bitcast_convert_type(jax.numpy.asarray(seed, "int32"), "uint32"))


def gpus() -> list[str]:
    """The names of the GPUs that the backend sees; none on a processor."""
    if _jax():
        import jax

        return [one.device_kind for one in jax.devices() if one.platform != "cpu"]
    tf = tensorflow()
    found = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in found]


def devices() -> int:
    """How many devices of the backend can share a batch: 1 on TensorFlow."""
    if not _jax():
        return 1
    import jax

    return len(jax.devices())


def device(count: int = 1) -> str:
    """What the first `count` devices are that training computes on, for people: the GPUs' names, or the CPU and its threads."""
    named = Counter(gpus()[:count])
    said = ", ".join(name if many == 1 else f"{many} x {name}" for name, many in named.items())
    return said or f"CPU, {len(os.sched_getaffinity(0))} threads"


def gpu_memory_free(count: int = 1) -> int | None:
    """Bytes that are free on the fullest of the first `count` GPUs; None on a processor, and where it cannot be told."""
    if not gpus():
        return None
    if _jax():
        import jax

        told = [one.memory_stats() for one in jax.devices()[:count]]
        if not all(told):
            return None
        return min(stats["bytes_limit"] - stats["bytes_in_use"] for stats in told)
    command = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
        return min(int(line) for line in said.split()) * 2**20
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what C++ code writes to stderr, a page of notices without a switch; an error lets all of it out."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        stderr = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
