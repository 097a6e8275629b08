"""One person's faces over all clips, scored and ordered: scores.parquet, a contact sheet, and lines to copy for edits."""

from __future__ import annotations

import numpy as np
from common import arguments, run

from swapcore import config, progress, quality, report, sort, store
from swapcore.errors import SwapError
from swapcore.types import FaceSet, FrameTable, PeopleTable, ScoreTable


def main(args):
    """Gather the person's faces, look at each crop, order them, and draw the sheet."""
    settings = config.parse("sort", args.settings)
    parts = []
    for row, clip in enumerate(args.clips):
        frames, faces, people = (
            store.read_table(paths[row], kind)[0]
            for paths, kind in ((args.frames, FrameTable), (args.faces, FaceSet), (args.people, PeopleTable))
        )
        with store.FaceArchive(args.archives[row], clip=clip) as archive:
            rows, there = np.flatnonzero(people.person == args.person), set(archive.ids())
            exposure = [exposure_of(archive.png(name)) if name in there else np.nan for name in faces.id[rows]]
        for remark in archive.remarks:
            progress.say(f"sort {args.person}: {remark}")
        parts.append(sort.gather(clip, rows, np.array(exposure), frames=frames, faces=faces, people=people))
    scores = sort.order(ScoreTable.concatenate(parts), by=settings.by)
    if not len(scores):
        raise SwapError(
            f"person {args.person}: expected faces in {', '.join(args.clips)}, found none; "
            "give other reference photos, or raise identify.threshold"
        )
    progress.say(f"sort {args.person}: {len(scores)} faces in {len(args.clips)} clips, by {settings.by}")
    store.write_table(args.out, scores, {"person": args.person, "by": settings.by})
    with store.open_archives(dict(zip(args.clips, args.archives, strict=True))) as archives:
        there = store.held(archives, scores.clip, scores.id)  # the others were taken out by hand
        shown = sort.spread(scores.select(there), settings.sheet)
        crops = store.crops(archives, shown.clip, shown.id)
    captions = [sort.caption(shown, row, settings.by) for row in range(len(shown))]
    title = f"{args.person}: {len(scores)} faces by {settings.by}" + (
        f", {len(shown)} shown" if len(shown) < len(scores) else ""
    )
    store.write_picture(args.sheet, report.contact_sheet(crops, captions, title=title))
    store.write_bytes(args.lines, sort.lines(scores, args.person).encode())


def exposure_of(png):
    """Exposure of a face from its PNG alone: the crop, and the landmarks in its row."""
    row = store.face_row(png)
    about = (np.array(getattr(row, name), np.float32) for name in ("landmarks_xy", "box_xyxy", "matrix"))
    return quality.SCORES["exposure"](store.face_crop(png), *about)


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
