from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swapcore import align, studio
from swapcore.config.fields import Faces

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


# the centrings


@pytest.mark.parametrize("centring", align.CENTRINGS)
def test_coverage_is_a_larger_span(centring):
    spans = [align.span_of(centring, coverage) for coverage in (1.2, 0.6)]
    assert spans[0] * 2 == pytest.approx(spans[1])
    whole = align.warp(picture(), align.crop_matrix(face(), size=200, span=spans[0], centring=centring), 200)
    part = align.warp(picture(), align.crop_matrix(face(), size=100, span=spans[1], centring=centring), 100)
    assert np.abs(whole[50:150, 50:150].astype(int) - part).max() <= 1


def test_centrings_are_those_of_the_settings():
    field = Faces.model_fields["centring"]
    assert list(align.CENTRINGS) == list(get_args(field.annotation))
    extents = ", ".join(f"{centring.extent:g}" for centring in align.CENTRINGS.values())
    assert extents in Faces.model_fields["coverage"].description


def test_today_is_legacy():
    """Where nothing is set, crops are those that trained so far: brows to mouth in the middle, half of the side."""
    assert (Faces().centring, align.span_of(Faces().centring, Faces().coverage)) == ("legacy", 0.5)
    one, two = (align.crop_matrix(face(), size=256, span=0.5, **more) for more in ({}, {"centring": "legacy"}))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("centring", align.CENTRINGS)
@given(yaw=st.floats(-60, 60), pitch=st.floats(-20, 20), roll=st.floats(-180, 180), scale=st.floats(0.05, 20))
def test_the_crop_goes_where_the_head_turns(centring, yaw, pitch, roll, scale):
    """Upright and in one size by all centrings; in the middle lies the same point of the head, however it is turned."""
    landmarks = turned(yaw, pitch, roll) * scale
    matrix = align.crop_matrix(landmarks, size=100, span=0.4, centring=centring)
    legacy = align.crop_matrix(landmarks, size=100, span=0.4)
    assert matrix.shape == (2, 3) and matrix.dtype == np.float32
    np.testing.assert_allclose(matrix[:, :2], legacy[:, :2], rtol=1e-6)
    if align.CENTRINGS[centring].centre_xyz is None:
        assert np.array_equal(matrix, legacy)
        return
    middle = turned(yaw, pitch, roll, more=[align.CENTRINGS[centring].centre_xyz])[-1:] * scale
    off = align.transform(middle, matrix)[0] - 49.5
    assert np.abs(off).max() < 4, "pixels of 40 between the brows: what the fit of the pose leaves"


@pytest.mark.parametrize("centring", align.CENTRINGS)
def test_a_mirrored_face_has_the_mirrored_crop(centring):
    landmarks = turned(25, 8, 0)
    mirrored = landmarks.copy()
    mirrored[17:] = (landmarks * [-1, 1])[MIRROR]
    one, two = (align.crop_matrix(m, size=100, span=0.4, centring=centring) for m in (landmarks, mirrored))
    np.testing.assert_allclose(two, one * [[1, -1, -1], [-1, 1, 1]] + [[0, 0, 99], [0, 0, 0]], atol=0.02)


PARTS = [
    n for name, n in studio.LABELS.items() if name.split("_")[0] in ("skin", "brow", "eye", "nose", "lips", "mouth")
]
SEEN = {"face": PARTS, "head": [*PARTS, studio.LABELS["ear"], studio.LABELS["hair"]]}


@pytest.mark.parametrize("centring", SEEN)
@pytest.mark.parametrize("name", ["ann", "bob"])
def test_a_turned_head_stays_in_the_middle(centring, name):
    span = align.span_of(centring, 1.0)
    legacy = []
    for yaw, pitch in ((-50, 0), (-25, 10), (0, 0), (0, -15), (25, 0), (50, 5)):
        _, truth = studio.render(studio.actor_named(name), studio.Frame(yaw=yaw, pitch=pitch, scale=0.5), size=160)
        shown = np.isin(truth.parsing, SEEN[centring]).astype(np.float32)
        landmarks = truth.faces[0].landmarks_xy

        def off(by, shown=shown, landmarks=landmarks):
            crop = align.warp(shown, align.crop_matrix(landmarks, size=100, span=span, centring=by), 100) > 0.5
            low, high = (np.array([np.percentile(at, share) for at in np.nonzero(crop)[::-1]]) for share in (0.5, 99.5))
            return (low + high) / 2 - 49.5, low, high

        middle, low, high = off(centring)
        legacy.append(abs(off("legacy")[0][0]))
        assert np.abs(middle).max() < 9, (yaw, pitch, middle)
        assert (low > 3).all() and (high < 96).all(), "all of it is in view"
    assert max(legacy) > 12, "which legacy does not do"


def turned(yaw: float, pitch: float, roll: float, more=()) -> np.ndarray:
    """Landmarks (68, 2) of the generic head, and after them `more` points of it, turned; seen from far away."""
    head = np.column_stack([align.TEMPLATE_XY, np.zeros(51)])
    head[np.array(align.POSE_POINTS) - 17] = align.HEAD_XYZ
    head = np.concatenate([head, np.reshape(more, (-1, 3))])
    (cy, cp, cr), (sy, sp, sr) = np.cos(a := np.deg2rad([yaw, pitch, roll])), np.sin(a)
    head = head @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])  # the nose, towards the viewer (-z), goes up (-y)
    head = head @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])  # and to the image's right (+x)
    head = head @ np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])  # the crown goes to the right
    return np.concatenate([np.zeros((17, 2)), head[:, :2]]) * 120 + 300


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
