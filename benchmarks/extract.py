"""How fast faces are extracted: the stage `faces` as a whole process against a plain dlib loop, in one run on one clip.

    ./run python benchmarks/extract.py [--clip video] [--repeats 2] [--settings '{"detector": "hog"}']

Prints one JSON line: `ratio` is the stage's frames per second over the loop's, `fps` the stage's, `peak_mib` the largest
resident memory of the stage's process, `cpu_ms` its processor time for a frame (its ffmpeg's included). Both are whole
processes, started in turns; medians are taken.

The loop is what one writes first: OpenCV decodes, and on every frame dlib's HOG detector, its 68 landmarks and its own face
descriptor run. It writes nothing. The stage starts from the frame table, which is another stage's, and writes all its
outputs: the table, and the archive of crops with their rows. Memory is that of all its processes together, sampled.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from swapcore import memory

ROOT = Path(__file__).resolve().parents[1]
CLIP = ROOT.parent / "shared/footage/clip_c.mp4"

LOOP = """
import sys
import cv2, dlib
from swapcore.nets import model_path

detector = dlib.get_frontal_face_detector()
predictor = dlib.shape_predictor(str(model_path("landmarks")))
describe = dlib.face_recognition_model_v1(str(model_path("identity"))).compute_face_descriptor
video, faces = cv2.VideoCapture(sys.argv[1]), 0
while True:
    there, frame_bgr = video.read()
    if not there:
        break
    frame_rgb = cv2.cvtColor(frame_bgr, cv2.COLOR_BGR2RGB)
    for box in detector(frame_rgb, 0):
        describe(frame_rgb, predictor(frame_rgb, box))
        faces += 1
print(faces)
"""


class Run(NamedTuple):
    """What a process took."""

    seconds: float
    cpu: float  # seconds, with those of its own children
    peak_mib: float
    words: str


def main() -> None:
    """Run both in turns and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, default=CLIP, help="a video with faces")
    parser.add_argument("--repeats", type=int, default=2, help="how often each runs")
    parser.add_argument("--settings", default="{}", help="JSON of the section faces")
    args = parser.parse_args()
    if not args.clip.is_file():
        sys.exit(f"extract: expected a video at {args.clip}, found none; name one by --clip")
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(args.clip.resolve(), Path(folder), args.repeats, args.settings)))


def measured(clip: Path, folder: Path, repeats: int, settings: str) -> dict[str, object]:
    """The figures of the JSON line."""
    frames, faces = folder / "frames.parquet", folder / "faces.parquet"
    of_clip = ["--clip", "x", "--path", str(clip)]
    run(
        [
            "scripts/frames.py",
            "--settings",
            "{}",
            *of_clip,
            "--range",
            '{"start": null, "end": null, "rate": ""}',
            "--out",
            str(frames),
        ]
    )
    stage = ["scripts/faces.py", "--settings", settings, *of_clip, "--frames", str(frames), "--faces", str(faces)]
    loops, stages = [], []
    for _ in range(repeats):
        # three times in a turn: where memory that was not used during the loop is reclaimed, the first pays for it
        stages += [run([*stage, "--archive", str(folder / "faces.zip")]) for _ in range(3)]
        loops.append(run(["-c", LOOP, str(clip)]))
    count = rows(frames)
    ours, loop = (statistics.median(done.seconds for done in runs) for runs in (stages, loops))
    return {
        "bench": "extract",
        "ratio": round(loop / ours, 2),
        "fps": round(count / ours, 1),
        "peak_mib": round(max(done.peak_mib for done in stages)),
        "cpu_ms": round(1000 * statistics.median(done.cpu for done in stages) / count, 1),
        "faces": rows(faces),
        "stage_s": [round(done.seconds, 2) for done in stages],
        "loop_fps": round(count / loop, 1),
        "loop_faces": int(loops[0].words),
        "frames": count,
        "clip": clip.name,
        "cores": os.cpu_count(),
    }


def run(arguments: list[str]) -> Run:
    """Python with these arguments, at the project's root, as Snakemake starts a job of one thread."""
    environment = os.environ | memory.ENVIRONMENT | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as for users, who have compiled modules from the second run on
    begin, before = time.perf_counter(), os.times()
    with tempfile.TemporaryFile("w+") as words, tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=words, stderr=complaints, cwd=ROOT, env=environment
        )
        peak = 0
        watch = threading.Thread(target=process.wait)
        watch.start()
        while watch.is_alive():
            peak = max(peak, resident(process.pid))
            watch.join(0.5)  # not more often, for looking takes time itself
        seconds = time.perf_counter() - begin
        words.seek(0), complaints.seek(0)
        if process.returncode:
            sys.exit(f"extract: {arguments[0]} failed: {complaints.read().strip()[-400:]}")
        after = os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        return Run(seconds, cpu, peak / 2**20, words.read())


def resident(pid: int) -> int:
    """Resident memory of a process and its children, bytes; what they share counts twice."""
    import psutil

    total = 0
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        for one in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += one.memory_info().rss
    return total


def rows(path: Path) -> int:
    """Rows of a table."""
    import pyarrow.parquet as pq

    return pq.read_metadata(path).num_rows


if __name__ == "__main__":
    main()
