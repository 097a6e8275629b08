"""Figures for TensorBoard: TensorFlow's own reader finds them as they were given."""

from __future__ import annotations

import numpy as np
import pytest
from test_train_run import sums, trained  # noqa: F401  (a fixture)
from training import make_faces

from swapcore.models import tensorflow
from swapcore.models.backend import event_files
from swapcore.train import events

EVENTS = events.events


def read(folder):
    """Of each file, in their order: (step, tag -> value) of every event of figures, and the steps at which runs began."""
    event_pb2, *_ = event_files()
    found = []
    for path in sorted(folder.iterdir(), key=lambda path: int(path.suffix[1:])):
        assert "tfevents" in path.name, "else TensorBoard does not look at it"
        records = [event_pb2.Event.FromString(r.numpy()) for r in tensorflow().data.TFRecordDataset(str(path))]
        assert records[0].file_version == "brain.Event:2" and all(r.wall_time > 1.6e9 for r in records)
        assert records[1].session_log.status == event_pb2.SessionLog.START
        figures = [(r.step, {v.tag: v.simple_value for v in r.summary.value}) for r in records[2:]]
        found.append((records[1].step, figures))
    return found


def test_figures_are_read_as_they_were_written(tmp_path):
    folder = tmp_path / "tensorboard"
    with EVENTS(folder, step=7, what="train s") as write:
        write(8, {"loss/source": 0.25, "loss/target": np.float32(0.5), "quality/score": None})
        assert read(folder) == [(7, [(8, {"loss/source": 0.25, "loss/target": 0.5})])], "at once"
        write(9, {"loss/source": float("nan")})
    with EVENTS(folder, step=8, what="train s") as write:
        write(10, {"loss/source": 1.0})
    (begun, first), second = read(folder)
    assert begun == 7 and first[1][0] == 9 and np.isnan(first[1][1]["loss/source"])
    assert second == (8, [(10, {"loss/source": 1.0})]), "a run's file is its own"


def test_numbers_alone_are_figures():
    row = {"score": 0.5, "faces": 24, "fooled": True, "warp": "random", "eyes": None}
    assert events.tagged("quality", row) == {"quality/score": 0.5, "quality/faces": 24, "quality/fooled": True}


def test_a_full_disk_is_a_line_and_no_end(tmp_path, monkeypatch, capfd):
    event_pb2, open_file, failed = event_files()
    monkeypatch.setattr(events, "event_files", lambda: (event_pb2, lambda path: open_file("/dev/full"), failed))
    with EVENTS(tmp_path / "tensorboard", step=0, what="train s") as write:
        write(1, {"loss/source": 1.0})
        write(2, {"loss/source": 1.0})
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("train s: ") and "No space left on device" in line and "training goes on" in line


@pytest.mark.usefixtures("sums")
def test_a_training_writes_its_figures(tmp_path, monkeypatch):
    people = make_faces(tmp_path, "ann"), make_faces(tmp_path, "bob", seed=1)
    monkeypatch.setattr(events, "events", EVENTS)
    trained(tmp_path, people, watch_every=1e-3, learning_rate=0.0625)
    trained(tmp_path, people, watch_every=1e-3, learning_rate=0.0625, budget={"steps": 20})
    (begun, first), (resumed, second) = read(tmp_path / "state/swaps/ann_onto_bob/ann.bob.small-32/tensorboard")
    assert (begun, resumed) == (0, 12)
    told = [(step, row) for step, row in first + second if "loss/source" in row]
    assert told[-1][0] == 20 and [step for step, _ in told] == sorted({step for step, _ in told})
    for step, row in told:
        assert row["loss/source"] == pytest.approx(0.2) and row["loss/target"] == pytest.approx(0.1)
        assert row["training/batch"] == 2 and row["training/images_per_second"] > 0
        length = 12 if step <= 12 else 20
        assert row["training/phase"] == (1 if step <= 0.75 * length else 2)
        assert row["training/learning_rate"] == pytest.approx(0.0625 / (1 if row["training/phase"] == 1 else 6))
    watched = [row for _, row in first if "time/arithmetic" in row]
    assert watched and all(0 <= row["time/faces"] <= 1 and "machine/memory_free" in row for row in watched)


def test_a_place_that_cannot_be_written_is_a_line_and_no_end(tmp_path, capfd):
    (tmp_path / "file").write_text("no folder")
    with EVENTS(tmp_path / "file" / "tensorboard", step=0, what="train x") as write:
        write(1, {"loss": 0.5})
        write(2, {"loss": 0.4})
    assert capfd.readouterr().err.count("training goes on without figures for TensorBoard") == 1
