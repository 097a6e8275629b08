"""What all scripts share: dates of what they make, signals, and that they end with their Snakemake."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from project import ROOT

SCRIPT = """
import argparse, sys, time
from pathlib import Path
sys.path[:0] = [{root!r}, {root!r} + "/scripts"]
import common

def main(args):
    args.out.write_text("made")
    print("at work", flush=True)
    if args.wait:
        time.sleep(600)

sys.argv = ["scripts/stage.py"]
args = argparse.Namespace(log=None, given=[Path(p) for p in {given!r}], out=Path({out!r}), wait={wait!r})
common.run(main, args)
"""


def script(folder, given=(), wait=False):
    """The command of a script that writes a file, and may then wait."""
    text = SCRIPT.format(root=str(ROOT), given=[str(p) for p in given], out=str(folder / "out"), wait=wait)
    return [sys.executable, "-c", text]


@pytest.mark.parametrize("inside", [False, True], ids=["a file", "in a folder"])
def test_what_is_made_of_a_file_from_the_future_is_not_older(tmp_path, inside):
    """A clock that jumped back: Snakemake stops a job whose results are older than what they are from."""
    old, new, folder = tmp_path / "old", tmp_path / "folder/new", tmp_path / "folder"
    folder.mkdir()
    for path, when in ((old, -1000), (new, 86400)):
        path.write_text("x")
        os.utime(path, (time.time() + when,) * 2)
    subprocess.run(script(tmp_path, [old, folder if inside else new]), check=True)
    assert (tmp_path / "out").stat().st_mtime_ns == new.stat().st_mtime_ns
    assert old.stat().st_mtime < time.time() - 900, "what was there is left as it is"


def test_dates_are_left_alone_where_the_clock_is_right(tmp_path):
    (tmp_path / "in").write_text("x")
    subprocess.run(script(tmp_path, [tmp_path / "in"]), check=True)
    assert (tmp_path / "in").stat().st_mtime_ns <= (tmp_path / "out").stat().st_mtime_ns <= time.time_ns()


def test_a_script_ends_with_the_snakemake_that_started_it(tmp_path):
    """Killed outright, that one tells nobody. In between is a shell, which does not end."""
    command = ["sh", "-c", '"$@"; true', "-", *script(tmp_path, wait=True)]
    begin = "import os, subprocess\nos.environ['SWAPCORE_RUN'] = str(os.getpid())\n"
    begin += f"subprocess.run({command!r})"
    snakemake = subprocess.Popen([sys.executable, "-c", begin], stdout=subprocess.PIPE, text=True)
    assert snakemake.stdout.readline() == "at work\n"
    snakemake.kill()
    assert snakemake.stdout.read() == "", "read to its end: nobody holds it any more"
    snakemake.wait()


def test_ctrl_c_is_a_line(tmp_path):
    job = subprocess.Popen(script(tmp_path, wait=True), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert job.stdout.readline() == "at work\n"
    job.send_signal(2)
    assert job.communicate()[1] == "stage: stopped by SIGINT; run snakemake again to go on\n" and job.returncode == 130
