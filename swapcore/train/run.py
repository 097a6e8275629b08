"""Training of one swap: from its state, through its budget, to its outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from swapcore import progress, store
from swapcore.config.fields import Train
from swapcore.errors import SwapError
from swapcore.models import (
    MASK,
    MODELS,
    PEOPLE,
    Swapper,
    choose,
    computed_in,
    device,
    devices,
    gpu_memory_free,
    gpus,
    keras,
)
from swapcore.train import batches, checkpoint, events, fit, fresh, held, loop, parsed, results, signals, standing
from swapcore.train.results import Outputs
from swapcore.train.saver import saver
from swapcore.train.schedule import goal_digest, pursue
from swapcore.train.sheet import sheet
from swapcore.train.standing import Standing
from swapcore.train.start import Start, said, taken
from swapcore.train.step import Trainer, trainer

SLOWER = 0.5  # of the learning rate is left each time the loss is no number
SLOWEST = SLOWER**3  # with so much of it that is an error
FIGURES = "tensorboard"  # name of the folder of figures for TensorBoard, beside the states


def train(
    swap: str,
    source: batches.Faces,
    target: batches.Faces,
    *,
    settings: Train,
    state: Path,
    outputs: Outputs,
    start: Start | None = None,
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
    folder = home / f"{source.person}.{target.person}.{settings.model}-{settings.side}{centring}"
    asked = settings.model_dump(mode="json", exclude=settings.hints())
    datasets = {"source": source.digest, "target": target.digest}
    seen = _seen(what, source, target, settings=settings)
    with checkpoint.lock(home, say=progress.say):
        saved = checkpoint.find(folder, say=progress.say)
        now = Standing() if saved is None else Standing.from_json(saved.info)
        before = now.goals
        now.goals = pursue(
            before,
            goal_digest(datasets | seen, asked),
            step=now.step,
            seconds=now.seconds,
            continue_share=settings.continue_share,
            steps=settings.budget.steps,
            minutes=settings.budget.minutes,
        )
        digests = {role: fresh.names(faces.table.digest) for role, faces in zip(PEOPLE, (source, target), strict=True)}
        now.meet(digests, changed=now.goals != before)
        if now.goals != before:
            now.begin("")
            now.batch, now.slower = None, 1.0
        graphs = all(path.is_file() for path in results.graph_paths(folder).values())
        made = graphs and saved is not None and results.preview_path(saved, settings).is_file()
        if made and standing.way(now, settings).done(now.step, now.seconds):
            progress.say(f"{what}: nothing left to do after step {now.step}, {progress.duration(now.seconds)}")
        else:
            progress.say(f"{what}: {standing.beginning(now, changed=now.goals != before, folder=folder)}")
            if start is not None and saved is not None and now.start is None:
                progress.say(
                    f"{what}: train.start_from is for a beginning, and this training has begun; delete {folder} to begin anew"
                )
            begun = asdict(now)
            while True:
                try:
                    saved = _work(
                        what, source, target, now, saved, settings=settings, home=home, folder=folder, start=start
                    )
                    break
                except fit.TooLarge as error:
                    saved, now = _halved(what, error.batch, folder, begun)
                except (loop.Spoilt, checkpoint.NotFinite) as error:
                    saved, now = _slowed(what, error, now.slower, folder, begun)
        facts = {
            "swap": swap,
            "source": source.person,
            "target": target.person,
            "model": settings.model,
            "resolution": settings.side,
            "centring": source.centring,
            "span": source.span,
            "coverage": settings.coverage,
            "mask": settings.mask,
            "datasets": datasets,
            "settings": asked,
        }
        results.write(what, facts, saved, settings=settings, folder=folder, outputs=outputs)


def _seen(what: str, source: batches.Faces, target: batches.Faces, *, settings: Train) -> dict[str, str]:
    """What was parsed of the datasets, as digests, where the mask wants it; with a line about faces of which nothing was."""
    if not settings.parses():
        return {}
    found = {}
    for role, faces in zip(PEOPLE, (source, target), strict=True):
        keys = parsed.keys(faces.table, faces.masks)
        found[f"{role}_masks"] = parsed.digest(faces.table, keys)
        if said := parsed.said(faces.person, keys, faces.table.digest.tolist()):
            progress.say(f"{what}: {said}")
    return found


def _halved(what: str, batch: int, folder: Path, begun: dict[str, Any]) -> tuple[checkpoint.Saved | None, Standing]:
    """From where to go on with half the batch: the newest state of this goal, or where it began, `begun`."""
    if batch == 1:
        raise SwapError(
            f"{what}: memory ran out with a single face of each person; choose a smaller train.model, close other programs, or "
            "train on a machine with more memory"
        )
    progress.say(f"{what}: out of memory with a batch of {batch}; going on with {batch // 2} from the last saved state")
    saved, now = _back(folder, begun)
    now.batch = batch // 2
    return saved, now


def _slowed(
    what: str, error: Exception, slower: float, folder: Path, begun: dict[str, Any]
) -> tuple[checkpoint.Saved | None, Standing]:
    """From where to go on with a lower rate; slower: what of the rate it had."""
    if slower <= SLOWEST:
        raise SwapError(
            f"{what}: {error}, also with {slower:.3g} of the learning rate; the last saved state is kept: lower "
            "train.learning_rate or set train.precision to float32, and run snakemake again"
        )
    saved, now = _back(folder, begun)
    now.slower = SLOWER * slower
    progress.say(f"{what}: {error}; going back to step {now.step}, on with {now.slower:.3g} of the learning rate")
    return saved, now


def _back(folder: Path, begun: dict[str, Any]) -> tuple[checkpoint.Saved | None, Standing]:
    """The newest state of this goal, or where it began, `begun`."""
    saved = checkpoint.find(folder, say=progress.say)
    of_goal = saved is not None and saved.info["goals"] == begun["goals"]
    return saved, Standing.from_json(saved.info if of_goal else begun)


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
    start: Start | None,
) -> checkpoint.Saved:
    """All that needs TensorFlow: restore, train, measure, save, draw the preview beside the last saved state."""
    look = {"coverage": settings.coverage, "resolution": settings.side}
    faces = [
        batches.cached(home / "samples", role, person, mask=settings.mask, **look)
        for role, person in zip(PEOPLE, (source, target), strict=True)
    ]
    shape = batches.geometry(source.size, **look)
    choose(settings.backend, deterministic=settings.deterministic)
    count = _count(what, now.batch or settings.faces_a_step, settings=settings)
    begins = start is not None and saved is None
    shared_rate = settings.start_rate if now.start or begins else 1.0
    machine = _machine(settings, view=shape.view, shared_rate=shared_rate, devices=count)
    for old in folder.glob("*.onnx"):
        old.unlink()
    paths = results.graph_paths(folder)
    for name, graph in machine.graphs().items():
        store.write_bytes(paths[name], graph)
    if saved is not None:
        machine.restore(_headed(what, machine, checkpoint.read_arrays(saved)), where=str(saved.path))
    if begins:
        people, fresh_weights = {"source": source.person, "target": target.person}, dict(machine.weights())
        look = {"model": settings.model, "resolution": settings.side, "people": people}
        given, now.start = taken(start, **look, names=fresh_weights)
        progress.say(f"{what}: {said(now.start)}")
        machine.take({**fresh_weights, **given}, where=str(start.weights))
    if now.batch is None:
        now.batch = _batch(what, machine, faces, now, settings=settings, state=home.parents[1], count=count)
    kept = held.held_out(
        (source, target), asked=settings.held_out, resolution=settings.side, before=now.held, trained=now.seen
    )
    if kept is not None:
        now.held = {
            role: fresh.names(faces.table.digest[rows].tolist())
            for role, faces, rows in zip(PEOPLE, (source, target), kept, strict=True)
        }
    stopped = None
    if not standing.way(now, settings).done(now.step, now.seconds):
        with saver(folder, saved) as states, events.events(folder / FIGURES, step=now.step, what=what) as write:
            session = loop.Session(what, settings, machine, faces, now, states, shape.view)
            session.saved = -1 if saved is None else now.step
            session.write = write
            session.table = _table(what, machine, faces, count=count)
            session.cut = _slice(what, (source, target), kept, settings=settings)
            session.new = _new(what, source, target, now, settings=settings)
            if session.cut is not None and session.cut.basis != now.basis:
                now.begin(session.cut.basis)
            with signals.noted() as caught:  # to the end of the save: a second signal must not cut it off
                try:
                    loop.learn(session, caught)
                    session.save()
                    saved = states.wait()
                except (loop.Spoilt, checkpoint.NotFinite, fit.TooLarge) as error:
                    if not caught:
                        raise
                    progress.say(f"{what}: stopped by {caught[0].name}; the last saved state is kept ({error})")
                    raise SystemExit(128 + caught[0]) from None
            stopped = caught[0] if caught else None
    if stopped:
        progress.say(f"{what}: stopped by {stopped.name} after step {now.step}; saved, the next run goes on from here")
        raise SystemExit(128 + stopped)
    chosen = results.chosen(what, folder, saved, settings=settings)
    if chosen is not saved:
        machine.take(checkpoint.read_arrays(chosen, "weights"), where=str(chosen.path))
    shown = sheet(machine, (source, target), faces, shape, resolution=settings.side, held_out=kept)
    store.write_picture(results.preview_path(saved, settings), shown)
    return saved


def _headed(what: str, machine: Trainer, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of a state for a model with or without a head for masks, whichever it was saved with; a line where that
    differs.
    """
    fresh, here = dict(machine.arrays()), {name for name in arrays if name.split("/")[1] == MASK}
    wanted = {name for name in fresh if name.split("/")[1] == MASK}
    if wanted and not here:
        progress.say(f"{what}: learns masks from here on; all else goes on as it was")
        return {**arrays, **{name: fresh[name].copy() for name in wanted}}
    if here and not wanted:
        progress.say(f"{what}: no longer learns masks; what it had learnt of them is dropped")
        return {name: array for name, array in arrays.items() if name not in here}
    return arrays


