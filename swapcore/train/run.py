"""Training of one swap: from its state, through its budget, to its outputs."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from swapcore import code, progress, store
from swapcore.config.fields import Train
from swapcore.errors import SwapError
from swapcore.models import MODELS, PEOPLE, device, portable, tensorflow
from swapcore.train import batches, chart, checkpoint, held, monitor, standing
from swapcore.train.schedule import WITHOUT_WARP, Plan, affordable, goal_digest, plan, pursue, shortened
from swapcore.train.standing import Standing
from swapcore.train.step import Trainer, trainer

RESOLUTION = 64  # of both models, pixels
PREVIEW_ROWS = 6


@dataclass(frozen=True)
class Outputs:
    """Where the results go."""

    trained: Path
    weights: Path
    curve: Path
    quality: Path
    preview: Path


def train(
    swap: str, source: batches.Faces, target: batches.Faces, *, settings: Train, state: Path, outputs: Outputs
) -> None:
    """Bring a swap to the end of its budget, or until its quality has stopped rising, and write its outputs.

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
        before = now.goals
        now.goals = pursue(
            before,
            goal_digest(datasets, asked),
            step=now.step,
            seconds=now.seconds,
            continue_share=settings.continue_share,
            steps=settings.budget.steps,
            minutes=settings.budget.minutes,
        )
        if now.goals != before:
            now.begin("")
        way = _way(now, settings)
        graph = _graph(folder)
        made = graph.is_file() and saved is not None and _preview(saved, settings).is_file()
        if made and way.done(now.step, now.seconds):
            progress.say(f"{what}: nothing left to do after step {now.step}, {progress.duration(now.seconds)}")
        else:
            progress.say(f"{what}: {_beginning(now, changed=now.goals != before, folder=folder)}")
            saved = _work(what, source, target, now, saved, settings=settings, home=home, folder=folder)
        now = Standing.from_json(saved.info)
        why = standing.why_stopped(now, _budget(now, settings), _way(now, settings), patience=settings.patience)
        progress.say(f"{what}: stopped after step {now.step} by its {why}")
        chosen = _chosen(what, folder, saved, settings=settings)
        arrays = checkpoint.read_arrays(chosen, "weights")
        arrays[portable.GRAPH] = np.frombuffer(graph.read_bytes(), np.uint8)  # with it they run without TensorFlow
        sha256 = checkpoint.write_arrays(outputs.weights, arrays.items())
        begun = [goal.step for goal in now.goals[1:]]
        store.write_picture(outputs.curve, monitor.curve(now.history, title=what, begun=begun))
        store.write_picture(
            outputs.quality, chart.quality_curve(now.quality, now.history, title=what, best=now.best, begun=begun)
        )
        store.write_bytes(outputs.preview, _preview(saved, settings).read_bytes())
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
        "quality": standing.report(now, delivered=chosen.info["step"], why=why),
    }
    store.write_json(outputs.trained, trained)


def _budget(now: Standing, settings: Train) -> Plan:
    """The way to the end of the budget."""
    budget = {"steps": settings.budget.steps, "minutes": settings.budget.minutes}
    way = plan(now.goals[-1], warp_share=settings.warp_share, quality_every=settings.quality_every, **budget)
    return affordable(way, now.quality) if settings.quality_every is None else way


def _way(now: Standing, settings: Train) -> Plan:
    """The way that is gone: to the end of the budget, or until quality has stopped rising."""
    way = _budget(now, settings)
    return shortened(way, now.comparable(), patience=settings.patience) if settings.stop == "plateau" else way


def _beginning(now: Standing, *, changed: bool, folder: Path) -> str:
    if now.step == 0:
        return f"no state in {folder}, starting from the beginning"
    why = f", for data or settings changed: {now.goals[-1].share:.0%} of the budget more" if changed else ""
    return f"going on from step {now.step}, {progress.duration(now.seconds)}{why}"


def _best(saved: checkpoint.Saved, settings: Train) -> int | None:
    """The step whose weights are handed over where they are not the state's own."""
    best = saved.info.get("best")
    return best if settings.deliver == "best" and best != saved.info["step"] else None


def _chosen(what: str, folder: Path, saved: checkpoint.Saved, *, settings: Train) -> checkpoint.Saved:
    """The state whose weights are handed over."""
    step = _best(saved, settings)
    if step is None:
        return saved
    found = checkpoint.find_best(folder, step)
    if found is None:
        progress.say(f"{what}: the best weights, of step {step}, are missing or damaged; the last are handed over")
    return found or saved


def _graph(folder: Path) -> Path:
    """Where the swap's graph lies, see models.portable: made anew when the code that makes it has changed."""
    return folder / f"swap-{code.digest(portable.__file__)}.onnx"


def _preview(saved: checkpoint.Saved, settings: Train) -> Path:
    """Where the preview of what is handed over lies: beside the state, and dropped with it."""
    step = _best(saved, settings)
    return saved.path.with_suffix(".jpg" if step is None else f".{step}.jpg")


