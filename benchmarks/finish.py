"""What the finish and the blends are worth, on the studio, where the true swap is known.

    ./run python benchmarks/finish.py [--cases grain,blur,...] [--pairs s228:s205] [--frames 8] [--sheet finish.png]

The model is a perfect one of few pixels: the true swap without any grain or blur, in MODEL pixels a side and a little soft. It is
laid into frames of the target that are clean, grainy, out of focus, smeared by motion, compressed, or all of that;
`far`: a face of 60 pixels and a model of 256; `near`: one of 350 and a model of 64. The true swap goes through the same. One JSON
line: for each case and way, means over pairs and frames:

* `sharpness`, the fine detail of the face over the true swap's (measure.sharpness_ratio), and `noise`, its noise over the true
  swap's (Immerkaer's operator, 1996, its median in the face): 1 is right; `around`: the face's noise over the frame's about it;
* `detail`, `ssim`, `psnr`: truth_detail, truth_ssim, truth_psnr; `seam`; `restless`: warp_error_ratio.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

from swapcore import align, convert, measure, progress, studio, video
from swapcore.errors import SwapError
from swapcore.measure import motion
from swapcore.types import Face

SIZE, RATE, MODEL, SPAN, SIDE = 512, 25, 128, 0.6, 256
LOOK = {"mask": "extended", "erode": 0.02, "soften": 0.1, "colour": "reinhard", "relight": False}
WAYS = {
    "feather": ("feather", False),
    "multiband": ("multiband", False),
    "poisson": ("poisson", False),
    "feather+finish": ("feather", True),
    "multiband+finish": ("multiband", True),
    "poisson+finish": ("poisson", True),
}
CASES = "clean,grain,coarse,blur,motion,compressed,film,far,near"


class Film(NamedTuple):
    """Frames of a pair, clean: uint8 (n, SIZE, SIZE, 3) BGR of the target and of the true swap, landmarks (n, 68, 2)."""

    target: np.ndarray
    true: np.ndarray
    points: np.ndarray


def main() -> None:
    """Render, spoil, convert, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=CASES)
    parser.add_argument("--pairs", default="s228:s205,ann:bob")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--sheet", type=Path, help="a PNG: target, each way, true swap; a row for each case")
    args = parser.parse_args()
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    rows = []
    try:
        for pair in args.pairs.split(","):
            film = filmed(*pair.split(":"), args.frames)
            for case in progress.track(args.cases.split(","), len(args.cases.split(",")), pair, unit="cases"):
                target, true, points = spoilt(film, case)
                shown = [target]
                for way, (blend, finished) in WAYS.items():
                    results, laid = swapped(film, target, points, case, blend=blend, finished=finished)
                    found.setdefault(case, {}).setdefault(way, []).append(figures(target, true, results, laid, points))
                    shown.append(results)
                rows.append(strip([*shown, true], points, case))
    except SwapError as error:
        sys.exit(f"finish: {error}")
    mean = {
        case: {
            way: {key: round(float(np.nanmean([one[key] for one in of])), 3) for key in of[0]}
            for way, of in ways.items()
        }
        for case, ways in found.items()
    }
    print(json.dumps({"bench": "finish", "pairs": args.pairs, "frames": args.frames, **mean}))
    if args.sheet:
        cv2.imwrite(str(args.sheet), np.concatenate(rows))


def filmed(source: str, target: str, count: int) -> Film:
    """The frames of a talking head and its true swap, without grain."""
    look = {"performance": 5, "seconds": count / RATE, "size": SIZE, "rate": RATE, "grain": 0.0}
    clip = list(studio.clip(target, **look))
    true = [picture for _, picture, _ in studio.true_swap(source, target, numbers=range(count), **look)]
    points = [truth.faces[0].landmarks_xy for _, truth in clip]
    return Film(np.array([picture for picture, _ in clip]), np.array(true), np.array(points))


def spoilt(film: Film, case: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Target, true swap and landmarks as a camera of this kind sees them."""
    scale = {"far": 0.34, "near": 2.0}.get(case, 1.0)
    points = (film.points + 0.5) * scale - 0.5
    both = [as_seen(pictures, case, scale) for pictures in (film.target, film.true)]
    return both[0], both[1], points


def as_seen(pictures: np.ndarray, case: str, scale: float) -> np.ndarray:
    """Clean pictures (n, h, w, 3) uint8 as a camera of this kind sees them; the same noise for all that go through it."""
    rng, made = np.random.default_rng(3), []
    for picture in pictures.astype(np.float32):
        if scale != 1:
            way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            side = round(SIZE * scale)
            picture = cv2.resize(picture, (side - side % 2,) * 2, interpolation=way)
        if case in ("blur", "film"):
            picture = cv2.GaussianBlur(picture, (0, 0), 2.0 if case == "blur" else 1.0)
        if case == "motion":
            kernel = np.zeros((13, 13), np.float32)
            cv2.line(kernel, (0, 4), (12, 8), 1)
            picture = cv2.filter2D(picture, -1, kernel / kernel.sum())
        if case in ("grain", "coarse", "film", "near"):
            noise = rng.normal(0, 1, picture.shape[:2]).astype(np.float32)
            noise = cv2.GaussianBlur(noise, (0, 0), 1.2 if case == "coarse" else 0.6)
            light = cv2.cvtColor(np.clip(picture, 0, 255) / 255, cv2.COLOR_BGR2GRAY)
            picture = (
                picture + (noise * (5 / noise.std()) * (0.5 + light))[..., None]
            )  # brighter is grainier, as shot noise
        made.append(np.clip(np.rint(picture), 0, 255).astype(np.uint8))
    return recompressed(made) if case in ("compressed", "film") else np.array(made)


def recompressed(pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures after H.264 at CRF 30."""
    height, width = pictures[0].shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        video.encode(path, pictures, width=width, height=height, rate=Fraction(RATE), crf=30, preset="medium")
        with av.open(str(path)) as container:
            return np.array([frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)])


