"""The project that benchmarks/quality.py drives: its folder, the real workflow in it, and the baselines' videos."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import conversion  # noqa: E402 (a script's)
from studio import ENCODER, SAMPLE_RATE  # noqa: E402 (the stage's script)

from swapcore import align, progress, store, studio, video  # noqa: E402
from swapcore.errors import SwapError  # noqa: E402
from swapcore.types import ClipInfo, FaceSet, FrameTable  # noqa: E402

PERFORMANCES = {"source": 77, "target": 8}  # what the actors do; those of the demo
PHOTOS = {"performance": 901, "seconds": 12, "rate": 1}  # twelve moments of another performance: the held-out photos
GRAIN = 2.0  # grey levels
AVERAGED = 200  # frames of the source at most that its average face is of
MASK = {"min": ["extended", "parser"]}


class Pair(NamedTuple):
    """Two people, and the clips that they are in."""

    source: str
    target: str
    clips: dict[str, str]  # person -> path of the clip, seen from the project
    config: dict[str, Any]  # people, and the studio where they are actors
    seconds: float


class Cost(NamedTuple):
    """What a run of the workflow took, with all its processes."""

    wall_s: float
    cpu_s: float


def actors(folder: Path, source: str, target: str, *, seconds: float, size: int, rate: int) -> Pair:
    """A pair of the studio's actors, each known by held-out photos that are drawn here."""
    people, played, clips = {}, {}, {}
    for role, actor in (("source", source), ("target", target)):
        name = actor.replace(":", "")
        photos = folder / "photos" / name
        if not photos.is_dir():
            with store.atomic_folder(photos) as made:
                for n, (picture_bgr, _) in enumerate(studio.clip(actor, **PHOTOS, size=size, grain=GRAIN)):
                    store.write_picture(made / f"{n:02d}.png", picture_bgr)
        people[name] = {"consent": {"basis": "synthetic"}, "references": [f"photos/{name}"]}
        played[name] = {"actor": actor, "performance": PERFORMANCES[role], "seconds": seconds}
        clips[name] = f"results/studio/{name}.mp4"
    config = {"people": people, "studio": {"size": size, "rate": rate, "grain": GRAIN, "clips": played}}
    return Pair(source.replace(":", ""), target.replace(":", ""), clips, config, seconds)


def filmed(footage: Path, source: str, target: str, *, seconds: float, consent: Mapping[str, str]) -> Pair:
    """Two real people: clip_NAME.mp4 and, where there are any, their photos in photos_NAME."""
    people, clips = {}, {}
    for name in (source, target):
        clip, photos = footage / f"clip_{name}.mp4", footage / f"photos_{name}"
        if not clip.is_file():
            raise SwapError(f"{clip}: expected a clip of {name}, found none; name others by --source and --target")
        people[name] = {"consent": dict(consent), "references": [str(photos)] if photos.is_dir() else []}
        clips[name] = str(clip)
    return Pair(source, target, clips, {"people": people}, seconds)


def write(
    folder: Path, pair: Pair, *, swaps: Mapping[str, Mapping[str, Any]], videos: Sequence[str], frames: int
) -> None:
    """config.yaml (JSON is YAML) and clips.tsv. swaps: name -> its own section train; videos beyond one of each swap."""
    first = next(iter(swaps))
    named = [
        {"name": name, "source": pair.source, "target": pair.target, "train": dict(t)} for name, t in swaps.items()
    ]
    shown = [
        {"name": name, "clip": pair.target, "swaps": [name if name in swaps else first]} for name in [*swaps, *videos]
    ]
    config = {
        "clips": "config/clips.tsv",
        **pair.config,
        "swaps": named,
        "videos": shown,
        "measure": {"frames": frames},
        "convert": {"mask": MASK},  # one for all, so that the baselines' videos differ by the faces alone
    }
    end = "" if "studio" in pair.config else f"\t{pair.seconds:g}"
    rows = ["name\tperson\tpath" + ("\tend" if end else "")]
    rows += [f"{name}\t{name}\t{path}{end}" for name, path in pair.clips.items()]
    (folder / "config").mkdir(parents=True, exist_ok=True)
    store.write_bytes(folder / "config/config.yaml", json.dumps(config, indent=1).encode())
    store.write_bytes(folder / "config/clips.tsv", ("\n".join(rows) + "\n").encode())


