"""What is known of a person's face: references.parquet, from photos, or from clips: alone in them, or named by hand."""

from __future__ import annotations

from collections import Counter

import numpy as np
from common import arguments, run

from swapcore import config, detect, edits, embedding, identify, nets, progress, store
from swapcore.errors import SwapError
from swapcore.types import ClipInfo, FaceSet, References

SIZES = (512, 1024, 2048)  # photos are looked at larger where a smaller copy shows no face, longer side in pixels
SIMILAR = 0.6  # share of the largest face's width from which another face of a photo may be the one that is meant
SURE_SCORE = 0.3  # a second face needs this score of the detector
FITS = 0.4  # overlap of a detector's box with that of the landmarks, else it is no face


def main(args):
    """Embed the person's face of each photo, or choose among the faces of the clips."""
    settings = config.parse("references", args.settings)
    if args.photos:
        found = from_photos(args)
    elif args.edits:
        found = from_tracks(args, settings)
    else:
        found = from_clips(args, settings)
    progress.say(
        f"references {args.person}: {progress.counted(len(found), 'face')} of "
        f"{progress.counted(len(args.photos) or len(args.faces), 'file')}"
    )
    store.write_table(args.out, found, {"person": args.person})


def from_photos(args):
    """One face of each photo: the only large one, or that which is in the other photos too."""
    detectors = [detect.DETECTORS["cnn"](detect_size=size, min_score=0.0) for size in SIZES]  # profiles too
    fit, session = detect.fitter(nets.model_path("landmarks")), nets.identity_session(threads=0)
    photos = [faces_of(store.read_picture(path), detectors, fit, session) for path in args.photos]
    if empty := [str(path) for path, faces in zip(args.photos, photos, strict=True) if not len(faces)]:
        which = f"found none in {len(empty)} of {len(photos)}: {named(empty)}"
        raise SwapError(
            f"person {args.person}: expected a face in each photo, {which}; "
            "give photos in which the face is large, upright and uncovered, or remove them"
        )
    chosen = identify.same_in_all(photos)
    for path, faces, row in zip(args.photos, photos, chosen, strict=True):
        if row is None:
            others = "there is no other photo to tell" if len(photos) == 1 else "the other photos do not tell"
            raise SwapError(
                f"person {args.person}: photo {path} shows {len(faces)} faces of similar size, and {others} which is "
                f"{args.person}'s; crop it to that face, or remove it"
            )
    embeddings = np.array([faces[row] for faces, row in zip(photos, chosen, strict=True)])
    # a warning, no error: a child's photo or a heavy beard may be meant
    odd = identify.odd_one(embeddings)
    if odd is not None:
        progress.say(
            f"references {args.person}: {args.photos[odd]} hardly resembles the others; is it the same person?"
        )
    return References(origin=np.array([path.name for path in args.photos], object), embedding=embeddings)


def faces_of(photo_bgr, detectors, fit, session):
    """The embeddings (k, 128) of a photo's faces that are about as large as its largest."""
    boxes, scores = next((found for look in detectors if len((found := look(photo_bgr))[0])), ((), ()))
    gray, kept = detect.grey(photo_bgr), []
    for box, score in zip(boxes, scores, strict=True):
        landmarks_xy = detect.locate(gray, box, fit)
        fits = detect.overlap(detect.box_around(landmarks_xy), box)[0, 0] >= FITS
        if not kept or (fits and score >= SURE_SCORE):
            kept.append((box[2] - box[0], landmarks_xy))
    large = [marks for width, marks in kept if width >= SIMILAR * max(width for width, _ in kept)]
    return embedding.embed(photo_bgr, np.array(large), session)


def named(paths):
    """Some of many, in words."""
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")


def from_clips(args, settings):
    """The faces of the one person whom most faces show."""
    faces, clips, names = read(args)
    if not len(faces):
        raise SwapError(f"person {args.person}: expected faces in {names}, found none; give photos as `references`")
    rows = identify.dominant(faces, max_faces=settings.max_faces)
    crowd = [frame for frame, count in Counter(zip(clips, faces.frame, strict=True)).items() if count > 1]
    if len(crowd) > len(faces) / 4:
        raise SwapError(
            f"person {args.person}: expected one face in each frame of {names}, found several in {len(crowd)}; "
            "name everybody in clips.tsv (? for whom nobody knows), and give photos as `references`"
        )
    return chosen_of(faces, clips, rows)


def from_tracks(args, settings):
    """The faces of the tracks that were decided by hand to be the person's."""
    faces, clips, _ = read(args)
    files = [edits.read(path.read_text(encoding="utf-8"), where=str(path), person=path.stem) for path in args.edits]
    tracks, rows = [t for file in files for t in file.identity], []
    for clip in dict.fromkeys(clips):
        here = np.flatnonzero(clips == clip)
        mine = faces.select(here)
        part = identify.parts(mine)
        told = [row for row, who in edits.decided(tracks, clip=clip, faces=mine).items() if who == args.person]
        rows += here[np.isin(part, part[told])].tolist()
    if not rows:
        raise SwapError(
            f"person {args.person}: expected faces in the tracks named in {named(list(map(str, args.edits)))}, found none; "
            "give photos as `references`"
        )
    return chosen_of(faces, clips, identify.spread(faces, np.array(rows), max_faces=settings.max_faces))


def read(args):
    """The faces of all the clips, the name of each one's clip, and the clips in words."""
    tables = [store.read_table(path, FaceSet) for path in args.faces]
    names = [ClipInfo.from_json(meta["clip"]).name for _, meta in tables]
    clips = np.repeat(np.array(names, object), [len(table) for table, _ in tables])
    return FaceSet.concatenate(table for table, _ in tables), clips, ", ".join(names)


def chosen_of(faces, clips, rows):
    """Some faces as what is known."""
    origin = [f"{clips[row]}/{faces.id[row]}" for row in rows]
    return References(origin=np.array(origin, object), embedding=faces.embedding[rows])


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section references",
            person="text: the person",
            photos="files: photos of the person",
            faces="files: without photos: faces.parquet of clips in which the person is alone, or was named by hand",
            edits="files: in the latter case, the edits that say so",
            out="file: references.parquet",
        ),
    )
