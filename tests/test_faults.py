"""Whatever is killed, wherever: plain Snakemake brings the same video, and repeats nothing that was finished.

A project of seconds with the real scripts, see faults.py. `faults.sh --all` goes through every signal, stage and moment.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import faults
import pytest
from faults import STAGES, TRAIN, same_video

# each writes in a way of its own; `faults.sh` takes all
FULL = ("studio", "faces", "train", "convert", "report")
WHOLE = ("faces", "train", "convert", "label")


def test_every_stage_killed_and_snakemake_killed_in_it(whole, tmp_path):
    """One project from its beginning to its end: in every stage the job is killed, in some then Snakemake itself."""
    (whole, cpu), folder = whole, tmp_path.resolve()
    faults.project(folder)
    missed = []
    for stage in STAGES:
        run = faults.start(folder, "--until", stage)
        job = faults.hit(run, stage, signal.SIGKILL, cpu=0.6 * cpu[stage], whole=False)
        faults.finish(run, check=False)
        assert not job.cpu or run.process.returncode, "Snakemake took a killed job for a finished one"
        if stage not in WHOLE:
            missed += [stage] * (not job.cpu)
            continue
        run = faults.start(folder, "--until", stage)
        both = faults.hit(run, stage, signal.SIGKILL, cpu=0.4 * cpu[stage], whole=True)
        faults.finish(run, check=False)
        if both.cpu:
            assert faults.unlock(folder)
            assert both.took < 60, "jobs end with their Snakemake"
        missed += [stage] * (not job.cpu) + [stage] * (not both.cpu)
    assert len(missed) <= 4, f"too many ended before they could be killed: {missed}"
    faults.resume(folder)
    same_video(folder, whole)
    assert faults.finished(folder) == faults.finished(whole), "nothing that was finished is done again"
    assert "Nothing to be done" in faults.finish(faults.start(folder))


@pytest.mark.parametrize("stage", ["train", "convert"])
def test_signals(whole, tmp_path, stage):
    """SIGKILL, SIGTERM and SIGINT to the job, and the last two to Snakemake, one after the other, until one run gets through."""
    whole, cpu = whole
    folder = faults.copied(whole, tmp_path.resolve() / "copy", without=stage)
    # only a training that steps has something to save; what its log says is of this run, for Snakemake begins it anew
    first, says = ("state/swaps/*/*/[0-9]*.json", r"step \d+/") if stage == "train" else (None, None)
    for number, all_of_it, share in (
        (signal.SIGKILL, False, 0.7),
        (signal.SIGTERM, False, 0.6),
        (signal.SIGINT, False, 0.5),
        (signal.SIGINT, True, 0.4),
        (signal.SIGTERM, True, 0.3),
    ):
        run = faults.start(folder, "--until", stage)
        job = faults.hit(run, stage, number, cpu=share * cpu[stage], whole=all_of_it, first=first, says=says)
        said = faults.finish(run, check=False)
        assert not job.cpu or run.process.returncode, said[-3000:]
        assert "Traceback" not in said
        if not job.cpu or stage != "train" or all_of_it:
            continue
        if number == signal.SIGKILL:
            assert job.lost <= TRAIN["checkpoint_every"] + 3 * job.slack + 1
        elif f"step {TRAIN['budget']['steps']}/" not in said:  # else it was through before the signal came
            assert f"stopped by {number.name} after step" in said, said[-3000:]
    faults.resume(folder)
    same_video(folder, whole)
    assert faults.finished(folder)[stage] == 1, "once, by whichever run got through"


def test_what_was_damaged_is_named_and_made_again(whole, tmp_path):
    """An archive, a table, the newer state: each is said in one line with what to do, and that is enough."""
    whole, _ = whole
    folder = faults.copied(whole, tmp_path.resolve() / "copy")
    for path in ("results/clips/bob/faces.zip", "results/people/bob/decisions.parquet"):
        file = folder / path
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        (folder / "results/people/bob/dataset.json").unlink()
        run = faults.start(folder)
        said = faults.finish(run, check=False)
        assert run.process.returncode and path in said and "delete it and run snakemake again" in said, said[-3000:]
        assert "Traceback" not in said
        file.unlink()
        faults.resume(folder)
    same_video(folder, whole)
    assert faults.finished(folder)["studio"] == 0


def test_two_snakemakes_on_one_project(whole, tmp_path):
    """And two projects on one state: the second is refused in a line."""
    whole, _ = whole
    folder = faults.copied(whole, tmp_path.resolve() / "copy", without="train")
    other = faults.copied(whole, tmp_path.resolve() / "other", without="train")
    run = faults.start(folder, "--until", "train")
    lock = folder / "state/swaps/ann_onto_bob/lock"
    until = time.monotonic() + faults.WAIT
    while not (lock.exists() and lock.read_text()) and time.monotonic() < until:
        time.sleep(0.02)
    training = next(job.pid for job in faults.jobs(folder) if job.stage == "train")
    os.kill(training, signal.SIGSTOP)  # it holds on, however long the others take
    try:
        second = faults.start(folder)
        said = faults.finish(second, check=False)
        assert second.process.returncode and "could not be locked" in said.replace(
            "cannot be locked", "could not be locked"
        )
        third = faults.start(other, "--until", "train", "--config", f"state={folder / 'state'}")
        said = faults.finish(third, check=False)
        assert third.process.returncode and f"another training has it (process {training} on" in said
        assert "wait until it ends, or stop it" in said and "Traceback" not in said
    finally:
        os.kill(training, signal.SIGCONT)
    faults.finish(run)
    faults.resume(folder)
    same_video(folder, whole)


def test_a_full_disk(whole, tmp_path):
    """No room for what a stage writes: a line, nothing half-written; with room the next run finishes."""
    whole, _ = whole
    try:
        subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", tmp_path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    command = ["unshare", "-rm", sys.executable, faults.__file__, "--full-disk", whole, "--stages", *FULL]
    done = subprocess.run([*command, "--folder", tmp_path.resolve()], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    rows = json.loads(done.stdout)
    assert [row["stage"] for row in rows] == list(FULL)
    for row in rows:
        assert row["line"].startswith(f"{row['stage']}: ") and "No space left on device" in row["line"], row
        assert "free some space" in row["line"] or "check that the disk has space" in row["line"], row
        assert row["left"] == [] and row["same"], row
