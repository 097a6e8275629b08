"""Where every vertex of an actor is in a frame: expression in the head's space, then the head's turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from swapcore.studio import props, tones
from swapcore.studio.expression import JAW_ANGLE, express, turn_jaw
from swapcore.studio.features import lid_heights
from swapcore.studio.mesh import grid_normals, rotation, smooth
from swapcore.studio.performance import Frame
from swapcore.studio.rings import COLUMNS, EYE_ROW, MIDDLE, MOUTH_ROW, RING, head_normals

if TYPE_CHECKING:
    from swapcore.studio.actor import Actor

EYE_GRID = 25  # rows and columns of an eyeball
TEETH = 33  # columns of a row of teeth
TONGUE = (8, 17)  # rows from its tip, and columns
_PIVOT = np.array([0, -75, -30.0])  # the head turns about this point of the neck, mm
_HAIR_CENTRE = np.array([0, -20, -12.0])
_angles = np.meshgrid(np.linspace(-1.35, 1.35, EYE_GRID), np.linspace(-1.35, 1.35, EYE_GRID))
_BALL = np.stack(
    [np.sin(_angles[0]) * np.cos(_angles[1]), np.sin(_angles[1]), np.cos(_angles[0]) * np.cos(_angles[1])], -1
)


@dataclass(frozen=True, eq=False)
class Posed:
    """Vertices of an actor in a frame."""

    points: np.ndarray  # (n, 3) mm
    normals: np.ndarray  # (n, 3) unit
    colours: np.ndarray  # (n, 3) linear RGB; of eyeballs the direction from their centre, of hair that of the strands
    occlusion: np.ndarray  # (n,) float32


class _Vertices:
    """Vertices in the making, piece by piece."""

    def __init__(self, actor: Actor):
        count = len(actor.topology)
        self.pieces = actor.topology.pieces
        self.points = np.empty((count, 3))
        self.normals = np.zeros((count, 3))
        self.colours = np.zeros((count, 3))
        self.occlusion = actor.occlusion.copy()

    def put(
        self, name: str, grid: np.ndarray, normals: np.ndarray, colours: np.ndarray, occlusion: np.ndarray | None = None
    ) -> None:
        """Fill in a piece; everything but the grid may be broadcast to it."""
        at = self.pieces[name]
        self.points[at] = grid.reshape(-1, 3)
        self.normals[at] = np.broadcast_to(normals, grid.shape).reshape(-1, 3)
        self.colours[at] = np.broadcast_to(colours, grid.shape).reshape(-1, 3)
        if occlusion is not None:
            self.occlusion[at] = np.broadcast_to(occlusion, grid.shape[:2]).ravel()


def place(actor: Actor, frame: Frame) -> Posed:
    """The actor with the frame's expression, looking straight ahead, in the head's space."""
    head = express(actor.rest, actor.identity, actor.rig, frame)
    vertices = _Vertices(actor)
    vertices.put("head", head, head_normals(head), np.zeros(3))
    for side, name, columns in ((1, "eye_left", actor.lid_columns[0]), (-1, "eye_right", actor.lid_columns[1])):
        _eye(vertices, actor, frame, head, side, name, columns)
    _mouth(vertices, actor, head)
    _teeth(vertices, actor, frame)
    _tongue(vertices, actor, frame)
    _ears_hair_glasses(vertices, actor)
    return Posed(vertices.points, vertices.normals, vertices.colours, vertices.occlusion)


def pose(actor: Actor, frame: Frame) -> Posed:
    """The actor in the camera's space: the head turned, neck and shoulders following a little."""
    placed = place(actor, frame)
    pieces = actor.topology.pieces
    head_turn = rotation(frame.yaw, frame.pitch, frame.roll)
    body_turn = rotation(frame.yaw * 0.25, frame.pitch * 0.1, frame.roll * 0.1)
    share = np.ones(len(placed.points))
    share[pieces["head"]] = np.repeat(smooth(RING, 17.2, 12.8), COLUMNS)
    colours = placed.colours.copy()
    for layer in range(len(actor.hair.shells)):
        at = pieces[f"hair_{layer}"]
        colours[at] = colours[at] @ head_turn.T
        if actor.identity.hair.drop:
            share[at] = smooth(placed.points[at, 1], -230, -60) * 0.75 + 0.25
    share = share[:, None]
    off = placed.points - _PIVOT
    points = share * (off @ head_turn.T) + (1 - share) * (off @ body_turn.T) + _PIVOT
    normals = share * (placed.normals @ head_turn.T) + (1 - share) * (placed.normals @ body_turn.T)
    return replace(placed, points=points, normals=normals, colours=colours)


