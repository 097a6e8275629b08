"""The finished video: the composite's picture with the source's times and sound, labelled; and its provenance.json."""

from __future__ import annotations

import json
from pathlib import Path

from common import arguments, run

from swapcore import config, label, progress, store, video
from swapcore.label import certificates, credentials
from swapcore.types import ClipInfo, FrameTable

LATE = 10.0  # seconds: a first frame that is later is said


def main(args):
    """Check the composite's note, write the video, say what made it, and sign both: nothing touches the file after that."""
    settings = config.parse("label", args.settings)
    shown = {"mode": settings.note, "text": settings.note_text, "seconds": settings.note_seconds}
    identity = certificates.chosen(settings, state=args.state)
    frames, meta = store.read_table(args.frames, FrameTable)
    info = ClipInfo.from_json(meta["clip"])

    covered = label.covers(frames.pts, time_base=info.time_base, mode=settings.note, seconds=settings.note_seconds)
    looked = label.looked_at(covered)
    composites = dict(zip(args.composite, video.segments.spans(frames, len(args.composite)), strict=True))
    composites = {path: span for path, span in composites.items() if span.first < span.after}
    for path, span in composites.items():
        label.check_record(video.read_metadata(path), **shown, where=str(path))
        own, table = {k - span.first for k in looked}, video.made(frames.select(slice(*span)))
        label.check_picture(video.decode(path, table, info, wanted=own), text=settings.note_text, where=str(path))

    content = video.content_digest(*composites)
    metadata = label.metadata(producer=settings.producer, content_sha256=content, record=label.note_record(**shown))
    origin = int(frames.pts[0]) if meta["start"] is not None else 0  # a clip cut at its front begins at 0
    if (begin := float((int(frames.pts[0]) - origin) * info.time_base)) > LATE:
        progress.say(
            f"label {args.video}: its first frame is at {begin:.1f} s, as in {args.path.name}; players may show nothing "
            "until then. To let it begin at 0, give the clip `start` 0 in clips.tsv"
        )
    if damage := video.damage.line(frames, info.time_base):
        progress.say(f"label {args.video}: {args.path.name}: {damage}")
    what = {"frames": frames, "info": info, "metadata": metadata, "origin": origin}
    swaps = json.loads(args.swaps)
    trained = {swap["name"]: store.read_json(path) for swap, path in zip(swaps, args.trained, strict=True)}
    unsigned = args.out.with_name(".unsigned.mp4")
    try:
        with store.atomic(args.out) as temporary:
            left_out = video.mux(unsigned, videos=list(composites), source=args.path, audio=True, **what)
            for line in left_out:
                progress.say(f"label {args.video}: not in the MP4: {line}")
            about = {"name": args.video, "file": args.out.name, "sha256": "", "content_sha256": content}
            made = label.provenance(
                **what,
                video={**about, "sound_sha256": video.sound_digests(unsigned)},
                clip={
                    "name": info.name,
                    **label.input_record(args.path),
                    "start": meta["start"],
                    "end": meta["end"],
                    "left_out": left_out,
                    "damage": video.damage.summary(frames, info.time_base),
                },
                swaps=swaps,
                trained=trained,
                consents=json.loads(args.consents),
                note={**shown, "reason": settings.note_reason},
                settings=_recorded(json.loads(args.config)),
                inputs=[label.input_record(path) for path in dict.fromkeys([*args.trained, *args.inputs])],
                credentials=credentials.facts(identity),
            )
            credentials.sign(unsigned, temporary, credentials.manifest(made), identity)
            made["video"]["sha256"] = store.sha256(temporary)  # the one thing that the signature cannot hold
            store.write_json(args.provenance, made)  # first: no video stands anywhere without its sidecar
    finally:
        unsigned.unlink(missing_ok=True)
    if identity.self_made:
        progress.say(
            f"label {args.video}: signed with {credentials.UNTRUSTED}; see label.certificate in docs/settings.md"
        )


def _recorded(settings):
    """All settings; where somebody keeps certificates and keys is nobody's business."""
    own = settings.get("label", {})
    names = {key: Path(own[key]).name for key in ("certificate", "key") if own.get(key)}
    return {**settings, "label": {**own, **names}} if names else settings


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section label",
            video="text: the video's name",
            path="file: the clip",
            frames="file: frames.parquet of the clip",
            composite="files: composite.mkv, or those of the segments of a long clip, in order",
            swaps="text: JSON list of {name, source, target}",
            trained="files: trained.json of each swap",
            consents="text: JSON {person: consent record}",
            config="text: JSON of all settings that made it",
            inputs="files: what else is recorded with its digest; of a frames.parquet its clip's",
            state="file: folder of the states, where a self-made certificate is kept",
            out="file: video.mp4",
            provenance="file: provenance.json",
        ),
    )
