"""Pictures that show a conversion."""

from __future__ import annotations

import io
from dataclasses import fields
from fractions import Fraction

import cv2
import numpy as np
import pytest

from swapcore import label, store, video, views
from swapcore.report import GUTTER
from swapcore.types import FaceSet
from swapcore.video import Layout


def faces(**columns):
    """A table of faces with these columns; the rest is nothing."""
    count = len(next(iter(columns.values())))
    blank = {f.name: np.zeros((count, *f.metadata["shape"]), f.metadata["dtype"]) for f in fields(FaceSet)}
    return FaceSet(**{**blank, **columns})


def look(height=400, width=500, box=(200, 120, 300, 240), sar=1):
    before = np.random.default_rng(3).integers(0, 255, (height, width, 3)).astype(np.uint8)
    alpha = np.zeros((height, width), np.float32)
    alpha[box[1] : box[3], box[0] : box[2]] = 1
    after = before.copy()
    after[alpha > 0] = (10, 20, 200)
    return views.Look(before, after, alpha, box, "frame 7, 0.28 s", Fraction(sar))


def tiles(picture, tile, row=0):
    top = 60 + row * (tile + views.BAR + GUTTER) + views.BAR
    return [picture[top : top + tile, GUTTER + k * (tile + GUTTER) :][:, :tile] for k in range(4)]


def test_faces_that_differ_are_chosen():
    yaw = np.array([0, 1, 2, 60, 61, -50, 0, 1], np.float32)
    size = np.array([100, 100, 101, 100, 100, 100, 400, 100], np.float32)
    table = faces(yaw=yaw, size=size, frame=np.arange(8))
    rows = np.arange(8)
    chosen = views.varied(table, rows, np.zeros(8), count=4, when=np.zeros(8))
    assert len(chosen) == 4 and {5, 6} <= set(chosen.tolist()) and {3, 4} & set(chosen.tolist())
    assert np.array_equal(chosen, views.varied(table, rows, np.zeros(8), count=4, when=np.zeros(8)))


