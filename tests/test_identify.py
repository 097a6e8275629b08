from __future__ import annotations

import argparse
import importlib

import numpy as np
import pytest
from test_align import picture

from swapcore import identify, store
from swapcore.config.fields import Identify
from swapcore.errors import SwapError
from swapcore.types import FaceSet, PeopleTable, References

LIMITS = {"threshold": Identify().threshold, "margin": Identify().margin}


def person(number: int) -> np.ndarray:
    """The middle (128,) of a made-up person's embeddings; two people are 0.8 apart."""
    return np.eye(128)[number] * 0.8 / np.sqrt(2)


def embeddings(number: int, count: int, *, spread=0.2, seed=0) -> np.ndarray:
    """Faces of a made-up person, each about `spread` from the middle."""
    noise = np.random.default_rng([number, seed]).normal(0, spread / np.sqrt(128), (count, 128))
    return (person(number) + noise).astype(np.float32)


def faces(*tracks: np.ndarray, **columns) -> FaceSet:
    """A clip's faces: one array of embeddings for each track."""
    embedding = np.concatenate([np.zeros((0, 128)), *tracks])
    track = np.repeat(np.arange(len(tracks)), [len(t) for t in tracks])
    frame = np.concatenate([np.zeros(0, int), *(np.arange(len(t)) for t in tracks)])
    table = FaceSet.empty().columns()
    made = {name: np.zeros((len(track), *value.shape[1:]), value.dtype) for name, value in table.items()}
    made["box_xyxy"] = np.tile(np.float32([0, 0, 50, 50]), (len(track), 1)) + 100 * track[:, None]
    made |= {"id": np.array([f"{f:06d}_{t}" for f, t in zip(frame, track, strict=True)], object)}
    made |= {"frame": frame, "track": track, "embedding": embedding, "sharpness": np.full(len(track), 10.0)}
    return FaceSet(**made | columns)


KNOWN = {name: embeddings(k, 5, seed=9) for k, name in enumerate("abc")}


# votes


def test_distance_is_of_the_nearest_references():
    references = np.concatenate([embeddings(0, 3), embeddings(1, 20)])
    near, far = identify.distance(np.stack([person(0), person(2)]), references)
    assert near < 0.3 and far > 0.7
    assert identify.distance(person(0)[None], references[:1]).shape == (1,)
    with pytest.raises(ValueError, match="at least one"):
        identify.distance(references, references[:0])


def test_each_track_goes_to_the_nearest_candidate():
    table = faces(embeddings(1, 12), embeddings(0, 4), embeddings(1, 1))
    people = identify.vote(table, KNOWN, candidates=["a", "b"], decided={}, **LIMITS)
    assert people.person.tolist() == ["b"] * 12 + ["a"] * 4 + ["b"]
    assert set(people.by) == {"vote"} and people.id.tolist() == table.id.tolist()
    np.testing.assert_allclose(people.distance[:12], identify.distance(table.embedding[:12], KNOWN["b"]))
    assert (people.margin > 0.3).all() and len(set(people.margin[:12])) == 1


def test_only_candidates_are_given_and_everybody_competes():
    table = faces(embeddings(2, 6))
    loose = {"threshold": 2.0, "margin": 0.05}
    assert set(identify.vote(table, KNOWN, candidates=["a", "b"], decided={}, **loose).person) == {""}
    alone = {"a": KNOWN["a"]}
    people = identify.vote(table, alone, candidates=["a"], decided={}, **loose)
    assert set(people.person) == {"a"} and np.isinf(people.margin).all()
    assert set(identify.vote(table, alone, candidates=["a"], decided={}, **LIMITS).person) == {""}


def test_too_near_to_two_people_is_unknown():
    between = np.tile((person(0) * 0.52 + person(1) * 0.48), (5, 1))
    known = {"a": person(0)[None], "b": person(1)[None]}
    for margin, who in ((0.1, ""), (0.01, "a")):
        people = identify.vote(faces(between), known, candidates=["a", "b"], decided={}, threshold=1, margin=margin)
        assert set(people.person) == {who}


def test_blurred_and_turned_faces_do_not_vote():
    track = np.concatenate([embeddings(0, 20), embeddings(1, 40)])  # the many look like b
    blurred = np.r_[np.full(20, 10.0), np.full(40, 1.0)]
    turned = np.r_[np.full(20, 5.0), np.full(40, -70.0)]
    for columns in ({"sharpness": blurred, "yaw": turned * 0}, {"yaw": turned}):
        people = identify.vote(faces(track, **columns), KNOWN, candidates=["a", "b"], decided={}, **LIMITS)
        assert set(people.person) == {"a"}


def test_what_was_decided_by_hand_holds_for_the_track():
    table = faces(embeddings(0, 5), embeddings(1, 5))
    people = identify.vote(table, KNOWN, candidates=["a", "b"], decided={7: "a"}, **LIMITS)
    assert people.person.tolist() == ["a"] * 10
    assert people.by.tolist() == ["vote"] * 5 + ["edit"] * 5 and (people.margin[5:] < 0).all()
    with pytest.raises(SwapError, match="one of the two lines"):
        identify.vote(table, KNOWN, candidates=["a", "b"], decided={7: "a", 8: "b"}, **LIMITS)
    with pytest.raises(ValueError, match="no references of x"):
        identify.vote(table, KNOWN, candidates=["x"], decided={}, **LIMITS)