def swapped(
    film: Film, target: np.ndarray, points: np.ndarray, case: str, *, blend: str, finished: bool
) -> tuple[np.ndarray, list[convert.Overlay]]:
    """The frames with the model's faces in them, uint8, and what was laid over each."""
    side = {"far": 256, "near": 64}.get(case, MODEL)
    layout = video.Layout(*target.shape[2:0:-1], "yuv420p")
    own = {"resolution": {"s": side}, "centring": {"s": "legacy"}, "span": {"s": SPAN}}
    results, laid = [], []
    for k, frame in enumerate(target):
        matrix = align.crop_matrix(film.points[k], size=side, span=SPAN, centring="legacy")
        face = align.warp(film.true[k].astype(np.float32) / 255, matrix, side)
        face = cv2.GaussianBlur(face, (0, 0), 0.7)
        picture = video.from_bgr(frame, layout)
        predict = {"s": lambda crops, face=face: face[None]}
        settings = {**own, **LOOK, "blend": blend, "finish_seed": k if finished else None}
        after, over = convert.convert_picture(picture, [Face(points[k], "s")], predict, **settings)
        results.append(np.rint(255 * np.clip(video.to_bgr(after), 0, 1)).astype(np.uint8))
        laid += over
    return np.array(results), laid


def figures(
    target: np.ndarray, true: np.ndarray, results: np.ndarray, laid: list[convert.Overlay], points: np.ndarray
) -> dict[str, float]:
    """The measures of a clip, means over its frames."""
    every, before = [], None
    for k, over in enumerate(laid):
        matrix = align.crop_matrix(points[k], size=SIDE, span=SPAN, centring="legacy")
        alpha = np.zeros(target.shape[1:3], np.float32)
        alpha[over.top : over.top + over.alpha.shape[0], over.left : over.left + over.alpha.shape[1]] = over.alpha
        mask = align.warp(alpha, matrix, SIDE)
        original, result, truth = (align.warp(pictures[k], matrix, SIDE) for pictures in (target, results, true))
        inside = mask > 0.99
        rows = measure.METRICS
        one = {
            "sharpness": rows["sharpness_ratio"].function(truth, result, inside),
            "detail": rows["truth_detail"].function(result, truth, inside),
            "ssim": rows["truth_ssim"].function(result, truth, inside),
            "psnr": rows["truth_psnr"].function(result, truth, inside),
            "seam": rows["seam"].function(original, result, mask),
        }
        face, rim = alpha > 0.99, (alpha < 0.01) & (cv2.dilate(alpha, np.ones((41, 41))) > 0)
        noises = [noise(results[k], face), noise(true[k], face), noise(results[k], rim)]
        one |= {"noise": noises[0] / max(noises[1], 0.1), "around": noises[0] / max(noises[2], 0.1)}
        if before is not None:
            flow = motion.flow(before[0], original)
            one["restless"] = rows["warp_error_ratio"].function(flow, before[0], original, before[1], result, inside)
        before = original, result
        every.append(one)
    keys = every[-1]
    return {key: float(np.mean([one[key] for one in every if one.get(key) is not None])) for key in keys}


def noise(picture: np.ndarray, where: np.ndarray) -> float:
    """Standard deviation of noise in grey levels (Immerkaer 1996), by his operator's median: edges do not count."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32)
    answer = cv2.filter2D(grey, -1, np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32))
    return float(1.4826 * np.median(np.abs(answer[where])) / 6)


def strip(shown: list[np.ndarray], points: np.ndarray, case: str) -> np.ndarray:
    """The middle frame's face, as the target has it, each way, and the true swap."""
    k = len(points) // 2
    middle, reach = points[k].mean(0), 1.15 * np.ptp(points[k], axis=0).max() / 2
    box = np.r_[np.maximum(middle - reach, 0), middle + reach].astype(int)
    parts = [
        cv2.resize(p[k][box[1] : box[3], box[0] : box[2]], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for p in shown
    ]
    for part, name in zip(parts, ("target", *WAYS, "true swap"), strict=True):
        cv2.putText(part, f"{case}: {name}", (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return np.concatenate(parts, 1)


if __name__ == "__main__":
    main()
