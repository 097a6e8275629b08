"""Faults: a project of seconds whose jobs, or whose Snakemake, are ended at chosen moments. Also a program, see faults.sh.

Moments are counted in the processor time of the job that is hit, so that they are the same on a slow or loaded machine.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from project import ROOT, packets, write

SWAP, VIDEO = "results/swaps/ann_onto_bob", "results/videos/ann_onto_bob_on_bob"
# in an order in which each can be reached before the next one is
STAGES = ("studio", "frames", "faces", "references", "identify", "groups", "parse", "sort", "clean", "dataset", "advise")
STAGES += ("train", "forehead", "convert", "label", "verify", "measure", "report")
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT")
WAIT = 900.0  # seconds until something that must happen is given up
TRAIN = {"budget": {"steps": 40}, "batch": 4, "deterministic": True, "checkpoint_every": 1, "progress_every": 0.001}
CONFIG = {
    "people": {name: {"consent": {"basis": "synthetic"}} for name in ("ann", "bob")},
    "swaps": [{"name": "ann_onto_bob", "source": "ann", "target": "bob"}],
    "train": TRAIN,
    "convert": {"encoder": {"preset": "ultrafast"}},
    "measure": {"frames": 4},
    "studio": {
        "size": 256,
        "clips": {
            "ann": {"actor": "ann", "performance": 77, "seconds": 1.6},
            "bob": {"actor": "bob", "performance": 8, "seconds": 1.6},
        },
    },
}


class Job(NamedTuple):
    """A stage's process, and the processor time that it and its children have taken, seconds."""

    pid: int
    stage: str
    cpu: float


class Run(NamedTuple):
    """A Snakemake under way."""

    process: subprocess.Popen
    folder: Path
    log: Path


class Hit(NamedTuple):
    """What a fault met."""

    stage: str
    cpu: float  # seconds that the job had taken; 0 where it ended before it could be hit
    job: int  # its pid
    lost: float  # seconds of training since the last saved state
    slack: float  # the longest time between two lines of the training: it cannot be known better
    took: float  # seconds until the job had ended


def project(folder: Path, **changed: Any) -> None:
    """Write the project; `changed` sections of its configuration on top."""
    write(folder, {**CONFIG, **changed}, [(name, name, f"results/studio/{name}.mp4") for name in ("ann", "bob")])


