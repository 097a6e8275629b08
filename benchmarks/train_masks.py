"""What the mask that training looks by is worth, and the mask that a model learns: with hands and hair before the face.

    ./run python benchmarks/train_masks.py [--source s228] [--target s205] [--steps 600] [--seeds 2] [--model small] [--folder D]

Two of the studio's actors, each in a clip with a passing hand and in one with a fringe; for each seed, trainings of as many
steps by the real workflow, one after the other: `extended`, `parsed` (train.mask {min: [extended, parser]}), `parser` (that
alone) and `learned` (`parsed` with train.learn_mask). Each is asked for the swap of frames that did not train. One JSON line a
training:

* of each scene, against the true swap where its face is seen and `extended` is: `psnr` after reinhard's colours (dB),
  `sharpness` (fine detail, its ratio) and `margin` (how much nearer to the source than to the target, dlib's unit); `forehead`:
  `psnr` where the face is seen above and beside `extended`;
* `trained`: seconds and steps;
* of `learned`, `masks`: what benchmarks/masks.py measures, of the learned mask beside the others.

With --folder the project stays there, and an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import masks as mask_benchmark
import numpy as np
import quality_project as project

from swapcore import align, detect, embedding, masks, models, nets, parsing, progress, store, studio
from swapcore.colour import COLOURS
from swapcore.errors import SwapError
from swapcore.train.quality import detail, psnr
from swapcore.types import Parsed

BOTH = {"min": ["extended", "parser"]}
KINDS = {"extended": {"mask": "extended"}, "parsed": {"mask": BOTH}, "parser": {"mask": "parser"}}
KINDS |= {"learned": {"mask": BOTH, "learn_mask": True}}
TRAINED, ASKED = ("hand", "fringe"), ("talk", "hand")  # scenes
EVERY = 5  # of the frames asked for, one is compared with the true swap
FACE = mask_benchmark.FACE
OUTLINES = {"truth": (255, 255, 255), "steady": (60, 60, 230), "learned": (230, 200, 60)}  # BGR


class Asked(NamedTuple):
    """A frame of the target that did not train."""

    picture: np.ndarray  # (h, w, 3) uint8 BGR
    true: np.ndarray  # the same, truly swapped
    seen: np.ndarray  # (h, w) float32, where its face is seen
    marks: np.ndarray  # (68, 2)


def main() -> None:
    """Make the project, train, and print a line for each training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default="s228", help="an actor of the studio")
    parser.add_argument("--target", default="s205", help="another")
    parser.add_argument("--kinds", default=",".join(KINDS), help="of the trainings")
    parser.add_argument("--steps", type=int, default=600, help="of each training")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--model", default="small")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="kept")
    args = parser.parse_args()
    try:
        with contextlib.ExitStack() as stack:
            folder = (args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))).resolve()
            measured(folder, args)
    except (SwapError, OSError) as error:
        sys.exit(f"train_masks: {error}")


def measured(folder: Path, args: argparse.Namespace) -> None:
    """Train all, and print the lines."""
    swaps = {
        f"{kind}-{seed}": {**KINDS[kind], "seed": seed}
        for seed in range(1, args.seeds + 1)
        for kind in args.kinds.split(",")
    }
    write(folder, args, swaps)
    asked = {scene: list(frames(args.source, args.target, scene)) for scene in ASKED}
    session = nets.identity_session(threads=1)
    for name in swaps:
        progress.say(f"train_masks: {name}")
        home = folder / f"results/swaps/{name}"
        project.snakemake(folder, str((home / "trained.json").relative_to(folder)), cores=args.cores)
        trained = store.read_json(home / "trained.json")
        predict = models.predictor(trained, home / "weights.h5", runtime="onnx", threads=1)
        people = {
            who: mean(plain(actor, trained), session) for who, actor in vars(args).items() if who in models.PEOPLE
        }
        line = {scene: figures(some, predict, trained, people, session) for scene, some in asked.items()}
        about = {"bench": "train_masks", "source": args.source, "target": args.target, "swap": name}
        about["trained"] = {key: trained[key] for key in ("steps", "seconds", "loss")}
        if "learn_mask" in swaps[name]:
            line["masks"] = learned(args.target, trained, home / "weights.h5")
        print(json.dumps({**about, "model": args.model, **line}), flush=True)


def write(folder: Path, args: argparse.Namespace, swaps: dict[str, dict[str, Any]]) -> None:
    """config.yaml (JSON is YAML) and clips.tsv."""
    train = {"model": args.model, "budget": {"steps": args.steps}, "deliver": "last", "held_out": 0}
    clips = {
        f"{who}_{scene}": {"actor": who, "performance": 77 + k + 5 * place, "seconds": 20, "scene": scene}
        for place, who in enumerate((args.source, args.target))
        for k, scene in enumerate(TRAINED)
    }
    config = {
        "people": {name: {"consent": {"basis": "synthetic"}} for name in (args.source, args.target)},
        "studio": {"size": 320, "rate": 12, "grain": 2.0, "clips": clips},
        "clips": "config/clips.tsv",
        "swaps": [
            {"name": name, "source": args.source, "target": args.target, "train": {**train, **own}}
            for name, own in swaps.items()
        ],
    }
    rows = [f"{name}\t{clip['actor']}\tresults/studio/{name}.mp4" for name, clip in clips.items()]
    store.write_bytes(folder / "config/config.yaml", json.dumps(config, indent=1).encode())
    store.write_bytes(folder / "config/clips.tsv", "\n".join(["name\tperson\tpath", *rows, ""]).encode())


