"""A small project with a composite that the script of the stage `label` makes a video from."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction

import cv2
import numpy as np

from swapcore import label, store, video
from swapcore.types import ClipInfo, FrameTable

TEXT = "Synthetic: face swapped"


def scene(width, height, seed=0):
    """A picture with patches of all brightnesses."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)


def made_project(folder, root):
    """A clip of 3 s with sound, its frame table made by the script, and a trained.json."""
    silent = folder / "silent.mp4"
    shown = (np.roll(scene(160, 120), 2 * k, axis=1) for k in range(75))
    video.encode(silent, shown, width=160, height=120, rate=Fraction(25), crf=20, preset="ultrafast")
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * 44100).astype(np.float32)
    video.add_sound(folder / "clip.mp4", video=silent, samples=samples, sample_rate=44100)
    store.write_json(folder / "trained.json", {"swap": "s", "model": "small", "steps": 1, "weights": {"sha256": "dd"}})
    made = script(
        root,
        "frames",
        *("--settings", "{}", "--clip", "stunt", "--path", folder / "clip.mp4"),
        *("--range", '{"start": 0.4, "end": null, "rate": null}', "--out", folder / "frames.parquet"),
    )
    assert made.returncode == 0, made.stderr
    assert "frames/s" in made.stderr
    return folder


def script(root, name, *words):
    command = [sys.executable, str(root / f"scripts/{name}.py"), *map(str, words)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, env=environment(root))


def environment(root):
    return {**os.environ, "PYTHONPATH": str(root)}


def composite(project, *, drawn, record):
    """A composite: `drawn` says which of its frames get the note, `record` what its metadata claim."""
    frames, meta = store.read_table(project / "frames.parquet", FrameTable)
    info = ClipInfo.from_json(meta["clip"])
    source = video.decode(project / "clip.mp4", frames, info)
    pictures = (label.note(f, TEXT) if drawn(k) else f for k, (_, f) in enumerate(source))
    out = project / "composite.mkv"
    size = {"width": info.width, "height": info.height}
    video.encode(out, pictures, **size, rate=info.rate, crf=23, preset="ultrafast", metadata=record)
    return out


def labelled(root, project, given='{"producer": "Film Ltd"}'):
    return script(
        root,
        "label",
        *("--settings", given, "--video", "scene1", "--path", project / "clip.mp4"),
        *("--frames", project / "frames.parquet", "--composite", project / "composite.mkv"),
        *("--swaps", '[{"name": "s", "source": "ann", "target": "bob"}]', "--trained", project / "trained.json"),
        *("--consents", '{"ann": {"basis": "synthetic"}, "bob": {"basis": "synthetic"}}', "--config", '{"a": 1}'),
        *("--inputs", project / "frames.parquet", "--state", project / "state", "--out", project / "video.mp4"),
        *("--provenance", project / "provenance.json"),
    )


OPENING = {"mode": "opening", "text": TEXT, "seconds": 2.0}