def _count(what: str, batch: int | str, *, settings: Train) -> int:
    """How many devices a batch is spread over, with a line that says what computes."""
    count = fit.spread(settings.devices, devices(), batch, gpus=len(gpus()), what=what)
    progress.say(f"{what}: {settings.model} on {device(count)}, in {_precision(settings)}")
    return count


def _table(what: str, machine: Trainer, faces: Sequence[batches.Cached], *, count: int) -> Any:
    """All faces, the source's first, in the memory of the GPUs; None where they do not fit or there is none."""
    size = sum(cache.faces.nbytes for cache in faces)
    if not fit.room_to_keep(size, gpu_memory_free(count), what=what):
        return None
    try:
        return machine.keep(np.concatenate([cache.faces for cache in faces]))
    except Exception as error:
        if not fit.out_of_memory(error):
            raise
        progress.say(f"{what}: the GPU's memory ran out, so each step's faces are handed over as it begins")
        return None


def _machine(settings: Train, *, view: float, shared_rate: float, devices: int) -> Trainer:
    """The model that the settings ask for, fresh, with its step. Raises SwapError where it does not fit into memory."""
    look = {"mix": settings.mix(), "weights": settings.weights.model_dump()}
    try:
        swapper = _built(settings)
        return trainer(swapper, view=view, seed=settings.seed, shared_rate=shared_rate, devices=devices, **look)
    except Exception as error:
        if not fit.out_of_memory(error):
            raise
        raise SwapError(
            f"train.model: memory ran out while {settings.model} at {settings.side} px was built for {device(devices)}; close "
            "other programs, choose a smaller model or resolution, or train on a machine with more memory"
        ) from None


