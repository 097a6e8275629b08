"""A few frames of a video converted, for looking and tuning: preview.jpg."""

from __future__ import annotations

import conversion
import numpy as np
from common import arguments, run

from swapcore import config, label, masks, store, views
from swapcore.passes.layers import spread
from swapcore.types import FaceSet


def main(args):
    """Choose faces that differ, convert their frames alone, and draw them."""
    view = config.parse("preview", args.view)
    job = conversion.opened(args)
    faces = store.read_table(args.faces, FaceSet)[0]
    names = list(job.trained)
    changed = [c for frame in job.chosen.values() for c in frame]
    order = np.argsort([c.row for c in changed])
    rows = np.array([c.row for c in changed])[order]
    kinds = np.array([names.index(c.swap) for c in changed])[order]
    place = np.searchsorted(job.frames.number, faces.frame[rows]) / len(job.frames)
    shown = views.varied(faces, rows, kinds, count=view.frames, when=place)
    swap_of = {c.row: c.swap for c in changed}
    row_of = {int(faces.frame[row]): int(row) for row in shown}
    looks = [look(job, frame, faces, row_of[frame.number], swap_of) for frame in job.converted(set(row_of))]
    settings = job.settings
    title = f"{args.video}: synthetic, faces swapped with {label.TOOL}; a preview of {len(looks)} of {len(job.frames)} frames"
    legend = (
        f"convert: mask {masks.words(settings.mask)}, soften {settings.soften:g}, erode {settings.erode:g}, "
        f"colour {settings.colour}{', relit' if settings.relight else ''};  "
        + ",  ".join(f"{n}: {t['model']}, {t['resolution']} px, {t['steps']} steps" for n, t in job.trained.items())
    )
    store.write_picture(
        args.out,
        views.preview(looks, title=title, legend=legend, tile=view.tile),
        marks=conversion.marks("the video's provenance.json"),
    )


def look(job, frame, faces, row: int, swap_of: dict[int, str]) -> views.Look:
    """A converted frame, with a box around one of its faces."""
    height, width = job.layout.height, job.layout.width
    alpha = np.zeros((height, width), np.float32)
    for face in frame.faces:
        alpha = np.maximum(alpha, spread(face.alpha, face.left, face.top, (height, width)))
    middle = faces.box_xyxy[row].reshape(2, 2).mean(0)
    boxes = [(f.left, f.top, f.left + f.alpha.shape[1], f.top + f.alpha.shape[0]) for f in frame.faces]
    own = faces.box_xyxy[row].round().astype(int).tolist()
    box = min(boxes, key=lambda b: np.hypot(*(np.reshape(b, (2, 2)).mean(0) - middle)), default=own)
    at = np.searchsorted(job.frames.number, frame.number)
    seconds = float((int(job.frames.pts[at]) - int(job.frames.pts[0])) * job.info.time_base)
    caption = (
        f"frame {frame.number}, {seconds:.2f} s: {swap_of[row]}, yaw {faces.yaw[row]:+.0f}, {faces.size[row]:.0f} px"
    )
    return views.Look(
        before=views.on_screen(frame.before),
        after=views.on_screen(frame.after),
        alpha=alpha,
        box=tuple(box),
        caption=caption,
        sar=job.layout.sar,
    )


if __name__ == "__main__":
    run(
        main,
        arguments(__doc__, **conversion.OPTIONS, view="text: JSON of the section preview", out="file: preview.jpg"),
    )
