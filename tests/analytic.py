"""Faces whose landmarks are known by formula, for tests of what is drawn from landmarks."""

from __future__ import annotations

import numpy as np


def face(centre_xy=(90.0, 100.0), radius: float = 40.0, roll: float = 0.0) -> np.ndarray:
    """68 landmarks of a plain frontal face: analytic curves around a centre, brows to chin 2 radii, roll in degrees."""
    turn = np.linspace(np.pi, 0, 17)
    jaw = np.stack([np.cos(turn), 0.1 + 0.9 * np.sin(turn)], -1)
    brow = np.linspace(-0.8, -0.2, 5)
    right_brow = np.stack([brow, -0.55 - 0.12 * np.sin(np.linspace(0, np.pi, 5))], -1)
    ridge = np.stack([np.zeros(4), np.linspace(-0.35, 0.1, 4)], -1)
    nostrils = np.stack([np.linspace(-0.2, 0.2, 5), [0.2, 0.22, 0.25, 0.22, 0.2]], -1)
    around = np.linspace(0, 2 * np.pi, 6, endpoint=False) + np.pi
    eye = np.stack([0.17 * np.cos(around), 0.07 * np.sin(around)], -1)
    lip = np.linspace(0, 2 * np.pi, 12, endpoint=False) + np.pi
    mouth = np.stack([0.35 * np.cos(lip), 0.55 + 0.13 * np.sin(lip)], -1)
    inner = np.stack([0.25 * np.cos(lip[:8]), 0.55 + 0.05 * np.sin(lip[:8])], -1)
    left_brow = right_brow[::-1] * [-1, 1]
    parts = [jaw, right_brow, left_brow, ridge, nostrils, eye + [-0.45, -0.3], eye + [0.45, -0.3], mouth, inner]
    points = np.concatenate(parts) * radius
    c, s = np.cos(np.radians(roll)), np.sin(np.radians(roll))
    return (points @ np.array([[c, s], [-s, c]]) + centre_xy).astype(np.float32)