def test_every_swap_is_shown_and_a_frame_once():
    table = faces(yaw=np.arange(9, dtype=np.float32), frame=np.arange(9) // 2)
    kinds = np.array([0, 0, 0, 0, 0, 0, 0, 1, 0])
    chosen = views.varied(table, np.arange(9), kinds, count=2, when=np.zeros(9))
    assert 7 in chosen
    every = views.varied(table, np.arange(9), kinds, count=30, when=np.zeros(9))
    assert len(every) == len(set(table.frame[every])) == 5
    assert len(views.varied(table, np.arange(0), np.arange(0), count=3, when=np.arange(0))) == 0


def test_crops_show_the_pictures_own_pixels():
    one = look()
    small, before, after, mask = tiles(views.preview([one], title="t", legend="l", tile=200), 200)
    assert before.shape == (200, 200, 3)
    found = cv2.matchTemplate(one.before, before, cv2.TM_SQDIFF)
    top, left = np.unravel_index(int(found.argmin()), found.shape)
    assert np.array_equal(one.before[top : top + 200, left : left + 200], before)
    assert np.array_equal(one.after[top : top + 200, left : left + 200], after)
    inside = one.alpha[top : top + 200, left : left + 200] > 0
    assert (np.abs(mask.astype(int) - before)[inside].sum(1) > 0).mean() > 0.95
    assert np.abs(small.astype(int) - 34).mean() > 10  # the frame, not the ground


@pytest.mark.parametrize(
    ("box", "scale"), [((200, 120, 260, 180), 2.0), ((200, 120, 220, 140), 8.0), ((100, 20, 400, 320), 200 / 360)]
)
def test_small_faces_are_enlarged_by_whole_multiples_and_large_ones_made_smaller(box, scale):
    one = look(box=box)
    _, _, after, _ = tiles(views.preview([one], title="t", legend="l", tile=200), 200)
    red = (np.abs(after.astype(int) - (10, 20, 200)).max(2) < 40).sum()
    assert red == pytest.approx((box[2] - box[0]) ** 2 * scale**2, rel=0.1)


def test_pixels_that_are_not_square_are_shown_as_they_look():
    one = look(box=(200, 120, 240, 200), sar=2)  # twice as wide as its numbers say, so square
    _, _, after, _ = tiles(views.preview([one], title="t", legend="l", tile=200), 200)
    red = np.abs(after.astype(int) - (10, 20, 200)).max(2) < 60
    high, wide = red[:, 100].sum(), red[100].sum()
    assert abs(high - wide) <= 8 and high > 130  # noise around it


def test_a_frame_smaller_than_a_tile_is_shown_whole():
    one = look(height=90, width=80, box=(0, 0, 80, 90))
    picture = views.preview([one, one], title="t", legend="l", tile=200)
    assert tiles(picture, 200, row=1)[1].any() and picture.shape[0] == 60 + 2 * (200 + views.BAR + GUTTER)


@pytest.mark.parametrize(
    ("size", "most", "expected"),
    [
        ((1920, 1080, Fraction(1)), 720, (1280, 720)),
        ((33, 21, Fraction(1)), 720, (32, 20)),
        ((720, 576, Fraction(16, 11)), 720, (1048, 576)),
        ((1, 1, Fraction(1)), 720, (2, 2)),
    ],
)
def test_sizes_side_by_side_are_even_and_in_proportion(size, most, expected):
    wide, high, whole = views.beside_size(*size, most=most)
    assert (wide, high) == expected and whole % 2 == 0 and views.BAR % 2 == 0
    height, width = size[1], size[0]
    picture = np.zeros((height, width, 3), np.uint8)
    drawn = views.beside(picture, picture + 9, np.ones((height, width)), size_wh=(wide, high))
    assert drawn.shape == (high + views.BAR, whole, 3)


def test_the_three_side_by_side_are_what_they_are_called():
    one = look(height=100, width=120, box=(30, 30, 60, 70))
    drawn = views.beside(one.before, one.after, one.alpha, size_wh=(120, 100))
    body = drawn[views.BAR :]
    assert np.array_equal(body[:, :120], one.before) and np.array_equal(body[:, 122:242], one.after)
    mask = body[:, 244:364]
    assert (mask[one.alpha > 0] == 235).all() and mask[one.alpha == 0].max() < 100
    assert (drawn[: views.BAR] > 150).sum() > 100  # captions


def test_a_screen_shows_hdr_as_a_picture_and_sdr_as_it_is():
    sdr = Layout(8, 6, "gbrp", matrix=0, primaries=1, transfer=13, full_range=True)
    image = np.random.default_rng(1).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    assert np.array_equal(views.on_screen(video.from_bgr(image, sdr)), image)
    assert views.screen_colour(sdr) == video.Colour(1, 1, 13)
    hdr = Layout(8, 6, "yuv444p10le", matrix=9, primaries=9, transfer=16)
    white = views.on_screen(video.from_bgr(np.full((6, 8, 3), 0.58, np.float32), hdr))  # a sheet of paper
    assert white.min() > 190 and np.ptp(white) <= 2 and views.screen_colour(hdr) == video.BT709


def test_a_jpeg_says_that_it_is_synthetic(tmp_path):
    from PIL import Image

    store.write_picture(tmp_path / "x.jpg", np.zeros((20, 30, 3), np.uint8), marks=label.marks())
    data = (tmp_path / "x.jpg").read_bytes()
    found = Image.open(io.BytesIO(data))
    assert found.size == (30, 20) and found.info["comment"].startswith(b"Synthetic")
    assert (
        b"DigitalSourceType>http" in found.info["xmp"] and b"compositeWithTrainedAlgorithmicMedia" in found.info["xmp"]
    )
    assert data[2:4] == b"\xff\xe0"  # JFIF first
    assert store.read_picture(tmp_path / "x.jpg").shape == (20, 30, 3)
    with pytest.raises(ValueError, match="expected a JPEG"):
        store.write_picture(tmp_path / "x.png", np.zeros((20, 30, 3), np.uint8), marks=label.marks())
