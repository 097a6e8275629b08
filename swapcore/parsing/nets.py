"""Face parsing networks: ours, and those that people give as ONNX files.

Ours was learnt from the studio's actors and their true parsing maps alone (recipes/parser_faces.py, parser_train.py: a U-Net of
700,000 weights). What it was measured to be worth, on actors and on real people: docs/quality.md, Masks.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any, NamedTuple

import cv2
import numpy as np

from swapcore.errors import SwapError
from swapcore.parsing.hairline import hairline

SIDE = 128  # of the answers, pixels
BATCH = 8

Parse = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Crops (n, s, s, 3) uint8 BGR, landmarks in them (n, 68, 2) -> how much of each pixel is face, (n, SIDE, SIDE) float32 0..1."""


class Entry(NamedTuple):
    """How a network wants its pictures, and what its answers mean."""

    about: str
    side: int  # of its pictures, pixels
    face: tuple[int, ...]  # of its classes, those that make the face; () where it answers with the face alone
    classes: int = 1
    rgb: bool = False  # else BGR
    rows_first: bool = True  # (n, h, w, channels), else (n, channels, h, w)
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)  # of values 0..1, in the order of its channels
    spread: tuple[float, ...] = (1.0, 1.0, 1.0)
    raw: bool = False  # takes uint8 as it is
    logits: bool = False  # answers before the softmax


# Classes and normalisation as their publishers say: CelebAMask-HQ's 19 (skin, brows, eyes, nose, mouth, lips make the face;
# 6 is glasses, 7 to 9 ears, 14 and 15 neck, 17 hair, 18 a hat), faceswap's 5 (skin with all features, ears, hair, glasses).
PARSERS: dict[str, Entry] = {
    "own": Entry("ours, learnt from synthetic actors", SIDE, (1,), 4, raw=True, rows_first=True),
    "bisenet_19": Entry(
        "BiSeNet of CelebAMask-HQ's 19 classes",
        *(512, (1, 2, 3, 4, 5, 10, 11, 12, 13), 19),
        **{"rgb": True, "rows_first": False, "logits": True},
        **{"mean": (0.485, 0.456, 0.406), "spread": (0.229, 0.224, 0.225)},
    ),
    "bisenet_5": Entry(
        "BiSeNet of faceswap's 5 classes",
        *(512, (1,), 5),
        **{"rgb": True, "logits": True, "mean": (0.384, 0.314, 0.279), "spread": (0.324, 0.286, 0.275)},
    ),
    "unet_dfl": Entry("DeepFaceLab's U-Net of 256 pixels", 256, ()),
    "xseg": Entry("XSeg and occluders like it: one channel, 256 pixels", 256, ()),
}


def parser(name: str, model: bytes = b"", *, threads: int = 1) -> Parse:
    """What parses crops: a row of PARSERS, and the bytes of its ONNX file; none for `own`. Or `hairline`, which is no network.

    Raises SwapError where the file is no such network.
    """
    from swapcore.nets import graph

    if name == "hairline":
        return by_hairline
    entry = PARSERS[name]
    if name == "own":
        model = (resources.files("swapcore.parsing") / "own.onnx").read_bytes()
    try:
        session = graph.session(model, threads=threads)
    except Exception as error:  # whatever ONNX Runtime finds
        raise SwapError(
            f"parse.parser_file: expected {entry.about} as an ONNX file, it cannot be loaded ({_last(error)})"
        ) from None
    asks, inputs = session.get_inputs()[0], len(session.get_inputs())
    wanted = [entry.side, entry.side, 3] if entry.rows_first else [3, entry.side, entry.side]
    if (
        inputs != 1
        or len(asks.shape) != 4
        or any(isinstance(a, int) and a != b for a, b in zip(asks.shape[1:], wanted, strict=True))
    ):
        raise SwapError(
            f"parse.parser_file: expected {entry.about}, which takes pictures {('n', *wanted)}, found a network that takes "
            f"{asks.shape}; choose another parse.parser, or another file"
        )
    single = asks.shape[0] == 1

    def parse(crops_bgr: np.ndarray, landmarks_xy: np.ndarray) -> np.ndarray:
        found = []
        for begin in range(0, len(crops_bgr), 1 if single else BATCH):
            some = crops_bgr[begin : begin + (1 if single else BATCH)]
            fed = prepared(entry, some)
            try:
                answer = session.run(None, {asks.name: fed})[0]
            except Exception as error:  # as above
                raise SwapError(
                    f"parse.parser_file: expected {entry.about}, it cannot be run ({_last(error)})"
                ) from None
            found += list(face_share(entry, answer, len(some)))
        return np.array(found, np.float32).reshape(-1, SIDE, SIDE)

    return parse


def _last(error: Exception) -> str:
    """The last line of what a library says."""
    return str(error).strip().splitlines()[-1][:120] if str(error).strip() else type(error).__name__


def by_hairline(crops_bgr: np.ndarray, landmarks_xy: np.ndarray) -> np.ndarray:
    """What `hairline` finds, as a Parse."""
    less, found = SIDE / crops_bgr.shape[1], []
    for crop, points in zip(crops_bgr, landmarks_xy, strict=True):
        small = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA if less < 1 else cv2.INTER_LINEAR)
        found.append(hairline(small, (np.asarray(points, np.float64) + 0.5) * less - 0.5))
    return np.array(found, np.float32).reshape(-1, SIDE, SIDE)


def prepared(entry: Entry, crops_bgr: np.ndarray) -> np.ndarray:
    """Crops (n, s, s, 3) uint8 BGR as a network wants them."""
    side = entry.side
    smaller = crops_bgr.shape[1] > side
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    fed: Any = np.array([cv2.resize(crop, (side, side), interpolation=way) for crop in crops_bgr])
    if entry.rgb:
        fed = fed[..., ::-1]
    if not entry.raw:
        fed = (fed.astype(np.float32) / 255 - np.float32(entry.mean)) / np.float32(entry.spread)
    return np.ascontiguousarray(fed if entry.rows_first else fed.transpose(0, 3, 1, 2))


def face_share(entry: Entry, answer: np.ndarray, count: int) -> np.ndarray:
    """What a network answered for `count` pictures as (count, SIDE, SIDE) float32 0..1.

    The classes' axis is the first or the last behind the pictures'. Raises SwapError where the answer has another shape.
    """
    answer = np.asarray(answer, np.float32)
    axis = next((k for k in (1, -1) if answer.ndim == 4 and answer.shape[k] == entry.classes), None)
    if axis is None or len(answer) != count or not np.isfinite(answer).all():
        raise SwapError(
            f"parse.parser_file: expected {entry.about} to answer with {entry.classes} finite classes for {count} pictures, got "
            f"{answer.shape}; choose another parse.parser, or another file"
        )
    answer = np.moveaxis(answer, axis, -1)
    if entry.logits:
        answer = np.exp(answer - answer.max(-1, keepdims=True))
        answer /= answer.sum(-1, keepdims=True)
    share = answer[..., list(entry.face)].sum(-1) if entry.face else answer[..., 0]
    way = cv2.INTER_AREA if share.shape[1] > SIDE else cv2.INTER_LINEAR
    small = [one if one.shape == (SIDE, SIDE) else cv2.resize(one, (SIDE, SIDE), interpolation=way) for one in share]
    return np.clip(np.array(small, np.float32), 0, 1)
