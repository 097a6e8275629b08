"""What all scripts share: their arguments, and errors as one line."""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from swapcore.errors import SwapError


def arguments(doc: str | None, **options: str) -> argparse.Namespace:
    """Parse `--name VALUE` options, each given as name="kind: help".

    Kinds: text, file, texts and files (any number, also none), flag. `text` and `file` must be given.
    """
    parser = argparse.ArgumentParser(description=doc)
    for name, text in options.items():
        kind, _, what = text.partition(":")
        flag = f"--{name.replace('_', '-')}"
        if kind in ("texts", "files"):
            parser.add_argument(flag, nargs="*", type=Path if kind == "files" else str, default=[], help=what.strip())
        elif kind == "flag":
            parser.add_argument(flag, action="store_true", help=what.strip())
        else:
            parser.add_argument(flag, required=True, type=Path if kind == "file" else str, help=what.strip())
    parser.add_argument("--log", type=Path, help="what stderr shows goes here too")
    return parser.parse_args()


class _Both:
    """Writes to two streams; the second may fail, as a log does on a full disk."""

    def __init__(self, first, second):
        self.first, self.second = first, second

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self.second.write(text)
        return self.first.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self.second.flush()
        self.first.flush()

    def close(self) -> None:
        """Nothing: the streams are others'. (absl, under TensorFlow, closes at exit what was stderr when it was loaded.)"""


@contextlib.contextmanager
def _logged(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    log = open(path, "w", buffering=1)  # noqa: SIM115 (closing may fail too)
    try:
        with contextlib.redirect_stderr(_Both(sys.stderr, log)):
            yield
    finally:
        with contextlib.suppress(OSError):
            log.close()


def run(main: Callable[[argparse.Namespace], None], args: argparse.Namespace) -> None:
    """Run a script's work; what the user can mend becomes one line and exit code 1."""
    stage = Path(sys.argv[0]).stem
    end_with_snakemake()
    try:
        with _logged(args.log):
            try:
                main(args)
            except (SwapError, OSError) as error:
                print(f"{stage}: {_line(error)}", file=sys.stderr)
                sys.exit(1)
            except KeyboardInterrupt:
                print(f"{stage}: stopped by SIGINT; run snakemake again to go on", file=sys.stderr)
                sys.exit(128 + signal.SIGINT)
    except OSError as error:  # no log can be opened
        sys.exit(f"{stage}: {_line(error)}")


def end_with_snakemake() -> None:
    """Send this process SIGTERM when the Snakemake that started it, $SWAPCORE_RUN, is gone.

    A Snakemake that is killed outright cannot tell its jobs, and the next one, which begins the same jobs again, would write
    beside them. Nothing happens where it is no ancestor of this process: a script that is started by hand, or a container with
    numbers of its own.
    """
    run = int(os.environ.get("SWAPCORE_RUN") or 0)
    if not run or not hasattr(os, "pidfd_open") or run not in _ancestors():
        return
    try:
        watched = os.pidfd_open(run)
    except OSError:  # gone in this moment, or an old kernel
        return

    def wait() -> None:
        select.select([watched], [], [])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True, name="snakemake").start()


def _ancestors() -> list[int]:
    found, pid = [], os.getppid()
    with contextlib.suppress(OSError, ValueError, IndexError):
        while pid > 1:
            found.append(pid)
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return found


def _line(error: SwapError | OSError) -> str:
    """What the user can mend. Raises the error itself where it is about no file and no disk."""
    if isinstance(error, SwapError):
        return str(error)
    if error.errno is None or (error.filename is None and error.errno != errno.ENOSPC):
        raise error
    remedy = "free some space" if error.errno == errno.ENOSPC else "check that it exists and may be read or written"
    return f"{error.filename or os.getcwd()}: {os.strerror(error.errno)}; {remedy}"
