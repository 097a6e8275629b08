"""The state of a training on disk, made to survive a kill at any moment and a damaged file.

A saved state is `{number}.h5`, every array by name, and beside it `{number}.json`: what else there is to know, the name of the
folder that it is of, and a digest of all. Both are written beside their place, flushed and renamed, the JSON last: without it the
arrays do not count. The two newest are kept. Reading checks digest and name and falls back to the older one. HDF5 and JSON hold
data and no code.

The weights of the best measured quality are a state of their own, `best/{step}.h5`, sealed alike. A state names the one that
belongs to it (`best` in its JSON); they are dropped when no kept state names them any more, so one is never lost to a kill
between its saving and the state's.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from swapcore import store
from swapcore.errors import SwapError
from swapcore.models import read_weights

KEPT = 2
BEST = "best"  # name of the folder of the best weights
OF = "of"  # in the JSON: the training that a state is of; older states are without it
PATIENCE = 20.0  # seconds that a lock is waited for: longer than a training that was told to end needs to save and end


class NotFinite(SwapError):
    """What was to be written holds NaN or infinity."""


@dataclass(frozen=True)
class Saved:
    """A saved state that was found in order."""

    number: int
    path: Path  # of the arrays
    info: dict[str, Any]


def write_arrays(path: str | Path, arrays: Iterable[tuple[str, np.ndarray]]) -> str:
    """Write arrays by name as HDF5, atomically; the same arrays give the same bytes. Returns the file's sha256.

    Raises NotFinite, and leaves no file, where an array is not finite.
    """
    import h5py

    with store.atomic(path) as temporary:
        with h5py.File(temporary, "w", libver="earliest") as file:  # newer formats note the time in every group
            for name, array in arrays:
                if not np.isfinite(array).all():
                    raise NotFinite(
                        f"{name} is no longer finite; the last saved state is kept: lower train.learning_rate or set "
                        "train.precision to float32, and run snakemake again"
                    )
                file.create_dataset(name, data=array, track_times=False)
        digest = store.sha256(temporary)
    return digest


def save(folder: Path, arrays: Iterable[tuple[str, np.ndarray]], info: Mapping[str, Any]) -> Saved:
    """Save a state as the newest, then drop all but the two newest, and what is best of none of them. Raises NotFinite where
    an array is not finite.
    """
    saved = _write(folder, max(_numbers(folder), default=0) + 1, arrays, info)
    for old in sorted(_numbers(folder))[:-KEPT]:
        _drop(folder, old)
    with contextlib.suppress(SwapError, AttributeError):  # of a damaged one: its best may be needed yet
        named = {store.read_json(folder / f"{n:06d}.json").get("best") for n in _numbers(folder)}
        for step in set(_numbers(folder / BEST)) - named:
            _drop(folder / BEST, step)
    return saved


def save_best(folder: Path, step: int, arrays: Iterable[tuple[str, np.ndarray]], info: Mapping[str, Any]) -> Saved:
    """Save the weights of the best quality, of a step. They are kept once a state names them: `save` it next."""
    return _write(folder / BEST, step, arrays, info)


def find_best(folder: Path, step: int) -> Saved | None:
    """The best weights of a step, or None where they are missing or damaged."""
    return _in_order(folder / BEST, step)


def find(folder: Path, *, say: Callable[[str], None]) -> Saved | None:
    """The newest state in order, or None where there is none at all. Newer ones that are damaged, or were copied from another
    training's folder, are reported and removed.

    Raises SwapError where there are states and all are damaged: whether to begin again is for a person to say.
    """
    # of a save that was killed: what was half written, and arrays whose words were not
    unfinished = (path for path in folder.glob(f"{BEST}/[0-9]*.h5") if not path.with_suffix(".json").exists())
    for leftover in (*folder.glob(".[0-9]*"), *folder.glob(f"{BEST}/.[0-9]*"), *unfinished):
        leftover.unlink()
    numbers = sorted(_numbers(folder), reverse=True)
    damaged = []
    for number in numbers:
        if (saved := _in_order(folder, number)) is not None:
            break
        damaged.append(number)
    else:
        if numbers:
            raise SwapError(
                f"{folder}: all saved states ({len(numbers)}) are damaged or another training's; restore the folder from a "
                "backup, or delete it to train from the beginning"
            )
        return None
    for bad in damaged:
        before = f"going on from the one before, step {saved.info.get('step')}"
        say(f"{folder}: the saved state {bad} is damaged or another training's; {before}")
        _drop(folder, bad)
    return saved


def read_arrays(saved: Saved, group: str = "") -> dict[str, np.ndarray]:
    """The arrays of a state by name; of a group alone, by their names in it."""
    return read_weights(saved.path, group)


@contextlib.contextmanager
def lock(folder: Path, *, say: Callable[[str], None] = lambda line: None, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a folder for this process; the system lets go of it when the process ends, however it ends.

    Where another process holds it, that one may be about to end (its Snakemake was killed, see `signals`), so it is waited for,
    with a line about it, for `patience` seconds. Raises SwapError where it holds on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "a+") as file:
        until, told = time.monotonic() + patience, False
        while not _taken(file):
            file.seek(0)
            holder = file.read().strip() or "unknown"
            if time.monotonic() >= until:
                raise SwapError(f"{folder}: another training has it ({holder}); wait until it ends, or stop it")
            if not told:
                say(f"{folder}: another training has it ({holder}); waiting {patience:.0f} s for it to end")
                told = True
            time.sleep(min(0.2, patience))
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


def _taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(folder: Path, number: int, arrays: Iterable[tuple[str, np.ndarray]], info: Mapping[str, Any]) -> Saved:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number:06d}.h5"
    path.with_suffix(".json").unlink(missing_ok=True)  # of another file of that number: it would not fit
    digest = write_arrays(path, arrays)
    told = {**info, OF: _training(folder)}
    store.write_json(path.with_suffix(".json"), {"seal": _seal(digest, told), **told})
    return Saved(number, path, dict(info))


def _in_order(folder: Path, number: int) -> Saved | None:
    """A state whose seal holds, or None."""
    path = folder / f"{number:06d}.h5"
    try:
        info = store.read_json(path.with_suffix(".json"))
        if info.pop("seal") != _seal(store.sha256(path), info) or info.pop(OF, own := _training(folder)) != own:
            return None
        return Saved(number, path, info)
    except (SwapError, OSError, KeyError, TypeError, AttributeError):
        return None


def _training(folder: Path) -> str:
    """The name of a training's folder; `folder` may be that of its best weights."""
    return folder.parent.name if folder.name == BEST else folder.name


def _numbers(folder: Path) -> list[int]:
    return [int(path.stem) for path in folder.glob("[0-9]*.json") if path.stem.isdecimal()]  # not somebody's copy


def _seal(arrays_sha256: str, info: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([arrays_sha256, info], sort_keys=True).encode()).hexdigest()


def _drop(folder: Path, number: int) -> None:
    (folder / f"{number:06d}.json").unlink(missing_ok=True)  # first: without it the rest does not count
    for path in folder.glob(f"{number:06d}.*"):
        path.unlink()
