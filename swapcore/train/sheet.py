"""The preview sheet: what a model makes of faces of both people, and which held-out faces it rebuilds worst."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from swapcore.train import batches, monitor

COLUMNS = ("{source}", "rebuilt", "{source} as {target}", "{target}", "rebuilt", "{target} as {source}")
# of what Trainer.show gives: source, rebuilt, target, rebuilt, target as source, source as target
ORDER = [0, 1, 5, 2, 3, 4]
WORST = "held-out faces that are rebuilt worst, the worst first"
FACE, GAP, HEAD = 144, 6, 34  # pixels
ROWS, WORST_ROWS = 6, 3
OUTLINE = (90, 220, 250)  # BGR, of the mask


def sheet(
    machine: Any,
    people: tuple[batches.Faces, batches.Faces],
    caches: tuple[batches.Cached, batches.Cached],
    shape: batches.Geometry,
    *,
    resolution: int,
    held_out: tuple[np.ndarray, np.ndarray] | None,
) -> np.ndarray:
    """The preview sheet of a trainer, a picture (h, w, 3) uint8 BGR.

    people: source and target, whose faces are caches. held_out: rows of each that do not train; where there are any, those of
    each that are rebuilt worst come last.
    """
    rows = [batches.spread(person.table.yaw, ROWS) for person in people]
    if held_out is not None:
        for place, kept in enumerate(held_out):
            faces, inside = looks(caches[place].faces[kept], shape, resolution=resolution)
            worst = np.argsort(-errors(machine.show(faces, faces)[:, 1 + 2 * place], faces, inside), kind="stable")
            rows[place] = np.concatenate([rows[place], kept[worst[:WORST_ROWS]]])
    (source, its), (target, own) = (
        looks(cache.faces[row], shape, resolution=resolution) for cache, row in zip(caches, rows, strict=True)
    )
    names = {"source": people[0].person, "target": people[1].person}
    return preview(machine.show(source, target), np.stack([its, own], axis=1), **names, rows=ROWS)


def looks(cached: np.ndarray, shape: batches.Geometry, *, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """Cached faces as the model sees them, (n, r, r, 3) float32 BGR 0..1, and their masks (n, r, r) bool."""
    masks = np.repeat(cached[..., 3:4], 3, axis=-1)
    inside = batches.views(masks, shape, resolution=resolution)[..., 0] > 0.5
    return batches.views(cached, shape, resolution=resolution), inside


def errors(rebuilt: np.ndarray, faces: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The mean absolute error inside the masks of each of n faces, (n,) float."""
    off = np.abs(rebuilt - faces).mean(-1) * inside
    return off.sum((1, 2)) / np.maximum(inside.sum((1, 2)), 1)


def preview(faces_bgr: np.ndarray, masks: np.ndarray, *, source: str, target: str, rows: int) -> np.ndarray:
    """The sheet as a picture (h, w, 3) uint8 BGR.

    faces_bgr: (n, 6, r, r, 3) float 0..1 as `Trainer.show` gives them; masks: (n, 2, r, r) bool, where the loss looks in a
    source's and a target's face, drawn as outlines; source and target are the people's names. The first `rows` are of all
    faces, what follows are held-out ones that are rebuilt worst.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count, columns = faces_bgr.shape[:2]
    wide = 2 * GAP  # between the people
    left = [GAP + c * (FACE + GAP) + c // 3 * wide for c in range(columns)]
    top = [HEAD + r * (FACE + GAP) + (HEAD if r >= rows else 0) for r in range(count)]
    width, height = left[-1] + FACE + GAP, top[-1] + FACE + GAP
    page = np.full((height, width, 3), 255, np.uint8)
    for row in range(count):
        for column, place in enumerate(ORDER):
            face = cv2.resize(faces_bgr[row, place].astype(np.float32), (FACE, FACE), interpolation=cv2.INTER_CUBIC)
            tile = np.rint(np.clip(face, 0, 1) * 255).astype(np.uint8)
            if column % 3 == 0:
                _outline(tile, masks[row, column // 3])
            page[top[row] : top[row] + FACE, left[column] : left[column] + FACE] = tile
    figure = Figure(figsize=(width / monitor.DPI, height / monitor.DPI), dpi=monitor.DPI)
    canvas = FigureCanvasAgg(figure)
    figure.figimage(page[..., ::-1])
    for column, text in enumerate(COLUMNS):
        middle = (left[column] + FACE / 2) / width
        text = text.format(source=source, target=target)
        size = min(10.5, 1.5 * FACE / len(text))  # long names shrink instead of running into their neighbours
        weight = "bold" if column == columns - 1 else "normal"
        figure.text(middle, 1 - HEAD / 2 / height, text, ha="center", va="center", fontsize=size, weight=weight)
    if count > rows:
        middle = (top[rows] - HEAD / 2) / height
        figure.text(GAP / width, 1 - middle, WORST, ha="left", va="center", fontsize=10.5)
    return monitor.picture(canvas)


def _outline(tile: np.ndarray, inside: np.ndarray) -> None:
    """Draw the edge of a mask on a tile (FACE, FACE, 3)."""
    large = cv2.resize(inside.astype(np.float32), tile.shape[1::-1], interpolation=cv2.INTER_LINEAR) > 0.5
    lines, _ = cv2.findContours(large.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(tile, lines, -1, OUTLINE, 1, cv2.LINE_AA)
