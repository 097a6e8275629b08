"""Light told from skin, and given to another face."""

import cv2
import numpy as np
import pytest
from analytic import face

from swapcore import light

SIDE = 96
POINTS = face((48, 52), 24)


def lit(lamp, *, level=0.5, noise=0.0):
    """A face-shaped ellipsoid (SIDE, SIDE, 3) float32 BGR 0..1 in gamma values under a lamp (x to the right, y down, z ahead)."""
    normal = light.shading(POINTS, side=SIDE)[..., 1:4]
    lamp = np.asarray(lamp, float) / np.linalg.norm(lamp)
    linear = level * (0.25 + np.maximum(normal @ lamp, 0))
    linear = cv2.resize(linear.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    linear = linear + np.random.default_rng(1).normal(0, noise, linear.shape).astype(np.float32)
    grey = np.clip(linear, 0, 1) ** (1 / 2.2)
    return np.repeat(grey[..., None], 3, -1).astype(np.float32)


def skin():
    y, x = np.mgrid[:SIDE, :SIDE]
    return (((x - 48) / 24) ** 2 + ((y - 54) / 30) ** 2 < 1).astype(np.float32)


def halves(picture):
    mask = skin() > 0
    x = np.mgrid[:SIDE, :SIDE][1]
    return tuple(float(picture[mask & (x < 48 if k == 0 else x > 48)].mean()) for k in (0, 1))


@pytest.mark.parametrize("lamp", [(1, 0, 1), (-1, -0.3, 0.6), (0, -1, 0.6), (0, 0, 1)])
def test_a_lamp_is_taken_over(lamp):
    ahead, wanted = lit((0, 0, 1)), lit(lamp)
    out = light.relight(ahead, wanted, skin(), POINTS)
    assert out.shape == ahead.shape and out.dtype == np.float32 and out.min() >= 0 and out.max() <= 1
    scale = (wanted * skin()[..., None]).sum() / (out * skin()[..., None]).sum()  # brightness is for colour transfer
    before, after = (
        np.abs(p * (wanted[skin() > 0].mean() / p[skin() > 0].mean()) - wanted)[skin() > 0].mean() for p in (ahead, out)
    )
    assert 0.8 < scale < 1.25
    assert after < max(before / 2.5, 0.02)


def test_the_side_it_comes_from_is_right():
    right = light.relight(lit((0, 0, 1)), lit((1, 0, 0.5)), skin(), POINTS)
    left = light.relight(lit((0, 0, 1)), lit((-1, 0, 0.5)), skin(), POINTS)
    assert halves(right)[1] > 1.2 * halves(right)[0]
    assert halves(left)[0] > 1.2 * halves(left)[1]


@pytest.mark.parametrize("lamp", [(1, 0, 1), (0, 0, 1)])
def test_the_same_light_changes_nothing(lamp):
    picture = lit(lamp)
    np.testing.assert_allclose(light.relight(picture, picture, skin(), POINTS), picture, atol=1e-4)


def test_brightness_and_colour_are_left_alone():
    dark = lit((0, 0, 1), level=0.15) * np.float32([0.6, 0.8, 1.0])
    out = light.relight(lit((0, 0, 1)), dark, skin(), POINTS)
    inside = skin() > 0
    assert out[inside].mean() == pytest.approx(lit((0, 0, 1))[inside].mean(), rel=0.03)
    assert np.ptp(out[inside].mean(0)) < 0.01


def test_light_that_cannot_be_told_is_not_taken():
    swapped = lit((0, 0, 1))
    noise = np.random.default_rng(2).uniform(0, 1, swapped.shape).astype(np.float32)
    assert np.abs(light.relight(swapped, noise, skin(), POINTS) - swapped)[skin() > 0].mean() < 0.02


@pytest.mark.parametrize("mask", [np.zeros((SIDE, SIDE), np.float32), np.eye(SIDE, dtype=np.float32)])
def test_hardly_any_skin_changes_nothing(mask):
    swapped = lit((0, 0, 1))
    np.testing.assert_array_equal(light.relight(swapped, lit((1, 0, 0)), mask, POINTS), swapped)


def test_brows_and_eyes_do_not_count():
    wanted = lit((1, 0, 0.6))
    marked = wanted.copy()
    marked[40:46, 30:44] = marked[40:46, 52:66] = 0.05
    plain, other = (light.relight(lit((0, 0, 1)), p, skin(), POINTS) for p in (wanted, marked))
    assert np.abs(plain - other)[skin() > 0].mean() < 0.03


@pytest.mark.parametrize("darker", [0.2, 0.5])
def test_light_is_taken_over_whatever_the_brightness(darker):
    """A target in the dark, lit from one side: the side counts, not the dark."""
    ahead, wanted = lit((0, 0, 1)), lit((1, 0, 0.6))
    dim = (wanted**2.2 * darker) ** (1 / 2.2)
    plain, other = (light.relight(ahead, target.astype(np.float32), skin(), POINTS) for target in (wanted, dim))
    assert np.abs(plain - other)[skin() > 0].mean() < 0.02
