"""How far a training has come, what was measured on its way, and what of that goes into trained.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swapcore import progress
from swapcore.config.fields import Train
from swapcore.train import fresh
from swapcore.train.quality import SHARES
from swapcore.train.schedule import BEGUN, Goal, Plan, affordable, moved, noise, plan

WORDS = {"identity": "likeness", "sharpness": "sharpness", "expression": "expression", "rebuilt": "rebuilt"}


@dataclass
class Standing:
    """All of a training's state but the arrays. What has a default may be missing in an older state."""

    step: int = 0
    images: int = 0  # faces seen, of both people
    seconds: float = 0.0  # of training
    goals: list[Goal] = field(default_factory=list)
    history: list[list[float]] = field(default_factory=list)  # see monitor.HISTORY
    quality: list[dict[str, Any]] = field(
        default_factory=list
    )  # measurements: step, seconds, phase, warp and quality.measure
    basis: str = ""  # by which faces quality was measured last, as a digest
    since: int = 0  # step after which measurements can be compared: the goal and the basis are the same
    limits: dict[str, float] = field(default_factory=dict)  # where the time went at last, see watch.verdict
    watched: list[dict[str, float]] = field(default_factory=list)  # all that was seen of it, with the step
    slower: float = 1.0  # of this goal's learning rate: what was left of it after the loss was no number
    batch: int | None = None  # of this goal: as the settings say, as was found for `auto`, or what memory left of it
    start: dict[str, Any] | None = None  # the swap that it began with, see start.taken
    best: int | None = None  # step of the best of them, whose weights are kept
    faces: dict[str, str] = field(default_factory=dict)  # of this goal's datasets, by role: see fresh.names
    seen: dict[str, str] = field(default_factory=dict)  # of the goals before: what has trained
    held: dict[str, str] = field(default_factory=dict)  # of these datasets, those that do not train

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Standing:
        """The reverse of `dataclasses.asdict`."""
        return cls(**{**data, "goals": [Goal(**goal) for goal in data["goals"]]})

    def comparable(self) -> list[dict[str, Any]]:
        """The measurements by which this goal's best is chosen and its standstill is seen."""
        return [row for row in self.quality if row["step"] > self.since]

    def measured(self, step: int | None) -> dict[str, Any] | None:
        """What was measured at a step last."""
        return next((row for row in reversed(self.quality) if row["step"] == step), None)

    def note(self, row: dict[str, Any]) -> bool:
        """Add a measurement; whether it is the best so far. Of equal ones the later is the better."""
        before = self.measured(self.best)
        self.quality = [r for r in self.quality if r["step"] != row["step"]] + [row]
        if before is None or row["score"] >= before["score"]:
            self.best = row["step"]
        return self.best == row["step"]

    def meet(self, faces: Mapping[str, str], *, changed: bool) -> None:
        """Take the faces of the datasets, by role; changed: a new goal begins, for which those of the last one are old."""
        if changed:
            trained = {role: fresh.less(old, self.held.get(role, "")) for role, old in self.faces.items()}
            self.seen = {role: fresh.both(self.seen.get(role, ""), old) for role, old in trained.items()}
        self.faces = dict(faces)

    def begin(self, basis: str) -> None:
        """What was measured before cannot be compared any more: other data, settings or held-out faces."""
        self.basis, self.since, self.best = basis, self.step, None


def budget(now: Standing, settings: Train) -> Plan:
    """The way to the end of the budget."""
    spent = {"steps": settings.budget.steps, "minutes": settings.budget.minutes}
    found = plan(now.goals[-1], until=settings.until(), quality_every=settings.quality_every, **spent)
    return affordable(found, now.quality) if settings.quality_every is None else found


def way(now: Standing, settings: Train) -> Plan:
    """The way that is gone: its phases, to the end of the budget or until quality has stopped rising."""
    sooner = [phase.plateau for phase in settings.schedule]
    stops = settings.stop == "plateau"
    return moved(budget(now, settings), now.comparable(), patience=settings.patience, sooner=sooner, stops=stops)


def beginning(now: Standing, *, changed: bool, folder: Path) -> str:
    """How a training begins, in words; changed: its data or settings."""
    if now.step == 0:
        return f"no state in {folder}, starting from the beginning"
    why = f", for data or settings changed: {now.goals[-1].share:.0%} of the budget more" if changed else ""
    return f"going on from step {now.step}, {progress.duration(now.seconds)}{why}"


def said(row: Mapping[str, Any], before: Mapping[str, Any] | None) -> str:
    """A measurement in words; before: the best one until then."""
    shares = [f"{WORDS[name]} {row[name]:.0%}" for name in SHARES if row[name] is not None]
    if before is None:
        than = "the first measured"
    elif row["score"] >= before["score"]:
        than = f"the best so far, {before['score']:.3f} before"
    else:
        than = f"{before['score']:.3f} was best, at step {before['step']}"
    alarm = "; nearer to the source than its own faces are: trust the eye, not the likeness" if row["fooled"] else ""
    return f"quality {row['score']:.3f} ({than}): {', '.join(shares)}{alarm}"


def why_stopped(now: Standing, budget: Plan, way: Plan, *, patience: int) -> str:
    """Why a finished training ended; budget: the way without regard to quality, way: as it was gone."""
    if way.end >= budget.end or budget.done(now.step, now.seconds):
        return f"budget: its {_amount(budget.end - budget.begin, budget)} are spent{_more_helps(now, patience)}"
    rows = now.comparable()
    left = budget.end - budget.at(now.step, now.seconds)
    return (
        f"plateau: quality stopped rising, none of {patience} measurements brought a gain of more than "
        f"{noise([row['score'] for row in rows]):.3f}; {_amount(left, budget)} of the budget were not needed"
    )


def _more_helps(now: Standing, patience: int) -> str:
    """What speaks for a larger budget, to follow what was said; "" where nothing does."""
    scores = [row["score"] for row in now.comparable()]
    if len(scores) < 2:
        return ""
    last = min(patience, len(scores) // 2)
    early, late = max(scores[:-last]), max(scores[-last:])
    if max(early, late) < BEGUN:
        found = f"hardly a face is learnt yet (quality {max(early, late):.3f})"
    elif late > early + noise(scores) and scores[-1] >= early:
        found = f"quality was still rising (from {early:.3f} to {late:.3f} at last)"
    else:
        return ""
    return f"; {found}: with a larger train.budget the next run goes on from here"


def report(now: Standing, *, delivered: int, why: str) -> dict[str, Any]:
    """The part `quality` of trained.json; delivered: the step whose weights are handed over."""
    return {
        "best": now.measured(now.best),
        "last": now.measured(now.step),
        "delivered": delivered,
        "stopped": why,
        "history": now.quality,
    }


def _amount(length: float, way: Plan) -> str:
    return progress.counted(int(length), "step") if way.in_steps else progress.duration(length)
