"""What all scripts share: their arguments, and errors as one line."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
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
    """Writes to two streams."""

    def __init__(self, *streams):
        self.streams = streams

    def write(self, text: str) -> int:
        for stream in self.streams:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        for stream in self.streams:
            stream.flush()

    def close(self) -> None:
        """Nothing: the streams are others'. (absl, under TensorFlow, closes at exit what was stderr when it was loaded.)"""


@contextlib.contextmanager
def _logged(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", buffering=1) as log, contextlib.redirect_stderr(_Both(sys.stderr, log)):
        yield


def run(main: Callable[[argparse.Namespace], None], args: argparse.Namespace) -> None:
    """Run a script's work; what the user can mend becomes one line and exit code 1."""
    with _logged(args.log):
        try:
            main(args)
        except SwapError as error:
            print(f"{Path(sys.argv[0]).stem}: {error}", file=sys.stderr)
            sys.exit(1)
        except OSError as error:
            if error.errno is None or (error.filename is None and error.errno != 28):
                raise
            remedy = "free some space" if error.errno == 28 else "check that it exists and may be read or written"
            print(
                f"{Path(sys.argv[0]).stem}: {error.filename or os.getcwd()}: {error.strerror}; {remedy}",
                file=sys.stderr,
            )
            sys.exit(1)
