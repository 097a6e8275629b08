"""Half an hour of film through Snakemake, in segments, and as a whole: the same faces, the same frames, sound untouched."""

from __future__ import annotations

import csv
import hashlib
import importlib
import json
import os
import subprocess
import sys
from argparse import Namespace
from fractions import Fraction

import cv2
import h5py
import numpy as np
import onnx
import pytest
from media import ff
from onnx import TensorProto, helper
from project import packets, snakemake, write

from swapcore import config, store, studio, video
from swapcore.types import DecisionTable, FaceSet, FrameTable, PeopleTable

SIDE, RATE, COUNT = 160, 5, 9000  # half an hour
SEEN = [range(0, 60), range(2957, 3060), range(5943, 6050)]  # in which frames there is a face: also over both cuts
BITS, CELL = 14, 10  # each frame's number, written into its first rows
SWAP, CLIP, VIDEO = "results/swaps/ann_onto_bob", "results/clips/bob", "results/videos/ann_onto_bob_on_bob"
CONFIG = {
    "people": {"ann": {"consent": {"basis": "synthetic"}}, "bob": {"consent": {"basis": "synthetic"}}},
    "swaps": [{"name": "ann_onto_bob", "source": "ann", "target": "bob"}],
    "frames": {"shot_threshold": 255},  # one shot, so that tracks go over the cuts
    "faces": {"detect_size": 192, "crop_size": 128, "every": 24},
    # without loss, so that frames can be compared
    "convert": {"mask": "extended", "relight": False, "finish": False, "encoder": {"crf": 0, "preset": "ultrafast"}},
}
CLIPS = [(name, name, f"{name}.mp4") for name in ("ann", "bob")]


def numbered(frame_bgr, number):
    """A frame with its number in black and white."""
    out = frame_bgr.copy()
    for bit in range(BITS):
        out[:CELL, bit * CELL : (bit + 1) * CELL] = 255 * (number >> bit & 1)
    return out


def number_of(luma):
    """The number that was written into a frame."""
    cells = luma[2 : CELL - 2, : BITS * CELL].mean(0).reshape(BITS, CELL)[:, 2:-2].mean(1)
    return sum(1 << bit for bit in np.flatnonzero(cells > 128).tolist())


def played(actor, count, seen):
    """Frames of an actor who moves a little, where there is one; else of what is behind."""
    shown, _ = studio.render(studio.actor_named(actor), studio.Frame(yaw=5, pitch=1, background=1), size=SIDE)
    wall = np.full_like(shown, 90)
    for n in range(count):
        frame = wall
        if any(n in part for part in seen):
            move = np.float32([[1, 0, 6 * np.sin(n / 7)], [0, 1, 6 + 3 * np.sin(n / 11)]])
            frame = cv2.warpAffine(shown, move, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
        yield numbered(frame, n)


def negative(path):
    """A stand-in for what training makes: a network that turns colours around, and what trained.json says of it."""
    shape = ["n", 32, 32, 3]
    one = onnx.numpy_helper.from_array(np.ones(1, np.float32), "one")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("faces", "swapped")]
    graph = helper.make_graph(
        [helper.make_node("Sub", ["one", "faces"], ["swapped"])], "net", *([v] for v in values), [one]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.mkdir(parents=True)
    with h5py.File(path / "weights.h5", "w") as file:
        file.create_dataset("graph", data=np.frombuffer(model.SerializeToString(), np.uint8))
    digest = hashlib.sha256((path / "weights.h5").read_bytes()).hexdigest()
    look = {"resolution": 32, "centring": "legacy", "span": 0.5, "coverage": 0.8, "model": "small", "steps": 1}
    about = {"swap": "ann_onto_bob", "source": "ann", "target": "bob", "weights": {"sha256": digest}}
    store.write_json(path / "trained.json", look | about)


def decided(folder):
    """Stand-ins for what identify and clean say: all faces are bob's and are swapped."""
    faces, _ = store.read_table(folder / CLIP / "faces.parquet", FaceSet)
    names, none = np.full(len(faces), "bob", object), np.zeros(len(faces))
    people = {"id": faces.id, "frame": faces.frame, "track": faces.track, "person": names, "nearest": names}
    people |= {"distance": none, "margin": none, "by": np.full(len(faces), "vote", object)}
    store.write_table(folder / CLIP / "people.parquet", PeopleTable(**people))
    swapped = {"clip": names, "id": faces.id, "use_train": none, "use_swap": none + 1, "reason": names}
    store.write_table(folder / "results/people/bob/decisions.parquet", DecisionTable(**swapped))
    store.write_table(folder / "results/people/ann/decisions.parquet", DecisionTable.empty())


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The project with its video, and what Snakemake said."""
    folder = tmp_path_factory.mktemp("long")
    look = {"width": SIDE, "height": SIDE, "rate": Fraction(RATE), "crf": 20, "preset": "ultrafast"}
    video.encode(folder / "ann.mp4", played("ann", 10, [range(10)]), **look)
    video.encode(folder / "silent.mp4", played("bob", COUNT, SEEN), **look)
    noise = ["-f", "lavfi", "-i", f"aevalsrc=random(0)-0.5:d={COUNT // RATE}:s=8000"]
    ff("-i", folder / "silent.mp4", *noise, "-c:v", "copy", "-c:a", "aac", "-b:a", "16k", folder / "bob.mp4")
    write(folder, CONFIG, CLIPS)
    negative(folder / SWAP)
    found = snakemake(folder, f"{CLIP}/faces.parquet").stderr
    decided(folder)
    rules = ("frames", "convert_part", "label")  # what others make is there: stand-ins
    return folder, found, snakemake(folder, "--allowed-rules", *rules, "--", f"{VIDEO}/video.mp4").stderr


@pytest.fixture(scope="module")
def settings():
    """A section's settings, as scripts get them."""
    project = config.load(CONFIG, "\n".join("\t".join(row) for row in [("name", "person", "path"), *CLIPS]))
    return lambda section, **whose: project.settings(section, **whose)


@pytest.fixture(scope="module")
def whole(made, root, settings):
    """The table and the archive of the faces that one job finds in the whole clip."""
    folder, *_ = made
    given = {"settings": settings("faces"), "clip": "bob", "path": "bob.mp4", "frames": f"{CLIP}/frames.parquet"}
    given |= {"faces": "whole.parquet", "archive": "whole.zip"}
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    command = [sys.executable, root / "scripts/faces.py", *words]
    subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(root)}, check=True, capture_output=True)
    return store.read_table(folder / "whole.parquet", FaceSet)[0], store.FaceArchive(folder / "whole.zip", clip="bob")


