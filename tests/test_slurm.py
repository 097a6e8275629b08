"""The profile for Slurm on a real Slurm, see slurm.sh: a training that is cancelled, then preempted, comes to the same video."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import faults
import pytest
import yaml
from project import ROOT
from toy import Toy

PROFILE = ROOT / "workflow/profiles/slurm/config.yaml"
# what this Slurm has not (accounting), and the time that a test has not
HERE = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5")
AFTER = ("train", "forehead", "convert", "label", "verify", "measure", "report")


@pytest.fixture
def slurm():
    """A Slurm that ends with the test, also where that is killed: it stands as long as a pipe is open."""
    command = [ROOT / "tests/slurm.sh", "cat"]
    up = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said = up.stdout.readline()
    if not said.startswith("slurm: "):
        said = up.communicate()[1]
        assert up.returncode == 77, said
        pytest.skip(said.strip())
    yield
    up.stdin.close()
    assert up.wait(120) == 0, up.stderr.read()


def asked(command: str) -> list[list[str]]:
    """What a program of Slurm prints, by lines and words."""
    done = subprocess.run(command.split(), capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def submitted(*fields: str, states: str = "all") -> list[list[str]]:
    """Rule and more fields of all jobs that Snakemake gave to Slurm."""
    jobs = asked(f"squeue --noheader --states={states} --Format=comment:80,{','.join(f'{f}:40' for f in fields)}")
    rules = [(re.match(r"rule_(\w+?)_wildcards", job[0]), job[1:]) for job in jobs]
    return [[found[1], *rest] for found, rest in rules if found]


def training(run: faults.Run, before: int = 0) -> int:
    """Wait for a training that steps, of another process than the one before, and hold it there; its process."""
    until = time.monotonic() + faults.WAIT
    while time.monotonic() < until and run.process.poll() is None:
        found = [job.pid for job in faults.jobs(run.folder) if job.stage == "train" and job.pid != before]
        if found and re.search(r"step \d+/", said_by_training(run)):
            os.kill(found[0], signal.SIGSTOP)
            return found[0]
        time.sleep(0.02)
    raise AssertionError(run.log.read_text()[-3000:])


def said_by_training(run: faults.Run) -> str:
    """Its log, which begins anew with each attempt."""
    log = run.folder / "results/logs/train/ann_onto_bob.log"
    return log.read_text() if log.exists() else ""


def ended(run: faults.Run, process: int) -> int:
    """Wait until a training's process is gone; the step that it saved."""
    until = time.monotonic() + faults.WAIT
    while any(job.pid == process for job in faults.jobs(run.folder)):
        assert time.monotonic() < until, f"process {process} goes on"
        time.sleep(0.02)
    found = re.search(r"stopped by SIGTERM after step (\d+)", said_by_training(run))
    assert found, said_by_training(run)
    return int(found[1])


def test_a_training_that_is_cancelled_and_preempted(slurm, whole, tmp_path):
    """Each job is done once, in its partition, and the video is that of an undisturbed run on this machine alone."""
    whole, _ = whole
    folder = faults.copied(whole, tmp_path.resolve() / "copy", without="train")
    run = faults.start(folder, *HERE, profile="slurm")
    try:
        first = training(run)
        [[job]] = [rest for rule, *rest in submitted("jobid", states="running") if rule == "train"]
        subprocess.run(["scancel", job], check=True)
        one = ended(run, first)
        second = training(run, first)
        # a job of more right takes all GPUs for a moment
        urgent = "sbatch --parsable --partition=urgent --gres=gpu:4 --output=/dev/null --wrap true"
        subprocess.run(urgent, shell=True, check=True, capture_output=True)
        two = ended(run, second)
        assert 0 < one < two < faults.TRAIN["budget"]["steps"]
        said = faults.finish(run)
    finally:
        run.process.kill()  # where it has not ended, it would wait for a Slurm that is gone
    jobs = submitted("jobid", "restartcnt", "partition", "tres-per-node")
    trained = [rest for rule, *rest in jobs if rule == "train"]
    assert [rest[1:3] for rest in trained] == [["0", "gpu"], ["1", "gpu"]], jobs
    assert all("gpu:1" in rest[3] for rest in trained)
    assert {rest[2] for rule, *rest in jobs if rule != "train"} == {"cpu"}
    assert faults.finished(folder) == dict.fromkeys(AFTER, 1), said[-3000:]
    faults.same_video(folder, whole)
    assert "Nothing to be done" in faults.finish(faults.start(folder))


def planned(toy: Toy, attempt: int) -> dict[str, dict[str, str]]:
    """What the profile asks for each rule in a plan: rule -> its resources and threads."""
    done = toy.snakemake("--dry-run", "--profile", PROFILE.parent, "--attempt", str(attempt), "--cores", "64")
    text, found = done.stdout + done.stderr, {}
    for rule, block in re.findall(r"^rule (\w+):\n((?:    .*\n)+)", text, re.M):
        [resources] = re.findall(r"resources: (.*)", block)
        found[rule] = dict(pair.split("=", 1) for pair in resources.split(", "))
        found[rule]["threads"] = (re.findall(r"threads: (\d+)", block) or ["1"])[0]
    found.pop("default")  # the targets: nothing runs
    return found


def test_the_profile_says_what_each_rule_needs(tmp_path):
    """Every rule has a partition, memory and time, and more of both when it is tried again; the page has the same numbers."""
    toy = Toy(tmp_path, ROOT)
    toy.config |= {"also": ["side_by_side", "preview", "exr"]}
    toy.config |= {"studio": {"clips": {"b2": {"actor": "bob", "seconds": 150}}}, "frames": {"segment_minutes": 1}}
    toy.clips["b2"], toy.paths["b2"] = "bob", "results/studio/b2.mp4"  # a long one
    toy.save()
    files = (ROOT / "workflow/rules").glob("*.smk")
    rules = {name for file in files for name in re.findall(r"^(?:rule|use rule \w+ as) (\w+)", file.read_text(), re.M)}
    once, again = planned(toy, 1), planned(toy, 2)
    assert set(once) == rules
    profile = yaml.safe_load(PROFILE.read_text())
    assert {*profile["set-resources"], *profile["set-threads"]} <= rules
    assert {rule for rule in rules if once[rule]["slurm_partition"] != "cpu"} == {"train"}
    assert once["train"]["slurm_partition"] == "gpu" and once["train"]["gres"] == "gpu:1"
    for rule in rules:
        for what in ("mem_mb", "runtime"):
            assert 0 < int(once[rule][what]) < int(again[rule][what]), (rule, what)
    page = (ROOT / "docs/cluster.md").read_text()
    rows = re.findall(r"^\| ([`\w, ]+) \| (\d+) \| (\d+) \| (\d+) \|", page, re.M)
    told = {rule: row[1:] for row in rows for rule in re.findall(r"\w+", row[0])}
    assert told == {rule: tuple(found[k] for k in ("threads", "mem_mb", "runtime")) for rule, found in once.items()}
