"""What becomes of the target's forehead: `convert.mask: auto` on the studio's scenes, against the true swap.

    ./run python benchmarks/forehead.py [--scenes wrinkles,fringe,...] [--pairs ann:bob,...] [--seconds 2] [--sheet forehead.png]

For each scene and pair (source:target): a clip of the target, its faces parsed by our parser and steadied; the true swap, as a
perfect model would make it, laid over it under the calm mask, up to the hair, and with the calm mask over a smoothed forehead;
and as `auto` chooses for the clip, with what it chose. One JSON line each: how far the seen forehead is from the true swap's
(`colour`: CIEDE2000 of the smoothed picture, `wrinkles`: how much more its lines stand out, per cent), and how calm it is
(`flicker`: what changes from frame to frame against the true swap's own change, CIEDE2000).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from swapcore import align, config, convert, detect, forehead, masks, nets, parsing, progress, shots, studio
from swapcore.blend import feather
from swapcore.errors import SwapError
from swapcore.measure.difference import ciede2000, lab
from swapcore.passes.layers import spread
from swapcore.types import Face, Parsed

SCENES = "talk,wrinkles,fringe,glasses,hand,side_light,fast_turns"
SIDE, SIZE, RATE, COVERAGE = 256, 360, 25, 0.8
SHOWN = 2  # frames of the sheet
SPAN = align.span_of("legacy", COVERAGE)  # of the face in the crop
WAYS = ("calm", "hairline", "smooth", "auto")


def main() -> None:
    """Render, parse, lay, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", default=SCENES)
    parser.add_argument("--pairs", default="s228:s205,ann:bob,s267:s265")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--sheet", type=Path, help="a PNG of some frames: target, calm, hairline, smooth, true")
    args = parser.parse_args()
    parse, fit, rows = parsing.parser("own", threads=1), detect.fitter(nets.model_path("landmarks")), []
    settings = config.parse("convert", "{}"), config.parse("forehead", "{}")
    try:
        for scene in args.scenes.split(","):
            for pair in args.pairs.split(","):
                taken = filmed(*pair.split(":"), scene, args.seconds, fit)
                made, chosen, why = laid(taken, parse, *settings)
                found = {name: figures(made[name], taken) for name in WAYS}
                said = {"bench": "forehead", "scene": scene, "pair": pair, "chosen": chosen, "why": why}
                print(json.dumps(said | found), flush=True)
                for k in np.linspace(0, len(taken.seen) - 1, SHOWN).round().astype(int):
                    rows.append(
                        np.concatenate([taken.seen[k], *(made[name][k] for name in WAYS[:3]), taken.true[k]], 1)
                    )
    except SwapError as error:
        sys.exit(f"forehead: {error}")
    if args.sheet:
        cv2.imwrite(str(args.sheet), np.rint(255 * np.concatenate(rows)).astype(np.uint8))


class Taken(NamedTuple):
    """A clip's aligned crops."""

    seen: np.ndarray  # (n, SIDE, SIDE, 3) float32 BGR 0..1, the target
    true: np.ndarray  # the same of the true swap
    points: np.ndarray  # (n, 68, 2) landmarks
    skin: np.ndarray  # (n, SIDE, SIDE) float32 0 or 1, the forehead's skin that is seen


def filmed(source: str, target: str, scene: str, seconds: float, fit: Callable[..., np.ndarray]) -> Taken:
    """The target's clip and its true swap."""
    look = {"performance": 5, "seconds": seconds, "size": SIZE, "rate": RATE, "grain": 2.0, "scene": scene}
    count, rows = round(seconds * RATE), []
    clip, true = studio.clip(target, **look), studio.true_swap(source, target, **look, numbers=range(count))
    pairs = zip(clip, true, strict=True)
    for (seen, told), (_, swapped, _) in progress.track(pairs, count, f"{scene} {source}:{target}"):
        marks = detect.refit(detect.grey(seen), told.faces[0].landmarks_xy, fit)
        matrix = align.crop_matrix(marks, size=SIDE, span=align.span_of("legacy", COVERAGE))
        skin = ((told.parsing == studio.LABELS["skin"]) & (told.actor == 0)).astype(np.float32)
        points = align.transform(marks, matrix)
        here = (align.warp(skin, matrix, SIDE) > 0.9) & (masks.forehead(points, size_hw=(SIDE, SIDE)) == 1)
        rows.append(
            (*(align.warp(p, matrix, SIDE).astype(np.float32) / 255 for p in (seen, swapped)), points, np.float32(here))
        )
    return Taken(*map(np.array, zip(*rows, strict=True)))


