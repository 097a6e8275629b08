from __future__ import annotations

import argparse
import importlib
import json

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from test_clean import scores
from test_store import made_up

from swapcore import edits, quality, sort, store
from swapcore.config.fields import Sort
from swapcore.errors import SwapError
from swapcore.types import FaceSet, FrameTable, PeopleTable, ScoreTable


def test_every_order_of_the_settings_is_there():
    assert (
        set(sort.DESCENDING)
        == set(Sort.model_fields["by"].annotation.__args__)
        == {*quality.SCORES, "time", "distance", "similarity"}
    )


@pytest.mark.parametrize("by", sort.DESCENDING)
def test_orders(by):
    values = np.array([3.0, 1, 2, 2])
    table = scores(4) if by == "time" else scores(4, **{by: values})
    rank = sort.order(table, by=by).order.tolist()
    assert rank == ([0, 1, 2, 3] if by == "time" else [0, 3, 1, 2] if sort.DESCENDING[by] else [3, 0, 1, 2])


def test_gathering_takes_one_persons_rows_and_marks_copies():
    faces, people = made_up(FaceSet, 5), made_up(PeopleTable, 5)
    faces = FaceSet(**{**faces.columns(), "frame": np.arange(5)})
    people = PeopleTable(**{**people.columns(), "id": faces.id})
    frames = FrameTable(**{**made_up(FrameTable, 5).columns(), "number": np.arange(5), "duplicate": [0, 0, 1, 0, 1]})
    frames = FrameTable(**{**frames.columns(), "damaged": [0, 1, 0, 0, 0]})
    table = sort.gather("a", np.array([1, 2]), frames=frames, faces=faces, people=people)
    assert table.frame.tolist() == [1, 2] and table.duplicate.tolist() == [False, True]
    assert table.damaged.tolist() == [True, False]
    assert table.fitted.tolist() == faces.fitted[[1, 2]].tolist()
    assert set(table.clip) == {"a"} and np.array_equal(table.thumb, faces.thumb[1:3])
    for name in quality.SCORES:
        assert getattr(table, name).tolist() == getattr(faces, name)[1:3].tolist()
    with pytest.raises(ValueError, match="different faces"):
        sort.gather("a", np.array([0]), frames=frames, faces=faces, people=made_up(PeopleTable, 4))


def test_a_sheet_is_spread_over_the_order():
    order = sort.order(scores(100, sharpness=np.arange(100.0)), by="sharpness").order
    shown = sort.spread_rows(order, 5).tolist()
    assert shown[0] == 99 and shown[-1] == 0 and len(shown) == 5
    assert len(sort.spread_rows(order, 500)) == 100 and not len(sort.spread_rows(order[:0], 5))


def test_similarity_is_one_less_the_distance():
    embedding = np.zeros((3, 128), np.float32)
    embedding[1, 0], embedding[2, 1] = 0.3, 0.4
    assert sort.similarity(embedding, embedding[1]).tolist() == pytest.approx([0.7, 1, 0.5])
    same = sort.similarity(np.tile(embedding[1], (4, 1)), None)  # to their own mean
    assert same.tolist() == pytest.approx([1] * 4) and not len(sort.similarity(embedding[:0], None))


def test_comparing_fills_in_similarity_and_looks_over_all_clips():
    rng = np.random.default_rng(0)
    people = np.linalg.qr(rng.normal(0, 1, (128, 2)))[0].T * 0.5
    clip, track = np.repeat(["a", "a", "b"], 30).astype(object), np.repeat([4, 5, 4], 30)
    table = scores(90, clip=clip, track=track)
    embedding = people[np.repeat([0, 1, 0], 30)] + rng.normal(0, 0.02, (90, 128))
    found = sort.compare(table, embedding, like=None, look_distance=0.3)
    assert found.look.tolist() == [1] * 30 + [2] * 30 + [1] * 30  # track 4 of a and of b are two tracks
    assert (found.similarity > 0.4).all() and found.order.tolist() == table.order.tolist()


# groups and bins


def groups(table, by="sharpness", group="none", bins=0):
    ordered = sort.order(table, by=by)
    return [(name, rows.tolist()) for name, rows in sort.parted(ordered, by=by, group=group, bins=bins)]


def test_without_groups_there_is_one_without_a_name():
    assert groups(scores(3, sharpness=[1.0, 3, 2])) == [("", [1, 2, 0])]


def test_groups_and_bins_part_the_order():
    table = scores(6, clip=np.array(list("abbaab"), object), look=[2, 1, 1, 2, 2, 1], yaw=[-30.0, 0, 20, 10, 15, -15])
    assert groups(table, "yaw", "clip") == [("a", [0, 3, 4]), ("b", [5, 1, 2])]
    assert [name for name, _ in groups(table, "yaw", "look")] == ["look 1", "look 2"]
    assert groups(table, "yaw", bins=3) == [
        ("to the image's left (below -15°)", [0]),
        ("ahead (-15 to 15°)", [5, 1, 3]),
        ("to the image's right (from 15° on)", [4, 2]),
    ]
    assert groups(table, "yaw", "look", 3)[0] == ("look 1, ahead (-15 to 15°)", [5, 1])
    assert groups(table, "time", bins=4) == [
        ("part 1 of 4", [0, 1]),
        ("part 2 of 4", [2, 3]),
        ("part 3 of 4", [4]),
        ("part 4 of 4", [5]),
    ]


