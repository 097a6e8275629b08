"""Every face of a clip: faces.parquet, and their aligned crops: faces.zip."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from common import arguments, run

from swapcore import align, config, detect, identify, nets, progress, quality, store, video
from swapcore.errors import SwapError
from swapcore.types import ClipInfo, FaceSet, FrameTable


def main(args):
    """One decode: find and follow the faces, cut them out, describe them; then steady their landmarks."""
    settings = config.parse("faces", args.settings)
    frames, meta = store.read_table(args.frames, FrameTable)
    info = ClipInfo.from_json(meta["clip"])
    threads = int(os.environ.get("OMP_NUM_THREADS") or 1)  # Snakemake sets it to the rule's threads
    cv2.setNumThreads(threads)
    session = nets.identity_session(threads=threads)
    names = dict(zip(frames.number.tolist(), frames.name.tolist(), strict=True))
    rows = []
    # the archive grows as faces come; the table's rows are kept, the pictures are not
    store.write_archive(
        args.archive, archived(found(args, frames, info, settings), names, info, settings, session, rows)
    )
    faces = steadied(FaceSet(**{name: [row[name] for row in rows] for name in rows[0]}))
    seen = len(np.unique(faces.frame))
    progress.say(
        f"faces {args.clip}: {len(faces)} faces of {len(np.unique(faces.track))} tracks in {seen} of {len(frames)} frames"
    )
    store.write_table(args.faces, faces, {"clip": info.to_json(), "size": settings.crop_size, "span": settings.span})


def found(args, frames, info, settings):
    """The faces of each frame, with the pictures that are kept of them: (number, [Found])."""
    shots = dict(zip(frames.number.tolist(), frames.shot.tolist(), strict=True))
    scale = detect.PHOTO_SCALE if info.photos else 1
    decoded = progress.track(
        video.decode(args.path, frames, info),
        len(frames),
        f"faces {args.clip}",
        unit="photos" if info.photos else "frames",
    )
    return detect.follow(
        ((number, number if info.photos else shots[number], frame_bgr) for number, frame_bgr in decoded),
        lambda frame_bgr, landmarks_xy: cut(frame_bgr, landmarks_xy, settings),
        detect=detect.DETECTORS[settings.detector](
            detect_size=settings.detect_size * scale, min_score=settings.min_score
        ),
        fit=detect.fitter(nets.model_path("landmarks")),
        every=settings.every,
        carry=max(settings.every, round(float(info.rate) * detect.CARRY_SECONDS)),
        gap=round(float(info.rate) * detect.GAP_SECONDS),
        min_size=settings.min_size,
    )


def cut(frame_bgr, landmarks_xy, settings):
    """A face's matrix, its crop for the archive, and its chip for the identity network."""
    matrix = align.crop_matrix(landmarks_xy, size=settings.crop_size, span=settings.span)
    return matrix, align.warp(frame_bgr, matrix, settings.crop_size), identify.chips(frame_bgr, landmarks_xy)[0]


def archived(found_faces, names, info, settings, session, rows):
    """Pairs (id, PNG) for the archive; the rows of the table are appended to `rows`.

    While one batch is embedded and compressed, which holds no lock of Python's, the faces of the next are found.
    """
    with ThreadPoolExecutor(1) as worker:
        waiting = []
        for batch in batches(found_faces, names, identify.BATCH):
            waiting.append(worker.submit(packed, batch, info, settings, session))
            if len(waiting) > 1:
                yield from taken(waiting.pop(0).result(), rows)
        for done in waiting:
            yield from taken(done.result(), rows)
    if not rows:
        raise SwapError(
            f"clip {info.name}: expected a face, found none in {len(names)} frames; is it the right file and upright? "
            "For small or dim faces raise faces.detect_size, lower faces.min_size or faces.min_score"
        )


def batches(found_faces, names, size):
    """Lists of (id, Found), of at least `size` faces but for the last."""
    batch = []
    for number, faces in found_faces:
        stem = os.path.splitext(names[number])[0] or f"{number:06d}"
        batch += [(f"{stem}_{k}", face) for k, face in enumerate(faces)]
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def packed(batch, info, settings, session):
    """Of each face of a batch: its row for the table, and its PNG."""
    embeddings = identify.embed_chips(np.stack([face.data[2] for _, face in batch]), session)
    done = []
    for (name, face), embedding in zip(batch, embeddings, strict=True):
        matrix, crop_bgr, _ = face.data
        scores = quality.scores(crop_bgr, face.landmarks_xy, face.box_xyxy, matrix)
        row = {key: getattr(face, key) for key in ("frame", "track", "box_xyxy", "landmarks_xy", "score", "detected", "fitted")}
        row |= {"id": name, "landmarks_smooth_xy": face.landmarks_xy, "matrix": matrix, "embedding": embedding}
        row |= {key: scores[key] for key in ("sharpness", "size", "yaw", "pitch", "roll")}
        note = {"clip": info.name, "id": name, "frame": face.frame, "track": face.track}
        note |= {key: plain(row[key], 3) for key in ("box_xyxy", "landmarks_xy", "score")}
        note |= {"matrix": plain(matrix, 6), "size": settings.crop_size, "span": settings.span}
        note |= {"quality": {key: plain(value, 3) for key, value in scores.items()}}
        done.append((row, store.face_png(crop_bgr, note)))
    return done


def taken(done, rows):
    """Hand the PNGs on, keep the rows."""
    for row, png in done:
        rows.append(row)
        yield row["id"], png


def plain(values, decimals):
    """Numbers for JSON."""
    return np.round(np.asarray(values, np.float64), decimals).tolist()


def steadied(faces):
    """The same faces with landmarks smoothed along their tracks."""
    smooth = faces.landmarks_smooth_xy.copy()
    for track in np.unique(faces.track):
        rows = faces.track == track
        smooth[rows] = detect.smooth(faces.landmarks_xy[rows], faces.frame[rows])
    return FaceSet(**(faces.columns() | {"landmarks_smooth_xy": smooth}))


if __name__ == "__main__":
    run(
        main,
        arguments(
            __doc__,
            settings="text: JSON of the section faces",
            clip="text: the clip's name",
            path="file: a video or a folder of photos",
            frames="file: frames.parquet of the clip",
            faces="file: faces.parquet to write",
            archive="file: faces.zip to write",
        ),
    )