def laid(taken: Taken, parse: parsing.Parse, settings, limits) -> tuple[dict[str, np.ndarray], str, str]:
    """The clip under each of WAYS, (n, SIDE, SIDE, 3) each; and what `auto` chose, and why."""
    whole = (taken.seen * 255).round().astype(np.uint8)
    grey = [
        cv2.resize(cv2.cvtColor(c, cv2.COLOR_BGR2GRAY), (parsing.SIDE,) * 2, interpolation=cv2.INTER_AREA)
        for c in whole
    ]
    less = parsing.SIDE / SIDE
    matrix, same = np.array([[less, 0, (less - 1) / 2], [0, less, (less - 1) / 2]]), np.eye(2, 3)
    faces = [
        Face(points, "s", Parsed(np.rint(255 * share).astype(np.uint8), matrix))
        for points, share in zip(taken.points, parsing.steady(parse(whole, taken.points), np.array(grey)), strict=True)
    ]
    numbers = np.arange(len(faces))
    doubts = [
        shots.wavering(f.parsed, masks.forehead(align.transform(f.landmarks_xy, matrix), size_hw=f.parsed.share.shape))
        for f in faces
    ]
    trusted = shots.sure(*map(np.array, zip(*doubts, strict=True)), numbers)
    looks = []
    for k in np.unique(np.linspace(0, len(faces) - 1, limits.faces).round().astype(int)):
        f, size_hw = faces[k], (SIDE, SIDE)
        region = forehead.region(f.landmarks_xy, f.parsed, same, size_hw=size_hw)
        calm = alpha_of(replace(f, raised=0.0), settings)
        looks.append(None if region is None else shots.look(taken.seen[k], taken.true[k], region, calm))
    looks = [one for one in looks if one is not None]
    chosen, why = shots.choose(looks, float(trusted.mean()), tone=limits.tone, wrinkles=limits.wrinkles)
    raised = shots.faded(trusted, numbers)
    levels = {"calm": (0 * raised, 0), "hairline": (raised**0, 0), "smooth": (0 * raised, 1)}
    levels["auto"] = (raised, 0) if chosen == "hairline" else levels[chosen]
    made = {
        name: np.array([composed(taken, k, faces[k], up[k], flat, settings) for k in numbers])
        for name, (up, flat) in levels.items()
    }
    return made, chosen, why


def composed(taken: Taken, k: int, face: Face, raised: float, smoothed: float, settings) -> np.ndarray:
    """A frame of the clip with the true swap laid over it, (SIDE, SIDE, 3) float32."""
    face = replace(face, raised=float(raised), smoothed=float(smoothed))
    size_hw, under = (SIDE, SIDE), taken.seen[k]
    if (
        smoothed
        and (region := forehead.region(face.landmarks_xy, face.parsed, np.eye(2, 3), size_hw=size_hw)) is not None
    ):
        under = feather(forehead.smoothed(under, region), under, region)
    return feather(taken.true[k], under, alpha_of(face, settings))


def alpha_of(face: Face, settings) -> np.ndarray:
    """Where a face shows, (SIDE, SIDE) float32."""
    look = {"mask": "auto", "erode": settings.erode, "soften": settings.soften}
    left, top, alpha = convert.face_alpha(face, np.eye(2, 3), side=SIDE, span=SPAN, frame_hw=(SIDE, SIDE), **look)
    return spread(alpha, left, top, (SIDE, SIDE))


def figures(made: np.ndarray, taken: Taken) -> dict[str, float]:
    """How a forehead differs from the true swap's, means over the frames that show enough of it."""
    colour, lines, change = [], [], []
    before = None
    for k, skin in enumerate(taken.skin):
        inner = cv2.erode(skin.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0) > 0
        if inner.sum() < 400:
            continue
        soft = [
            lab(np.rint(255 * cv2.GaussianBlur(p[k], (0, 0), SIDE / 64)).astype(np.uint8)) for p in (made, taken.true)
        ]
        off = ciede2000(*soft)
        colour.append(off[inner].mean())
        lines.append(forehead.wrinkles(made[k], skin, inner) - forehead.wrinkles(taken.true[k], skin, inner))
        if before is not None and before[0] == k - 1:
            both = inner & before[2]
            change.append(np.abs(off - before[1])[both].mean() if both.any() else 0)
        before = (k, off, inner)
    return {
        name: round(float(np.mean(values)), 3) if values else None
        for name, values in (("colour", colour), ("wrinkles", lines), ("flicker", change))
    }


if __name__ == "__main__":
    main()
