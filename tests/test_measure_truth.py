"""Against the true swap: errors that are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from analytic import face

from swapcore.measure import truth
from swapcore.measure.difference import ciede2000, lab

SIDE = 256
INSIDE = np.zeros((SIDE, SIDE), bool)
INSIDE[60:200, 60:200] = True


def flat(bgr) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), bgr, np.uint8)


def sine(period: float, amplitude: float = 40, across: bool = True) -> np.ndarray:
    wave = 128 + amplitude * np.sin(2 * np.pi * np.arange(SIDE) / period)
    grid = np.broadcast_to(wave[None] if across else wave[:, None], (SIDE, SIDE))
    return np.rint(np.repeat(grid[..., None], 3, -1)).astype(np.uint8)


def elsewhere(picture: np.ndarray) -> np.ndarray:
    """The same face; around it, far from its edge, all is black."""
    other = np.zeros_like(picture)
    other[24:236, 24:236] = picture[24:236, 24:236]
    return other


@pytest.mark.parametrize("name", ["truth_psnr", "truth_ssim", "truth_colour", "truth_detail"])
def test_equal_faces(name):
    function, best = getattr(truth, name), {"truth_psnr": 58.92, "truth_ssim": 1}.get(name, 0)
    picture = sine(12)
    assert function(picture, picture, INSIDE) == pytest.approx(best, abs=0.01)
    assert function(elsewhere(picture), picture, INSIDE) == pytest.approx(best, abs=0.01), "the face alone counts"
    assert function(picture, picture, INSIDE & False) is None


@pytest.mark.parametrize("levels", [2, 10])
def test_psnr_of_a_known_error(levels):
    assert truth.truth_psnr(flat(100 + levels), flat(100), INSIDE) == pytest.approx(
        20 * np.log10(255 / levels), abs=1e-3
    )


@pytest.mark.parametrize("share", [0.5, 0.25])
def test_ssim_of_less_contrast(share):
    """Of equal means, a wave of the same phase: 2 s / (1 + s^2), but for the constant."""
    wave = sine(16, 60)
    weaker = np.rint((wave.astype(float) - 128) * share + 128).astype(np.uint8)
    assert truth.truth_ssim(weaker, wave, INSIDE) == pytest.approx(2 * share / (1 + share**2), abs=0.02)


def test_ssim_of_a_step_in_brightness():
    """Of flat pictures, only the means are left."""
    c1 = (0.01 * 255) ** 2
    wanted = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert truth.truth_ssim(flat(150), flat(100), INSIDE) == pytest.approx(wanted, abs=1e-4)


def test_colour_of_a_known_step_and_not_of_detail():
    one, other = flat((110, 130, 170)), flat((100, 130, 180))
    wanted = float(ciede2000(lab(one)[0, 0], lab(other)[0, 0]))
    assert truth.truth_colour(one, other, INSIDE) == pytest.approx(wanted, abs=1e-3) and wanted > 3
    assert truth.truth_colour(sine(6, 20), flat(128), INSIDE) < 0.5
    assert truth.truth_detail(one, cv2.add(sine(9), flat(5)), INSIDE) == pytest.approx(1, abs=0.02)


def test_detail_of_known_waves():
    wave = sine(12)
    assert truth.truth_detail(flat(90), wave, INSIDE) == pytest.approx(1)
    for share in (0.5, 1.5):
        other = np.rint((wave.astype(float) - 128) * share + 120).astype(np.uint8)
        assert truth.truth_detail(other, wave, INSIDE) == pytest.approx(0.5, abs=0.02), "missed or too much"
    assert truth.truth_detail(np.roll(wave, 6, 1), wave, INSIDE) < 0.03, "a little aside is no mistake"
    half = wave.copy()
    half[:, :130] = 128
    assert truth.truth_detail(half, wave, INSIDE) == pytest.approx(0.5, abs=0.05), "in half of the face there is none"
    assert truth.truth_detail(wave, flat(128), INSIDE) is None


def test_a_sharp_face_a_little_aside_beats_a_blur():
    """Which the plain errors say otherwise: what this package measures must not."""
    rng = np.random.default_rng(0)
    true = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE, 3)).astype(np.float32), (0, 0), 5)
    true = np.clip(128 + 40 * true / true.std(), 0, 255).astype(np.uint8)
    aside, blur = np.roll(true, 6, 1), cv2.GaussianBlur(true, (0, 0), 8)
    plain = [np.square(p.astype(float) - true)[INSIDE].mean() for p in (aside, blur)]
    assert plain[1] < plain[0]
    assert truth.truth_detail(aside, true, INSIDE) < 0.3 < truth.truth_detail(blur, true, INSIDE)


def test_shape_of_a_known_shift():
    points = face(radius=50)
    assert truth.truth_shape(points + [3, 4], points) == pytest.approx(5 / 45, rel=1e-3)
    assert truth.truth_shape(points, points) == 0
