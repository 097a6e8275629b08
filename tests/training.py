"""Small data for tests of training: people of one colour, with analytic landmarks."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import numpy as np
from analytic import face

from swapcore import align, config, masks, store
from swapcore.train import Faces, events, run
from swapcore.types import DatasetTable

SIZE, CENTRING, SPAN = 128, "legacy", 0.5
COLOURS = {"ann": (90, 120, 220), "bob": (200, 140, 70)}  # BGR


def make_faces(folder: Path, person: str, *, count: int = 20, seed: int = 0, centring: str = CENTRING) -> Faces:
    """A person's archive and dataset, written as their scripts write them."""
    rng, rows, pngs = np.random.default_rng([seed, count]), [], []
    for number in range(count):
        landmarks = face(centre_xy=rng.uniform(70, 90, 2), radius=rng.uniform(38, 46), roll=rng.uniform(-15, 15))
        frame = rng.integers(40, 80, (160, 160, 3)).astype(np.uint8)
        inside = masks.components(landmarks, size_hw=(160, 160))[..., None]
        frame = (frame * (1 - inside) + np.array(COLOURS[person]) * inside).astype(np.uint8)
        matrix = align.crop_matrix(landmarks, size=SIZE, span=SPAN, centring=centring)
        name = f"{number:06d}_0"
        row = store.FaceRow.of(
            **{"clip": person, "file": f"{person}.mp4", "sha256": "", "id": name, "frame": number, "track": 0},
            **{"box_xyxy": [0.0, 0.0, 1.0, 1.0], "landmarks_xy": landmarks.astype(float), "score": 1.0},
            **{"matrix": matrix.astype(float), "size": SIZE, "centring": centring, "span": SPAN, "quality": {}},
        )
        png = store.face_png(align.warp(frame, matrix, SIZE), row)
        pngs.append((name, png))
        rows.append((person, name, hashlib.sha256(png).hexdigest(), rng.uniform(-30, 30), 0.0))
    store.write_archive(folder / f"{person}.zip", pngs)
    columns = dict(zip(("clip", "id", "digest", "yaw", "pitch"), zip(*rows, strict=True), strict=True))
    table = DatasetTable(**{name: np.array(values) for name, values in columns.items()})
    digest = hashlib.sha256("".join(sorted(table.digest.tolist())).encode()).hexdigest()
    return Faces(person, table, {person: folder / f"{person}.zip"}, digest, SIZE, centring, SPAN)


def settings(**changed):
    """The section `train`: small, quick, of two phases, with lines and saves at every call; `changed` on top."""
    small = {
        "budget": {"steps": 12},
        "batch": 2,
        "schedule": [{"warp": "random", "until": {"share": 0.75}}, {"warp": "none", "rate": 1 / 6}],
        "precision": "float32",
        "progress_every": 1e-3,
        "checkpoint_every": 1e-3,
    }
    return config.parse("train", json.dumps({**small, **changed}))


def without_tensorflow_beside(monkeypatch):
    """What training asks of TensorFlow beside its model is not asked: one device, no table, no figures for TensorBoard."""
    monkeypatch.setattr(run, "_count", lambda *a, **k: 1)
    monkeypatch.setattr(run, "_table", lambda *a, **k: None)
    monkeypatch.setattr(events, "events", lambda *a, **k: contextlib.nullcontext(lambda step, figures: None))
