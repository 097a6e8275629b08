"""Faces for training: what is cached, and what is drawn; and the pictures of a training."""

from __future__ import annotations

import dataclasses
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training import SIZE, SPAN, make_faces

from swapcore import align, store
from swapcore.errors import SwapError
from swapcore.train import batches, monitor

LOOK = {"coverage": 0.8, "resolution": 64}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    return make_faces(folder, "ann"), make_faces(folder, "bob", seed=1)


@given(st.integers(128, 1024), st.floats(0.21, 1), st.sampled_from([64, 128]))
def test_the_cache_holds_what_a_sample_can_look_at(size, coverage, resolution):
    shape = batches.geometry(size, coverage=coverage, resolution=resolution)
    kept = size - 2 * shape.border
    assert 0 <= shape.border < size / 2
    assert shape.border == 0 or kept >= size * coverage * batches.REACH - 1e-6
    assert shape.view * kept == pytest.approx(coverage * size)
    assert shape.side * shape.view == pytest.approx(batches.OVERSAMPLING * resolution, abs=1)


@pytest.mark.parametrize("centring", align.CENTRINGS)
def test_the_model_sees_the_crop_that_conversion_will_show_it(centring, tmp_path):
    """The middle of a cached face is the same picture as a crop of `span / coverage` cut directly."""
    faces = make_faces(tmp_path, "ann", count=4, centring=centring)
    cache = batches.cached(tmp_path / "cache", "source", faces, mask="components", **LOOK)
    shape = batches.geometry(SIZE, **LOOK)
    seen = batches.views(cache.faces, shape, resolution=64)
    with store.FaceArchive(faces.archives["ann"]) as archive:
        for place in range(4):
            png = archive.png(faces.table.id[place])
            points = store.face_row(png).landmarks_in_crop()
            matrix = align.crop_matrix(points, size=64, span=SPAN / LOOK["coverage"], centring=centring)
            direct = align.warp(store.face_crop(png), matrix, 64).astype(np.float32) / 255
            assert np.abs(seen[place] - direct).mean() < 0.02
            off = [np.abs(np.roll(seen[place], shift, axis=1) - direct).mean() for shift in (-1, 0, 1)]
            assert np.argmin(off) == 1


def test_an_archive_that_a_user_sorted_by_hand_gives_the_same_samples(people, tmp_path):
    """Faces renamed, moved into folders, deflated, beside what file managers leave: identical pixels, in the same order."""
    ann = people[0]
    whole = batches.cached(tmp_path / "one", "source", ann, mask="extended", **LOOK)
    again = tmp_path / "faces.zip"
    with zipfile.ZipFile(ann.archives["ann"]) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("best/", b"")
        for k, name in enumerate(sorted(old.namelist(), reverse=True)):
            new.writestr(f"best/{'smiling' if k % 2 else 'calm'} ({k}).png", old.read(name))
        new.writestr("best/Thumbs.db", b"\xd0\xcf")
        new.writestr("__MACOSX/best/._calm (0).png", b"\0\5\26\7")
    moved = dataclasses.replace(ann, archives={"ann": again})
    assert all(map(np.array_equal, batches.cached(tmp_path / "two", "source", moved, mask="extended", **LOOK), whole))


def test_the_mask_lies_on_the_face(people, tmp_path):
    cache = batches.cached(tmp_path, "source", people[0], mask="components", **LOOK).faces
    colours, mask = cache[..., :3].astype(int), cache[..., 3]
    assert cache.dtype == np.uint8 and 0.1 < (mask > 127).mean() < 0.8
    reddish = colours[..., 2] - colours[..., 0] > 65  # ann's colour; the background is grey
    assert ((mask > 127) == reddish).mean() > 0.97


