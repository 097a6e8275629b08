"""How much landmarks shake, as they are fitted and as they are steadied, on the studio's actors, whose truth is known.

    ./run python benchmarks/landmarks.py [--actor bob] [--performance 5]

Prints one JSON line. All figures are per cent of the distance between the eyes' outer corners, for landmarks as fitted
(`raw`), as steadied by the stage `faces` (`ours`), and by a One-Euro filter (Casiez et al. 2012), which looks back only:
`still` is the standard deviation on a still face with grain and compression; `moving` the deviation from the truth while
the actor talks and turns, without what is constant; `jerk` that of the second difference, which is what flickers. `ratio`
is `still` of ours over raw.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from swapcore import detect, nets, studio, video

SIZE, RATE = 320, 25
FRAMING = {"scale": 0.82, "shift_y": -0.03, "grain": 2.0}
ONE_EURO = {"lowest_hz": 2.0, "slope": 0.1}  # of four settings tried, the best in motion


def main() -> None:
    """Render, compress, fit, steady, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actor", default="bob", help="of the studio's cast, or seed:123")
    parser.add_argument("--performance", type=int, default=5, help="seed of what the actor does")
    args = parser.parse_args()
    actor, played = studio.actor_named(args.actor), studio.Performance(args.performance, **FRAMING)
    still = [studio.Frame(yaw=8, pitch=3, grain_seed=n, **FRAMING) for n in range(100)]
    shaken, truth = tracked(studio.render(actor, frame, size=SIZE) for frame in still)
    moved, way = tracked(studio.render(actor, played(n / RATE), size=SIZE) for n in range(150))
    figures: dict[str, dict[str, float]] = {}
    for name, filtered in (("raw", lambda points: points), ("ours", ours), ("one_euro", one_euro)):
        figures[name] = {
            "still": deviation(filtered(shaken), truth),
            "moving": deviation(filtered(moved), way),
            "jerk": deviation(np.diff(filtered(moved), 2, axis=0), np.diff(way, 2, axis=0), way),
        }
    ratio = round(figures["ours"]["still"] / figures["raw"]["still"], 3)
    print(json.dumps({"bench": "landmarks", "ratio": ratio, "actor": args.actor, **figures}))


def tracked(rendered: Iterable[tuple[np.ndarray, studio.Truth]]) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks (n, 68, 2) fitted from frame to frame after compression, and the true ones."""
    pictures, truths = zip(*rendered, strict=True)
    truth = np.array([about.faces[0].landmarks_xy for about in truths], np.float64)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.mp4"
        video.encode(path, iter(pictures), width=SIZE, height=SIZE, rate=Fraction(RATE), crf=23, preset="veryfast")
        frames, info = video.index(path, name="x", start=None, end=None, shot_threshold=255, duplicate_threshold=0)
        decoded = [frame_bgr for _, frame_bgr in video.decode(path, frames, info)]
    fit, landmarks, found = detect.fitter(nets.model_path("landmarks")), truth[0], []
    for frame_bgr in decoded:
        landmarks = fit(detect.grey(frame_bgr), detect.box_around(landmarks), detect.lean(landmarks))
        found.append(landmarks)
    return np.array(found, np.float64), truth


def deviation(points: np.ndarray, truth: np.ndarray, scale: np.ndarray | None = None) -> float:
    """Root mean square distance of points and truth (n, 68, 2) without its mean over time, per cent of the eyes' distance."""
    eyes = truth if scale is None else scale
    off = points - truth
    off = off - off.mean(0)
    unit = np.linalg.norm(eyes[:, 36] - eyes[:, 45], axis=-1).mean()
    return round(float(100 * math.sqrt((off**2).sum(-1).mean()) / unit), 3)


def ours(points: np.ndarray) -> np.ndarray:
    """As the stage `faces` steadies a track."""
    return detect.smooth(points, np.arange(len(points))).astype(np.float64)


def one_euro(points: np.ndarray) -> np.ndarray:
    """The One-Euro filter, each coordinate by itself."""

    def share(hz: np.ndarray | float) -> np.ndarray | float:
        return 1 / (1 + RATE / (2 * math.pi * hz))

    now, speed, done = points[0], np.zeros_like(points[0]), [points[0]]
    for before, point in itertools.pairwise(points):
        speed = speed + share(1.0) * ((point - before) * RATE - speed)
        now = now + share(ONE_EURO["lowest_hz"] + ONE_EURO["slope"] * np.abs(speed)) * (point - now)
        done.append(now)
    return np.array(done)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
