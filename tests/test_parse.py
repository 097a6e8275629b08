"""The stage parse: masks of all faces of an archive."""

import argparse
import importlib
import json

import numpy as np
import pytest
from converting import texts
from pngs import png

from swapcore import parsing, store
from swapcore.errors import SwapError
from swapcore.types import FaceSet

SIDE = 64


@pytest.fixture
def script(monkeypatch, root):
    monkeypatch.syspath_prepend(str(root / "scripts"))
    return importlib.import_module("parse")


def faces(count, track, frame):
    columns = {name: np.zeros((count, *value.shape[1:])) for name, value in FaceSet.empty().columns().items()}
    ids = texts(*(f"{k:06d}_0" for k in range(count)))
    return FaceSet(**{**columns, "id": ids, "track": np.array(track), "frame": np.array(frame)})


def run(script, folder, table, held, painted=(), **settings):
    store.write_table(folder / "faces.parquet", table, {"size": SIDE})
    store.write_archive(folder / "faces.zip", [(name, png(name, "stunt", SIDE, seed=k)) for k, name in enumerate(held)])
    where = {"faces": folder / "faces.parquet", "archives": folder / "faces.zip", "out": folder / "masks.zip"}
    script.main(
        argparse.Namespace(settings=json.dumps(settings), clip="stunt", parser_file=[], painted=list(painted), **where)
    )
    return store.MaskArchive(folder / "masks.zip")


def test_every_face_of_the_archive_has_a_mask(script, tmp_path, capsys):
    table = faces(5, [0, 0, 1, 1, 0], [0, 1, 1, 2, 9])
    masks = run(script, tmp_path, table, table.id[:4])
    assert [masks.mask(name).shape for name in table.id[:4]] == [(parsing.SIDE, parsing.SIDE)] * 4
    assert masks.mask(table.id[4]) is None
    assert "1 face not in" in capsys.readouterr().err


def test_blocks_make_no_difference(script, tmp_path, monkeypatch):
    table = faces(12, [0] * 12, range(12))
    (tmp_path / "whole").mkdir(), (tmp_path / "parts").mkdir()
    whole = run(script, tmp_path / "whole", table, table.id)
    monkeypatch.setattr(script, "BLOCK", 4)
    parts = run(script, tmp_path / "parts", table, table.id)
    for name in table.id:
        np.testing.assert_allclose(whole.mask(name).astype(int), parts.mask(name), atol=1)


def test_without_memory_each_frame_speaks_for_itself(script, tmp_path):
    table = faces(3, [0] * 3, range(3))
    masks = run(script, tmp_path, table, table.id, memory=0)
    crops = np.array([store.face_crop(png(name, "stunt", SIDE, seed=k)) for k, name in enumerate(table.id)])
    alone = parsing.parser("own")(crops, np.zeros((len(crops), 68, 2)))
    for name, share in zip(table.id, alone, strict=True):
        np.testing.assert_allclose(masks.mask(name), 255 * share, atol=0.6)


def test_a_clip_without_faces(script, tmp_path):
    assert run(script, tmp_path, faces(0, [], []), []).mask("000000_0") is None


def test_a_painted_mask_takes_the_place_of_a_parsed_one(script, tmp_path, capsys):
    table = faces(3, [0] * 3, range(3))
    mine = np.zeros((SIDE, SIDE), np.uint8)
    mine[:, : SIDE // 2] = 255
    files = [tmp_path / f"{name}.png" for name in table.id[1:]]
    for file in files:
        store.write_picture(file, mine)
    masks = run(script, tmp_path, table, table.id[:2], files)  # one of a face that was taken out of the archive
    for name in table.id[1:]:
        np.testing.assert_array_equal(masks.mask(name), mine)
    assert masks.mask(table.id[0]).shape == (parsing.SIDE, parsing.SIDE)
    assert "2 masks painted by hand" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "shape", "said"),
    [("000007_0", (SIDE, SIDE), "has no face 000007_0"), ("000001_0", (SIDE, 40), "expected a square mask")],
)
def test_a_painted_mask_of_nothing_is_named(script, tmp_path, name, shape, said):
    store.write_picture(tmp_path / f"{name}.png", np.zeros(shape, np.uint8))
    with pytest.raises(SwapError, match=said):
        run(script, tmp_path, faces(2, [0, 0], [0, 1]), ["000000_0"], [tmp_path / f"{name}.png"])
    assert not (tmp_path / "masks.zip").exists()
