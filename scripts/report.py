"""A video's before and after at a glance: strip.jpg."""

from __future__ import annotations

import json

import numpy as np
from common import arguments, run

from swapcore import config, convert, label, measure, report, store, video
from swapcore.types import ClipInfo, DecisionTable, FaceSet, FrameTable, PeopleTable


def main(args):
    """Take frames spread over those with a swapped face, from the clip and from the video, and draw them."""
    settings, swaps = config.parse("report", args.settings), json.loads(args.swaps)
    frames, meta = store.read_table(args.frames, FrameTable)
    info = ClipInfo.from_json(meta["clip"])
    faces, people = store.read_table(args.faces, FaceSet)[0], store.read_table(args.people, PeopleTable)[0]
    decided = [store.read_table(path, DecisionTable)[0] for path in args.decisions]
    decisions = {swap["name"]: table for swap, table in zip(swaps, decided, strict=True)}
    swapped = convert.choose(faces, people, decisions, swaps, clip=info.name)
    rows = np.isin(frames.number, measure.spread(list(swapped), settings.strip))
    wanted, places = set(frames.number[rows].tolist()), set(np.flatnonzero(rows).tolist())
    originals = [frame for _, frame in video.decode(args.path, frames, info, wanted=wanted)]
    results = [frame for _, frame in video.decode(args.video_file, video.made(frames), info, wanted=places)]
    seconds = (frames.pts[rows] - frames.pts[0]) * info.time_base
    captions = [f"{float(s):.2f} s" for s in seconds]
    footer = f"Synthetic: faces swapped with {label.TOOL}"
    picture = report.strip({"original": originals, "swapped": results}, captions=captions, footer=footer)
    store.write_picture(args.out, picture, marks=label.marks())


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section report",
            video_file="file: video.mp4",
            path="file: the clip",
            frames="file: frames.parquet of the clip",
            faces="file: faces.parquet of the clip",
            people="file: people.parquet of the clip",
            swaps="text: JSON list of {name, source, target}",
            decisions="files: decisions.parquet of each swap's target, in order",
            out="file: strip.jpg",
        ),
    )
