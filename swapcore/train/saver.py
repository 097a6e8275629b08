"""States are written beside the training: it waits for a copy in memory (0.1 s for 1 GB), not for the disk.

The copy stands in memory that is taken once, as large as the state: 12 bytes for each of the model's numbers (weights and Adam's
two moments), 1 GB for `original`. Taking such memory anew each time would cost more than the write (2.2 s, for its pages).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from swapcore.train import checkpoint
from swapcore.train.checkpoint import Saved

WEIGHTS = "weights/"  # of all names, those of the weights begin so

Arrays = Iterable[tuple[str, np.ndarray]]


@dataclass
class Saver:
    """Writes one thing after the other; what fails is raised at the next call that looks at it."""

    folder: Path
    worker: ThreadPoolExecutor  # of one thread
    newest: Saved | None  # the last state that is written
    writing: Future[Any] | None = None
    kept: dict[str, np.ndarray] = field(default_factory=dict)  # the copy that is written, by name

    def busy(self) -> bool:
        """Whether something is being written. Raises what the last write raised."""
        if self.writing is not None and self.writing.done():
            self.wait()
        return self.writing is not None

    def wait(self) -> Saved | None:
        """The newest state, when all is written. Raises what the last write raised."""
        writing, self.writing = self.writing, None
        if writing is not None:
            writing.result()
        return self.newest

    def take(self, arrays: Arrays) -> None:
        """Take the memory for copies of these where it is not there yet, without waiting for it: only their shapes count."""
        shapes = [(name, array.shape, array.dtype) for name, array in arrays if name not in self.kept]

        def fill() -> None:
            for name, shape, dtype in shapes:
                self.kept[name] = np.empty(shape, dtype)
                self.kept[name].fill(0)  # so that its pages are there

        self._begin(fill)

    def save(self, arrays: Arrays, info: Mapping[str, Any]) -> None:
        """Copy a state and begin to write it, see checkpoint.save; info is not to change any more."""
        copied = self._copied(arrays)

        def write() -> None:
            self.newest = checkpoint.save(self.folder, copied, info)

        self._begin(write)

    def save_best(self, step: int, arrays: Arrays, info: Mapping[str, Any]) -> None:
        """Copy the weights of the best quality and begin to write them, see checkpoint.save_best."""
        copied = self._copied((name, array) for name, array in arrays if name.startswith(WEIGHTS))
        self._begin(lambda: checkpoint.save_best(self.folder, step, copied, info))

    def _copied(self, arrays: Arrays) -> list[tuple[str, np.ndarray]]:
        self.wait()  # what is being written is the copy
        copied = []
        for name, array in arrays:
            copy = self.kept.get(name)
            if copy is None or (copy.shape, copy.dtype) != (array.shape, array.dtype):
                copy = self.kept[name] = np.empty_like(array)
            np.copyto(copy, array)
            copied.append((name, copy))
        return copied

    def _begin(self, work: Callable[[], Any]) -> None:
        self.wait()
        self.writing = self.worker.submit(work)


@contextlib.contextmanager
def saver(folder: Path, newest: Saved | None) -> Iterator[Saver]:
    """A saver of a folder of states; at the end of the block all is written, also where an error or a signal ends it."""
    with ThreadPoolExecutor(1, thread_name_prefix="saver") as worker:
        writes = Saver(folder, worker, newest)
        yield writes
        writes.wait()
