"""Odd real files through frames, convert and label, with a model that paints; one that cannot be read stops nobody else."""

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
from converting import SWAP, TRAINED, paint, texts
from media import SOUND, erase, ff, packets, picture, shown
from project import snakemake, write

import swapcore
from swapcore import store, video
from swapcore.types import ClipInfo, DecisionTable, FaceSet, FrameTable, PeopleTable

NOTE = 60  # rows at the bottom that the note may cover
ODD = {  # file -> frames, upright size, what its first times are in seconds
    "odd_vfr.mp4": (64, (480, 480), [Fraction(k, 30) for k in (0, 1, 3, 6, 7, 8, 9, 12)]),
    "odd_2997.mp4": (120, (480, 480), [Fraction(1001 * k, 30000) for k in range(8)]),
    "odd_rotated.mp4": (92, (480, 480), [Fraction(k, 30) for k in range(8)]),
    "odd_hdr10.mp4": (60, (480, 480), [Fraction(k, 30) for k in range(8)]),
}


@pytest.fixture
def scripts(root, monkeypatch):
    """scripts/frames.py, convert.py and label.py as modules, with a model that paints faces green."""
    green = types.ModuleType("swapcore.models")
    green.predictor = lambda trained, weights, **_: paint((0, 1, 0))
    monkeypatch.setitem(sys.modules, "swapcore.models", green)
    monkeypatch.setattr(swapcore, "models", green, raising=False)
    monkeypatch.syspath_prepend(str(root / "scripts"))
    return [importlib.import_module(name) for name in ("frames", "convert", "label")]


def faces_of(folder, frames, info):
    """Write tables with one face, in the middle of every tenth frame."""
    rows = frames.number[::10]
    n = len(rows)
    ids = texts(*[f"{k:06d}_0" for k in rows])
    marks = np.stack([face((info.width / 2, info.height / 2))] * n)
    columns = {name: np.zeros((n, *value.shape[1:])) for name, value in FaceSet.empty().columns().items()}
    faces = FaceSet(**{**columns, "id": ids, "frame": rows, "landmarks_xy": marks, "landmarks_smooth_xy": marks})
    who, zeros = texts(*["double"] * n), np.zeros(n)
    same = {"id": ids, "frame": rows, "track": zeros, "distance": zeros, "margin": zeros}
    people = PeopleTable(**same, person=who, nearest=who, by=texts(*["vote"] * n))
    clip, why = texts(*[info.name] * n), texts(*["good"] * n)
    decisions = DecisionTable(clip=clip, id=ids, use_train=zeros, use_swap=np.ones(n), reason=why)
    for name, table in (("faces", faces), ("people", people), ("decisions", decisions)):
        store.write_table(folder / f"{name}.parquet", table, {"clip": info.to_json(), "size": 256})


def line(scripts, clip, folder):
    """The clip's finished video, its frame table and info."""
    frames_script, convert_script, label_script = scripts
    span = json.dumps({"start": None, "end": None, "rate": ""})
    table = folder / "frames.parquet"
    frames_script.main(Namespace(settings="{}", clip="stunt", path=clip, range=span, out=table))
    frames, meta = store.read_table(table, FrameTable)
    info = ClipInfo.from_json(meta["clip"])
    faces_of(folder, frames, info)
    (folder / "weights.h5").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    shape = {"resolution": 64, "centring": "legacy", "span": 0.5, "coverage": 0.8, "weights": {"sha256": digest}}
    store.write_json(folder / "trained.json", {**TRAINED, "model": "small", "steps": 1, **shape})
    common = {"video": "scene1", "path": clip, "frames": table, "swaps": json.dumps([SWAP])}
    common |= {"trained": [folder / "trained.json"]}
    composite = folder / "composite.mkv"
    convert_script.main(
        Namespace(
            **common,
            settings=json.dumps({"colour": "none", "encoder": {"preset": "ultrafast"}}),
            label_settings="{}",
            faces=folder / "faces.parquet",
            people=folder / "people.parquet",
            weights=[folder / "weights.h5"],
            decisions=[folder / "decisions.parquet"],
            masks=[],
            restorer=[],
            forehead=[],
            out=composite,
        )
    )
    consents = {name: {"basis": "synthetic"} for name in ("lead", "double")}
    label_script.main(
        Namespace(
            **common,
            settings="{}",
            composite=[composite],
            consents=json.dumps(consents),
            config="{}",
            inputs=[table],
            state=folder / "state",
            out=folder / "video.mp4",
            provenance=folder / "provenance.json",
        )
    )
    return folder / "video.mp4", frames, info


