"""Models: `MODELS[name].build(resolution, precision=...)` builds one, `predictor` uses a trained one. Nothing here loads
TensorFlow before a model is built.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from swapcore.config.architectures import SIZES, Sizes
from swapcore.errors import SwapError
from swapcore.models import core, dfaker, dfl_sae, lightweight, masking, original, portable, small
from swapcore.models.backend import choose, computed_in, device, devices, gpu_memory_free, gpus, keras, tensorflow
from swapcore.models.swapper import MASK, PEOPLE, Swapper, assign, owner, renamed

__all__ = [
    "MASK",
    "MODELS",
    "PEOPLE",
    "RUNTIMES",
    "Model",
    "Swapper",
    "assign",
    "choose",
    "computed_in",
    "device",
    "devices",
    "gpu_memory_free",
    "gpus",
    "keras",
    "owner",
    "portable",
    "predictor",
    "read_weights",
    "renamed",
    "tensorflow",
]


class Model(NamedTuple):
    """A row of MODELS."""

    make: Callable[..., Swapper]  # (resolution, precision=..., width=1.0)
    sizes: Sizes
    about: str  # what it is for, in words

    def build(self, resolution: int, *, precision: str, width: float = 1.0, mask: bool = False) -> Swapper:
        """The model with fresh weights, seeing and making pictures of `resolution` pixels.

        precision: "float32" or "bfloat16", what is computed in; weights are float32. width scales the number of channels. mask:
        whether it makes masks too, see masking. Raises SwapError where it cannot be built in that size.
        """
        if wrong := self.sizes.wrong(resolution):
            raise SwapError(f"resolution: {wrong}")
        keras()
        made = self.make(resolution, precision=precision, width=width)
        if not mask:
            return made
        return replace(made, mask=masking.head(made.encoder, resolution, precision=precision, width=width))


MODELS: dict[str, Model] = {
    name: Model(make, SIZES[name], about)
    for name, (make, about) in {
        "small": (small.build, "a likeness within minutes on a laptop"),
        "core": (core.build, "our own: 128 pixels and more in a quarter of dfaker's time for a step"),
        "original": (original.build, "the classic of the family"),
        "lightweight": (lightweight.build, "the classic with less memory"),
        "dfaker": (dfaker.build, "the classic at 128 pixels, with residual decoders"),
        "dfl_sae_df": (dfl_sae.build_df, "the styled autoencoder, a decoder for each person"),
        "dfl_sae_liae": (
            dfl_sae.build_liae,
            "the styled autoencoder, one decoder for both: takes over more of the light",
        ),
    }.items()
}


def read_weights(path: str | Path, group: str = "") -> dict[str, np.ndarray]:
    """Name -> array of a weights.h5, or of a group in an HDF5 file. Raises SwapError where the file is none.

    Arrays are read as `checkpoint.write_arrays` writes them: numbers that lie in this file as they are. HDF5 could name another
    file, unpack without end, or make up values that stand nowhere; and all arrays together are never larger than the file.
    """
    import h5py

    found: dict[str, np.ndarray] = {}

    def take(name: str, item: Any) -> None:
        nonlocal room
        if not isinstance(item, h5py.Dataset):
            return
        plain = item.id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS and item.external is None
        if not plain or item.dtype.kind not in "fiu" or item.id.get_storage_size() != item.nbytes or item.nbytes > room:
            raise ValueError(f"{name} is {item.dtype} {item.shape}, which is not as it is written")
        room -= item.nbytes
        found[name] = item[()]

    try:
        room = os.path.getsize(path)
        with h5py.File(path, "r") as file:
            file[group or "/"].visititems(take)
    except (
        OSError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
        RuntimeError,
        ArithmeticError,
        MemoryError,
    ) as error:
        raise SwapError(
            f"{path}: expected the weights of a swap ({error}); delete it and run snakemake again"
        ) from None
    return found


def predictor(
    trained: Mapping[str, Any],
    weights_path: str | Path,
    *,
    runtime: str,
    person: str = "source",
    threads: int = 0,
    masked: bool = False,
) -> Callable[[np.ndarray], np.ndarray]:
    """The swap as a function: the target's face in, the source's face with the same expression out; with `person` "target"
    the other way round.

    trained is what trained.json says (model, resolution). The function takes and returns float32 (n, r, r, 3), BGR 0..1,
    any n from 1; it computes in float32. masked: it returns (n, r, r, 4), of which the last is the mask of the face that was
    given, 0..1. `runtime` is a row of RUNTIMES; threads (0: one for each core) are ONNX Runtime's. Raises SwapError where the
    weights do not fit, or the model has learnt no masks and is asked for them.
    """
    weights = read_weights(weights_path)
    if masked and not any(name.startswith(f"{MASK}/") for name in weights):
        raise SwapError(
            f"{weights_path}: expected a model that makes masks, as a mask `learned` needs, found one that does not; set "
            "train.learn_mask and run snakemake again, or choose another convert.mask"
        )
    graph = {who: weights.pop(name, None) for who, name in portable.GRAPHS.items()}[person]
    how = {"person": person, "threads": threads, "where": str(weights_path), "masked": masked}
    return RUNTIMES[runtime](trained, weights, graph, **how)


def _onnx(
    trained: Mapping[str, Any],
    weights: Mapping[str, np.ndarray],
    graph: np.ndarray | None,
    *,
    person: str,
    threads: int,
    where: str,
    masked: bool,
) -> Callable[[np.ndarray], np.ndarray]:
    """On the processor, with a start of a fraction of a second and little memory."""
    if graph is None:
        raise SwapError(f"{where}: expected weights and their graph, found no graph; delete it and run snakemake again")
    how = {"person": person, "resolution": trained["resolution"], "threads": threads, "where": where, "masked": masked}
    return portable.runner(graph.tobytes(), weights, **how)


def _tensorflow(
    trained: Mapping[str, Any],
    weights: Mapping[str, np.ndarray],
    graph: np.ndarray | None,
    *,
    person: str,
    threads: int,
    where: str,
    masked: bool,
) -> Callable[[np.ndarray], np.ndarray]:
    """On a GPU where TensorFlow finds one, else on the processor."""
    if trained["model"] not in MODELS:
        raise SwapError(f"model: expected one of {', '.join(MODELS)}, found {trained['model']!r}; train again")
    tf = tensorflow()
    makes = any(name.startswith(f"{MASK}/") for name in weights)
    swapper = MODELS[trained["model"]].build(trained["resolution"], precision="float32", mask=makes)
    assign(swapper.variables(), weights, where=where)
    side = trained["resolution"]

    @tf.function(input_signature=[tf.TensorSpec((None, side, side, 3), tf.float32)])
    def swap(faces):
        code = swapper.encoder(faces, training=False)
        made = swapper.decoders[person](code, training=False)
        return tf.concat([made, swapper.mask(code, training=False)], -1) if masked else made

    def predict(faces_bgr: np.ndarray) -> np.ndarray:
        return swap(np.ascontiguousarray(faces_bgr, np.float32)).numpy()

    return predict


RUNTIMES = {"onnx": _onnx, "tensorflow": _tensorflow}
