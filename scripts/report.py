"""A video's before and after at a glance, strip.jpg; and what was measured, with its worst frames: measures.html."""

from __future__ import annotations

import json

import numpy as np
from common import arguments, run

from swapcore import config, convert, label, measure, report, store, video
from swapcore.pages import measures as page
from swapcore.types import ClipInfo, DecisionTable, FaceSet, FrameTable, PeopleTable


def main(args):
    """Take frames spread over those with a swapped face, and the worst, from the clip and from the video, and show them."""
    settings, swaps = config.parse("report", args.settings), json.loads(args.swaps)
    frames, meta = store.read_table(args.frames, FrameTable)
    info = ClipInfo.from_json(meta["clip"])
    faces, people = store.read_table(args.faces, FaceSet)[0], store.read_table(args.people, PeopleTable)[0]
    decided = [store.read_table(path, DecisionTable)[0] for path in args.decisions]
    decisions = {swap["name"]: table for swap, table in zip(swaps, decided, strict=True)}
    swapped = convert.choose(faces, people, decisions, swaps, clip=info.name)
    told = store.read_json(args.measures)
    worst = told["worst"]
    spread = measure.spread(list(swapped), settings.strip)
    rows = np.isin(frames.number, [*spread, *(one["frame"] for one in worst)])
    pairs = {number: both for number, *both in seen(args, frames, info, rows)}
    places = {int(number): place for place, number in enumerate(frames.number)}
    seconds = [float((frames.pts[places[number]] - frames.pts[0]) * info.time_base) for number in spread]
    rows = {"original": [pairs[n][0] for n in spread], "swapped": [pairs[n][1] for n in spread]}
    footer = f"Synthetic: faces swapped with {label.TOOL}"
    picture = report.strip(rows, captions=[f"{s:.2f} s" for s in seconds], footer=footer)
    store.write_picture(args.out, picture, marks=label.marks())
    shown = [
        page.Worst(
            one,
            *(frame_bgr[around(one, faces, swapped, info)] for frame_bgr in pairs[one["frame"]]),
            page.timecode(places[one["frame"]], frames.pts, info.time_base, info.rate),
        )
        for one in worst
    ]
    about = {"video": args.video, "clip": info.name, "swaps": swaps, "frames": len(frames)}
    foreheads = store.read_json(args.forehead[0]) if args.forehead else None
    html = page.build(told, shown, **about, tool=label.TOOL, marks=label.marks(), foreheads=foreheads)
    store.write_bytes(args.page, html.encode())


def seen(args, frames, info, rows):
    """(number, original_bgr, result_bgr) of some rows of the frame table: frame k of the video is row k."""
    originals = video.decode(args.path, frames, info, wanted=set(frames.number[rows].tolist()))
    results = video.decode(args.video_file, video.made(frames), info, wanted=set(np.flatnonzero(rows).tolist()))
    for (number, original_bgr), (_, result_bgr) in zip(originals, results, strict=True):
        yield int(number), original_bgr, result_bgr


def around(one, faces, swapped, info):
    """Where in its frame the face of one of the worst frames is."""
    row = next(row for swap, row in swapped[one["frame"]] if swap == one["swap"])
    return page.around(faces.landmarks_smooth_xy[row], (info.width, info.height))


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section report",
            video="text: the video's name",
            video_file="file: video.mp4",
            path="file: the clip",
            frames="file: frames.parquet of the clip",
            faces="file: faces.parquet of the clip",
            people="file: people.parquet of the clip",
            swaps="text: JSON list of {name, source, target}",
            decisions="files: decisions.parquet of each swap's target, in order",
            measures="file: measures.json",
            forehead="files: forehead.json, where convert's mask is auto",
            out="file: strip.jpg",
            page="file: measures.html",
        ),
    )
