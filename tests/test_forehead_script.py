"""scripts/forehead.py, on faces of plain skin and a model that makes plain skin."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import types
from argparse import Namespace
from fractions import Fraction

import numpy as np
import pytest
from analytic import face
from converting import TRAINED, texts
from pngs import row

import swapcore
from swapcore import align, store, video
from swapcore.types import ClipInfo, DecisionTable, FaceSet, FrameTable, PeopleTable

COUNT, SIDE, SIZE = 40, 256, 320  # frames, the archive's crops, the clip's
MARKS = face((160, 180), 50)
MATRIX = align.crop_matrix(MARKS, size=SIDE, span=align.span_of("legacy", 1.0))
SKIN = 150


@pytest.fixture
def script(root, monkeypatch):
    """With a model that makes skin as it was told to."""
    plain = types.ModuleType("swapcore.models")
    plain.tone = SKIN
    plain.predictor = lambda trained, weights, **_: lambda crops: np.full_like(crops, plain.tone / 255)
    monkeypatch.setitem(sys.modules, "swapcore.models", plain)
    monkeypatch.setattr(swapcore, "models", plain, raising=False)
    monkeypatch.syspath_prepend(str(root / "scripts"))
    return importlib.import_module("forehead"), plain


def project(folder, *, wrinkled, wavering=()):
    """Two shots of one person; `wrinkled` and `wavering`: numbers of frames with a lined forehead, with an unsure parser."""
    clip = folder / "stunt.mp4"
    blank = [np.full((SIZE, SIZE, 3), SKIN, np.uint8)] * COUNT
    video.encode(clip, blank, width=SIZE, height=SIZE, rate=Fraction(25), crf=30, preset="ultrafast")
    ids, n, zero = texts(*(f"{k:06d}_0" for k in range(COUNT))), np.arange(COUNT), np.zeros(COUNT)
    info = ClipInfo("stunt", SIZE, SIZE, Fraction(1, 25), Fraction(25))
    frames = FrameTable(
        number=n, pts=n, key=zero, shot=n // 20, duplicate=zero, decoded=n, damaged=zero > 0, name=texts(*[""] * COUNT)
    )
    columns = {name: np.zeros((COUNT, *value.shape[1:])) for name, value in FaceSet.empty().columns().items()}
    seen = {"landmarks_xy": [MARKS] * COUNT, "landmarks_smooth_xy": [MARKS] * COUNT, "matrix": [MATRIX] * COUNT}
    faces = FaceSet(**{**columns, "id": ids, "frame": n, **{k: np.array(v) for k, v in seen.items()}})
    whose = texts(*["double"] * COUNT)
    people = {"id": ids, "frame": n, "track": zero, "distance": zero, "margin": zero, "person": whose, "nearest": whose}
    decided = {"clip": texts(*["stunt"] * COUNT), "id": ids, "use_train": zero, "use_swap": zero + 1}
    meta = {"clip": info.to_json()}
    store.write_table(folder / "frames.parquet", frames, {**meta, "start": None, "end": None})
    store.write_table(folder / "faces.parquet", faces, {**meta, "size": SIDE})
    store.write_table(folder / "people.parquet", PeopleTable(**people, by=texts(*["vote"] * COUNT)))
    store.write_table(folder / "decisions.parquet", DecisionTable(**decided, reason=texts(*[""] * COUNT)))
    plain = np.full((SIDE, SIDE, 3), SKIN, np.uint8)
    lines = np.clip(SKIN + 12 * np.sin(2 * np.pi * np.arange(SIDE) / 15)[:, None, None] + 0 * plain, 0, 255).astype(
        np.uint8
    )
    crops = [(name, lines if k in wrinkled else plain) for k, name in enumerate(ids)]
    store.write_archive(
        folder / "faces.zip", [(name, store.face_png(crop, row(name, "stunt", SIDE))) for name, crop in crops]
    )
    sure = np.zeros((128, 128), np.uint8)
    sure[14:] = 255
    unsure = sure.copy()
    unsure[:60] = unsure[:60] // 2
    store.write_masks(folder / "masks.zip", ((name, unsure if k in wavering else sure) for k, name in enumerate(ids)))
    (folder / "weights.h5").write_bytes(b"weights")
    shape = {"resolution": 64, "centring": "legacy", "span": align.span_of("legacy", 1.0), "coverage": 0.8}
    store.write_json(
        folder / "trained.json", {**TRAINED, **shape, "weights": {"sha256": hashlib.sha256(b"weights").hexdigest()}}
    )
    tables = {name: folder / f"{name}.parquet" for name in ("frames", "faces", "people")}
    return Namespace(
        settings=json.dumps({"colour": "none", "relight": False}),
        label_settings="{}",
        forehead_settings="{}",
        video="scene1",
        path=clip,
        swaps=json.dumps([{key: TRAINED["swap" if key == "name" else key] for key in ("name", "source", "target")}]),
        trained=[folder / "trained.json"],
        weights=[folder / "weights.h5"],
        decisions=[folder / "decisions.parquet"],
        masks=[folder / "masks.zip"],
        archives=folder / "faces.zip",
        out=folder / "forehead.json",
        **tables,
    )


def made(script, given):
    script[0].main(given)
    told = store.read_json(given.out)
    return told, told["faces"].get(TRAINED["swap"], {})


def test_each_shot_by_itself(script, tmp_path, capsys):
    told, levels = made(script, project(tmp_path, wrinkled=range(20, 40)))
    assert [(s["frames"], s["chosen"]) for s in told["shots"]] == [([0, 19], "calm"), ([20, 39], "hairline")]
    assert set(levels) == {f"{k:06d}_0" for k in range(20, 40)} and all(v == [1, 0] for v in levels.values())
    assert told["by_hand"] == []
    assert "frames 20 to 39: hairline; the forehead shows" in capsys.readouterr().err


def test_frames_whose_hairline_is_not_sure_stay_calm_and_are_named(script, tmp_path, capsys):
    told, levels = made(script, project(tmp_path, wrinkled=range(20, 40), wavering=[30]))
    assert told["shots"][1]["chosen"] == "hairline"
    assert "000030_0" not in levels
    assert 0 < levels["000032_0"][0] < levels["000034_0"][0] < 1
    assert told["by_hand"][0]["face"] == "000030_0"
    assert "config/edits/masks/stunt/000030_0.png" in capsys.readouterr().err


def test_wrinkles_under_an_unsure_hairline_are_taken_out(script, tmp_path):
    told, levels = made(script, project(tmp_path, wrinkled=range(20, 40), wavering=range(20, 32)))
    assert told["shots"][1]["chosen"] == "smooth"
    assert all(levels[f"{k:06d}_0"] == [0, 1] for k in range(20, 40))


def test_a_forehead_of_another_tone(script, tmp_path):
    script[1].tone = SKIN - 12
    told, _ = made(script, project(tmp_path, wrinkled=()))
    assert {shot["chosen"] for shot in told["shots"]} == {"hairline"}
