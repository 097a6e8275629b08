"""A video's frames with its swaps' faces in them, and the visible note: composite.mkv."""

from __future__ import annotations

import json

from common import arguments, run

from swapcore import config, convert, label, progress, store, video
from swapcore.types import ClipInfo, DecisionTable, Face, FaceSet, FrameTable, PeopleTable


def main(args):
    """Check that everything fits, then decode, convert and encode frame by frame."""
    settings, labels = config.parse("convert", args.settings), config.parse("label", args.label_settings)
    swaps = json.loads(args.swaps)
    frames, meta = store.read_table(args.frames, FrameTable)
    info = ClipInfo.from_json(meta["clip"])
    faces, people = store.read_table(args.faces, FaceSet)[0], store.read_table(args.people, PeopleTable)[0]
    names = [swap["name"] for swap in swaps]
    trained = dict(zip(names, (store.read_json(path) for path in args.trained), strict=True))
    weights = dict(zip(names, args.weights, strict=True))
    decisions = dict(zip(names, (store.read_table(p, DecisionTable)[0] for p in args.decisions), strict=True))
    for swap in swaps:
        convert.check_trained(trained[swap["name"]], swap, weights_sha256=store.sha256(weights[swap["name"]]))
    chosen = convert.choose(faces, people, decisions, swaps, clip=info.name)
    marks = faces.landmarks_smooth_xy
    note = {"mode": labels.note, "seconds": labels.note_seconds}
    noted = set(frames.number[label.covers(frames.pts, time_base=info.time_base, **note)].tolist())

    from swapcore import models  # loads TensorFlow: only when all else is known to fit

    predict = {name: models.predictor(trained[name], weights[name]) for name in names}
    look = {
        "resolution": {name: t["resolution"] for name, t in trained.items()},
        "centring": {name: t["centring"] for name, t in trained.items()},
        "span": {name: t["span"] / t["coverage"] for name, t in trained.items()},
        **{key: getattr(settings, key) for key in ("mask", "erode", "soften", "colour")},
    }

    def converted():
        pictures = video.decode(args.path, frames, info)
        for number, frame_bgr in progress.track(pictures, len(frames), f"convert {args.video}"):
            frame_bgr = convert.convert_frame(
                frame_bgr, [Face(marks[c.row], c.swap) for c in chosen.get(number, [])], predict, **look
            )
            yield label.note(frame_bgr, labels.note_text) if number in noted else frame_bgr

    with store.atomic(args.out) as temporary:
        video.encode(
            temporary,
            converted(),
            width=info.width,
            height=info.height,
            rate=info.rate,
            crf=settings.encoder.crf,
            preset=settings.encoder.preset,
            colour=video.colour(args.path, name=info.name),
            metadata=label.marks() | label.note_record(text=labels.note_text, **note),
        )


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section convert",
            label_settings="text: JSON of the section label",
            video="text: the video's name",
            path="file: the clip",
            frames="file: frames.parquet of the clip",
            faces="file: faces.parquet of the clip",
            people="file: people.parquet of the clip",
            swaps="text: JSON list of {name, source, target}",
            trained="files: trained.json of each swap, in this order",
            weights="files: weights.h5 of each swap",
            decisions="files: decisions.parquet of each swap's target",
            out="file: composite.mkv",
        ),
    )
