"""An actor: a head with everything on it, ready to be posed. Built once (about a second), then only read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from swapcore.studio import hair as hairdresser
from swapcore.studio import props
from swapcore.studio.features import Rig, rest_head
from swapcore.studio.hair import Hair
from swapcore.studio.identity import Identity
from swapcore.studio.labels import Part, Surface
from swapcore.studio.landmarks import Anchors, find_anchors
from swapcore.studio.performance import Frame
from swapcore.studio.pose import EYE_GRID, TEETH, TONGUE, place
from swapcore.studio.raster import openness
from swapcore.studio.rings import COLUMNS, EYE_ROW, MOUTH_ROW, ROWS
from swapcore.studio.texture import paint_skin
from swapcore.studio.topology import Piece, Topology, assemble

_SKY = 40  # directions of the ambient occlusion


@dataclass(frozen=True, eq=False)
class Actor:
    """A head with everything on it, in millimetres in its own space."""

    identity: Identity
    rig: Rig
    rest: np.ndarray  # (ROWS, COLUMNS, 3), eyes and mouth closed
    skin: np.ndarray  # (640, 640, 8) float32, see texture.paint_skin
    labels: np.ndarray  # (640, 640) uint8 of Part
    hair: Hair
    ear: np.ndarray  # grid of the ear on the image's right
    ear_position: np.ndarray  # (3,)
    glasses: tuple[np.ndarray, ...]  # grids; empty without
    lid_columns: tuple[np.ndarray, np.ndarray]  # of the eyes at x > 0 and x < 0
    mouth_columns: np.ndarray
    anchors: Anchors
    topology: Topology
    occlusion: np.ndarray  # (vertices,) float32, how open each is to the sky


def build(who: Identity) -> Actor:
    """The actor of an identity."""
    rest, rig = rest_head(who)
    skin, labels = paint_skin(who, rig, rest, who.tone)
    hair = hairdresser.grow(rest, who)
    skin, labels = hairdresser.stain_scalp(skin, labels, hair, who)
    glasses = props.glasses(rest, who) if who.glasses else ()
    return put_together(who, rig, rest, skin, labels, hair, props.ear_position(rest), glasses)


def put_together(
    who: Identity,
    rig: Rig,
    rest: np.ndarray,
    skin: np.ndarray,
    labels: np.ndarray,
    hair: Hair,
    ear_position: np.ndarray,
    glasses: tuple[np.ndarray, ...],
) -> Actor:
    """An actor of given parts: adds the triangles, the landmarks' anchors and the ambient occlusion."""
    x = rest[EYE_ROW, :, 0]
    front = rest[EYE_ROW, :, 2] > 0
    lids = tuple(np.where((np.abs(s * x - who.eye_x) < who.eye_width * 1.02) & front)[0] for s in (1, -1))
    mouth = np.where((np.abs(rest[MOUTH_ROW, :, 0]) < who.mouth_width * 1.03) & (rest[MOUTH_ROW, :, 2] > 0))[0]
    ear = props.ear(who)
    topology = assemble(_pieces(lids, mouth, ear, hair, glasses, hangs=bool(who.hair.drop)))
    actor = Actor(
        identity=who,
        rig=rig,
        rest=rest,
        skin=skin,
        labels=labels,
        hair=hair,
        ear=ear,
        ear_position=ear_position,
        glasses=glasses,
        lid_columns=lids,
        mouth_columns=mouth,
        anchors=find_anchors(rest, who, rig),
        topology=topology,
        occlusion=np.ones(len(topology), np.float32),
    )
    posed = place(actor, Frame())
    occlusion = openness(posed.points, posed.normals, topology, hair.alpha, directions=_SKY)
    head = topology.pieces["head"]
    occlusion[head] = cv2.GaussianBlur(occlusion[head].reshape(ROWS, COLUMNS), (0, 0), 0.8).ravel()
    return replace(actor, occlusion=occlusion)


def _pieces(
    lids: Sequence[np.ndarray],
    mouth: np.ndarray,
    ear: np.ndarray,
    hair: Hair,
    glasses: tuple[np.ndarray, ...],
    *,
    hangs: bool,
) -> list[Piece]:
    plain = Surface.PLAIN
    pieces = [Piece("head", ROWS, COLUMNS, Surface.SKIN, Part.SKIN, one_sided=True, slits=(EYE_ROW, MOUTH_ROW))]
    for name, part, columns in (("eye_left", Part.EYE_LEFT, lids[0]), ("eye_right", Part.EYE_RIGHT, lids[1])):
        pieces += [
            Piece(name, EYE_GRID, EYE_GRID, Surface.EYE, part),
            Piece(f"{name}_lash", 2, len(columns), plain, Part.SKIN),
            Piece(f"{name}_rim", 5, len(columns), plain, Part.SKIN),
        ]
    pieces.append(Piece("mouth", 8, len(mouth), plain, Part.MOUTH))
    pieces += [Piece(name, 4, TEETH, plain, Part.MOUTH) for name in ("teeth_upper", "teeth_lower")]
    pieces.append(Piece("tongue", *TONGUE, plain, Part.MOUTH))
    pieces += [Piece(name, *ear.shape[:2], plain, Part.EAR) for name in ("ear_left", "ear_right")]
    rows, columns = hair.shells.shape[1:3]
    pieces += [
        Piece(f"hair_{layer}", rows, columns, Surface.HAIR, Part.HAIR, layer=layer, one_sided=not hangs)
        for layer in range(len(hair.shells))
    ]
    return pieces + [Piece(f"glasses_{k}", *g.shape[:2], plain, Part.GLASSES) for k, g in enumerate(glasses)]