def jobs(said):
    """Rule -> how many jobs Snakemake announced."""
    table = said[said.index("Job stats:") :].split("\n\n")[0].splitlines()[3:]
    return {line.split()[0]: int(line.split()[1]) for line in table}


def test_each_segment_is_a_job(made):
    _, found, said = made
    assert jobs(found) == {"frames": 1, "faces_part": 3, "faces_join": 1, "total": 5}
    assert jobs(said) == {"frames": 1, "convert_part": 3, "label": 1, "total": 5}, "frames of ann's clip"


def test_times_and_sound_are_the_clips(made):
    folder, *_ = made
    clip, out = folder / "bob.mp4", folder / VIDEO / "video.mp4"
    assert [pts for pts, _ in packets(clip, "video")] == [pts for pts, _ in packets(out, "video")]
    assert packets(out, "audio") == packets(clip, "audio") != []


def test_faces_are_those_that_one_job_finds(made, whole):
    folder, *_ = made
    frames, _ = store.read_table(folder / CLIP / "frames.parquet", FrameTable)
    cuts = [span.first for span in video.segments.spans(frames, 3)]
    assert cuts == [0, 3000, 6000] and frames.key[cuts].all()
    faces, _ = store.read_table(folder / CLIP / "faces.parquet", FaceSet)
    assert faces.frame.tolist() == [n for part in SEEN for n in part]
    assert faces.track.tolist() == [k for k, part in enumerate(SEEN) for _ in part], "one track over each cut"
    table, pictures = whole
    for name, column in table.columns().items():
        np.testing.assert_array_equal(getattr(faces, name), column, err_msg=name)
    with store.FaceArchive(folder / CLIP / "faces.zip", clip="bob") as archive:
        assert archive.ids() == faces.id.tolist()
        assert all(archive.png(name) == pictures.png(name) for name in faces.id)


def test_frames_are_those_that_one_job_converts(made, root, settings, monkeypatch):
    """Each once, in its place, sample by sample."""
    folder, *_ = made
    monkeypatch.syspath_prepend(str(root / "scripts"))
    swap = {"name": "ann_onto_bob", "source": "ann", "target": "bob"}
    tables = {name: folder / CLIP / f"{name}.parquet" for name in ("frames", "faces", "people")}
    of_swap = {"trained": [folder / SWAP / "trained.json"], "weights": [folder / SWAP / "weights.h5"]}
    of_swap |= {"swaps": json.dumps([swap]), "decisions": [folder / "results/people/bob/decisions.parquet"]}
    look = {name: settings(name, video="ann_onto_bob_on_bob") for name in ("convert", "label")}
    args = Namespace(
        **{"settings": look["convert"], "label_settings": look["label"], "path": folder / "bob.mp4"},
        **tables | of_swap | {"restorer": [], "masks": [], "forehead": []},
    )
    job = importlib.import_module("conversion").opened(args)
    out = folder / VIDEO / "video.mp4"
    found = video.decode_pictures(out, video.made(job.frames), job.info, video.layout(out, name="x"))
    seen = {n for part in SEEN for n in part}
    for (number, picture), frame in zip(found, job.converted(), strict=True):
        assert number == frame.number == number_of(picture.planes[0])
        assert np.array_equal(picture.data, frame.after.data), number
        changed = np.abs(picture.planes[0][CELL:120].astype(int) - frame.before.planes[0][CELL:120]).mean() > 2
        assert changed == (number in seen), number
    assert number == COUNT - 1


def test_no_part_is_left_and_each_jobs_memory_is_written_down(made):
    folder, *_ = made
    assert not [path for path in folder.rglob("results/**/parts/*") if path.is_file()]
    found = [*folder.glob("results/benchmarks/*_part/*/*.tsv"), *folder.glob("results/benchmarks/f*/bob.tsv")]
    assert len(found) == 8
    for path in found:
        (row,) = csv.DictReader(path.read_text().splitlines(), delimiter="\t")
        print(path.relative_to(folder), row["max_rss"], "MiB,", row["cpu_time"], "s of processor")
        assert float(row["max_rss"]) > 0