def snakemake(folder: Path, *arguments: str, cores: int) -> Cost:
    """Run the workflow; lines that say how long it takes go on to stderr. Raises SwapError with a stage's own line."""
    environment = {k: v for k, v in os.environ.items() if k != "SNAKEMAKE_PROFILE"}
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--cores", str(cores), "--rerun-incomplete", *arguments]
    begin, before, said = time.perf_counter(), os.times(), []
    with open(folder / "snakemake.log", "a") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.PIPE, text=True)
        try:
            for line in process.stderr:
                log.write(line)
                said.append(line.rstrip())
                if line.rstrip().endswith(" left"):
                    progress.say(f"  {line.rstrip()}")
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()
    if process.returncode:
        own = [line for line in said if re.match(r"[a-z_]+: \S", line)]
        raise SwapError(f"{own[-1] if own else 'snakemake failed'}; all of it is in {folder / 'snakemake.log'}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(round(time.perf_counter() - begin, 1), round(cpu, 1))


def conversion_of(folder: Path, pair: Pair, swap: str, name: str) -> conversion.Conversion:
    """The conversion of the target's clip, as the stage opens it."""
    return conversion.opened(given(folder, pair, swap, name))


def given(folder: Path, pair: Pair, swap: str, name: str) -> argparse.Namespace:
    """What the stage would be given to convert the target's clip, all of conversion.OPTIONS."""
    results = folder / "results"
    return argparse.Namespace(
        settings=json.dumps({"mask": MASK}),
        label_settings="{}",
        video=name,
        path=folder / pair.clips[pair.target],
        **{table: results / f"clips/{pair.target}/{table}.parquet" for table in ("frames", "faces", "people")},
        swaps=json.dumps([{"name": swap, "source": pair.source, "target": pair.target}]),
        trained=[results / f"swaps/{swap}/trained.json"],
        weights=[results / f"swaps/{swap}/weights.h5"],
        decisions=[results / f"people/{pair.target}/decisions.parquet"],
        restorer=[],
        masks=[results / f"clips/{pair.target}/masks.zip"],
        forehead=[],
    )


def unchanged(folder: Path, pair: Pair, job: conversion.Conversion) -> Iterator[video.Picture]:
    """The target's frames as they are."""
    return (frame.after for frame in job._replace(chosen={}).converted(predict={}))


def average(folder: Path, pair: Pair, job: conversion.Conversion) -> Iterator[video.Picture]:
    """Every face replaced by the source's average face, under the masks and with the colours of a swap."""
    swap, constant = next(iter(job.trained)), average_face(folder, pair, job)
    predict = {swap: lambda faces: np.repeat(constant[None], len(faces), 0)}
    return (frame.after for frame in job.converted(predict=predict))


def average_face(folder: Path, pair: Pair, job: conversion.Conversion) -> np.ndarray:
    """The mean of the source's aligned faces, cut out as the model sees them: float32 (r, r, 3) BGR 0..1."""
    trained = next(iter(job.trained.values()))
    tables = folder / f"results/clips/{pair.source}"
    frames, meta = store.read_table(tables / "frames.parquet", FrameTable)
    faces, _ = store.read_table(tables / "faces.parquet", FaceSet)
    rows = np.unique(np.linspace(0, len(faces) - 1, AVERAGED).round().astype(int))
    at = {int(faces.frame[row]): row for row in rows}
    look = {
        "size": trained["resolution"],
        "span": trained["span"] / trained["coverage"],
        "centring": trained["centring"],
    }
    path, info = folder / pair.clips[pair.source], ClipInfo.from_json(meta["clip"])
    crops = [
        align.warp(frame_bgr, align.crop_matrix(faces.landmarks_smooth_xy[at[number]], **look), look["size"])
        for number, frame_bgr in video.decode(path, frames, info, wanted=set(at))
    ]
    return np.mean(crops, axis=0, dtype=np.float32) / 255


def truth(folder: Path, pair: Pair, job: conversion.Conversion) -> Iterator[video.Picture]:
    """The true swap, filmed as the clip was: rendered, encoded like a studio's clip, decoded again."""
    look, played = pair.config["studio"], pair.config["studio"]["clips"]
    part, clip = played[pair.target], folder / "truth.mp4"
    if not clip.is_file():
        wanted = range(round(part["seconds"] * look["rate"]))
        shown = studio.true_swap(
            played[pair.source]["actor"],
            part["actor"],
            performance=part["performance"],
            seconds=part["seconds"],
            **{key: look[key] for key in ("size", "rate", "grain")},
            numbers=wanted,
        )
        frames = progress.track((frame_bgr for _, frame_bgr, _ in shown), len(wanted), "  the true swap")
        _film(clip, frames, size=look["size"], rate=look["rate"], part=part)
    job = job._replace(chosen={}, args=argparse.Namespace(**{**vars(job.args), "path": clip}))
    return (frame.after for frame in job.converted(predict={}))


def _film(out: Path, frames: Iterable[np.ndarray], *, size: int, rate: int, part: Mapping[str, Any]) -> None:
    """As the stage studio does."""
    samples = studio.voice(studio.Performance(part["performance"]), seconds=part["seconds"], sample_rate=SAMPLE_RATE)
    with store.atomic(out) as made, tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        silent = Path(scratch) / "picture.mp4"
        video.encode(silent, frames, width=size, height=size, rate=Fraction(rate), **ENCODER)
        video.add_sound(made, video=silent, samples=samples, sample_rate=SAMPLE_RATE)


BASELINES = {"unchanged": unchanged, "average": average, "truth": truth}  # name -> frames of its video


def strip(folder: Path, pair: Pair, videos: Mapping[str, Path], *, rows: int = 4, side: int = 240) -> np.ndarray:
    """Some frames of all videos side by side, cut to the face: (h, w, 3) uint8 BGR. videos: heading -> file."""
    tables = folder / f"results/clips/{pair.target}"
    frames, meta = store.read_table(tables / "frames.parquet", FrameTable)
    faces, _ = store.read_table(tables / "faces.parquet", FaceSet)
    info = ClipInfo.from_json(meta["clip"])
    kept = np.unique(np.linspace(0.1 * len(faces), 0.9 * (len(faces) - 1), rows).round().astype(int))
    at = {int(np.flatnonzero(frames.number == faces.frame[row])[0]): row for row in kept}
    columns = []
    for heading, path in videos.items():
        band = np.full((30, side, 3), 32, np.uint8)
        cv2.putText(band, heading, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
        tiles = [band]
        for number, frame_bgr in video.decode(path, video.made(frames), info, wanted=set(at)):
            matrix = align.crop_matrix(faces.landmarks_smooth_xy[at[number]], size=side, span=0.45)
            middle = matrix[:, :2].T @ ((side - 1) / 2 - matrix[:, 2]) / align.scale(matrix) ** 2
            scale = align.scale(matrix)  # and no turn: as it was filmed
            still = np.column_stack([np.eye(2) * scale, (side - 1) / 2 - scale * middle])
            tiles.append(align.warp(frame_bgr, still, side))
        columns.append(np.vstack(tiles))
    return np.hstack(columns)