def test_eyes_and_mouth_lie_where_the_landmarks_are(people, tmp_path):
    faces, landmarks = batches.cached(tmp_path, "source", people[0], mask="components", **LOOK)
    assert landmarks.shape == (20, 68, 2) and landmarks.dtype == np.float32
    eyes, mouth = faces[..., 4] > 127, faces[..., 5] > 127
    assert not (eyes & mouth).any() and 0.005 < eyes.mean() < mouth.mean() < 0.1
    for face, points in enumerate(np.rint(landmarks).astype(int)):
        x, y = points.T
        assert eyes[face, y[36:48], x[36:48]].all() and mouth[face, y[48:68], x[48:68]].all()
        assert not eyes[face, y[27:36], x[27:36]].any() and not mouth[face, y[27:36], x[27:36]].any()


def test_a_grown_dataset_reads_its_new_faces_alone(people, tmp_path, monkeypatch):
    ann, read = people[0], []
    prepare = batches.prepare
    monkeypatch.setattr(batches, "prepare", lambda png, *a, **k: read.append(png) or prepare(png, *a, **k))

    def cached(rows, folder=tmp_path / "grows"):
        columns = {name: value[rows] for name, value in ann.table.columns().items()}
        faces = dataclasses.replace(ann, table=type(ann.table)(**columns), digest=str(rows))
        read.clear()
        return batches.cached(folder, "source", faces, mask="extended", **LOOK), len(read)

    assert cached([3, 4, 5])[1] == 3
    grown, decoded = cached([0, 3, 4, 5, 6])
    assert decoded == 2 and len(list((tmp_path / "grows").iterdir())) == 1
    fresh, decoded = cached([0, 3, 4, 5, 6], tmp_path / "fresh")
    assert decoded == 5 and all(map(np.array_equal, grown, fresh))
    assert cached([6, 0])[1] == 0, "and one that has shrunk or turned reads none"


def test_the_cache_is_made_once(people, tmp_path, monkeypatch):
    first = batches.cached(tmp_path, "source", people[0], mask="extended", **LOOK)
    monkeypatch.setattr(batches, "prepare", lambda *a, **k: pytest.fail("decoded again"))
    again = batches.cached(tmp_path, "source", people[0], mask="extended", **LOOK)
    assert isinstance(again.faces, np.memmap) and all(map(np.array_equal, first, again))


def test_the_cache_follows_data_and_settings(people, tmp_path):
    ann, bob = people
    names = set()
    (tmp_path / ".source-0.npy.x.npy").write_bytes(b"left by a kill")
    for faces, mask, look in (
        (ann, "extended", LOOK),
        (ann, "components", LOOK),
        (ann, "extended", {**LOOK, "coverage": 0.7}),
        (bob, "extended", LOOK),
    ):
        batches.cached(tmp_path, "source", faces, mask=mask, **look)
        (name,) = (p.name for p in tmp_path.iterdir())
        names.add(name)
    assert len(names) == 4, "and the one before is gone"


def test_a_damaged_cache_is_made_again(people, tmp_path):
    whole = np.array(batches.cached(tmp_path, "source", people[0], mask="extended", **LOOK).faces)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:5000])
    assert (batches.cached(tmp_path, "source", people[0], mask="extended", **LOOK).faces == whole).all()


def test_a_face_that_is_not_the_datasets_is_refused(people, tmp_path):
    table = dataclasses.replace(people[0].table, digest=people[0].table.digest[::-1])
    with pytest.raises(SwapError, match=r"face 000000_0 is not the one .* of ann"):
        batches.cached(tmp_path, "s", dataclasses.replace(people[0], table=table), mask="extended", **LOOK)
    assert list(tmp_path.iterdir()) == []


def test_datasets_must_fit_together(people, tmp_path):
    ann, bob = people
    batches.check(ann, bob)
    with pytest.raises(SwapError, match="bob: expected at least 16 faces to train from, found 15"):
        batches.check(ann, make_faces(tmp_path, "bob", count=15))
    with pytest.raises(SwapError, match="one size and centring"):
        batches.check(ann, dataclasses.replace(bob, span=0.6))
    with pytest.raises(SwapError, match=r"128 px legacy, span 0\.5 of ann and 128 px head, span 0\.5 of bob"):
        batches.check(ann, dataclasses.replace(bob, centring="head"))


