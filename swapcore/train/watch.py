"""What limits training: where its time goes, what the machine does meanwhile, and which setting would help."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swapcore import progress

KINDS = ("arithmetic", "faces", "measuring", "saving")  # what the time of training goes to; the rest is overhead
MUCH = 0.15  # of the time: so much beside arithmetic is worth a word
FREE = 0.05  # of main memory: with less of it free the system begins to swap

WORDS = {
    "faces": "waiting for faces, {:.0%} of the time: put `state` on a quicker disk, or lower train.resolution",
    "measuring": "measuring quality, {:.0%} of the time: raise train.quality_every, or lower train.held_out",
    "saving": "saving, {:.0%} of the time: raise train.checkpoint_every, or put `state` on a quicker disk",
}


@dataclass
class Watch:
    """Seconds by kind since the last look, and the machine's counters then."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(KINDS, 0.0))
    since: float = field(default_factory=lambda: time.monotonic())
    counters: dict[str, float] = field(default_factory=lambda: counters())

    @contextlib.contextmanager
    def spent(self, kind: str) -> Iterator[None]:
        """The block's time is of this kind."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[kind] += time.monotonic() - begun

    def look(self) -> dict[str, float]:
        """The shares since the last look, see `verdict`; and begin anew."""
        length, now = max(time.monotonic() - self.since, 1e-6), counters()
        found = {kind: seconds / length for kind, seconds in self.seconds.items()}
        total = max(now["all"] - self.counters["all"], 1e-6)
        found |= {name: (now[name] - self.counters[name]) / total for name in ("own", "busy")}
        found |= {"memory_free": now["memory_free"], **gpu()}
        self.seconds, self.since, self.counters = dict.fromkeys(KINDS, 0.0), time.monotonic(), now
        return {name: round(value, 3) for name, value in found.items()}


def verdict(found: Mapping[str, float]) -> str:
    """What limits training, in a sentence, and which setting helps.

    found: shares of the time by KINDS; own, busy: of all processors' time, what this process and what all took; memory_free: of
    main memory; gpu: how busy the GPU was, left out where there is none. All 0..1.
    """
    others = found["busy"] - found["own"]
    if found["memory_free"] < FREE:
        return f"little memory is left ({found['memory_free']:.0%}): close other programs, or lower train.batch"
    beside = {kind: found[kind] for kind in KINDS[1:]}
    worst = max(beside, key=beside.get)
    if beside[worst] > MUCH:
        return WORDS[worst].format(beside[worst])
    if others > MUCH and "gpu" not in found:
        return f"other processes take {others:.0%} of the processors: end them, or wait for them"
    if "gpu" in found and found["gpu"] < 1 - 2 * MUCH:
        return f"the GPU is busy {found['gpu']:.0%} of the time: a larger train.batch, or auto, fills it"
    where = "the GPU's" if "gpu" in found else "the processors'"
    return (
        f"{where} arithmetic, {found['arithmetic']:.0%} of the time: as it should be; a smaller train.model is quicker"
    )


def say(what: str, found: Mapping[str, float]) -> None:
    """The verdict as a line."""
    shares = ", ".join(f"{kind} {found[kind]:.0%}" for kind in KINDS)
    progress.say(f"{what}: limited by {verdict(found)} ({shares})")


def counters(root: Path = Path("/proc")) -> dict[str, float]:
    """Of the machine: processor time of all processors, of their work and of this process (s), share of memory that is free."""
    tick = os.sysconf("SC_CLK_TCK")
    times = [int(value) / tick for value in (root / "stat").read_text().splitlines()[0].split()[1:9]]
    own = os.times()
    lines = dict(line.split(":") for line in (root / "meminfo").read_text().splitlines() if ":" in line)
    memory = {name: int(lines[name].split()[0]) for name in ("MemTotal", "MemAvailable")}
    return {
        "all": sum(times),
        "busy": sum(times) - times[3] - times[4],  # without idle and waiting for the disk
        "own": own.user + own.system,
        "memory_free": memory["MemAvailable"] / memory["MemTotal"],
    }


def gpu() -> dict[str, float]:
    """How busy the busiest GPU of NVIDIA's is, 0..1; nothing where none can be asked."""
    if shutil.which("nvidia-smi") is None:
        return {}
    command = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
        return {"gpu": max(float(line) for line in said.split()) / 100}
    except (OSError, ValueError, subprocess.SubprocessError):
        return {}
