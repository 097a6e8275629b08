"""What colour transfer and relighting are worth, on the studio, where light is known.

    ./run python benchmarks/light.py [--scenes side_light,talk] [--lamp usual|same] [--frames 30] [--sheet light.png]
    ./run python benchmarks/light.py --steady --scenes talk,hand,fast_turns

For each frame of the target's clip the swap is as a perfect model would make it that never saw the target's light: the true swap
in the studio's usual lamp (or, to see what is spoiled, in the same one). It goes through each row of COLOURS, with and without
relighting, and is compared with the true swap in the target's light, inside the face: CIEDE2000 after a blur of a 32nd of the
crop (tone and shade, not detail), and PSNR. One JSON line a scene, means over pairs and frames.

With `--steady`, at 25 frames a second: how far the face's mean colour jumps against the true swap's from frame to frame, CIE76,
mean and greatest, each frame by itself and with its neighbours, as conversion does.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from swapcore import align, light, masks, parsing, progress, recolour, studio
from swapcore.colour import COLOURS
from swapcore.errors import SwapError
from swapcore.measure.difference import ciede2000, lab
from swapcore.studio.scenes import scene_named
from swapcore.types import Face, Parsed

SIDE, SIZE, RATE = 128, 320, 5
ROWS = 6  # of the sheet
LIGHT = ("light", "light_rgb", "light_strength", "ambient_rgb", "rim")  # of a frame
FRAMING = {"scale": 0.82, "shift_y": -0.03}  # head and shoulders, as the studio's clips


def main() -> None:
    """Render, transfer, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", default="side_light,talk")
    parser.add_argument("--pairs", default="s228:s205,ann:bob,s267:s265")
    parser.add_argument("--lamp", choices=("usual", "same"), default="usual", help="that the swap was seen in")
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--steady", action="store_true", help="measure jumps through time instead")
    args = parser.parse_args()
    rows = []
    try:
        for scene in args.scenes.split(","):
            found: dict[str, list[Any]] = {}
            for pair in args.pairs.split(","):
                source, target = pair.split(":")
                taken = filmed(source, target, scene, args.frames, args.lamp, rate=25 if args.steady else RATE)
                shots = list(progress.track(taken, args.frames, f"{scene} {pair}"))
                if args.steady:
                    for name, some in jumps(shots).items():
                        found.setdefault(name, []).extend(some)
                    continue
                for k, (flat, seen, true, points) in enumerate(shots):
                    made = transferred(flat, seen, points)
                    mask = masks.components(points, size_hw=(SIDE, SIDE))
                    for name, picture in made.items():
                        found.setdefault(name, []).append(errors(picture, true, mask))
                    if args.sheet and k % max(len(shots) // ROWS, 1) == 0:
                        names = ("none", "reinhard", "sliced_ot", "relight+reinhard", "relight+mkl")
                        rows.append(np.concatenate([seen, *(made[name] for name in names), true], 1))
            if args.steady:
                said = {n: {"mean": round(float(np.mean(v)), 3), "most": round(max(v), 2)} for n, v in found.items()}
                print(json.dumps({"bench": "light", "scene": scene, "pairs": args.pairs, "steady": said}), flush=True)
                continue
            mean = {
                name: {"colour": round(c, 3), "psnr": round(p, 2)}
                for name, v in found.items()
                for c, p in [np.mean(v, 0)]
            }
            about = {"bench": "light", "scene": scene, "pairs": args.pairs, "lamp": args.lamp, "frames": args.frames}
            print(json.dumps({**about, **mean}), flush=True)
    except SwapError as error:
        sys.exit(f"light: {error}")
    if args.sheet:
        cv2.imwrite(str(args.sheet), np.rint(255 * np.concatenate(rows)).astype(np.uint8))


def filmed(source: str, target: str, scene: str, count: int, lamp: str, *, rate: int):
    """(the swap in usual light, the target, the true swap, (SIDE, SIDE, 3) float32 BGR each; landmarks (68, 2)) of frames."""
    played, actors = scene_named(scene), [studio.actor_named(name) for name in (source, target)]
    swapped = studio.swap_actor(*actors)
    act = studio.Performance(5, **{**FRAMING, **played.plays})
    usual = studio.Frame()
    for k in range(count):
        frame = replace(played.direct(act(k / rate), k / rate), grain=0.0)
        flat = frame if lamp == "same" else replace(frame, **{name: getattr(usual, name) for name in LIGHT})
        seen, truth = studio.render(actors[1], frame, size=SIZE)
        points = truth.faces[0].landmarks_xy
        matrix = align.crop_matrix(points, size=SIDE, span=align.span_of("legacy", 0.8))
        crops = [
            align.warp(p, matrix, SIDE).astype(np.float32) / 255
            for p in (studio.render(swapped, flat, size=SIZE)[0], seen, studio.render(swapped, frame, size=SIZE)[0])
        ]
        yield *crops, align.transform(points, matrix)


def transferred(flat: np.ndarray, seen: np.ndarray, points: np.ndarray) -> dict[str, np.ndarray]:
    """The swap through every transfer, plain and relit."""
    mask = masks.extended(points, size_hw=(SIDE, SIDE))
    relit = light.relight(flat, light.read(flat, seen, mask, points))
    found = {name: np.clip(transfer(flat, seen, mask), 0, 1) for name, transfer in COLOURS.items()}
    return found | {f"relight+{name}": np.clip(transfer(relit, seen, mask), 0, 1) for name, transfer in COLOURS.items()}


class Shot(NamedTuple):
    """A frame as recolour.neighbours takes it."""

    number: int
    seen: list[tuple[str, recolour.Seen]]


def jumps(shots: Sequence[tuple[np.ndarray, ...]]) -> dict[str, list[float]]:
    """By how much the colour's error changes from frame to frame, for each way, alone and with neighbours."""
    small, side = SIDE / parsing.SIDE, parsing.SIDE
    crops = np.array([cv2.resize(np.rint(255 * seen).astype(np.uint8), (side, side)) for _, seen, _, _ in shots])
    grey = np.array([cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) for crop in crops])
    share = parsing.steady(parsing.parser("own")(crops, np.array([s[3] / small for s in shots])), grey)
    frames = []
    for k, (flat, seen, _, points) in enumerate(shots):
        parsed = Parsed(np.rint(255 * share[k]).astype(np.uint8), np.eye(2, 3) / small)
        face = Face(points, "s", parsed)
        frames.append(Shot(k, [("s", recolour.see(face, np.eye(2, 3), seen, flat, mask="auto", relight=True))]))
    found, last = {}, {}
    for frame, (around,) in recolour.neighbours(frames):
        (_, one), (_, _, true, points) = frame.seen[0], shots[frame.number]
        weight = masks.components(points, size_hw=(SIDE, SIDE)) * (one.skin > 0.5)
        for colour in COLOURS:
            for way, some in (("alone", ()), ("steady", around)):
                made, name = recolour.recoloured(one, some, colour=colour), f"{colour} {way}"
                soft = [
                    lab(np.rint(255 * cv2.GaussianBlur(p, (0, 0), SIDE / 32)).astype(np.uint8)) for p in (made, true)
                ]
                off = ((soft[0] - soft[1]) * weight[..., None]).sum((0, 1)) / weight.sum()
                if name in last:
                    found.setdefault(name, []).append(float(np.linalg.norm(off - last[name])))
                last[name] = off
    return found


def errors(picture: np.ndarray, true: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """CIEDE2000 of smoothed pictures and PSNR in dB, means under the mask."""
    soft = [lab(np.rint(255 * cv2.GaussianBlur(p, (0, 0), SIDE / 32)).astype(np.uint8)) for p in (picture, true)]
    weight = mask / mask.sum()
    off = (np.square(picture - true).mean(-1) * weight).sum()
    return float((ciede2000(*soft) * weight).sum()), float(-10 * np.log10(max(off, 1e-9)))


if __name__ == "__main__":
    main()
