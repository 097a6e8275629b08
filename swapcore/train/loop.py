"""The hours of a training: step by step, with its measurements, its lines and its saved states."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from swapcore import progress
from swapcore.config.fields import Train
from swapcore.errors import SwapError
from swapcore.train import batches, fit, held, monitor, signals, standing, watch
from swapcore.train.saver import Saver
from swapcore.train.schedule import WITHOUT_WARP, Plan
from swapcore.train.standing import Standing
from swapcore.train.step import Trainer
from swapcore.train.watch import Watch


@dataclass
class Session:
    """A training under way in this process."""

    what: str  # its name, with which its lines begin
    settings: Train
    machine: Trainer
    faces: Sequence[batches.Cached]  # of source and target
    now: Standing  # moves on
    states: Saver
    cut: held.Slice | None = None  # by which quality is measured
    watch: Watch = field(default_factory=Watch)
    saved: int = -1  # the step of the last state that was saved

    def save(self) -> None:
        """Begin to save the state, where it has moved on since the last one."""
        if self.saved < self.now.step:
            self.states.save(self.machine.arrays(), asdict(self.now))
            self.saved = self.now.step

    def measure(self, warp: bool) -> None:
        """Measure quality, keep the weights where they are the best, and say it."""
        before, begun = self.now.measured(self.now.best), time.monotonic()
        row = {"step": self.now.step, "seconds": round(self.now.seconds, 3), "warp": warp}
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
            warps, before = way.warps(now.step, now.seconds), (now.step, now.seconds)
            loss = _advance(session, steps, warps)
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
                    session.measure(warps)
                way = _shorter(what, way, standing.way(now, settings))
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


def _advance(session: Session, steps: int, warps: bool) -> np.ndarray:
    """Some steps in one call; their mean losses (2,) of source and target."""
    settings, now = session.settings, session.now
    with session.watch.spent("faces"):
        images = batches.draw(
            *(cache.faces for cache in session.faces),
            first=now.step,
            steps=steps,
            batch=now.batch,
            seed=settings.seed,
            without=((), ()) if session.cut is None else session.cut.rows,
        )
    try:
        with session.watch.spent("arithmetic"):
            loss = session.machine.run(
                images,
                step=now.step,
                warp=settings.warp if warps else 0.0,
                rate=settings.learning_rate * (1 if warps else WITHOUT_WARP),
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


def _shorter(what: str, before: Plan, way: Plan) -> Plan:
    """The way after a measurement, with a line where it has become shorter."""
    if way.warp_end < before.warp_end:
        end = f"step {way.end:.0f}" if way.in_steps else f"{progress.duration(way.end)} of training"
        progress.say(f"{what}: quality has stopped rising; the last part begins, without the warp, until {end}")
    return way
