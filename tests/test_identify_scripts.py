"""The scripts identify, references and groups."""

from __future__ import annotations

import argparse
import importlib
import json

import cv2
import numpy as np
import pytest
import yaml
from pngs import SIDE, png
from test_align import picture
from test_identify import KNOWN, embeddings, faces, person

from swapcore import edits, identify, store, studio
from swapcore.errors import SwapError
from swapcore.types import KnownTable, PeopleTable, References

INFO = {"name": "x", "width": 9, "height": 9, "time_base": "1/30", "rate": "30"}


@pytest.fixture
def script(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "scripts"))
    return lambda name: importlib.reload(importlib.import_module(name))


# identify


def written(tmp_path, text="", name="a", table=None, **options):
    """Arguments of scripts/identify.py for a clip of two tracks, with a person's edits."""
    table = faces(embeddings(0, 5), embeddings(2, 5), first=(0, 0)) if table is None else table
    store.write_table(tmp_path / "faces.parquet", table, {"clip": INFO})
    store.write_table(tmp_path / "known.parquet", KnownTable.of(KNOWN))
    (tmp_path / f"{name}.yaml").write_text(text)
    made = {
        "settings": "{}",
        "clip": "x",
        "candidates": ["a", "b"],
        "faces": tmp_path / "faces.parquet",
        "known": tmp_path / "known.parquet",
        "refused": [],
        "edits": [tmp_path / f"{name}.yaml"],
        "out": tmp_path / "people.parquet",
    }
    return argparse.Namespace(**made | options)


@pytest.mark.parametrize(
    "identity",
    [
        "[{clip: x, face: 000003_1, box: [101, 99, 151, 150]}, {clip: y, face: 0_0, box: [1, 1, 2, 2]}]",
        "{x/1: b, y/1: a}",
        "{x/1: {person: b, frames: [0, 6]}}",
    ],
)
def test_identify_script(script, tmp_path, capsys, identity):
    args = written(tmp_path, f"identity: {identity}", "b")
    script("identify").main(args)
    people, meta = store.read_table(args.out, PeopleTable)
    assert people.person.tolist() == ["a"] * 5 + ["b"] * 5 and set(people.by[5:]) == {"edit"}
    assert set(people.nearest[5:]) == {"c"}
    said = capsys.readouterr().err
    assert meta["counts"] == {"a": 5, "b": 5, "": 0} and "5 a, 5 b, 0 unknown" in said
    assert "track 1 is b's by hand, but is nearer to c by" in said


def test_the_refused_are_counted_by_name(script, tmp_path, capsys):
    args = written(tmp_path, refused=["c"])
    script("identify").main(args)
    people, meta = store.read_table(args.out, PeopleTable)
    assert people.person.tolist() == ["a"] * 5 + [""] * 5 and people.by.tolist() == ["vote"] * 5 + ["refused"] * 5
    assert meta["counts"] == {"a": 5, "b": 0, "": 5, "refused: c": 5}
    assert "5 refused: c" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ("[{clip: x, face: 000003_1, box: [0, 0, 50, 50]}]", "is now at"),
        ("[{clip: x, face: 000099_1, box: [0, 0, 50, 50]}]", "no face 000099_1"),
        ("{x/7: a}", "has no track 7"),
        ("{x/1: {person: a, frames: [40, 90]}}", "is now in frames 0 to 4, not 40 to 90"),
        ("[{x/1: a}, {clip: x, face: 000003_1, box: [100, 100, 150, 150], person: b}]", "is also a's"),
    ],
)
def test_edits_that_do_not_fit_are_refused(script, tmp_path, identity, said):
    args = written(tmp_path, f"\nidentity: {identity}")
    with pytest.raises(SwapError, match=said) as caught:
        script("identify").main(args)
    assert "a.yaml, identity, line 2" in str(caught.value)
    assert not args.out.exists()


def test_a_clip_without_faces_has_nobody_in_it(script, tmp_path):
    args = written(tmp_path, table=faces())
    script("identify").main(args)
    assert len(store.read_table(args.out, PeopleTable)[0]) == 0


# known


def test_what_is_known_of_everybody_is_one_file(script, tmp_path):
    for who, embedding in KNOWN.items():
        origin = np.full(len(embedding), "photo.jpg", object)
        store.write_table(tmp_path / f"{who}.parquet", References(origin=origin, embedding=embedding))
    paths = [tmp_path / f"{who}.parquet" for who in KNOWN]
    script("known").main(argparse.Namespace(people=list(KNOWN), references=paths, out=tmp_path / "known.parquet"))
    found = store.read_table(tmp_path / "known.parquet", KnownTable)[0].of_people()
    assert list(found) == list(KNOWN)
    assert all(np.array_equal(found[who], np.float32(embedding)) for who, embedding in KNOWN.items())


def test_where_nobody_is_known_yet_the_file_is_empty(script, tmp_path):
    script("known").main(argparse.Namespace(people=[], references=[], out=tmp_path / "known.parquet"))
    assert store.read_table(tmp_path / "known.parquet", KnownTable)[0].of_people() == {}


