"""scripts/convert.py, with a model that paints."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import types
from argparse import Namespace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from converting import HEIGHT, SWAP, TRAINED, WIDTH, paint, scene, tables, texts

import swapcore
from swapcore import label, store, video
from swapcore.errors import SwapError
from swapcore.types import ClipInfo, FrameTable


@pytest.fixture
def script(root, monkeypatch):
    """scripts/convert.py as a module, with a model that paints faces green."""
    green = types.ModuleType("swapcore.models")
    green.predictor = lambda trained, weights, **_: paint((0, 1, 0))
    monkeypatch.setitem(sys.modules, "swapcore.models", green)
    monkeypatch.setattr(swapcore, "models", green, raising=False)
    monkeypatch.syspath_prepend(str(root / "scripts"))
    monkeypatch.delitem(sys.modules, "convert", raising=False)
    return importlib.import_module("convert")


@pytest.fixture
def given(tmp_path) -> Namespace:
    """A clip of six frames, faces in frames 0 and 4, and all else that the script is called with."""
    pictures = [scene(seed) for seed in range(6)]
    clip, rate = tmp_path / "stunt.mp4", Fraction(2)
    video.encode(clip, pictures, width=WIDTH, height=HEIGHT, rate=rate, crf=0, preset="ultrafast")
    n = len(pictures)
    info = ClipInfo("stunt", WIDTH, HEIGHT, Fraction(1, 2), rate)
    frames = FrameTable(
        number=np.arange(n),
        pts=np.arange(n),
        key=np.zeros(n),
        shot=np.zeros(n),
        duplicate=np.zeros(n),
        decoded=np.arange(n),
        damaged=np.zeros(n, bool),
        name=texts(*[""] * n),
    )
    faces, people, decisions = tables()
    meta = {"clip": info.to_json()}
    store.write_table(tmp_path / "frames.parquet", frames, {**meta, "start": None, "end": None})
    store.write_table(tmp_path / "faces.parquet", faces, {**meta, "size": 256})
    store.write_table(tmp_path / "people.parquet", people)
    store.write_table(tmp_path / "decisions.parquet", decisions[SWAP["name"]])
    (tmp_path / "weights.h5").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    shape = {"resolution": 64, "centring": "legacy", "span": 0.5, "coverage": 0.8, "weights": {"sha256": digest}}
    store.write_json(tmp_path / "trained.json", {**TRAINED, **shape})
    settings = {"colour": "none", "encoder": {"crf": 0, "preset": "ultrafast"}}
    return Namespace(
        settings=json.dumps(settings),
        label_settings="{}",
        video="scene1",
        path=clip,
        frames=tmp_path / "frames.parquet",
        faces=tmp_path / "faces.parquet",
        people=tmp_path / "people.parquet",
        swaps=json.dumps([SWAP]),
        trained=[tmp_path / "trained.json"],
        weights=[tmp_path / "weights.h5"],
        decisions=[tmp_path / "decisions.parquet"],
        masks=[],
        restorer=[],
        forehead=[],
        out=tmp_path / "made" / "composite.mkv",
    )


def test_script_makes_a_composite(script, given):
    script.main(given)
    frames, meta = store.read_table(given.frames, FrameTable)
    info = ClipInfo.from_json(meta["clip"])
    out = dict(video.decode(given.out, frames, info))
    clip = dict(video.decode(given.path, frames, info))
    assert len(out) == len(clip) == 6
    changed = {n: np.abs(out[n].astype(int) - clip[n]).max(2) > 24 for n in out}
    note = np.s_[HEIGHT - 36 :, :180]
    # the opening lasts 2 s of 2 frames a second: frames 0 to 3
    assert [n for n in out if changed[n][note].any()] == [0, 1, 2, 3]
    for n in out:
        changed[n][note] = False
    assert [n for n in out if changed[n].any()] == [0, 4]
    assert out[0][101, 61].tolist() == pytest.approx([0, 255, 0], abs=12)
    said = video.read_metadata(given.out)
    record = label.note_record(mode="opening", text="Synthetic: face swapped", seconds=2.0) | label.marks()
    assert {key: said[key.lower()] for key in record} == record
    assert [p.name for p in given.out.parent.iterdir()] == ["composite.mkv"]


def test_outside_of_face_and_note_nothing_was_lost_but_by_compression(script, given):
    """PSNR there is within 0.2 dB of encoding the untouched frames with the same settings."""
    encoder = {"crf": 23, "preset": "veryfast"}
    given.settings = json.dumps({"colour": "none", "encoder": encoder})
    script.main(given)
    frames, meta = store.read_table(given.frames, FrameTable)
    info, layout = ClipInfo.from_json(meta["clip"]), video.layout(given.path, name="x")
    source = dict(video.decode_pictures(given.path, frames, info, layout))
    plain = given.out.with_name("plain.mkv")
    video.encode_pictures(plain, source.values(), layout=layout, rate=info.rate, **encoder)
    away = np.ones((HEIGHT, WIDTH), bool)
    away[HEIGHT - 48 :], away[48:160, :200] = False, False

    def psnr(path):
        error = [
            np.square(one.planes[0][away].astype(float) - source[n].planes[0][away]).mean()
            for n, one in video.decode_pictures(path, frames, info, layout)
        ]
        return 10 * np.log10(255**2 / np.mean(error))

    assert psnr(given.out) > psnr(plain) - 0.2 and psnr(plain) < 60


def test_frames_with_nothing_to_do_reach_the_encoder_as_they_were_decoded(script, given, monkeypatch):
    """A lossless encoder: all planes of all frames are those of the source, but under the masks and the note."""
    given.label_settings = json.dumps({"note": "off", "note_reason": "a test of what is handed on"})
    script.main(given)
    frames, meta = store.read_table(given.frames, FrameTable)
    info, layout = ClipInfo.from_json(meta["clip"]), video.layout(given.path, name="x")
    source = dict(video.decode_pictures(given.path, frames, info, layout))
    made = dict(video.decode_pictures(given.out, frames, info, layout))
    assert video.layout(given.out, name="x") == layout
    for n in (1, 2, 3, 5):
        np.testing.assert_array_equal(made[n].data, source[n].data)
    for n in (0, 4):
        share = np.mean(made[n].data != source[n].data)
        assert 0 < share < 0.2
        np.testing.assert_array_equal(made[n].planes[0][200:], source[n].planes[0][200:])


def test_a_restorer_of_the_users_is_used(script, given, tmp_path):
    """One that leaves nothing of a green face but black."""
    from test_restore import net

    file = tmp_path / "restorer.onnx"
    file.write_bytes(net(("n", 3, 32, 32), gain=(0, 0, 1), offset=0.0))
    look = {"restorer_file": str(file), "restorer_size": 32, "restorer_range": "0..1", "restorer_strength": 1}
    given.settings = json.dumps(json.loads(given.settings) | look)
    given.restorer = [file]
    script.main(given)
    frames, meta = store.read_table(given.frames, FrameTable)
    out = dict(video.decode(given.out, frames, ClipInfo.from_json(meta["clip"])))
    assert out[0][101, 61].tolist() == pytest.approx([0, 0, 0], abs=12), "nothing of green is left"
    given.settings = json.dumps(json.loads(given.settings) | {"restorer_size": 64})
    with pytest.raises(SwapError, match=r"set convert\.restorer_size"):
        script.main(given)


def test_script_checks_before_it_loads_a_model(script, given, monkeypatch):
    monkeypatch.setattr(sys.modules["swapcore.models"], "predictor", lambda *_, **__: pytest.fail("a model was loaded"))
    Path(given.weights[0]).write_bytes(b"others")
    with pytest.raises(SwapError, match="swap lead_onto_double: expected weights of sha256"):
        script.main(given)
    assert not given.out.exists()


def test_script_leaves_nothing_half_made(script, given, monkeypatch):
    broken = lambda trained, weights, **_: lambda crops: crops * np.nan  # noqa: E731
    monkeypatch.setattr(sys.modules["swapcore.models"], "predictor", broken)
    with pytest.raises(SwapError, match="finite picture"):
        script.main(given)
    assert list(given.out.parent.iterdir()) == []
