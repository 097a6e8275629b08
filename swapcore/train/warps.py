"""Samples out of cached faces: each is turned, shifted, flipped and lit a little differently, and the model's input is bent
besides, so that a person's decoder learns to straighten whatever the encoder saw into that person.

All of it is drawn in the TensorFlow graph, from a seed alone: the same seed gives the same samples in any process, so a
resumed training sees what an uninterrupted one would have seen. Input and truth are each taken by one bilinear sampling of
the cached face, so nothing is blurred twice. The amounts are those of the classic programs of the family.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np

from swapcore.models.backend import tensorflow

ROTATION = math.radians(10)  # largest, either way
ZOOM = 0.05  # largest change of size
SHIFT = 0.05  # largest, share of the side
CHANNEL = 0.08  # largest change of one colour channel
LIGHT = 0.15  # largest change of all three
GRID = 5  # control points of the bending, each way
BEND = 5 / 256  # standard deviation of a control point's shift, share of the side

# How far a truth can look, in half sides from the centre: the corner of the most turned, zoomed and shifted one.
REACH = (math.cos(ROTATION) + math.sin(ROTATION)) * (1 + ZOOM) + 2 * SHIFT


def samples(images: Any, *, resolution: int, view: float, warp: Any, seed: Any) -> tuple[Any, Any, Any]:
    """Input, truth and mask from cached faces.

    images: (n, s, s, 4) uint8, BGR and the mask; what the model sees of an undisturbed face is their central share `view`.
    warp: strength of the bending, float32 scalar, 1 the classic. seed: (2,) int32. Returns float32 (n, r, r, 3),
    (n, r, r, 3) and (n, r, r, 1), all 0..1.
    """
    tf = tensorflow()
    count, side = tf.shape(images)[0], tf.cast(tf.shape(images)[1], tf.float32)
    for_place, for_bend, for_light = tf.unstack(tf.random.split(seed, 3))
    line = (tf.range(resolution, dtype=tf.float32) + 0.5) * (2 / resolution) - 1  # pixel centres, the picture is -1..1
    straight = tf.tile(tf.stack(tf.meshgrid(line, line), -1)[None], [count, 1, 1, 1])
    bent = straight + bending(count, resolution=resolution, warp=warp, seed=for_bend)
    matrix, shift = placement(count, seed=for_place)

    values = tf.cast(images, tf.float32) / 255

    def look(xy: Any) -> Any:
        placed = tf.einsum("nhwi,nij->nhwj", xy, matrix) + shift[:, None, None]
        return sample(values, placed * (view * side / 2) + (side - 1) / 2)

    gain = lighting(count, seed=for_light)
    face = look(straight)
    truth = tf.clip_by_value(face[..., :3] * gain, 0.0, 1.0)
    return tf.clip_by_value(look(bent)[..., :3] * gain, 0.0, 1.0), truth, face[..., 3:]


def placement(count: Any, *, seed: Any) -> tuple[Any, Any]:
    """Random similarities, half of them flipped: matrices (n, 2, 2) for row vectors, and shifts (n, 2) in half sides."""
    tf = tensorflow()
    angle, zoom, x, y, flip = tf.unstack(tf.random.stateless_uniform((count, 5), seed, -1, 1), axis=1)
    angle, zoom, flip = angle * ROTATION, 1 + zoom * ZOOM, tf.where(flip < 0, -1.0, 1.0)
    cos, sin = zoom * tf.cos(angle), zoom * tf.sin(angle)
    matrix = tf.stack([tf.stack([cos * flip, sin], 1), tf.stack([-sin * flip, cos], 1)], 1)
    return matrix, 2 * SHIFT * tf.stack([x, y], 1)


def bending(count: Any, *, resolution: int, warp: Any, seed: Any) -> Any:
    """Smooth random shifts (n, r, r, 2) in half sides: normal at GRID x GRID points, cubic between them."""
    tf = tensorflow()
    points = tf.random.stateless_normal((count, GRID, GRID, 2), seed) * (2 * BEND * warp)
    between = cv2.resize(np.eye(GRID, dtype=np.float32), (GRID, resolution), interpolation=cv2.INTER_CUBIC)
    return tf.einsum("hi,nijc,wj->nhwc", between, points, between)


def lighting(count: Any, *, seed: Any) -> Any:
    """Random gains of the colour channels, (n, 1, 1, 3)."""
    tf = tensorflow()
    draw = tf.random.stateless_uniform((count, 1, 1, 4), seed, -1, 1)
    return 1 + CHANNEL * draw[..., :3] + LIGHT * draw[..., 3:]


def sample(images: Any, xy: Any) -> Any:
    """Bilinear values (n, h, w, c) of images (n, s, s, c) at pixel positions xy (n, h, w, 2); edges repeat."""
    tf = tensorflow()
    count, side = tf.shape(images)[0], tf.shape(images)[1]
    xy = tf.clip_by_value(xy, 0.0, tf.cast(side - 1, tf.float32))
    corner = tf.minimum(tf.floor(xy), tf.cast(side - 2, tf.float32))
    right, down = tf.split(xy - corner, 2, axis=-1)
    corner = tf.cast(corner, tf.int32)
    index = (tf.range(count)[:, None, None] * side + corner[..., 1]) * side + corner[..., 0]
    pixels = tf.reshape(images, (-1, images.shape[3]))

    def at(offset: Any) -> Any:
        return tf.gather(pixels, index + offset)

    above = at(0) + (at(1) - at(0)) * right
    below = at(side) + (at(side + 1) - at(side)) * right
    return above + (below - above) * down
