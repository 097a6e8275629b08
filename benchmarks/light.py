"""What colour transfer and relighting are worth, on the studio, where light is known, and on a project's own faces.

    ./run python benchmarks/light.py [--scenes side_light,talk] [--lamp usual|same] [--frames 30] [--sheet light.png]
    ./run python benchmarks/light.py --project FOLDER --swap NAME --clips FOLDER --source a --target b [--frames 30]

For each frame of the target's clip the swap is as a perfect model would make it that never saw the target's light: the true swap
in the studio's usual lamp (or, to see what is spoiled, in the same one). It goes through each row of COLOURS, with and without
relighting, under the mask of conversion (`extended` where our parser sees a face), and is compared with the true swap in the
target's light, where its face is seen: CIEDE2000 after a blur of a 32nd of the crop (`colour`: tone and shade, not detail), PSNR,
and `restless`: how much the smoothed error changes from one frame to the next, in Lab (every second frame follows its
neighbour, the others are 0.4 s apart). One JSON line a scene, means over pairs and frames.

With --project a trained swap of real people is laid into the target's clip by every way; there is no truth, so given are the
measures that need none: `seam`, `flicker_ratio`, `warp_error_ratio` (docs/quality.md). The folder is a project whose clips are
named as their people, as benchmarks/quality.py --footage --folder leaves it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from masks import FACE

from swapcore import align, light, masks, measure, parsing, progress, studio, video
from swapcore.colour import COLOURS
from swapcore.errors import SwapError
from swapcore.measure import motion
from swapcore.measure.difference import ciede2000, lab
from swapcore.studio.cast import swapped_named
from swapcore.studio.scenes import scene_named
from swapcore.types import Parsed

SIDE, SIZE, RATE = 128, 320, 25
APART = 0.4  # s between two pairs of neighbouring frames
ROWS = 6  # of the sheet
SHOWN = (
    "none",
    "reinhard",
    "sliced_ot",
    "relight+reinhard",
    "relight+mkl",
)  # on it, between the target and the true swap
LIGHT = ("light", "light_rgb", "light_strength", "ambient_rgb", "rim")  # of a frame
FRAMING = {"scale": 0.82, "shift_y": -0.03}  # head and shoulders, as the studio's clips
SPAN, WIDE = align.span_of("legacy", 0.8), align.span_of("legacy", 1.0)  # of a swap's crop, and of what is parsed
BLURRED = 5  # instants in which a smearing frame is rendered


def main() -> None:
    """Render, transfer, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", default="side_light,talk")
    parser.add_argument("--pairs", default="s228:s205,ann:bob,s267:s265")
    parser.add_argument("--lamp", choices=("usual", "same"), default="usual", help="that the swap was seen in")
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--project", type=Path, help="instead of the studio: a folder with trained swaps")
    parser.add_argument("--swap", default="seed_1", help="of the project")
    parser.add_argument("--clips", type=Path, help="folder of the clips, clip_NAME.mp4")
    parser.add_argument("--source", default="a")
    parser.add_argument("--target", default="b")
    args = parser.parse_args()
    try:
        if args.project:
            print(json.dumps(projected(args)))
            return
        rows = [row for scene in args.scenes.split(",") for row in measured(scene, args)]
    except SwapError as error:
        sys.exit(f"light: {error}")
    if args.sheet:
        cv2.imwrite(str(args.sheet), np.rint(255 * np.concatenate(rows)).astype(np.uint8))