def _work(
    what: str,
    source: batches.Faces,
    target: batches.Faces,
    now: Standing,
    saved: checkpoint.Saved | None,
    *,
    settings: Train,
    home: Path,
    folder: Path,
) -> checkpoint.Saved:
    """All that needs TensorFlow: restore, train, measure, save, draw the preview beside the last saved state."""
    look = {"coverage": settings.coverage, "resolution": RESOLUTION}
    faces = [
        batches.cached(home / "samples", role, person, mask=settings.mask, **look)
        for role, person in zip(PEOPLE, (source, target), strict=True)
    ]
    shape = batches.geometry(source.size, **look)
    progress.say(f"{what}: {settings.model} on {device()}")
    machine = _machine(settings, view=shape.view)
    for old in folder.glob("swap-*.onnx"):
        old.unlink()
    store.write_bytes(_graph(folder), machine.graph())
    if saved is not None:
        machine.restore(checkpoint.read_arrays(saved), where=str(saved.path))
    best: list[tuple[dict[str, Any], list[tuple[str, np.ndarray]]]] = []  # measured, and its weights: not saved yet

    def save() -> None:
        nonlocal saved
        if saved is None or saved.info["step"] < now.step:
            for row, weights in best:
                checkpoint.save_best(folder, row["step"], weights, row)
            best.clear()
            saved = checkpoint.save(folder, machine.arrays(), asdict(now))

    def measure(cut: held.Slice, warp: bool) -> None:
        before, begun = now.measured(now.best), time.monotonic()
        row = {"step": now.step, "seconds": round(now.seconds, 3), "warp": warp, **cut.measure(machine)}
        row["took"] = round(time.monotonic() - begun, 3)
        if now.note(row):
            best[:] = [(row, [(n, a) for n, a in machine.arrays() if n.startswith("weights/")])]
        progress.say(f"{what}: step {now.step}, {standing.said(row, before)}")

    stopped = None
    if not _way(now, settings).done(now.step, now.seconds):
        cut = _slice(what, source, target, settings=settings)
        if cut is not None and cut.basis != now.basis:
            now.begin(cut.basis)
        stopped = _learn(what, machine, faces, now, cut, settings=settings, save=save, measure=measure)
        save()
    if stopped:
        progress.say(f"{what}: stopped by {stopped.name} after step {now.step}; saved, the next run goes on from here")
        raise SystemExit(128 + stopped)
    chosen = _chosen(what, folder, saved, settings=settings)
    if chosen is not saved:
        machine.take(checkpoint.read_arrays(chosen, "weights"), where=str(chosen.path))
    rows = [batches.spread(person.table.yaw, PREVIEW_ROWS) for person in (source, target)]
    seen = [batches.views(cache[r], shape, resolution=RESOLUTION) for cache, r in zip(faces, rows, strict=True)]
    sheet = monitor.preview(machine.show(*seen), source=source.person, target=target.person)
    store.write_picture(_preview(saved, settings), sheet)
    return saved


def _machine(settings: Train, *, view: float) -> Trainer:
    """The model that the settings ask for, fresh, with its step."""
    tensorflow()
    import keras

    keras.utils.set_random_seed(settings.seed)
    return trainer(MODELS[settings.model](RESOLUTION, precision=settings.precision), view=view, seed=settings.seed)


def _slice(what: str, source: batches.Faces, target: batches.Faces, *, settings: Train) -> held.Slice | None:
    """The held-out faces, with a line about them."""
    look = {"coverage": settings.coverage, "resolution": RESOLUTION, "mask": settings.mask}
    cut = held.hold_out((source, target), asked=settings.held_out, **look)
    if cut is not None:
        progress.say(f"{what}: quality is measured by {len(cut.rows[0])} faces of each, which do not train")
        return cut
    why = held.too_few((source, target)) if settings.held_out else "train.held_out is 0"
    until = "; training goes on to the end of its budget" if settings.stop == "plateau" else ""
    progress.say(f"{what}: quality is not measured, for {why}{until}")
    return None


def _learn(
    what: str,
    machine: Trainer,
    faces: Sequence[np.ndarray],
    now: Standing,
    cut: held.Slice | None,
    *,
    settings: Train,
    save: Callable[[], None],
    measure: Callable[[held.Slice, bool], None],
) -> signal.Signals | None:
    """Train until the way ends or a signal comes, which is returned; `now` moves on."""
    way = _way(now, settings)
    start = time.monotonic() - now.seconds
    told = saved = now.seconds
    untold: list[tuple[int, np.ndarray]] = []  # steps and losses since the last line
    pace = 1.0  # seconds a step; the first call is slow, so it is one step
    with _signals() as caught:
        while not way.done(now.step, now.seconds) and not caught:
            steps = way.steps(now.step, now.seconds, pace)
            images = batches.draw(
                *faces,
                first=now.step,
                steps=steps,
                batch=settings.batch,
                seed=settings.seed,
                without=((), ()) if cut is None else cut.rows,
            )
            warps, before = way.warps(now.step, now.seconds), (now.step, now.seconds)
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
            if cut is not None and way.measures(before, (now.step, now.seconds)):
                measure(cut, warps)
                way = _shorter(what, way, _way(now, settings))
                now.seconds = time.monotonic() - start
                done = way.done(now.step, now.seconds)
            if not done and seconds - saved >= settings.checkpoint_every:
                save()
                saved = time.monotonic() - start
    return caught[0] if caught else None


def _shorter(what: str, before: Plan, way: Plan) -> Plan:
    """The way after a measurement, with a line where it has become shorter."""
    if way.warp_end < before.warp_end:
        end = f"step {way.end:.0f}" if way.in_steps else f"{progress.duration(way.end)} of training"
        progress.say(f"{what}: quality has stopped rising; the last part begins, without the warp, until {end}")
    return way


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
