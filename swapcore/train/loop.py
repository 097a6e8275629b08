"""The hours of a training: step by step, with its measurements, its lines and its saved states."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from swapcore import progress
from swapcore.config.fields import Train
from swapcore.config.training import Phase
from swapcore.errors import SwapError
from swapcore.train import batches, fit, held, monitor, nearest, signals, standing, watch
from swapcore.train.saver import Saver
from swapcore.train.schedule import Plan
from swapcore.train.standing import Standing
from swapcore.train.step import Trainer
from swapcore.train.watch import Watch

# what a phase's warp leaves of the random one, and in words
BENT = {"random": 1.0, "landmarks": 0.5, "none": 0.0}
WARPS = {"random": "with the random warp", "landmarks": "warped to the other's landmarks", "none": "without the warp"}


@dataclass
class Session:
    """A training under way in this process."""

    what: str  # its name, with which its lines begin
    settings: Train
    machine: Trainer
    faces: Sequence[batches.Cached]  # of source and target
    now: Standing  # moves on
    states: Saver
    view: float  # of the cached faces, see batches.Geometry
    cut: held.Slice | None = None  # by which quality is measured
    watch: Watch = field(default_factory=Watch)
    saved: int = -1  # the step of the last state that was saved
    found: tuple[np.ndarray, np.ndarray] | None = None  # see kin

    def kin(self) -> tuple[np.ndarray, np.ndarray]:
        """Who is like whom, of source and target: see nearest.alike. Found once."""
        if self.found is None:
            source, target = (cache.landmarks for cache in self.faces)
            self.found = nearest.alike(source, target), nearest.alike(target, source)
        return self.found

    def save(self) -> None:
        """Begin to save the state, where it has moved on since the last one."""
        if self.saved < self.now.step:
            self.states.save(self.machine.arrays(), asdict(self.now))
            self.saved = self.now.step

    def measure(self, phase: int) -> None:
        """Measure quality, keep the weights where they are the best, and say it."""
        before, begun = self.now.measured(self.now.best), time.monotonic()
        row = {"step": self.now.step, "seconds": round(self.now.seconds, 3), "phase": phase}
        row["warp"] = self.settings.schedule[phase].warp
        row |= self.cut.measure(self.machine)
        row["took"] = round(time.monotonic() - begun, 3)
        if self.now.note(row):
            self.states.save_best(row["step"], self.machine.arrays(), row)
        progress.say(f"{self.what}: step {self.now.step}, {standing.said(row, before)}")


def learn(session: Session) -> signal.Signals | None:
    """Train until the way ends or a signal comes, which is returned. The last steps are not saved yet.

    Raises fit.TooLarge where memory runs out: what the call had done by then is unknown, so the state is spoilt.
    """
    what, settings, now, cut = session.what, session.settings, session.now, session.cut
    way = standing.way(now, settings)
    start = time.monotonic() - now.seconds
    told = saved = watched = now.seconds
    untold: list[tuple[int, np.ndarray]] = []  # steps and losses since the last line
    pace = 1.0  # seconds a step; the first call is slow, so it is one step
    session.states.take(session.machine.arrays())
    with signals.noted() as caught:
        while not way.done(now.step, now.seconds) and not caught:
            steps = way.steps(now.step, now.seconds, pace)
            phase, before = way.phase(now.step, now.seconds), (now.step, now.seconds)
            loss = _advance(session, steps, phase)
            seconds = time.monotonic() - start
            pace = (seconds - now.seconds) / steps
            now.step, now.images, now.seconds = now.step + steps, now.images + 2 * now.batch * steps, seconds
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
                        images_per_second=2 * now.batch * count / (seconds - told),
                        loss=sum(steps * loss for steps, loss in untold) / count,
                        left=way.seconds_left(now.step, seconds, (seconds - told) / count),
                    )
                )
                told, untold = seconds, []
            if cut is not None and way.measures(before, (now.step, now.seconds)):
                with session.watch.spent("measuring"):
                    session.measure(phase)
                way = _moved(session, way, standing.way(now, settings))
                now.seconds = time.monotonic() - start
                done = way.done(now.step, now.seconds)
            if not done and seconds - saved >= settings.checkpoint_every and not session.states.busy():
                with session.watch.spent("saving"):
                    session.save()
                saved = time.monotonic() - start
            if seconds - watched >= settings.watch_every:
                watch.say(what, session.watch.look())
                watched = seconds
    now.limits = session.watch.look()
    watch.say(what, now.limits)
    return caught[0] if caught else None


def _advance(session: Session, steps: int, number: int) -> np.ndarray:
    """Some steps of a phase in one call; their mean losses (2,) of source and target."""
    settings, now, phase = session.settings, session.now, session.settings.schedule[number]
    with session.watch.spent("faces"):
        images, bends = _drawn(session, steps, phase)
    try:
        with session.watch.spent("arithmetic"):
            loss = session.machine.run(
                images,
                step=now.step,
                warp=settings.warp * BENT[phase.warp],
                rate=settings.learning_rate * phase.rate,
                shares=settings.shares(phase),
                bends=bends,
            )
    except Exception as error:
        if fit.out_of_memory(error):
            raise fit.TooLarge(now.batch) from error
        raise
    if not np.isfinite(loss).all():
        raise SwapError(
            f"{session.what}: the loss is no longer a number after step {now.step + steps}; the last saved state is kept: "
            "lower train.learning_rate or set train.precision to float32, and run snakemake again"
        )
    return loss


def _drawn(session: Session, steps: int, phase: Phase) -> tuple[np.ndarray, np.ndarray | None]:
    """The faces of some steps, and what bends them into others' landmarks in a phase that does so."""
    settings, now = session.settings, session.now
    pictures, landmarks = zip(*session.faces, strict=True)
    rows = batches.picked(
        tuple(map(len, pictures)),
        first=now.step,
        steps=steps,
        batch=now.batch,
        seed=settings.seed,
        without=((), ()) if session.cut is None else session.cut.rows,
    )
    bends = None
    if phase.warp == "landmarks":
        place = {"side": pictures[0].shape[1], "view": session.view}
        bends = nearest.drawn(landmarks, session.kin(), rows, first=now.step, seed=settings.seed, **place)
    return batches.gathered(*pictures, rows), bends


def _moved(session: Session, before: Plan, way: Plan) -> Plan:
    """The way after a measurement, with a line where a phase has come to its end."""
    for k, (was, end) in enumerate(zip(before.ends[:-1], way.ends[:-1], strict=True)):
        if end < was:
            until = (
                f"step {way.ends[k + 1]:.0f}" if way.in_steps else f"{progress.duration(way.ends[k + 1])} of training"
            )
            warp = WARPS[session.settings.schedule[k + 1].warp]
            progress.say(f"{session.what}: quality has stopped rising; the next phase begins, {warp}, until {until}")
            break
    return way