# references


def asked(tmp_path, **options):
    """Arguments of scripts/references.py."""
    made = {"settings": "{}", "person": "a", "photos": [], "faces": [], "edits": [], "out": tmp_path / "r.parquet"}
    return argparse.Namespace(**made | options)


def known(tmp_path):
    return store.read_table(tmp_path / "r.parquet", References)[0]


def test_references_from_photos(script, tmp_path, footage, capsys):
    photos = [*store.pictures(footage / "photos_a"), store.pictures(footage / "photos_c")[0]]
    script("references").main(asked(tmp_path, photos=photos))
    found = known(tmp_path)
    assert found.origin.tolist() == [p.name for p in photos] and found.embedding.shape == (4, 128)
    assert f"{photos[3]} hardly resembles the others" in capsys.readouterr().err


def beside(tmp_path, footage, *people, name, size=400):
    """A photo of several people of the same size, or of several sizes."""
    sizes = size if isinstance(size, tuple) else (size,) * len(people)
    made = np.full((max(sizes), sum(sizes), 3), 90, np.uint8)
    for k, (who, side) in enumerate(zip(people, sizes, strict=True)):
        photo = store.read_picture(store.pictures(footage / f"photos_{who}")[1])
        made[:side, sum(sizes[:k]) : sum(sizes[: k + 1])] = cv2.resize(photo, (side, side))
    store.write_picture(tmp_path / name, made)
    return tmp_path / name


def test_in_a_photo_of_several_the_person_of_the_other_photos_is_meant(script, tmp_path, footage):
    alone = store.pictures(footage / "photos_b")[0]
    group = beside(tmp_path, footage, "c", "b", name="group.png")
    script("references").main(asked(tmp_path, photos=[group, alone]))
    first, second = known(tmp_path).embedding
    assert np.linalg.norm(first - second) < 0.5
    # a much larger face is meant, whoever stands behind
    behind = beside(tmp_path, footage, "c", "b", name="behind.png", size=(200, 480))
    script("references").main(asked(tmp_path, photos=[behind]))
    assert np.linalg.norm(known(tmp_path).embedding[0] - second) < 0.5


def test_where_it_cannot_be_told_who_is_meant_the_photo_is_named(script, tmp_path, footage):
    group = beside(tmp_path, footage, "c", "b", name="group.png")
    with pytest.raises(
        SwapError, match=r"group\.png shows 2 faces of similar size, and there is no other photo.*crop it"
    ):
        script("references").main(asked(tmp_path, photos=[group]))
    with pytest.raises(SwapError, match=r"group\.png shows 2 faces of similar size, and the other photos do not tell"):
        script("references").main(asked(tmp_path, photos=[group, store.pictures(footage / "photos_a")[0]]))
    assert not (tmp_path / "r.parquet").exists()


def test_a_photo_may_show_a_profile(script, tmp_path):
    front, side = (studio.render(studio.actor_named("ann"), studio.Frame(yaw=yaw), size=320)[0] for yaw in (0.0, 70.0))
    for name, photo in (("front", front), ("side", side)):
        store.write_picture(tmp_path / f"{name}.png", photo)
    script("references").main(asked(tmp_path, photos=[tmp_path / "side.png", tmp_path / "front.png"]))
    assert known(tmp_path).origin.tolist() == ["side.png", "front.png"]


