"""One contract for every loss."""

from __future__ import annotations

import numpy as np
import pytest

from swapcore import losses
from swapcore.models import tensorflow


@pytest.fixture(scope="module")
def tf():
    return tensorflow()


def pictures(seed=0):
    chance = np.random.default_rng(seed)
    truth = chance.random((3, 32, 32, 3)).astype(np.float32)
    mask = np.zeros((3, 32, 32, 1), np.float32)
    mask[:, 8:24, 8:24] = 1
    return truth, mask


def noisy(truth, amount, where=1.0):
    noise = np.random.default_rng(9).normal(size=truth.shape) * amount * where
    return np.clip(truth + noise, 0, 1).astype(np.float32)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_a_loss_grows_with_the_difference(tf, name):
    truth, mask = pictures()
    values = [losses.LOSSES[name](noisy(truth, amount), truth, mask).numpy() for amount in (0, 0.05, 0.2)]
    assert values[0].shape == (3,) and values[0].dtype == np.float32
    assert np.allclose(values[0], 0, atol=1e-6)
    assert (values[0] < values[1]).all() and (values[1] < values[2]).all() and (values[2] <= 1).all()


@pytest.mark.parametrize("name", losses.LOSSES)
def test_a_loss_looks_at_the_face(tf, name):
    truth, mask = pictures()
    inside = losses.LOSSES[name](noisy(truth, 0.2, mask), truth, mask).numpy()
    outside = losses.LOSSES[name](noisy(truth, 0.2, 1 - mask), truth, mask).numpy()
    assert (inside > 2 * outside).all(), "although three quarters of the picture lie outside"


@pytest.mark.parametrize("name", losses.LOSSES)
@pytest.mark.parametrize("masked", [True, False])
def test_a_loss_can_be_followed_down(tf, name, masked):
    truth, mask = pictures()
    mask = mask if masked else np.zeros_like(mask)
    for start in (noisy(truth, 0.1), truth):
        predicted = tf.Variable(start)
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(losses.LOSSES[name](predicted, truth, mask))
        gradient = tape.gradient(value, predicted).numpy()
        assert np.isfinite(gradient).all()
    before = losses.LOSSES[name](noisy(truth, 0.1), truth, mask).numpy().mean()
    if before > 0:
        predicted = tf.Variable(noisy(truth, 0.1))
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(losses.LOSSES[name](predicted, truth, mask))
        step = tape.gradient(value, predicted).numpy()
        moved = predicted.numpy() - 1e-2 * step / np.abs(step).max()
        assert losses.LOSSES[name](moved, truth, mask).numpy().mean() < before


def test_the_total_is_the_mix(tf):
    truth, mask = pictures()
    predicted = noisy(truth, 0.1)
    parts = {name: float(np.mean(losses.LOSSES[name](predicted, truth, mask))) for name in losses.LOSSES}
    expected = sum(weight * parts[name] for name, weight in losses.MIX.items())
    assert float(losses.total(predicted, truth, mask)) == pytest.approx(expected, rel=1e-5)
