"""The frame table of a clip: which frames it has, and when each is shown."""

from __future__ import annotations

import json
from fractions import Fraction

from common import arguments, run

from swapcore import config, progress, store, video


def main(args):
    """Index the clip and save the table."""
    settings = config.parse("frames", args.settings)
    span = json.loads(args.range)
    frames, info = video.index(
        args.path,
        name=args.clip,
        start=span["start"],
        end=span["end"],
        shot_threshold=settings.shot_threshold,
        duplicate_threshold=settings.duplicate_threshold,
        rate=Fraction(span["rate"]) if span["rate"] else None,
    )
    if args.path.is_file() and (unfit := video.unfit(args.path, name=args.clip)):
        progress.say(
            f"frames {args.clip}: no MP4 can hold {', '.join(unfit)} of {args.path.name}: it can be learnt from, but a video "
            f"of it would fail at its end; convert the sound: ffmpeg -i {args.path.name} -map 0 -c copy -c:a aac new.mkv"
        )
    store.write_table(args.out, frames, {"clip": info.to_json(), **span, "sha256": store.sha256(args.path)})


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section frames",
            clip="text: the clip's name",
            path="file: a video, a folder of photos, or of an image sequence",
            range='text: JSON {"start": seconds or null, "end": seconds or null, "rate": "24", or "" for all but sequences}',
            out="file: frames.parquet",
        ),
    )
