"""Models: `MODELS[name](resolution, precision=...)` builds one, `predictor` uses a trained one. Nothing here loads
TensorFlow before a model is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from swapcore.errors import SwapError
from swapcore.models import original, small
from swapcore.models.backend import device, tensorflow
from swapcore.models.swapper import PEOPLE, Swapper, assign

__all__ = ["MODELS", "PEOPLE", "Swapper", "assign", "device", "predictor", "read_weights", "tensorflow"]

MODELS: dict[str, Callable[..., Swapper]] = {"small": small.build, "original": original.build}


def read_weights(path: str | Path, group: str = "") -> dict[str, np.ndarray]:
    """Name -> array of a weights.h5, or of a group in an HDF5 file. Raises SwapError where the file is none."""
    import h5py

    found: dict[str, np.ndarray] = {}

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    try:
        with h5py.File(path, "r") as file:
            file[group or "/"].visititems(take)
    except (OSError, KeyError) as error:
        raise SwapError(
            f"{path}: expected the weights of a swap ({error}); delete it and run snakemake again"
        ) from None
    return found


def predictor(trained: Mapping[str, Any], weights_path: str | Path) -> Callable[[np.ndarray], np.ndarray]:
    """The swap as a function: the target's face in, the source's face with the same expression out.

    trained is what trained.json says (model, resolution). The function takes and returns float32 (n, r, r, 3), BGR 0..1,
    any n from 1; it computes in float32. Loads TensorFlow. Raises SwapError where the weights do not fit.
    """
    if trained["model"] not in MODELS:
        raise SwapError(f"model: expected one of {', '.join(MODELS)}, found {trained['model']!r}; train again")
    tf = tensorflow()
    swapper = MODELS[trained["model"]](trained["resolution"], precision="float32")
    assign(swapper.variables(), read_weights(weights_path), where=str(weights_path))
    side = trained["resolution"]

    @tf.function(input_signature=[tf.TensorSpec((None, side, side, 3), tf.float32)])
    def swap(faces):
        return swapper.decoders["source"](swapper.encoder(faces, training=False), training=False)

    def predict(faces_bgr: np.ndarray) -> np.ndarray:
        return swap(np.ascontiguousarray(faces_bgr, np.float32)).numpy()

    return predict
