from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swapcore import align

MIRROR = [*range(26, 16, -1), 27, 28, 29, 30, *range(35, 30, -1), 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
MIRROR += [*range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65]


def face(x=200.0, y=150.0, width=100.0, degrees=0.0) -> np.ndarray:
    """68 landmarks of the template's face; the jaw is somewhere."""
    a = np.deg2rad(degrees)
    rotation = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    points = np.concatenate([np.tile([0.0, 0.6], (17, 1)), align.TEMPLATE_XY])
    return (points * width) @ rotation.T + [x, y]


def test_the_template_is_symmetric_centred_and_one_long():
    points = align.TEMPLATE_XY
    assert points.shape == (51, 2)
    np.testing.assert_allclose(points[np.array(MIRROR) - 17] * [-1, 1], points, atol=1e-9)
    low, high = points.min(0), points.max(0)
    np.testing.assert_allclose(low + high, 0, atol=1e-9)
    assert (high - low).max() == pytest.approx(1)


def test_the_template_has_eyes_above_nose_above_mouth():
    part = lambda a, b: align.TEMPLATE_XY[a - 17 : b - 17].mean(0)  # noqa: E731
    assert part(17, 27)[1] < part(36, 48)[1] < part(31, 36)[1] < part(48, 68)[1]
    assert part(36, 42)[0] < 0 < part(42, 48)[0]


@given(
    x=st.floats(-500, 4000),
    y=st.floats(-500, 4000),
    width=st.floats(8, 1500),
    degrees=st.floats(-180, 180),
    size=st.sampled_from([64, 150, 256, 511]),
    span=st.floats(0.15, 0.9),
)
def test_a_crop_shows_the_template_wherever_the_face_is(x, y, width, degrees, size, span):
    landmarks = face(x, y, width, degrees)
    matrix = align.crop_matrix(landmarks, size=size, span=span)
    assert matrix.shape == (2, 3) and matrix.dtype == np.float32
    want = align.TEMPLATE_XY * span * size + (size - 1) / 2
    np.testing.assert_allclose(align.transform(landmarks[17:], matrix), want, atol=0.02)
    back = align.transform(align.transform(landmarks, matrix), align.invert(matrix))
    np.testing.assert_allclose(back, landmarks, atol=0.02)


def test_no_reflection_is_fitted():
    mirrored = face() * [-1, 1]
    matrix = align.crop_matrix(mirrored, size=256, span=0.5)
    assert np.linalg.det(matrix[:, :2]) > 0


def test_coverage_is_a_larger_span():
    whole = align.warp(picture(), align.crop_matrix(face(), size=200, span=0.4), 200)
    part = align.warp(picture(), align.crop_matrix(face(), size=100, span=0.8), 100)
    assert np.abs(whole[50:150, 50:150].astype(int) - part).max() <= 1


def picture(height=400, width=500) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x / width * 255, y / height * 255, (x + y) / (height + width) * 255], -1).astype(np.uint8)


def test_warp_puts_a_pixel_where_transform_says():
    frame = np.zeros((300, 400, 3), np.uint8)
    frame[148:153, 198:203] = 255  # centred on (200, 150)
    matrix = align.crop_matrix(face(210, 140, 90, 25), size=256, span=0.5)
    crop = align.warp(frame, matrix, 256)[..., 0].astype(float)
    y, x = np.mgrid[:256, :256]
    centre = [(x * crop).sum() / crop.sum(), (y * crop).sum() / crop.sum()]
    np.testing.assert_allclose(centre, align.transform(np.array([200, 150]), matrix), atol=0.1)


@pytest.mark.parametrize("width", [300, 700, 1900])
def test_shrinking_averages_and_does_not_move(width):
    frame = np.zeros((2000, 2400, 3), np.uint8)
    frame[::2, ::2] = 200  # finer than the crop: a mean of 50
    frame[900:1101, 1000:1401, 1] = 255
    matrix = align.crop_matrix(face(1200, 1000, width), size=64, span=0.5)
    crop = align.warp(frame, matrix, 64)
    low, high = align.transform(np.array([(1000, 900), (1400, 1100)]), matrix)
    y, x = np.mgrid[:64, :64]
    inside = (x > low[0] + 1.5) & (x < high[0] - 1.5) & (y > low[1] + 1.5) & (y < high[1] - 1.5)
    outside = (x < low[0] - 2) | (x > high[0] + 2) | (y < low[1] - 2) | (y > high[1] + 2)
    assert (crop[inside][:, 1] == 255).all()
    seen = outside & (x > 8) & (x < 56) & (y > 8) & (y < 56)
    assert not seen.any() or abs(crop[seen][:, 0].mean() - 50) < 3
    weight = crop[..., 1] - 50.0 * outside
    weight[weight < 60] = 0
    assert (x * weight).sum() / weight.sum() == pytest.approx((low + high)[0] / 2, abs=0.35)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 5, 3), (40, 2), (2000, 7, 3)])
def test_warp_takes_any_frame(shape):
    frame = np.full(shape, 77, np.uint8)
    for width in (3.0, 30.0, 3000.0):
        crop = align.warp(frame, align.crop_matrix(face(-40, 90, width, 70), size=64, span=0.5), 64)
        assert crop.shape == (64, 64, *shape[2:]) and (crop == 77).all()


def test_float_pictures_stay_float():
    frame = picture().astype(np.float32) / 255
    crop = align.warp(frame, align.crop_matrix(face(), size=64, span=0.5), 64)
    assert crop.dtype == np.float32 and crop.max() <= 1


def test_what_is_no_face_is_refused():
    with pytest.raises(ValueError, match="68"):
        align.crop_matrix(np.zeros((5, 2)), size=64, span=0.5)
    with pytest.raises(ValueError, match="same"):
        align.crop_matrix(np.ones((68, 2)), size=64, span=0.5)
    with pytest.raises(ValueError, match="finite"):
        align.crop_matrix(np.full((68, 2), np.nan), size=64, span=0.5)
