"""Putting swapped faces into pictures of every format: what is computed, and that nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from analytic import face
from converting import HEIGHT, WIDTH, paint, scene
from hypothesis import given, settings
from hypothesis import strategies as st

from swapcore import convert, video
from swapcore.types import Face

SETTINGS = {"mask": "extended", "erode": 0.02, "soften": 0.1, "colour": "none", "relight": False}
SETTINGS |= {"blend": "feather", "finish_seed": None}
LAYOUTS = {
    "8 bit": video.Layout(WIDTH, HEIGHT, "yuv420p"),
    "full range": video.Layout(WIDTH, HEIGHT, "yuv420p", matrix=5, full_range=True),
    "4:2:2": video.Layout(WIDTH, HEIGHT, "yuv422p"),
    "4:1:1": video.Layout(WIDTH, HEIGHT, "yuv411p"),
    "4:4:4 deep": video.Layout(WIDTH, HEIGHT, "yuv444p12le"),
    "odd": video.Layout(WIDTH - 1, HEIGHT - 3, "yuv420p"),
    "HDR10": video.Layout(WIDTH, HEIGHT, "yuv420p10le", matrix=9, primaries=9, transfer=16),
    "HLG": video.Layout(WIDTH, HEIGHT, "yuv420p10le", matrix=9, primaries=9, transfer=18),
    "RGB": video.Layout(WIDTH, HEIGHT, "gbrp16le", matrix=0, full_range=True),
    "grey": video.Layout(WIDTH, HEIGHT, "gray"),
}
ONE = {"resolution": {"s": 96}, "centring": {"s": "legacy"}, "span": {"s": 0.6}}


def changed(name, predict, points, image=None, **settings):
    layout = LAYOUTS[name]
    image = scene(blur=5) if image is None else image
    before = video.from_bgr(image[: layout.height, : layout.width], layout)
    after, laid = convert.convert_picture(
        before, [Face(points, "s")], {"s": predict}, **ONE, **{**SETTINGS, **settings}
    )
    return before, after, laid


@pytest.mark.parametrize("colour", ["reinhard", "none"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_identity_cannot_be_seen_in_any_format(name, colour):
    image = np.clip(scene(blur=5), 40, 180)  # in PQ, what is brighter is meant to be lost
    before, after, laid = changed(name, lambda crops: crops, face((160, 120), 50, roll=12), image, colour=colour)
    difference = np.abs(video.to_bgr(after) - video.to_bgr(before)) * 255
    assert len(laid) == 1 and laid[0].alpha.max() == 1 and difference.any(), "it was laid in"
    assert difference.max() <= 14 and difference.mean() < 0.3


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_face_has_the_colour_that_the_model_gave(name):
    wanted = np.array([0.5, 0.5, 0.5] if name == "grey" else [0.3, 0.45, 0.7], np.float32)
    _, after, laid = changed(name, paint(wanted), face((160, 120), 50))
    shown = video.to_bgr(after)[120, 160]
    curve = video.CURVES.get(LAYOUTS[name].transfer)
    assert (curve.to_screen(shown) if curve else shown) == pytest.approx(wanted, abs=0.01)
    assert laid[0].bgr.shape == (*laid[0].alpha.shape, 3)
    assert laid[0].bgr[120 - laid[0].top, 160 - laid[0].left] == pytest.approx(shown, abs=0.01)


@given(
    x=st.floats(-60, 380),
    y=st.floats(-60, 300),
    radius=st.floats(3, 150),
    roll=st.floats(-180, 180),
    name=st.sampled_from(list(LAYOUTS)),
)
@settings(max_examples=60, deadline=None)
def test_outside_the_soft_mask_no_sample_changes(x, y, radius, roll, name):
    before, after, laid = changed(name, paint((0, 0, 1)), face((x, y), radius, roll))
    layout = before.layout
    alpha = np.zeros(layout.shapes[0], np.float32)
    for one in laid:
        part = alpha[one.top : one.top + one.alpha.shape[0], one.left : one.left + one.alpha.shape[1]]
        np.maximum(part, one.alpha, out=part)
    for k, (old, new) in enumerate(zip(before.planes, after.planes, strict=True)):
        outside = video.block_means(alpha, 0, 0, layout, k)[2] == 0
        np.testing.assert_array_equal(new[outside], old[outside])


@pytest.mark.parametrize("name", ["8 bit", "HDR10", "4:1:1"])
def test_planes_stay_together(name):
    """A bright, colourful square that the model draws has its luma and its chroma in the same place."""

    def square(crops):
        made = crops.copy()
        made[:, 40:60, 30:70] = (0.2, 0.4, 0.9)
        return made

    grey = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    _, after, _ = changed(name, square, face((160.5, 120.25), 60, roll=20), grey)
    shown = video.to_bgr(after)
    ink = [np.abs(x - np.median(x)) for x in (shown @ (0.1, 0.6, 0.3), shown[..., 2] - shown[..., 0])]
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    centres = [((x * i).sum() / i.sum(), (y * i).sum() / i.sum()) for i in ink]
    assert np.abs(np.subtract(*centres)).max() < 0.8
