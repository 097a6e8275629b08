"""Who a clip's unknown faces might be: groups.jpg shows those that look alike together, groups.yaml names them."""

from __future__ import annotations

import numpy as np
from common import arguments, run

from swapcore import config, edits, identify, progress, report, store
from swapcore.types import FaceSet, PeopleTable

EXAMPLES = 12  # faces shown of each group
NAMED = 8  # numbers of tracks in a row's title, at most


def main(args):
    """Group the unknown faces, draw some of each group, and write the lines that give a group to somebody."""
    settings = config.parse("groups", args.settings)
    faces, meta = store.read_table(args.faces, FaceSet)
    people, _ = store.read_table(args.people, PeopleTable)
    found, left = identify.proposals(faces, people, threshold=settings.threshold)
    total = sum(len(group.rows) for group in found) + left
    said = f"{args.clip}: {total} of {len(faces)} faces are unknown"
    if found:
        said += f", in {len(found)} group{'s, each of' if len(found) > 1 else ','} which looks like one person"
    progress.say(f"groups {said}")
    titles = [title(group, faces, photos=meta["clip"].get("photos", False)) for group in found]
    rows = {}
    with store.FaceArchive(args.archives, clip=args.clip) as archive:
        there = np.isin(faces.id, archive.ids())  # the others were taken out by hand
        for group, words in list(zip(found, titles, strict=True))[: settings.rows]:
            shown = identify.spread(faces, group.rows[there[group.rows]], max_faces=EXAMPLES)
            captions = [f"{faces.id[row]}\ntrack {faces.track[row]}" for row in shown]
            rows[words] = list(zip([archive.crop(faces.id[row]) for row in shown], captions, strict=True))
    if len(found) > settings.rows:
        rows[f"and {len(found) - settings.rows} groups of fewer faces: groups.yaml has them all"] = []
    if left:
        rows[f"and {left} faces of tracks that are too many and too short to be grouped"] = []
    if not found:
        rows["there is nobody to name" if len(faces) else "no face was found in this clip"] = []
    store.write_picture(args.sheet, report.groups(rows, title=said, columns=EXAMPLES))
    text = [head(args.clip, said) if found else f"# {said}.\n"] + [
        f"---\n# {words}\nidentity:\n"
        + "".join(edits.line(args.clip, faces.id[r], faces.box_xyxy[r]) for r in group.heads)
        for group, words in zip(found, titles, strict=True)
    ]
    store.write_bytes(args.lines, "".join(text).encode())


def title(group, faces, *, photos):
    """A group in one line."""
    tracks = ", ".join(map(str, group.tracks[:NAMED])) + (", .." if len(group.tracks) > NAMED else "")
    numbers = faces.frame[group.rows]
    where = f"track{'s' * (len(group.tracks) > 1)} {tracks}, frames {numbers.min()} to {numbers.max()}"
    if photos:
        where = f"in {len(np.unique(numbers))} photos"
    like = f", nearest known: {group.nearest}, {group.distance:.2f} away" if group.nearest else ""
    return f"group {group.number}: {len(group.rows)} faces, {where}{like}"


def head(clip, said):
    """What groups.yaml begins with."""
    return (
        f"# {said}.\n"
        "# To name a group that groups.jpg shows:\n"
        "# 1. put the person into config.yaml, with a consent record;\n"
        f"# 2. in clips.tsv, add the name at clip {clip}, or put it in the place of ?, as lead or lead,double;\n"
        "# 3. copy the group's lines, with their heading, into config/edits/{person}.yaml, and run again.\n"
        "# Each line names a whole track by one of its faces.\n"
    )


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section groups",
            clip="text: the clip",
            faces="file: faces.parquet of the clip",
            people="file: people.parquet of the clip",
            archives="file: faces.zip of the clip",
            sheet="file: groups.jpg",
            lines="file: groups.yaml",
        ),
    )
