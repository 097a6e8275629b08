"""The preview sheet: every face in its place, with its mask, and the worst of the held-out ones last."""

from __future__ import annotations

import types

import numpy as np
from training import make_faces

from swapcore.train import batches, held, sheet

LOOK = {"coverage": 0.8, "resolution": 32}


def middles(picture, rows):
    """Lines of pixels through the rows' faces, below their middle."""
    tops = [sheet.HEAD + r * (sheet.FACE + sheet.GAP) + (sheet.HEAD if r >= rows else 0) for r in range(rows + 1)]
    return [picture[top + 100] for top in tops]


def test_faces_are_in_their_places():
    faces = np.zeros((3, 6, 64, 64, 3), np.float32)
    faces[...] = np.arange(20, 200, 10).reshape(3, 6, 1, 1, 1) * np.array([1, 0.5, 0]) / 255
    picture = sheet.preview(faces, np.zeros((3, 2, 64, 64), bool), source="ann", target="bob", rows=2)
    assert picture.dtype == np.uint8
    for row, line in enumerate(middles(picture, 2)):
        values = line[(line[:, 2] == 0) & (line[:, 0] > 0), 0]  # faces have no red, text and gaps do
        order = [v for v, before in zip(values, [0, *values], strict=False) if v != before]
        assert np.allclose(order, faces[row, sheet.ORDER, 0, 0, 0] * 255, atol=1)
    for begin in (0, sheet.HEAD + 2 * (sheet.FACE + sheet.GAP)):
        head = picture[begin : begin + sheet.HEAD]
        assert (head.min(-1) < 100).any() and (head == 255).mean() > 0.5, "labels stand above"


def test_masks_are_outlined_on_the_faces_themselves():
    faces, masks = np.zeros((1, 6, 64, 64, 3), np.float32), np.zeros((1, 2, 64, 64), bool)
    masks[0, :, 16:48, 16:48] = True
    picture = sheet.preview(faces, masks, source="ann", target="bob", rows=1)
    line = picture[sheet.HEAD + sheet.FACE // 2]
    lit = np.flatnonzero((line.max(-1) > 100) & (line.min(-1) < 200))
    starts = [sheet.GAP, sheet.GAP + 3 * (sheet.FACE + sheet.GAP) + 2 * sheet.GAP]
    for column in (s + sheet.FACE * part for s in starts for part in (0.25, 0.75)):
        assert np.abs(lit - column).min() <= 2
    assert len(lit) < 16, "and nowhere else"


def test_errors_are_of_the_face_alone():
    faces, inside = np.zeros((2, 4, 4, 3)), np.zeros((2, 4, 4), bool)
    inside[:, 1:3, 1:3] = True
    made = faces.copy()
    made[0, 0, 0], made[1, 1, 1] = 1, 0.4
    assert np.allclose(sheet.errors(made, faces, inside), [0, 0.1])


def test_the_worst_held_out_faces_come_last(tmp_path):
    people = make_faces(tmp_path, "ann", count=80), make_faces(tmp_path, "bob", count=80, seed=1)
    caches = tuple(
        batches.cached(tmp_path / "samples", who, faces, mask="extended", **LOOK)
        for who, faces in zip(("source", "target"), people, strict=True)
    )
    shape = batches.geometry(people[0].size, **LOOK)
    kept = [held.choose(faces, 8) for faces in people]
    (bad, _) = sheet.looks(caches[0].faces[kept[0][5:6]], shape, resolution=32)
    asked = []

    def show(source, target):
        asked.append((source, target))
        rebuilt = np.where((source == bad).all((1, 2, 3))[:, None, None, None], 1 - source, source)
        return np.stack([source, rebuilt, target, target, target, source], axis=1)

    picture = sheet.sheet(types.SimpleNamespace(show=show), people, caches, shape, resolution=32, held_out=tuple(kept))
    shown_source, shown_target = asked[-1]
    assert len(shown_source) == len(shown_target) == sheet.ROWS + sheet.WORST_ROWS
    assert (shown_source[sheet.ROWS] == bad[0]).all(), "the one that is rebuilt worst"
    few = sheet.sheet(types.SimpleNamespace(show=show), people, caches, shape, resolution=32, held_out=None)
    assert len(asked[-1][0]) == sheet.ROWS and few.shape[0] < picture.shape[0]
