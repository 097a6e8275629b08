"""The finish: blur, sharpness and grain told from pictures where they are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from swapcore import finish

SIZE = 256


def drawn(seed: int = 1) -> np.ndarray:
    """Sharp edges in all directions between flat areas, (SIZE, SIZE) float32 0..1: discs four times as fine, averaged."""
    rng, picture = np.random.default_rng(seed), np.full((4 * SIZE, 4 * SIZE), 0.5, np.float32)
    for x, y, r, level in zip(
        *rng.integers(0, 4 * SIZE, (2, 24)), rng.integers(60, 160, 24), rng.random(24), strict=True
    ):
        cv2.circle(picture, (int(x), int(y)), int(r), 0.3 + 0.4 * level, -1)
    return cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def grainy(strength: float, width: float = 0.8, seed: int = 3) -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (SIZE, SIZE)), (0, 0), width)
    return (noise * (strength / noise.std())).astype(np.float32)


def regrained(over, frame, *, alpha=None, inner=None, seed=1, beside=None):
    """Grain as it is drawn over a face; None where there is none to draw."""
    found = finish.grain(frame, finish.seen(over, finish.BLOCK), INNER if inner is None else inner, beside=beside)
    return found and found.drawn(over, ALPHA if alpha is None else alpha, seed=seed)


INNER = np.ones((SIZE // finish.BLOCK,) * 2, bool)
ALPHA = np.ones((SIZE, SIZE), np.float32)


def told(picture):
    return finish.blur_of(finish.seen(picture, finish.BLOCK), INNER)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_blur_is_told_to_a_fifth_also_under_grain(sigma, noise):
    picture = cv2.GaussianBlur(drawn(), (0, 0), sigma) + grainy(noise or 1e-6, 0.4)
    found = told(picture) - told(drawn())
    np.testing.assert_allclose(np.sqrt(found.diagonal()), sigma, rtol=0.2)
    assert abs(found[0, 1]) < 0.25 * sigma**2


@pytest.mark.parametrize("angle", [0, 20, 45, 90])
def test_the_direction_of_motion_is_told(angle):
    turn = np.radians(angle)
    along = np.array([np.cos(turn), np.sin(turn)])
    kernel = finish._gaussian(6.0 * np.outer(along, along))
    values, axes = np.linalg.eigh(told(cv2.filter2D(drawn(), -1, kernel)) - told(drawn()))
    assert abs(axes[:, 1] @ along) > 0.95 and values[1] > 2.2 and abs(values[0]) < 0.35 * values[1]


@pytest.mark.parametrize("sigma", [1.0, 2.0])
def test_a_face_that_is_too_sharp_is_blurred_as_the_frame(sigma):
    over = drawn()
    under = cv2.GaussianBlur(drawn(2), (0, 0), sigma)
    out = finish.sharpened(over, told(under), told(over))
    wanted = cv2.GaussianBlur(over, (0, 0), sigma)
    inner = np.s_[16:-16, 16:-16]
    assert np.abs(out - wanted)[inner].mean() < 0.3 * np.abs(over - wanted)[inner].mean()


def test_a_soft_face_is_sharpened_within_bounds():
    sharp = drawn()
    for sigma in (1.0, 4.0):
        soft = cv2.GaussianBlur(sharp, (0, 0), sigma)
        out = finish.sharpened(soft, told(sharp), told(soft))
        assert np.abs(out - sharp).mean() < 0.95 * np.abs(soft - sharp).mean()
        fine = np.abs(soft - cv2.GaussianBlur(soft, (0, 0), finish.FAR)).max()
        assert np.abs(out - soft).max() <= finish.SHARPEST * fine + 1e-6


def test_as_sharp_is_left_alone():
    over = drawn()
    np.testing.assert_array_equal(finish.sharpened(over, np.eye(2), np.eye(2)), over)


@pytest.mark.parametrize("width", [0.5, 0.8, 1.2])
def test_grain_has_the_strength_and_the_spectrum_of_the_frames(width):
    flat = np.full((SIZE, SIZE), 0.5, np.float32)
    frame = finish.seen(flat + grainy(0.02, width), finish.BLOCK)
    made, real = regrained(flat, frame), frame.luma - frame.far
    assert made.std() == pytest.approx(real.std(), rel=0.15)
    for dy, dx in ((0, 1), (1, 0), (1, 1), (0, 2)):
        alike = [np.mean(g * np.roll(g, (dy, dx), (0, 1))) / np.mean(g * g) for g in (made, real)]
        assert alike[0] == pytest.approx(alike[1], abs=0.12)


def test_grain_is_as_strong_as_the_brightness_there_has_it():
    ramp = np.tile(np.linspace(0.3, 0.7, SIZE, dtype=np.float32), (SIZE, 1))
    frame = finish.seen(ramp + grainy(1.0) * 0.04 * ramp, finish.BLOCK)
    made = regrained(ramp, frame)
    dark, bright = made[:, :64].std(), made[:, -64:].std()
    assert 1.3 < bright / dark < 2.6, "0.65 over 0.35"


def test_a_face_that_has_its_grain_gets_no_more():
    frame = finish.seen(0.5 + grainy(0.02), finish.BLOCK)
    assert regrained(0.5 + grainy(0.02, seed=9), frame) is None


def test_pores_are_no_grain():
    """Where the surroundings are clean, what the skin has is its own."""
    skin = np.zeros((SIZE, SIZE), np.float32)
    skin[48:-48, 48:-48] = 1
    inner = finish._blocks(skin, finish.BLOCK) > 0.5
    over = np.full((SIZE, SIZE), 0.5, np.float32)
    everywhere, only_skin = 0.5 + grainy(0.02), 0.5 + grainy(0.02) * skin
    for picture, has_grain in ((everywhere, True), (only_skin, False)):
        frame = finish.seen(picture, finish.BLOCK)
        beside = (frame.luma, frame.far, finish._blocks(skin, finish.BLOCK) == 0)
        assert (regrained(over, frame, inner=inner, beside=beside) is not None) == has_grain
        assert (np.abs(finish.detail(over, picture, skin, seed=1)).mean() > 0.005) == has_grain


def test_the_same_seed_gives_the_same_and_another_frame_another():
    over, under = cv2.GaussianBlur(drawn(), (0, 0), 2), drawn() + grainy(0.02)
    first, again, other = (finish.detail(over, under, ALPHA, seed=seed) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    noise = [part - np.mean([first, other], 0) for part in (first, other)]
    assert np.abs(noise[0]).mean() > 0.003
    assert first.dtype == np.float32 and first.shape == over.shape


def test_mixing_loses_no_grain():
    flat, half = np.full((SIZE, SIZE), 0.5, np.float32), np.full((SIZE, SIZE), 0.5, np.float32)
    under = flat + grainy(0.02)
    frame = finish.seen(under, finish.BLOCK)
    made = regrained(flat, frame, alpha=half)
    mixed = half * made + (1 - half) * (under - 0.5)
    plain = half * regrained(flat, frame) + (1 - half) * (under - 0.5)
    whole = frame.luma - frame.far
    assert mixed.std() == pytest.approx(whole.std(), rel=0.15) and plain.std() < 0.8 * whole.std()


@pytest.mark.parametrize("size", [(0, 0), (3, 40), (12, 12), (40, 40)])
def test_too_small_to_tell_is_left_alone(size):
    rng = np.random.default_rng(1)
    over, under = rng.random((2, *size), np.float32)
    out = finish.detail(over, under, np.full(size, 0.2, np.float32), seed=1)
    assert out.shape == size and not out.any()


def test_a_flat_face_stays_finite():
    flat = np.full((SIZE, SIZE), 0.5, np.float32)
    for over, under in ((flat, drawn()), (drawn(), flat), (flat, flat)):
        assert np.isfinite(finish.detail(over, under, ALPHA, seed=1)).all()
