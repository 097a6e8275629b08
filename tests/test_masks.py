"""Masks from landmarks, and their soft edge."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from analytic import face
from hypothesis import given, settings
from hypothesis import strategies as st

from swapcore import masks
from swapcore.types import Parsed

SIZE_HW = (200, 180)


@pytest.mark.parametrize("name", masks.MASKS)
class TestTable:
    def test_covers_the_face_and_nothing_else(self, name):
        points = face()
        mask = masks.MASKS[name](points, size_hw=SIZE_HW)
        assert mask.dtype == np.float32 and mask.shape == SIZE_HW
        assert mask.min() == 0 and mask.max() == 1
        inner = np.rint(points[17:]).astype(int)
        assert (mask[inner[:, 1], inner[:, 0]] > 0.4).all()
        assert mask[:, : int(points[:, 0].min()) - 2].max() == 0
        assert mask[int(points[8, 1]) + 3 :].max() == 0

    def test_one_piece_without_holes(self, name):
        mask = (masks.MASKS[name](face(roll=10), size_hw=SIZE_HW) > 0.99).astype(np.uint8)
        assert cv2.connectedComponents(mask)[0] == 2
        assert cv2.connectedComponents(1 - mask)[0] == 2

    def test_follows_the_pixels_it_is_given(self, name):
        small = masks.MASKS[name](face(), size_hw=SIZE_HW)
        large = masks.MASKS[name](face() * 3 + 1, size_hw=(600, 540))
        assert large.sum() / small.sum() == pytest.approx(9, rel=0.03)

    def test_moves_by_less_than_a_pixel(self, name):
        areas = [masks.MASKS[name](face((90, 100 + d)), size_hw=SIZE_HW) for d in (0.0, 0.25, 0.5, 1.0)]
        centres = [(a.sum(1) * np.arange(200)).sum() / a.sum() for a in areas]
        assert np.diff(centres) == pytest.approx([0.25, 0.25, 0.5], abs=0.12)

    def test_off_the_picture(self, name):
        assert masks.MASKS[name](face((-500, 100)), size_hw=SIZE_HW).max() == 0
        half = masks.MASKS[name](face((0, 100)), size_hw=SIZE_HW)
        assert half[100, 0] == 1 and half[100, 45] == 0

    @pytest.mark.parametrize("bad", [np.zeros((51, 2)), np.full((68, 2), np.nan)])
    def test_refuses_other_landmarks(self, name, bad):
        with pytest.raises(ValueError, match="68 finite"):
            masks.MASKS[name](bad, size_hw=SIZE_HW)


def test_extended_adds_forehead_only():
    points = face()
    small, large = (masks.MASKS[n](points, size_hw=SIZE_HW) for n in ("components", "extended"))
    added = np.argwhere(large - small > 0.01)
    assert (large >= small).all() and len(added) > 500
    assert added[:, 0].max() <= points[0, 1]  # nothing below the temples
    brow, eye = points[17:22, 1].mean(), points[36:42, 1].mean()
    assert np.argwhere(large > 0.5)[:, 0].min() < brow - 0.7 * (eye - brow)


def test_the_forehead_stays_when_the_brows_are_lost():
    points = face()
    lost = points.copy()
    lost[17:27, 1] += 7  # the predictor puts raised brows onto the lids
    tops = [np.argwhere(masks.MASKS["extended"](p, size_hw=SIZE_HW) > 0.5)[:, 0].min() for p in (points, lost)]
    assert tops[0] == tops[1]


@given(
    x=st.floats(-40, 220),
    radius=st.floats(4, 90),
    erode=st.floats(0, 0.5),
    blur=st.floats(0, 0.5),
    name=st.sampled_from(sorted(masks.MASKS)),
)
@settings(max_examples=60, deadline=None)
def test_soft_edge_stays_inside(x, radius, erode, blur, name):
    mask = masks.MASKS[name](face((x, 100), radius), size_hw=SIZE_HW)
    soft = masks.soften(mask, face_size=radius, erode=erode, blur=blur)
    assert soft.dtype == np.float32 and soft.shape == mask.shape
    assert soft.min() >= 0 and soft.max() <= 1
    assert not soft[mask <= 0.5].any()


def test_soft_edge_has_the_asked_width():
    mask = np.zeros((100, 300), np.float32)
    mask[:, 100:] = 1  # a straight outline that runs off the picture on three sides
    soft = masks.soften(mask, face_size=200, erode=0.05, blur=0.3)  # 10 and 60 pixels
    assert (soft == soft[:1]).all()
    row = soft[0]
    assert (row[:110] == 0).all() and (row[170:] == 1).all()
    assert (np.diff(row) >= 0).all() and row[139:142].min() < 0.5 < row[139:142].max()
    assert np.diff(row).max() < 0.04


def test_no_softening_keeps_the_mask():
    mask = masks.components(face(), size_hw=SIZE_HW)
    np.testing.assert_array_equal(masks.soften(mask, face_size=80, erode=0, blur=0), mask > 0.5)


@pytest.mark.parametrize("value", [0, 1])
def test_even_masks_stay(value):
    soft = masks.soften(np.full((20, 30), value, np.float32), face_size=20, erode=0.1, blur=0.1)
    assert (soft == value).all()


# several masks, and what was parsed


def parsed_half(size=64):
    """Parsed in a crop of (0, 0) .. (255, 255): the left half is face."""
    share = np.zeros((size, size), np.uint8)
    share[:, : size // 2] = 255
    smaller = size / 256
    return Parsed(share, np.array([[smaller, 0, (smaller - 1) / 2], [0, smaller, (smaller - 1) / 2]]))


def test_what_was_parsed_lies_where_it_was_seen():
    mask = masks.parsed_at(parsed_half(), np.array([[1.0, 0, 100], [0, 1.0, 20]]), (50, 60))
    assert mask.shape == (50, 60)
    assert mask[:, :25].min() == 1  # frame pixels 100 to 124
    assert mask[:, 31:].max() == 0  # from 131 on


def test_beyond_the_parsed_crop_nothing_is_face():
    mask = masks.parsed_at(parsed_half(), np.array([[1.0, 0, -50], [0, 1.0, 0]]), (20, 100))
    assert mask[:, :46].max() == 0


@pytest.mark.parametrize("how", list(masks.COMBINE))
def test_several_masks_become_one(how):
    setting = {how: ["extended", "parser"]}
    look = {"size_hw": (256, 256), "parsed": parsed_half(), "matrix": np.eye(2, 3)}
    drawn = masks.drawn(setting, face((120, 130), 60), **look)
    assert [done for _, done in drawn] == [False, True]
    (geometry, _), (half, _) = drawn
    both = masks.combined(setting, [part for part, _ in drawn])
    expected = {"min": np.minimum(geometry, half), "max": np.maximum(geometry, half), "product": geometry * half}
    np.testing.assert_allclose(both, expected[how])


def test_unparsed_faces_have_their_hull():
    points = face((120, 130), 60)
    [(mask, done)] = masks.drawn("parser", points, size_hw=(256, 256), parsed=None, matrix=np.eye(2, 3))
    assert not done
    np.testing.assert_array_equal(mask, masks.hull(points, size_hw=(256, 256)))


def test_where_no_model_was_asked_learned_is_extended():
    points = face((120, 130), 60)
    look = {"size_hw": (256, 256), "parsed": None, "matrix": np.eye(2, 3)}
    [(mask, done)] = masks.drawn("learned", points, **look)
    assert not done
    np.testing.assert_array_equal(mask, masks.extended(points, size_hw=(256, 256)))
    [(mask, done)] = masks.drawn("learned", points, learned=parsed_half(), **look)
    assert done
    np.testing.assert_array_equal(mask, masks.parsed_at(parsed_half(), np.eye(2, 3), (256, 256)))


def test_settings_name_the_masks_that_there_are():
    from typing import get_args

    from swapcore.config.compositing import Learned, MaskName

    assert set(get_args(MaskName)) == {*masks.MASKS, masks.PARSED}
    assert get_args(Learned) == (masks.LEARNED,)


def test_settings_in_words():
    assert masks.words("hull") == "hull"
    assert masks.words({"max": ["hull", "parser"]}) == "max of hull, parser"