def _eye(
    vertices: _Vertices, actor: Actor, frame: Frame, head: np.ndarray, side: int, name: str, columns: np.ndarray
) -> None:
    """Eyeball, lashes, and the lower lid's wet rim with a pocket behind the ball."""
    who, rig = actor.identity, actor.rig
    ball = np.array([side * who.eye_x, 0, rig.eye_z]) + _BALL * rig.ball
    normals = _BALL / np.array(rig.ball)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    upper, lower, t = lid_heights(ball[..., 0], who, blink=frame.blink, gaze_y=frame.gaze[1])
    open_above, open_below = smooth(upper - ball[..., 1], -0.5, 5.5), smooth(ball[..., 1] - lower, -0.5, 2.5)
    shade = 0.30 + 0.70 * open_above * (0.6 + 0.4 * open_below) * smooth(np.abs(t), 1.15, 0.6)
    vertices.put(name, ball, normals, _BALL, shade)
    margin = head[EYE_ROW, columns]
    t = np.clip((np.abs(margin[:, 0]) - who.eye_x) / who.eye_width, -1, 1)
    length = (1.2 + 2.0 * (t > -0.7) * smooth(t, -0.8, 0.7)) * (0.75 if who.masculine else 1.25)
    tips = margin + np.stack([side * length * 0.35 * t, length * (0.55 - frame.blink), length * 0.9], -1)
    vertices.put(f"{name}_lash", np.stack([margin + [0, 0, 0.25], tips]), [0, 0, 1.0], tones.LASH * 1.2)
    rim = head[EYE_ROW + 1, columns]
    pocket = [rim, rim + [0, 0.7, -2.6], rim + [0, 0.7, -14], margin + [0, 0, -14], margin + [0, 0, -0.8]]
    dark = np.array([0.8, 0.8, 0.3, 0.3, 0.3])[:, None]
    vertices.put(f"{name}_rim", np.stack(pocket), [0, 0.6, 0.8], who.tone * [0.9, 0.55, 0.5], dark)


def _mouth(vertices: _Vertices, actor: Actor, head: np.ndarray) -> None:
    """The bag behind the lips."""
    columns, lips = actor.mouth_columns, actor.identity.lip_rgb
    upper, lower = head[MOUTH_ROW, columns], head[MOUTH_ROW + 1, columns]
    x = actor.rest[MOUTH_ROW, columns, 0] / (actor.identity.mouth_width * 1.03)
    middle = np.sqrt(np.clip(1 - x**2, 0, 1))[:, None]
    down = [[0, 0, 0], [0, 1.2, -2.5], [0, 4, -7], [0, 3, -34]]
    up = [[0, -5, -34], [0, -4, -7], [0, -1.2, -2.5], [0, 0, 0]]
    bag = np.stack([upper + middle * step for step in down] + [lower + middle * step for step in up])
    palate, throat = tones.linear(170, 84, 80), tones.linear(112, 44, 42)
    floor, gum = tones.linear(150, 72, 70), tones.linear(170, 84, 82)
    colours = np.stack([lips, lips * 0.8, palate, throat, floor, gum, lips * 0.9, lips])[:, None]
    dark = np.array([1, 0.8, 0.6, 0.3, 0.5, 0.75, 0.85, 1])[:, None]
    vertices.put("mouth", bag, grid_normals(bag), colours, dark)


