"""Whose face each of a clip's faces is: people.parquet."""

from __future__ import annotations

import numpy as np
from common import arguments, run

from swapcore import config, edits, identify, progress, store
from swapcore.types import FaceSet, KnownTable


def main(args):
    """Vote for each track; what was decided by hand goes first."""
    settings = config.parse("identify", args.settings)
    faces, meta = store.read_table(args.faces, FaceSet)
    known = store.read_table(args.known, KnownTable)[0].of_people()
    files = [edits.read(path.read_text(encoding="utf-8"), where=str(path), person=path.stem) for path in args.edits]
    people = identify.vote(
        faces,
        known,
        candidates=args.candidates,
        refused=args.refused,
        decided=edits.decided((t for file in files for t in file.identity), clip=args.clip, faces=faces),
        threshold=settings.threshold,
        margin=settings.margin,
    )
    counts = {name: int((people.person == name).sum()) for name in [*args.candidates, identify.NOBODY]}
    refused = people.nearest[people.by == "refused"]
    counts |= {f"refused: {name}": int((refused == name).sum()) for name in args.refused if name in refused}
    said = ", ".join(f"{number} {name or 'unknown'}" for name, number in counts.items())
    progress.say(f"identify {args.clip}: {len(faces)} faces: {said}")
    for line in doubts(people, settings.threshold):
        progress.say(f"identify {args.clip}: {line}")
    store.write_table(args.out, people, {"clip": meta["clip"], "counts": counts})


def doubts(people, threshold):
    """A line for each track that was given to one by hand and looks like another."""
    other = (people.by == "edit") & (people.person != "") & (people.person != people.nearest) & (people.margin < 0)
    for track in np.unique(people.track[other]):
        rows = np.flatnonzero(other & (people.track == track))
        who, nearest, nearer = people.person[rows[0]], people.nearest[rows[0]], -people.margin[rows[0]]
        if np.median(people.distance[rows]) - nearer <= threshold:
            yield f"track {track} is {who}'s by hand, but is nearer to {nearest} by {nearer:.2f}; is the line still right?"


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section identify",
            clip="text: the clip",
            candidates="texts: the people of this clip; only they are given",
            faces="file: faces.parquet of the clip",
            known="file: known.parquet",
            refused="texts: those who are to be left alone",
            edits="files: edits with lines about who is in this clip, if there are any",
            out="file: people.parquet",
        ),
    )
