"""Whether bfloat16 learns what float32 learns: the same trainings in both precisions, and what their swaps are worth.

    ./run python benchmarks/precision.py [--models small,core] [--resolution 64] [--steps 3000] [--seeds 3]

Two of the studio's actors; for each model, seed and precision one training of as many steps, by the real workflow, one after
the other (a precision's next seed after the other precision's, so that other load meets both). Prints one JSON line for each
model: of the measured quality (the score of faces that never train, the best and the last) and of the losses, mean, spread
(standard deviation over the seeds) and values in both precisions, and `gap`, bfloat16 less float32, beside the spread. With
--folder the project stays there, and an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import quality_project as project

from swapcore import progress, store
from swapcore.errors import SwapError

PRECISIONS = ("float32", "bfloat16")


def main() -> None:
    """Make the project, train, and print a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="small,original", help="names, with commas between")
    parser.add_argument("--resolution", type=int, help="of all models, pixels; left out: each one's own")
    parser.add_argument("--steps", type=int, default=3000, help="of each training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--source", default="ann", help="an actor of the studio")
    parser.add_argument("--target", default="bob", help="another")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="kept")
    args = parser.parse_args()
    try:
        with contextlib.ExitStack() as stack:
            folder = (args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))).resolve()
            swaps = plan(args.models.split(","), range(1, args.seeds + 1), args.steps, args.resolution)
            write(folder, args.source, args.target, swaps)
            for model in args.models.split(","):
                trained = {name: learn(folder, name, args.cores) for name in swaps if name.startswith(f"{model}-")}
                about = {"bench": "precision", "model": model, "resolution": args.resolution, "steps": args.steps}
                print(
                    json.dumps(
                        {**about, "seeds": args.seeds, "source": args.source, "target": args.target, **figures(trained)}
                    ),
                    flush=True,
                )
    except (SwapError, OSError) as error:
        sys.exit(f"precision: {error}")


def plan(
    models: Sequence[str], seeds: Sequence[int], steps: int, resolution: int | None = None
) -> dict[str, dict[str, Any]]:
    """The swaps, in the order of their training: name -> its own section train."""
    return {
        f"{model}-{seed}-{precision}": {
            **{"model": model, "precision": precision, "seed": seed, "resolution": resolution},
            **{"budget": {"steps": steps}, "stop": "budget", "deliver": "last"},
        }
        for model in models
        for seed in seeds
        for precision in PRECISIONS
    }


def write(folder: Path, source: str, target: str, swaps: Mapping[str, Mapping[str, Any]]) -> None:
    """config.yaml (JSON is YAML) and clips.tsv."""
    actors = {source: 77, target: 8}  # what they do, as in the demo
    clips = {n: {"actor": n, "performance": number, "seconds": 24} for n, number in actors.items()}
    config = {
        "people": {name: {"consent": {"basis": "synthetic"}} for name in actors},
        "studio": {"size": 360, "rate": 12, "grain": 2.0, "clips": clips},
        "clips": "config/clips.tsv",
        "swaps": [{"name": n, "source": source, "target": target, "train": dict(own)} for n, own in swaps.items()],
    }
    rows = [f"{name}\t{name}\tresults/studio/{name}.mp4" for name in actors]
    store.write_bytes(folder / "config/config.yaml", json.dumps(config, indent=1).encode())
    store.write_bytes(folder / "config/clips.tsv", "\n".join(["name\tperson\tpath", *rows, ""]).encode())


def learn(folder: Path, name: str, cores: int) -> dict[str, Any]:
    """Train one; what its trained.json says."""
    progress.say(f"precision: {name}")
    file = f"results/swaps/{name}/trained.json"
    project.snakemake(folder, file, cores=cores)
    return store.read_json(folder / file)


def figures(trained: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Both precisions side by side, from trained.json by swap.

    Raises SwapError where quality was not measured.
    """
    found: dict[str, Any] = {}
    for precision in PRECISIONS:
        rows = [one for one in trained.values() if one["settings"]["precision"] == precision]
        scores = [[row["score"] for row in one["quality"]["history"]] for one in rows]
        if not all(scores):
            raise SwapError("expected measured quality of every training, found none; give more --steps")
        values = {"best": [max(of) for of in scores], "last": [of[-1] for of in scores]}
        values |= {f"loss_{person}": [one["loss"][person] for one in rows] for person in ("source", "target")}
        found[precision] = {name: told(of) for name, of in values.items()}
    gap = {
        name: {
            "gap": round(found["bfloat16"][name]["mean"] - found["float32"][name]["mean"], 4),
            "spread": max(found[precision][name]["spread"] for precision in PRECISIONS),
        }
        for name in found["float32"]
    }
    return {**found, "gap": gap}


def told(values: Sequence[float]) -> dict[str, Any]:
    """Mean, spread and values."""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return {
        "mean": round(statistics.mean(values), 4),
        "spread": round(spread, 4),
        "values": [round(v, 4) for v in values],
    }


if __name__ == "__main__":
    main()
