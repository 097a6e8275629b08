"""Actors in a frame -> a picture and the truth about it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from swapcore.studio import props, tones
from swapcore.studio.actor import Actor
from swapcore.studio.labels import Part, Surface
from swapcore.studio.landmarks import landmarks
from swapcore.studio.mesh import grid_normals, rotation
from swapcore.studio.performance import Frame, Occluder
from swapcore.studio.pose import Posed, pose
from swapcore.studio.raster import rasterise, shadow_map
from swapcore.studio.shade import Light, Look, Mesh, Picture, Pose, shade
from swapcore.studio.topology import Piece, Topology

CAMERA = 900.0  # distance of the camera from the head's centre, mm
_FOCAL = CAMERA * 0.42 / 128  # brows to chin, 128 mm, take 42 % of the picture at Frame.scale 1
_RISE = 9.0  # the camera looks at this height, mm
_SAMPLES = 2  # rendered pixels per pixel of the picture, in each direction
_OUTLINE_SLACK = 9.0  # mm: on a silhouette the pixel itself may show what lies before the landmark
_SKIN_WRAP = np.array([0.0 if part == Part.CLOTH else 0.28 for part in Part])
_FINISH = np.array([[0.3, 22.0, 0.0] for _ in Part])
_FINISH[[Part.EAR, Part.OCCLUDER], 2] = 0.28
_FINISH[Part.GLASSES, :2] = 1.2, 60.0
_FINISH[Part.MOUTH, :2] = 0.8, 40.0


@dataclass(frozen=True, eq=False)
class FaceTruth:
    """The truth about one actor's face in a picture."""

    landmarks_xy: np.ndarray  # (68, 2) float32, pixels of the picture; (0, 0) is the centre of the first
    visible: np.ndarray  # (68,) bool: nothing lies before it
    yaw: float  # degrees, in the house's signs
    pitch: float
    roll: float
    light_towards: np.ndarray  # (3,) float32 unit, to the lamp: x to the right, y up, z to the camera
    light_rgb: np.ndarray  # (3,) float32 linear RGB of the lamp, its strength included; 1: lights white paper fully
    ambient_rgb: np.ndarray  # (3,) float32 linear RGB of the light from all around


@dataclass(frozen=True, eq=False)
class Truth:
    """The truth about a picture (h, w)."""

    parsing: np.ndarray  # (h, w) uint8 of labels.Part
    actor: np.ndarray  # (h, w) int8, index of the actor seen; -1: none
    depth: np.ndarray  # (h, w) float32, mm from the camera's plane; inf: background
    normal: np.ndarray  # (h, w, 3) float32 unit: x to the right, y up, z to the camera; 0: background
    faces: tuple[FaceTruth, ...]  # in the order of the actors


@dataclass(frozen=True, eq=False)
class _Layer:
    """One actor drawn alone, at the rendered size."""

    picture: Picture
    landmarks: np.ndarray  # (68, 3) rendered pixels, mm


def render(actors: Actor | Sequence[Actor], frames: Frame | Sequence[Frame], *, size: int) -> tuple[np.ndarray, Truth]:
    """One or several actors -> picture (size, size, 3) uint8 BGR, and the truth about it.

    Every actor has a frame, which may shift and scale it (the smaller stands behind); background and film (blur, grain,
    JPEG) come from the first.
    """
    light, truth, frame = _expose(actors, frames, size)
    return _film(_developed(light, size), frame), truth


