"""Colours. Inside the studio they are linear RGB, 1 = white paper in full light; pictures leave it as BGR bytes."""

from __future__ import annotations

import numpy as np


def linear(red: float, green: float, blue: float) -> np.ndarray:
    """Display colour 0..255 -> linear RGB (3,) by a gamma of 2.2."""
    return (np.array([red, green, blue], float) / 255) ** 2.2


SKIN_TONES = (
    linear(236, 188, 164),
    linear(226, 172, 140),
    linear(214, 158, 126),
    linear(198, 142, 104),
    linear(166, 110, 78),
    linear(126, 80, 56),
    linear(92, 58, 42),
)
DARK_TONES = 4  # from this one on, hair and eyes are dark too
HAIR_COLOURS = (
    linear(28, 22, 20),
    linear(52, 34, 26),
    linear(84, 54, 36),
    linear(126, 84, 50),
    linear(186, 142, 88),
    linear(150, 68, 36),
    linear(150, 146, 142),
)
IRIS_COLOURS = (
    linear(70, 44, 28),
    linear(104, 72, 40),
    linear(96, 104, 66),
    linear(84, 124, 156),
    linear(118, 138, 140),
)
LIPSTICKS = (linear(170, 40, 50), linear(190, 90, 90), linear(140, 50, 70))
LASH = linear(24, 17, 15)

_STEPS = 2048  # of the tone curve's table per unit of light
_LIGHT = np.arange(4 * _STEPS) / _STEPS
_KNEE = 0.45  # above it, highlights are compressed towards 1
_CURVE = np.where(_LIGHT < _KNEE, _LIGHT, _KNEE + (1 - _KNEE) * (1 - np.exp(-(_LIGHT - _KNEE) / (1 - _KNEE))))
_TABLE = (_CURVE ** (1 / 2.2)).astype(np.float32)


def tonemap(light: np.ndarray) -> np.ndarray:
    """Linear light 0..4 -> display values 0..1 float32: gamma 2.2, with soft highlights."""
    return _TABLE[np.clip(light * _STEPS, 0, len(_TABLE) - 1).astype(np.int16)]
