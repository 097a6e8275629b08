"""What a finished video claims, and whether it holds: `python -m swapcore.label verify video.mp4`, any number of them.

provenance.json is looked for beside each. Exit code 0 only when everything holds; every fault is a line. An untrusted
certificate is a notice, and a fault with --trust.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from swapcore.errors import SwapError
from swapcore.label.verify import faults, verify

MARKS = {"says": "  ", "notice": "  notice: ", "fault": "  FAULT: "}


def main(arguments: list[str]) -> int:
    """Print what is found of each file. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m swapcore.label", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="verify")
    options = commands.add_parser("verify", help="check finished videos", description=__doc__)
    options.add_argument("videos", nargs="+", metavar="VIDEO", help="video.mp4")
    options.add_argument("--provenance", help="its provenance.json, where that does not stand beside it")
    options.add_argument("--trust", help="certificates that you trust, a PEM file: one must vouch for the signer")
    given = parser.parse_args(arguments)
    if given.provenance and len(given.videos) > 1:
        parser.error("--provenance is of one video; name one")
    wrong = 0
    for name in given.videos:
        try:
            trust = Path(given.trust).read_text() if given.trust else ""
            found = verify(name, given.provenance or Path(name).with_name("provenance.json"), trust=trust)
        except (SwapError, OSError, UnicodeDecodeError) as error:
            print(f"swapcore.label: {' '.join(str(error).split())}", file=sys.stderr)
            wrong = 1
            continue
        count = len(faults(found))
        wrong = wrong or int(count > 0)
        try:
            print(f"{name}: {f'does not hold, {count} faults' if count else 'holds'}".replace(" 1 faults", " 1 fault"))
            for finding in found:
                print(f"{MARKS[finding.kind]}{''.join(c if c.isprintable() else '?' for c in finding.text)}")
            sys.stdout.flush()
        except BrokenPipeError:  # as `| head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
