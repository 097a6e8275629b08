"""The faces of a segment of a long clip, and of a margin of frames around it: a table whose tracks faces_join.py joins."""

from __future__ import annotations

from functools import partial

import faces
from common import arguments, run

from swapcore import extract, store, video
from swapcore.types import FaceSet


def main(args, *, start="spawn"):
    """As faces.py, of some frames; what needs a whole track is left to the join."""

    def chosen(frames, info, settings):
        own = video.segments.named(frames, args.segment)
        return set(video.segments.widened(frames, own, *extract.margin(info, settings)).numbers(frames))

    _, info, parts = faces.extracted(args, start=start, chosen=chosen)
    store.write_table(args.faces, FaceSet.concatenate(parts), {"clip": info.to_json()})


if __name__ == "__main__":
    run(
        partial(main, start=faces.START),
        arguments(__doc__, **faces.OPTIONS, segment="text: which, as 0/3: the first of three"),
    )
