"""How long to train, counted so that no kill, rerun or change makes training begin again or run twice.

A goal is a pair of datasets and settings. The state remembers at which step and second each goal began and what share of
the budget it was given: all of it for the first, `continue_share` for one that follows because data or a setting changed,
or what its predecessor left undone if that is more. The end of training is an absolute step or second.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

# what a goal does not depend on: raising the budget must go on, not begin anew
NOT_OF_A_GOAL = {"budget", "continue_share"}
# nor on how it is judged, when it ends and what is handed over: a finished swap is not trained again for these
NOT_OF_A_GOAL |= {"held_out", "quality_every", "deliver", "stop", "patience"}
# nor on whether it can be repeated to the last bit
NOT_OF_A_GOAL |= {"deterministic"}
# nor on how it began: that is in the past
NOT_OF_A_GOAL |= {"start_from", "start_rate"}
SECONDS_PER_CALL = 1.0  # between two looks at the clock and at signals
MOST_STEPS_PER_CALL = 50
SIZES_OF_CALLS = (1, 2, 5, 10, 20, 50)  # steps: few, for on a GPU a call of another size is compiled anew
# Where quality_every is left out, quality is measured after each of so many parts of the budget, but not too often: a
# measurement takes under a second for `small` on two cores.
PARTS = 40
FEWEST_STEPS = 250  # between two measurements, with a budget in steps
COST = 0.03  # of the time, at most, for measurements by the clock
# Before it reaches this score a training cannot stand still: at first it learns a blurred mean of all faces and nothing else,
# and quality stays at 0.1 to 0.2 for a while (the demo: for 160 steps) before it rises.
BEGUN = 0.3
NOISE_FLOOR = 0.002  # of scores: a gain of less is none
NOISE_WINDOW = 12  # scores, the last ones, that tell how noisy they are
SHORTEST, LONGEST = 40.0, 300.0  # seconds between two, with one in minutes


@dataclass(frozen=True)
class Goal:
    """What was to be reached from when on."""

    digest: str
    step: int  # where it began
    seconds: float  # of training, where it began
    share: float  # of the budget

    def to_json(self) -> dict[str, Any]:
        """As JSON; `Goal(**data)` is the reverse."""
        return asdict(self)


@dataclass(frozen=True)
class Plan:
    """The current goal's way in one unit, steps or seconds of training."""

    in_steps: bool
    begin: float
    ends: tuple[float, ...]  # of its phases; the last is the end of all
    measure: float = math.inf  # between two measurements of quality, in the plan's unit

    @property
    def end(self) -> float:
        """Where the last phase ends."""
        return self.ends[-1]

    def at(self, step: int, seconds: float) -> float:
        """Where training stands, in the plan's unit."""
        return step if self.in_steps else seconds

    def done(self, step: int, seconds: float) -> bool:
        """Whether the end is reached."""
        return self.at(step, seconds) >= self.end

    def phase(self, step: int, seconds: float) -> int:
        """The number of the phase, from 0; beyond the end the last one."""
        now = self.at(step, seconds)
        return next((k for k, end in enumerate(self.ends) if now < end), len(self.ends) - 1)

    def share(self, step: int, seconds: float) -> float:
        """How much of its phase is over, 0..1."""
        now, number = self.at(step, seconds), self.phase(step, seconds)
        begin = self.ends[number - 1] if number else self.begin
        return min(max((now - begin) / max(self.ends[number] - begin, 1e-9), 0.0), 1.0)

    def steps(self, step: int, seconds: float, pace: float) -> int:
        """Steps for the next call, at least 1, at `pace` seconds a step: up to SECONDS_PER_CALL, not beyond a boundary."""
        now = self.at(step, seconds)
        boundary = self.ends[self.phase(step, seconds)] - now
        if math.isfinite(self.measure):
            boundary = min(boundary, self.begin + (self._parts(now) + 1) * self.measure - now)
        if not self.in_steps:
            boundary = boundary / pace
        most = max(min(SECONDS_PER_CALL / pace, MOST_STEPS_PER_CALL, boundary), 1)
        return max(count for count in SIZES_OF_CALLS if count <= most)

    def measures(self, before: tuple[int, float], now: tuple[int, float]) -> bool:
        """Whether quality is to be measured now (step, seconds), having been `before`: on the way, and at the end."""
        if not math.isfinite(self.measure) or before == now:
            return False
        return self.done(*now) or self._parts(self.at(*now)) > self._parts(self.at(*before))

    def _parts(self, at: float) -> int:
        """How many intervals between measurements are over."""
        return math.floor((at - self.begin) / self.measure)

    def seconds_left(self, step: int, seconds: float, pace: float) -> float:
        """Time to the end, s."""
        return max(self.end - self.at(step, seconds), 0) * (pace if self.in_steps else 1)


