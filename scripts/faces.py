"""Every face of a clip: faces.parquet, and their aligned crops: faces.zip."""

from __future__ import annotations

import os
import sys
from functools import partial

import cv2
import numpy as np
from common import arguments, run

from swapcore import ahead, config, detect, extract, nets, progress, store, video
from swapcore.types import ClipInfo, FrameTable


def main(args, *, start="spawn"):
    """One decode: find and follow the faces, cut them out, describe them; then steady their landmarks."""
    frames, info, parts = extracted(args, start=start)
    write(args, frames, info, extract.table(parts))


def extracted(args, *, start, chosen=lambda frames, info, settings: None):
    """The clip's frames and info, and the faces that were found, as `extract.gathered` packs them; writes the archive.

    `chosen` gives the numbers of the frames in which faces are looked for; None: all.
    """
    settings = config.parse("faces", args.settings)
    threads = int(os.environ.get("OMP_NUM_THREADS") or 1)  # Snakemake sets it to the rule's threads
    cv2.setNumThreads(threads)
    network = partial(extract.identity_network, threads)
    parts = []
    with extract.second_process(network, threads=threads, start=start) as worker:
        frames, meta = store.read_table(args.frames, FrameTable)
        info = ClipInfo.from_json(meta["clip"])
        scale = (detect.PHOTO_SCALE if info.photos else 1) * (detect.SMALL_SCALE if settings.small_faces else 1)
        names = dict(zip(frames.number.tolist(), frames.name.tolist(), strict=True))
        found = extract.extract(
            ahead.ahead(numbered(args, frames, info, chosen(frames, info, settings))),
            names,
            info,
            settings,
            origins=origins(args.path, names, info, sha256=meta["sha256"]),
            given=given(args.path, names) if info.photos else {},
            detector=detect.DETECTORS[settings.detector](
                detect_size=settings.detect_size * scale,
                min_score=settings.min_score,
                threads=threads,
                model=b"".join(
                    store.read_bytes(file, what="an ONNX file", most=nets.BYTES_LIMIT) for file in args.detector_file
                ),
            ),
            fit=detect.fitter(nets.model_path("landmarks")),
            worker=worker,
            network=network,
        )
        # the archive grows as faces come; the table's rows are kept, the pictures are not
        store.write_archive(args.archive, extract.gathered(found, parts))
    return frames, info, parts


def write(args, frames, info, faces):
    """Write the clip's face table, and say what was found."""
    settings = config.parse("faces", args.settings)
    tracks, seen = len(np.unique(faces.track)), len(np.unique(faces.frame))
    said = f"{progress.counted(len(faces), 'face')} of {progress.counted(tracks, 'track')}"
    progress.say(f"faces {args.clip}: {said} in {seen} of {progress.counted(len(frames), 'frame')}")
    if not len(faces):
        progress.say(
            f"faces {args.clip}: found no face; is {args.path} the right file, and upright? "
            "For small or dim faces set faces.small_faces, lower faces.min_size or faces.min_score"
        )
    shape = {"size": settings.crop_size, "centring": settings.centring, "coverage": settings.coverage}
    store.write_table(args.faces, faces, {"clip": info.to_json(), **shape})


def origins(path, names, info, *, sha256):
    """Which file a frame is from, and the file's digest: number -> (name, sha256); `sha256` is the clip's own.

    The images of a sequence are not read once more for theirs: that of the clip, in frames.parquet, stands for all.
    """
    if info.photos:
        return {number: (name, store.sha256(path / name)) for number, name in names.items()}
    return {number: (name, "") if name else (path.name, sha256) for number, name in names.items()}


def given(path, names):
    """Landmarks and score of the photos that are faces of an archive, by number: their rows say where the face is."""
    rows = {number: store.read_face_row(path / name) for number, name in names.items() if name}
    return {number: (row.landmarks_in_crop(), row.score) for number, row in rows.items() if row}


def numbered(args, frames, info, wanted):
    """(number, shot, frame_bgr) of each frame, or of those whose numbers are wanted; a photo is a shot of its own."""
    shots = dict(zip(frames.number.tolist(), frames.shot.tolist(), strict=True))
    unit, total = "photos" if info.photos else "frames", len(frames) if wanted is None else len(wanted)
    decoded = video.decode(args.path, frames, info, wanted=wanted, quick=True)
    for number, frame_bgr in progress.track(decoded, total, f"faces {args.clip}", unit=unit):
        yield number, number if info.photos else shots[number], frame_bgr


OPTIONS = {
    "settings": "text: JSON of the section faces",
    "clip": "text: the clip's name",
    "path": "file: a video or a folder of photos",
    "frames": "file: frames.parquet of the clip",
    "detector_file": "files: for detector yunet: its ONNX file",
    "faces": "file: faces.parquet to write",
    "archive": "file: faces.zip to write",
}
# the job's own process has no threads yet; elsewhere than on Linux, system libraries may not bear a fork
START = "fork" if sys.platform == "linux" else "spawn"

if __name__ == "__main__":
    run(partial(main, start=START), arguments(__doc__, **OPTIONS))
