"""Masks that were parsed, in training: where the loss looks, what is decoded again, what training goes on for."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from training import SIZE, make_faces

from swapcore import masks, store
from swapcore.train import batches, held, parsed
from swapcore.types import Parsed

LOOK = {"coverage": 0.8, "resolution": 64}
BOTH = {"min": ["extended", "parser"]}
SIDE = 64  # of what was parsed, half the crop's


@pytest.fixture(scope="module")
def ann(tmp_path_factory):
    return make_faces(tmp_path_factory.mktemp("people"), "ann")


def upper(rows=SIDE // 2):
    """What is parsed of a crop whose lower part a hand covers: the upper rows."""
    return np.repeat(np.where(np.arange(SIDE) < rows, 255, 0).astype(np.uint8)[:, None], SIDE, 1)


def with_masks(faces, folder, shares):
    """The faces with a masks.zip of id -> share."""
    folder.mkdir(exist_ok=True)
    store.write_masks(folder / "masks.zip", shares.items())
    return dataclasses.replace(faces, masks={faces.person: folder / "masks.zip"})


def everywhere(faces, share):
    return dict.fromkeys(faces.table.id.tolist(), share)


def points_of(faces, row):
    (png,) = held.pngs(faces, np.array([row]))
    return store.face_row(png).landmarks_in_crop()


def cached(folder, faces, mask=BOTH):
    return batches.cached(folder, "source", faces, mask=mask, **LOOK).faces


def test_what_is_before_the_face_is_outside_the_mask(ann, tmp_path):
    plain = cached(tmp_path / "plain", ann, "extended")[..., 3]
    seen = cached(tmp_path / "seen", with_masks(ann, tmp_path, everywhere(ann, upper())))[..., 3]
    shape = batches.geometry(SIZE, **LOOK)
    edge = ((SIZE / 2 - shape.border) / (SIZE - 2 * shape.border)) * shape.side  # the hand's, in the cached face
    above, below = slice(0, int(edge) - 3), slice(int(edge) + 3, None)
    assert (seen[:, above] == plain[:, above]).all() and plain[:, above].max() == 255
    assert not seen[:, below].any() and (plain[:, below] > 0).any()


@pytest.mark.parametrize("name", ["hull", "parser", BOTH, {"max": ["components", "parser"]}])
def test_the_mask_of_a_crop_is_what_conversion_draws_there(ann, name):
    points = points_of(ann, 3)
    found = parsed.drawn(name, points, size_hw=(SIZE, SIZE), share=upper())
    whole = Parsed(upper(), np.array([[0.5, 0, -0.25], [0, 0.5, -0.25]]))
    parts = masks.drawn(name, points, size_hw=(SIZE, SIZE), parsed=whole, matrix=np.eye(2, 3))
    assert np.array_equal(found, masks.combined(name, [part for part, _ in parts]))
    assert found.shape == (SIZE, SIZE) and found.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "instead"), [(BOTH, "extended"), ({"max": ["parser", "components"]}, "components"), ("parser", "hull")]
)
def test_without_a_parsed_mask_the_others_decide(ann, name, instead):
    points, size_hw = points_of(ann, 0), (SIZE, SIZE)
    expected = masks.MASKS[instead](points, size_hw=size_hw)
    assert np.array_equal(parsed.drawn(name, points, size_hw=size_hw, share=None), expected)


def test_faces_that_were_not_parsed_have_masks_by_landmarks(ann, tmp_path):
    names = ann.table.id.tolist()
    half = with_masks(ann, tmp_path, dict.fromkeys(names[:12], upper()))
    plain, seen = cached(tmp_path / "plain", ann, "extended"), cached(tmp_path / "seen", half)
    changed = (plain != seen).any((1, 2, 3))
    assert changed.tolist() == [True] * 12 + [False] * 8
    keys = parsed.keys(half.table, half.masks)
    assert parsed.said("ann", keys, half.table.digest.tolist()) == (
        "ann: 8 of 20 faces were not parsed; the loss takes their masks from landmarks"
    )
    whole = with_masks(ann, tmp_path / "whole", everywhere(ann, upper()))
    assert parsed.said("ann", parsed.keys(whole.table, whole.masks), ann.table.digest.tolist()) == ""
    assert (cached(tmp_path / "none", ann) == plain).all(), "and so where there is no archive of masks"


def test_a_mask_that_changed_is_the_only_one_drawn_again(ann, tmp_path, monkeypatch):
    read, prepare = [], batches.prepare
    monkeypatch.setattr(batches, "prepare", lambda png, *a, **k: read.append(png) or prepare(png, *a, **k))
    shares = everywhere(ann, upper())
    first = np.array(cached(tmp_path / "cache", with_masks(ann, tmp_path, shares)))
    assert len(read) == 20
    cached(tmp_path / "cache", with_masks(ann, tmp_path, shares))
    assert len(read) == 20, "the same masks: read from the cache"
    shares[ann.table.id[7]] = upper(20)
    again = cached(tmp_path / "cache", with_masks(ann, tmp_path, shares))
    assert len(read) == 21 and len(list((tmp_path / "cache").iterdir())) == 1
    assert np.flatnonzero((first != again).any((1, 2, 3))).tolist() == [7]


def test_the_digest_is_of_the_masks_alone(ann, tmp_path):
    def digest(faces):
        return parsed.digest(faces.table, parsed.keys(faces.table, faces.masks))

    shares = everywhere(ann, upper())
    one, other = with_masks(ann, tmp_path / "a", shares), with_masks(ann, tmp_path / "b", shares)
    assert digest(ann) == "" and digest(one) == digest(other) != ""
    assert digest(with_masks(ann, tmp_path / "c", everywhere(ann, upper(20)))) != digest(one)


def test_held_out_faces_are_judged_where_the_face_is_seen(ann, tmp_path):
    shape, rows = batches.geometry(SIZE, **LOOK), np.array([11, 2])
    covered = with_masks(ann, tmp_path, {ann.table.id[2]: upper()})
    plain, seen = (held.look(f, rows, shape, resolution=64, mask=BOTH).inside for f in (ann, covered))
    assert np.array_equal(plain[0], seen[0]) and not seen[1, 36:].any() and plain[1, 36:].any()
    assert np.array_equal(plain[1, :24], seen[1, :24]), "what is above the hand is judged as ever"
