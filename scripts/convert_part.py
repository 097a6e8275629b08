"""A segment of a long video's frames, as convert.py makes them; label.py joins the files."""

from __future__ import annotations

import conversion
from common import arguments, run

from swapcore import progress, store, video


def main(args):
    """Check that everything fits, then convert the segment's frames. A segment without frames is an empty file."""
    job = conversion.opened(args)
    numbers = video.segments.named(job.frames, args.segment).numbers(job.frames)
    if not numbers:
        store.write_bytes(args.out, b"")
        return
    done = progress.track(job.converted(set(numbers)), len(numbers), f"convert {args.video}, {args.segment}")
    job.write(args.out, (frame.after for frame in done))


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            **conversion.OPTIONS,
            segment="text: which, as 0/3: the first of three",
            out="file: the segment's composite",
        ),
    )
