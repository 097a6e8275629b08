"""The true swap: the target's head with the source's inner face, as an actor that plays any performance.

All heads share one grid, so a swap is a blend of two of them, vertex by vertex: the source's shape, skin, eyes and
mouth inside, the target's outline, hair, ears, neck and skin tone outside.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from swapcore.studio.actor import Actor, put_together
from swapcore.studio.features import Rig
from swapcore.studio.identity import Identity
from swapcore.studio.labels import Part
from swapcore.studio.mesh import smooth
from swapcore.studio.rings import EYE_ROW, RING, breadth, front_column
from swapcore.studio.texture import SIZE, paint_skin

_SCALED = (  # measures of the inner face, taken from the source and scaled to the target's head
    "eye_x",
    "eye_width",
    "lid_upper",
    "lid_lower",
    "lid_crease",
    "mouth_width",
    "lip_upper",
    "lip_lower",
    "nose_width",
    "bridge_width",
    "brow_y",
    "brow_arch",
    "brow_tilt",
    "brow_inner",
    "brow_outer",
    "brow_thickness",
)
_TAKEN = ("eye_tilt", "lid_hood", "lip_bow", "iris_rgb", "lip_tint", "lipstick", "masculine")  # as they are


def swap_actor(source: Actor, target: Actor, *, forehead: bool = True) -> Actor:
    """The target with the source's face: what a perfect swap would show.

    With `forehead=False` the target keeps its own forehead, with its wrinkles.
    """
    scale = float(np.clip(target.rig.chin_y / source.rig.chin_y, 0.92, 1.08))
    skin_share, shape_share = _shares(target.rest, forehead=forehead)
    inner = _fit_depth(source.rest * scale, target.rest, shape_share)
    rest = target.rest * (1 - shape_share[..., None]) + inner * shape_share[..., None]
    who, rig = _mixed(source, target, scale, forehead=forehead)
    column = front_column(rest, EYE_ROW, who.eye_x)
    moved = rest[EYE_ROW, column, 2] - source.rest[EYE_ROW, column, 2] * scale
    rig = replace(rig, eye_z=rig.eye_z + moved)
    skin, labels = _skin(source, target, skin_share)
    swapped = put_together(who, rig, rest, skin, labels, target.hair, target.ear_position, target.glasses)
    return replace(swapped, ear=target.ear, occlusion=_occlusion(swapped, target, shape_share))


def _shares(rest: np.ndarray, *, forehead: bool) -> tuple[np.ndarray, np.ndarray]:
    """How much of the source there is (ROWS, COLUMNS) 0..1: in the skin, and (softer) in the shape."""
    row, side, front = RING[:, None], breadth(rest), rest[..., 2] > 0
    skin_top = smooth(row, 3.0, 3.9) if forehead else smooth(row, 3.9, 4.6)
    shape_top = smooth(row, 2.4, 4.6) if forehead else smooth(row, 3.4, 4.9)
    skin = skin_top * smooth(row, 12.0, 10.2) * smooth(side, 0.95, 0.74) * front
    shape = shape_top * smooth(row, 12.2, 10.0) * smooth(side, 0.99, 0.66) * front
    return skin, shape


def _fit_depth(inner: np.ndarray, outer: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The inner face moved in depth to meet the outer one where they blend: offset, tilt and bulge, least squares."""
    band = (share > 0.02) & (share < 0.6)
    side = breadth(outer)
    terms = np.stack([np.ones_like(side), inner[..., 1] / 50, side**2], -1)
    fit = np.linalg.lstsq(terms[band], (outer[..., 2] - inner[..., 2])[band], rcond=None)[0]
    return inner + (terms @ fit)[..., None] * [0, 0, 1]


def _mixed(source: Actor, target: Actor, scale: float, *, forehead: bool) -> tuple[Identity, Rig]:
    ours = {name: getattr(source.identity, name) * scale for name in _SCALED}
    ours |= {name: getattr(source.identity, name) for name in _TAKEN}
    if forehead:
        ours["wrinkles"] = source.identity.wrinkles
    rig = Rig(
        mouth_y=source.rig.mouth_y * scale,
        nose_y=source.rig.nose_y * scale,
        chin_y=target.rig.chin_y,
        eye_z=source.rig.eye_z * scale,
        ball=tuple(scale * radius for radius in source.rig.ball),
    )
    return replace(target.identity, **ours), rig


def _skin(source: Actor, target: Actor, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The source's face painted in the target's tone, on the target's skin; hair stays."""
    painted, painted_labels = paint_skin(source.identity, source.rig, source.rest, target.identity.tone)
    share = cv2.resize(share.astype(np.float32), (SIZE, SIZE))
    share = np.where(target.labels == Part.HAIR, np.float32(0), share)
    skin = target.skin * (1 - share[..., None]) + painted * share[..., None]
    return np.ascontiguousarray(skin, np.float32), np.where(share > 0.5, painted_labels, target.labels)


def _occlusion(swapped: Actor, target: Actor, share: np.ndarray) -> np.ndarray:
    """The target's own ambient occlusion wherever nothing changed."""
    occlusion = swapped.occlusion.copy()
    for name, piece in swapped.topology.pieces.items():
        theirs = target.topology.pieces[name]
        if name.startswith(("hair", "ear", "glasses")):
            occlusion[piece] = target.occlusion[theirs]
    head = swapped.topology.pieces["head"]
    weight = smooth(share, 0.0, 0.1).ravel()
    occlusion[head] = target.occlusion[head] * (1 - weight) + occlusion[head] * weight
    return occlusion
