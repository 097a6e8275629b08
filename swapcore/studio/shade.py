"""Light on the visible triangles: one compiled pass over the pixels (deferred shading).

Wrapped diffuse light reddened on skin, Blinn-Phong gloss, Kajiya-Kay strand highlights on hair, an analytic iris, a
shadow map with percentage-closer filtering, ambient light by the baked occlusion. Colours are linear RGB.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from swapcore.studio.compile import compiled

_SKIN, _EYE, _HAIR = 0, 1, 2  # labels.Surface, as constants of the kernels; a test compares


class Mesh(NamedTuple):
    """What is drawn. n vertices in the camera's space (mm), t triangles."""

    triangles: np.ndarray  # (t, 3) int32
    surface: np.ndarray  # (t,) uint8
    label: np.ndarray  # (t,) uint8
    points: np.ndarray  # (n, 3) float32
    normals: np.ndarray  # (n, 3) float32
    uv: np.ndarray  # (n, 2) float32
    colours: np.ndarray  # (n, 3) float32, see pose.Posed
    occlusion: np.ndarray  # (n,) float32


class Look(NamedTuple):
    """What an actor's surfaces look like."""

    skin: np.ndarray  # (s, s, 8) float32, see texture
    skin_labels: np.ndarray  # (s, s) uint8
    strand: np.ndarray  # (h, w) float32 0..1
    hair_rgb: np.ndarray  # (3,) float64
    iris_rgb: np.ndarray  # (3,) float64
    skin_wrap: np.ndarray  # (labels,) float64, how far light reaches round the skin's edge, by label
    finish: np.ndarray  # (labels, 3) float64: gloss, its exponent, wrap of plain surfaces, by label


class Light(NamedTuple):
    """What the light is in a frame."""

    towards: np.ndarray  # (3,) unit, to the lamp
    rgb: np.ndarray  # (3,)
    ambient_rgb: np.ndarray  # (3,)
    rim: np.ndarray  # (3,) unit, to the light behind
    rim_rgb: np.ndarray  # (3,)
    shadow: np.ndarray  # (s, s) float32 depth from the lamp, mm
    shadow_matrix: np.ndarray  # (3, 3)


class Pose(NamedTuple):
    """What the head does in a frame."""

    turn: np.ndarray  # (3, 3) of the head
    gaze: np.ndarray  # (3,) unit, in the head's space
    brow_relief: float  # weight of the wrinkles of raised brows
    camera: float  # distance along z, mm


class Picture(NamedTuple):
    """What is filled in, where a triangle is seen."""

    rgb: np.ndarray  # (h, w, 3) float32 linear
    label: np.ndarray  # (h, w) uint8
    depth: np.ndarray  # (h, w) float32, mm from the camera's plane
    normal: np.ndarray  # (h, w, 3) float32 unit


_IRIS, _PUPIL = 0.40, 0.15  # angles as seen from the eyeball's centre, radians
_SHADOW_BIAS = 3.8  # mm


@compiled
def _lookup(picture, u, v, out):
    """Bilinear sample of a picture (h, w, k) at (u, v) 0..1 into out (k,)."""
    height, width, channels = picture.shape
    fx, fy = min(max(u * width - 0.5, 0.0), width - 1.001), min(max(v * height - 0.5, 0.0), height - 1.001)
    x, y = int(fx), int(fy)
    fx -= x
    fy -= y
    for k in range(channels):
        upper = picture[y, x, k] * (1 - fx) + picture[y, x + 1, k] * fx
        lower = picture[y + 1, x, k] * (1 - fx) + picture[y + 1, x + 1, k] * fx
        out[k] = upper * (1 - fy) + lower * fy


@compiled
def _cell(picture, u, v):
    """Nearest sample of a picture (h, w) at (u, v) 0..1."""
    height, width = picture.shape
    return picture[min(int(v * height), height - 1), min(int(u * width), width - 1)]


@compiled
def _skin_point(look, pose, u, v, sample, albedo, normal):
    """Colour and relief of skin; returns gloss, its exponent, wrap and label."""
    _lookup(look.skin, u, v, sample)
    dx = sample[4] + pose.brow_relief * sample[6]
    dy = sample[5] + pose.brow_relief * sample[7]
    for k in range(3):
        normal[k] += pose.turn[k, 0] * dx + pose.turn[k, 1] * dy
        albedo[k] = sample[k]
    label = _cell(look.skin_labels, u, v)
    gloss = sample[3]
    return gloss, 14.0 + 26 * gloss, look.skin_wrap[label], label


