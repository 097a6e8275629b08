"""The figures of a training as TensorBoard reads them, for `tensorboard --logdir state`.

A file of events is a TFRecord of TensorFlow's own `Event` messages, and TensorFlow writes it: TensorBoard is needed for looking
alone. Each run writes a file of its own, all runs of a training into one folder.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from swapcore import progress
from swapcore.models.backend import event_files

VERSION = "brain.Event:2"  # of the format: what every file begins with

Write = Callable[[int, Mapping[str, Any]], None]  # (step, tag -> value); what is no number is left out


@contextlib.contextmanager
def events(folder: Path, *, step: int, what: str) -> Iterator[Write]:
    """Begin the file of a run that goes on from `step`; the function that is given writes figures into it at once.

    Where a run was killed beyond that step, TensorBoard leaves out what it wrote of the steps that are done again. What cannot be
    written, for the disk is full, is said in a line, and training goes on without.
    """
    event_pb2, open_file, failed = event_files()
    said: list[Exception] = []
    path, file = folder, contextlib.nullcontext()

    def lost(error: Exception) -> None:
        said.append(error)
        progress.say(f"{what}: {path}: cannot be written ({error}); training goes on without figures for TensorBoard")

    def record(**fields: Any) -> None:
        if said:
            return
        try:
            file.write(event_pb2.Event(wall_time=time.time(), **fields).SerializeToString())
            file.flush()
        except failed as error:
            lost(error)

    def write(step: int, figures: Mapping[str, Any]) -> None:
        told = {tag: float(value) for tag, value in figures.items() if value is not None}
        record(step=step, summary={"value": [{"tag": t, "simple_value": value} for t, value in told.items()]})

    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in folder.iterdir())  # of one process' files within a second
        path = folder / f"events.out.tfevents.{time.time():010.0f}.{socket.gethostname()}.{os.getpid()}.{number}"
        file = open_file(str(path))
    except (OSError, failed) as error:
        lost(error)
    record(file_version=VERSION)
    record(step=step, session_log={"status": event_pb2.SessionLog.START})
    try:
        yield write
    finally:
        with contextlib.suppress(failed, AttributeError):  # said already, or never opened
            file.close()


def tagged(group: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures as TensorBoard groups them: group/name -> value, numbers alone."""
    numbers = {name: value for name, value in figures.items() if isinstance(value, int | float)}
    return {f"{group}/{name}": value for name, value in numbers.items()}
