"""How long Snakemake plans a large project: 1,000 clips of 100 people, 50 swaps, 500 videos.

    ./run python benchmarks/plan.py [--clips 1000] [--people 100] [--swaps 50] [--touch] [--floor] [--profile FILE]

Prints one JSON line: seconds and the largest resident memory of a dry run of the whole project (`first`), with --touch also of
a run that finds nothing to do (`nothing`), the number of jobs, and `check`, the seconds of these that reading and checking the
configuration takes by itself. With --floor also of the least workflow that has the same jobs with the same files (`floor`): no
params, no logs, no benchmarks, no environments. The project is the real workflow on files that hold a word each; with --touch
Snakemake is told that everything is made (--touch on empty outputs, some minutes), which is not measured. --profile writes what
cProfile saw of the first dry run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = ["-m", "snakemake", "--cores", "1", "--quiet", "rules"]


class Job(NamedTuple):
    """A job as a dry run names it."""

    rule: str
    inputs: list[str]
    outputs: list[str]
    value: str  # of its wildcard; "" where it has none


def main() -> None:
    """Make the project, plan it and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1000, help="how many")
    parser.add_argument("--people", type=int, default=100, help="how many; each clip has one of them")
    parser.add_argument("--swaps", type=int, default=50, help="how many, at most half as many as people")
    parser.add_argument("--touch", action="store_true", help="also plan a project of which everything is made")
    parser.add_argument(
        "--floor", action="store_true", help="also plan the least workflow with the same jobs and files"
    )
    parser.add_argument("--profile", type=Path, help="where to write what cProfile saw")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, clips=args.clips, people=args.people, swaps=args.swaps)
        watch = ["-m", "cProfile", "-o", str(args.profile.absolute())] if args.profile else []
        first = planned(folder, watch=watch)
        line = {
            "clips": args.clips,
            "people": args.people,
            "swaps": args.swaps,
            "first": first,
            "check": checked(folder),
        }
        if args.touch:
            touched(folder)
            line["nothing"] = planned(folder)
        if args.floor:
            with tempfile.TemporaryDirectory() as other:
                least(Path(other), jobs_of(folder, "--forceall"))
                line["floor"] = planned(Path(other))
        print(json.dumps(line))


def write(folder: Path, *, clips: int, people: int, swaps: int) -> None:
    """A project of so many clips and people; swaps are of neighbours, so each target has clips / people videos."""
    for name in ("Snakefile", "environment.yml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("workflow", "swapcore", "scripts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    names = [f"p{k:03d}" for k in range(people)]
    for name in names:
        put(folder / f"photos/{name}/1.jpg")
    rows = []
    for k in range(clips):
        put(folder / f"film/c{k:04d}.mp4")
        rows.append(f"c{k:04d}\t{names[k % people]}\tfilm/c{k:04d}.mp4")
    config = {
        "people": {name: {"references": [f"photos/{name}"], "consent": {"basis": "synthetic"}} for name in names},
        "swaps": [
            {"name": f"{a}_onto_{b}", "source": a, "target": b}
            for a, b in zip(names[0 : 2 * swaps : 2], names[1 : 2 * swaps : 2], strict=True)
        ],
    }
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    (folder / "config/clips.tsv").write_text("\n".join(["name\tperson\tpath", *rows]) + "\n")


LEAST = """
rule {rule}:
    input: lambda wildcards: INPUTS["{rule}"].get(getattr(wildcards, "x", ""), [])
    output: {outputs}
    shell: "true"
"""


def least(folder: Path, jobs: list[Job]) -> None:
    """A workflow of the same jobs with the same files: a rule's one wildcard is x, its inputs are looked up."""
    rules, inputs = {}, {}
    for job in jobs:
        inputs.setdefault(job.rule, {})[job.value] = job.inputs
        parts = [
            [re.sub(f"^{job.value}$", "{x}", part) if job.value else part for part in p.split("/")] for p in job.outputs
        ]
        rules[job.rule] = [re.sub(f"^{job.value}[.]", "{x}.", "/".join(path)) for path in parts]
    made = {path for job in jobs for path in job.outputs}
    for path in {path for job in jobs for path in job.inputs} - made:
        put(folder / path)
    (folder / "inputs.json").write_text(json.dumps(inputs))
    wanted = inputs.pop("default")[""]
    text = ["import json", 'INPUTS = json.load(open("inputs.json"))', "wildcard_constraints: x=r'[A-Za-z0-9_]+'"]
    text += [f"rule all:\n    input: {wanted!r}"]
    text += [LEAST.format(rule=rule, outputs=repr(paths)) for rule, paths in rules.items() if rule in inputs and paths]
    (folder / "Snakefile").write_text("\n".join(text) + "\n")


def put(file: Path) -> None:
    """A file that holds its name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(file.name)


def planned(folder: Path, watch: list[str] | None = None) -> dict[str, float]:
    """What a dry run takes: its processor's and the clock's seconds, memory, jobs."""
    begin = time.monotonic()
    done = subprocess.Popen(
        [sys.executable, *(watch or []), *SNAKEMAKE, "--dry-run"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    text = done.stdout.read()
    _, status, used = os.wait4(done.pid, 0)
    if status:
        sys.exit(text[-3000:])
    jobs = re.search(r"^total\s+(\d+)", text, re.M)
    return {
        "seconds": round(time.monotonic() - begin, 2),
        "cpu": round(used.ru_utime + used.ru_stime, 2),
        "peak_mib": used.ru_maxrss >> 10,
        "jobs": int(jobs[1]) if jobs else 0,
    }


def environment() -> dict[str, str]:
    """Ours, without any profile."""
    return {k: v for k, v in os.environ.items() if k not in ("SNAKEMAKE_PROFILE", "PYTHONPATH")}


def checked(folder: Path) -> float:
    """Seconds that reading and checking the configuration takes."""
    code = (
        "import os, time; begin = time.process_time()\n"
        "from swapcore import config, store\n"
        "read = config.read_yaml(store.read_text('config/config.yaml'), where='')\n"
        "config.load(read, store.read_text('config/clips.tsv'), is_folder=os.path.isdir)\n"
        "print(time.process_time() - begin)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return round(float(done.stdout), 2)


def jobs_of(folder: Path, *arguments: str) -> list[Job]:
    """What a dry run says of each job."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=True)
    found = []
    for rule, text in re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", done.stdout + done.stderr, re.M):
        lines = dict(re.findall(r"^    (\w+): (.*)$", text, re.M))
        files = [lines[kind].split(", ") if lines.get(kind) else [] for kind in ("input", "output")]
        found.append(Job(rule, *files, lines.get("wildcards", "").partition("=")[2]))
    return found


def touched(folder: Path) -> None:
    """Let Snakemake take everything for made: all outputs are there, in order, and noted as it notes its own."""
    for job in jobs_of(folder):
        for path in job.outputs:
            put(folder / path)
    command = [sys.executable, *SNAKEMAKE, "--touch"]
    subprocess.run(command, cwd=folder, env=environment(), capture_output=True, check=True)


if __name__ == "__main__":
    main()
