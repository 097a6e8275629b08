"""TensorFlow, loaded when it is first needed: that costs eight CPU seconds."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any


@functools.cache
def tensorflow() -> Any:
    """The module `tensorflow`, with Keras on it, taking a GPU's memory as it needs it and not all at once."""
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever ~/.keras/keras.json says
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _quiet():
        import keras  # noqa: F401  (so that what it says is kept quiet too)
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        with contextlib.suppress(RuntimeError):  # in use already: whoever did that set it up
            tf.config.experimental.set_memory_growth(gpu, True)
    return tf


def device() -> str:
    """What TensorFlow computes on, for people: the names of the GPUs, or the CPU and its threads."""
    tf = tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    return ", ".join(names) or f"CPU, {len(os.sched_getaffinity(0))} threads"


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
