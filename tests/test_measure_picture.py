"""The seam, on edges whose colours are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from swapcore.measure import picture
from swapcore.measure.difference import ciede2000, lab

SIDE = 256
SKIN, PALER = (110, 130, 170), (120, 142, 184)


def disc(radius: float, soft: float = 1e-6) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.clip((radius - np.hypot(x - 128, y - 128)) / soft + 0.5, 0, 1).astype(np.float32)


def flat(bgr) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), bgr, np.uint8)


def laid(over: np.ndarray, under: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.rint(under + (over.astype(float) - under) * mask[..., None]).astype(np.uint8)


def step(one, other) -> float:
    return float(ciede2000(lab(flat(one))[0, 0], lab(flat(other))[0, 0]))


@pytest.mark.parametrize("inside", [PALER, (104, 126, 166), (110, 130, 150)])
def test_seam_of_a_known_step(inside):
    mask = disc(70)
    found = picture.seam(flat(SKIN), laid(flat(inside), flat(SKIN), mask), mask)
    assert found == pytest.approx(step(inside, SKIN), rel=0.02) and found > 1


def test_the_originals_own_edge_does_not_count():
    mask = disc(70)
    own = laid(flat(PALER), flat(SKIN), mask)  # a cheekbone just there
    assert picture.seam(own, own, mask) == 0
    assert picture.seam(own, flat(SKIN), mask) == 0, "an edge that is gone is no seam"
    more = laid(flat((130, 154, 198)), flat(SKIN), mask)
    assert picture.seam(own, more, mask) == pytest.approx(step((130, 154, 198), SKIN) - step(PALER, SKIN), rel=0.02)
    strong = laid(flat(PALER), flat((20, 20, 20)), mask)  # the jaw before a dark wall
    assert picture.seam(strong, strong, mask) is None


def test_a_softer_edge_is_less_of_a_seam():
    found = [picture.seam(flat(SKIN), laid(flat(PALER), flat(SKIN), m), m) for m in (disc(70, s) for s in (1, 16, 60))]
    assert found[0] == pytest.approx(step(PALER, SKIN), rel=0.02)
    assert found[0] >= found[1] > 2 * found[2] > 0


def test_a_face_without_an_edge_has_no_seam():
    nothing = np.zeros((SIDE, SIDE), np.float32)
    assert picture.seam(flat(SKIN), flat(PALER), nothing) is None
    assert picture.seam(flat(SKIN), flat(PALER), nothing + 1) is None


def test_grain_is_hardly_a_seam():
    grain = np.random.default_rng(0).normal(0, 4, (2, SIDE, SIDE, 1))
    one, other = (np.clip(flat(SKIN) + g, 0, 255).astype(np.uint8) for g in grain)
    mask = disc(70)
    assert picture.seam(one, laid(other, one, mask), mask) < 0.4
    assert picture.seam(one, cv2.GaussianBlur(one, (0, 0), 3), mask) < 0.4
