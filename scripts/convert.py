"""A video's frames with its swaps' faces in them, and the visible note: composite.mkv."""

from __future__ import annotations

import conversion
from common import arguments, run

from swapcore import ahead, label, progress, store, video


def main(args):
    """Check that everything fits, then decode, convert and encode at the same time, frame by frame."""
    job = conversion.opened(args)
    done = progress.track(job.converted(), len(job.frames), f"convert {args.video}")
    encoder = job.settings.encoder
    with store.atomic(args.out) as temporary:
        video.encode_pictures(
            temporary,
            ahead.ahead(frame.after for frame in done),
            layout=job.layout,
            rate=job.info.rate,
            codec=encoder.codec,
            crf=encoder.crf,
            preset=encoder.preset,
            metadata=label.marks() | label.note_record(**job.note()),
        )


if __name__ == "__main__":
    run(main, arguments(__doc__, **conversion.OPTIONS, out="file: composite.mkv"))
