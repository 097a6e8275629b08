"""What a person sees of a training: lines of progress and the loss curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from swapcore import progress
from swapcore.models import PEOPLE

HISTORY = ("steps", "images", "seconds", *PEOPLE)  # columns: counts at the end of a stretch, and its mean losses
LONGEST_HISTORY = 1000  # rows
COLOURS = {"source": "#c2410c", "target": "#0f5e9c"}
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


def curve(history: Sequence[Sequence[float]], *, title: str, begun: Sequence[int]) -> np.ndarray:
    """The losses against the faces seen, as a picture (h, w, 3) uint8 BGR.

    begun: steps at which data or settings had changed, drawn as dashed lines.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    steps, images, seconds, *losses = np.array(history, np.float64).reshape(-1, len(HISTORY)).T
    figure = Figure(figsize=(9, 5), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
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
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    spent = f"{steps[-1]:,.0f} steps, {progress.duration(seconds[-1])}" if len(steps) else "no step yet"
    axes.set_title(f"{title}: {spent}", loc="left")
    axes.set(xlabel="faces seen", ylabel="loss (mean absolute error and structural dissimilarity)")
    axes.grid(True, color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return picture(canvas)


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
