"""Against the true swap: errors that are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from analytic import face

from swapcore.measure import truth
from swapcore.measure.difference import ciede2000, lab

SIDE = 256
MASK = np.zeros((SIDE, SIDE), np.float32)
MASK[60:200, 60:200] = 1


def flat(bgr) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), bgr, np.uint8)


def sine(period: float, amplitude: float = 40, across: bool = True) -> np.ndarray:
    wave = 128 + amplitude * np.sin(2 * np.pi * np.arange(SIDE) / period)
    grid = np.broadcast_to(wave[None] if across else wave[:, None], (SIDE, SIDE))
    return np.rint(np.repeat(grid[..., None], 3, -1)).astype(np.uint8)


def elsewhere(picture: np.ndarray) -> np.ndarray:
    """The same face; around it, far from its edge, all is black."""
    other = np.zeros_like(picture)
    other[50:210, 50:210] = picture[50:210, 50:210]
    return other


@pytest.mark.parametrize("name", ["truth_psnr", "truth_ssim", "truth_colour", "truth_detail"])
def test_equal_faces(name):
    function, best = getattr(truth, name), {"truth_psnr": 58.92, "truth_ssim": 1}.get(name, 0)
    picture = sine(12)
    assert function(picture, picture, MASK) == pytest.approx(best, abs=0.01)
    assert function(elsewhere(picture), picture, MASK) == pytest.approx(best, abs=0.01), "the face alone counts"
    assert function(picture, picture, 0 * MASK) is None


@pytest.mark.parametrize("levels", [2, 10])
def test_psnr_of_a_known_error(levels):
    assert truth.truth_psnr(flat(100 + levels), flat(100), MASK) == pytest.approx(20 * np.log10(255 / levels), abs=1e-3)


@pytest.mark.parametrize("share", [0.5, 0.25])
def test_ssim_of_less_contrast(share):
    """Of equal means, a wave of the same phase: 2 s / (1 + s^2), but for the constant."""
    wave = sine(4, 60)
    weaker = np.rint((wave.astype(float) - 128) * share + 128).astype(np.uint8)
    assert truth.truth_ssim(weaker, wave, MASK) == pytest.approx(2 * share / (1 + share**2), abs=0.02)


def test_ssim_of_a_step_in_brightness():
    """Of flat pictures, only the means are left."""
    c1 = (0.01 * 255) ** 2
    wanted = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert truth.truth_ssim(flat(150), flat(100), MASK) == pytest.approx(wanted, abs=1e-4)


def test_colour_of_a_known_step_and_not_of_detail():
    one, other = flat((110, 130, 170)), flat((100, 130, 180))
    wanted = float(ciede2000(lab(one)[0, 0], lab(other)[0, 0]))
    assert truth.truth_colour(one, other, MASK) == pytest.approx(wanted, abs=1e-3) and wanted > 3
    assert truth.truth_colour(sine(6, 20), flat(128), MASK) < 0.5
    assert truth.truth_detail(one, cv2.add(sine(9), flat(5)), MASK) == pytest.approx(1, abs=0.02)


def test_detail_of_known_waves():
    wave = sine(12)
    assert truth.truth_detail(flat(90), wave, MASK) == pytest.approx(1)
    half = np.rint((wave.astype(float) - 128) / 2 + 150).astype(np.uint8)
    assert truth.truth_detail(half, wave, MASK) == pytest.approx(0.5, abs=0.02)
    assert truth.truth_detail(np.roll(wave, 6, 1), wave, MASK) == pytest.approx(2, abs=0.02), "in the wrong place"
    assert truth.truth_detail(sine(12, across=False), wave, MASK) == pytest.approx(np.sqrt(2), abs=0.03)
    assert truth.truth_detail(wave, flat(128), MASK) is None


def test_shape_of_a_known_shift():
    points = face(radius=50)
    assert truth.truth_shape(points + [3, 4], points) == pytest.approx(5 / 45, rel=1e-3)
    assert truth.truth_shape(points, points) == 0
