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
STAGES = (
    "studio",
    "frames",
    "faces",
    "references",
    "known",
    "identify",
    "groups",
    "parse",
    "sort",
    "clean",
    "dataset",
    "advise",
)
STAGES += ("train", "forehead", "convert", "label", "verify", "measure", "report")
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT")
WAIT = 900.0  # seconds until something that must happen is given up
TRAIN = {"budget": {"steps": 60}, "resolution": 32, "batch": 4, "deterministic": True}
TRAIN |= {"checkpoint_every": 1, "progress_every": 0.001}
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
    lost: float  # seconds of training since the last saved state, up to where the next one began to be written
    slack: float  # the longest time between two lines of the training: it cannot be known better
    took: float  # seconds until the job had ended


def project(folder: Path, **changed: Any) -> None:
    """Write the project; `changed` sections of its configuration on top."""
    write(folder, {**CONFIG, **changed}, [(name, name, f"results/studio/{name}.mp4") for name in ("ann", "bob")])


def start(folder: Path, *arguments: str, profile: str = "default") -> Run:
    """Start Snakemake, as a user does: with a profile of ours, with the default one on two cores."""
    profile = str(ROOT / "workflow/profiles" / profile)
    environment = {**os.environ, "SNAKEMAKE_PROFILE": profile, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--cores", "2"] if Path(profile).name == "default" else []
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


def hit(
    run: Run,
    stage: str,
    number: int,
    *,
    cpu: float,
    whole: bool,
    first: str | None = None,
    says: str | None = None,
) -> Hit:
    """Send a signal to a stage's job, or to Snakemake (`whole`), when the job has taken so much processor time; wait until
    that job has ended. first: a glob of a file, in the project, that must stand before. says: a pattern that must stand in
    training's log before.
    """
    until, seen, gaps, before, saving = time.monotonic() + WAIT, None, [0.0], (0.0, 0), None
    log = run.folder / "results/logs/train/ann_onto_bob.log"
    while run.process.poll() is None and time.monotonic() < until:
        found = [job for job in jobs(run.folder) if job.stage == stage and (seen is None or job.pid == seen)]
        if seen and not found:
            break  # it ended before
        if stage == "train" and log.exists() and (size := log.stat().st_size) != before[1]:
            if before[1] and "step " in log.read_text():
                gaps.append(time.monotonic() - before[0])
            before = time.monotonic(), size
        if stage == "train":
            under_way = any(run.folder.glob("state/swaps/*/*/.0*"))
            saving = (saving or time.monotonic()) if under_way else None
        if found:
            seen = found[0].pid
            ready = first is None or any(run.folder.glob(first))
            ready = ready and (says is None or (log.exists() and re.search(says, log.read_text())))
            if found[0].cpu >= cpu and ready:
                lost = _since_saved(run.folder) if stage == "train" else 0.0
                lost = max(lost - (time.monotonic() - saving), 0.0) if saving else lost
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
    steps = log.exists() and re.search(r"step \d+/", log.read_text())  # not the line that a phase begins at step 0
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


def same_video(folder: Path, whole: Path) -> None:
    """Assert that a project has the weights and the video of another, signed and labelled, and nothing half-written."""
    assert weights(folder) == weights(whole), "training is deterministic: to the last bit"
    assert pictures(folder) == pictures(whole)
    assert json.loads((folder / VIDEO / "verified.json").read_text())["holds"] is True
    assert leftovers(folder) == []


def copied(template: Path, folder: Path, without: str | None = None) -> Path:
    """The template elsewhere, without what a stage made."""
    shutil.copytree(template, folder, symlinks=True)
    for log in folder.glob("snakemake-*.log"):
        log.unlink()
    if without:
        remove(folder, without)
    return folder


OUTPUTS = {
    "studio": ["results/studio/bob.mp4"],
    "frames": ["results/clips/bob/frames.parquet"],
    "faces": ["results/clips/bob/faces.*"],
    "references": ["results/people/bob/references.parquet"],
    "known": ["results/known.parquet"],
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


def same(folder: Path, template: Path, stage: str) -> bool:
    """Whether what a stage made is what it made in the template: byte by byte, but for what holds a time or a signature."""
    if stage == "train":
        return weights(folder) == weights(template)
    if stage in ("convert", "label"):
        return pictures(folder) == pictures(template)
    if stage in ("verify", "report"):  # they look into the signed file
        return all(path.is_file() for path in [folder / p.relative_to(template) for p in outputs(template, stage)])
    made = [(folder / path.relative_to(template), path) for path in outputs(template, stage)]
    return all(ours.is_file() and ours.read_bytes() == theirs.read_bytes() for ours, theirs in made)


def remove(folder: Path, stage: str) -> None:
    """Take away what a stage made; of training also its state."""
    if stage == "train":
        shutil.rmtree(folder / "state/swaps", ignore_errors=True)
    for path in outputs(folder, stage):
        path.unlink()


def fault(folder: Path, template: Path, stage: str, name: str, *, whole: bool, cpu: float) -> dict[str, Any]:
    """One fault in a finished project, and the run after it: a row of the table."""
    remove(folder, stage)
    run = start(folder, "--until", stage)
    met = hit(run, stage, getattr(signal, name), cpu=cpu, whole=whole)
    finish(run, check=False)
    if not met.cpu:
        outcome = "ended before it"
    elif not run.process.returncode:
        outcome = "the job ended well"
    else:
        outcome = "stopped"
    asked = unlock(folder)
    resume(folder, "--until", "label" if stage == "convert" else stage)
    fine = same(folder, template, stage) and not leftovers(folder)
    lost = met.lost if stage == "train" else met.cpu
    saved = stage == "train" and name != "SIGKILL" and not whole
    row = {
        "stage": stage,
        "signal": name,
        "to": "Snakemake" if whole else "job",
        "at": round(met.cpu, 1),
        "outcome": outcome,
    }
    row |= {"unlock": asked, "same": fine, "took": round(met.took, 1)}
    return row | {"lost": 0.0 if outcome != "stopped" or saved else round(lost, 1)}


def full_disk(folder: Path, template: Path, stages: Sequence[str]) -> list[dict[str, Any]]:
    """Every stage with no room for its results; to be called in a name space of one's own, where a disk can be mounted."""
    project(folder)
    disk = folder / "disk"
    disk.mkdir()
    room = sum(p.stat().st_size for name in ("results", "state") for p in (template / name).rglob("*") if p.is_file())
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room + (64 << 20)}", "tmpfs", disk], check=True)
    for name in ("results", "state"):
        shutil.copytree(template / name, disk / name)
        (folder / name).symlink_to(disk / name)
    shutil.copytree(template / ".snakemake", folder / ".snakemake")
    rows = []
    for stage in stages:
        remove(folder, stage)
        with open(disk / "fill", "wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue
        run = start(folder, "--until", stage)
        said = finish(run, check=False)
        lines = [line.strip() for line in said.splitlines() if re.match(rf"\s*{stage}: .*No space left", line)]
        left = (
            leftovers(folder) + [str(p) for p in outputs(folder, stage)] if run.process.returncode else ["it went on"]
        )
        (disk / "fill").unlink()
        resume(folder, "--until", "label" if stage == "convert" else stage)
        rows.append(
            {
                "stage": stage,
                "line": lines[0] if lines else said[-1500:],
                "left": left,
                "same": same(folder, template, stage),
            }
        )
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    head = ("stage", "fault", "to", "after, CPU s", "outcome", "next run", "lost, s")
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        then = ("after --unlock: " if row["unlock"] else "") + (
            "the same result" if row["same"] else "**ANOTHER RESULT**"
        )
        cells = (row["stage"], row["signal"], row["to"], row["at"], row["outcome"], then, row["lost"])
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    """Go through signals, stages and moments, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every stage, signal and moment")
    parser.add_argument("--stages", nargs="+", default=STAGES, choices=STAGES)
    parser.add_argument("--signals", nargs="+", default=SIGNALS, choices=SIGNALS)
    parser.add_argument(
        "--moments", nargs="+", type=float, default=(0.1, 0.5, 0.9), help="shares of the job's processor time"
    )
    parser.add_argument("--to", nargs="+", default=("job", "snakemake"), choices=("job", "snakemake"))
    parser.add_argument("--template", type=Path, help="a project that was made by an earlier run, with cpu.json in it")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder")
    parser.add_argument("--full-disk", type=Path, metavar="TEMPLATE", help="in a name space: stages with no room")
    args = parser.parse_args()
    if args.full_disk:
        print(json.dumps(full_disk(args.folder, args.full_disk, args.stages)))
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as temporary:
        place = Path(temporary).resolve()
        template = args.template.resolve() if args.template else place / "template"
        if not args.template:
            project(template)
            (template / "cpu.json").write_text(json.dumps(undisturbed(template)))
        cpu = json.loads((template / "cpu.json").read_text())
        folder, rows, bad = copied(template, place / "project"), [], 0
        for stage in (s for s in STAGES if s in args.stages):
            for name, to, share in [(s, t, m) for s in args.signals for t in args.to for m in args.moments]:
                row = fault(folder, template, stage, name, whole=to == "snakemake", cpu=share * cpu[stage])
                rows.append(row)
                print(json.dumps(row), file=sys.stderr, flush=True)
            resume(folder)
            if pictures(folder) != pictures(template):
                bad += 1
                print(f"{stage}: another video", file=sys.stderr)
        print(table(rows))
    sys.exit(bool(bad or any(not row["same"] for row in rows)))


if __name__ == "__main__":
    main()
