"""How right masks are, and how calm: on the studio's hard cases, against the true parsing maps.

    ./run python benchmarks/masks.py [--scenes hand,fringe,...] [--actors s228,s205] [--seconds 4] [--sheet masks.png]

For each scene: a clip of each actor, landmarks fitted by dlib's predictor in each frame as extraction does, crops as in the
archive, and in each crop every mask: drawn from landmarks, what our parser says of each frame by itself (`raw`) and steadied
along the clip (`steady`), and both with `extended`; the same of `hairline`, which is no network. One JSON line a scene, means
over the actors:

* `iou` with the face that is seen (skin, brows, eyes, nose, mouth; no hair, no glasses, no hand), of what the crop shows;
* `spilt`: share of the mask that lies on something else; `missed`: share of the seen face within `extended` that it leaves out;
* `warped_iou`: overlap with the mask of the frame before, moved by the picture's flow; `edge`: how far its upper edge jumps, the
  95th percentile, pixels of the 256 of the crop; `area`: second difference of its area, per cent.

`truth` are the true masks themselves: no mask that is right is calmer.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np

from swapcore import align, detect, masks, nets, parsing, progress, studio
from swapcore.errors import SwapError
from swapcore.measure import motion
from swapcore.types import Parsed

SCENES = "wrinkles,fringe,glasses,hand,side_light,fast_turns,crossing,talk"
FACE = ("skin", "brow_left", "brow_right", "eye_left", "eye_right", "nose", "lips", "mouth")
SIDE, RATE, SIZE = 256, 25, 320  # of the crops, pixels; of the clips
OUTER = 0.8  # of the crop's side: what training sees, and a swap can show
SHOWN = 8  # frames of the sheet
COLOURS = {"extended": (60, 200, 70), "raw": (60, 60, 230), "extended+steady": (230, 200, 60)}  # BGR


def main() -> None:
    """Render, parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", default=SCENES)
    parser.add_argument("--actors", default="s228,s205", help="names of the cast, or seed:123")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--sheet", type=Path, help="a PNG of outlines over some frames")
    args = parser.parse_args()
    parsers = {"": parsing.parser("own", threads=1), "hairline ": parsing.parser("hairline")}
    fit, rows = detect.fitter(nets.model_path("landmarks")), []
    try:
        for scene in args.scenes.split(","):
            found = []
            for actor in args.actors.split(","):
                crops, true, points = filmed(actor, scene, args.seconds, fit)
                made = drawn(crops, points, parsers)
                made["truth"] = true
                found.append({name: figures(mask, true, made["extended"], crops) for name, mask in made.items()})
                rows.append(strip(crops, made))
            mean = {
                name: {key: round(float(np.mean([one[name][key] for one in found])), 4) for key in found[0][name]}
                for name in found[0]
            }
            print(json.dumps({"bench": "masks", "scene": scene, "actors": args.actors, **mean}), flush=True)
    except SwapError as error:
        sys.exit(f"masks: {error}")
    if args.sheet:
        cv2.imwrite(str(args.sheet), np.concatenate(rows))


def filmed(
    actor: str, scene: str, seconds: float, fit: Callable[..., np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A clip's crops (n, SIDE, SIDE, 3) uint8 BGR, true face masks (n, SIDE, SIDE) float32, landmarks there (n, 68, 2)."""
    crops, true, points = [], [], []
    frames = studio.clip(actor, performance=5, seconds=seconds, size=SIZE, rate=RATE, grain=2.0, scene=scene)
    for picture, truth in progress.track(frames, round(seconds * RATE), f"{scene} {actor}"):
        marks = detect.refit(detect.grey(picture), truth.faces[0].landmarks_xy, fit)
        matrix = align.crop_matrix(marks, size=SIDE, span=align.span_of("legacy", 1.0))
        seen = np.isin(truth.parsing, [studio.LABELS[name] for name in FACE]) & (truth.actor == 0)
        crops.append(align.warp(picture, matrix, SIDE))
        true.append(align.warp(seen.astype(np.float32), matrix, SIDE))
        points.append(align.transform(marks, matrix))
    return np.array(crops), np.array(true), np.array(points)


def drawn(crops: np.ndarray, points: np.ndarray, parsers: Mapping[str, parsing.Parse]) -> dict[str, np.ndarray]:
    """All masks of all frames, each (n, SIDE, SIDE) float32 0..1."""
    found = {name: np.array([draw(p, size_hw=(SIDE, SIDE)) for p in points]) for name, draw in masks.MASKS.items()}
    small = [cv2.resize(crop, (parsing.SIDE, parsing.SIDE), interpolation=cv2.INTER_AREA) for crop in crops]
    grey = np.array([cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) for crop in small])
    less = parsing.SIDE / SIDE
    matrix = np.array([[less, 0, (less - 1) / 2], [0, less, (less - 1) / 2]])
    for which, parse in parsers.items():
        share = parse(crops, points)
        for name, shares in ((f"{which}raw", share), (f"{which}steady", parsing.steady(share, grey))):
            whole = [Parsed(np.rint(255 * one).astype(np.uint8), matrix) for one in shares]
            found[name] = np.array([masks.parsed_at(one, np.eye(2, 3), (SIDE, SIDE)) for one in whole])
            found[f"extended+{name}"] = np.minimum(found["extended"], found[name])
    return found


def figures(mask: np.ndarray, true: np.ndarray, extended: np.ndarray, crops: np.ndarray) -> dict[str, float]:
    """How right and how calm one mask is through a clip; all (n, SIDE, SIDE), crops (n, SIDE, SIDE, 3)."""
    rim = round(SIDE * (1 - OUTER) / 2)
    inner = np.s_[:, rim:-rim, rim:-rim]
    m, t, e = (np.asarray(one[inner], np.float64) for one in (mask, true, extended))
    pairs = [(motion.flow(crops[k - 1], crops[k]), mask[k - 1], mask[k]) for k in range(1, len(mask))]
    warped = [motion.mask_iou(*pair) for pair in pairs]
    edges = [motion.edge_jump(*pair) for pair in pairs]
    area = m.sum((1, 2))
    return {
        "iou": np.minimum(m, t).sum() / np.maximum(m, t).sum(),
        "spilt": (m * (1 - t)).sum() / max(m.sum(), 1),
        "missed": ((1 - m) * t * e).sum() / max((t * e).sum(), 1),
        "warped_iou": float(np.mean([one for one in warped if one is not None])),
        "edge": float(np.mean([one for one in edges if one is not None])),
        "area": float(100 * np.abs(np.diff(area, 2)).mean() / max(area.mean(), 1)),
    }


def strip(
    crops: np.ndarray, made: dict[str, np.ndarray], *, colours: Mapping[str, tuple[int, int, int]] = COLOURS
) -> np.ndarray:
    """Some frames with the outlines of the masks that have a colour, side by side."""
    shown = []
    for k in np.linspace(0, len(crops) - 1, SHOWN).round().astype(int):
        one = crops[k].copy()
        for name, colour in colours.items():
            lines, _ = cv2.findContours((made[name][k] > 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            cv2.polylines(one, lines, True, colour, 1, cv2.LINE_AA)
        shown.append(one)
    return np.concatenate(shown, 1)


if __name__ == "__main__":
    main()