def test_no_faces_no_people():
    assert len(identify.vote(faces(), KNOWN, candidates=["a"], decided={}, **LIMITS)) == 0


# references


def test_dominant_leaves_out_passers_by_and_is_spread():
    parts = [embeddings(0, 40), embeddings(1, 15), embeddings(0, 60, seed=1)]
    rows = identify.dominant(faces(*parts, sharpness=np.tile([1.0, 9, 1, 1, 1], 23)), max_faces=20)
    assert len(rows) == 20 and (np.diff(rows) > 0).all()
    assert not set(rows) & set(range(40, 55))
    assert sum(rows < 40) == 8
    assert (rows % 5 == 1).all()
    few = identify.dominant(faces(embeddings(0, 3)), max_faces=20)
    assert few.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="got none"):
        identify.dominant(faces(), max_faces=20)


def test_a_strange_photo_is_noticed():
    alike = embeddings(0, 4)
    assert identify.odd_one(alike) is None and identify.odd_one(alike[:1]) is None
    assert identify.odd_one(np.concatenate([alike[:2], embeddings(1, 1), alike[2:]])) == 2


# the scripts


@pytest.fixture
def script(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "scripts"))
    return lambda name: importlib.reload(importlib.import_module(name))


def written(tmp_path, text="", name="a"):
    """Arguments of scripts/identify.py for a clip of two tracks, with a person's edits."""
    store.write_table(tmp_path / "faces.parquet", faces(embeddings(0, 5), embeddings(2, 5)), {"clip": {"name": "x"}})
    for who, known in KNOWN.items():
        origin = np.full(len(known), "photo.jpg", object)
        store.write_table(tmp_path / f"{who}.parquet", References(origin=origin, embedding=known), {})
    (tmp_path / f"{name}.yaml").write_text(text)
    return argparse.Namespace(
        settings="{}",
        clip="x",
        candidates=["a", "b"],
        faces=tmp_path / "faces.parquet",
        people=list(KNOWN),
        references=[tmp_path / f"{who}.parquet" for who in KNOWN],
        edits=[tmp_path / f"{name}.yaml"],
        out=tmp_path / "people.parquet",
    )


def test_identify_script(script, tmp_path, capsys):
    edit = "identity: [{clip: x, face: 000003_1, box: [101, 99, 151, 150]}, {clip: y, face: 0_0, box: [1, 1, 2, 2]}]"
    args = written(tmp_path, edit, "b")
    script("identify").main(args)
    people, meta = store.read_table(args.out, PeopleTable)
    assert people.person.tolist() == ["a"] * 5 + ["b"] * 5 and set(people.by[5:]) == {"edit"}
    assert meta["counts"] == {"a": 5, "b": 5, "": 0} and "5 a, 5 b, 0 unknown" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "entry", "said"),
    [
        ("c", "{clip: x, face: 000003_1, box: [100, 100, 150, 150]}", "c is not among the people of clip x"),
        ("a", "{clip: x, face: 000003_1, box: [0, 0, 50, 50]}", "is now at"),
        ("a", "{clip: x, face: 000099_1, box: [0, 0, 50, 50]}", "no face 000099_1"),
    ],
)
def test_edits_that_do_not_fit_are_refused(script, tmp_path, name, entry, said):
    args = written(tmp_path, f"identity: [{entry}]", name)
    with pytest.raises(SwapError, match=said) as caught:
        script("identify").main(args)
    assert f"{name}.yaml" in str(caught.value)
    assert not args.out.exists()


def test_references_from_photos(script, tmp_path, footage, capsys):
    photos = [*store.pictures(footage / "photos_a"), store.pictures(footage / "photos_c")[0]]
    args = argparse.Namespace(settings="{}", person="a", photos=photos, faces=[], out=tmp_path / "r.parquet")
    script("references").main(args)
    found = store.read_table(args.out, References)[0]
    assert found.origin.tolist() == [p.name for p in photos] and found.embedding.shape == (4, 128)
    assert f"{photos[3]} hardly resembles the others" in capsys.readouterr().err


def test_a_photo_without_a_face_is_named(script, tmp_path):
    store.write_picture(tmp_path / "meadow.png", picture())
    args = argparse.Namespace(settings="{}", person="a", photos=[tmp_path / "meadow.png"], faces=[], out=tmp_path / "r")
    with pytest.raises(SwapError, match=r"meadow\.png"):
        script("references").main(args)


def test_references_from_clips(script, tmp_path):
    info = {"name": "x", "width": 9, "height": 9, "time_base": "1/30", "rate": "30"}
    paths = [tmp_path / "1.parquet", tmp_path / "2.parquet"]
    for k, path in enumerate(paths):
        store.write_table(path, faces(embeddings(0, 20, seed=k)), {"clip": {**info, "name": f"x{k}"}})
    args = argparse.Namespace(
        settings='{"max_faces": 4}', person="a", photos=[], faces=paths, out=tmp_path / "r.parquet"
    )
    script("references").main(args)
    found = store.read_table(args.out, References)[0]
    assert len(found) == 4 and [o.split("/")[0] for o in found.origin] == ["x0", "x0", "x1", "x1"]
    store.write_table(paths[0], faces(embeddings(0, 20), embeddings(1, 20)), {"clip": info})
    with pytest.raises(SwapError, match="several in 20"):
        script("references").main(args)
    for path in paths:
        store.write_table(path, faces(), {"clip": info})
    with pytest.raises(SwapError, match="found none"):
        script("references").main(args)
