"""The second judge: what it gives, that strangers and the same are told apart, and what its figures mean."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from swapcore import measure
from swapcore.measure import CROP_SIDE
from swapcore.studio import Frame, render
from swapcore.studio.actor import build
from swapcore.studio.identity import draw_identity

POSES = [{}, {"yaw": 18.0, "light": (0.6, 0.4, 0.7)}, {"yaw": -12.0, "pitch": 6.0, "mouth": 0.5, "light_strength": 0.9}]


def crops_of(seed: int) -> np.ndarray:
    """Three crops (3, CROP_SIDE, CROP_SIDE, 3) of an actor that the net never saw."""
    actor, made = build(draw_identity(seed)), []
    for pose in POSES:
        picture, truth = render(actor, Frame(scale=1.3, **pose), size=160)
        made.append(measure.crop(picture, truth.faces[0].landmarks_xy))
    return np.array(made)


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    """Of four actors, (4, 3, CROP_SIDE, CROP_SIDE, 3)."""
    return np.array([crops_of(seed) for seed in (8101, 8102, 8103, 8104)])


def test_unit_vectors_one_by_one_and_together(crops):
    flat = crops.reshape(-1, *crops.shape[2:])
    together = measure.second(np.concatenate([flat] * 3))  # more than one batch
    assert together.shape == (3 * len(flat), 64) and together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together[-1], measure.second(flat[-1:])[0], atol=1e-4)
    assert measure.second(flat[:0]).shape == (0, 64)


def test_actors_it_never_saw_are_told_apart(crops):
    found = measure.second(crops.reshape(-1, *crops.shape[2:]))
    who = np.repeat(np.arange(4), 3)
    cosines, same = found @ found.T, who[:, None] == who
    np.fill_diagonal(cosines, np.nan)
    right = [
        np.nanmax(np.where(same, c, np.nan)) > np.nanmax(np.where(same, np.nan, c))
        for c, same in zip(cosines, same, strict=True)
    ]
    assert np.mean(right) >= 0.8  # a guess: 1 in 7
    assert np.nanmean(cosines[same]) > np.nanmean(cosines[~same]) + 0.3


def test_light_as_a_whole_and_what_lies_around_the_face_do_not_count(crops):
    crop = crops[0, 0]
    darker = np.rint(crop * 0.6).astype(np.uint8)
    framed = cv2.rectangle(crop.copy(), (0, 0), (CROP_SIDE - 1, CROP_SIDE - 1), (0, 200, 255), 24)
    found = measure.second(np.array([crop, darker, framed]))
    assert found[1] @ found[0] > 0.98 and found[2] @ found[0] > 0.999


def test_distance_is_one_less_the_mean_cosine():
    axes = np.eye(64, dtype=np.float32)
    from swapcore.measure.second import real_distance, second_distance

    assert second_distance(axes[0], axes[:1]) == 0
    assert second_distance(axes[0], axes[:4]) == pytest.approx(0.75)
    assert second_distance(axes[0], -axes[:1]) == 2
    assert real_distance(np.array([axes[0], axes[0], axes[1]])) == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert real_distance(axes[:1]) is None


@pytest.mark.parametrize(
    "wrong", [np.zeros((1, 64, 64, 3), np.uint8), np.zeros((1, CROP_SIDE, CROP_SIDE, 3), np.float32)]
)
def test_other_crops_are_refused(wrong):
    with pytest.raises(ValueError, match="expected crops"):
        measure.second(wrong)
