"""Laying one picture over another."""

from __future__ import annotations

from typing import get_args

import cv2
import numpy as np
import pytest

from swapcore import blend
from swapcore.config.compositing import Convert


@pytest.fixture
def pictures():
    rng = np.random.default_rng(1)
    return rng.random((20, 30, 3), np.float32), rng.random((20, 30, 3), np.float32)


@pytest.mark.parametrize("name", blend.BLENDS)
class TestTable:
    def test_nothing_where_alpha_is_zero(self, name, pictures):
        over, under = pictures
        alpha = np.zeros((20, 30), np.float32)
        alpha[5:15, 10:20] = 0.7
        out = blend.BLENDS[name](over, under, alpha)
        assert out.dtype == np.float32 and out.shape == under.shape
        np.testing.assert_array_equal(out[alpha == 0], under[alpha == 0])
        assert out.min() >= 0 and out.max() <= 1

    def test_every_grey_level_survives(self, name):
        levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
        under = levels.astype(np.float32) / 255
        out = blend.BLENDS[name](1 - under, under, np.zeros((16, 16), np.float32))
        np.testing.assert_array_equal(np.rint(out * 255).astype(np.uint8), levels)

    def test_refuses_other_sizes(self, name, pictures):
        with pytest.raises(ValueError, match="one size"):
            blend.BLENDS[name](*pictures, np.zeros((5, 5), np.float32))


def test_feather_is_plain_alpha(pictures):
    over, under = pictures
    np.testing.assert_allclose(blend.feather(over, under, np.ones((20, 30), np.float32)), over, atol=1e-6)
    half = blend.feather(over, under, np.full((20, 30), 0.25, np.float32))
    np.testing.assert_allclose(half, 0.25 * over + 0.75 * under, atol=1e-6)


def oval(size=(160, 128), soft=8):
    alpha = np.zeros(size, np.float32)
    cv2.ellipse(alpha, (size[1] // 2, size[0] // 2), (size[1] // 3, size[0] // 3), 0, 0, 360, 1, -1)
    return cv2.GaussianBlur(alpha, (0, 0), soft / 2) * (cv2.dilate(alpha, np.ones((9, 9))) > 0)


@pytest.mark.parametrize("name", blend.BLENDS)
class TestWhole:
    def test_equal_pictures_stay(self, name):
        picture = np.random.default_rng(1).random((160, 128)).astype(np.float32)
        np.testing.assert_allclose(blend.BLENDS[name](picture, picture, oval()), picture, atol=1e-5)

    @pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 5), (0, 0)])
    def test_any_size(self, name, size):
        over, under = np.random.default_rng(1).random((2, *size)).astype(np.float32)
        assert blend.BLENDS[name](over, under, np.full(size, 0.5, np.float32)).shape == size

    def test_what_is_given_stays(self, name, pictures):
        over, under = (picture.copy() for picture in pictures)
        blend.BLENDS[name](over, under, np.full(over.shape[:2], 0.5, np.float32))
        np.testing.assert_array_equal(over, pictures[0])
        np.testing.assert_array_equal(under, pictures[1])

    def test_the_middle_is_the_faces(self, name):
        """Detail of the frame, as a wrinkle under the swap, does not show through."""
        under = np.full((160, 128), 0.5, np.float32)
        under[78:82] = 0.3
        out = blend.BLENDS[name](np.full_like(under, 0.5), under, oval())
        assert np.abs(out[70:90, 54:74] - 0.5).max() < 0.02


def test_multiband_hides_a_step_better_than_feather():
    """A face of another tone: the steepest place of the edge is less steep."""
    over, under = np.full((160, 128), 0.6, np.float32), np.full((160, 128), 0.5, np.float32)
    steep = {
        name: np.abs(np.diff(blend.BLENDS[name](over, under, oval(soft=3)), axis=0)).max() for name in blend.BLENDS
    }
    assert steep["multiband"] < 0.95 * steep["feather"]


def test_poisson_meets_the_frame():
    over, under = np.full((160, 128), 0.52, np.float32), np.full((160, 128), 0.5, np.float32)
    under[0] = 0.0  # so that the range is half of all
    under[-1] = 1.0
    alpha = oval()
    rim = (alpha > 0.3) & (alpha < 0.7)
    left = {name: np.abs(blend.BLENDS[name](over, under, alpha) - 0.5)[rim].mean() for name in ("feather", "poisson")}
    assert left["poisson"] < 0.4 * left["feather"]


def test_poisson_does_not_bleed():
    """Hair over a quarter of the border: the plain membrane would darken the cheek beside it."""
    over, under = np.full((160, 128), 0.6, np.float32), np.full((160, 128), 0.6, np.float32)
    under[:, :40] = 0.1
    out = blend.poisson(over, under, oval())
    assert np.abs(out[60:100, 54:90] - 0.6).max() < 0.02


def test_the_settings_name_every_blend():
    assert set(get_args(Convert.model_fields["blend"].annotation)) == set(blend.BLENDS)
