"""A video's passes for compositors in one form: swapped frames, faces alone, matte; and passes.json, which explains them."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import conversion
from common import arguments, run

from swapcore import __version__, ahead, label, passes, progress, store, video
from swapcore.types import FrameTable


def main(args):
    """Convert every frame once and write all passes of the form; the folder appears when it is whole."""
    form = passes.FORMS[args.form]
    job = conversion.opened(args)
    layout = job.layout
    light = passes.light_of(layout.transfer, rgb=layout.kind == "gbr", name=job.info.name) if form.light else None
    facts = passes.Facts(light=light, rate=job.info.rate, marks=conversion.marks("passes.json"))
    start = store.read_table(args.frames, FrameTable)[1]["start"]
    origin = int(job.frames.pts[0]) if start else 0  # as in the video: a clip cut at its front begins at 0
    done = progress.track(job.converted(), len(job.frames), f"{args.form} of {args.video}")
    frames = ((c.number, passes.Frame(c.after, passes.merged(c.faces))) for c in done)
    with store.atomic_folder(args.folder) as folder:
        if form.files:
            work = {name: functools.partial(sequence, folder, name, form, facts) for name in passes.PASSES}
        else:
            work = {name: functools.partial(movie, folder, name, form, job, origin) for name in passes.PASSES}
        made = dict(zip(work, ahead.shared(frames, list(work.values())), strict=True))
        store.write_json(folder / "passes.json", record(args, job, form, light, origin, made))


def sequence(
    folder: Path, name: str, form: passes.Form, facts: passes.Facts, frames: Iterator[tuple[int, passes.Frame]]
) -> dict[str, Any]:
    """Write one pass as a file a frame, numbered as the source's frames are; its row of passes.json."""
    (folder / name).mkdir()
    digest = hashlib.sha256()
    for number, frame in frames:
        path = folder / name / f"{name}.{number:06d}{form.suffix}"
        data = form.files[name](frame, facts)
        path.write_bytes(data)
        digest.update(f"{path.name}\n{hashlib.sha256(data).hexdigest()}\n".encode())
    return {"files": f"{name}/{name}.%06d{form.suffix}", "sha256": digest.hexdigest()}


def movie(
    folder: Path,
    name: str,
    form: passes.Form,
    job: conversion.Conversion,
    origin: int,
    frames: Iterator[tuple[int, passes.Frame]],
) -> dict[str, Any]:
    """Write one pass as a movie with the source's times; its row of passes.json."""
    stream, rate = form.streams[name](job.layout), job.info.rate
    path, plain = folder / f"{name}{form.suffix}", folder / f"{name}.plain{form.suffix}"
    samples = (stream.samples(frame) for _, frame in frames)
    marks = conversion.marks("passes.json")
    tags = {"given": stream.given, "made": stream.made, "options": stream.options}
    video.encode_samples(plain, samples, rate=rate, metadata=marks, **tags)
    said = label.metadata(
        producer=job.labels.producer,
        content_sha256=video.content_digest(plain),
        record=marks | (label.note_record(**job.note()) if name == "swapped" else {}),
    )
    times, base = job.frames.pts - origin, job.info.time_base
    last = int(times[-1] - times[-2]) if len(times) > 1 else max(1, round(1 / (rate * base)))
    video.retime(path, video=plain, pts=times, time_base=base, last=last, metadata=said)
    plain.unlink()
    return {"file": path.name, "sha256": store.sha256(path), "pix_fmt": stream.made.pix_fmt}


def record(args, job, form, light, origin, made) -> dict[str, Any]:
    """What passes.json says: what the files are, how they are to be read, and what made them."""
    layout, frames = job.layout, job.frames
    swaps = [
        {**swap, **{k: t[k] for k in ("model", "resolution", "steps", "weights") if k in t}}
        for swap, t in ((swap, job.trained[swap["name"]]) for swap in json.loads(args.swaps))
    ]
    meta = store.read_table(args.frames, FrameTable)[1]
    return {
        "format": "swapcore passes 1",
        "synthetic": True,
        "tool": {"name": "Swapcore", "version": __version__},
        "marks": conversion.marks("passes.json"),
        "video": args.video,
        "form": {"name": args.form, "is": form.words, **({"light": light.words} if light else {})},
        "passes": {name: {"is": about, **made[name]} for name, about in passes.PASSES.items()},
        "source": {
            key: getattr(layout, key)
            for key in ("width", "height", "pix_fmt", "matrix", "primaries", "transfer", "full_range")
        }
        | {"sar": str(layout.sar)},
        "times": {
            "first_frame": int(frames.number[0]),
            "last_frame": int(frames.number[-1]),
            "rate": str(job.info.rate),
            "time_base": str(job.info.time_base),
            "pts": (frames.pts - origin).tolist(),
        },
        "note": job.note(),
        "clip": {"name": job.info.name, "sha256": meta["sha256"], "start": meta["start"], "end": meta["end"]},
        "swaps": swaps,
        "consents": json.loads(args.consents),
        "settings": {"convert": json.loads(args.settings), "label": json.loads(args.label_settings)},
    }


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            **conversion.OPTIONS,
            consents="text: JSON {person: consent record}",
            form="text: a row of passes.FORMS",
            folder="file: the folder to make",
        ),
    )
