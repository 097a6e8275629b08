"""From the values of a video to the light that they stand for, which is what EXR files hold.

Scene-linear light: twice the number is twice the light. The curves are those of ITU-T H.273, table 3, undone; each names
the standard that it is from. Values are float32 0..1 as coded, light is float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from swapcore.errors import SwapError
from swapcore.video.curves import pq_to_light

PQ_UNIT = 100.0  # cd/m2 of the light 1, as in OpenColorIO's and ACES' transforms
# ARIB STD-B67, ITU-R BT.2100
HLG_A = 0.17883277
HLG_B, HLG_C = 1 - 4 * HLG_A, 0.5 - HLG_A * np.log(4 * HLG_A)


class Light(NamedTuple):
    """A curve, and what it means."""

    of: Callable[[np.ndarray], np.ndarray]  # light from values
    words: str
    white: float = 0.0  # cd/m2 of the light 1; 0: the scale is relative


def _piecewise(alpha: float, slope: float, power: float, knee: float) -> Callable[[np.ndarray], np.ndarray]:
    """The reverse of v = alpha l^power - (alpha - 1), below `knee` (in v) of v = slope l."""

    def of(code: np.ndarray) -> np.ndarray:
        code = np.asarray(code, np.float32)
        upper = np.power(np.maximum((code + (alpha - 1)) / alpha, 0), 1 / power)
        return np.where(code < knee, code / slope, upper).astype(np.float32)

    return of


def _power(gamma: float, gain: float = 1.0) -> Callable[[np.ndarray], np.ndarray]:
    return lambda code: (gain * np.power(np.maximum(code, 0), gamma)).astype(np.float32)


def pq(code: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084, equation 4.1: light of the display, 1 for 100 cd/m2, so up to 100."""
    return (pq_to_light(code) / PQ_UNIT).astype(np.float32)


def hlg(code: np.ndarray) -> np.ndarray:
    """ITU-R BT.2100, table 5, the inverse OETF: light of the scene, 0..1; a white sheet (value 0.75) is 0.265."""
    code = np.clip(np.asarray(code, np.float32), 0, 1)
    return np.where(code <= 0.5, code**2 / 3, (np.exp((code - HLG_C) / HLG_A) + HLG_B) / 12).astype(np.float32)


BT709 = Light(
    _piecewise(1.09929682680944, 4.5, 0.45, 4.5 * 0.018053968510807), "ITU-R BT.709, the camera's curve undone"
)
SRGB = Light(_piecewise(1.055, 12.92, 1 / 2.4, 12.92 * 0.0031308), "sRGB, IEC 61966-2-1")
LIGHTS: dict[int, Light] = {  # by H.273's transfer characteristics
    1: BT709,
    4: Light(_power(2.2), "gamma 2.2"),
    5: Light(_power(2.8), "gamma 2.8"),
    6: BT709,  # BT.601, the same curve
    7: Light(_piecewise(1.1115, 4.0, 0.45, 4.0 * 0.0228), "SMPTE 240M"),
    8: Light(_power(1.0), "linear"),
    11: BT709,  # xvYCC: beyond 0..1 alike
    13: SRGB,
    14: BT709,  # BT.2020, 10 and 12 bit: the same curve
    15: BT709,
    16: Light(pq, "PQ, SMPTE ST 2084: light of the display, 1.0 is 100 cd/m2", PQ_UNIT),
    17: Light(_power(2.6, 52.37 / 48), "SMPTE ST 428-1"),
    18: Light(hlg, "HLG, ITU-R BT.2100: light of the scene, 0..1"),
}
# x and y of red, green, blue and white, by H.273's colour primaries (table 2)
D65 = (0.3127, 0.3290)
PRIMARIES: dict[int, tuple[float, ...]] = {
    1: (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *D65),
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *D65),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *D65),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *D65),
}


def light_of(transfer: int, *, rgb: bool, name: str) -> Light:
    """The row of LIGHTS for a clip. Not stated (2) counts as sRGB where the clip is RGB, else as BT.709, as players do.

    Raises SwapError for a curve that is not in the table.
    """
    if transfer == 2:
        return SRGB if rgb else BT709
    if transfer not in LIGHTS:
        raise SwapError(
            f"clip {name}: its transfer characteristics are number {transfer} of H.273, whose light is not known here "
            f"(known are {', '.join(map(str, LIGHTS))}); ask for png, prores or ffv1, which keep the values as they are"
        )
    return LIGHTS[transfer]


def chromaticities(primaries: int) -> tuple[float, ...]:
    """The row of PRIMARIES; not stated or not known counts as BT.709."""
    return PRIMARIES.get(primaries, PRIMARIES[1])
