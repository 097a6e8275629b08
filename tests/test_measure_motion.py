"""Calmness: pictures and masks that move by known amounts."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from swapcore.measure import motion

SIDE = 256
MIDDLE = np.zeros((SIDE, SIDE), bool)
MIDDLE[48:208, 48:208] = True


def texture(seed: int, blur: float = 4) -> np.ndarray:
    rough = np.random.default_rng(seed).normal(0, 1, (SIDE, SIDE, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), blur)
    return np.clip(128 + 30 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def shifted(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    matrix = np.float64([[1, 0, x], [0, 1, y]])
    return cv2.warpAffine(picture, matrix, picture.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def disc(radius: float, centre=(128.0, 128.0), soft: float = 10.0) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.clip((radius - np.hypot(x - centre[0], y - centre[1])) / soft + 0.5, 0, 1).astype(np.float32)


@pytest.mark.parametrize("by", [(3, 0), (-2.5, 4), (0, 0)])
def test_flow_of_a_known_shift(by):
    before = texture(0)
    back, holds = motion.flow(before, shifted(before, *by))
    assert holds[MIDDLE].mean() > 0.95
    assert np.median(back[MIDDLE], axis=0) == pytest.approx([-by[0], -by[1]], abs=0.1)
    moved = motion.warped(before, back)
    assert np.abs(moved - shifted(before, *by))[MIDDLE].mean() < 1.5


def test_flow_does_not_hold_where_nothing_matches():
    _, holds = motion.flow(texture(1), texture(2))
    assert holds.mean() < 0.5


@pytest.mark.parametrize("extra", [10, 20])
def test_warp_error_ratio_of_a_known_flicker(extra):
    """The original moves and brightens by 5 levels; the swap moves alike and brightens by more: the motion does not count."""
    before, swap = texture(3), texture(4)
    after = shifted(before, 3, 2) + np.uint8(5)
    calm, restless = (shifted(swap, 3, 2) + np.uint8(n) for n in (5, extra))
    ratio = [
        motion.warp_error_ratio(motion.flow(before, after), before, after, swap, s, MIDDLE) for s in (calm, restless)
    ]
    assert ratio[0] == pytest.approx(1, abs=0.1)
    assert ratio[1] == pytest.approx(extra / 5, rel=0.1)
    # without the flow, the motion hides it
    assert motion.flicker_ratio(before, after, swap, restless, MIDDLE) < 0.8 * ratio[1]


def test_warp_error_ratio_of_a_swap_that_stays_behind():
    before = texture(5)

    def ratio(first: np.ndarray, second: np.ndarray) -> float | None:
        return motion.warp_error_ratio(motion.flow(first, second), first, second, before, before, MIDDLE)

    assert ratio(before, shifted(before, 4, 0)) > 3
    assert ratio(before, before) == 1
    assert ratio(texture(6), texture(7)) is None


def test_a_mask_that_follows_the_picture_is_calm():
    before = texture(8)
    after = shifted(before, 4, -3)
    masks = disc(80), disc(80, (132, 125))
    assert motion.mask_iou(motion.flow(before, after), *masks) > 0.98
    assert motion.edge_jump(motion.flow(before, after), *masks) < 0.3
    # the same masks over a still picture jump by 5
    assert motion.edge_jump(motion.flow(before, before), *masks) == pytest.approx(5, abs=0.5)


@pytest.mark.parametrize("radius", [60, 90])
def test_mask_iou_of_two_discs(radius):
    still = motion.flow(texture(9), texture(9))
    hard = [disc(r, soft=1e-6) for r in (radius, 80)]
    areas = sorted([radius**2, 80**2])
    assert motion.mask_iou(still, *hard) == pytest.approx(areas[0] / areas[1], abs=0.01)
    assert motion.mask_iou(still, hard[0], hard[0]) == 1
    nothing = np.zeros((SIDE, SIDE), np.float32)
    assert motion.mask_iou(still, nothing, nothing) is None


@pytest.mark.parametrize("jump", [0.0, 0.4, 3.0, 7.5])
def test_edge_jump_of_a_known_jump(jump):
    still = motion.flow(texture(10), texture(10))
    assert motion.edge_jump(still, disc(80 + jump), disc(80)) == pytest.approx(jump, abs=0.25)
    below = disc(60, (128, 180))  # has no edge above the eyes
    assert motion.edge_jump(still, below, below) is None
    assert motion.edge_jump(still, disc(80), np.zeros((SIDE, SIDE), np.float32)) is None


def test_the_upper_edge_alone_counts():
    still, lower = motion.flow(texture(11), texture(11)), disc(80)
    lower[140:] = 0
    assert motion.edge_jump(still, disc(80), lower) == 0
    assert motion.edge_jump(still, disc(80), lower, upper=SIDE) > 10


def test_outline_lies_at_a_half():
    points = motion.outline(disc(70.3))
    assert np.hypot(*(points - 128).T) == pytest.approx(70.3, abs=0.02)


def test_identity_jitter_of_known_distances():
    near, far = (np.float32([0.3, 0]), np.float32([0.3, 0.1])), (np.float32([0.3, 0]), np.float32([0, 0.4]))
    assert motion.identity_jitter(*near, *far) == pytest.approx(5)
    assert motion.identity_jitter(*near, *near) == 1
    assert motion.identity_jitter(near[0], near[0], near[0], near[0] + np.float32(0.001)) == 1
