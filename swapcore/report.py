"""Pictures for people: contact sheets, strips, the coverage of a dataset. Dark neutral ground, even gutters, small captions."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np

from swapcore.dataset import PITCH_EDGES, YAW_EDGES, coverage
from swapcore.types import DatasetTable, ScoreTable

GROUND, TEXT, DIM = (34, 34, 34), (225, 225, 225), (150, 150, 150)  # BGR
GUTTER = 6  # pixels
FONT = cv2.FONT_HERSHEY_SIMPLEX


def fit(image_bgr: np.ndarray, *, width: int, height: int) -> np.ndarray:
    """(h, w, 3) uint8 -> (height, width, 3) uint8: scaled to fit whole, on the ground."""
    scale = min(width / image_bgr.shape[1], height / image_bgr.shape[0])
    size = max(round(image_bgr.shape[1] * scale), 1), max(round(image_bgr.shape[0] * scale), 1)
    image = cv2.resize(image_bgr, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    tile = np.full((height, width, 3), GROUND, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = image
    return tile


def text(image_bgr: np.ndarray, words: str, *, left: int, base: int, width: int, size: int, colour=TEXT) -> None:
    """Write one line into `image_bgr`, `size` pixels high, from `left` on the base line, shortened to `width` pixels."""
    scale = size / 21  # Hershey simplex is 21 pixels high at scale 1
    while words and cv2.getTextSize(words, FONT, scale, 1)[0][0] > width:
        words = words[:-3].rstrip(" .") + ".." if len(words) > 4 else ""
    cv2.putText(image_bgr, words, (left, base), FONT, scale, colour, 1, cv2.LINE_AA)


def contact_sheet(
    crops_bgr: Iterable[np.ndarray],
    captions: Sequence[str],
    *,
    title: str,
    legend: str = "",
    columns: int = 20,
    tile: int = 92,
) -> np.ndarray:
    """Crops (any size, uint8 BGR) as a grid of `columns` tiles of `tile` pixels, each with its caption below -> uint8 BGR.

    Captions may have several lines, parted by a line break.
    """
    shown = list(zip(crops_bgr, captions, strict=True))
    columns = min(columns, max(len(shown), 6))
    return groups({"": shown}, title=title, legend=legend, tile=tile, columns=columns, lines=len(shown))


def groups(
    rows: Mapping[str, Sequence[tuple[np.ndarray, str]]],
    *,
    title: str,
    legend: str = "",
    tile: int = 96,
    columns: int = 12,
    lines: int = 1,
) -> np.ndarray:
    """Named groups of crops with captions, `lines` lines of `columns` tiles at most each -> uint8 BGR.

    `legend` is a smaller line below the title. A group without examples is its name alone, so a picture can also say in
    words that there is nothing to see; one whose name is "" has no heading.
    """
    head = np.full((52 if legend else 34, columns * (tile + GUTTER) + GUTTER, 3), GROUND, np.uint8)
    width = head.shape[1] - 2 * GUTTER
    text(head, title, left=GUTTER + 2, base=23, width=width, size=11)
    text(head, legend, left=GUTTER + 2, base=42, width=width, size=8, colour=DIM)
    parts = [head]
    for name, examples in rows.items():
        if name:
            heading = np.full((26, head.shape[1], 3), GROUND, np.uint8)
            text(heading, name, left=GUTTER + 2, base=17, width=width, size=9)
            parts.append(heading)
        for start in range(0, min(len(examples), lines * columns), columns):
            parts.append(_tiles(examples[start : start + columns], tile, head.shape[1]))
    return np.concatenate(parts)


def _tiles(examples: Sequence[tuple[np.ndarray, str]], tile: int, width: int) -> np.ndarray:
    """One line of crops with their captions."""
    most = max(caption.count("\n") + 1 for _, caption in examples)
    line = np.full((tile + 12 * most + GUTTER + 4, width, 3), GROUND, np.uint8)
    for k, (crop, caption) in enumerate(examples):
        left = GUTTER + k * (tile + GUTTER)
        line[:tile, left : left + tile] = fit(crop, width=tile, height=tile)
        for n, words in enumerate(caption.split("\n")):
            colour = DIM if n else TEXT
            text(line, words, left=left, base=tile + 11 + 12 * n, width=tile, size=8, colour=colour)
    return line


def strip(
    rows: Mapping[str, Sequence[np.ndarray]], *, captions: Sequence[str], height: int = 240, footer: str = ""
) -> np.ndarray:
    """Rows of equally many pictures one above the other, for example before and after -> uint8 BGR.

    The row's name stands at its left, `captions` (one a column) above, `footer` below all.
    """
    side, head = 116, 26
    columns = []
    for k, caption in enumerate(captions):
        pictures = [row[k] for row in rows.values()]
        width = round(height * pictures[0].shape[1] / pictures[0].shape[0])
        column = np.full((head + len(pictures) * (height + GUTTER), width + GUTTER, 3), GROUND, np.uint8)
        text(column, caption, left=2, base=18, width=width, size=9, colour=DIM)
        for n, picture in enumerate(pictures):
            top = head + n * (height + GUTTER)
            column[top : top + height, :width] = fit(picture, width=width, height=height)
        columns.append(column)
    names = np.full((columns[0].shape[0], side, 3), GROUND, np.uint8)
    for n, name in enumerate(rows):
        text(names, name, left=8, base=head + n * (height + GUTTER) + height // 2, width=side - 14, size=9)
    whole = np.concatenate([names, *columns], axis=1)
    if not footer:
        return whole
    line = np.full((24, whole.shape[1], 3), GROUND, np.uint8)
    text(line, footer, left=8, base=15, width=line.shape[1] - 16, size=9, colour=DIM)
    return np.concatenate([whole, line])


def coverage_picture(table: DatasetTable, scores: ScoreTable, *, title: str) -> bytes:
    """PNG of what a dataset holds: a map of yaw and pitch with the number of faces in each cell, sharpness, size."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    cells = np.array(coverage(table)["faces"]).T
    figure = Figure(figsize=(11, 4.2), dpi=100, layout="constrained", facecolor="white")
    canvas = FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=11)
    grid = figure.add_gridspec(1, 3, width_ratios=(2.2, 1, 1))
    axes = figure.add_subplot(grid[0])
    shown = np.ma.masked_equal(cells, 0)
    axes.pcolormesh(YAW_EDGES, PITCH_EDGES, np.log1p(shown), cmap="YlGnBu", vmin=0, edgecolors="white", linewidth=1)
    for (row, column), count in np.ndenumerate(cells):
        if count:
            dark = np.log1p(count) > 0.6 * np.log1p(cells.max())
            x, y = (YAW_EDGES[column] + YAW_EDGES[column + 1]) / 2, (PITCH_EDGES[row] + PITCH_EDGES[row + 1]) / 2
            axes.text(x, y, str(count), ha="center", va="center", fontsize=8, color="white" if dark else "black")
    axes.set(
        xlabel="yaw, degrees (right is the image's right)", ylabel="pitch, degrees (up is up)", facecolor="#eeeeee"
    )
    axes.set_xticks(YAW_EDGES[::2])
    for place, (name, values) in enumerate((("sharpness", scores.sharpness), ("size, pixels", scores.size)), 1):
        axes = figure.add_subplot(grid[place])
        axes.hist(values, bins=24, color="#3b7ea1")
        axes.set(xlabel=name, ylabel="faces" if place == 1 else "")
    data = io.BytesIO()
    canvas.print_png(data, metadata={"Software": None})  # into memory
    return data.getvalue()
