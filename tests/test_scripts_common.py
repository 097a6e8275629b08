"""What all scripts share: they end with their Snakemake, and Ctrl-C is a line."""

from __future__ import annotations

import subprocess
import sys

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
