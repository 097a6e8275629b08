"""How fast a video is converted: the stage `convert` as a whole process against ffmpeg alone, in one run on one clip.

    ./run python benchmarks/convert.py [--content clean|grain] [--preset medium] [--frames 500] [--repeats 2]

Prints one JSON line. `ratio` is the stage's time with the network replaced by the identity function, over that of ffmpeg
decoding and encoding the same file with the same settings; `fps_without_network` is the stage's frames per second then, `fps`
those with a network (`small`, 64 pixels, weights that nobody trained: it costs the same). `peak_mib` is the largest resident
memory of the stage with the network and of its ffmpegs. All
are whole processes, started in turns; medians are taken.

The clip is made here: 1920x1080 pixels, 25 frames/s, H.264, an actor of the studio whose face is about 400 pixels wide in
every frame. `clean` content has no grain, `grain` as much as a film.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from extract import Run, run

from swapcore import align, parsing, store, studio, video
from swapcore.types import DecisionTable, FaceSet, PeopleTable

WIDTH, HEIGHT, RATE = 1920, 1080, 25
RENDERED = 360  # pixels a side in which the actor is drawn, then enlarged
GRAIN = 6.0  # grey levels
IDENTITY = """
import runpy, sys, types
import swapcore

swapcore.models = sys.modules["swapcore.models"] = types.ModuleType("swapcore.models")
swapcore.models.predictor = lambda trained, weights, **_: lambda faces: faces
sys.path.insert(0, "scripts")
runpy.run_path("scripts/convert.py", run_name="__main__")
"""


def main() -> None:
    """Make the clip, run all in turns and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", choices=("clean", "grain"), default="clean", help="of the clip")
    parser.add_argument("--preset", default="medium", help="the encoder's")
    parser.add_argument("--frames", type=int, default=500, help="length of the clip")
    parser.add_argument("--repeats", type=int, default=2, help="how often each runs")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(Path(folder), args)))


def measured(folder: Path, args: argparse.Namespace) -> dict[str, object]:
    """The figures of the JSON line."""
    clip, crf = folder / "clip.mp4", 20
    landmarks = filmed(clip, count=args.frames, grain=GRAIN if args.content == "grain" else 0)
    options = [
        "--settings",
        json.dumps({"encoder": {"crf": crf, "preset": args.preset}}),
        *inputs(folder, clip, landmarks),
    ]
    ffmpeg = [video.ffmpeg(), "-v", "error", "-y", "-i", str(clip), "-an", "-c:v", "libx264", "-crf", str(crf)]
    ffmpeg += ["-preset", args.preset, str(folder / "alone.mkv")]
    alone, ours, whole = [], [], []
    for _ in range(args.repeats):
        alone.append(run(["-c", f"import subprocess; subprocess.run({ffmpeg!r}, check=True)"]))
        ours.append(run(["-c", IDENTITY, *options]))
        whole.append(run(["scripts/convert.py", *options]))
    seconds = [statistics.median(one.seconds for one in runs) for runs in (alone, ours, whole)]
    return {
        "bench": "convert",
        "ratio": round(seconds[1] / seconds[0], 3),
        "fps": round(args.frames / seconds[2], 1),
        "fps_without_network": round(args.frames / seconds[1], 1),
        "fps_ffmpeg": round(args.frames / seconds[0], 1),
        "peak_mib": round(max(one.peak_mib for one in whole)),
        "peak_mib_without_network": round(max(one.peak_mib for one in ours)),
        "cpu_ms": round(1000 * (of(ours) - of(alone)) / args.frames, 1),
        "preset": args.preset,
        "content": args.content,
        "frames": args.frames,
        "cores": os.cpu_count(),
    }


def of(runs: list[Run]) -> float:
    """Processor time of a run, seconds."""
    return statistics.median(one.cpu for one in runs)


