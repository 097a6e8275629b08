"""The faces that were laid over a frame, as one layer; and the passes as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from swapcore.convert import Overlay
from swapcore.passes.light import Light

LEAST = 1e-4  # of alpha: below, a layer's colour cannot be told from what is under it


class Layer(NamedTuple):
    """All faces of a frame, in the smallest rectangle that holds them."""

    left: int
    top: int
    bgr: np.ndarray  # (h, w, 3) float32 BGR 0..1 as coded, not multiplied by alpha
    alpha: np.ndarray  # (h, w) float32 0..1


def merged(faces: Sequence[Overlay]) -> Layer:
    """Faces, from the lowest to the topmost, as one layer: laid over a frame it gives what they give one after the other.

    A over B is of Porter and Duff 1984. Where alpha is 0 the colour goes on as far as a face's own rectangle, so that nothing
    dark creeps in when the layer is filtered or compressed. No face gives an empty layer (0, 0).
    """
    if not faces:
        return Layer(0, 0, np.zeros((0, 0, 3), np.float32), np.zeros((0, 0), np.float32))
    if len(faces) == 1:
        return Layer(faces[0].left, faces[0].top, faces[0].bgr, faces[0].alpha)
    left, top = min(f.left for f in faces), min(f.top for f in faces)
    right = max(f.left + f.alpha.shape[1] for f in faces)
    bottom = max(f.top + f.alpha.shape[0] for f in faces)
    plain = np.zeros((bottom - top, right - left, 3), np.float32)  # as seen where nothing is opaque
    mixed, alpha = plain.copy(), np.zeros(plain.shape[:2], np.float32)
    for face in faces:
        h, w = face.alpha.shape
        place = np.s_[face.top - top : face.top - top + h, face.left - left : face.left - left + w]
        over, bgr = face.alpha[..., None], face.bgr
        mixed[place] = bgr * over + mixed[place] * (1 - over)
        alpha[place] = face.alpha + alpha[place] * (1 - face.alpha)
        plain[place] = bgr
    seen = alpha[..., None] > LEAST
    return Layer(left, top, np.where(seen, mixed / np.maximum(alpha, LEAST)[..., None], plain), alpha)


def spread(part: np.ndarray, left: int, top: int, size_hw: tuple[int, int]) -> np.ndarray:
    """A rectangle's values in the whole frame (h, w, ...), zero around it."""
    whole = np.zeros((*size_hw, *part.shape[2:]), part.dtype)
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    return whole


def straight(layer: Layer, size_hw: tuple[int, int], dtype: type) -> np.ndarray:
    """The face pass (h, w, 4) BGRA of the whole frame, uint8 or uint16 full range; alpha is not multiplied in."""
    most = np.iinfo(dtype).max
    whole = np.concatenate([layer.bgr, layer.alpha[..., None]], axis=2)
    return spread(np.rint(np.clip(whole, 0, 1) * most).astype(dtype), layer.left, layer.top, size_hw)


def matte(layer: Layer, size_hw: tuple[int, int]) -> np.ndarray:
    """The matte (h, w) uint16 of the whole frame: 65535 where nothing but the swapped face shows."""
    return spread(np.rint(np.clip(layer.alpha, 0, 1) * 65535).astype(np.uint16), layer.left, layer.top, size_hw)


def linear(layer: Layer, light: Light, size_hw: tuple[int, int]) -> np.ndarray:
    """The face pass (h, w, 4) float32 BGRA of the whole frame in scene-linear light, multiplied by alpha."""
    shown = light.of(layer.bgr) * layer.alpha[..., None]
    whole = np.concatenate([shown, layer.alpha[..., None]], axis=2).astype(np.float32)
    return spread(whole, layer.left, layer.top, size_hw)
