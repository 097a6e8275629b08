"""A video's frames with its swaps' faces in them, and the visible note: composite.mkv."""

from __future__ import annotations

import conversion
from common import arguments, run

from swapcore import progress


def main(args):
    """Check that everything fits, then decode, convert and encode at the same time, frame by frame."""
    job = conversion.opened(args)
    done = progress.track(job.converted(), len(job.frames), f"convert {args.video}")
    job.write(args.out, (frame.after for frame in done))


if __name__ == "__main__":
    run(main, arguments(__doc__, **conversion.OPTIONS, out="file: composite.mkv"))
