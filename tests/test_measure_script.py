"""The scripts of the stages measure and report, on a video whose difference from its clip is known."""

from __future__ import annotations

import importlib
import json
import sys
from argparse import Namespace
from fractions import Fraction

import numpy as np
import pytest
from measuring import REALS, REFERENCES, clip_faces, look, noise, unit
from training import make_faces

from swapcore import label, measure, store, video
from swapcore.errors import SwapError
from swapcore.types import ClipInfo, DecisionTable, FrameTable, KnownTable


@pytest.fixture
def made(tmp_path) -> Namespace:
    """A clip of five frames with two faces in each, a video that darkens everything by 10 levels, and the note in it."""
    height, width, rate = 220, 240, Fraction(1)
    pictures = [noise(n, (height, width, 3), blur=6, spread=18) for n in range(5)]
    text = {"mode": "opening", "text": "Synthetic: face swapped", "seconds": 2.0}
    results = [
        label.note(p - np.uint8(10), text["text"]) if n < 2 else p - np.uint8(10) for n, p in enumerate(pictures)
    ]
    shape = {"width": width, "height": height, "rate": rate, "crf": 0, "preset": "ultrafast"}
    video.encode(tmp_path / "clip.mp4", pictures, **shape)
    video.encode(tmp_path / "video.mp4", results, metadata=label.note_record(**text), **shape)
    faces, people = clip_faces([(n, t, p, (70 + 100 * t, 90)) for n in range(1, 5) for t, p in enumerate("ab")])
    info, flat = ClipInfo("clip", width, height, Fraction(1), rate), np.zeros(5)
    numbers = np.arange(5)
    names = np.array([""] * 5, object)
    same = {"key": flat, "shot": flat, "duplicate": flat, "damaged": flat}
    frames = FrameTable(number=numbers, pts=numbers, decoded=numbers, name=names, **same)
    meta = {"clip": info.to_json(), "start": None, "end": None}
    use = np.ones(len(faces), bool)
    for name in "ab":
        mine = people.person == name
        decided = DecisionTable(
            clip=np.array(["clip"] * mine.sum(), object),
            id=faces.id[mine],
            use_train=use[mine],
            use_swap=use[mine],
            reason=np.array(["good"] * mine.sum(), object),
        )
        store.write_table(tmp_path / f"decisions_{name}.parquet", decided)
    for name, table in (("frames", frames), ("faces", faces), ("people", people)):
        store.write_table(tmp_path / f"{name}.parquet", table, meta)
    known = {name: unit(2 * k, 2 * k + 1) for k, name in enumerate("xayb")}
    store.write_table(tmp_path / "known.parquet", KnownTable.of(known))
    shape = {"resolution": 64, "centring": "legacy", "span": 0.5, "coverage": 0.8}
    for name in ("one", "two"):
        store.write_json(tmp_path / f"trained_{name}.json", shape)
    for name in ("ann", "bob"):  # whose frames the second judge sees, whatever the sources are called
        store.write_table(tmp_path / f"dataset_{name}.parquet", make_faces(tmp_path, name, count=3).table)
    swaps = [{"name": "one", "source": "x", "target": "a"}, {"name": "two", "source": "y", "target": "b"}]
    return Namespace(
        settings="{}",
        convert_settings="{}",
        trained=[tmp_path / f"trained_{name}.json" for name in ("one", "two")],
        truth="{}",
        video_file=tmp_path / "video.mp4",
        path=tmp_path / "clip.mp4",
        frames=tmp_path / "frames.parquet",
        faces=tmp_path / "faces.parquet",
        people=tmp_path / "people.parquet",
        swaps=json.dumps(swaps),
        decisions=[tmp_path / f"decisions_{name}.parquet" for name in "ab"],
        masks=[],
        forehead=[],
        known=tmp_path / "known.parquet",
        datasets=[tmp_path / f"dataset_{name}.parquet" for name in ("ann", "bob")],
        clips=["ann", "bob"],
        archives=[tmp_path / f"{name}.zip" for name in ("ann", "bob")],
        video="scene",
        measures=tmp_path / "measures.json",
        page=tmp_path / "out" / "measures.html",
        out=tmp_path / "out" / "measures.json",
    )


@pytest.fixture
def scripts(root, monkeypatch):
    """Imports a script by its name."""
    monkeypatch.syspath_prepend(str(root / "scripts"))

    def load(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    return load


def test_measure_script(scripts, made, monkeypatch):
    script = scripts("measure")
    # nobody is in these pictures; embeddings that say which reference is whose
    monkeypatch.setattr(script.nets, "identity_session", lambda threads: None)
    monkeypatch.setattr(script.embedding, "embed", lambda frame, landmarks, session: unit(0))
    script.main(made)
    found = store.read_json(made.out)
    # all is 10 levels darker, so the error is known where neither face nor note is looked at
    assert found["outside_psnr"]["value"] == pytest.approx(20 * np.log10(255 / 10), abs=0.3)
    assert found["sharpness_ratio"]["value"] == pytest.approx(1, abs=0.03)
    assert found["flicker_ratio"]["value"] == pytest.approx(1, abs=0.03)
    near, far = np.sqrt(2) / 2, np.sqrt(2)  # e0 to its own references and to others
    assert found["identity_distance"]["swaps"] == pytest.approx({"one": near, "two": far}, abs=1e-3)
    assert found["identity_distance"]["baseline"] == found["identity_distance"]["value"]  # the same embeddings
    # e0 is x's; nobody of the four, and none of the strangers, who lie about 1 from it, is nearer
    assert found["identity_margin"]["swaps"] == pytest.approx({"one": far - near, "two": 0}, abs=1e-3)
    second = found["second_distance"]  # darker alike: the same to the second judge
    assert second["value"] == pytest.approx(second["baseline"], abs=0.02) and second["source_real"] < second["value"]
    assert found["identity_rank"]["swaps"]["one"] == 1 < found["identity_rank"]["swaps"]["two"]
    assert {(w["frame"], w["swap"]) for w in found["worst"]} == {(n, s) for n in (1, 2, 3, 4) for s in ("one", "two")}
    # all is darker alike: no step at the mask's edge
    assert found["seam"]["value"] < 0.3 and found["mask_iou"]["value"] is not None
    assert found["truth_psnr"]["value"] is None


def test_report_script(scripts, made):
    made.settings = json.dumps({"strip": 3})
    store.write_json(
        made.measures,
        measure.summarise([measure.evaluate(look(frame=3, swap="two"))], reals=REALS, references=REFERENCES),
    )
    made.out = made.out.with_name("strip.jpg")
    scripts("report").main(made)
    assert "face lies 1.80 from the source" in made.page.read_text()
    strip = store.read_picture(made.out)
    assert strip.shape[1] > 2 * strip.shape[0] * 240 / 220 * 0.5
    upper, lower = np.array_split(strip[26:], 2)
    right = np.s_[20:200, -200:-20]
    assert upper[right].mean() - lower[right].mean() == pytest.approx(10, abs=1.5)


@pytest.mark.parametrize("name", ["measure", "report"])
def test_scripts_name_a_clip_without_swapped_faces(scripts, made, name):
    made.swaps = json.dumps(
        [{"name": "one", "source": "x", "target": "z"}, {"name": "two", "source": "y", "target": "w"}]
    )
    with pytest.raises(SwapError, match="clip clip: swap one expects faces of z to change"):
        scripts(name).main(made)