def measured(scene: str, args: argparse.Namespace) -> list[np.ndarray]:
    """Print a scene's line; rows of the sheet."""
    found: dict[str, list[tuple[float, ...]]] = {}
    parse, rows = parsing.parser("own", threads=1), []
    for pair in args.pairs.split(","):
        shots = filmed(*pair.split(":"), scene, args.frames, args.lamp, parse)
        before: dict[str, np.ndarray] = {}
        for k, (flat, seen, true, points, mask, face) in enumerate(
            progress.track(shots, args.frames, f"{scene} {pair}")
        ):
            made = transferred(flat, seen, mask, points)
            where = masks.components(points, size_hw=(SIDE, SIDE)) * face
            for name, picture in made.items():
                *figures, off = errors(picture, true, where)
                change = np.linalg.norm(off - before[name], axis=-1) if k % 2 else None
                restless = np.nan if change is None else float((change * where).sum() / where.sum())
                found.setdefault(name, []).append((*figures, restless))
                before[name] = off
            if k % max(args.frames // ROWS, 1) == 0:
                rows.append(np.concatenate([seen, *(made[name] for name in SHOWN), true], 1))
    mean = {
        name: {"colour": round(c, 3), "psnr": round(p, 2), "restless": round(r, 3)}
        for name, v in found.items()
        for c, p, r in [np.nanmean(v, 0)]
    }
    about = {"bench": "light", "scene": scene, "pairs": args.pairs, "lamp": args.lamp, "frames": args.frames}
    print(json.dumps({**about, **mean}), flush=True)
    return rows


def filmed(
    source: str, target: str, scene: str, count: int, lamp: str, parse: parsing.Parse
) -> Iterator[tuple[np.ndarray, ...]]:
    """Of each frame: the swap in usual light, the target, the true swap, (SIDE, SIDE, 3) float32 BGR each; landmarks (68, 2);
    where conversion would look, and where the true swap's face is seen, (SIDE, SIDE) float32.
    """
    played, actors = scene_named(scene), [studio.actor_named(target, scene), swapped_named(source, target, scene)]
    act, usual = studio.Performance(5, **{**FRAMING, **played.plays}), studio.Frame()

    def shown(actor: studio.Actor, at: float, *, flat: bool = False) -> tuple[np.ndarray, studio.Truth]:
        def instant(seconds: float) -> list[studio.Frame]:
            frame = replace(played.direct(act(seconds), seconds), grain=0.0)
            return [replace(frame, **{name: getattr(usual, name) for name in LIGHT}) if flat else frame]

        if played.shutter:
            return studio.render_motion([actor], instant, at, size=SIZE, samples=BLURRED, shutter=played.shutter / RATE)
        return studio.render([actor], instant(at), size=SIZE)

    for k in range(count):
        at = k // 2 * APART + k % 2 / RATE
        (seen, truth), (true, its) = (shown(actor, at) for actor in actors)
        flat = true if lamp == "same" else shown(actors[1], at, flat=True)[0]
        points = truth.faces[0].landmarks_xy
        matrix = align.crop_matrix(points, size=SIDE, span=SPAN)
        wide = align.crop_matrix(points, size=parsing.SIDE, span=WIDE)
        share = parse(align.warp(seen, wide, parsing.SIDE)[None], align.transform(points, wide)[None])[0]
        look = {"size_hw": (SIDE, SIDE), "parsed": Parsed(np.rint(255 * share).astype(np.uint8), wide)}
        placed = align.transform(points, matrix)
        parts = masks.drawn(masks.CALM, placed, matrix=align.invert(matrix), **look)
        face = np.isin(its.parsing, [studio.LABELS[name] for name in FACE]).astype(np.float32)
        crops = (align.warp(p, matrix, SIDE).astype(np.float32) / 255 for p in (flat, seen, true))
        yield *crops, placed, masks.combined(masks.CALM, [p for p, _ in parts]), align.warp(face, matrix, SIDE)


def transferred(flat: np.ndarray, seen: np.ndarray, mask: np.ndarray, points: np.ndarray) -> dict[str, np.ndarray]:
    """The swap through every transfer, plain and relit."""
    relit = light.relight(flat, seen, mask, points)
    found = {name: np.clip(transfer(flat, seen, mask), 0, 1) for name, transfer in COLOURS.items()}
    return found | {f"relight+{name}": np.clip(transfer(relit, seen, mask), 0, 1) for name, transfer in COLOURS.items()}


def errors(picture: np.ndarray, true: np.ndarray, mask: np.ndarray) -> tuple[float, float, np.ndarray]:
    """CIEDE2000 of smoothed pictures and PSNR in dB, means under the mask; and how far they are apart in Lab, (s, s, 3)."""
    soft = [lab(np.rint(255 * cv2.GaussianBlur(p, (0, 0), SIDE / 32)).astype(np.uint8)) for p in (picture, true)]
    weight = mask / mask.sum()
    off = (np.square(picture - true).mean(-1) * weight).sum()
    return float((ciede2000(*soft) * weight).sum()), float(-10 * np.log10(max(off, 1e-9))), soft[0] - soft[1]


def projected(args: argparse.Namespace) -> dict[str, object]:
    """The line of a project: every way, means over pairs of neighbouring frames."""
    import quality_project as project

    pair = project.filmed(args.clips, args.source, args.target, seconds=0, consent={})
    job = project.conversion_of(args.project.resolve(), pair, args.swap, "light")
    many = sorted(job.chosen)
    first = np.unique(np.linspace(0, len(many) - 2, args.frames // 2).round().astype(int))
    wanted = {many[k + more] for k in first for more in (0, 1)}
    models, found = job.models(), {}
    ways = [(relit, name) for relit in (False, True) for name in COLOURS]
    for relit, name in progress.track(ways, len(ways), "light", unit="ways"):
        look = {"colour": name, "relight": relit}
        some = job._replace(settings=replace(job.settings, **look))
        rows, before = [], None
        for frame in some.converted(wanted, predict=models):
            pictures = [
                np.rint(255 * np.clip(video.to_bgr(p), 0, 1)).astype(np.uint8) for p in (frame.before, frame.after)
            ]
            row = job.chosen[frame.number][0].row
            matrix = align.crop_matrix(job.landmarks_xy[row], size=measure.CROP_SIDE, span=WIDE)
            alpha = np.zeros(pictures[0].shape[:2], np.float32)
            for over in frame.faces:
                alpha[over.top :, over.left :][: over.alpha.shape[0], : over.alpha.shape[1]] = over.alpha
            crops = [align.warp(p, matrix, measure.CROP_SIDE) for p in pictures]
            mask = align.warp(alpha, matrix, measure.CROP_SIDE)
            one = {"seam": measure.METRICS["seam"].function(*crops, mask)}
            if before is not None and before[0] == frame.number - 1:
                inside, own, theirs = mask > 0.99, before[1], crops
                pictures_of = (own[0], theirs[0], own[1], theirs[1], inside)
                one["flicker_ratio"] = motion.flicker_ratio(*pictures_of)
                one["warp_error_ratio"] = motion.warp_error_ratio(motion.flow(own[0], theirs[0]), *pictures_of)
            rows.append(one)
            before = frame.number, crops
        keys = ("seam", "flicker_ratio", "warp_error_ratio")
        values = {key: [r[key] for r in rows if r.get(key) is not None] for key in keys}
        found["relight+" * relit + name] = {key: round(float(np.mean(v)), 3) for key, v in values.items()}
    return {
        "bench": "light",
        "swap": args.swap,
        "source": args.source,
        "target": args.target,
        "frames": len(wanted),
        **found,
    }


if __name__ == "__main__":
    main()