def test_photos_without_a_face_are_named(script, tmp_path):
    photos = [tmp_path / f"{name}.png" for name in ("meadow", "pixel")]
    store.write_picture(photos[0], picture())
    store.write_picture(photos[1], np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(SwapError, match=r"person a: .* none in 2 of 2: .*meadow\.png, .*pixel\.png"):
        script("references").main(asked(tmp_path, photos=photos))
    photos[1].write_bytes(b"not a picture")
    with pytest.raises(SwapError, match=r"pixel\.png: expected a picture"):
        script("references").main(asked(tmp_path, photos=photos))


def test_references_from_clips(script, tmp_path):
    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    for k, path in enumerate(paths):
        store.write_table(path, faces(embeddings(0, 20, seed=k)), {"clip": {**INFO, "name": f"x{k}"}})
    script("references").main(asked(tmp_path, settings='{"max_faces": 4}', faces=paths))
    found = known(tmp_path)
    assert len(found) == 4 and [o.split("/")[0] for o in found.origin] == ["x0", "x0", "x1", "x1"]
    both = faces(embeddings(0, 20), embeddings(1, 20), first=(0, 0))
    store.write_table(paths[0], both, {"clip": INFO})
    with pytest.raises(SwapError, match="several in 20"):
        script("references").main(asked(tmp_path, faces=paths))
    for path in paths:
        store.write_table(path, faces(), {"clip": INFO})
    with pytest.raises(SwapError, match="expected faces in x, x, found none; give photos"):
        script("references").main(asked(tmp_path, faces=paths))


def test_references_from_tracks_that_were_named_by_hand(script, tmp_path):
    table = faces(embeddings(1, 20), embeddings(0, 20), embeddings(0, 30, seed=1), embeddings(2, 20))
    empty = tmp_path / "empty.parquet"
    store.write_table(empty, faces(), {"clip": {**INFO, "name": "y"}})
    store.write_table(tmp_path / "x.parquet", table, {"clip": INFO})
    (tmp_path / "a.yaml").write_text(
        "identity:\n- {clip: x, face: 000025_1, box: [100, 100, 150, 150]}\n- x/3: nobody\n"
    )
    (tmp_path / "b.yaml").write_text("identity: {x/2: a, x/0: b}")
    named = asked(tmp_path, faces=[tmp_path / "x.parquet", empty], edits=[tmp_path / "a.yaml", tmp_path / "b.yaml"])
    script("references").main(named)
    found = known(tmp_path)
    assert len(found) == 50 and np.linalg.norm(found.embedding - person(0), axis=1).max() < 0.4
    assert {origin.split("_")[1] for origin in found.origin} == {"1", "2"}
    named.faces = [empty]
    with pytest.raises(SwapError, match=r"person a: expected faces in the tracks named in .*a\.yaml.*found none"):
        script("references").main(named)


# groups


def grouped(tmp_path, table, people, there=None, photos=False, **settings):
    """Arguments of scripts/groups.py."""
    info = {"clip": {**INFO, "photos": photos}}
    store.write_table(tmp_path / "faces.parquet", table, info)
    store.write_table(tmp_path / "people.parquet", people, info)
    held = table.id if there is None else table.id[there]
    store.write_archive(tmp_path / "faces.zip", [(name, png(name, "x", SIDE)) for name in held])
    return argparse.Namespace(
        settings=json.dumps(settings),
        clip="x",
        faces=tmp_path / "faces.parquet",
        people=tmp_path / "people.parquet",
        archives=tmp_path / "faces.zip",
        sheet=tmp_path / "groups.jpg",
        lines=tmp_path / "groups.yaml",
    )


UNKNOWN = {"candidates": [], "decided": {}, "threshold": 0.6, "margin": 0.05}


def test_groups_are_shown_and_named(script, tmp_path, capsys):
    table = faces(embeddings(3, 20), embeddings(0, 8), embeddings(3, 9, seed=1), embeddings(4, 5))
    people = identify.vote(table, KNOWN, **UNKNOWN | {"candidates": ["a"]})
    args = grouped(tmp_path, table, people, rows=1)
    script("groups").main(args)
    assert "x: 34 of 42 faces are unknown, in 2 groups, each of which looks like one person" in capsys.readouterr().err
    assert store.read_picture(args.sheet).shape[1] > 1000
    text = args.lines.read_text()
    assert (
        "# group 1: 29 faces, tracks 0, 2, frames 0 to 36, nearest known: " in text
        and "at clip x, or put it in the place of ?" in text
    )
    documents = list(yaml.safe_load_all(text))
    assert len(documents) == 2 and len(documents[0]["identity"]) == 2
    # each part of the file is a file of edits, and names every face of its group
    _, first, _ = text.split("---\n")
    found = edits.read(first, where="x", person="b").identity
    rows = {table.track[row] for row in edits.decided(found, clip="x", faces=table)}
    assert rows == {0, 2}
    people = identify.vote(
        table, KNOWN, **UNKNOWN | {"candidates": ["a", "b"], "decided": edits.decided(found, clip="x", faces=table)}
    )
    assert people.person.tolist() == ["b"] * 20 + ["a"] * 8 + ["b"] * 9 + [""] * 5


@pytest.mark.parametrize(("table", "words"), [(faces(), "0 of 0"), (faces(embeddings(0, 8)), "0 of 8")])
def test_where_nobody_is_unknown_the_sheet_says_so(script, tmp_path, capsys, table, words):
    people = identify.vote(table, KNOWN, **UNKNOWN | {"candidates": ["a"]})
    args = grouped(tmp_path, table, people)
    script("groups").main(args)
    assert f"x: {words} faces are unknown\n" in capsys.readouterr().err
    assert store.read_picture(args.sheet).shape[0] < 100
    assert list(yaml.safe_load_all(args.lines.read_text())) == []


def test_faces_that_were_taken_out_of_the_archive_are_not_shown(script, tmp_path):
    table = faces(embeddings(3, 6), embeddings(4, 5))
    args = grouped(tmp_path, table, identify.vote(table, KNOWN, **UNKNOWN), there=np.r_[np.ones(3), np.zeros(8)] > 0)
    script("groups").main(args)
    assert len(list(yaml.safe_load_all(args.lines.read_text()))) == 2


def test_photos_are_counted(script, tmp_path):
    table = faces(*[embeddings(3, 1, seed=k) for k in range(5)])
    args = grouped(tmp_path, table, identify.vote(table, {}, **UNKNOWN), photos=True)
    script("groups").main(args)
    assert "# group 1: 5 faces, in 5 photos\n" in args.lines.read_text()
