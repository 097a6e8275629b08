"""The hours of a training: step by step, with its measurements, its lines and its saved states."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np

from swapcore import progress
from swapcore.config.fields import Train
from swapcore.models import PEOPLE
from swapcore.train import batches, events, fit, held, monitor, nearest, standing, watch
from swapcore.train.feed import Drawn, feed
from swapcore.train.fresh import Fresh
from swapcore.train.saver import Saver
from swapcore.train.schedule import Plan
from swapcore.train.standing import Standing
from swapcore.train.step import Trainer
from swapcore.train.watch import Watch

# what a phase's warp leaves of the random one, and in words
BENT = {"random": 1.0, "landmarks": 0.5, "none": 0.0}
WARPS = {"random": "with the random warp", "landmarks": "warped to the other's landmarks", "none": "without the warp"}

MOST_BYTES = 1 << 28  # of the faces of one call; those of two lie in memory


class Spoilt(Exception):
    """The loss is no number any more, nor may the weights be: nothing of it is kept."""

    def __init__(self, step: int):
        super().__init__(f"the loss is no longer a number after step {step}")


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
    table: Any = None  # all faces, the source's first, where they lie in the GPU's memory: see Trainer.keep
    cut: held.Slice | None = None  # by which quality is measured
    new: tuple[Fresh | None, Fresh | None] = (None, None)  # faces of source and target that are drawn more often
    write: events.Write = lambda step, figures: None  # them for TensorBoard
    watch: Watch = field(default_factory=Watch)
    saved: int = -1  # the step of the last state that was saved
    found: tuple[np.ndarray, np.ndarray] | None = None  # see kin

    def kin(self) -> tuple[np.ndarray, np.ndarray]:
        """Who is like whom, of source and target: see nearest.alike. Found once, among those that train."""
        if self.found is None:
            source, target = (cache.landmarks for cache in self.faces)
            without = ((), ()) if self.cut is None else self.cut.rows
            ours, theirs = (
                nearest.alike(source, target, without=without[1]),
                nearest.alike(target, source, without=without[0]),
            )
            self.found = ours, theirs
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
        told = {name: value for name, value in row.items() if name not in ("step", "seconds", "phase")}
        self.write(self.now.step, events.tagged("quality", told))
        progress.say(f"{self.what}: step {self.now.step}, {standing.said(row, before)}")

    def enter(self, phase: int, way: Plan) -> None:
        """Say which phase it is."""
        end = f"step {way.ends[phase]:.0f}" if way.in_steps else f"{progress.duration(way.ends[phase])} of training"
        schedule = self.settings.schedule
        where = f"phase {phase + 1} of {len(schedule)}, {WARPS[schedule[phase].warp]}, until {end}"
        progress.say(f"{self.what}: step {self.now.step}: {where}")

    def look(self) -> None:
        """Say what limits training."""
        found = self.now.limits = self.watch.look()
        self.now.watched = monitor.watched(self.now.watched, {"step": self.now.step, **found})
        shares = {name: value for name, value in found.items() if name in watch.KINDS}
        rest = {name: value for name, value in found.items() if name not in shares}
        self.write(self.now.step, events.tagged("time", shares) | events.tagged("machine", rest))
        watch.say(self.what, found)

    def tell(
        self, *, phase: int, rate: float, images_per_second: float, loss: np.ndarray, end: int | None, left: float
    ) -> None:
        """A line of progress; loss (2,) of source and target, the mean since the last line; left: seconds."""
        figures = events.tagged("loss", dict(zip(PEOPLE, loss.tolist(), strict=True)))
        figures |= {"training/images_per_second": images_per_second, "training/phase": phase + 1}
        self.write(self.now.step, figures | {"training/learning_rate": rate, "training/batch": self.now.batch})
        line = {"end": end, "images_per_second": images_per_second, "loss": loss, "left": left}
        progress.say(monitor.line(self.what, step=self.now.step, **line))


def learn(session: Session, caught: Sequence[signal.Signals] = ()) -> None:
    """Train until the way ends or a signal is caught (see signals.noted). The last steps are not saved yet.

    Raises fit.TooLarge where memory runs out: what the call had done by then is unknown, so the state is spoilt. Raises Spoilt
    where the loss is no number any more.
    """
    settings, now, cut = session.settings, session.now, session.cut
    way = standing.way(now, settings)
    start = time.monotonic() - now.seconds
    told = saved = watched = now.seconds
    untold: list[tuple[int, np.ndarray]] = []  # steps and losses since the last line
    pace, entered = 1.0, None  # seconds a step; the first call is slow, so it is one step
    session.states.take(session.machine.arrays())
    with feed(partial(_drawn, session)) as faces:
        while not way.done(now.step, now.seconds) and not caught:
            phase, before = way.phase(now.step, now.seconds), (now.step, now.seconds)
            if phase != entered:
                session.enter(phase, way)
                entered = phase
            with session.watch.spent("faces"):
                drawn = faces.take(now.step, way.steps(now.step, now.seconds, pace), phase)
            steps = len(drawn.images)
            then = now.step + steps, now.seconds + pace * steps  # as far as can be told
            if not way.done(*then):
                faces.begin(then[0], way.steps(*then, pace), way.phase(*then))
            rates = _rates(session, way, phase, steps, pace)
            loss = _advance(session, drawn, phase, rates)
            seconds = time.monotonic() - start
            pace = (seconds - now.seconds) / steps
            now.step, now.images, now.seconds = now.step + steps, now.images + 2 * now.batch * steps, seconds
            now.history = monitor.record(now.history, [now.step, now.images, round(seconds, 3), *loss.tolist()])
            untold.append((steps, loss))
            done = way.done(now.step, now.seconds)
            if done or seconds - told >= settings.progress_every:
                count = sum(steps for steps, _ in untold)
                session.tell(
                    phase=phase,
                    rate=float(rates[-1]),
                    images_per_second=2 * now.batch * count / (seconds - told),
                    loss=sum(steps * loss for steps, loss in untold) / count,
                    end=int(way.end) if way.in_steps else None,
                    left=way.seconds_left(now.step, seconds, (seconds - told) / count),
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
                session.look()
                watched = seconds
    if not caught:  # it may take seconds, and whoever sent a signal waits
        session.look()


def _advance(session: Session, drawn: Drawn, number: int, rates: np.ndarray) -> np.ndarray:
    """Some steps of a phase in one call, each at its rate; their mean losses (2,) of source and target."""
    settings, now, phase = session.settings, session.now, session.settings.schedule[number]
    where = {} if session.table is None else {"table": session.table}
    try:
        with session.watch.spent("arithmetic"):
            loss = session.machine.run(
                drawn.images,
                step=now.step,
                warp=settings.warp * BENT[phase.warp],
                rate=rates,
                shares=settings.shares(phase),
                bends=drawn.bends,
                **where,
            )
    except Exception as error:
        if fit.out_of_memory(error):
            raise fit.TooLarge(now.batch) from error
        raise
    if not np.isfinite(loss).all():
        raise Spoilt(now.step + len(drawn.images))
    return loss


def _drawn(session: Session, first: int, steps: int, number: int) -> Drawn:
    """The faces of some steps of a phase, or their rows in a table; and what bends them into others' landmarks in a phase that
    does so.
    """
    settings, batch = session.settings, session.now.batch
    pictures, landmarks = zip(*session.faces, strict=True)
    if session.table is None:
        steps = min(steps, max(MOST_BYTES // (2 * batch * pictures[0][0].nbytes), 1))
    rows = batches.picked(
        tuple(map(len, pictures)),
        first=first,
        steps=steps,
        batch=batch,
        seed=settings.seed,
        without=((), ()) if session.cut is None else session.cut.rows,
        new=session.new,
    )
    bends = None
    if settings.schedule[number].warp == "landmarks":
        place = {"side": pictures[0].shape[1], "view": session.view}
        bends = nearest.drawn(landmarks, session.kin(), rows, first=first, seed=settings.seed, **place)
    if session.table is None:
        return Drawn(batches.gathered(*pictures, rows), bends)
    return Drawn((rows + np.repeat([0, len(pictures[0])], batch)).astype(np.int32), bends)


def _moved(session: Session, before: Plan, way: Plan) -> Plan:
    """The way after a measurement, with a line where it has ended a phase."""
    if any(end < was for was, end in zip(before.ends[:-1], way.ends[:-1], strict=True)):
        progress.say(f"{session.what}: quality has stopped rising; the next phase begins")
    return way


def _rates(session: Session, way: Plan, number: int, steps: int, pace: float) -> np.ndarray:
    """Adam's rate in each of some steps of a phase from here, (steps,) float32; pace: seconds a step."""
    now, settings = session.now, session.settings
    shares = [way.share(now.step + k, now.seconds + pace * k) for k in range(steps)]
    phase = settings.schedule[number]
    return np.float32(now.slower * settings.learning_rate) * np.array([phase.rate_at(s) for s in shares], np.float32)