def check(made, clip, frames, info):
    """The video has the clip's times, sound and pictures, but for the faces."""
    assert shown(made) == shown(clip)
    assert [[d for _, d in s] for s in packets(made, "audio")] == [[d for _, d in s] for s in packets(clip, "audio")]
    wanted = set(frames.number[[0, 5, 10, len(frames) - 1]].tolist())
    before = dict(video.decode(clip, frames, info, wanted=wanted))
    after = dict(video.decode(made, video.made(frames), info, wanted=wanted))
    assert set(before) == set(after) == wanted
    for number in wanted:
        off = np.abs(before[number].astype(int) - after[number])
        assert off[: info.height // 4].mean() < 4, "above the face the picture is the source's"
        middle = after[number][info.height // 2 + 8, info.width // 2].astype(int)
        green = middle[1] > 200 and middle[[0, 2]].max() < 90
        assert green == (number % 10 == 0), "the face was painted where one is, upright, and nowhere else"


@pytest.mark.parametrize("name", ODD)
def test_odd_files_come_out_right(footage, scripts, tmp_path, name):
    made, frames, info = line(scripts, footage / name, tmp_path)
    count, size, seconds = ODD[name]
    assert len(frames) == count and (info.width, info.height) == size
    assert [int(t) * info.time_base for t in frames.pts[:8]] == seconds
    check(made, footage / name, frames, info)
    assert json.loads((tmp_path / "provenance.json").read_text())["clip"]["damage"]["damaged"] == 0
    before, after = (video.layout(path, name="x") for path in (footage / name, made))
    assert (after.pix_fmt, after.transfer, after.width) == (before.pix_fmt, before.transfer, before.width)
    assert name != "odd_hdr10.mp4" or (after.pix_fmt, after.transfer) == ("yuv420p10le", 16)


def test_a_real_file_with_damage_in_the_middle_keeps_every_frame(footage, scripts, tmp_path, capsys):
    clip = tmp_path / "clip.mp4"
    erase(footage / "odd_2997.mp4", clip, [31, 32, 33])
    made, frames, _ = line(scripts, clip, tmp_path)
    assert shown(made) == shown(footage / "odd_2997.mp4") and len(shown(made)[0]) == 120
    lost = int((frames.decoded < 0).sum())
    told = json.loads((tmp_path / "provenance.json").read_text())["clip"]["damage"]
    assert lost >= 3 and told["without_picture"] == lost and told["damaged"] == frames.damaged.sum()
    assert capsys.readouterr().err.count(f"{lost} without a picture") == 2, "frames and label say so"


def test_sound_that_no_mp4_holds_is_said_at_once(scripts, tmp_path, capsys):
    clip, span = tmp_path / "old.wmv", json.dumps({"start": None, "end": None, "rate": ""})
    ff(*picture(), *SOUND, "-c:v", "wmv2", "-c:a", "wmav2", clip)
    scripts[0].main(Namespace(settings="{}", clip="stunt", path=clip, range=span, out=tmp_path / "frames.parquet"))
    assert "no MP4 can hold track 1 (audio wmav2) of old.wmv" in capsys.readouterr().err


def test_a_truncated_file_stops_its_own_job_alone(footage, tmp_path, root):
    consent = {"basis": "written", "by": "the footage's licence", "date": "2024-07-01", "scope": "tests of this tool"}
    people = {"b": {"references": [str(footage / "photos_b")], "consent": consent}}
    names = ("truncated", "2997", "vfr")
    write(tmp_path, {"people": people, "swaps": []}, [(f"odd_{n}", "b", footage / f"odd_{n}.mp4") for n in names])
    tables = [f"results/clips/odd_{n}/frames.parquet" for n in names]
    done = snakemake(tmp_path, *tables, "--profile", str(root / "workflow/profiles/default"), check=False)
    assert done.returncode != 0
    assert [(tmp_path / table).exists() for table in tables] == [False, True, True]
    said = (tmp_path / "results/logs/frames/odd_truncated.log").read_text().splitlines()
    assert len(said) == 1 and "odd_truncated.mp4" in said[0] and "cut-off" in said[0] and "copy it again" in said[0]
