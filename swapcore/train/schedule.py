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
from dataclasses import asdict, dataclass
from typing import Any

# what a goal does not depend on: raising the budget must go on, not begin anew
NOT_OF_A_GOAL = {"budget", "continue_share"}
SECONDS_PER_CALL = 1.0  # between two looks at the clock and at signals
MOST_STEPS_PER_CALL = 50
WITHOUT_WARP = 1 / 6  # of the learning rate, in the last part that is trained without the warp


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
    warp_end: float  # from here on without the warp
    end: float

    def at(self, step: int, seconds: float) -> float:
        """Where training stands, in the plan's unit."""
        return step if self.in_steps else seconds

    def done(self, step: int, seconds: float) -> bool:
        """Whether the end is reached."""
        return self.at(step, seconds) >= self.end

    def warps(self, step: int, seconds: float) -> bool:
        """Whether the input is still bent."""
        return self.at(step, seconds) < self.warp_end

    def steps(self, step: int, seconds: float, pace: float) -> int:
        """Steps for the next call, at least 1, at `pace` seconds a step: up to SECONDS_PER_CALL, not beyond a boundary."""
        now = self.at(step, seconds)
        boundary = (self.warp_end if now < self.warp_end else self.end) - now
        if not self.in_steps:
            boundary = boundary / pace
        return max(math.floor(min(SECONDS_PER_CALL / pace, MOST_STEPS_PER_CALL, boundary)), 1)

    def seconds_left(self, step: int, seconds: float, pace: float) -> float:
        """Time to the end, s."""
        return max(self.end - self.at(step, seconds), 0) * (pace if self.in_steps else 1)


def goal_digest(datasets: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """Digest of what is trained: the datasets' digests by role, and all settings but the budget."""
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


def plan(goal: Goal, *, steps: int | None, minutes: float | None, warp_share: float) -> Plan:
    """The way of a goal under a budget, one of `steps` and `minutes`."""
    if steps is not None:
        length, begin = math.ceil(goal.share * steps), goal.step
        return Plan(True, begin, begin + round(warp_share * length), begin + length)
    length, begin = goal.share * minutes * 60, goal.seconds
    return Plan(False, begin, begin + warp_share * length, begin + length)
