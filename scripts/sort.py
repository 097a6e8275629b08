"""One person's faces over all clips, scored and ordered: scores.parquet, a contact sheet, and lines to copy for edits."""

from __future__ import annotations

import numpy as np
from common import arguments, run

from swapcore import config, progress, report, sort, store
from swapcore.errors import SwapError
from swapcore.types import FaceSet, FrameTable, PeopleTable, ScoreTable


def main(args):
    """Gather the person's faces, order them, and draw the sheet."""
    settings = config.parse("sort", args.settings)
    parts = []
    for row, clip in enumerate(args.clips):
        frames, faces, people = (
            store.read_table(paths[row], kind)[0]
            for paths, kind in ((args.frames, FrameTable), (args.faces, FaceSet), (args.people, PeopleTable))
        )
        rows = np.flatnonzero(people.person == args.person)
        parts.append(sort.gather(clip, rows, frames=frames, faces=faces, people=people))
    scores = sort.order(ScoreTable.concatenate(parts), by=settings.by)
    if not len(scores):
        raise SwapError(
            f"person {args.person}: expected faces in {', '.join(args.clips)}, found none; "
            "give other reference photos, or raise identify.threshold"
        )
    progress.say(f"sort {args.person}: {len(scores)} faces in {len(args.clips)} clips, by {settings.by}")
    store.write_table(args.out, scores, {"person": args.person, "by": settings.by})
    with store.open_archives(dict(zip(args.clips, args.archives, strict=True))) as archives:
        for remark in (remark for archive in archives.values() for remark in archive.remarks):
            progress.say(f"sort {args.person}: {remark}")
        there = store.held(archives, scores.clip, scores.id)  # the others were taken out by hand
        shown = sort.spread(scores.select(there), settings.sheet)
        crops = store.crops(archives, shown.clip, shown.id)
    captions = [sort.caption(shown, row, settings.by) for row in range(len(shown))]
    title = f"{args.person}: {len(scores)} faces by {settings.by}" + (
        f", {len(shown)} shown" if len(shown) < len(scores) else ""
    )
    store.write_picture(args.sheet, report.contact_sheet(crops, captions, title=title))
    store.write_bytes(args.lines, sort.lines(scores, args.person).encode())


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section sort",
            person="text: the person",
            clips="texts: the clips with this person, in the order of the files",
            frames="files: their frames.parquet",
            faces="files: their faces.parquet",
            people="files: their people.parquet",
            archives="files: their faces.zip",
            out="file: scores.parquet",
            sheet="file: sheet.jpg",
            lines="file: lines.yaml, a line per face in the same order, to copy into config/edits",
        ),
    )