def _teeth(vertices: _Vertices, actor: Actor, frame: Frame) -> None:
    """Two rows of teeth with gums; the lower one moves with the jaw."""
    mouth_y = actor.rig.mouth_y
    t = np.linspace(-1, 1, TEETH)
    gap = (0.62 + 0.38 * np.abs(np.sin(t * np.pi * 5)) ** 0.35)[:, None]
    gums = [tones.linear(190, 100, 100) + 0 * gap, tones.linear(214, 170, 160) + 0 * gap]
    teeth = [tones.linear(226, 216, 198) * gap, tones.linear(232, 224, 208) * gap]
    colours = np.stack(gums + teeth)
    normals = np.stack([t * 0.8, 0 * t, 1 - 0.4 * t**2], -1)
    light = np.clip(0.25 + 0.75 * frame.mouth * 1.6 + 0.3 * max(frame.smile, 0), 0, 0.95) * (1 - 0.8 * t**2)
    x = t * 0.80 * actor.identity.mouth_width
    z = actor.rest[MOUTH_ROW, MIDDLE, 2] - 9.5 - 21 * t**2
    jaw = frame.mouth * JAW_ANGLE
    for name, heights, angle in (("teeth_upper", (9, 5, 0, -4.5), 0.0), ("teeth_lower", (-12, -9, -5, -2.4), jaw)):
        grid = np.stack([np.stack([x, np.full(TEETH, mouth_y + height), z], -1) for height in heights])
        grid[..., 1], grid[..., 2] = turn_jaw(grid[..., 1], grid[..., 2], angle)
        vertices.put(name, grid, normals, colours, light)


def _tongue(vertices: _Vertices, actor: Actor, frame: Frame) -> None:
    """The tongue, which lies behind the lower teeth and moves with the jaw."""
    back, t = np.linspace(0, 1, TONGUE[0])[:, None], np.linspace(-1, 1, TONGUE[1])
    width = np.sqrt(1 - (1 - back) ** 2)
    x = t * width * 0.62 * actor.identity.mouth_width
    dome = width * (3.5 * (1 - t**2) - 1.0 * np.exp(-((t / 0.15) ** 2))) + 1.5 * back
    y = actor.rig.mouth_y - 5.0 + dome
    z = actor.rest[MOUTH_ROW, MIDDLE, 2] - 12.5 - 26 * back + 0 * t
    grid = np.stack([x, *turn_jaw(y, z, frame.mouth * JAW_ANGLE)], -1)
    light = (0.75 - 0.5 * back) * (1 - 0.4 * t**2)
    vertices.put("tongue", grid, grid_normals(grid), tones.linear(196, 104, 100), light)


def _ears_hair_glasses(vertices: _Vertices, actor: Actor) -> None:
    normals = grid_normals(actor.ear)
    normals *= np.sign(normals[..., 0].mean() + 1e-9)
    for side, name in ((1, "ear_left"), (-1, "ear_right")):
        mirror = [side, 1, 1]
        rgb = actor.identity.tone * ([1.0, 0.90, 0.87] - (1 - props.EAR_OPEN) * [0.10, 0.25, 0.28])
        hollow = actor.occlusion[vertices.pieces[name]].reshape(actor.ear.shape[:2]) * props.EAR_OPEN[..., 0]
        vertices.put(name, actor.ear * mirror + actor.ear_position * mirror, normals * mirror, rgb, hollow)
    for layer, shell in enumerate(actor.hair.shells):
        out = shell - _HAIR_CENTRE
        out[..., 1] *= 0.6
        out /= np.linalg.norm(out, axis=-1, keepdims=True)
        vertices.put(f"hair_{layer}", shell, out, actor.hair.tangent)
    for k, grid in enumerate(actor.glasses):
        vertices.put(f"glasses_{k}", grid, grid_normals(grid), props.FRAME_RGB)
