"""A face restorer that the user gives as an ONNX file: a network that takes a picture of a face and gives a better one."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from swapcore.errors import SwapError

RANGES = {"0..1": (0.0, 1.0), "-1..1": (-1.0, 1.0), "0..255": (0.0, 255.0)}  # what 0 and 1 are to the network


def restorer(model: bytes, *, size: int, span: str, order: str, strength: float) -> Callable[[np.ndarray], np.ndarray]:
    """What restores faces: a function of a crop float32 (s, s, 3) BGR 0..1 that gives one of (size, size, 3).

    size is the side of the network's pictures, span a row of RANGES, order `rgb` or `bgr`; strength 0..1 is how much of what it
    makes is mixed with the crop. Raises SwapError where the file is no network from one such picture to one, now or when it
    answers.
    """
    from swapcore.nets import graph

    expected = f"convert.restorer_file: expected an ONNX network from a face of {size} x {size} pixels to one"
    try:
        session = graph.session(model, threads=0)
    except Exception as error:  # whatever ONNX Runtime finds
        said = (str(error).strip().splitlines() or [type(error).__name__])[-1][:120]
        raise SwapError(f"{expected}, it cannot be loaded ({said}); choose another file") from None
    asks, shape = session.get_inputs(), tuple(session.get_inputs()[0].shape)
    kind = asks[0].type
    rows_first = next(
        (first for first, wanted in ((False, (3, size, size)), (True, (size, size, 3))) if _fits(shape, wanted)), None
    )
    if len(asks) != 1 or kind not in ("tensor(float)", "tensor(float16)") or rows_first is None:
        raise SwapError(
            f"{expected}, found one with {len(asks)} inputs, the first {kind} of {shape}; set convert.restorer_size, or choose "
            "another file"
        )
    low, high = RANGES[span]

    def restore(crop_bgr: np.ndarray) -> np.ndarray:
        way = cv2.INTER_AREA if len(crop_bgr) > size else cv2.INTER_CUBIC
        plain = np.clip(cv2.resize(crop_bgr, (size, size), interpolation=way), 0, 1)
        fed = plain[..., ::-1] if order == "rgb" else plain
        fed = (fed if rows_first else fed.transpose(2, 0, 1))[None] * np.float32(high - low) + np.float32(low)
        fed = np.ascontiguousarray(fed, np.float16 if kind == "tensor(float16)" else np.float32)
        try:
            made = np.asarray(session.run(None, {asks[0].name: fed})[0], np.float32)
        except Exception as error:  # whatever ONNX Runtime finds when the network runs
            said = (str(error).strip().splitlines() or [type(error).__name__])[-1][:120]
            raise SwapError(f"{expected}, it stopped ({said}); choose another file") from None
        if made.shape != fed.shape or not np.isfinite(made).all():
            raise SwapError(
                f"{expected}, it answered with {made.shape} or values that are not finite; choose another file"
            )
        made = np.clip((made[0] - low) / (high - low), 0, 1)
        made = made if rows_first else made.transpose(1, 2, 0)
        made = made[..., ::-1] if order == "rgb" else made
        return np.ascontiguousarray(plain + np.float32(strength) * (made - plain))

    return restore


def _fits(shape: tuple[object, ...], wanted: tuple[int, ...]) -> bool:
    """Whether a network's input takes one picture: what it leaves open is a name or None."""
    if len(shape) != 4 or (isinstance(shape[0], int) and shape[0] != 1):
        return False
    return all(not isinstance(a, int) or a == b for a, b in zip(shape[1:], wanted, strict=True))
