"""The faces a person is trained from: dataset.parquet, dataset.json, and a picture of what they cover."""

from __future__ import annotations

import collections
import hashlib

import numpy as np
from common import arguments, run

from swapcore import clean, config, dataset, detect, edits, progress, report, store
from swapcore.errors import SwapError
from swapcore.types import DecisionTable, ScoreTable


def main(args):
    """Choose among the faces that may train, and describe the choice."""
    settings = config.parse("dataset", args.settings)
    scores, decisions = store.read_table(args.scores, ScoreTable)[0], store.read_table(args.decisions, DecisionTable)[0]
    if not decisions.use_train.any():
        dropped = clean.dropped(decisions)
        reasons = ", ".join(f"{number} {reason}" for reason, number in dropped.items())
        raise SwapError(
            f"person {args.person}: no face is left to train from ({reasons}); {clean.remedy(dropped, args.person)}"
        )
    boxes = dict(zip(zip(scores.clip, scores.id, strict=True), scores.box_xyxy, strict=True))
    geometries = collections.defaultdict(collections.Counter)  # size, centring, span -> clips with such crops
    with store.open_archives(dict(zip(args.clips, args.archives, strict=True))) as archives:

        def digest_of(clip, name):
            png = archives[clip].png(name)
            row = store.face_row(png)
            if detect.overlap(np.array(row.box_xyxy), boxes[clip, name])[0, 0] < edits.SAME_FACE:
                raise SwapError(
                    f"{archives[clip].path}: face {name} is at another place than in the clip's table, as in an older archive; "
                    "put the newer one back, or delete it and run snakemake again"
                )
            geometries[row.size, row.centring, row.span][clip] += 1
            return hashlib.sha256(png).hexdigest()

        table = dataset.build(scores, decisions, most=settings.max_faces, digest_of=digest_of)
    size, centring, span = dataset.one_geometry(geometries, person=args.person)
    clips, numbers = np.unique(table.clip.astype(str), return_counts=True)
    words = dataset.in_words(table)
    summary = {
        "person": args.person,
        "faces": len(table),
        "digest": dataset.digest(table),
        "clips": {str(clip): int(number) for clip, number in zip(clips, numbers, strict=True)},
        "size": size,
        "centring": centring,
        "span": span,
        "words": words,
        "coverage": dataset.coverage(table),
    }
    progress.say(f"dataset {args.person}: {words}")
    store.write_table(args.out, table, {"person": args.person, "digest": summary["digest"]})
    store.write_json(args.json, summary)
    chosen = set(zip(table.clip, table.id, strict=True))
    mine = scores.select(np.array([key in chosen for key in zip(scores.clip, scores.id, strict=True)]))
    store.write_bytes(args.coverage, report.coverage_picture(table, mine, title=f"{args.person}: {words}"))


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section dataset",
            person="text: the person",
            scores="file: scores.parquet",
            decisions="file: decisions.parquet",
            clips="texts: the clips with this person, in the order of the archives",
            archives="files: their faces.zip",
            out="file: dataset.parquet",
            json="file: dataset.json",
            coverage="file: coverage.png",
        ),
    )
