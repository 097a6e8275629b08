"""What colour transfer and relighting are worth, on the studio, where light is known.

    ./run python benchmarks/light.py [--scenes side_light,talk] [--lamp usual|same] [--frames 30] [--sheet light.png]

For each frame of the target's clip the swap is as a perfect model would make it that never saw the target's light: the true swap
in the studio's usual lamp (or, to see what is spoiled, in the same one). It goes through each row of COLOURS, with and without
relighting, and is compared with the true swap in the target's light, inside the face: CIEDE2000 after a blur of a 32nd of the
crop (tone and shade, not detail), and PSNR. One JSON line a scene, means over pairs and frames.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from swapcore import align, light, masks, progress, studio
from swapcore.colour import COLOURS
from swapcore.errors import SwapError
from swapcore.measure.difference import ciede2000, lab
from swapcore.studio.scenes import scene_named

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
    args = parser.parse_args()
    rows = []
    try:
        for scene in args.scenes.split(","):
            found: dict[str, list[tuple[float, float]]] = {}
            for pair in args.pairs.split(","):
                source, target = pair.split(":")
                shots = list(
                    progress.track(
                        filmed(source, target, scene, args.frames, args.lamp), args.frames, f"{scene} {pair}"
                    )
                )
                for k, (flat, seen, true, points) in enumerate(shots):
                    made = transferred(flat, seen, points)
                    mask = masks.components(points, size_hw=(SIDE, SIDE))
                    for name, picture in made.items():
                        found.setdefault(name, []).append(errors(picture, true, mask))
                    if args.sheet and k % max(len(shots) // ROWS, 1) == 0:
                        names = ("none", "reinhard", "sliced_ot", "relight+reinhard", "relight+mkl")
                        rows.append(np.concatenate([seen, *(made[name] for name in names), true], 1))
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


def filmed(source: str, target: str, scene: str, count: int, lamp: str):
    """(the swap in usual light, the target, the true swap, (SIDE, SIDE, 3) float32 BGR each; landmarks (68, 2)) of frames."""
    played, actors = scene_named(scene), [studio.actor_named(name) for name in (source, target)]
    swapped = studio.swap_actor(*actors)
    act = studio.Performance(5, **{**FRAMING, **played.plays})
    usual = studio.Frame()
    for k in range(count):
        frame = replace(played.direct(act(k / RATE), k / RATE), grain=0.0)
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
    relit = light.relight(flat, seen, mask, points)
    found = {name: np.clip(transfer(flat, seen, mask), 0, 1) for name, transfer in COLOURS.items()}
    return found | {f"relight+{name}": np.clip(transfer(relit, seen, mask), 0, 1) for name, transfer in COLOURS.items()}


def errors(picture: np.ndarray, true: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """CIEDE2000 of smoothed pictures and PSNR in dB, means under the mask."""
    soft = [lab(np.rint(255 * cv2.GaussianBlur(p, (0, 0), SIDE / 32)).astype(np.uint8)) for p in (picture, true)]
    weight = mask / mask.sum()
    off = (np.square(picture - true).mean(-1) * weight).sum()
    return float((ciede2000(*soft) * weight).sum()), float(-10 * np.log10(max(off, 1e-9)))


if __name__ == "__main__":
    main()
