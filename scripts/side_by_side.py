"""A video's original, swapped and mask side by side, with the source's times and sound: side_by_side.mp4."""

from __future__ import annotations

import conversion
from common import arguments, run

from swapcore import ahead, config, label, progress, store, video, views
from swapcore.passes.layers import merged, spread
from swapcore.types import FrameTable


def main(args):
    """Convert every frame, draw the three, encode, and lay the source's times and sound under it."""
    view = config.parse("side_by_side", args.view)
    job = conversion.opened(args)
    layout, info = job.layout, job.info
    wide, high, whole = views.beside_size(layout.width, layout.height, layout.sar, most=view.height)
    start = store.read_table(args.frames, FrameTable)[1]["start"]
    plain = args.out.with_name(f".{args.out.stem}.plain.mkv")

    def drawn():
        for frame in progress.track(job.converted(), len(job.frames), f"side by side {args.video}"):
            layer = merged(frame.faces)
            alpha = spread(layer.alpha, layer.left, layer.top, (layout.height, layout.width))
            before, after = views.on_screen(frame.before), views.on_screen(frame.after)
            yield views.beside(before, after, alpha, size_wh=(wide, high))

    try:
        video.encode(
            plain,
            ahead.ahead(drawn()),
            width=whole,
            height=high + views.BAR,
            rate=info.rate,
            crf=view.crf,
            preset="veryfast",
            colour=views.screen_colour(layout),
            metadata=label.marks(),
        )
        said = label.metadata(
            producer=job.labels.producer,
            content_sha256=video.content_digest(plain),
            record=conversion.marks("the video's provenance.json") | label.note_record(**job.note()),
        )
        origin = int(job.frames.pts[0]) if start else 0
        what = {"frames": job.frames, "info": info, "metadata": said, "origin": origin}
        with store.atomic(args.out) as temporary:
            left_out = video.mux(temporary, videos=[plain], source=args.path, audio=True, **what)
        for line in left_out:
            progress.say(f"side by side {args.video}: not in the MP4: {line}")
    finally:
        plain.unlink(missing_ok=True)


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__, **conversion.OPTIONS, view="text: JSON of the section side_by_side", out="file: side_by_side.mp4"
        ),
    )
