"""What is known of a person's face: references.parquet, from photos or from clips in which the person is alone."""

from __future__ import annotations

from collections import Counter

import numpy as np
from common import arguments, run

from swapcore import config, detect, embedding, identify, nets, progress, store
from swapcore.errors import SwapError
from swapcore.types import ClipInfo, FaceSet, References

SIZES = (512, 1024, 2048)  # photos are looked at larger where a smaller copy shows no face, longer side in pixels


def main(args):
    """Embed the largest face of each photo, or choose among the faces of the clips."""
    settings = config.parse("references", args.settings)
    found = from_photos(args) if args.photos else from_clips(args, settings)
    progress.say(f"references {args.person}: {len(found)} faces of {len(args.photos) or len(args.faces)} files")
    store.write_table(args.out, found, {"person": args.person})


def from_photos(args):
    """One face of each photo."""
    detectors = [detect.DETECTORS["hog"](detect_size=size, min_score=0.0) for size in SIZES]
    fit, session = detect.fitter(nets.model_path("landmarks")), nets.identity_session(threads=0)
    embeddings = np.concatenate([embed(path, args.person, detectors, fit, session) for path in args.photos])
    # a warning, no error: a child's photo or a heavy beard may be meant
    odd = identify.odd_one(embeddings)
    if odd is not None:
        progress.say(
            f"references {args.person}: {args.photos[odd]} hardly resembles the others; is it the same person?"
        )
    return References(origin=np.array([path.name for path in args.photos], object), embedding=embeddings)


def embed(path, person, detectors, fit, session):
    """The embedding (1, 128) of a photo's largest face."""
    photo_bgr = store.read_picture(path)
    gray = detect.grey(photo_bgr)
    boxes = next((boxes for look in detectors if len(boxes := look(photo_bgr)[0])), None)
    if boxes is None:
        raise SwapError(
            f"person {person}: expected a face in the photo {path}, found none; "
            "give one that shows the face from the front, large and upright, or remove it"
        )
    largest = max(boxes, key=lambda box: box[2] - box[0])
    return embedding.embed(photo_bgr, detect.locate(gray, largest, fit)[None], session)


def from_clips(args, settings):
    """The faces of the one person whom most faces show."""
    tables = [store.read_table(path, FaceSet) for path in args.faces]
    faces = FaceSet.concatenate(table for table, _ in tables)
    names = [ClipInfo.from_json(meta["clip"]).name for _, meta in tables]
    clips = np.repeat(np.array(names, object), [len(table) for table, _ in tables])
    if not len(faces):
        raise SwapError(
            f"person {args.person}: expected faces in {', '.join(names)}, found none; give photos as `references`"
        )
    rows = identify.dominant(faces, max_faces=settings.max_faces)
    crowd = [frame for frame, count in Counter(zip(clips, faces.frame, strict=True)).items() if count > 1]
    if len(crowd) > len(faces) / 4:
        raise SwapError(
            f"person {args.person}: expected one face in each frame of {', '.join(names)}, found several in {len(crowd)}; "
            "name everybody in clips.tsv, and give photos as `references`"
        )
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
            faces="files: without photos: faces.parquet of clips in which the person is alone",
            out="file: references.parquet",
        ),
    )