@pytest.mark.parametrize("by", sort.DESCENDING)
@pytest.mark.parametrize("bins", [1, 3, 6, 24])
def test_bins_of_every_order_hold_each_face_once_and_run_as_it_does(by, bins):
    rng = np.random.default_rng(bins)
    table = scores(200) if by == "time" else scores(200, **{by: rng.normal(10, 20, 200)})
    found = groups(table, by, bins=bins)
    flat = [row for _, rows in found for row in rows]
    assert flat == np.argsort(sort.order(table, by=by).order).tolist()
    assert all(name for name, _ in found) and len({name for name, _ in found}) == len(found)
    assert bins / 2 - 1 <= len(found) <= 2 * bins + 2


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=30), st.integers(1, 24))
def test_any_values_can_be_binned(values, bins):
    found = groups(scores(len(values), warmth=values), "warmth", bins=bins)
    assert sorted(row for _, rows in found for row in rows) == list(range(len(values)))


def test_what_stands_under_a_face():
    table = scores(2, motion_blur=[12.4, 0])
    assert (
        sort.caption(table, 0, "motion_blur") == "12 %\n000000_0\na" and sort.caption(table, 1, "time") == "000001_0\na"
    )
    assert sort.legend("motion_blur") == "Under each face: motion blur, id, clip"
    assert set(sort.LABELS) == set(sort.DESCENDING) - {"time"}


# the script


@pytest.fixture
def run(root, tmp_path, monkeypatch):
    """f(settings) runs the stage on two small clips of ann and gives its table and its sheet."""
    monkeypatch.syspath_prepend(str(root / "scripts"))
    script = importlib.import_module("sort")
    crop = np.full((128, 128, 3), 90, np.uint8)
    for clip, person in (("one", "ann"), ("two", "ann")):
        faces = made_up(FaceSet, 6)
        ids, frame = np.array([f"{k:06d}_0" for k in range(6)], object), np.arange(6)
        faces = FaceSet(**{**faces.columns(), "id": ids, "frame": frame, "track": np.zeros(6)})
        whose = np.array([person] * 5 + [""], object)
        people = PeopleTable(**{**made_up(PeopleTable, 6).columns(), "id": ids, "frame": frame, "person": whose})
        frames = FrameTable(**{**made_up(FrameTable, 6).columns(), "number": frame})
        for name, table in (("frames", frames), ("faces", faces), ("people", people)):
            store.write_table(tmp_path / f"{clip}.{name}.parquet", table)
        row = {"clip": clip, "file": "x.mp4", "sha256": "", "landmarks_xy": np.zeros((68, 2)), "score": 1.0, "frame": 0}
        row |= {"matrix": np.eye(2, 3), "size": 128, "centring": "legacy", "span": 0.5, "quality": {}, "track": 0}
        pngs = [(n, store.face_png(crop, store.FaceRow.of(id=n, box_xyxy=(0, 0, 9, 9), **row))) for n in ids[:5]]
        store.write_archive(tmp_path / f"{clip}.zip", pngs)

    def go(person="ann", **settings):
        paths = {
            name: [tmp_path / f"{c}.{name}.parquet" for c in ("one", "two")] for name in ("frames", "faces", "people")
        }
        out = {"out": tmp_path / "scores.parquet", "sheet": tmp_path / "sheet.jpg", "lines": tmp_path / "lines.yaml"}
        archives = [tmp_path / "one.zip", tmp_path / "two.zip"]
        script.main(
            argparse.Namespace(
                settings=json.dumps(settings), person=person, clips=["one", "two"], archives=archives, **paths, **out
            )
        )
        return *store.read_table(out["out"], ScoreTable), store.read_picture(out["sheet"])

    return go


def test_the_stage_orders_compares_and_draws(run):
    table, meta, sheet = run(by="similarity", like="two/000003_0", group="clip", bins=2, sheet=4)
    best = int(np.argmin(table.order))
    assert (table.clip[best], table.id[best]) == ("two", "000003_0") or table.similarity[
        best
    ] == 1  # both clips are the same
    assert meta == {"person": "ann", "by": "similarity", "group": "clip"} and len(table) == 10 and sheet.size
    assert run(bins=3)[1]["group"] == "bins" and run()[1]["group"] == "none"


def test_where_all_faces_were_taken_out_the_sheet_is_empty(run, tmp_path):
    for clip in ("one", "two"):
        store.write_archive(tmp_path / f"{clip}.zip", [])
    table, _, sheet = run(group="look", bins=3)
    assert len(table) == 10 and sheet.shape[0] < 120


def test_what_cannot_be_sorted_is_one_line(run):
    with pytest.raises(
        SwapError, match=r"sort\.like: expected a face such as clip/000012_0, found no face two/000099_0"
    ):
        run(like="two/000099_0")
    with pytest.raises(SwapError, match="person cy: expected faces in one, two, found none"):
        run(person="cy")


# lines for the edits


def test_the_lines_are_ready_to_copy():
    text = sort.lines(scores(3), "ann")
    assert len(yaml.safe_load(text)) == 3
    assert len(edits.read("reject:\n" + text, where="x").reject) == 3
    odd = scores(1, id=['d\'a "x" \\ ü \x85\u2028_0'])  # with what YAML takes for line ends
    assert edits.read("keep:\n" + sort.lines(odd, "ann"), where="x").keep[0].face == odd.id[0]
