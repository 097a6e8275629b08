"""What train.start_from saves: a new person's swap begun with another swap's encoder, beside the same begun fresh.

    ./run python benchmarks/start_from.py [--people ann,bob,s256] [--minutes 4] [--rates 0.1,0.3,1] [--folder DIR]

Three of the studio's actors a, b, c: `first` is trained a onto b; then c onto b `fresh`, and for each rate (train.start_rate)
from `first`, all for the same minutes, by the real workflow and one after the other. Prints one JSON line: for every training
its measurements (step, seconds, score), and after how many steps it reached the score that the fresh one reached at half of its
steps and at their end. Steps count, for other load on the machine changes what a minute is worth. With --folder the project
stays there, and an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import quality_project as project

from swapcore import progress, store
from swapcore.errors import SwapError


def main() -> None:
    """Make the project, train, and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", default="ann,bob,s256", help="three actors: a, b, and c who is new")
    parser.add_argument("--minutes", type=float, default=4.0, help="of each training")
    parser.add_argument("--rates", default="0.3", help="values of train.start_rate")
    parser.add_argument("--model", default="small")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="kept")
    args = parser.parse_args()
    try:
        with contextlib.ExitStack() as stack:
            folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            rates = [float(rate) for rate in args.rates.split(",")]
            print(json.dumps(measured(folder.resolve(), args.people.split(","), rates, args)))
    except (SwapError, OSError) as error:
        sys.exit(f"start_from: {error}")


def measured(folder: Path, people: Sequence[str], rates: Sequence[float], args: argparse.Namespace) -> dict[str, Any]:
    """Train all, and the figures."""
    first, target, new = people
    train = {"model": args.model, "budget": {"minutes": args.minutes}, "quality_every": args.minutes / 16}
    swaps = {"first": (first, {}), "fresh": (new, {})}
    swaps |= {f"rate-{rate:g}".replace(".", "-"): (new, {"start_from": "first", "start_rate": rate}) for rate in rates}
    clips = {n: {"actor": n, "performance": 77 if n != target else 8, "seconds": 24} for n in people}
    config = {
        "people": {name: {"consent": {"basis": "synthetic"}} for name in people},
        "studio": {"size": 360, "rate": 12, "grain": 2.0, "clips": clips},
        "clips": "config/clips.tsv",
        "train": train,
        "swaps": [{"name": n, "source": who, "target": target, "train": own} for n, (who, own) in swaps.items()],
    }
    rows = [f"{name}\t{name}\tresults/studio/{name}.mp4" for name in people]
    store.write_bytes(folder / "config/config.yaml", json.dumps(config, indent=1).encode())
    store.write_bytes(folder / "config/clips.tsv", "\n".join(["name\tperson\tpath", *rows, ""]).encode())
    found = {}
    for name in swaps:
        progress.say(f"start_from: {name}")
        project.snakemake(folder, f"results/swaps/{name}/trained.json", cores=args.cores)
        found[name] = store.read_json(folder / f"results/swaps/{name}/trained.json")
    return {"bench": "start_from", "people": list(people), **figures(found), "settings": train}


def figures(trained: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Of trained.json by swap, `fresh` among them: when each reached what the fresh one did."""
    histories = {
        name: [[row["step"], row["seconds"], row["score"]] for row in one["quality"]["history"]]
        for name, one in trained.items()
    }
    fresh = np.array(histories["fresh"])
    best = np.maximum.accumulate(fresh[:, 2])
    wanted = {"half": float(np.interp(fresh[-1, 0] / 2, fresh[:, 0], best)), "end": float(best[-1])}
    reached = {
        name: {when: reach(history, score) for when, score in wanted.items()}
        for name, history in histories.items()
        if name != "first"
    }
    return {"wanted": wanted, "reached_after_steps": reached, "measured": histories}


def reach(history: Sequence[Sequence[float]], score: float) -> int | None:
    """The step at which a training first had a score, between two measurements in proportion; None where it had it never.

    history: rows of step, seconds, score. Training begins with a score of 0.
    """
    before = (0.0, 0.0)
    for step, _, now in history:
        if now >= score:
            return round(before[0] + (step - before[0]) * (score - before[1]) / max(now - before[1], 1e-9))
        before = (step, now)
    return None


if __name__ == "__main__":
    main()
