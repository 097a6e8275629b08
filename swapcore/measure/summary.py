"""Means over all looks, an alarm, and where to look: measures.json."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from swapcore.measure import expression
from swapcore.measure.identity import doubt, reference_spread, share_of_way
from swapcore.measure.look import Look, Metric
from swapcore.measure.metrics import METRICS, SEQUENCES

WORST = 10  # frames listed as the worst


class Values(NamedTuple):
    """The metrics of one face in one frame, and of the unchanged target there; None where one cannot be told."""

    frame: int
    swap: str
    value: dict[str, float | None]
    baseline: dict[str, float | None]
    landmarks: tuple[np.ndarray, np.ndarray] | None = None  # the look's original_landmarks and result_landmarks


def evaluate(look: Look) -> Values:
    """Every metric of one look."""
    value = {name: _call(look, m.function, m.takes) for name, m in METRICS.items()}
    baseline = {
        name: _call(look, m.function, m.baseline) if isinstance(m.baseline, tuple) else m.baseline
        for name, m in METRICS.items()
    }
    told = look.original_landmarks is not None and look.result_landmarks is not None
    landmarks = (look.original_landmarks, look.result_landmarks) if told else None
    return Values(look.frame, look.swap, value, baseline, landmarks)


def real(look: Look) -> dict[str, float | None]:
    """The metrics of real frames of a look's source, where there are such figures: the same for all looks of a swap."""
    return {name: _call(look, *m.real) for name, m in METRICS.items() if m.real}


def _call(look: Look, function: Callable[..., float | None], fields: tuple[str, ...]) -> float | None:
    taken = [getattr(look, field) for field in fields]
    return None if any(value is None for value in taken) else function(*taken)


def settle(rows: Sequence[Values]) -> list[Values]:
    """The same with the metrics of expression worked out without what is constant in a swap: see expression.settled."""
    settled = list(rows)
    for swap in dict.fromkeys(r.swap for r in rows):
        mine = [k for k, r in enumerate(rows) if r.swap == swap and r.landmarks]
        originals, results = ([rows[k].landmarks[side] for k in mine] for side in (0, 1))
        for k, original, result in zip(mine, originals, expression.settled(originals, results), strict=True):
            value = {name: metric.function(original, result) for name, metric in expression.ROWS.items()}
            settled[k] = rows[k]._replace(value={**rows[k].value, **value})
    return settled


def summarise(
    rows: Sequence[Values],
    *,
    reals: Mapping[str, Mapping[str, float | None]],
    references: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """Means over all looks as JSON: each metric's value, per swap too, with unit, direction and baseline; worst frames; note.

    The metrics of expression are first settled. reals: swap -> what `real` gives of it, for `source_real`. references: swap ->
    (m, 128) embeddings of its source, for the alarm of a swap that is nearer to them than they are to each other: then it fools
    the judge, not the eye. Raises ValueError without rows.
    """
    if not rows:
        raise ValueError("nothing was looked at")
    result: dict[str, Any] = {}
    found = rows
    rows = settle(rows)
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
        if metric.real:
            result[name]["source_real"] = _mean(reals[r.swap][name] for r in rows)
    for name, metric in SEQUENCES.items():
        each = {s: _followed(metric, [r for r in found if r.swap == s]) for s in swaps}
        about = {"unit": metric.unit, "better": metric.better, "baseline": metric.baseline, "of": metric.source}
        result[name] = {"value": _mean(each.values()), **about, "swaps": each}
    alarms = [a for s in swaps if (a := alarm(s, result["identity_distance"]["swaps"][s], references[s]))]
    if alarms:
        result["identity_distance"]["alarm"] = "; ".join(alarms)
    doubts = [d for s in swaps if (d := _doubt(s, [r for r in rows if r.swap == s], reals[s]))]
    if doubts:
        result["second_distance"]["alarm"] = "; ".join(doubts)
    return {**result, "worst": worst(rows), "note": _note(rows, result, alarms + doubts)}


def _followed(metric: Metric, rows: Sequence[Values]) -> float | None:
    """A row of SEQUENCES over the faces of one swap; None of too few."""
    told = [r.landmarks for r in rows if r.landmarks]
    if len(told) < expression.ENOUGH:
        return None
    value = metric.function(*(np.stack(side) for side in zip(*told, strict=True)))
    return None if value is None else round(value, 4)


def _doubt(swap: str, rows: Sequence[Values], real: Mapping[str, float | None]) -> str | None:
    """Whether the two judges of identity differ over a swap."""
    ways = [
        share_of_way(_mean(r.value.get(name) for r in rows), _mean(r.baseline.get(name) for r in rows), real.get(name))
        for name in ("identity_distance", "second_distance")
    ]
    return doubt(swap, *ways)


def alarm(swap: str, distance: float | None, references: np.ndarray) -> str | None:
    """A warning where a swap's mean distance lies below its references' own spread, None where all is well."""
    spread = reference_spread(references)
    if distance is None or spread is None or distance >= spread:
        return None
    return (
        f"swap {swap} is nearer to the references ({distance:.3f}) than they are to each other ({spread:.3f}), as a model that "
        "learnt to please the identity network is: trust the eye"
    )


def worst(rows: Sequence[Values]) -> list[dict[str, Any]]:
    """At most WORST faces that stand out from the others of their swap, worst first: where to look, and for what.

    Each as frame, swap, metric, value, baseline, and why, a sentence. A face stands out by the metric in which it is worse than
    the median by the most steps; a step is the metric's own, or more where the faces differ much (1.48 times the median
    absolute deviation, which of a normal distribution is its standard deviation). A frame is listed once for a swap.
    """
    found = []
    for swap in dict.fromkeys(r.swap for r in rows):
        mine = [r for r in rows if r.swap == swap]
        for name, metric in METRICS.items():
            told = [r for r in mine if r.value[name] is not None]
            if not told:
                continue
            badness = np.array([_badness(metric, r.value[name], r.baseline[name]) for r in told])
            middle = np.median(badness)
            steps = (badness - middle) / max(metric.step, 1.4826 * float(np.median(np.abs(badness - middle))))
            usual = float(np.median([r.value[name] for r in told]))
            found += [(float(n), r, name, usual) for n, r in zip(steps, told, strict=True)]
    listed: dict[tuple[int, str], dict[str, Any]] = {}
    for _, row, name, usual in sorted(found, key=lambda f: -f[0]):
        listed.setdefault((row.frame, row.swap), _told(row, name, usual))
    return list(listed.values())[:WORST]


def _told(row: Values, name: str, usual: float) -> dict[str, Any]:
    """One of the worst."""
    value, baseline = row.value[name], row.baseline[name]
    words = {"name": name, "value": value, "usual": usual, "baseline": 0.0 if baseline is None else baseline}
    return {
        "frame": row.frame,
        "swap": row.swap,
        "metric": name,
        "value": round(value, 4),
        "baseline": None if baseline is None else round(baseline, 4),
        "why": METRICS[name].why.format(**words),
    }


def _badness(metric: Metric, value: float, baseline: float | None) -> float:
    """How bad a value is, more is worse. What is better than a fixed baseline is no better than it: so calm is calm."""
    if metric.better == "nearer the baseline":
        return abs(float(np.log(max(value, 1e-6) / max(baseline, 1e-6))))
    sign = 1 if metric.better == "lower" else -1
    fixed = isinstance(metric.baseline, (int, float))
    return max(sign * value, sign * metric.baseline) if fixed else sign * value


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
