"""What benchmarks/quality.py makes of figures: their spread, whether the known order holds, and a table. Pure functions."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

# metrics by which a better swap need not be better, and why; all others stand in `expectation`
NOT_ORDERED = {
    "outside_psnr": "what lies outside the face is the encoder's doing, alike for all",
    "seam": "another face's brows and shades cross the mask's edge in the true swap as well",
    "mask_iou": "the masks are the same, whatever is laid in them",
    "edge_jump": "the masks are the same, whatever is laid in them",
    "flicker_ratio": "a soft face is calmer than a real one: read it beside the sharpness",
    "warp_error_ratio": "a soft face is calmer than a real one: read it beside the sharpness",
    "identity_jitter": "a soft face is calmer than a real one: read it beside the sharpness",
}
MISLED = "a soft face whose landmarks hold still errs less than one that plays: read what is followed"
NOT_ORDERED |= dict.fromkeys(("pose_error", "landmark_error", "eye_error", "mouth_error"), MISLED)
NOT_ORDERED["pose_followed"] = "the outline of the head is the target's own in every swap, and tells most of its turns"
OWN = {
    "truth_detail": "the unchanged target has a real face's detail, though another's, so it stands apart",
    "truth_shape": "the unchanged target has a real face's shape; in one that is still a blank landmarks fall anywhere",
}
ALL = "true swap > trained longer > trained shorter > unchanged"
SWAPS = "true swap > trained longer > trained shorter"
KEPT = "the unchanged target keeps all of its own and is perfect here by nature, so it stands apart"


def expectation(name: str, baseline: object) -> tuple[str, str]:
    """The order that is known before anything is measured, and the reason where it is not ALL: (ALL, SWAPS or "", why).

    baseline: that of the row in measure.METRICS: what to take of the unchanged target, or the number that it has by nature.
    """
    if name in NOT_ORDERED:
        return "", NOT_ORDERED[name]
    if name in OWN:
        return SWAPS, OWN[name]
    if isinstance(baseline, tuple):
        return ALL, ""
    if baseline is None:
        return "", "an unchanged target says nothing here"
    return SWAPS, KEPT


def badness(value: float, better: str) -> float:
    """How bad a value is, in an order only: `better` is lower, higher, or nearer the baseline, which is 1."""
    if better == "lower":
        return value
    if better == "higher":
        return -value
    return abs(math.log(max(value, 1e-6)))


def verdict(values: Sequence[float | None], better: str, *, step: float = 0.0) -> str | None:
    """Of values in the expected order, the best first: holds, ties (none is wrong by more than `step`), or broken.

    step: a difference that counts (Metric.step); less than it is level. None where fewer than two are known. Where the first is
    not better than the last by more than that either, the metric tells nothing apart, and the order is broken.
    """
    told = [badness(value, better) for value in values if value is not None]
    if len(told) < 2:
        return None
    steps = [b - a for a, b in itertools.pairwise(told)]
    if min(steps) > 0:
        return "holds"
    return "ties" if min(steps) >= -step and told[-1] - told[0] > step else "broken"


def spread(values: Sequence[float | None]) -> dict[str, Any]:
    """Mean, standard deviation (n - 1; None of fewer than two) and the values themselves, of several seeds."""
    told = [value for value in values if value is not None]
    mean = round(statistics.fmean(told), 4) if told else None
    return {
        "mean": mean,
        "spread": round(statistics.stdev(told), 4) if len(told) > 1 else None,
        "values": list(values),
    }


def metrics(
    unchanged: Mapping[str, Any],
    average: Mapping[str, Any],
    truth: Mapping[str, Any] | None,
    trained: Sequence[Sequence[Mapping[str, Any]]],
    *,
    others: Mapping[str, Mapping[str, Any]] | None = None,
    rows: Mapping[str, Any],
) -> dict[str, Any]:
    """All measures of one pair: name -> unit, better, the values, and the order.

    Each mapping is a measures.json; trained[k] are those of stop k, one for each seed, stops ascending. truth is None where it
    is not known; others: those of other swaps, which take no part in the order. rows: those of measure.METRICS and
    SEQUENCES. What could nowhere be told is left out.
    """
    result = {}
    for name, metric in rows.items():
        row = unchanged[name]
        stops = [spread([seed[name]["value"] for seed in stop]) for stop in trained]
        ends = {"unchanged": row["value"], "average": average[name]["value"]}
        if truth is not None:
            ends["truth"] = truth[name]["value"]
        if all(value is None for value in [*ends.values(), *(stop["mean"] for stop in stops)]):
            continue
        expected, why = expectation(name, metric.baseline)

        def order(of: Sequence[float | None], ends: Mapping[str, Any] = ends, expected: str = expected) -> list[Any]:
            return [ends.get("truth"), *reversed(of), *([ends["unchanged"]] if expected == ALL else [])]

        found = {"unit": row["unit"], "better": row["better"], "of": row["of"], **ends, "stops": stops}
        found["others"] = {other: made[name]["value"] for other, made in (others or {}).items()}
        if "source_real" in row:
            found["source_real"] = row["source_real"]
        if alarms := [said for stop in trained for seed in stop if (said := seed[name].get("alarm"))]:
            found["alarm"] = alarms
        found["order"] = {"expected": expected, "why": why, "verdict": None, "seeds": None}
        if expected:
            better = row["better"]
            seeds = zip(*(stop["values"] for stop in stops), strict=True)
            mean = order([stop["mean"] for stop in stops])
            found["order"]["verdict"] = verdict(mean, better, step=metric.step)
            found["order"]["seeds"] = [verdict(order(one), better, step=metric.step) for one in seeds]
        result[name] = found
    return result


def summary(found: Mapping[str, Any]) -> dict[str, list[str]]:
    """Of `metrics`: names by what became of the order: holds, ties, broken."""
    return {
        word: [name for name, row in found.items() if row["order"]["verdict"] == word]
        for word in ("holds", "ties", "broken")
    }


def table(lines: Sequence[Mapping[str, Any]]) -> str:
    """Markdown of several JSON lines of benchmarks/quality.py: which order holds for whom, then all figures of each."""
    names = list(dict.fromkeys(name for line in lines for name in line["metrics"]))
    heads = [line["pair"].replace(":", " onto ") for line in lines]
    rows = [["metric", *heads, "expected"]]
    for name in names:
        found = next(line["metrics"][name]["order"] for line in lines if name in line["metrics"])
        words = [_word(line["metrics"].get(name, {}).get("order", {})) for line in lines]
        rows.append([f"`{name}`", *words, found["expected"] or f"no order: {found['why']}"])
    parts = ["\n".join(_rows(rows))]
    for head, line in zip(heads, lines, strict=True):
        beside = line["facts"].get("others", {})
        rows = [["metric", "better", "unchanged", "average face", *line["stops"], *beside, "true swap", "order"]]
        for name, row in line["metrics"].items():
            stops = [_figure(stop["mean"], stop["spread"]) for stop in row["stops"]]
            ends = [_figure(row[end]) for end in ("unchanged", "average")]
            truth = _figure(row.get("truth"))
            better = "nearer 1" if row["better"].startswith("nearer") else row["better"]
            others = [_figure(row["others"][other]) for other in beside]
            rows.append([f"`{name}`, {row['unit']}", better, *ends, *stops, *others, truth, _word(row["order"])])
        parts.append(f"**{head}**, {_facts(line)}\n\n" + "\n".join(_rows(rows)))
    return "\n\n".join(parts) + "\n"


def _word(order: Mapping[str, Any]) -> str:
    return {"holds": "holds", "ties": "holds, level", "broken": "**broken**"}.get(order.get("verdict"), "-")


def _figure(value: float | None, more: float | None = None) -> str:
    if value is None:
        return "-"
    digits = 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}" + (f" ± {more:.{digits}f}" if more is not None else "")


def _facts(line: Mapping[str, Any]) -> str:
    trained = [*zip(line["stops"], line["facts"]["stops"], strict=True), *line["facts"].get("others", {}).items()]
    train = [f"{name}: {stop['train_s']:.0f} s, {stop['images_per_s']:.0f} images/s" for name, stop in trained]
    seeds = len(line["seeds"])
    return f"{line['frames']} frames, {seeds} seed{'s' if seeds > 1 else ''}; training: " + "; ".join(train)


def _rows(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = ("| " + " | ".join(cells) + " |" for cells in rows)
    return [head, "|" + "---|" * len(rows[0]), *body]