def start(folder: Path, *arguments: str) -> Run:
    """Start Snakemake, as a user does: with the default profile, on two cores."""
    profile = str(ROOT / "workflow/profiles/default")
    environment = {**os.environ, "SNAKEMAKE_PROFILE": profile, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(folder), "--cores", "2"]
    log = folder / f"snakemake-{len(list(folder.glob('snakemake-*.log'))):03d}.log"
    with open(log, "w") as file:
        process = subprocess.Popen(
            [*command, *arguments], env=environment, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    return Run(process, folder, log)


def finish(run: Run, *, check: bool = True) -> str:
    """Wait for its end; what it said."""
    run.process.wait(WAIT)
    said = run.log.read_text()
    assert not check or run.process.returncode == 0, said[-6000:]
    return said


def resume(folder: Path, *arguments: str) -> str:
    """Plain Snakemake, after `--unlock` where it asks for that; what it said."""
    run = start(folder, *arguments)
    said = finish(run, check=False)
    if "--unlock" in said and run.process.returncode:
        finish(start(folder, "--unlock"))
        run = start(folder, *arguments)
        said = finish(run, check=False)
    assert run.process.returncode == 0, said[-6000:]
    return said


def unlock(folder: Path) -> bool:
    """Unlock a folder whose Snakemake was killed; whether that was asked for."""
    if not (asked := any((folder / ".snakemake/locks").glob("*"))):
        return False
    finish(start(folder, "--unlock"))
    return asked


def jobs(folder: Path) -> list[Job]:
    """The stages' processes that work in a project."""
    found, parents, spent, stages = [], {}, {}, {}
    tick = os.sysconf("SC_CLK_TCK")
    for path in Path("/proc").glob("[0-9]*"):
        try:
            stat = (path / "stat").read_text().rpartition(")")[2].split()
            if stat[0] in "ZX":
                continue
            pid, parents[int(path.name)] = int(path.name), int(stat[1])
            spent[pid] = sum(map(int, stat[11:15])) / tick
            words = (path / "cmdline").read_bytes().decode(errors="replace").split("\0")
            name = next((Path(w).stem for w in words[:3] if w.startswith(f"{ROOT}/scripts/")), None)
            if name and os.readlink(path / "cwd") == str(folder):
                stages[pid] = name
        except (OSError, ValueError):
            continue
    for pid, name in stages.items():
        if parents.get(pid) in stages:  # a process of a job's own
            continue
        family = [other for other in spent if pid in _line(other, parents)]
        found.append(Job(pid, name, sum(spent[other] for other in family)))
    return found


def _line(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid:
        yield pid
        pid = parents.get(pid, 0)


def undisturbed(folder: Path) -> dict[str, float]:
    """Make the project; the processor time of each stage's job, seconds, the least of its jobs."""
    run, most = start(folder), {}
    while run.process.poll() is None:
        for job in jobs(folder):
            most[job.pid] = job
        time.sleep(0.05)
    finish(run)
    return {stage: min(j.cpu for j in most.values() if j.stage == stage) for stage in {j.stage for j in most.values()}}


def hit(run: Run, stage: str, number: int, *, cpu: float, whole: bool, first: str | None = None) -> Hit:
    """Send a signal to a stage's job, or to Snakemake (`whole`), when the job has taken so much processor time; wait until
    that job has ended. first: a glob of a file, in the project, that must stand before.
    """
    until, seen, gaps, before = time.monotonic() + WAIT, None, [0.0], (0.0, 0)
    log = run.folder / "results/logs/train/ann_onto_bob.log"
    while run.process.poll() is None and time.monotonic() < until:
        found = [job for job in jobs(run.folder) if job.stage == stage and (seen is None or job.pid == seen)]
        if seen and not found:
            break  # it ended before
        if stage == "train" and log.exists() and (size := log.stat().st_size) != before[1]:
            if before[1] and "step " in log.read_text():
                gaps.append(time.monotonic() - before[0])
            before = time.monotonic(), size
        if found:
            seen = found[0].pid
            if found[0].cpu >= cpu and (first is None or any(run.folder.glob(first))):
                lost = _since_saved(run.folder) if stage == "train" else 0.0
                _send(run.process.pid if whole else seen, number)
                return Hit(stage, found[0].cpu, seen, lost, max(gaps), _gone(run.folder, seen))
        time.sleep(0.02)
    return Hit(stage, 0.0, seen or 0, 0.0, 0.0, 0.0)


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:  # it ended in this moment
        return


def _gone(folder: Path, pid: int) -> float:
    begun = time.monotonic()
    while any(job.pid == pid for job in jobs(folder)):
        assert time.monotonic() - begun < WAIT, f"process {pid} goes on"
        time.sleep(0.02)
    return time.monotonic() - begun


def _since_saved(folder: Path) -> float:
    """Seconds since the newest state, or since the first step where there is none."""
    saved = [p.stat().st_mtime for p in folder.glob("state/swaps/*/*/[0-9]*.json")]
    log = folder / "results/logs/train/ann_onto_bob.log"
    if saved:
        return time.time() - max(saved)
    steps = log.exists() and "step " in log.read_text()
    return log.stat().st_mtime - (folder / "results/logs/train").stat().st_mtime if steps else 0.0


def finished(folder: Path) -> collections.Counter:
    """How often a job was finished, by its rule, in all runs of a project; the targets themselves are left out."""
    counted = collections.Counter()
    for log in folder.glob("snakemake-*.log"):
        counted.update(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", log.read_text()))
    return collections.Counter({rule: n for rule, n in counted.items() if rule not in ("all", "default")})


def leftovers(folder: Path) -> list[str]:
    """Files in results that are nobody's: what was written halfway."""
    return [str(p) for p in (folder / "results").rglob(".*") if p.name != ".snakemake_timestamp"]


def pictures(folder: Path) -> str:
    """A digest of the video's frames and sound. (Its bytes hold when it was signed.)"""
    import av

    digest = hashlib.sha256()
    with av.open(str(folder / VIDEO / "video.mp4")) as container:
        for frame in container.decode(container.streams.video[0]):
            digest.update(f"{frame.pts} {frame.format.name} {frame.width}x{frame.height}".encode())
            digest.update(frame.to_ndarray().tobytes())
    for pts, payload in packets(folder / VIDEO / "video.mp4", "audio"):
        digest.update(str(pts).encode() + payload)
    return digest.hexdigest()


def weights(folder: Path) -> str:
    """The digest of the trained weights."""
    return json.loads((folder / SWAP / "trained.json").read_text())["weights"]["sha256"]


def copied(template: Path, folder: Path, without: str | None = None) -> Path:
    """The template elsewhere; of it, what a stage made is not there: it runs again with all that follows from what it makes."""
    shutil.copytree(template, folder, symlinks=True)
    for log in folder.glob("snakemake-*.log"):
        log.unlink()
    if without == "train":
        shutil.rmtree(folder / "state/swaps")
    for path in outputs(folder, without) if without else ():
        path.unlink(missing_ok=True)
    return folder


OUTPUTS = {
    "studio": ["results/studio/bob.mp4"],
    "frames": ["results/clips/bob/frames.parquet"],
    "faces": ["results/clips/bob/faces.*"],
    "references": ["results/people/bob/references.parquet"],
    "identify": ["results/clips/bob/people.parquet"],
    "groups": ["results/clips/bob/groups.*"],
    "parse": ["results/clips/bob/masks.zip"],
    "sort": [f"results/people/bob/{name}" for name in ("scores.parquet", "sheet.jpg", "lines.yaml")],
    "clean": [f"results/people/bob/{name}" for name in ("decisions.parquet", "dropped.*", "faces.html")],
    "dataset": [f"results/people/bob/{name}" for name in ("dataset.*", "coverage.png")],
    "advise": [f"{SWAP}/advice.*"],
    "train": [f"{SWAP}/{name}" for name in ("trained.json", "weights.h5", "loss.png", "quality.png", "preview.jpg")],
    "forehead": [f"{VIDEO}/forehead*"],
    "convert": [f"{VIDEO}/{name}" for name in ("video.mp4", "provenance.json")],
    "label": [f"{VIDEO}/{name}" for name in ("video.mp4", "provenance.json")],
    "verify": [f"{VIDEO}/verified.json"],
    "measure": [f"{VIDEO}/measures.json"],
    "report": [f"{VIDEO}/{name}" for name in ("strip.jpg", "measures.html")],
}


def outputs(folder: Path, stage: str) -> list[Path]:
    """The files of a stage in a finished project, of the clip that is changed."""
    return [path for pattern in OUTPUTS[stage] for path in folder.glob(pattern)]