@compiled
def _eye_point(look, pose, direction, albedo, normal):
    """Colour of an eyeball where `direction` (3,) points from its centre: white, iris with fibres, pupil; its bulge."""
    inverse = 1.0 / np.sqrt(direction[0] ** 2 + direction[1] ** 2 + direction[2] ** 2)
    along = (direction[0] * pose.gaze[0] + direction[1] * pose.gaze[1] + direction[2] * pose.gaze[2]) * inverse
    angle = np.arccos(min(max(along, -1.0), 1.0))
    white = min(max((angle - _IRIS + 0.035) / 0.07, 0.0), 1.0)
    outside_pupil = min(max((angle - _PUPIL + 0.03) / 0.06, 0.0), 1.0)
    dx, dy = direction[0] - pose.gaze[0], direction[1] - pose.gaze[1]
    round_ = np.arctan2(dy, dx)
    share = angle / _IRIS
    fibres = 0.8 + 0.22 * np.sin(round_ * 17 + 3 * np.sin(round_ * 5)) + 0.5 * share * (1 - share)
    limbus = 1 - 0.62 * min(max((angle - _IRIS * 0.72) / (_IRIS * 0.3), 0.0), 1.0)
    corner = min(abs(direction[0] * inverse) * 1.1, 1.0) ** 3
    for k in range(3):
        sclera = (0.74, 0.68, 0.65)[k] * (1 - (0.10, 0.34, 0.36)[k] * corner)
        iris = look.iris_rgb[k] * fibres * limbus
        albedo[k] = (iris * (1 - white) + sclera * white) * (0.03 + 0.97 * outside_pupil)
        normal[k] += (pose.turn[k, 2] * 0.25 + pose.turn[k, 0] * dx * 0.5) * (1 - white)


@compiled
def _lit(light, point):
    """How much of the lamp reaches a point, 0..1: percentage-closer filtering over 2x2 cells of the shadow map."""
    size = light.shadow.shape[0]
    m = light.shadow_matrix
    x = m[0, 0] * point[0] + m[0, 1] * point[1] + m[0, 2] * point[2] + size * 0.5
    y = m[1, 0] * point[0] + m[1, 1] * point[1] + m[1, 2] * point[2] + size * 0.5
    z = m[2, 0] * point[0] + m[2, 1] * point[1] + m[2, 2] * point[2] + _SHADOW_BIAS
    column, row = int(x), int(y)
    if column < 2 or row < 2 or column >= size - 3 or row >= size - 3:
        return 1.0
    fx, fy = x - column, y - row
    total = 0.0
    for j in range(-1, 2):
        wy = (1 - fy) if j == -1 else (fy if j == 1 else 1.0)
        for i in range(-1, 2):
            wx = (1 - fx) if i == -1 else (fx if i == 1 else 1.0)
            if z > light.shadow[row + j, column + i]:
                total += wx * wy
    return total / 4.0


