"""TensorFlow, loaded when it is first needed: that costs eight CPU seconds."""

from __future__ import annotations

import contextlib
import functools
import os
from typing import Any


@functools.cache
def tensorflow() -> Any:
    """The module `tensorflow`, with Keras on it, quiet, and taking a GPU's memory as it needs it and not all at once."""
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever ~/.keras/keras.json says
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # in use already: whoever did that set it up
            tf.config.experimental.set_memory_growth(gpu, True)
    return tf
