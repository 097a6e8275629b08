"""One person's faces over all clips, scored and ordered: scores.parquet, a contact sheet, and lines to copy for edits."""

from __future__ import annotations

import numpy as np
from common import arguments, run

from swapcore import config, progress, report, sort, store
from swapcore.errors import SwapError
from swapcore.types import FaceSet, FrameTable, PeopleTable, ScoreTable

COLUMNS = 20  # of the sheet


def main(args):
    """Gather the person's faces, compare and order them, and draw the sheet."""
    settings = config.parse("sort", args.settings)
    parts, embeddings, like = [], [], None
    for row, clip in enumerate(args.clips):
        frames, faces, people = (
            store.read_table(paths[row], kind)[0]
            for paths, kind in ((args.frames, FrameTable), (args.faces, FaceSet), (args.people, PeopleTable))
        )
        rows = np.flatnonzero(people.person == args.person)
        parts.append(sort.gather(clip, rows, frames=frames, faces=faces, people=people))
        embeddings.append(faces.embedding[rows])
        if settings.like.startswith(f"{clip}/"):
            like = alike(settings.like, faces)
    scores = ScoreTable.concatenate(parts)
    if not len(scores):
        raise SwapError(
            f"person {args.person}: expected faces in {', '.join(args.clips)}, found none; "
            "give other reference photos, or raise identify.threshold"
        )
    if settings.like and like is None:
        progress.say(
            f"sort {args.person}: {settings.like} is in none of these clips, so similarity is to the mean face"
        )
    embedding = np.concatenate(embeddings)
    scores = sort.compare(scores, embedding, like=like, look_distance=settings.look_distance)
    scores = sort.order(scores, by=settings.by)
    said = [
        progress.counted(len(scores), "face"),
        "in " + progress.counted(len(args.clips), "clip"),
        "of " + progress.counted(scores.look.max(), "look"),
    ]
    progress.say(f"sort {args.person}: {' '.join(said)}, by {sort.words(settings.by)}")
    group = settings.group if settings.group != "none" or not settings.bins else "bins"
    store.write_table(args.out, scores, {"person": args.person, "by": settings.by, "group": group})
    store.write_picture(args.sheet, sheet(args, settings, scores))
    store.write_bytes(args.lines, sort.lines(scores, args.person).encode())


def alike(name, faces):
    """The embedding of the face that similarity compares with."""
    found = np.flatnonzero(faces.id == name.partition("/")[2])
    if not len(found):
        raise SwapError(
            f"sort.like: expected a face such as clip/000012_0, found no face {name}; look for it on a sheet"
        )
    return faces.embedding[found[0]]


def sheet(args, settings, scores):
    """The contact sheet: the faces that the archives hold, in groups, thinned out evenly."""
    with store.open_archives(dict(zip(args.clips, args.archives, strict=True))) as archives:
        for remark in (remark for archive in archives.values() for remark in archive.remarks):
            progress.say(f"sort {args.person}: {remark}")
        there = scores.select(store.held(archives, scores.clip, scores.id))  # the others were taken out by hand
        rows, count = {}, 0
        for name, part in sort.parted(there, by=settings.by, group=settings.group, bins=settings.bins):
            share = max(min(len(part), COLUMNS), round(settings.sheet * len(part) / max(len(there), 1)))
            shown = part[sort.spread_rows(np.arange(len(part)), share)]
            captions = [sort.caption(there, row, settings.by) for row in shown]
            crops = store.crops(archives, there.clip[shown], there.id[shown])
            rows[f"{name}: {progress.counted(len(part), 'face')}" if name else ""] = list(
                zip(crops, captions, strict=True)
            )
            count += len(shown)
    title = f"{args.person}: {progress.counted(len(scores), 'face')} by {sort.words(settings.by)}"
    title += f", {count} shown" if count < len(scores) else ""
    columns = min(COLUMNS, max(8, max((len(row) for row in rows.values()), default=0)))
    return report.groups(
        rows, title=title, legend=sort.legend(settings.by), tile=92, columns=columns, lines=settings.sheet
    )


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
