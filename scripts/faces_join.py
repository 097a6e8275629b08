"""A long clip's faces.parquet and faces.zip, from those of its segments."""

from __future__ import annotations

import contextlib

import faces
from common import arguments, run

from swapcore import extract, store, video
from swapcore.types import ClipInfo, FaceSet, FrameTable


def main(args):
    """Join the tracks, drop the margins, steady the landmarks; the pictures are copied as they are."""
    frames, meta = store.read_table(args.frames, FrameTable)
    found = [store.read_table(path, FaceSet)[0] for path in args.tables]
    own = [span.numbers(frames) for span in video.segments.spans(frames, len(found))]
    parts = extract.joined(found, own)
    with contextlib.ExitStack() as stack:
        archives = [stack.enter_context(store.FaceArchive(path, clip=args.clip)) for path in args.archives]
        store.write_archive(args.archive, pictures(parts, found, archives))
    faces.write(args, frames, ClipInfo.from_json(meta["clip"]), extract.table(parts))


def pictures(parts, found, archives):
    """(id, PNG) of each face, whose row says the clip's number of its track."""
    for part, before, archive in zip(parts, found, archives, strict=True):
        was = dict(zip(before.id.tolist(), before.track.tolist(), strict=True))
        for name, track in zip(part.id.tolist(), part.track.tolist(), strict=True):
            png = archive.png(name)
            yield name, png if track == was[name] else store.with_track(png, track)


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings=faces.OPTIONS["settings"],
            clip=faces.OPTIONS["clip"],
            path=faces.OPTIONS["path"],
            frames=faces.OPTIONS["frames"],
            tables="files: the segments' tables, in order",
            archives="files: their archives",
            faces=faces.OPTIONS["faces"],
            archive=faces.OPTIONS["archive"],
        ),
    )