def _built(settings: Train) -> Swapper:
    """The model, fresh. On a processor it is refused before its weights take memory: there the system would kill the job."""
    keras().utils.set_random_seed(settings.seed)
    with keras().StatelessScope() as unborn:  # weights get their values at its end
        swapper = MODELS[settings.model].build(settings.side, precision=_precision(settings), mask=settings.learn_mask)
        if not gpus():
            unborn.initialize_variables = False
            numbers = sum(math.prod(variable.shape) for variable in swapper.variables().values())
            fit.check_room(settings.model, numbers, fit.free_memory())
            unborn.initialize_variables = True
    return swapper


def _precision(settings: Train) -> str:
    """What this machine computes in."""
    return computed_in(settings.precision, gpu=bool(gpus()), cpuinfo=fit.cpuinfo())


def _batch(
    what: str,
    machine: Trainer,
    faces: Sequence[batches.Cached],
    now: Standing,
    *,
    settings: Train,
    state: Path,
    count: int,
) -> int:
    """The batch that the settings ask for; what trying some changes in the model is taken back."""
    if settings.faces_a_step != "auto":
        return settings.faces_a_step

    def step(batch: int) -> None:
        images = batches.draw(
            *(cache.faces for cache in faces), first=now.step, steps=1, batch=batch, seed=settings.seed
        )
        machine.run(images, step=now.step, warp=settings.warp, rate=0.0, shares=settings.shares(settings.schedule[0]))

    def measure() -> dict[int, float]:
        kept = {name: array.copy() for name, array in machine.arrays()}
        try:
            return fit.probe(lambda batch: fit.timed(step, batch), fit.free_memory, devices=count)
        finally:
            machine.restore(kept, where="this process")

    name = f"{settings.model}-{settings.side}-{_precision(settings)}-{settings.backend}"
    return fit.batch(state, device(count), name, measure, what=what)


def _new(
    what: str, source: batches.Faces, target: batches.Faces, now: Standing, *, settings: Train
) -> tuple[fresh.Fresh | None, fresh.Fresh | None]:
    """The faces of each that came in since the last goal, with a line about them."""
    way, found = standing.budget(now, settings), []
    for role, faces in zip(PEOPLE, (source, target), strict=True):
        digests = faces.table.digest.tolist()
        new = fresh.fresh(digests, now.seen.get(role, ""), trained=way.begin, ahead=way.end - way.begin)
        if new:
            often = f"each drawn {new.times(len(digests)):.1f} times as often"
            progress.say(f"{what}: {len(new.rows)} of {len(digests)} faces of {faces.person} are new, {often}")
        found.append(new)
    return found[0], found[1]


def _slice(
    what: str,
    people: tuple[batches.Faces, batches.Faces],
    rows: tuple[np.ndarray, np.ndarray] | None,
    *,
    settings: Train,
) -> held.Slice | None:
    """The held-out faces, with a line about them."""
    if rows is not None:
        look = {"coverage": settings.coverage, "resolution": settings.side, "mask": settings.mask}
        progress.say(f"{what}: quality is measured by {len(rows[0])} faces of each, which do not train")
        return held.hold_out(people, rows, **look)
    why = held.too_few(people) if settings.held_out else "train.held_out is 0"
    until = "; training goes on to the end of its budget" if settings.stop == "plateau" else ""
    progress.say(f"{what}: quality is not measured, for {why}{until}")
    return None
