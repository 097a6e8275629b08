"""What a training hands over: where it goes, which weights they are, and trained.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from swapcore import code, progress, store
from swapcore.config.fields import Train
from swapcore.models import PEOPLE, portable
from swapcore.train import chart, checkpoint, monitor, standing
from swapcore.train.standing import Standing


@dataclass(frozen=True)
class Outputs:
    """Where the results go."""

    trained: Path
    weights: Path
    curve: Path
    quality: Path
    preview: Path


def write(
    what: str, facts: dict[str, Any], saved: checkpoint.Saved, *, settings: Train, folder: Path, outputs: Outputs
) -> None:
    """Write all outputs from a saved state whose graphs and preview are made; facts: what trained.json begins with."""
    now = Standing.from_json(saved.info)
    why = standing.why_stopped(
        now, standing.budget(now, settings), standing.way(now, settings), patience=settings.patience
    )
    progress.say(f"{what}: stopped after step {now.step} by its {why}")
    delivered = chosen(what, folder, saved, settings=settings)
    arrays = checkpoint.read_arrays(delivered, "weights")
    for name, path in graph_paths(folder).items():
        arrays[name] = np.frombuffer(path.read_bytes(), np.uint8)  # with them they run without TensorFlow
    sha256 = checkpoint.write_arrays(outputs.weights, arrays.items())
    begun = [goal.step for goal in now.goals[1:]]
    store.write_picture(outputs.curve, monitor.curve(now.history, title=what, begun=begun, watched=now.watched))
    store.write_picture(
        outputs.quality, chart.quality_curve(now.quality, now.history, title=what, best=now.best, begun=begun)
    )
    store.write_bytes(outputs.preview, preview_path(saved, settings).read_bytes())
    trained = {
        **facts,
        "steps": now.step,
        "seconds": round(now.seconds, 1),
        "images": now.images,
        "batch": now.batch,
        "limits": now.limits,
        "weights": {"file": outputs.weights.name, "sha256": sha256},
        "start": now.start,
        "loss": dict(zip(PEOPLE, now.history[-1][3:], strict=True)),
        "quality": standing.report(now, delivered=delivered.info["step"], why=why),
    }
    store.write_json(outputs.trained, trained)


def chosen(what: str, folder: Path, saved: checkpoint.Saved, *, settings: Train) -> checkpoint.Saved:
    """The state whose weights are handed over."""
    step = _best(saved, settings)
    if step is None:
        return saved
    found = checkpoint.find_best(folder, step)
    if found is None:
        progress.say(f"{what}: the best weights, of step {step}, are missing or damaged; the last are handed over")
    return found or saved


def graph_paths(folder: Path) -> dict[str, Path]:
    """Where the graphs of the swap, both ways, lie, by their names, see models.portable: made anew when the code that makes
    them has changed.
    """
    return {name: folder / f"{name}-{code.digest(portable.__file__)}.onnx" for name in portable.GRAPHS.values()}


def preview_path(saved: checkpoint.Saved, settings: Train) -> Path:
    """Where the preview of what is handed over lies: beside the state, and dropped with it."""
    step = _best(saved, settings)
    return saved.path.with_suffix(".jpg" if step is None else f".{step}.jpg")


def _best(saved: checkpoint.Saved, settings: Train) -> int | None:
    """The step whose weights are handed over where they are not the state's own."""
    best = saved.info.get("best")
    return best if settings.deliver == "best" and best != saved.info["step"] else None
