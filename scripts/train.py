"""A swap's model: trained until its budget is spent or its quality stops rising, going on from its state."""

from __future__ import annotations

import json

from common import arguments, run

from swapcore import config, store
from swapcore.train import Faces, Outputs, Start, train
from swapcore.types import DatasetTable


def main(args):
    """Load both datasets and train."""
    hints = json.loads(args.hints).get(args.swap, {})
    archives = dict(zip(args.clips, args.archives, strict=True))
    masks = dict(zip(args.clips, args.masks, strict=True)) if args.masks else {}

    def faces(person, table, about):
        about = store.read_json(about)
        facts = {key: about[key] for key in ("digest", "size", "centring", "span")}
        facts |= {"table": store.read_table(table, DatasetTable)[0], "archives": archives, "masks": masks}
        return Faces(person=person, **facts)

    train(
        args.swap,
        faces(args.source, args.source_dataset, args.source_json),
        faces(args.target, args.target_dataset, args.target_json),
        settings=config.parse("train", json.dumps({**json.loads(args.settings), **hints})),
        state=args.state,
        start=Start(*args.start) if args.start else None,
        outputs=Outputs(args.out, args.weights, args.curve, args.quality, args.preview),
    )


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section train",
            hints="text: JSON of its hints, by swap",
            swap="text: the swap's name",
            source="text: whose face appears",
            target="text: who is changed",
            source_dataset="file: dataset.parquet of the source",
            target_dataset="file: dataset.parquet of the target",
            source_json="file: dataset.json of the source",
            target_json="file: dataset.json of the target",
            clips="texts: names of the clips that the faces are from",
            archives="files: faces.zip of those clips, in the same order",
            masks="files: masks.zip of those clips, where settings' mask wants what was parsed",
            start="files: trained.json and weights.h5 of the swap to begin with, or none",
            state="file: folder of the states of all swaps",
            out="file: trained.json",
            weights="file: weights.h5",
            curve="file: picture of the losses",
            quality="file: picture of the measured quality beside the losses",
            preview="file: preview sheet",
        ),
    )
