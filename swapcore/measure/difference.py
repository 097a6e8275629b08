"""How different two colours look: CIELAB and CIEDE2000."""

from __future__ import annotations

import cv2
import numpy as np


def lab(picture_bgr: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of sRGB (h, w, 3) BGR, uint8 or float32 0..1: float32, L* 0..100, a* and b* about -100..100.

    Right to 0.03. (OpenCV's own way from sRGB takes a coarse table: off by up to 0.4.)
    """
    linear = _LINEAR[picture_bgr] if picture_bgr.dtype == np.uint8 else _linear(picture_bgr).astype(np.float32)
    return cv2.cvtColor(linear, cv2.COLOR_LBGR2LAB)


def ciede2000(one_lab: np.ndarray, other_lab: np.ndarray) -> np.ndarray:
    """CIEDE2000 colour difference of CIELAB colours (..., 3), float64 (...); about 1 is just seen side by side.

    All weights 1. After Sharma, Wu and Dalal, The CIEDE2000 Color-Difference Formula: Implementation Notes, Supplementary
    Test Data, and Mathematical Observations (Color Research and Application, 2005), by the numbers of their equations.
    """
    l1, a1, b1 = np.moveaxis(np.asarray(one_lab, np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(other_lab, np.float64), -1, 0)
    g = 0.5 * (1 - _share((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2))  # (4)
    a1, a2 = (1 + g) * a1, (1 + g) * a2  # (5)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)  # (6)
    h1, h2 = (np.degrees(np.arctan2(b, a)) % 360 for a, b in ((a1, b1), (a2, b2)))  # (7)
    grey = c1 * c2 == 0
    turn = h2 - h1
    turn = np.where(grey, 0, turn - 360 * (turn > 180) + 360 * (turn < -180))  # (10)
    d_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)  # (11)
    light, c = (l1 + l2) / 2, (c1 + c2) / 2  # (12, 13)
    far = np.abs(h1 - h2) > 180
    h = np.where(grey, h1 + h2, (h1 + h2) / 2 + np.where(far, np.where(h1 + h2 < 360, 180, -180), 0))  # (14)
    t = (
        1
        - 0.17 * np.cos(np.radians(h - 30))
        + 0.24 * np.cos(np.radians(2 * h))
        + 0.32 * np.cos(np.radians(3 * h + 6))
        - 0.20 * np.cos(np.radians(4 * h - 63))
    )  # (15)
    s_l = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)  # (18)
    s_c, s_h = 1 + 0.045 * c, 1 + 0.015 * c * t  # (19, 20)
    r_t = -np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2)))) * 2 * _share(c)  # (16, 17, 21)
    d_l, d_c, d_h = (l2 - l1) / s_l, (c2 - c1) / s_c, d_h / s_h
    return np.sqrt(np.maximum(d_l**2 + d_c**2 + d_h**2 + r_t * d_c * d_h, 0))  # (22)


def _share(chroma: np.ndarray) -> np.ndarray:
    """The root in equations 4 and 17."""
    return np.sqrt(chroma**7 / (chroma**7 + 25.0**7))


def _linear(coded: np.ndarray) -> np.ndarray:
    """Light 0..1 of sRGB's values 0..1 (IEC 61966-2-1)."""
    return np.where(coded <= 0.04045, coded / 12.92, ((np.maximum(coded, 0.04045) + 0.055) / 1.055) ** 2.4)


_LINEAR = _linear(np.arange(256) / 255).astype(np.float32)