def frames(source: str, target: str, scene: str) -> Iterator[Asked]:
    """Some frames of the target in a scene, and their true swaps."""
    look = {"performance": 5, "seconds": 6, "size": 320, "rate": 10, "grain": 2.0, "scene": scene}
    fit, numbers = detect.fitter(nets.model_path("landmarks")), range(0, 60, EVERY)
    true = studio.true_swap(source, target, numbers=numbers, **look)
    for number, (picture, truth) in enumerate(studio.clip(target, **look)):
        if number in numbers:
            _, swapped, its = next(true)
            marks = detect.refit(detect.grey(picture), truth.faces[0].landmarks_xy, fit)
            seen = np.isin(its.parsing, [studio.LABELS[part] for part in FACE]) & (its.actor == 0)
            yield Asked(picture, swapped, seen.astype(np.float32), marks)


def figures(
    some: list[Asked], predict: Callable, trained: dict[str, Any], people: dict[str, np.ndarray], session: Any
) -> dict[str, float]:
    """A model's swaps against the true ones, means over frames."""
    side, errors, above, made, true, insides, chips = trained["resolution"], [], [], [], [], [], []
    for one in some:
        matrix = placed(one.marks, trained)
        crop, want = (align.warp(p, matrix, side).astype(np.float32) / 255 for p in (one.picture, one.true))
        points = align.transform(one.marks, matrix)
        seen, extended = align.warp(one.seen, matrix, side), masks.extended(points, size_hw=(side, side))
        inside = seen * extended > 0.5
        swapped = np.clip(COLOURS["reinhard"](predict(crop[None])[0], crop, inside.astype(np.float32)), 0, 1)
        errors.append(np.square(swapped - want)[inside].mean())
        above += np.square(swapped - want)[(seen > 0.9) & (extended < 0.1)].mean(-1).tolist()
        made.append(swapped)
        true.append(want)
        insides.append(inside)
        chips.append(embedding.chips(np.rint(255 * swapped).astype(np.uint8), points)[0])
    inside = np.array(insides)
    found = embedding.embed_chips(np.array(chips), session)
    apart = {who: np.linalg.norm(found - its, axis=1).mean() for who, its in people.items()}
    return {
        "psnr": round(psnr(float(np.mean(errors))), 2),
        "forehead": round(psnr(float(np.mean(above))), 2),
        "sharpness": round(detail(np.array(made), inside) / detail(np.array(true), inside), 3),
        "margin": round(float(apart["target"] - apart["source"]), 4),
    }


def plain(actor: str, trained: dict[str, Any]) -> Iterator[np.ndarray]:
    """Chips of an actor's own frames, cut at the model's size first."""
    fit, side = detect.fitter(nets.model_path("landmarks")), trained["resolution"]
    for picture, truth in studio.clip(actor, performance=9, seconds=8, size=320, rate=1, grain=2.0):
        marks = detect.refit(detect.grey(picture), truth.faces[0].landmarks_xy, fit)
        matrix = placed(marks, trained)
        yield embedding.chips(align.warp(picture, matrix, side), align.transform(marks, matrix))[0]


def mean(chips: Iterator[np.ndarray], session: Any) -> np.ndarray:
    """The mean embedding of chips, (128,)."""
    return embedding.embed_chips(np.array(list(chips)), session).mean(0)


def placed(marks: np.ndarray, trained: dict[str, Any]) -> np.ndarray:
    """Frame pixels -> pixels of what the model sees, (2, 3)."""
    span = trained["span"] / trained["coverage"]
    return align.crop_matrix(marks, size=trained["resolution"], span=span, centring=trained["centring"])


def learned(target: str, trained: dict[str, Any], weights: Path) -> dict[str, Any]:
    """The learned mask of each scene's frames beside the others, as benchmarks/masks.py measures them."""
    predict = models.predictor(trained, weights, runtime="onnx", threads=1, masked=True)
    parse, fit = parsing.parser("own", threads=1), detect.fitter(nets.model_path("landmarks"))
    found, side = {}, mask_benchmark.SIDE
    for scene in (*ASKED, "fringe"):
        crops, true, points = mask_benchmark.filmed(target, scene, 3, fit)
        made = mask_benchmark.drawn(crops, points, {"": parse}) | {"truth": true, "learned": []}
        for crop, marks in zip(crops, points, strict=True):
            matrix = placed(marks, trained)
            small = align.warp(crop, matrix, trained["resolution"]).astype(np.float32) / 255
            share = np.rint(255 * predict(small[None])[0, ..., 3]).astype(np.uint8)
            made["learned"].append(masks.parsed_at(Parsed(share, matrix), np.eye(2, 3), (side, side)))
        made["learned"] = np.array(made["learned"])
        made["extended+learned"] = np.minimum(made["extended"], made["learned"])
        names = ("extended", "raw", "steady", "learned", "extended+steady", "extended+learned", "truth")
        rows = {name: mask_benchmark.figures(made[name], true, made["extended"], crops) for name in names}
        found[scene] = {name: {key: round(value, 4) for key, value in row.items()} for name, row in rows.items()}
        outlines = mask_benchmark.strip(crops, made, colours=OUTLINES)
        store.write_picture(weights.parent / f"mask_{scene}.png", outlines)
    return found


if __name__ == "__main__":
    main()
