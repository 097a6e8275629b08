"""Means over all looks, an alarm, and where to look: measures.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from swapcore.measure.identity import reference_spread
from swapcore.measure.look import Look, Metric
from swapcore.measure.metrics import METRICS

WORST = 6  # frames listed as the worst


class Values(NamedTuple):
    """The metrics of one face in one frame, and of the unchanged target there; None where one cannot be told."""

    frame: int
    swap: str
    value: dict[str, float | None]
    baseline: dict[str, float | None]


def evaluate(look: Look) -> Values:
    """Every metric of one look."""

    def call(metric: Metric, fields: tuple[str, ...]) -> float | None:
        taken = [getattr(look, field) for field in fields]
        return None if any(value is None for value in taken) else metric.function(*taken)

    value = {name: call(m, m.takes) for name, m in METRICS.items()}
    baseline = {
        name: call(m, m.baseline) if isinstance(m.baseline, tuple) else m.baseline for name, m in METRICS.items()
    }
    return Values(look.frame, look.swap, value, baseline)


def summarise(rows: Sequence[Values], *, references: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Means over all looks as JSON: each metric's value, per swap too, with unit, direction and baseline; worst frames; note.

    references: swap -> (m, 128) embeddings of its source, for the alarm of a swap that is nearer to them than they are to
    each other: then it fools the judge, not the eye. Raises ValueError without rows.
    """
    if not rows:
        raise ValueError("nothing was looked at")
    result: dict[str, Any] = {}
    swaps = list(dict.fromkeys(r.swap for r in rows))
    for name, metric in METRICS.items():
        result[name] = {
            "value": _mean(r.value[name] for r in rows),
            "unit": metric.unit,
            "better": metric.better,
            "baseline": _mean(r.baseline[name] for r in rows),
            "of": metric.source,
            "swaps": {s: _mean(r.value[name] for r in rows if r.swap == s) for s in swaps},
        }
    alarms = [a for s in swaps if (a := alarm(s, result["identity_distance"]["swaps"][s], references[s]))]
    if alarms:
        result["identity_distance"]["alarm"] = "; ".join(alarms)
    return {**result, "worst": worst(rows), "note": _note(rows, result, alarms)}


def alarm(swap: str, distance: float | None, references: np.ndarray) -> str | None:
    """A warning where a swap's mean distance lies below its references' own spread, None where all is well."""
    spread = reference_spread(references)
    if distance is None or spread is None or distance >= spread:
        return None
    return (
        f"swap {swap} is nearer to the references ({distance:.3f}) than they are to each other ({spread:.3f}), as a model that "
        "learnt to please the identity network is: trust the eye"
    )


def worst(rows: Sequence[Values]) -> list[int]:
    """The WORST frames by the mean of their ranks in all metrics, worst first: where to look."""
    ranks: list[list[float]] = [[] for _ in rows]
    for name, metric in METRICS.items():
        told = [i for i, r in enumerate(rows) if r.value[name] is not None]
        badness = [_badness(metric, rows[i].value[name], rows[i].baseline[name]) for i in told]
        better = np.searchsorted(np.sort(badness), badness)  # how many are better; equals rank alike
        for i, count in zip(told, better, strict=True):
            ranks[i].append(count / len(told))
    mean = np.array([np.mean(r) if r else 0 for r in ranks])
    frames = dict.fromkeys(rows[i].frame for i in np.argsort(-mean, kind="stable"))
    return list(frames)[:WORST]


def _badness(metric: Metric, value: float, baseline: float | None) -> float:
    if metric.better == "lower":
        return value
    if metric.better == "higher":
        return -value
    return abs(float(np.log(max(value, 1e-6) / baseline)))


def _note(rows: Sequence[Values], result: dict[str, Any], alarms: Sequence[str]) -> str:
    frames = len({r.frame for r in rows})
    identity = result["identity_distance"]
    text = (
        f"Over {frames} frames the swapped faces lie {identity['value']:.2f} from the source's references, where the unchanged "
        f"target lies {identity['baseline']:.2f}"
    )
    return text + ("; " + "; ".join(alarms) if alarms else "") + "."


def _mean(found: Iterable[float | None]) -> float | None:
    known = [v for v in found if v is not None]
    return round(float(np.mean(known)), 4) if known else None
