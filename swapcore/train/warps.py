"""Samples out of cached faces: each is turned, shifted, flipped and lit a little differently, and the model's input is bent
besides, so that a person's decoder learns to straighten whatever the encoder saw into that person.

All of it is drawn where the model trains, from a seed alone: the same seed gives the same samples in any process, so a
resumed training sees what an uninterrupted one would have seen. Input and truth are each taken by one bilinear sampling of
the cached face, so nothing is blurred twice. The amounts are those of the classic programs of the family.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np

from swapcore.models.backend import keras, normal, rows_of_each, split, uniform

ROTATION = math.radians(10)  # largest, either way
ZOOM = 0.05  # largest change of size
SHIFT = 0.05  # largest, share of the side
CHANNEL = 0.08  # largest change of one colour channel
LIGHT = 0.15  # largest change of all three
GRID = 5  # control points of the bending, each way
BEND = 5 / 256  # standard deviation of a control point's shift, share of the side

# How far a truth can look, in half sides from the centre: the corner of the most turned, zoomed and shifted one.
REACH = (math.cos(ROTATION) + math.sin(ROTATION)) * (1 + ZOOM) + 2 * SHIFT


def samples(
    images: Any, *, resolution: int, view: float, warp: Any, seed: Any, bends: Any = None
) -> tuple[Any, Any, Any]:
    """Input, truth and maps from cached faces.

    images: (n, s, s, 6) uint8, see batches.Cached; what the model sees of an undisturbed face is their central share `view`.
    warp: strength of the random bending, float32 scalar, 1 the classic. seed: (2,) int32. bends: what the input is bent by
    besides, see nearest.bends. Returns three float32 (n, r, r, 3) of 0..1;
    the maps are mask, eyes and mouth.
    """
    ops = keras().ops
    count, side = ops.shape(images)[0], ops.cast(ops.shape(images)[1], "float32")
    for_place, for_bend, for_light = split(seed, 3)
    line = (np.arange(resolution, dtype=np.float32) + 0.5) * (2 / resolution) - 1  # pixel centres, the picture is -1..1
    straight = ops.broadcast_to(np.stack(np.meshgrid(line, line), -1)[None], (count, resolution, resolution, 2))
    bent = straight + bending(count, resolution=resolution, warp=warp, seed=for_bend)
    matrix, shift = placement(count, seed=for_place)

    values = ops.cast(images, "float32") / 255

    def placed(xy: Any) -> Any:
        return ops.einsum("nhwi,nij->nhwj", xy, matrix) + shift[:, None, None]

    def look(pictures: Any, xy: Any) -> Any:
        return sample(pictures, xy * (view * side / 2) + (side - 1) / 2)

    gain = lighting(count, seed=for_light)
    face, seen = look(values, placed(straight)), placed(bent)
    if bends is not None:
        seen += sample(bends, (seen * view + 1) * ((bends.shape[1] - 1) / 2))
    truth = ops.clip(face[..., :3] * gain, 0.0, 1.0)
    return ops.clip(look(values[..., :3], seen) * gain, 0.0, 1.0), truth, face[..., 3:]


def placement(count: Any, *, seed: Any) -> tuple[Any, Any]:
    """Random similarities, half of them flipped: matrices (n, 2, 2) for row vectors, and shifts (n, 2) in half sides."""
    ops = keras().ops
    angle, zoom, x, y, flip = ops.unstack(uniform((count, 5), seed, -1, 1), axis=1)
    angle, zoom, flip = angle * ROTATION, 1 + zoom * ZOOM, ops.where(flip < 0, -1.0, 1.0)
    cos, sin = zoom * ops.cos(angle), zoom * ops.sin(angle)
    matrix = ops.stack([ops.stack([cos * flip, sin], 1), ops.stack([-sin * flip, cos], 1)], 1)
    return matrix, 2 * SHIFT * ops.stack([x, y], 1)


def bending(count: Any, *, resolution: int, warp: Any, seed: Any) -> Any:
    """Smooth random shifts (n, r, r, 2) in half sides: normal at GRID x GRID points, cubic between them."""
    points = normal((count, GRID, GRID, 2), seed) * (2 * BEND * warp)
    between = cv2.resize(np.eye(GRID, dtype=np.float32), (GRID, resolution), interpolation=cv2.INTER_CUBIC)
    return keras().ops.einsum("hi,nijc,wj->nhwc", between, points, between)


def lighting(count: Any, *, seed: Any) -> Any:
    """Random gains of the colour channels, (n, 1, 1, 3)."""
    draw = uniform((count, 1, 1, 4), seed, -1, 1)
    return 1 + CHANNEL * draw[..., :3] + LIGHT * draw[..., 3:]


def sample(images: Any, xy: Any) -> Any:
    """Bilinear values (n, h, w, c) of images (n, s, s, c) at pixel positions xy (n, h, w, 2); edges repeat."""
    ops = keras().ops
    count, side = ops.shape(images)[0], ops.shape(images)[1]
    xy = ops.clip(xy, 0.0, ops.cast(side - 1, "float32"))
    corner = ops.minimum(ops.floor(xy), ops.cast(side - 2, "float32"))
    right, down = ops.split(xy - corner, 2, axis=-1)
    corner = ops.cast(corner, "int32")
    index = corner[..., 1] * side + corner[..., 0]
    pixels = ops.reshape(images, (count, -1, images.shape[3]))

    def at(offset: Any) -> Any:
        return rows_of_each(pixels, index + offset)

    above = at(0) + (at(1) - at(0)) * right
    below = at(side) + (at(side + 1) - at(side)) * right
    return above + (below - above) * down
