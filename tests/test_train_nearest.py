"""Faces bent into the landmarks of others."""

from __future__ import annotations

import numpy as np
from analytic import face

from swapcore.models import tensorflow
from swapcore.train import nearest, warps

SIDE, VIEW = 96, 0.75


def faces(count, seed=0):
    chance = np.random.default_rng(seed)
    return np.stack([face(chance.uniform(44, 52, 2), chance.uniform(22, 27)) for _ in range(count)]).astype(np.float32)


def test_alike_is_the_nearest_of_the_others(monkeypatch):
    others = faces(40)
    own = others[[7, 3]] + np.float32(0.1)
    found = nearest.alike(own, others)
    assert found.shape == (2, nearest.ALIKE) and found[:, 0].tolist() == [7, 3]
    assert nearest.alike(own, others[:4]).shape == (2, 4), "of fewer, all"
    monkeypatch.setattr(nearest, "AT_ONCE", 3)
    assert (nearest.alike(others, others) == np.concatenate([nearest.alike(o[None], others) for o in others])).all()


def test_a_bend_leads_from_the_wanted_landmarks_to_the_own():
    own, wanted = faces(3), faces(3, seed=1)
    field = nearest.bends(own, wanted, side=SIDE, view=VIEW)
    assert field.shape == (3, nearest.GRID, nearest.GRID, 2) and field.dtype == np.float32
    scale = 2 / (VIEW * SIDE)
    at = (wanted - (SIDE - 1) / 2) * scale
    looked = np.asarray(warps.sample(field, ((at * VIEW + 1) * (nearest.GRID - 1) / 2)[:, None]))[:, 0]
    before, after = (np.abs(wanted + shift - own).mean() for shift in (0, looked / scale))
    assert after < 0.35 * before, "smooth, so not exact"
    assert np.abs(nearest.bends(own, own, side=SIDE, view=VIEW)).max() == 0
    corner = np.abs(field[:, [0, 0, -1, -1], [0, -1, 0, -1]])
    assert corner.max() < 0.25 * np.abs(field).max(), "the background stays where it is"


def test_bent_input_has_the_wanted_face_and_the_truth_has_the_own():
    """A dot on each landmark: whatever the turn and the flip, the input's dots are where the other's landmarks are."""
    tensorflow()
    own, wanted = faces(4), faces(4, seed=2)

    def dotted(points):
        y, x = np.mgrid[:SIDE, :SIDE]
        near = np.exp(-((x - points[:, 30, 0, None, None]) ** 2 + (y - points[:, 30, 1, None, None]) ** 2) / 18)
        return np.rint(np.repeat(near[..., None], 6, -1) * 255).astype(np.uint8)

    def look(pictures, bends):
        seed = np.int32([5, 6])
        made = warps.samples(pictures, resolution=64, view=VIEW, warp=0.0, seed=seed, bends=bends)
        return [np.asarray(part) for part in made]

    def middle(pictures):
        y, x = np.mgrid[:64, :64]
        weight = pictures[..., 1] ** 2
        return np.stack([(weight * axis).sum((1, 2)) / weight.sum((1, 2)) for axis in (x, y)], -1)

    given, truth, _ = look(dotted(own), nearest.bends(own, wanted, side=SIDE, view=VIEW))
    expected = look(dotted(wanted), None)[1]
    assert np.abs(middle(given) - middle(expected)).max() < 0.35 * np.abs(middle(truth) - middle(expected)).max()
    assert np.abs(truth - look(dotted(own), None)[1]).max() == 0, "the truth is not bent"


def test_what_is_drawn_depends_on_the_step_alone():
    pictures = faces(20), faces(25, seed=3)
    kin = nearest.alike(*pictures), nearest.alike(*pictures[::-1])
    rows = np.random.default_rng(0).integers(20, size=(6, 8))
    how = {"seed": 1, "side": SIDE, "view": VIEW}
    whole = nearest.drawn(pictures, kin, rows, first=10, **how)
    assert whole.shape == (6, 8, nearest.GRID, nearest.GRID, 2)
    assert (nearest.drawn(pictures, kin, rows[4:], first=14, **how) == whole[4:]).all()
    assert (nearest.drawn(pictures, kin, rows, first=11, **how) != whole).any()
    assert np.abs(whole).max() > 0.01


def test_some_may_be_left_out():
    chance = np.random.default_rng(4)
    own, others = (chance.normal(size=(n, 68, 2)).astype(np.float32) for n in (3, 30))
    without = [2, 5, 29]
    found = nearest.alike(own, others, without=without)
    every = nearest.alike(own, others)
    assert not set(found.ravel().tolist()) & set(without)
    for row, all_of_them in zip(found, every, strict=True):
        left = [k for k in all_of_them.tolist() if k not in without]
        assert row.tolist()[: len(left)] == left