def goal_digest(datasets: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """Digest of what is trained: the datasets' digests by role, and all settings but those NOT_OF_A_GOAL."""
    kept = {key: value for key, value in settings.items() if key not in NOT_OF_A_GOAL}
    return hashlib.sha256(json.dumps([dict(datasets), kept], sort_keys=True).encode()).hexdigest()[:16]


def pursue(
    goals: Sequence[Goal],
    digest: str,
    *,
    step: int,
    seconds: float,
    steps: int | None,
    minutes: float | None,
    continue_share: float,
) -> list[Goal]:
    """The goals, the last of which is `digest`: added where the last was another one; one that made no step is forgotten."""
    goals = list(goals)
    while goals and goals[-1].digest != digest and goals[-1].step >= step:
        goals.pop()
    if not goals:
        return [Goal(digest, step, seconds, 1.0)]
    last = goals[-1]
    if last.digest == digest:
        return goals
    spent = (step - last.step) / steps if steps is not None else (seconds - last.seconds) / (60 * minutes)
    return [*goals, Goal(digest, step, seconds, max(continue_share, last.share - spent))]


def plan(
    goal: Goal,
    *,
    steps: int | None,
    minutes: float | None,
    until: Sequence[float],
    quality_every: float | None = None,
) -> Plan:
    """The way of a goal under a budget, one of `steps` and `minutes`.

    until: where each phase ends at the latest, as shares of the way, ascending, the last 1. quality_every: minutes between two
    measurements, None: PARTS of the budget, which with a budget in steps makes them independent of the clock.
    """
    if steps is not None:
        length, begin = math.ceil(goal.share * steps), goal.step
        every = max(math.ceil(steps / PARTS), FEWEST_STEPS)
        return Plan(True, begin, tuple(begin + round(share * length) for share in until), every)
    length, begin = goal.share * minutes * 60, goal.seconds
    every = min(max(60 * minutes / PARTS, SHORTEST), LONGEST) if quality_every is None else 60 * quality_every
    return Plan(False, begin, tuple(begin + share * length for share in until), every)


def affordable(way: Plan, measured: Sequence[Mapping[str, Any]]) -> Plan:
    """The way with measurements so far apart that they take no more than COST of the time, by how long the last three took.

    With a budget in steps it stays as it is: there no clock may count.
    """
    took = min((row["took"] for row in measured[-3:]), default=0.0)
    return way if way.in_steps else replace(way, measure=max(way.measure, took / COST))


def moved(
    way: Plan, measured: Sequence[Mapping[str, Any]], *, patience: int, sooner: Sequence[bool], stops: bool
) -> Plan:
    """The way whose phases end where quality has stopped rising in them.

    measured: the goal's measurements in their order, each with step, seconds, phase and score; sooner: of each phase, whether a
    standstill ends it. Where `stops`, the phases that follow are as long in proportion to what was trained as in the whole
    way, and a standstill in the last is the end; else they fill the budget, which stays the upper limit.
    """
    for k in range(len(way.ends)):
        before = way.ends[k]  # as a standstill before may have moved it
        rows = [row for row in measured if row["phase"] == k]
        last = standstill([row["score"] for row in rows], patience=patience) if sooner[k] else None
        if last is None or (here := way.at(rows[last]["step"], rows[last]["seconds"])) >= before:
            continue
        if k == len(way.ends) - 1:
            return replace(way, ends=(*way.ends[:k], here)) if stops else way
        share = (here - way.begin) / (before - way.begin) if stops else (way.end - here) / (way.end - before)
        later = (here + share * (end - before) for end in way.ends[k + 1 :])
        later = tuple(min(way.end, math.ceil(end - 1e-9) if way.in_steps else end) for end in later)
        way = replace(way, ends=(*way.ends[:k], here, *later))
    return way


def standstill(scores: Sequence[float], *, patience: int) -> int | None:
    """The first of the scores at which none of the last `patience` was above the best before by more than the noise, or None.

    It is looked for from the first score of BEGUN on.
    """
    begun = next((k for k, score in enumerate(scores) if score >= BEGUN), len(scores))
    for count in range(begun + patience + 1, len(scores) + 1):
        if max(scores[count - patience : count]) <= max(scores[begun : count - patience]) + noise(scores[begun:count]):
            return count - 1
    return None


def noise(scores: Sequence[float]) -> float:
    """By how much two neighbouring scores may differ by chance: two standard deviations, NOISE_FLOOR at least.

    From the second differences of the last NOISE_WINDOW scores, in which a steady rise does not count: of independent noise
    they have sqrt(6) its standard deviation, which their median gives (1.4826 of it, for a normal distribution).
    """
    bends = np.diff(np.asarray(scores[-NOISE_WINDOW:], np.float64), 2)
    deviation = 1.4826 * float(np.median(np.abs(bends))) / math.sqrt(6) if len(bends) else 0.0
    return max(2 * deviation, NOISE_FLOOR)
