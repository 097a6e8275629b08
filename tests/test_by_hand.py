"""Archives that a user changed by hand, through the scripts that read them: what trains, what is said, what is refused."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import zipfile

import numpy as np
import pytest
from test_clean import scores
from training import make_faces

from swapcore import config, store
from swapcore.errors import SwapError
from swapcore.train import Faces, batches
from swapcore.types import DatasetTable, DecisionTable, ScoreTable

COUNT = 20
LOOK = {"coverage": 0.8, "resolution": 32}

META = {"by": "sharpness", "group": "none"}  # of the table of scores


@pytest.fixture(scope="module")
def scripts(root):
    """The scripts by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "scripts"))
        yield {name: importlib.import_module(name) for name in ("clean", "dataset")}


@pytest.fixture
def folder(tmp_path):
    """A person's scores, and the archive of the one clip they are from."""
    faces = make_faces(tmp_path, "ann", count=COUNT)
    names = np.sort(faces.table.id.astype(str)).astype(object)
    where = np.tile([0.0, 0, 1, 1], (COUNT, 1))  # as make_faces says
    table = scores(COUNT, clip=np.full(COUNT, "ann", object), id=names, yaw=faces.table.yaw, box_xyxy=where)
    store.write_table(tmp_path / "scores.parquet", table, META)
    return tmp_path


def settings(section, **values):
    return config.parse(section, json.dumps(values)).model_dump_json()


def made(scripts, folder, archive):
    """The dataset that comes of an archive: table, summary, decisions."""
    place = folder / archive.stem
    common = {"person": "ann", "scores": folder / "scores.parquet", "clips": ["ann"], "archives": [archive]}
    scripts["clean"].main(
        argparse.Namespace(
            settings=settings("clean"),
            edits=[],
            out=place / "decisions.parquet",
            json=place / "dropped.json",
            sheet=place / "dropped.jpg",
            page=place / "faces.html",
            **common,
        )
    )
    scripts["dataset"].main(
        argparse.Namespace(
            settings=settings("dataset"),
            decisions=place / "decisions.parquet",
            out=place / "dataset.parquet",
            json=place / "dataset.json",
            coverage=place / "coverage.png",
            **common,
        )
    )
    about, table = store.read_json(place / "dataset.json"), store.read_table(place / "dataset.parquet", DatasetTable)[0]
    return table, about, store.read_table(place / "decisions.parquet", DecisionTable)[0]


def sorted_by_hand(folder, name, *, without=(), method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(folder / "ann.zip") as old, zipfile.ZipFile(folder / name, "w", method) as new:
        for k, member in enumerate(reversed(old.namelist())):
            if member.removesuffix(".png") not in without:
                new.writestr(f"{'good' if k % 3 else 'best'}/{k:03d}.png", old.read(member))
        new.writestr("good/.DS_Store", b"\0\0\0\1Bud1")
    return folder / name


def samples(folder, archive, table, about):
    facts = {key: about[key] for key in ("digest", "size", "centring", "span")}
    faces = Faces(person="ann", table=table, archives={"ann": archive}, **facts)
    return np.array(batches.cached(folder / "cache" / archive.stem, "source", faces, mask="extended", **LOOK).faces)


def test_renamed_and_zipped_again_the_same_faces_train(scripts, folder):
    whole, again = folder / "ann.zip", sorted_by_hand(folder, "again.zip")
    (one, one_about, _), (two, two_about, _) = (made(scripts, folder, archive) for archive in (whole, again))
    assert one_about == two_about and len(one) == COUNT
    assert np.array_equal(samples(folder, whole, one, one_about), samples(folder, again, two, two_about))


def test_what_was_taken_out_no_longer_trains(scripts, folder):
    out = ["000003_0", "000011_0"]
    archive = sorted_by_hand(folder, "less.zip", without=out)
    table, about, decisions = made(scripts, folder, archive)
    assert len(table) == COUNT - 2 and not set(out) & set(table.id) and about["faces"] == COUNT - 2
    dropped = decisions.select(~decisions.use_train)
    assert dropped.id.tolist() == out and set(dropped.reason) == {"taken out of the archive"} and dropped.use_swap.all()
    assert len(samples(folder, archive, table, about)) == COUNT - 2


def test_where_all_was_taken_out_a_line_says_what_to_do(scripts, folder):
    archive = sorted_by_hand(folder, "none.zip", without=[f"{k:06d}_0" for k in range(COUNT)])
    with pytest.raises(SwapError, match=r"ann: no face is left.*20 taken out of the archive.*faces\.zip"):
        made(scripts, folder, archive)


def test_faces_of_another_shape_are_refused(scripts, folder):
    """As where an older archive was put back."""
    (folder / "other").mkdir()
    make_faces(folder / "other", "ann", count=COUNT, centring="head")
    mixed = folder / "mixed.zip"
    paths = folder / "ann.zip", folder / "other/ann.zip"
    with zipfile.ZipFile(paths[0]) as a, zipfile.ZipFile(paths[1]) as b, zipfile.ZipFile(mixed, "w") as new:
        for k, name in enumerate(a.namelist()):
            new.writestr(name, (b if k < 3 else a).read(name))
    said = r"person ann: .*128 px head, span 0.5 in ann; 128 px legacy, .* delete the faces.zip of ann"
    with pytest.raises(SwapError, match=said):
        made(scripts, folder, mixed)


def test_an_older_archive_is_not_taken_for_this_one(scripts, folder):
    """Detected otherwise, the same id may be another face of the frame, even another person's."""
    table, _ = store.read_table(folder / "scores.parquet", ScoreTable)
    moved = dataclasses.replace(table, box_xyxy=table.box_xyxy + [[1.5, 0, 1.5, 0]])
    store.write_table(folder / "scores.parquet", moved, META)
    with pytest.raises(SwapError, match=r"ann\.zip: face 000000_0 is at another place.*delete it"):
        made(scripts, folder, folder / "ann.zip")