def test_batches_depend_on_the_step_alone():
    source = np.arange(20, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 4), np.uint8)
    target = source + 100
    whole = batches.draw(source, target, first=0, steps=6, batch=3, seed=1)
    assert whole.shape == (6, 6, 2, 2, 4) and whole.dtype == np.uint8
    assert (whole[:, :3] < 100).all() and (whole[:, 3:] >= 100).all(), "the source's first"
    assert (batches.draw(source, target, first=4, steps=2, batch=3, seed=1) == whole[4:]).all()
    assert (batches.draw(source, target, first=0, steps=6, batch=3, seed=2) != whole).any()
    many = batches.draw(source, target, first=0, steps=50, batch=10, seed=1)
    assert len(set(many[:, :10].reshape(-1).tolist())) == 20, "every face is drawn"


def test_spread_takes_all_poses():
    values = np.random.default_rng(0).permutation(60)
    assert values[batches.spread(values, 6)].tolist() == [5, 15, 25, 35, 45, 55]
    assert len(batches.spread(values[:2], 6)) == 6


def test_history_is_thinned_and_keeps_its_means():
    history = []
    for step in range(1, 5001):
        history = monitor.record(history, [step, 32 * step, step / 10, 5000 - step, 1.0])
        assert len(history) <= monitor.LONGEST_HISTORY
    rows = np.array(history)
    assert rows[-1].tolist() == [5000, 160000, 500.0, 0.0, 1.0] and (np.diff(rows[:, 0]) > 0).all()
    weights = np.diff(rows[:, 0], prepend=0)
    assert np.average(rows[:, 3], weights=weights) == pytest.approx(2499.5) and (rows[:, 4] == 1).all()


def test_a_line_of_progress():
    at = {"step": 1200, "images_per_second": 310.4, "loss": np.array([0.0312, 0.0281]), "left": 130.0}
    expected = "step 1200/2000, 310 images/s, loss source 0.0312 target 0.0281, 2 min 10 s left"
    assert monitor.line("train a_onto_b", end=2000, **at) == f"train a_onto_b: {expected}"
    assert monitor.line("x", end=None, **at) == f"x: {expected.replace('/2000', '')}"


def test_where_the_time_went_is_laid_below_the_losses():
    """Red where it was waited for faces: a third of the bar's height over a quarter of its width."""
    history = [[float(n), 32.0 * n, float(n), 0.3, 0.2] for n in range(1, 101)]
    told, rest = {"arithmetic": 0.6, "faces": 0.3, "measuring": 0.0, "saving": 0.0}, {"own": 0.5, "memory_free": 0.5}
    rows = [{"step": 25, **told, **rest}, {"step": 90, **told, "faces": 0.0, **rest}]
    rows = monitor.watched(rows, {"step": 90, **told, "faces": 0.0, **rest})
    rows = monitor.watched(rows, {"step": 100, **told, "faces": 0.0, **rest})
    assert [row["step"] for row in rows] == [25, 90, 100]
    picture = monitor.curve(history, title="x", begun=[], watched=rows)
    red, grey = (np.abs(picture.astype(int) - bgr).max(-1) < 10 for bgr in ((38, 38, 220), (184, 163, 148)))
    bars = slice(int(0.7 * len(picture)), int(0.9 * len(picture)))  # without the legend
    assert red[bars].sum() / grey[bars].sum() == pytest.approx(0.25 * 0.3 / 0.6, rel=0.1)
    assert not red[: bars.start].any()


@pytest.mark.parametrize("rows", [1, 2, 500])
def test_the_curve_is_a_picture(rows):
    history = [[10.0 * n, 320.0 * n, float(n), 0.3 / n, 0.2 / n] for n in range(1, rows + 1)]
    picture = monitor.curve(history, title="train a_onto_b", begun=[10] if rows > 1 else [])
    assert picture.dtype == np.uint8 and picture.shape[2] == 3 and picture.std() > 5
    orange, blue = (np.abs(picture.astype(int) - bgr).max(-1) < 30 for bgr in ((12, 65, 194), (158, 94, 15)))
    assert orange.sum() > 50 and blue.sum() > 50, "both lines are drawn"
