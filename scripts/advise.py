"""What a swap's dataset lacks, before any training: advice.json and advice.html."""

from __future__ import annotations

from dataclasses import asdict

import cv2
import numpy as np
from common import arguments, run

from swapcore import advice, clean, config, edits, progress, store
from swapcore.errors import SwapError
from swapcore.pages import advice as page
from swapcore.types import DecisionTable, ScoreTable

DROPPED = 16  # faces shown of those to drop
SIDE = 128  # of the thumbnails, pixels
RANGES = ("yaw", "pitch", "roll", "mouth_open", "eyes_open", "exposure", "contrast", "sharpness", "size")
PERCENTILES = (2, 25, 50, 75, 98)


def main(args):
    """Compare what the target does in the videos with what the source was seen to do, and write it down."""
    settings = config.parse("advise", args.settings)
    people = {
        name: (store.read_table(scores, ScoreTable)[0], store.read_table(decisions, DecisionTable)[0])
        for name, scores, decisions in (
            (args.source, args.source_scores, args.source_decisions),
            (args.target, args.target_scores, args.target_decisions),
        )
    }
    scores, decisions = people[args.source]
    source = scores.select(decisions.use_train)
    scores, decisions = people[args.target]
    target = scores.select(decisions.use_swap & np.isin(scores.clip, args.target_clips))
    if not len(target):
        raise SwapError(
            f"swap {args.swap}: expected faces of {args.target} to swap in {', '.join(args.target_clips)}, found none; "
            f"correct the clips' people in clips.tsv, or take rejects back in config/edits/{args.target}.yaml"
        )
    found = advice.advise(source, target, names=(args.source, args.target), settings=settings)
    points = advice.points(target)
    dropped = {}
    for name, (scores, decisions) in people.items():
        kept = decisions.reason == clean.KEPT
        needed = points if name == args.source else advice.points(scores.select(decisions.use_train))
        dropped[name] = advice.drops(scores, decisions.use_train, kept, needed=needed, settings=settings)
    told = {
        "swap": args.swap,
        "source": args.source,
        "target": args.target,
        "clips": list(args.target_clips),
        "frames": found.frames,
        "faces": len(source),
        "covered": found.covered,
        "mirrored": found.mirrored,
        "missing": found.missing,
        "radius": settings.radius,
        "verdict": found.verdict,
        "findings": [
            {key: value for key, value in asdict(finding).items() if key != "rows"}
            | {"examples": [f"{target.clip[row]}/{target.id[row]}" for row in finding.rows]}
            for finding in found.findings
        ],
        "ranges": {name: {args.source: spread(source, name), args.target: spread(target, name)} for name in RANGES},
        "drop": {name: [entry(people[name][0], *row) for row in rows] for name, rows in dropped.items()},
    }
    progress.say(f"advise {args.swap}: {found.verdict}")
    for finding in found.findings[:3]:
        progress.say(f"advise {args.swap}: {finding.words} {finding.do}")
    store.write_json(args.json, told)
    lines = {name: text(people[name][0], rows) for name, rows in dropped.items()}
    with store.open_archives(dict(zip(args.clips, args.archives, strict=True))) as archives:
        there = {clip: set(archive.ids()) for clip, archive in archives.items()}

        def thumb(scores, row):
            """A face, small; None where it was taken out of its archive."""
            clip, name = scores.clip[row], scores.id[row]
            return (
                cv2.resize(archives[clip].crop(name), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
                if name in there[clip]
                else None
            )

        html = page.build(
            told,
            source=advice.points(source),
            target=points,
            kinds=np.where(
                found.coverage.own <= settings.radius, 0, np.where(found.coverage.mirrored <= settings.radius, 1, 2)
            ),
            examples={
                f.what: list(pairs(f.rows, found.coverage.nearest, source, target, thumb)) for f in found.findings
            },
            dropped={
                name: [(face, why) for row, why in rows[:DROPPED] if (face := thumb(people[name][0], row)) is not None]
                for name, rows in dropped.items()
            },
            lines=lines,
        )
    store.write_bytes(args.page, html.encode())


def pairs(rows, nearest, source, target, thumb):
    """Of some rows of the target: the face, the most similar of the source, and where it is from."""
    for row in rows:
        face = thumb(target, row)
        if face is not None:
            near = thumb(source, nearest[row]) if nearest[row] >= 0 else None
            yield face, near, f"{target.clip[row]}, frame {target.frame[row]}"


def spread(faces, name):
    """What a score's values are, as percentiles."""
    values = np.percentile(getattr(faces, name), PERCENTILES) if len(faces) else []
    return {str(p): round(float(v), 2) for p, v in zip(PERCENTILES, values, strict=False)}


def entry(scores, row, why):
    """A face to drop, as JSON."""
    box = [round(float(v)) for v in scores.box_xyxy[row]]
    return {"clip": scores.clip[row], "face": scores.id[row], "box": box, "why": why}


def text(scores, rows):
    """The faces to drop as config/edits takes them; "" for none."""
    lines = [f"  # {why}\n  {edits.line(scores.clip[row], scores.id[row], scores.box_xyxy[row])}" for row, why in rows]
    return "swap_only:\n" + "".join(lines) if lines else ""


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section advise",
            swap="text: the swap's name",
            source="text: whose face appears",
            target="text: who is changed",
            source_scores="file: scores.parquet of the source",
            source_decisions="file: decisions.parquet of the source",
            target_scores="file: scores.parquet of the target",
            target_decisions="file: decisions.parquet of the target",
            target_clips="texts: the clips in which the target will be swapped",
            clips="texts: the clips of both, in the order of the archives",
            archives="files: their faces.zip",
            json="file: advice.json",
            page="file: advice.html",
        ),
    )
