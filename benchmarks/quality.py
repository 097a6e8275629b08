"""How good a swap gets: two given people, trained for a given time by the real workflow, and measured beside three baselines.

    ./run python benchmarks/quality.py [--source ann] [--target bob] [--steps 60,1500 | --minutes 0.33,6] [--seeds 3]
    ./run python benchmarks/quality.py --pairs ann:bob,s267:s265,s205:s671 --folder quality > quality.jsonl
    ./run python benchmarks/quality.py --also core=560,dfaker=80          # other models beside it, each with steps of its own
    ./run python benchmarks/quality.py --footage ../shared/footage --consent '{"basis": "written", ...}' [--source a] [--target b]
    ./run python benchmarks/quality.py --table quality.jsonl

Prints one JSON line for each pair. A project is made in a folder and driven as a user would: clips of the studio's actors,
frames, faces, dataset, training, conversion, label, and the stage `measure`, whose figures are given. `metrics` has for every
row of measure.METRICS that can be told

* `unchanged`: the target left as it is, through the same encoder;
* `average`: the source's average face under the masks and colours of a swap;
* `stops`: the swap at each stop of one training that goes on: mean, spread (standard deviation over the seeds) and values;
* `others`: swaps of other models (--also; for equal minutes give each the steps that benchmarks/train.py says it does in them)
  and of other settings: --settings names a JSON file, {"name": section train of the configuration, ...};
* `truth`: the true swap, filmed and encoded as the clip was: the ceiling. Footage has none;
* `order`: which order is known beforehand and why not another, and whether it `holds`, `ties` or is `broken`.

The source is known by held-out photos: another performance of the actor, or the footage's folder photos_NAME. `facts` say what
each stop took: seconds of training and images per second of the model alone, wall and CPU seconds of all processes. With
--folder the project stays there, an interrupted run goes on, and strip.png shows frames of all side by side.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import quality_order as order
import quality_project as project

from swapcore import code, measure, progress, store
from swapcore.config.architectures import SIZES
from swapcore.errors import SwapError

CODE = ("train", "convert", "label", "measure", "faces")  # stages whose code makes the figures


def main() -> None:
    """Run the pairs and print their lines, or print a table of lines."""
    args = _arguments()
    try:
        if args.table:
            print(order.table(_lines(args.table)), end="")
            return
        pairs, stops, _ = _pairs(args), _stops(args), _also(args)
        with contextlib.ExitStack() as stack:
            folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            say = _clock(len(pairs) * args.seeds, stops)
            for source, target in pairs:
                print(json.dumps(_measured(folder.resolve(), source, target, args, stops, say)), flush=True)
    except (SwapError, OSError) as error:
        sys.exit(f"quality: {error}")


def _measured(
    folder: Path, source: str, target: str, args: argparse.Namespace, stops: Sequence[dict[str, float]], say: Callable
) -> dict[str, Any]:
    """The JSON line of one pair."""
    home = folder / f"{source}_onto_{target}".replace(":", "")
    length = {"seconds": args.seconds}
    look = {"seconds": args.seconds, "size": args.size, "rate": args.rate}
    kind = {"footage": str(args.footage)} if args.footage else look
    _guard(home, {**length, **kind, "stops": stops, "model": args.model, "frames": args.frames})
    if args.footage:
        pair = project.filmed(args.footage.resolve(), source, target, **length, consent=_consent(args.consent))
    else:
        pair = project.actors(home, source, target, **look)
    name, run = f"quality {source}:{target}", functools.partial(project.snakemake, home, cores=args.cores)
    baselines = [b for b in project.BASELINES if b != "truth" or not args.footage]

    def configure(budget: dict[str, float]) -> None:
        swaps = {f"seed_{seed}": {"model": args.model, "budget": budget, "seed": seed} for seed in _seeds(args)}
        swaps |= _also(args)
        project.write(home, pair, swaps=swaps, videos=baselines, frames=args.frames)

    configure(stops[0])
    say(f"{name}: clips, faces and datasets")
    people = [f"results/people/{person}/dataset.parquet" for person in (pair.source, pair.target)]
    prepared = run(*people)
    for seed in _seeds(args):
        for k, stop in enumerate(stops):
            kept = home / f"kept/seed_{seed}_stop_{k}"
            if not (kept / "facts.json").is_file():
                configure(stop)
                say(f"{name}: seed {seed}, training to {_named(stop)}")
                _stop(home, kept, f"seed_{seed}", run)
            say(None, trained=stop)
        for baseline in baselines if seed == 1 else []:
            if not (home / f"kept/{baseline}/measures.json").is_file():
                say(f"{name}: {baseline}")
                _baseline(home, home / f"kept/{baseline}", pair, baseline, run)
    for other, train in _also(args).items():
        kept = home / f"kept/{other}"
        if not (kept / "facts.json").is_file():
            say(f"{name}: {other}")
            store.write_json(kept / "settings.json", train)
            _stop(home, kept, other, run)
        elif store.read_json(kept / "settings.json") != train:
            raise SwapError(f"{other}: expected the settings of before, found others; give it another name")
    return _line(home, pair, args, stops, baselines, prepared)


def _stop(home: Path, kept: Path, swap: str, run: Callable[..., project.Cost]) -> None:
    """Train on to the stop that is configured, convert, measure, and keep what came of it."""
    results = home / "results"
    training = run(f"results/swaps/{swap}/trained.json")
    made = run(*(f"results/videos/{swap}/{file}" for file in ("video.mp4", "measures.json")))
    trained = store.read_json(results / f"swaps/{swap}/trained.json")
    images = trained["images"]
    facts = {"steps": trained["steps"], "train_s": trained["seconds"]}
    facts |= {"images_per_s": round(images / max(trained["seconds"], 1e-6), 1)}
    facts |= {"train_wall_s": training.wall_s, "train_cpu_s": training.cpu_s}
    facts |= {"rest_wall_s": made.wall_s, "rest_cpu_s": made.cpu_s}
    _keep(kept, results / f"videos/{swap}")
    store.write_json(kept / "facts.json", facts)


def _baseline(home: Path, kept: Path, pair: project.Pair, name: str, run: Callable[..., project.Cost]) -> None:
    """Make a baseline's frames, and let the workflow label and measure them as it does a swap's."""
    job = project.conversion_of(home, pair, "seed_1", name)
    video = home / f"results/videos/{name}"
    video.mkdir(parents=True, exist_ok=True)
    job.write(video / "composite.mkv", project.BASELINES[name](home, pair, job))
    files = [f"results/videos/{name}/{file}" for file in ("video.mp4", "measures.json")]
    run(*files, "--force", "--allowed-rules", "label", "measure")
    (video / "composite.mkv").unlink(missing_ok=True)
    _keep(kept, video)


def _keep(kept: Path, video: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    for file in ("video.mp4", "measures.json"):
        shutil.copyfile(video / file, kept / file)


def _line(
    home: Path,
    pair: project.Pair,
    args: argparse.Namespace,
    stops: Sequence[dict[str, float]],
    baselines: Sequence[str],
    prepared: project.Cost,
) -> dict[str, Any]:
    """All figures, from what was kept; and the strip of pictures."""
    kept, seeds = home / "kept", _seeds(args)
    ends = {name: store.read_json(kept / f"{name}/measures.json") for name in baselines}
    each = [[kept / f"seed_{seed}_stop_{k}" for seed in seeds] for k in range(len(stops))]
    trained = [[store.read_json(one / "measures.json") for one in stop] for stop in each]
    rows = {**measure.METRICS, **measure.SEQUENCES}
    others = {other: store.read_json(kept / f"{other}/measures.json") for other in _also(args)}
    found = order.metrics(ends["unchanged"], ends["average"], ends.get("truth"), trained, others=others, rows=rows)
    facts = [[store.read_json(one / "facts.json") for one in stop] for stop in each]
    means = [{key: round(sum(f[key] for f in stop) / len(stop), 1) for key in stop[0]} for stop in facts]
    names = [_named(stop) for stop in stops]
    videos = {"unchanged": kept / "unchanged", "average face": kept / "average"}
    videos |= {name: kept / f"seed_1_stop_{k}" for k, name in enumerate(names)}
    videos |= {other: kept / other for other in others}
    videos |= {"true swap": kept / "truth"} if "truth" in ends else {}
    pictures = project.strip(home, pair, {name: path / "video.mp4" for name, path in videos.items()})
    store.write_picture(home / "strip.png", pictures)
    return {
        "bench": "quality",
        "pair": f"{pair.source}:{pair.target}",
        "footage": bool(args.footage),
        "model": args.model,
        "stops": names,
        "seeds": seeds,
        "seconds": args.seconds,
        "frames": args.frames,
        "order": order.summary(found),
        "metrics": found,
        "facts": {"prepare_wall_s": prepared.wall_s, "prepare_cpu_s": prepared.cpu_s, "stops": means}
        | {"others": {other: store.read_json(kept / f"{other}/facts.json") for other in others}},
        "cores": min(args.cores, os.cpu_count() or 1),
    }


def _guard(home: Path, asked: dict[str, Any]) -> None:
    """Refuse a folder whose figures were made with other settings or by other code."""
    asked = {**asked, "code": {name: code.digest(project.ROOT / f"scripts/{name}.py") for name in CODE}}
    file = home / "benchmark.json"
    if not file.is_file():
        store.write_json(file, asked)
        return
    before = store.read_json(file)
    if other := [key for key in asked if before.get(key) != asked[key]]:
        raise SwapError(
            f"{home}: expected a run with the same {other[0]}, found one with another; take a new --folder or remove it"
        )


def _clock(trainings: int, stops: Sequence[dict[str, float]]) -> Callable:
    """A function that says a line with how long the rest will take, told from how long trainings took so far."""
    unit = next(iter(stops[0]))
    total, done, begin = trainings * stops[-1][unit], [0.0], time.monotonic()
    last = [0.0]

    def say(line: str | None, trained: dict[str, float] | None = None) -> None:
        if trained is not None:
            done[0] += trained[unit] - last[0]
            last[0] = trained[unit] if trained != stops[-1] else 0.0
        if line:
            ahead, spent = total - done[0], time.monotonic() - begin
            known = ahead > 0 and done[0] > 0.1 * total  # before, it would mostly tell of making clips
            progress.say(line + (f", about {progress.duration(spent / done[0] * ahead)} left" if known else ""))

    return say


def _named(stop: dict[str, float]) -> str:
    (unit, value), *_ = stop.items()
    return f"{value:g} {unit if unit == 'steps' else 'min'}"


def _seeds(args: argparse.Namespace) -> list[int]:
    return list(range(1, args.seeds + 1))


def _stops(args: argparse.Namespace) -> list[dict[str, float]]:
    """Budgets, ascending, as the section train takes them."""
    unit, text = ("minutes", args.minutes) if args.minutes else ("steps", args.steps)
    try:
        values = [float(word) if unit == "minutes" else int(word) for word in text.split(",")]
    except ValueError:
        values = []
    if not values or min(values) <= 0 or values != sorted(set(values)):
        raise SwapError(f"--{unit} {text}: expected stops above 0, each later than the one before, such as 60,1500")
    return [{unit: value} for value in values]


def _also(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The other swaps beside the model's own: name -> its own section train."""
    parts = [word.partition("=") for word in args.also.split(",") if word]
    for model, _, steps in parts:
        if model not in SIZES or not steps.isdigit() or int(steps) < 1:
            raise SwapError(f"--also {args.also}: expected models and their steps, such as core=560,dfaker=80")
    found = {f"{model}-{steps}": {"model": model, "budget": {"steps": int(steps)}} for model, _, steps in parts}
    more = store.read_json(args.settings) if args.settings else {}
    if not isinstance(more, dict) or not all(isinstance(train, dict) for train in more.values()):
        raise SwapError(f'{args.settings}: expected {{"name": {{"model": "small", "budget": {{"steps": 1000}}}}, ...}}')
    return found | more