def filmed(path: Path, *, count: int, grain: float) -> list[np.ndarray]:
    """Write the clip; the true landmarks (68, 2) of each frame."""
    actor, played, landmarks = studio.actor_named("bob"), studio.Performance(5), []
    noise = np.random.default_rng(0)
    scale, left = HEIGHT / RENDERED, (WIDTH - HEIGHT) // 2

    def frames():
        for n in range(count):
            picture, truth = studio.render(actor, played(n / RATE), size=RENDERED)
            large = cv2.resize(picture, (HEIGHT, HEIGHT), interpolation=cv2.INTER_CUBIC)
            frame = cv2.copyMakeBorder(large, 0, 0, left, left, cv2.BORDER_REFLECT)
            if grain:
                frame = np.clip(frame + noise.normal(0, grain, frame.shape[:2])[..., None], 0, 255).astype(np.uint8)
            landmarks.append((truth.faces[0].landmarks_xy + 0.5) * scale - 0.5 + (left, 0))
            yield frame

    video.encode(path, frames(), width=WIDTH, height=HEIGHT, rate=Fraction(RATE), crf=16, preset="veryfast")
    return landmarks


def inputs(folder: Path, clip: Path, landmarks: list[np.ndarray]) -> list[str]:
    """Tables and weights as the stages before would have made them, and the options that name them."""
    frames, info = video.index(clip, name="x", start=None, end=None, shot_threshold=255, duplicate_threshold=0)
    count, marks = len(landmarks), np.array(landmarks, np.float32)
    ids = np.array([f"{n:06d}_0" for n in range(count)], object)
    zeros = np.zeros(count)
    blank = {name: np.zeros((count, *column.shape[1:])) for name, column in FaceSet.empty().columns().items()}
    known = {"id": ids, "frame": frames.number, "landmarks_xy": marks, "landmarks_smooth_xy": marks}
    known |= {
        "matrix": np.array([align.crop_matrix(one, size=256, span=align.span_of("legacy", 1.0)) for one in marks])
    }
    person = np.array(["target"] * count, object)
    people = {"id": ids, "frame": frames.number, "track": zeros, "distance": zeros, "margin": zeros}
    people |= {"person": person, "nearest": person, "by": np.array(["vote"] * count, object)}
    decided = {"clip": np.array(["x"] * count, object), "id": ids, "use_train": zeros + 1, "use_swap": zeros + 1}
    store.write_table(folder / "frames.parquet", frames, {"clip": info.to_json(), "start": None, "end": None})
    store.write_table(folder / "faces.parquet", FaceSet(**{**blank, **known}), {"clip": info.to_json(), "size": 256})
    store.write_table(folder / "people.parquet", PeopleTable(**people))
    store.write_table(folder / "decisions.parquet", DecisionTable(**decided, reason=np.array([""] * count, object)))
    # a mask as the parser gives it, with a soft edge all around: what it costs does not depend on what it shows
    y, x = np.mgrid[: parsing.SIDE, : parsing.SIDE] / parsing.SIDE - 0.5
    mask = np.rint(255 * np.clip(8 * (0.42 - np.hypot(x / 0.8, y)), 0, 1)).astype(np.uint8)
    store.write_masks(folder / "masks.zip", ((name, mask) for name in ids))
    # as in a shot whose forehead shows in every frame, which costs most
    store.write_json(
        folder / "forehead.json", {"shots": [], "by_hand": [], "faces": {"s": {key: [1, 0] for key in ids}}}
    )
    weights = folder / "weights.h5"
    subprocess.run([sys.executable, "-c", WEIGHTS, str(weights)], check=True)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    about = {"swap": "s", "source": "source", "target": "target", "weights": {"sha256": digest}, "model": "small"}
    about |= {"resolution": 64, "centring": "legacy", "span": 0.6, "coverage": 1.0}
    store.write_json(folder / "trained.json", about)
    named = {"video": "x", "path": clip, "label-settings": "{}", "weights": weights, "out": folder / "composite.mkv"}
    named |= {"swaps": json.dumps([{"name": "s", "source": "source", "target": "target"}])}
    named |= {table: folder / f"{table}.parquet" for table in ("frames", "faces", "people", "decisions")}
    named |= {"trained": folder / "trained.json", "masks": folder / "masks.zip"}
    named |= {"forehead": folder / "forehead.json"}
    return [word for name, value in named.items() for word in (f"--{name}", str(value))]


WEIGHTS = """
import sys
import numpy as np
from swapcore.models import MODELS, portable
from swapcore.train import checkpoint

swapper = MODELS["small"].build(64, precision="float32")
arrays = {name: variable.numpy() for name, variable in swapper.variables().items()}
arrays[portable.GRAPHS["source"]] = np.frombuffer(portable.export(swapper), np.uint8)
checkpoint.write_arrays(sys.argv[1], arrays.items())
"""

if __name__ == "__main__":
    main()
