"""Training of one swap: from its state, through its budget, to its outputs."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from swapcore import progress, store
from swapcore.config.fields import Train
from swapcore.errors import SwapError
from swapcore.models import MODELS, PEOPLE, device, tensorflow
from swapcore.train import batches, checkpoint, monitor
from swapcore.train.schedule import WITHOUT_WARP, Goal, Plan, goal_digest, plan, pursue
from swapcore.train.step import Trainer, trainer

RESOLUTION = 64  # of both models, pixels
PREVIEW_ROWS = 6


@dataclass(frozen=True)
class Outputs:
    """Where the results go."""

    trained: Path
    weights: Path
    curve: Path
    preview: Path


@dataclass
class Standing:
    """How far a training has come: all of its state but the arrays."""

    step: int = 0
    images: int = 0  # faces seen, of both people
    seconds: float = 0.0  # of training
    goals: list[Goal] = field(default_factory=list)
    history: list[list[float]] = field(default_factory=list)  # see monitor.HISTORY

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Standing:
        """The reverse of `dataclasses.asdict`."""
        return cls(**{**data, "goals": [Goal(**goal) for goal in data["goals"]]})


def train(
    swap: str, source: batches.Faces, target: batches.Faces, *, settings: Train, state: Path, outputs: Outputs
) -> None:
    """Bring a swap to the end of its budget and write its outputs.

    settings: the section `train` with its hints. state: the folder of all states; this one lies in
    `swaps/{swap}/{source}.{target}.{model}-{resolution}`, with the centring where that is not legacy, so going back to another
    model, person or centring loses nothing. Where
    nothing is left to do, the outputs are written from the state and TensorFlow is not loaded. SIGTERM and SIGINT save
    the state and end the process with code 128 + their number. Raises SwapError for what the user can mend.
    """
    batches.check(source, target)
    home, what = state / "swaps" / swap, f"train {swap}"
    # a model of faces that are centred otherwise would have to learn all anew
    centring = "" if source.centring == "legacy" else f"-{source.centring}"
    folder = home / f"{source.person}.{target.person}.{settings.model}-{RESOLUTION}{centring}"
    asked = settings.model_dump(mode="json", exclude=settings.hints())
    datasets = {"source": source.digest, "target": target.digest}
    with checkpoint.lock(home):
        saved = checkpoint.find(folder, say=progress.say)
        now = Standing() if saved is None else Standing.from_json(saved.info)
        budget = {"steps": settings.budget.steps, "minutes": settings.budget.minutes}
        before = now.goals
        now.goals = pursue(
            before,
            goal_digest(datasets, asked),
            step=now.step,
            seconds=now.seconds,
            continue_share=settings.continue_share,
            **budget,
        )
        way = plan(now.goals[-1], warp_share=settings.warp_share, **budget)
        if saved is not None and way.done(now.step, now.seconds) and _preview(saved).is_file():
            progress.say(f"{what}: nothing left to do after step {now.step}, {progress.duration(now.seconds)}")
        else:
            progress.say(f"{what}: {_beginning(now, changed=now.goals != before, folder=folder)}")
            saved = _work(what, source, target, now, way, saved, settings=settings, home=home, folder=folder)
        now = Standing.from_json(saved.info)
        sha256 = checkpoint.write_arrays(outputs.weights, checkpoint.read_arrays(saved, "weights").items())
        store.write_picture(outputs.curve, _curve(what, now))
        store.write_bytes(outputs.preview, _preview(saved).read_bytes())
    trained = {
        "swap": swap,
        "source": source.person,
        "target": target.person,
        "model": settings.model,
        "resolution": RESOLUTION,
        "centring": source.centring,
        "span": source.span,
        "coverage": settings.coverage,
        "mask": settings.mask,
        "steps": now.step,
        "seconds": round(now.seconds, 1),
        "datasets": datasets,
        "settings": asked,
        "weights": {"file": outputs.weights.name, "sha256": sha256},
        "loss": dict(zip(PEOPLE, now.history[-1][3:], strict=True)),
    }
    store.write_json(outputs.trained, trained)


def _beginning(now: Standing, *, changed: bool, folder: Path) -> str:
    if now.step == 0:
        return f"no state in {folder}, starting from the beginning"
    why = f", for data or settings changed: {now.goals[-1].share:.0%} of the budget more" if changed else ""
    return f"going on from step {now.step}, {progress.duration(now.seconds)}{why}"


def _preview(saved: checkpoint.Saved) -> Path:
    return saved.path.with_suffix(".jpg")


def _curve(what: str, now: Standing) -> np.ndarray:
    return monitor.curve(now.history, title=what, begun=[goal.step for goal in now.goals[1:]])


def _work(
    what: str,
    source: batches.Faces,
    target: batches.Faces,
    now: Standing,
    way: Plan,
    saved: checkpoint.Saved | None,
    *,
    settings: Train,
    home: Path,
    folder: Path,
) -> checkpoint.Saved:
    """All that needs TensorFlow: restore, train, save, draw the preview beside the last saved state."""
    look = {"coverage": settings.coverage, "resolution": RESOLUTION}
    faces = [
        batches.cached(home / "samples", role, person, mask=settings.mask, **look)
        for role, person in zip(PEOPLE, (source, target), strict=True)
    ]
    shape = batches.geometry(source.size, **look)
    progress.say(f"{what}: {settings.model} on {device()}")
    machine = _machine(settings, view=shape.view)
    if saved is not None:
        machine.restore(checkpoint.read_arrays(saved), where=str(saved.path))

    def save() -> None:
        nonlocal saved
        if saved is None or saved.info["step"] < now.step:
            saved = checkpoint.save(folder, machine.arrays(), asdict(now))

    stopped = _learn(what, machine, faces, now, way, settings=settings, save=save)
    save()
    if stopped:
        progress.say(f"{what}: stopped by {stopped.name} after step {now.step}; saved, the next run goes on from here")
        raise SystemExit(128 + stopped)
    rows = [batches.spread(person.table.yaw, PREVIEW_ROWS) for person in (source, target)]
    seen = [batches.views(cache[r], shape, resolution=RESOLUTION) for cache, r in zip(faces, rows, strict=True)]
    sheet = monitor.preview(machine.show(*seen), source=source.person, target=target.person)
    store.write_picture(_preview(saved), sheet)
    return saved


def _machine(settings: Train, *, view: float) -> Trainer:
    """The model that the settings ask for, fresh, with its step."""
    tensorflow()
    import keras

    keras.utils.set_random_seed(settings.seed)
    return trainer(MODELS[settings.model](RESOLUTION, precision=settings.precision), view=view, seed=settings.seed)


def _learn(
    what: str,
    machine: Trainer,
    faces: Sequence[np.ndarray],
    now: Standing,
    way: Plan,
    *,
    settings: Train,
    save: Callable[[], None],
) -> signal.Signals | None:
    """Train until the way ends or a signal comes, which is returned; `now` moves on."""
    start = time.monotonic() - now.seconds
    told = saved = now.seconds
    untold: list[tuple[int, np.ndarray]] = []  # steps and losses since the last line
    pace = 1.0  # seconds a step; the first call is slow, so it is one step
    with _signals() as caught:
        while not way.done(now.step, now.seconds) and not caught:
            steps = way.steps(now.step, now.seconds, pace)
            images = batches.draw(*faces, first=now.step, steps=steps, batch=settings.batch, seed=settings.seed)
            warps = way.warps(now.step, now.seconds)
            loss = machine.run(
                images,
                step=now.step,
                warp=settings.warp if warps else 0.0,
                rate=settings.learning_rate * (1 if warps else WITHOUT_WARP),
            )
            if not np.isfinite(loss).all():
                raise SwapError(
                    f"{what}: the loss is no longer a number after step {now.step + steps}; the last saved state is kept: "
                    "lower train.learning_rate or set train.precision to float32, and run snakemake again"
                )
            seconds = time.monotonic() - start
            pace = (seconds - now.seconds) / steps
            now.step, now.images, now.seconds = now.step + steps, now.images + 2 * settings.batch * steps, seconds
            now.history = monitor.record(now.history, [now.step, now.images, round(seconds, 3), *loss.tolist()])
            untold.append((steps, loss))
            done = way.done(now.step, now.seconds)
            if done or seconds - told >= settings.progress_every:
                count = sum(steps for steps, _ in untold)
                progress.say(
                    monitor.line(
                        what,
                        step=now.step,
                        end=int(way.end) if way.in_steps else None,
                        images_per_second=2 * settings.batch * count / (seconds - told),
                        loss=sum(steps * loss for steps, loss in untold) / count,
                        left=way.seconds_left(now.step, seconds, (seconds - told) / count),
                    )
                )
                told, untold = seconds, []
            if not done and seconds - saved >= settings.checkpoint_every:
                save()
                saved = time.monotonic() - start
    return caught[0] if caught else None


@contextlib.contextmanager
def _signals() -> Iterator[list[signal.Signals]]:
    """While the block runs, SIGTERM and SIGINT are only noted in the list."""
    caught: list[signal.Signals] = []
    before = {
        number: signal.signal(number, lambda number, _: caught.append(signal.Signals(number)))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
