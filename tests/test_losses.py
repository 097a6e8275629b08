"""One contract for every loss."""

from __future__ import annotations

import typing

import cv2
import numpy as np
import pytest

from swapcore import losses
from swapcore.config.training import LossName
from swapcore.models import tensorflow

EVEN = {"eyes": 0.0, "mouth": 0.0}


@pytest.fixture(scope="module")
def tf():
    return tensorflow()


def pictures(side=32, seed=0):
    """Smooth pictures, and maps with a mask in the middle."""
    chance = np.random.default_rng(seed)
    truth = np.stack([cv2.resize(chance.random((9, 9, 3)), (side, side)) for _ in range(3)]).astype(np.float32)
    maps = np.zeros((3, side, side, 3), np.float32)
    maps[:, side // 4 : -side // 4, side // 4 : -side // 4, 0] = 1
    return truth, maps


def noisy(truth, amount, where=1.0):
    noise = np.random.default_rng(9).normal(size=truth.shape) * amount * where
    return np.clip(truth + noise, 0, 1).astype(np.float32)


def value(name, predicted, truth, maps):
    return losses.LOSSES[name](predicted, truth, losses.look(maps, weights=EVEN)).numpy()


def test_the_table_is_what_the_configuration_offers():
    assert set(losses.LOSSES) == set(typing.get_args(LossName))


@pytest.mark.parametrize("name", losses.LOSSES)
class TestEvery:
    @pytest.mark.parametrize("side", [32, 64, 96, 128])
    def test_grows_with_noise(self, tf, name, side):
        truth, maps = pictures(side)
        values = [value(name, noisy(truth, amount), truth, maps) for amount in (0, 0.05, 0.2)]
        assert values[0].shape == (3,) and values[0].dtype == np.float32
        assert np.allclose(values[0], 0, atol=1e-5)
        assert (values[0] < values[1]).all() and (values[1] < values[2]).all()

    @pytest.mark.parametrize("change", ["blur", "shift"])
    def test_grows_with_blur_and_shift(self, tf, name, change):
        truth, maps = pictures(64)
        changed = {
            "blur": lambda k: np.stack([cv2.GaussianBlur(p, (0, 0), 1e-3 + 1.5 * k) for p in truth]),
            "shift": lambda k: np.roll(truth, k, axis=2),
        }[change]
        values = [value(name, changed(k).astype(np.float32), truth, maps).mean() for k in range(4)]
        assert values[0] < 1e-5 and (np.diff(values) > 0).all()

    def test_looks_at_the_face(self, tf, name):
        truth, maps = pictures()
        mask = maps[..., :1]
        inside = value(name, noisy(truth, 0.2, mask), truth, maps)
        outside = value(name, noisy(truth, 0.2, 1 - mask), truth, maps)
        assert (inside > 2 * outside).all(), "although three quarters of the picture lie outside"

    def test_looks_at_the_eyes_more_closely_where_asked(self, tf, name):
        truth, maps = pictures(64)
        maps[:, 24:30, 20:44, 1] = 1
        off = noisy(truth, 0.2, maps[..., 1:2])
        even, closer = (
            losses.LOSSES[name](off, truth, losses.look(maps, weights={"eyes": eyes, "mouth": 0.0})).numpy()
            for eyes in (0.0, 3.0)
        )
        assert (closer > 1.5 * even).all()

    @pytest.mark.parametrize("masked", [True, False])
    @pytest.mark.parametrize("black", [True, False])
    def test_can_be_followed_down(self, tf, name, masked, black):
        truth, maps = pictures()
        truth, maps = truth * (not black), maps * masked
        weight = losses.look(maps, weights=EVEN)
        for start in (noisy(truth, 0.1), truth):
            predicted = tf.Variable(start)
            with tf.GradientTape() as tape:
                found = tf.reduce_mean(losses.LOSSES[name](predicted, truth, weight))
            step = tape.gradient(found, predicted).numpy()
            assert np.isfinite(step).all()
            if start is not truth:
                moved = start - 1e-2 * step / np.abs(step).max()
                assert value(name, moved, truth, maps).mean() < found.numpy()


def test_ssim_is_that_of_tensorflow(tf):
    truth, maps = pictures(64)
    predicted = noisy(truth, 0.1)
    expected = 1 - tf.image.ssim(predicted, truth, max_val=1.0, filter_size=losses.SSIM_WINDOW).numpy()
    assert value("ssim", predicted, truth, np.ones_like(maps)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["mae", "mse"])
def test_means_of_a_known_error(tf, name):
    truth, maps = pictures()
    off = value(name, truth * 0 + 0.3, truth * 0 + 0.1, np.ones_like(maps))
    assert off == pytest.approx({"mae": 0.2, "mse": 0.04}[name], rel=1e-4)


def test_a_learnt_mask_that_is_right_costs_nothing(tf):
    _, maps = pictures()
    mask = maps[..., :1]
    assert float(losses.seen(mask, maps)) < 1e-5
    assert float(losses.seen(np.full_like(mask, 0.5), maps)) == pytest.approx(np.log(2), rel=1e-5)
    assert float(losses.seen(0.9 * mask + 0.05, maps)) == pytest.approx(-np.log(0.95), rel=1e-5)


def test_the_total_is_the_mix(tf):
    truth, maps = pictures()
    predicted, mix = noisy(truth, 0.1), {"mae": 1.0, "laplacian": 0.25}
    expected = sum(weight * value(name, predicted, truth, maps).mean() for name, weight in mix.items())
    assert float(losses.total(predicted, truth, maps, mix=mix, weights=EVEN)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["mae", "mse", "ssim", "ms_ssim", "laplacian", "focal_frequency", "features"])
def test_lightness_counts(tf, name):
    truth, maps = pictures(64)
    truth = 0.2 + 0.5 * truth
    assert (value(name, truth + np.float32(0.2), truth, maps) > 0.004).all(), "another brightness is no small mistake"


def test_bands_hold_no_slopes(tf):
    """A smooth change of shade is the low levels' affair."""
    line = np.linspace(0, 0.3, 64, dtype=np.float32)
    truth, maps = np.full((1, 64, 64, 3), 0.3, np.float32), np.ones((1, 64, 64, 3), np.float32)
    slope = truth + (line - line.mean())[None, None, :, None]
    detail = truth + np.float32(np.abs(slope - truth).mean()) * np.sign(
        np.random.default_rng(1).normal(size=truth.shape)
    ).astype(np.float32)
    slope, detail = (value("laplacian", picture, truth, maps)[0] for picture in (slope, detail))
    assert slope < 1.2 * np.abs(line - line.mean()).mean()
    assert detail > slope


def test_pyramids_levels_meet(tf):
    picture = np.random.default_rng(2).random((2, 9, 7, 3)).astype(np.float32)
    large = losses._doubled(tf.constant(picture)).numpy()
    assert large.shape == (2, 18, 14, 3)
    np.testing.assert_array_equal(large[:, ::2, ::2], picture)
    np.testing.assert_allclose(large[:, 1:-1:2, ::2], (picture[:, 1:] + picture[:, :-1]) / 2, rtol=1e-6)
