"""Whether a finished video holds what it claims: its credentials, its note, its picture, sound and provenance.json."""

from __future__ import annotations

from common import arguments, run

from swapcore import progress, store
from swapcore.errors import SwapError
from swapcore.label.verify import faults, verify


def main(args):
    """Write what was found; what does not hold is a line each, and no file."""
    found = verify(args.video_file, args.provenance)
    wrong = faults(found)
    for text in wrong[1:]:
        progress.say(f"verify {args.video}: {text}")
    if wrong:
        raise SwapError(
            f"{args.video_file}: {wrong[0]}; delete it and run snakemake again, if you did not change it and do not know why"
        )
    store.write_json(
        args.out,
        {
            "video": args.video,
            "holds": True,
            "sha256": store.sha256(args.video_file),
            "provenance_sha256": store.sha256(args.provenance),
            "says": [finding.text for finding in found if finding.kind == "says"],
            "notices": [finding.text for finding in found if finding.kind == "notice"],
        },
    )


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            video="text: the video's name",
            video_file="file: video.mp4",
            provenance="file: provenance.json",
            out="file: verified.json",
        ),
    )
