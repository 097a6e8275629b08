"""How the values of HDR pictures become those of a normal screen, on which detectors and models are trained, and back.

A curve is applied to each of R', G' and B' alone, so that it can be undone. HLG needs none: its values were made to look
right on a normal screen (ITU-R BT.2100, note 5d).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

WHITE = 203.0  # cd/m2 of a white sheet in HDR programmes (ITU-R BT.2408)
KNEE = 0.6  # share of white up to which light stays as it is; what is brighter is squeezed into the rest
MOST = 0.9  # of that rest: a face is never made brighter than about 850 cd/m2, however near white a model draws it
# SMPTE ST 2084
PEAK = 10_000.0  # cd/m2 of the value 1
M1, M2, C1, C2, C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128


class Curve(NamedTuple):
    """Both ways, for float arrays of any shape, 0..1 as coded."""

    to_screen: Callable[[np.ndarray], np.ndarray]
    from_screen: Callable[[np.ndarray], np.ndarray]
    white: float  # code value of a white sheet

    def table(self) -> np.ndarray:
        """`to_screen` for 8-bit values, (256,) uint8."""
        return np.rint(255 * self.to_screen(np.arange(256, dtype=np.float32) / 255)).astype(np.uint8)


def pq_to_light(code: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084, equation 4.1: light of the display, cd/m2, float64."""
    root = np.power(np.clip(code, 0, 1), 1 / M2, dtype=np.float64)
    return np.power(np.maximum(root - C1, 0) / (C2 - C3 * root), 1 / M1) * PEAK


def light_to_srgb(light: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1: values of a normal screen from light 0..1, float32."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)


def pq_to_screen(code: np.ndarray) -> np.ndarray:
    """PQ (SMPTE ST 2084) to values of a normal screen, float32.

    Light up to KNEE of a white sheet stays; above, t becomes t / (1 + t) of what remains (Reinhard et al. 2002), so that a
    face's highlights are kept, and then the curve of sRGB (IEC 61966-2-1). Primaries stay those of the source.
    """
    light = pq_to_light(code) / WHITE
    over = np.maximum(light - KNEE, 0) / (1 - KNEE)
    light = np.minimum(light, KNEE) + (1 - KNEE) * over / (1 + over)
    return light_to_srgb(light)


def screen_to_pq(value: np.ndarray) -> np.ndarray:
    """The reverse of `pq_to_screen`."""
    value = np.clip(np.asarray(value, np.float64), 0, 1)
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    part = np.clip((light - KNEE) / (1 - KNEE), 0, MOST)
    light = np.minimum(light, KNEE) + (1 - KNEE) * part / (1 - part)
    power = np.power(np.minimum(light * WHITE / PEAK, 1), M1)
    return np.power((C1 + C2 * power) / (1 + C3 * power), M2).astype(np.float32)


CURVES = {16: Curve(pq_to_screen, screen_to_pq, white=0.5807)}  # by H.273's transfer characteristics
