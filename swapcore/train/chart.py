"""The curve of swap quality beside the loss, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from swapcore import progress
from swapcore.models import PEOPLE
from swapcore.train import monitor
from swapcore.train.quality import SHARES

LINES = {"identity": "#7c3aed", "sharpness": "#0f766e", "expression": "#b45309", "rebuilt": "#64748b"}
SCORE = "#111827"
NOTHING = "quality was not measured: train.held_out is 0, a person has too few faces,\nor this training is of before"
MEANING = {
    "identity": "likeness: of the way from target to source",
    "sharpness": "sharpness: of the target's own",
    "expression": "expression kept",
    "rebuilt": "held-out faces rebuilt",
}


def quality_curve(
    measured: Sequence[Mapping[str, Any]],
    history: Sequence[Sequence[float]],
    *,
    title: str,
    best: int | None,
    begun: Sequence[int],
) -> np.ndarray:
    """Quality above, the loss below, over the steps: a picture (h, w, 3) uint8 BGR.

    measured: rows of quality.measure with step and warp; history: rows as monitor.HISTORY says; best: the step of the best;
    begun: steps at which data or settings had changed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 7), dpi=monitor.DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.7, 1))
    steps = np.array([row["step"] for row in measured])
    for name in SHARES:
        told = [(row["step"], row[name]) for row in measured if row[name] is not None]
        if told:
            above.plot(
                *zip(*told, strict=True),
                color=LINES[name],
                linewidth=1.2,
                marker=".",
                markersize=4,
                label=MEANING[name],
            )
    if measured:
        scores = [row["score"] for row in measured]
        above.plot(
            steps, scores, color=SCORE, linewidth=2.6, marker="o", markersize=4, label="quality: their geometric mean"
        )
        _fooled(above, measured)
    else:
        above.text(0.5, 0.5, NOTHING, transform=above.transAxes, ha="center", va="center")
    found = next((row for row in measured if row["step"] == best), None)
    if found is not None:
        above.plot(
            found["step"], found["score"], marker="o", markersize=13, markerfacecolor="none", markeredgecolor="#dc2626"
        )
        above.axvline(found["step"], color="#dc2626", linewidth=0.8, alpha=0.5)
        below.axvline(found["step"], color="#dc2626", linewidth=0.8, alpha=0.5)
    losses = np.array(history, np.float64).reshape(-1, len(monitor.HISTORY)).T
    for person, loss in zip(PEOPLE, losses[3:], strict=True):
        below.plot(
            losses[0], monitor.smoothed(loss), color=monitor.COLOURS[person], linewidth=1.5, label=f"loss, {person}"
        )
    for axes in (above, below):
        for step in begun:
            axes.axvline(step, color="0.6", linestyle="--", linewidth=0.9)
        if (span := _without_warp(measured)) is not None:
            axes.axvspan(*span, color="0.5", alpha=0.08, linewidth=0)
        axes.grid(True, color="0.92")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    spent = f"{losses[0][-1]:,.0f} steps, {progress.duration(losses[2][-1])}" if len(history) else "no step yet"
    chosen = f"; best {found['score']:.3f} at step {found['step']:,}" if found is not None else ""
    above.set_title(f"{title}: {spent}{chosen}", loc="left")
    above.set(ylabel="share, 1 is all that can be gained", ylim=(0, 1.02))
    below.set(xlabel="steps (grey: without the warp)", ylabel="loss")
    if len(history):
        below.set(yscale="log")
        monitor.plain_numbers(below)
    if measured:
        above.legend(frameon=False, fontsize=8.5, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.02))
    if len(history):
        below.legend(frameon=False, fontsize=8.5)
    return monitor.picture(canvas)


def _fooled(axes: Any, measured: Sequence[Mapping[str, Any]]) -> None:
    found = [(row["step"], row["identity"]) for row in measured if row["fooled"] and row["identity"] is not None]
    if found:
        label = "nearer to the source than its own faces"
        axes.plot(*zip(*found, strict=True), linestyle="none", marker="x", markersize=8, color="#dc2626", label=label)


def _without_warp(measured: Sequence[Mapping[str, Any]]) -> tuple[float, float] | None:
    """From where to where the last measurements were without the warp."""
    bent = [row["step"] for row in measured if row["warp"] != "none"]
    end = [row["step"] for row in measured if row["warp"] == "none" and row["step"] > max(bent, default=0)]
    return (max(bent, default=0), max(end)) if end else None
