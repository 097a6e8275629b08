"""What each shot of a video does about the forehead above the mask, and which masks are worth painting by hand: forehead.json."""

from __future__ import annotations

import argparse
import itertools

import conversion
import cv2
import numpy as np
from common import arguments, run

from swapcore import align, config, convert, forehead, masks, progress, shots, store
from swapcore.passes.layers import spread
from swapcore.types import Face, FaceSet

BY_HAND = 20  # faces named at most
LOOKED = 256  # pixels a side at least, in which a forehead is looked at: finer than most models see it


def main(args):
    """Look at every parsed mask, and at some faces of each shot through the model; decide; say so."""
    settings = config.parse("forehead", args.forehead_settings)
    job = conversion.opened(argparse.Namespace(**vars(args), forehead=[]))
    faces = store.read_table(args.faces, FaceSet)[0]
    shot_of = dict(zip(job.frames.number.tolist(), job.frames.shot.tolist(), strict=True))
    rows = sorted((c.swap, shot_of[int(faces.frame[c.row])], c.row) for some in job.chosen.values() for c in some)
    groups = [(*key, [row for *_, row in some]) for key, some in itertools.groupby(rows, key=lambda one: one[:2])]
    models, said, raised, by_hand = job.models(), [], {}, []
    with store.FaceArchive(args.archives, clip=job.info.name) as archive:
        known = set(archive.ids())
        for swap, shot, some in progress.track(groups, len(groups), f"forehead {args.video}", unit="shots"):
            rows = np.array(some)[np.lexsort((faces.frame[some], faces.track[some]))]
            unsure, trusted = judged(job, faces, rows)
            fit = [row for row, good in zip(rows, trusted, strict=True) if good and faces.id[row] in known]
            fit = fit or [row for row in rows if faces.id[row] in known]
            wanted = np.unique(np.linspace(0, len(fit) - 1, settings.faces).round().astype(int)) if fit else []
            shown = [look(job, archive, faces, fit[k], swap, models[swap]) for k in wanted]
            looks = [one for one in shown if one is not None]
            chosen, why = shots.choose(looks, float(trusted.mean()), tone=settings.tone, wrinkles=settings.wrinkles)
            numbers = [int(n) for n in faces.frame[rows]]
            progress.say(f"forehead {args.video}: {swap}, frames {min(numbers)} to {max(numbers)}: {chosen}; {why}")
            said.append(
                {
                    "swap": swap,
                    "shot": int(shot),
                    "frames": [min(numbers), max(numbers)],
                    "faces": len(rows),
                    "looked_at": len(looks),
                    "chosen": chosen,
                    "why": why,
                }
            )
            raised.setdefault(swap, {}).update(levels(faces, rows, trusted, chosen))
            if looks and (chosen == "hairline" or shots.shows(looks, tone=settings.tone, wrinkles=settings.wrinkles)):
                by_hand += [
                    (float(u), int(faces.frame[row]), str(faces.id[row]))
                    for row, u, good in zip(rows, unsure, trusted, strict=True)
                    if not good
                ]
    wanted = [
        {"face": name, "frame": frame, "why": f"the forehead shows, and the parser is unsure of {100 * u:.0f} % of it"}
        for u, frame, name in sorted(by_hand, reverse=True)[:BY_HAND]
    ]
    for one in wanted[:3]:
        progress.say(f"forehead {args.video}: worth painting: config/edits/masks/{job.info.name}/{one['face']}.png")
    store.write_json(args.out, {"shots": said, "by_hand": wanted, "faces": raised})


def judged(job, faces, rows):
    """How unsure the hairline of each face is, and whether it is trusted: two (n,)."""
    unsure, area = np.ones(len(rows)), np.zeros(len(rows))
    for k, row in enumerate(rows):
        if (parsed := job.parsed(row)) is not None:
            points = align.transform(job.landmarks_xy[row], parsed.matrix)
            unsure[k], area[k] = shots.wavering(parsed, masks.forehead(points, size_hw=parsed.share.shape))
    trusted = np.zeros(len(rows), bool)
    for one in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(faces.track[rows])) + 1):
        trusted[one] = shots.sure(unsure[one], area[one], faces.frame[rows[one]])
    return unsure, trusted


def look(job, archive, faces, row, swap, predict):
    """What a face's forehead says, beside what the model makes of it; None where there is none."""
    trained, settings = job.trained[swap], job.settings
    side, span = trained["resolution"], trained["span"] / trained["coverage"]
    face = Face(job.landmarks_xy[row], swap, job.parsed(row))
    sizes = {"model": side, "seen": max(side, LOOKED)}
    places = {
        what: align.crop_matrix(face.landmarks_xy, size=size, span=span, centring=trained["centring"])
        for what, size in sizes.items()
    }
    crop, back = archive.crop(faces.id[row]), np.vstack([align.invert(faces.matrix[row]), (0, 0, 1)])
    cut = {what: align.warp(crop, m @ back, sizes[what]).astype(np.float32) / 255 for what, m in places.items()}
    swapped = convert.predicted(predict, cut["model"], swap)[..., :3]
    look = {key: getattr(settings, key) for key in ("mask", "colour", "relight")}
    made = convert.recoloured(swapped, cut["model"], face, places["model"], **look)
    size, matrix = sizes["seen"], places["seen"]
    here, to_frame = align.transform(face.landmarks_xy, matrix), align.invert(matrix)
    seen = forehead.region(here, face.parsed, to_frame, size_hw=(size, size))
    if seen is None:
        return None
    parsed = face.parsed._replace(matrix=face.parsed.matrix @ np.vstack([to_frame, (0, 0, 1)]))
    left, top, alpha = convert.face_alpha(
        Face(here, swap, parsed),
        np.eye(2, 3),
        side=size,
        span=span,
        frame_hw=(size, size),
        mask=settings.mask,
        erode=settings.erode,
        soften=settings.soften,
    )
    shown = cv2.resize(made, (size, size), interpolation=cv2.INTER_CUBIC)
    return shots.look(cut["seen"], shown, seen, spread(alpha, left, top, (size, size)))


def levels(faces, rows, trusted, chosen):
    """id -> [how far the mask is raised, how much the forehead is smoothed], of the faces where either is not 0."""
    if chosen == "smooth":
        return {str(faces.id[row]): [0.0, 1.0] for row in rows}
    if chosen == "calm":
        return {}
    found = {}
    for one in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(faces.track[rows])) + 1):
        raised = shots.faded(trusted[one], faces.frame[rows[one]])
        found |= {str(faces.id[row]): [round(float(r), 4), 0.0] for row, r in zip(rows[one], raised, strict=True) if r}
    return found


if __name__ == "__main__":
    options = {name: kind for name, kind in conversion.OPTIONS.items() if name != "forehead"}
    run(
        main,
        arguments(
            __doc__,
            **options,
            forehead_settings="text: JSON of the section forehead",
            archives="file: faces.zip of the clip",
            out="file: forehead.json",
        ),
    )
