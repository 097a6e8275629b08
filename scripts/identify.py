"""Whose face each of a clip's faces is: people.parquet."""

from __future__ import annotations

from common import arguments, run

from swapcore import config, edits, identify, progress, store
from swapcore.errors import SwapError
from swapcore.types import FaceSet, References


def main(args):
    """Vote for each track; what was decided by hand goes first."""
    settings = config.parse("identify", args.settings)
    faces, meta = store.read_table(args.faces, FaceSet)
    known = {
        name: store.read_table(path, References)[0].embedding
        for name, path in zip(args.people, args.references, strict=True)
    }
    people = identify.vote(
        faces,
        known,
        candidates=args.candidates,
        decided=by_hand(args, faces),
        threshold=settings.threshold,
        margin=settings.margin,
    )
    counts = {name: int((people.person == name).sum()) for name in [*args.candidates, ""]}
    said = ", ".join(f"{number} {name or 'unknown'}" for name, number in counts.items())
    progress.say(f"identify {args.clip}: {len(faces)} faces: {said}")
    store.write_table(args.out, people, {"clip": meta["clip"], "counts": counts})


def by_hand(args, faces):
    """Row of a face -> person, from the lists `identity` of the edits."""
    decided = {}
    for path in args.edits:
        entries = edits.read(path.read_text(encoding="utf-8"), where=str(path)).identity
        for entry in (e for e in entries if e.clip == args.clip):
            if path.stem not in args.candidates:
                raise SwapError(
                    f"{entry.where}: {path.stem} is not among the people of clip {args.clip} "
                    f"({', '.join(args.candidates)}); add the name in clips.tsv, or delete this line"
                )
            row = edits.match(entry, ids=faces.id, boxes_xyxy=faces.box_xyxy)
            if decided.setdefault(row, path.stem) != path.stem:
                raise SwapError(
                    f"{entry.where}: face {entry.face} of clip {entry.clip} is also {decided[row]}'s; keep one"
                )
    return decided


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section identify",
            clip="text: the clip",
            candidates="texts: the people of this clip; only they are given",
            faces="file: faces.parquet of the clip",
            people="texts: everybody known, in the order of the references",
            references="files: their references.parquet",
            edits="files: edits with lines about who is in this clip, if there are any",
            out="file: people.parquet",
        ),
    )
