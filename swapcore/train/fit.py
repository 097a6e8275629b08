"""What fits a machine: on how many devices it trains, the batch with the best images/s, whether a model has room, and all faces
in a GPU's memory, and what to do where memory runs out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from swapcore import progress, store
from swapcore.errors import SwapError

BATCHES = (4, 8, 16, 32, 64, 128, 256)  # that are tried, in this order
ENOUGH = (
    0.97  # of the best images/s: the smallest batch that has so much is chosen, for it learns the most from an image
)
PROBE_SECONDS = 1.5  # for each batch, after a first step
RESERVE = 1.25  # times what the next batch is expected to take must be free
FLOATS = (
    6  # for each of a model's weights beside it: gradient, Adam's two moments, and the three that a saved state copies
)
KEPT_SHARE = 0.25  # of a GPU's free memory that the faces may take at most
REMEMBERED = "batches.json"  # in the folder of states: device -> model -> batch


class TooLarge(Exception):
    """Memory ran out with a batch of so many faces."""

    def __init__(self, batch: int):
        super().__init__(f"out of memory with a batch of {batch}")
        self.batch = batch


def out_of_memory(error: BaseException) -> bool:
    """Whether an error, of TensorFlow, JAX or Python, is that memory ran out."""
    named = {kind.__name__ for kind in type(error).__mro__}
    return bool(named & {"MemoryError", "ResourceExhaustedError"}) or "RESOURCE_EXHAUSTED" in str(error)


def probe(
    images_per_s: Callable[[int], float], left: Callable[[], int], *, most: int | None = None, devices: int = 1
) -> dict[int, float]:
    """Batch -> images/s, for BATCHES up to `most`, until memory or gains end; each made a multiple of `devices`.

    images_per_s(batch) runs some steps and may run out of memory; left() is the free memory in bytes. It ends at a batch that
    runs out of memory, before one that is expected to, or when two in a row brought nothing. Raises TooLarge where not even
    the smallest has room.
    """
    found: dict[int, float] = {}
    taken = 0
    for batch in dict.fromkeys(max(batch // devices, 1) * devices for batch in BATCHES):
        if most is not None and batch > most:
            break
        before = left()
        if found and before < RESERVE * 2 * taken:
            break
        try:
            found[batch] = images_per_s(batch)
        except Exception as error:
            if not out_of_memory(error):
                raise
            break
        taken = max(before - left(), taken)
        best = max(found.values())
        if len(found) > 2 and all(rate < best / ENOUGH**0.5 and rate != best for rate in list(found.values())[-2:]):
            break
    if not found:
        raise TooLarge(BATCHES[0])
    return found


def choose(rates: Mapping[int, float]) -> int:
    """The smallest batch that has nearly the best images/s. rates: batch -> images/s."""
    return min(batch for batch, rate in rates.items() if rate >= ENOUGH * max(rates.values()))


def timed(run: Callable[[int], None], batch: int) -> float:
    """Images/s of both people; run(batch) is a step. The first one, which takes memory, does not count."""
    run(batch)
    begun, steps = time.monotonic(), 0
    while steps < 2 or time.monotonic() - begun < PROBE_SECONDS:
        run(batch)
        steps += 1
    return 2 * batch * steps / (time.monotonic() - begun)


def remembered(state: Path, device: str, model: str) -> int | None:
    """The batch that was found on this device for a model earlier; state: the folder of all states."""
    try:
        found = store.read_json(state / REMEMBERED)[device][model]["batch"]
    except (SwapError, KeyError, TypeError):
        return None
    return found if isinstance(found, int) and 1 <= found <= BATCHES[-1] else None


def remember(state: Path, device: str, model: str, rates: Mapping[int, float]) -> None:
    """Keep what was found for the next swap."""
    try:
        known = store.read_json(state / REMEMBERED)
    except SwapError:  # none yet, or damaged: nothing of worth is lost
        known = {}
    entry = {"batch": choose(rates), "images_per_s": {str(batch): round(rate, 1) for batch, rate in rates.items()}}
    known.setdefault(device, {})[model] = entry
    store.write_json(state / REMEMBERED, known)


def batch(state: Path, device: str, model: str, measure: Callable[[], dict[int, float]], *, what: str) -> int:
    """The batch for train.batch: auto, remembered or found by measure() (see `probe`), and a line that says so."""
    found = remembered(state, device, model)
    if found is not None:
        progress.say(f"{what}: batch {found}, found to be the quickest for {model} on {device} earlier")
        return found
    rates = measure()
    remember(state, device, model, rates)
    found = choose(rates)
    each = ", ".join(f"{size}: {rate:.0f}" for size, rate in rates.items())
    progress.say(f"{what}: batch {found}, the quickest for {model} on {device} (images/s by batch: {each})")
    return found


def spread(asked: int | str, seen: int, batch: int | str, *, gpus: int, what: str) -> int:
    """On how many devices a batch (a number or auto) is spread: train.devices, of `seen` ones, `gpus` of which are GPUs.

    `all` are those GPUs that the batch can be spread over evenly, with a line where that leaves some out, and one processor.
    So is a number where the batch is what memory left of it. Raises SwapError where fewer devices are seen than were asked for.
    """
    if asked != "all" and asked > seen:
        raise SwapError(
            f"train.devices: expected at most {seen}, as many as are seen, found {asked}; set {seen} or all, or check the "
            "driver (nvidia-smi)"
        )
    most = asked if asked != "all" else min(seen, max(gpus, 1))
    if gpus > seen:
        progress.say(f"{what}: of {gpus} GPUs one trains, for train.backend is tensorflow; jax takes all")
    found = most if batch == "auto" else max(n for n in range(1, most + 1) if batch % n == 0)
    if found < most:
        better = " or ".join(str(n * most) for n in (batch // most, batch // most + 1) if n)
        progress.say(
            f"{what}: {batch} faces of each person cannot be spread evenly over {most} devices, {found} train; a "
            f"train.batch of {better} takes all"
        )
    return found


def room_to_keep(size: int, free: int | None, *, what: str) -> bool:
    """Whether all faces, `size` bytes, are to lie in the GPU's memory, of which `free` bytes are free; with a line about it.

    free: None on a processor, where they never do.
    """
    if free is None:
        return False
    if size > KEPT_SHARE * free:
        progress.say(
            f"{what}: the faces ({size / 1e9:.1f} GB) would take more than {KEPT_SHARE:.0%} of the GPU's free memory "
            f"({free / 1e9:.1f} GB), so each step's are handed over as it begins"
        )
        return False
    progress.say(f"{what}: all faces lie in the GPU's memory ({size / 1e9:.2f} of {free / 1e9:.1f} GB)")
    return True


def check_room(name: str, numbers: int, free: int) -> None:
    """Raise SwapError where a built model of so many weights has no room to train in `free` bytes, pictures not counted."""
    needed = 4 * FLOATS * numbers
    if needed > free:
        raise SwapError(
            f"train.model: {name} needs about {needed / 1e9:.1f} GB of memory more to train, {free / 1e9:.1f} GB are free; close "
            "other programs, choose a smaller model, or train on a machine with more memory"
        )


def free_memory(root: Path = Path("/")) -> int:
    """Bytes of main memory that this process can still take: of the machine, or of its control group where that is less.

    root: of the file system, for tests.
    """
    lines = (root / "proc/meminfo").read_text().splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    group = root / "sys/fs/cgroup"
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            free = min(free, max(int((group / limit).read_text()) - int((group / used).read_text()), 0))
        except (OSError, ValueError):  # no such group, or "max": no limit
            continue
    return free


def cpuinfo(root: Path = Path("/")) -> str:
    """What Linux says of the processor, "" elsewhere. root: of the file system, for tests."""
    try:
        return (root / "proc/cpuinfo").read_text()
    except OSError:
        return ""
