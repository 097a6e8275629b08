"""What a person sees of a training: lines of progress, and the loss curve over where the time went."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from swapcore import progress
from swapcore.models import PEOPLE

HISTORY = ("steps", "images", "seconds", *PEOPLE)  # columns: counts at the end of a stretch, and its mean losses
LONGEST_HISTORY = 1000  # rows
COLOURS = {"source": "#c2410c", "target": "#0f5e9c"}
TIMES = {"arithmetic": "#94a3b8", "faces": "#dc2626", "measuring": "#0f766e", "saving": "#7c3aed"}  # see watch.KINDS
WAITING = {"arithmetic": "arithmetic", "faces": "waiting for faces", "measuring": "measuring", "saving": "saving"}
DPI = 110


def line(what: str, *, step: int, end: int | None, images_per_second: float, loss: np.ndarray, left: float) -> str:
    """A line of progress; end: the last step where it is known; loss (2,) of source and target; left: seconds."""
    return (
        f"{what}: step {step}{'' if end is None else f'/{end}'}, {images_per_second:.0f} images/s, "
        f"loss source {loss[0]:.4f} target {loss[1]:.4f}, {progress.duration(left)} left"
    )


def record(history: Sequence[Sequence[float]], row: Sequence[float]) -> list[list[float]]:
    """History (rows as HISTORY says) with a row more; when it grows too long, every two neighbouring rows become one."""
    rows = [*map(list, history), list(row)]
    if len(rows) <= LONGEST_HISTORY:
        return rows
    before, thinned = 0.0, []
    for first, second in zip(rows[0::2], rows[1::2], strict=False):
        weights = np.maximum([first[0] - before, second[0] - first[0]], 1e-9)  # steps that each stands for
        losses = np.average([first[3:], second[3:]], axis=0, weights=weights)
        thinned.append([*second[:3], *losses.tolist()])
        before = second[0]
    return thinned + rows[len(thinned) * 2 :]


def watched(rows: Sequence[Mapping[str, float]], row: Mapping[str, float]) -> list[Mapping[str, float]]:
    """Rows of Watch.look, each with its step, with a row more; of two at one step the later counts."""
    return [*(old for old in rows if old["step"] < row["step"]), row][-LONGEST_HISTORY:]


def curve(
    history: Sequence[Sequence[float]],
    *,
    title: str,
    begun: Sequence[int],
    watched: Sequence[Mapping[str, float]] = (),
) -> np.ndarray:
    """The losses against the faces seen, and below them where the time went, as a picture (h, w, 3) uint8 BGR.

    begun: steps at which data or settings had changed, drawn as dashed lines. watched: rows of Watch.look, each with the step at
    which it was taken.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    steps, images, seconds, *losses = np.array(history, np.float64).reshape(-1, len(HISTORY)).T
    figure = Figure(figsize=(9, 6), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(5, 1))
    for person, loss in zip(PEOPLE, losses, strict=True):
        smooth = smoothed(loss)
        axes.plot(images, loss, color=COLOURS[person], alpha=0.25, linewidth=0.8)
        axes.plot(images, smooth, color=COLOURS[person], linewidth=1.8, label=person)
        if len(smooth):
            axes.annotate(
                f" {smooth[-1]:.3g}",
                (images[-1], smooth[-1]),
                color=COLOURS[person],
                va="bottom" if loss[-1] >= max(other[-1] for other in losses) else "top",
                annotation_clip=False,
            )
    for number, step in enumerate(begun):
        label = "data or settings changed" if number == 0 else None
        axes.axvline(np.interp(step, steps, images), color="0.6", linestyle="--", linewidth=0.9, label=label)
    axes.set_yscale("log")
    plain_numbers(axes)
    below.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    spent = f"{steps[-1]:,.0f} steps, {progress.duration(seconds[-1])}" if len(steps) else "no step yet"
    axes.set_title(f"{title}: {spent}", loc="left")
    axes.set(ylabel="loss")
    axes.grid(True, color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    _times(below, watched, lambda step: np.interp(step, [0, *steps], [0, *images]))
    below.set(xlabel="faces seen")
    return picture(canvas)


def _times(axes: Any, watched: Sequence[Mapping[str, float]], place: Callable[[float], float]) -> None:
    """Where the time went, as shares laid on one another; place: a step's place on the x axis."""
    edges = [place(step) for step in (0, *(row["step"] for row in watched))]
    bottom = np.zeros(len(watched))
    for kind, colour in TIMES.items():
        share = np.array([row[kind] for row in watched])
        last = f", {share[-1]:.0%}" if len(share) else ""
        axes.bar(edges[:-1], share, np.diff(edges), bottom, align="edge", color=colour, label=f"{WAITING[kind]}{last}")
        bottom += share
    busy = "gpu" if all("gpu" in row for row in watched) else "own"
    if watched:
        label = "GPU busy" if busy == "gpu" else "processors busy with it"
        shares = [row[busy] for row in watched]
        axes.stairs(shares, edges, baseline=None, color="#111827", linewidth=1.2, label=f"{label}, {shares[-1]:.0%}")
        axes.legend(frameon=False, fontsize=8, ncols=5, loc="upper center", bbox_to_anchor=(0.5, -0.55))
    else:
        axes.text(0.5, 0.5, "where the time went was not noted", transform=axes.transAxes, ha="center", va="center")
    axes.set(ylim=(0, 1.02), yticks=(0, 1), yticklabels=("0", "100 %"), ylabel="time")
    axes.spines[["top", "right"]].set_visible(False)


def plain_numbers(axes: Any) -> None:
    """Plain numbers on the logarithmic y axis of matplotlib axes."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(10, subs=(1, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def smoothed(values: np.ndarray) -> np.ndarray:
    """Mean over a window of a fortieth of the length, shorter at the ends."""
    reach = len(values) // 80
    sums = np.concatenate([[0.0], np.cumsum(values)])
    low = np.maximum(np.arange(len(values)) - reach, 0)
    high = np.minimum(np.arange(len(values)) + reach + 1, len(values))
    return (sums[high] - sums[low]) / np.maximum(high - low, 1)


def picture(canvas: Any) -> np.ndarray:
    """What is drawn on a canvas of matplotlib, (h, w, 3) uint8 BGR."""
    canvas.draw()
    return cv2.cvtColor(np.asarray(canvas.buffer_rgba()), cv2.COLOR_RGBA2BGR)