def render_motion(
    actors: Actor | Sequence[Actor],
    performance: Callable[[float], Frame | Sequence[Frame]],
    seconds: float,
    *,
    size: int,
    samples: int,
    shutter: float,
) -> tuple[np.ndarray, Truth]:
    """`render` with motion blur: the mean light of `samples` instants over `shutter` seconds around `seconds`.

    `samples` is odd. Film and truth are those of the middle instant.
    """
    if samples < 1 or samples % 2 == 0:
        raise ValueError(f"render_motion: expected an odd number of samples, got {samples}")
    times = seconds + shutter * (np.linspace(0, 1, samples) - 0.5) if samples > 1 else [seconds]
    made = [_expose(actors, performance(float(t)), size) for t in times]
    _, truth, frame = made[samples // 2]
    light = np.mean([light for light, _, _ in made], 0, dtype=np.float32)
    return _film(_developed(light, size), frame), truth


def _expose(
    actors: Actor | Sequence[Actor], frames: Frame | Sequence[Frame], size: int
) -> tuple[np.ndarray, Truth, Frame]:
    """Linear light (n, n, 3) RGB of the rendered size, the truth in the picture's size, and the first actor's frame."""
    actors = [actors] if isinstance(actors, Actor) else list(actors)
    frames = [frames] if isinstance(frames, Frame) else list(frames)
    n = size * _SAMPLES
    layers = [_draw(actor, frame, n) for actor, frame in zip(actors, frames, strict=True)]
    light = cv2.resize(_background(frames[0].background, size), (n, n))
    parsing, who = np.zeros((n, n), np.uint8), np.full((n, n), -1, np.int8)
    depth, normal = np.full((n, n), np.inf, np.float32), np.zeros((n, n, 3), np.float32)
    behind = [CAMERA * (frames[0].scale / frame.scale - 1) for frame in frames]  # who is smaller stands farther away
    for index, (layer, back) in enumerate(zip(layers, behind, strict=True)):
        away = layer.picture.depth + np.float32(back)
        nearer = away < depth
        seen = nearer.view(np.uint8)
        cv2.copyTo(layer.picture.rgb, seen, light)  # three times as quick as numpy's
        cv2.copyTo(layer.picture.normal, seen, normal)
        cv2.copyTo(layer.picture.label, seen, parsing)
        cv2.copyTo(away, seen, depth)
        who[nearer] = index
    faces = tuple(_face(*drawn, depth) for drawn in zip(layers, frames, behind, strict=True))
    s = np.s_[::_SAMPLES, ::_SAMPLES]
    return light, Truth(parsing[s], who[s], depth[s], normal[s], faces), frames[0]


def _developed(light: np.ndarray, size: int) -> np.ndarray:
    """Linear light of the rendered size -> display values 0..1 (size, size, 3) BGR."""
    return cv2.resize(tones.tonemap(light), (size, size), interpolation=cv2.INTER_AREA)[..., ::-1]


def _draw(actor: Actor, frame: Frame, size: int) -> _Layer:
    """Raster and shade one actor alone."""
    posed, topology = pose(actor, frame), actor.topology
    head = posed.points[topology.pieces["head"]]
    if frame.occluder:
        posed, topology = _with_occluder(posed, topology, frame.occluder)
    focal = frame.scale * size * _FOCAL
    centre_x = size * (0.5 + frame.shift_x)
    centre_y = size * (0.5 + frame.shift_y) + focal / CAMERA * _RISE

    def project(points: np.ndarray) -> np.ndarray:
        near = 1 / (CAMERA - points[:, 2])
        return np.stack([centre_x + focal * points[:, 0] * near, centre_y - focal * points[:, 1] * near], -1)

    x, y = np.ascontiguousarray(project(posed.points).T)
    ids, weights = np.full((size, size), -1, np.int32), np.zeros((size, size, 2), np.float32)
    t, alpha, near = topology, actor.hair.alpha, 1 / (CAMERA - posed.points[:, 2])
    closest = np.zeros((size, size))
    rasterise(x, y, near, t.triangles, t.cut, t.cull, t.uv, t.layer, alpha, closest, ids, weights)
    picture = Picture(
        rgb=np.zeros((size, size, 3), np.float32),
        label=np.zeros((size, size), np.uint8),
        depth=np.full((size, size), np.inf, np.float32),
        normal=np.zeros((size, size, 3), np.float32),
    )
    points, normals, colours = (v.astype(np.float32) for v in (posed.points, posed.normals, posed.colours))
    mesh = Mesh(t.triangles, t.surface, t.label, points, normals, t.uv, colours, posed.occlusion)
    shade(ids, weights, mesh, _look(actor), _light(frame, posed, topology, alpha), _pose(actor, frame), picture)
    return _Layer(picture, landmarks(actor.anchors, head, frame, project))


def _look(actor: Actor) -> Look:
    who = actor.identity
    rgb = np.array(who.hair_rgb, float), np.array(who.iris_rgb, float)
    return Look(actor.skin, actor.labels, actor.hair.strand, *rgb, _SKIN_WRAP, _FINISH)


def _light(frame: Frame, posed: Posed, topology: Topology, alpha: np.ndarray) -> Light:
    towards = np.array(frame.light, float)
    towards /= np.linalg.norm(towards)
    rim = np.array([-towards[0], 0.35, -0.55])
    rim /= np.linalg.norm(rim)
    rgb = np.array(frame.light_rgb, float)
    depth, matrix, _ = shadow_map(posed.points, topology, alpha, towards, size=220, span=330.0)
    ambient = np.array(frame.ambient_rgb, float)
    return Light(towards, rgb * frame.light_strength, ambient, rim, rgb * frame.rim, depth.astype(np.float32), matrix)


def _pose(actor: Actor, frame: Frame) -> Pose:
    gaze = np.array([np.sin(frame.gaze[0]), np.sin(frame.gaze[1]), 1.0])
    relief = max(frame.brow, 0.0) * (0.35 + 0.65 * actor.identity.wrinkles)
    turn = rotation(frame.yaw, frame.pitch, frame.roll)
    return Pose(turn, gaze / np.linalg.norm(gaze), float(relief), CAMERA)


def _with_occluder(posed: Posed, topology: Topology, what: Occluder) -> tuple[Posed, Topology]:
    """With a hand or a box before the face."""
    grids, rgb = props.occluder(what)
    pieces = [Piece(f"occluder_{k}", *grid.shape[:2], Surface.PLAIN, Part.OCCLUDER) for k, grid in enumerate(grids)]
    count = sum(grid.shape[0] * grid.shape[1] for grid in grids)
    return Posed(
        points=np.concatenate([posed.points, *(grid.reshape(-1, 3) for grid in grids)]),
        normals=np.concatenate([posed.normals, *(grid_normals(grid).reshape(-1, 3) for grid in grids)]),
        colours=np.concatenate([posed.colours, np.broadcast_to(rgb, (count, 3))]),
        occlusion=np.concatenate([posed.occlusion, np.ones(count, np.float32)]),
    ), topology.extended(pieces)


def _face(layer: _Layer, frame: Frame, back: float, depth: np.ndarray) -> FaceTruth:
    """Landmarks in the picture's pixels; hidden where something lies before them."""
    n = len(depth)
    x, y, z = layer.landmarks.T
    behind = cv2.dilate(np.minimum(depth, 1e5), np.ones((5, 5)))
    column, row = (np.clip(np.round(v).astype(int), 0, n - 1) for v in (x, y))
    visible = behind[row, column] > CAMERA + back - z - _OUTLINE_SLACK
    xy = (layer.landmarks[:, :2] + 0.5) / _SAMPLES - 0.5
    towards = np.array(frame.light, np.float32)
    return FaceTruth(
        landmarks_xy=xy.astype(np.float32),
        visible=visible,
        yaw=frame.yaw,
        pitch=frame.pitch,
        roll=frame.roll,
        light_towards=towards / np.linalg.norm(towards),
        light_rgb=np.array(frame.light_rgb, np.float32) * np.float32(frame.light_strength),
        ambient_rgb=np.array(frame.ambient_rgb, np.float32),
    )


@functools.lru_cache(maxsize=4)
def _background(seed: int, size: int) -> np.ndarray:
    """A blurred room (size, size, 3) float32 linear RGB, not to be written to: a wall, and some muted rectangles."""
    rng = np.random.default_rng(seed + 31)

    def muted(low: int, high: int) -> np.ndarray:
        rgb = rng.integers(low, high, 3).astype(float)
        return ((0.65 * rgb.mean() + 0.35 * rgb) / 255) ** 2.2

    upper, lower = muted(40, 200), muted(20, 150)
    y = np.linspace(0, 1, size)[:, None, None]
    room = (upper * (1 - y) + lower * y) * np.ones((1, size, 1))
    for _ in range(int(rng.integers(3, 9))):
        x, y = rng.uniform(-0.1, 0.9) * size, rng.uniform(-0.1, 0.8) * size
        width, height = rng.uniform(0.08, 0.4) * size, rng.uniform(0.1, 0.6) * size
        corners = (int(x), int(y)), (int(x + width), int(y + height))
        cv2.rectangle(room, *corners, tuple(muted(20, 220).tolist()), -1)
    return cv2.GaussianBlur(room, (0, 0), size * 0.012 + 0.5).astype(np.float32)


def _film(shown: np.ndarray, frame: Frame) -> np.ndarray:
    """Display values 0..1 BGR -> (h, w, 3) uint8, with the frame's blur, grain and JPEG."""
    image = shown * 255
    if frame.blur:
        image = cv2.GaussianBlur(image, (0, 0), frame.blur)
    if frame.grain:
        rng = np.random.default_rng(frame.grain_seed)
        grain = np.float32(frame.grain) * rng.standard_normal(image.shape, np.float32)
        image = image + cv2.GaussianBlur(grain, (0, 0), 0.6)
    image = np.ascontiguousarray(np.clip(image + 0.5, 0, 255).astype(np.uint8))
    if frame.jpeg:
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, frame.jpeg])
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return image