def _pairs(args: argparse.Namespace) -> list[tuple[str, str]]:
    """(source, target), each."""
    source, target = (
        (args.source or ("a" if args.footage else "ann")),
        (args.target or ("b" if args.footage else "bob")),
    )
    words = args.pairs.split(",") if args.pairs else [f"{source}:{target}"]
    # an actor may be called seed:123
    pairs = [tuple(p.replace("#", ":") for p in word.replace("seed:", "seed#").split(":")) for word in words]
    if not args.pairs:
        pairs = [(source, target)]
    for word, pair in zip(words, pairs, strict=True):
        if len(pair) != 2 or pair[0] == pair[1] or not all(pair):
            raise SwapError(f"{word}: expected two different people, as source:target, such as ann:bob")
    if args.footage and not args.consent:
        raise SwapError(
            "--footage: expected --consent with the record of the people's consent as JSON, such as "
            '{"basis": "written", "by": "...", "date": "2026-11-01", "scope": "measuring"}'
        )
    return pairs


def _consent(text: str) -> dict[str, str]:
    try:
        record = json.loads(text)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise SwapError(f"--consent {text:.60}: expected a JSON object as `consent` in config.yaml")
    return record


def _lines(files: Sequence[Path]) -> list[dict[str, Any]]:
    """The JSON lines of some files."""
    found = []
    for file in files:
        for number, text in enumerate(file.read_text().splitlines(), 1):
            try:
                line = json.loads(text) if text.strip() else None
            except ValueError:
                line = {}
            if line is not None and (not isinstance(line, dict) or line.get("bench") != "quality"):
                raise SwapError(f"{file}, line {number}: expected a JSON line that this benchmark printed")
            found += [line] if line else []
    if not found:
        raise SwapError("--table: expected lines that this benchmark printed, found none")
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", help="whose face appears: an actor (ann), or with --footage a name (a)")
    parser.add_argument("--target", help="who is changed (bob, or b)")
    parser.add_argument("--pairs", help="several: source:target,source:target")
    parser.add_argument("--footage", type=Path, help="folder of clip_NAME.mp4, and photos_NAME: real people")
    parser.add_argument("--consent", help="with --footage: the consent record of the people, JSON")
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument(
        "--steps", default="60,1500", help="stops of the training, steps (about 20 s and 6 min on 2 cores)"
    )
    budget.add_argument("--minutes", help="stops of the training, minutes, instead")
    parser.add_argument(
        "--seeds", type=int, default=1, choices=range(1, 11), metavar="N", help="trainings from 1 to 10 seeds"
    )
    parser.add_argument("--model", default="small", help="train.model")
    parser.add_argument("--also", default="", help="other models, each with its steps: core=560,dfaker=80")
    parser.add_argument("--settings", type=Path, help="JSON file of other settings: name -> section train")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of each clip")
    parser.add_argument("--size", type=int, default=320, help="side of the studio's pictures, pixels")
    parser.add_argument("--rate", type=int, default=25, help="of the studio's clips, frames a second")
    parser.add_argument("--frames", type=int, default=48, help="frames that are looked at")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1, help="for the workflow")
    parser.add_argument("--folder", type=Path, help="where the projects stay; a run that was cut off goes on there")
    parser.add_argument(
        "--table", type=Path, nargs="+", help="print a Markdown table of such JSON lines, and nothing else"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
