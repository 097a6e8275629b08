from __future__ import annotations

import cv2
import numpy as np
import pytest

from swapcore import align, forehead, masks
from swapcore.types import Parsed

SIDE = 128
CROP = np.array([[0.8, 0, 0], [0, 0.8, 0]])  # no matter


def face(size=SIDE):
    """Landmarks (68, 2) of an upright face in a crop."""
    points = np.zeros((68, 2), np.float32)
    matrix = align.similarity(align.TEMPLATE_XY, align.TEMPLATE_XY * size * 0.5 + (size * 0.5, size * 0.6))
    points[17:] = align.transform(align.TEMPLATE_XY, matrix)
    jaw = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([size / 2 + size * 0.3 * np.cos(jaw), size * 0.5 + size * 0.42 * np.sin(jaw)], 1)
    return points


def whole(size=SIDE, top=0.1):
    """All is face below a hairline at a share of the height."""
    share = np.zeros((size, size), np.uint8)
    share[round(top * size) :] = 255
    return Parsed(share, np.eye(2, 3))


def test_the_forehead_is_what_is_above_the_brows_and_below_the_hair():
    points = face()
    found = forehead.region(points, whole(), np.eye(2, 3), size_hw=(SIDE, SIDE))
    brows, eyes = points[17:27, 1].min(), points[36:48, 1].mean()
    assert found[: round(0.1 * SIDE) - 2].max() == 0
    assert found[round(0.1 * SIDE) + 2 : int(brows) - 1].min() == 1
    assert found[int(eyes) + 1 :].max() == 0


def test_no_forehead_without_parsing_or_under_hair():
    empty = Parsed(np.zeros((SIDE, SIDE), np.uint8), np.eye(2, 3))
    for parsed in (None, empty):
        assert forehead.region(face(), parsed, np.eye(2, 3), size_hw=(SIDE, SIDE)) is None


def skin(*, lines=0.0, grain=0.0, strands=0.0, side=SIDE):
    """A flat forehead with wrinkles across, grain, or strands of hair down, each by its amplitude."""
    y, x = np.mgrid[:side, :side] / side
    tone = 0.5 + lines * np.sin(2 * np.pi * y / 0.06) + strands * np.sin(2 * np.pi * x / 0.06)
    tone += grain * np.random.default_rng(1).standard_normal((side, side))
    return np.repeat(tone[..., None], 3, 2).astype(np.float32)


def test_wrinkles_are_lines_across_and_nothing_else():
    inside = np.zeros((SIDE, SIDE), np.float32)
    inside[30:98, 30:98] = 1
    deep, half = (forehead.wrinkles(skin(lines=depth), inside, inside) for depth in (0.03, 0.015))
    assert deep > 2 and half == pytest.approx(deep / 2, rel=0.02)
    for other in (skin(), skin(strands=0.03), skin(grain=0.015)):
        assert forehead.wrinkles(other, inside, inside) < 0.12 * deep


@pytest.mark.parametrize("side", [64, 128, 512])
def test_wrinkles_count_alike_at_any_size(side):
    inside = np.zeros((side, side), np.float32)
    inside[side // 4 : -side // 4, side // 4 : -side // 4] = 1
    assert forehead.wrinkles(skin(lines=0.03, side=side), inside, inside) == pytest.approx(3, rel=0.25)


def test_wrinkles_are_taken_out_and_grain_and_shade_stay():
    y = np.mgrid[:SIDE, :SIDE][0] / SIDE
    shade = (0.2 * (y - 0.5))[..., None].astype(np.float32)
    seen = np.zeros((SIDE, SIDE), np.float32)
    seen[20:108, 20:108] = 1
    clean, wrinkled = (np.clip(skin(lines=lines, grain=0.02) + shade, 0, 1) for lines in (0, 0.03))
    made = forehead.smoothed(wrinkled, cv2.GaussianBlur(seen, (0, 0), 2))
    inner = np.zeros((SIDE, SIDE), bool)
    inner[36:92, 36:92] = True
    assert forehead.wrinkles(made, seen, inner) < 0.35 * forehead.wrinkles(wrinkled, seen, inner)
    assert np.corrcoef((made - shade)[inner].ravel(), (clean - shade)[inner].ravel())[0, 1] > 0.85, "the grain is kept"
    assert (made[:12] == wrinkled[:12]).all(), "nothing beyond the forehead"


def test_brows_strands_and_hair_are_no_wrinkles():
    picture = skin()
    picture[60:70] = 0.05  # a brow within what was taken for forehead
    picture[:20] = 0.1  # hair above
    seen = np.zeros((SIDE, SIDE), np.float32)
    seen[20:80] = 1
    assert forehead.wrinkles(picture, seen, seen) < 0.2
    np.testing.assert_allclose(forehead.smoothed(picture, seen), picture, atol=0.005)


def test_above_the_brows_in_any_roll():
    points = face()
    middle = points.mean(0)
    for roll in (0, 45, 90, 180):
        turn = cv2.getRotationMatrix2D(middle.tolist(), roll, 1)
        here = align.transform(points, turn).astype(np.float32)
        up = masks.forehead(here, size_hw=(SIDE, SIDE))
        brow, mouth = here[19].round().astype(int), here[57].round().astype(int)
        assert up[brow[1], brow[0]] > 0.7 and up[mouth[1], mouth[0]] == 0


def test_hair_of_the_swap_is_no_skin():
    """Where the source's hair grows lower than the target's, the target's forehead stays."""
    target, swapped = skin(), skin() * 1.05
    swapped[:40] = 0.15
    found = forehead.skin(swapped.astype(np.float32), target)
    assert found[:30].max() < 0.05 and found[50:].min() > 0.95
    assert forehead.skin(target, target).min() > 0.999
    assert forehead.skin(np.minimum(target * 1.9, 1), target).max() < 0.05, "fair hair is none either"
