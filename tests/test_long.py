"""Half an hour of film through Snakemake, in segments: no frame twice, none lost, tracks joined, sound untouched."""

from __future__ import annotations

import csv
import hashlib
from fractions import Fraction

import cv2
import h5py
import numpy as np
import onnx
import pytest
from media import ff
from onnx import TensorProto, helper
from project import packets, snakemake, write

from swapcore import store, studio, video
from swapcore.types import FaceSet, FrameTable

SIDE, RATE, COUNT = 160, 5, 9000  # half an hour
SEEN = [range(0, 60), range(2940, 3060), range(5940, 6060)]  # in which frames there is a face: also over both cuts
BITS, CELL = 14, 10  # each frame's number, written into its first rows
SWAP, VIDEO = "results/swaps/ann_onto_bob", "results/videos/ann_onto_bob_on_bob"
CONFIG = {
    "people": {"ann": {"consent": {"basis": "synthetic"}}, "bob": {"consent": {"basis": "synthetic"}}},
    "swaps": [{"name": "ann_onto_bob", "source": "ann", "target": "bob"}],
    "frames": {"shot_threshold": 255},  # one shot, so that tracks go over the cuts
    "faces": {"detect_size": 192, "crop_size": 128},
    "convert": {"mask": "extended", "relight": False, "finish": False, "encoder": {"preset": "ultrafast"}},
}
RULES = "frames faces faces_part faces_join references identify sort clean convert convert_part label"
GIVEN = ("--allowed-rules", *RULES.split(), "--")  # what training makes is there: a stand-in's


def numbered(frame_bgr, number):
    """A frame with its number in black and white."""
    out = frame_bgr.copy()
    for bit in range(BITS):
        out[:CELL, bit * CELL : (bit + 1) * CELL] = 255 * (number >> bit & 1)
    return out


def number_of(frame_bgr):
    """The number that was written into a frame."""
    cells = frame_bgr[2 : CELL - 2, : BITS * CELL].mean((0, 2)).reshape(BITS, CELL)[:, 2:-2].mean(1)
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


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The project with its video, and what Snakemake said."""
    folder = tmp_path_factory.mktemp("long")
    look = {"width": SIDE, "height": SIDE, "rate": Fraction(RATE), "crf": 20, "preset": "ultrafast"}
    video.encode(folder / "ann.mp4", played("ann", 10, [range(10)]), **look)
    video.encode(folder / "silent.mp4", played("bob", COUNT, SEEN), **look)
    noise = ["-f", "lavfi", "-i", f"aevalsrc=random(0)-0.5:d={COUNT // RATE}:s=8000"]
    ff("-i", folder / "silent.mp4", *noise, "-c:v", "copy", "-c:a", "aac", "-b:a", "16k", folder / "bob.mp4")
    write(folder, CONFIG, [(name, name, f"{name}.mp4") for name in ("ann", "bob")])
    negative(folder / SWAP)
    # one segment first, as if the run had been ended after it
    first = snakemake(folder, "results/clips/bob/parts/1.parquet", "--notemp")
    return folder, first.stderr, snakemake(folder, *GIVEN, f"{VIDEO}/video.mp4").stderr


def jobs(said):
    """Rule -> how many jobs Snakemake announced."""
    table = said[said.index("Job stats:") :].split("\n\n")[0].splitlines()[3:]
    return {line.split()[0]: int(line.split()[1]) for line in table}


def test_each_segment_is_a_job_and_a_finished_one_is_not_done_again(made):
    _, first, said = made
    assert jobs(first) == {"frames": 1, "faces_part": 1, "total": 2}
    found = jobs(said)
    assert (found["faces_part"], found["faces_join"], found["convert_part"], found["faces"]) == (2, 1, 3, 1)
    assert "convert" not in found and found["label"] == 1


def test_times_and_sound_are_the_clips(made):
    folder, *_ = made
    clip, out = folder / "bob.mp4", folder / VIDEO / "video.mp4"
    assert [pts for pts, _ in packets(clip, "video")] == [pts for pts, _ in packets(out, "video")]
    assert packets(out, "audio") == packets(clip, "audio") != []


def test_every_frame_is_there_once_in_its_place_and_faces_are_swapped(made):
    folder, *_ = made
    frames, info = video.listed(folder / VIDEO / "video.mp4", name="x")
    seen = {n for part in SEEN for n in part}
    before = video.decode(folder / "bob.mp4", frames, info)
    for n, frame in video.decode(folder / VIDEO / "video.mp4", frames, info):
        assert number_of(frame) == n
        _, clip = next(before)
        changed = np.abs(frame[CELL:120].astype(int) - clip[CELL:120]).mean() > 5
        assert changed == (n in seen), n
    assert n == COUNT - 1


def test_a_face_over_a_cut_is_one_track(made):
    folder, *_ = made
    frames, _ = store.read_table(folder / "results/clips/bob/frames.parquet", FrameTable)
    cuts = [span.first for span in video.segments.spans(frames, 3)]
    assert cuts == [0, 3000, 6000] and frames.key[cuts].all()
    faces, _ = store.read_table(folder / "results/clips/bob/faces.parquet", FaceSet)
    assert faces.frame.tolist() == [n for part in SEEN for n in part]
    assert faces.track.tolist() == [k for k, part in enumerate(SEEN) for _ in part]
    with store.FaceArchive(folder / "results/clips/bob/faces.zip", clip="bob") as archive:
        assert archive.ids() == faces.id.tolist()
        rows = [archive.row(name) for name in faces.id]
    assert [(row.frame, row.track) for row in rows] == list(zip(faces.frame, faces.track, strict=True))


def test_landmarks_do_not_jump_at_a_cut(made):
    folder, *_ = made
    faces, _ = store.read_table(folder / "results/clips/bob/faces.parquet", FaceSet)
    step = np.linalg.norm(np.diff(faces.landmarks_smooth_xy, axis=0), axis=-1).mean(1)
    together = np.diff(faces.track) == 0
    at = np.isin(faces.frame[1:], [3000, 6000])
    assert at.sum() == 2 and step[at].max() <= step[together & ~at].max()


def test_nothing_is_left_to_do_and_no_part_is_left(made):
    folder, *_ = made
    assert "Nothing to be done" in snakemake(folder, "--dry-run", *GIVEN, f"{VIDEO}/video.mp4").stdout
    assert not [path for path in folder.rglob("results/**/parts/*") if path.is_file()]


def test_each_jobs_memory_is_written_down(made):
    folder, *_ = made
    for path in [*folder.glob("results/benchmarks/*_part/*/*.tsv"), *folder.glob("results/benchmarks/f*/bob.tsv")]:
        (row,) = csv.DictReader(path.read_text().splitlines(), delimiter="\t")
        print(path.relative_to(folder), row["max_rss"], "MiB,", row["cpu_time"], "s of processor")
        assert path.stat().st_size