@compiled
def shade(ids, weights, mesh, look, light, pose, picture):
    """Fill in `picture` where ids (h, w) int32 names a triangle (-1: none), with its weights (h, w, 2) float32."""
    height, width = ids.shape
    sample = np.empty(8, np.float32)
    colour, albedo, normal, point, view = np.empty(3), np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    towards, rim = light.towards, light.rim
    for row in range(height):
        for column in range(width):
            t = ids[row, column]
            if t < 0:
                continue
            i0, i1, i2 = mesh.triangles[t, 0], mesh.triangles[t, 1], mesh.triangles[t, 2]
            w1, w2 = weights[row, column, 0], weights[row, column, 1]
            w0 = 1.0 - w1 - w2
            for k in range(3):
                normal[k] = w0 * mesh.normals[i0, k] + w1 * mesh.normals[i1, k] + w2 * mesh.normals[i2, k]
                point[k] = w0 * mesh.points[i0, k] + w1 * mesh.points[i1, k] + w2 * mesh.points[i2, k]
                colour[k] = w0 * mesh.colours[i0, k] + w1 * mesh.colours[i1, k] + w2 * mesh.colours[i2, k]
            u = w0 * mesh.uv[i0, 0] + w1 * mesh.uv[i1, 0] + w2 * mesh.uv[i2, 0]
            v = w0 * mesh.uv[i0, 1] + w1 * mesh.uv[i1, 1] + w2 * mesh.uv[i2, 1]
            ao = w0 * mesh.occlusion[i0] + w1 * mesh.occlusion[i1] + w2 * mesh.occlusion[i2]
            surface, label = mesh.surface[t], mesh.label[t]
            view[0], view[1], view[2] = -point[0], -point[1], pose.camera - point[2]
            inverse = 1.0 / np.sqrt(view[0] ** 2 + view[1] ** 2 + view[2] ** 2)
            for k in range(3):
                view[k] *= inverse

            # what the surface is made of
            gloss, power, wrap, strand = 0.3, 22.0, 0.0, 0.5
            if surface == _SKIN:
                gloss, power, wrap, label = _skin_point(look, pose, u, v, sample, albedo, normal)
            elif surface == _EYE:
                _eye_point(look, pose, colour, albedo, normal)
                gloss, power, wrap = 1.3, 90.0, 0.12
            elif surface == _HAIR:
                strand = _cell(look.strand, u, v)
                ao = 0.35 + 0.65 * ao
                for k in range(3):
                    albedo[k] = look.hair_rgb[k] * (0.40 + 1.0 * strand)
            else:
                gloss, power, wrap = look.finish[label, 0], look.finish[label, 1], look.finish[label, 2]
                for k in range(3):
                    albedo[k] = colour[k]

            # how it faces lamp and camera
            inverse = 1.0 / np.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2 + 1e-12)
            for k in range(3):
                normal[k] *= inverse
            facing = normal[0] * view[0] + normal[1] * view[1] + normal[2] * view[2]
            if facing < 0 and surface != _SKIN:
                for k in range(3):
                    normal[k] = -normal[k]
                facing = -facing
            cosine = normal[0] * towards[0] + normal[1] * towards[1] + normal[2] * towards[2]
            lit = _lit(light, point)
            if surface == _HAIR:
                lit = 0.35 + 0.65 * lit
            hx, hy, hz = towards[0] + view[0], towards[1] + view[1], towards[2] + view[2]
            inverse = 1.0 / np.sqrt(hx * hx + hy * hy + hz * hz + 1e-9)
            half = max((normal[0] * hx + normal[1] * hy + normal[2] * hz) * inverse, 0.0)
            fresnel = (1 - max(facing, 0.0)) ** 2
            fresnel *= fresnel
            behind = max(normal[0] * rim[0] + normal[1] * rim[1] + normal[2] * rim[2], 0.0)

            # highlights
            if surface == _EYE:
                shine = 0.9 * half**220 + 0.10 * half**30
            elif surface == _HAIR:
                along = (colour[0] * hx + colour[1] * hy + colour[2] * hz) * inverse + (strand - 0.5) * 0.5
                length = colour[0] ** 2 + colour[1] ** 2 + colour[2] ** 2 + 1e-6
                square = max(1 - along * along / length, 0.0)  # of the sine of the angle to the strand
                fourth = square * square
                sixteenth = fourth * fourth * fourth * fourth
                shine = 0.045 * sixteenth * sixteenth * sixteenth * sixteenth * fourth * square  # its 70th power
                shine = (shine + 0.014 * fourth * fourth * fourth) * max(min(cosine * 2 + 0.4, 1.0), 0.0) * ao
            elif cosine > 0 and half > 0:
                log = power * np.log(half)
                shine = gloss * (0.11 * np.exp(log) + 0.05 * np.exp(0.3 * log)) * (1 + 3 * fresnel)
                shine *= min(cosine * 4, 1.0)
            else:
                shine = 0.0

            # all light together; skin lets red reach farther round edges and into shadow
            sky = 0.70 + 0.30 * normal[1] + 0.12 * normal[2]
            root_lit, root_ao = np.sqrt(lit), np.sqrt(ao)
            fourth_root = np.sqrt(root_ao)
            for k in range(3):
                w = wrap * (1.0, 0.45, 0.30)[k]
                diffuse = max((cosine + w) / (1 + w), 0.0)
                if surface == _HAIR:
                    diffuse = 0.25 + 0.75 * max((cosine + 0.3) / 1.3, 0.0)
                elif w > 0 and diffuse < 1:
                    diffuse = diffuse * (diffuse * (1 - w) + w)
                shadow, open_ = lit, ao
                if wrap > 0.2:
                    shadow = 0.1 + 0.9 * lit * (1.0, root_lit, lit)[k]
                    open_ = ao * (1.0, fourth_root, root_ao * fourth_root)[k]
                lamp = light.rgb[k] * diffuse * shadow * (0.45 + 0.55 * ao)
                value = albedo[k] * (lamp + light.ambient_rgb[k] * sky * open_ + light.rim_rgb[k] * behind * ao)
                value += (
                    shine * light.rgb[k] * lit * (0.5 + 0.5 * ao) + 0.05 * gloss * fresnel * light.ambient_rgb[k] * ao
                )
                if surface == _HAIR:
                    value += look.hair_rgb[k] * shine * 2.2 * light.rgb[k] * lit
                picture.rgb[row, column, k] = value
                picture.normal[row, column, k] = normal[k]
            picture.label[row, column] = label
            picture.depth[row, column] = pose.camera - point[2]
