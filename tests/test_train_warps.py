"""Samples: what the model is shown, and what it must make of it."""

from __future__ import annotations

import numpy as np
import pytest

from swapcore.models import tensorflow
from swapcore.train import warps


@pytest.fixture(scope="module")
def tf():
    return tensorflow()


def faces(count=4, side=60):
    """Smooth pictures with a bright square as mask."""
    y, x = np.mgrid[:side, :side] / side
    picture = np.stack([x, y, 0.5 + 0.4 * np.sin(6 * x) * np.cos(5 * y)], -1)[None].repeat(count, 0)
    mask = np.zeros((count, side, side, 3))
    mask[:, side // 3 : -side // 3, side // 3 : -side // 3] = 1
    return np.rint(np.concatenate([picture, mask], -1) * 255).astype(np.uint8)


def samples(images, warp=1.0, seed=(1, 2), view=0.75):
    return [a.numpy() for a in warps.samples(images, resolution=32, view=view, warp=warp, seed=np.int32(seed))]


def test_sampling_is_bilinear_and_edges_repeat(tf):
    image = np.random.default_rng(0).random((2, 5, 5, 3)).astype(np.float32)
    xy = np.array([[0, 0], [4, 4], [1.5, 2], [1.25, 2.75], [-3, 2], [4, 9]], np.float32)
    out = warps.sample(image, np.tile(xy, (2, 1, 1, 1))).numpy()[:, 0]
    blend = (image[:, 2] * 0.25 + image[:, 3] * 0.75).swapaxes(0, 1)
    expected = [image[:, 0, 0], image[:, 4, 4], image[:, 2, 1:3].mean(1), blend[1] * 0.75 + blend[2] * 0.25]
    expected += [image[:, 2, 0], image[:, 4, 4]]
    assert np.allclose(out, np.stack(expected, 1), atol=1e-6)


def test_what_comes_out(tf):
    given, truth, mask = samples(faces())
    assert [a.shape for a in (given, truth, mask)] == [(4, 32, 32, 3)] * 3
    assert all(a.dtype == np.float32 and a.min() >= 0 and a.max() <= 1 for a in (given, truth, mask))
    assert all(np.abs(given[0] - given[k]).max() > 0.02 for k in (1, 2, 3)), "each is disturbed in its own way"


def test_without_warp_the_input_is_the_truth(tf):
    given, truth, _ = samples(faces(), warp=0.0)
    assert np.allclose(given, truth, atol=1e-5)
    differences = [np.abs(np.subtract(*samples(faces(), warp=strength)[:2])).mean() for strength in (0.5, 1, 2)]
    assert 0 < differences[0] < differences[1] < differences[2]


def test_the_same_seed_gives_the_same_samples(tf):
    one, again, other = (samples(faces(), seed=seed)[0] for seed in ((1, 2), (1, 2), (1, 3)))
    assert (one == again).all() and (one != other).any()


def test_undisturbed_it_is_the_middle_of_the_cached_face(tf, monkeypatch):
    for name in ("ROTATION", "ZOOM", "SHIFT", "CHANNEL", "LIGHT"):
        monkeypatch.setattr(warps, name, 0.0)
    images = faces(side=64)  # a view of a half is 32 pixels: one to one
    given, truth, mask = samples(images, warp=0.0, view=0.5)
    middle = images[:, 16:48, 16:48].astype(np.float32) / 255
    both = np.concatenate([truth, mask], -1)
    for face, straight in zip(both, middle, strict=True):
        assert min(np.abs(face - straight).max(), np.abs(face - straight[:, ::-1]).max()) < 1e-5
    assert np.allclose(given, truth, atol=1e-5)


def test_half_are_flipped_and_none_looks_beyond_its_reach(tf):
    matrix, shift = (a.numpy() for a in warps.placement(2000, seed=np.int32([3, 4])))
    determinant = np.linalg.det(matrix)
    assert 0.45 < (determinant < 0).mean() < 0.55
    assert np.abs(np.abs(determinant) - 1).max() < 0.11 and np.abs(shift).max() <= 2 * warps.SHIFT
    corners = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)], np.float32)
    seen = np.abs(corners @ matrix + shift[:, None])
    assert 0.97 * warps.REACH < seen.max() <= warps.REACH + 1e-5


def test_the_bending_is_smooth_and_of_the_stated_strength(tf):
    bend = warps.bending(400, resolution=64, warp=1.0, seed=np.int32([5, 6])).numpy()
    assert abs(bend.mean()) < 2e-3
    nodes = bend[:, 6:60:13, 6:60:13]  # near the control points
    assert nodes.std() == pytest.approx(2 * warps.BEND, rel=0.1)
    assert np.diff(bend, axis=1).std() < 0.25 * bend.std()
