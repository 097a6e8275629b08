"""Colour transfer."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from swapcore import colour


def picture(seed: int, shape=(48, 40)) -> np.ndarray:
    """A smooth random picture, float32 BGR, well inside 0..1."""
    noise = np.random.default_rng(seed).uniform(0.2, 0.8, (*shape, 3)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def disc(shape=(48, 40)) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return ((x - 20) ** 2 + (y - 24) ** 2 < 15**2).astype(np.float32)


@pytest.mark.parametrize("name", colour.COLOURS)
class TestTable:
    def test_keeps_shape_dtype_range_and_its_arguments(self, name):
        swapped, target, mask = picture(1), np.clip(picture(2) * 3 - 1, 0, 1), disc()
        before = swapped.copy(), target.copy(), mask.copy()
        out = colour.COLOURS[name](swapped, target, mask)
        assert out.shape == swapped.shape and out.dtype == np.float32
        assert np.isfinite(out).all() and out.min() >= 0 and out.max() <= 1
        for now, then in zip((swapped, target, mask), before, strict=True):
            np.testing.assert_array_equal(now, then)

    def test_same_face_stays(self, name):
        face = picture(3)
        np.testing.assert_allclose(colour.COLOURS[name](face, face, disc()), face, atol=0.01 / 255)

    def test_empty_mask_changes_nothing(self, name):
        face = picture(4)
        np.testing.assert_array_equal(colour.COLOURS[name](face, picture(5), np.zeros((48, 40), np.float32)), face)

    def test_flat_faces_give_no_noise(self, name):
        flat = np.full((48, 40, 3), 0.5, np.float32)
        assert np.ptp(colour.COLOURS[name](flat, picture(6), disc()), axis=(0, 1)).max() < 1 / 255

    def test_refuses_other_sizes(self, name):
        with pytest.raises(ValueError, match="target_bgr: expected float32"):
            colour.COLOURS[name](picture(1), picture(2, (10, 10)), disc())


def test_reinhard_gives_the_targets_statistics():
    swapped, mask = picture(7), disc()
    target = np.clip(picture(8) * 0.6 + np.array([0.0, 0.1, 0.25], np.float32), 0, 1)
    out = colour.reinhard(swapped, target, mask)
    inside = mask > 0
    got, wanted = (cv2.cvtColor(i, cv2.COLOR_BGR2Lab)[inside] for i in (out, target))
    np.testing.assert_allclose(got.mean(0), wanted.mean(0), atol=0.1)
    np.testing.assert_allclose(got.std(0), wanted.std(0), rtol=0.02, atol=0.05)


def test_reinhard_undoes_a_change_of_contrast_in_lab():
    target, mask = picture(9), np.ones((48, 40), np.float32)
    lab = cv2.cvtColor(target, cv2.COLOR_BGR2Lab)
    tinted = cv2.cvtColor((lab * [0.7, 0.8, 0.8] + [12, 4, -5]).astype(np.float32), cv2.COLOR_Lab2BGR)
    np.testing.assert_allclose(colour.reinhard(tinted, target, mask), target, atol=1 / 255)


def test_reinhard_looks_only_under_the_mask():
    swapped, target, mask = picture(10), picture(11), disc()
    elsewhere = np.where(mask[..., None] > 0, target, 1).astype(np.float32)
    np.testing.assert_allclose(
        colour.reinhard(swapped, target, mask), colour.reinhard(swapped, elsewhere, mask), atol=1e-6
    )


def test_reinhard_does_not_stretch_a_soft_face_beyond_bounds():
    target, mask = picture(12), np.ones((48, 40), np.float32)
    lab = cv2.cvtColor(target, cv2.COLOR_BGR2Lab)
    soft = cv2.cvtColor(((lab - lab.mean((0, 1))) * 0.2 + lab.mean((0, 1))).astype(np.float32), cv2.COLOR_Lab2BGR)
    spread = cv2.cvtColor(colour.reinhard(soft, target, mask), cv2.COLOR_BGR2Lab).std((0, 1))
    before = cv2.cvtColor(soft, cv2.COLOR_BGR2Lab).std((0, 1))
    np.testing.assert_allclose(spread / before, colour.MOST_STRETCH, rtol=0.02)


def test_mkl_gives_the_targets_covariance():
    swapped, mask = picture(11), disc()
    turn = np.array([[0.5, 0.2, 0.1], [0.1, 0.6, 0.1], [0.2, 0.0, 0.7]], np.float32)
    target = np.clip(picture(12) @ turn + np.array([0.05, 0.1, 0.1], np.float32), 0, 1).astype(np.float32)
    out, inside = colour.mkl(swapped, target, mask), mask > 0
    got, wanted = (np.cov(cv2.cvtColor(i, cv2.COLOR_BGR2Lab)[inside].T) for i in (out, target))
    np.testing.assert_allclose(got, wanted, atol=0.05 * np.abs(wanted).max())


@pytest.mark.parametrize("name", ["histogram", "sliced_ot"])
def test_distributions_follow_the_targets(name):
    swapped, mask = picture(13), disc()
    target = np.clip(0.2 + 0.7 * (picture(14) - 0.2) ** 2 * np.array([1.5, 1.2, 1.8], np.float32), 0, 1).astype(
        np.float32
    )
    inside = mask > 0
    out, plain = colour.COLOURS[name](swapped, target, mask), colour.reinhard(swapped, target, mask)

    def apart(image):
        a, b = (np.sort(cv2.cvtColor(i, cv2.COLOR_BGR2Lab)[inside], axis=0) for i in (image, target))
        return np.abs(a - b).mean()

    assert apart(out) < 0.6
    assert apart(out) < apart(swapped) / 10
    assert apart(out) < apart(plain)


@pytest.mark.parametrize("name", ["mkl", "histogram", "sliced_ot"])
def test_no_colour_is_stretched_beyond_bounds(name):
    soft = (0.5 + 0.02 * (picture(15) - 0.5)).astype(np.float32)
    out = colour.COLOURS[name](soft, picture(16), disc())
    before, after = (np.linalg.norm(cv2.cvtColor(i, cv2.COLOR_BGR2Lab)[disc() > 0].std(0)) for i in (soft, out))
    assert after < colour.MOST_STRETCH * before * 1.2


@pytest.mark.parametrize("name", colour.COLOURS)
def test_colours_look_only_under_the_mask(name):
    swapped, target, mask = picture(17), picture(18), disc()
    other = np.where(mask[..., None] > 0, target, np.float32(0.9))
    np.testing.assert_array_equal(
        colour.COLOURS[name](swapped, other, mask), colour.COLOURS[name](swapped, target, mask)
    )
