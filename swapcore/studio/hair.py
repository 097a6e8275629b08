"""Hair: shells over the skull, one above the other, cut to strands by an alpha picture; some styles hang down."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from swapcore.studio.identity import Identity
from swapcore.studio.labels import Part
from swapcore.studio.mesh import smooth
from swapcore.studio.rings import RING
from swapcore.studio.strands import brightness, directions, parting

_LAYERS, _THIN_LAYERS = (0.30, 0.62, 0.84, 1.0), (0.6, 1.0)  # heights of the shells, share of the thickness
_THIN = 4.0  # mm on the crown below which two shells are enough
_ALPHA = 512  # rows of the strand picture; it has twice as many columns
_HANGING_ROWS = 22
_SKULL = np.array([0, 15, -12.0])  # what hair grows away from
_AZIMUTHS = [0, 22, 40, 55, 66, 76, 84, 100, 112, 130, 180]  # of the hairline's heights, degrees from the front


@dataclass(frozen=True, eq=False)
class Hair:
    """Hair in the head's space. Grids of R rows from the crown down and C columns round the head."""

    shells: np.ndarray  # (layers, R, C, 3) mm
    tangent: np.ndarray  # (R, C, 3) unit, along the strands
    scalp: np.ndarray  # (rows of skin under hair, C) density 0..1
    strand: np.ndarray  # (512, 1024) float32 0..1, brightness of the strands
    alpha: np.ndarray  # (layers, 512, 1024) uint8, 1 where there is hair


def grow(rest: np.ndarray, who: Identity) -> Hair:
    """The hair of a head at rest."""
    style, long = who.hair, who.hair.top > _THIN
    skull = rest[:, ::2][np.where(_grows(who))[0][::2]]
    away = skull - _SKULL
    away /= np.linalg.norm(away, axis=-1, keepdims=True)
    azimuth = np.degrees(np.arctan2(np.abs(skull[..., 0]), skull[..., 2] + 12))
    above = skull[..., 1] - _hairline(skull, azimuth, who)
    ragged = _ragged(skull, who)
    if style.fringe:
        density = smooth(above + ragged, -6, 10)
    else:
        density = smooth(above + (0.2 if style.comb == "part" else 0.5) * ragged, -9, 20)
    thickness = _thickness(skull, azimuth, above, who)
    if style.comb == "part":
        density = density * (1 - 0.75 * _parted(skull, who, 1.3))
    surface, scalp = skull, density
    if style.drop:
        hanging, hanging_density = _hanging(skull[-1], away[-1] * [1, 0, 1], azimuth[-1], who)
        surface = np.concatenate([skull, hanging])
        away = np.concatenate([away, np.broadcast_to(away[-1] * [1, 0, 1], hanging.shape)])
        density = np.concatenate([density, hanging_density])
        thickness = np.concatenate([thickness, np.broadcast_to(thickness[-1], hanging.shape[:2])])
    layers = _LAYERS if long else _THIN_LAYERS
    shells = np.stack([surface + away * (thickness * layer + 0.8)[..., None] for layer in layers])
    tangent = directions(surface, who)
    reach = 24.0 if long else 5.0
    strand = brightness(surface, tangent, reach=reach, size_hw=(_ALPHA, 2 * _ALPHA), seed=who.seed + 5)
    return Hair(shells, tangent, scalp, strand, _cut(density, strand, len(layers), fray=2.2 if style.fringe else 3.4))


def _grows(who: Identity) -> np.ndarray:
    """(ROWS,) bool: the rows of the head that hair covers."""
    last = 5.2 if who.hair.drop else 10.0
    return last >= RING


def _hairline(skull: np.ndarray, azimuth: np.ndarray, who: Identity) -> np.ndarray:
    """Height (mm) at which the hair ends, for every point."""
    style, h, back = who.hair, who.hairline, who.hair_recede
    cut_short = [h - who.hair_peak, h, h - 4 + back, h - 20 + back, 24, -4]
    front = [h + 7, h + 2, h - 11, h - 33, 8, -14] if style.drop else cut_short
    line = np.interp(azimuth, _AZIMUTHS, [*front, -22 + who.sideburn, 2, -10, -55, -74])
    x, phase = skull[..., 0], who.hair_phase
    line = line + 2.2 * np.sin(x * 0.16 + phase) + 1.4 * np.sin(x * 0.43 + 2 * phase)
    if style.fringe:
        fringe = np.interp(azimuth, [0, 30, 50, 60, 180], [style.fringe, style.fringe, style.fringe - 2, 20, 200])
        line = np.minimum(line, fringe)
    return line


def _thickness(skull: np.ndarray, azimuth: np.ndarray, above: np.ndarray, who: Identity) -> np.ndarray:
    """Thickness (mm) of the hair, with quiff and locks, thinning towards the hairline."""
    style, phase = who.hair, who.hair_phase
    x, y = skull[..., 0], skull[..., 1]
    crown = smooth(y, 40, 105) * (1 - 0.3 * smooth(np.abs(x), 28, 66))  # a round outline
    away_from_pole = smooth(y, 116, 96)  # the azimuth is singular at the crown
    thickness = style.top * crown + style.side * (1 - crown)
    thickness = thickness * (1 + style.quiff * smooth(azimuth, 60, 20) * away_from_pole)
    lock = np.sin(azimuth * 0.35 + 1.3 * np.sin(y * 0.05) + phase) * 0.12 + np.sin(x * 0.21 + phase * 2) * 0.10
    thickness = thickness * (1 + style.wavy * lock * away_from_pole)
    if style.comb == "part":
        thickness = thickness * (1 - 0.7 * _parted(skull, who, 4.0))
    return thickness * (0.06 + 0.94 * smooth(above, -4, 12 if style.fringe else 34))


def _ragged(skull: np.ndarray, who: Identity) -> np.ndarray:
    """How much (mm) the hair's edge is moved, by tufts of 6 to 14 mm."""
    rng = np.random.default_rng(who.seed + 6)
    waves = [(rng.uniform(0.2, 1.0), rng.uniform(0, 2 * np.pi)) for _ in range(9)]
    along = skull[..., 0] + 0.6 * skull[..., 2]  # round the front and along the sides
    return 1.1 * sum(np.sin(along * frequency + phase) for frequency, phase in waves)


def _parted(skull: np.ndarray, who: Identity, width: float) -> np.ndarray:
    """1 on the line of the parting, falling off over `width` mm."""
    x, y, z = np.moveaxis(skull, -1, 0)
    return np.exp(-(((x - parting(who)) / width) ** 2)) * smooth(y, 50, 66) * smooth(z, -60, -30)


def _hanging(top: np.ndarray, away: np.ndarray, azimuth: np.ndarray, who: Identity) -> tuple[np.ndarray, np.ndarray]:
    """Rows (22, C, 3) mm that hang from the lowest row `top` of the skull's hair, and their density."""
    style = who.hair
    t = np.linspace(0, 1, _HANGING_ROWS + 1)[1:, None, None]
    out = top + away * (style.flare * smooth(t, 0, 0.55) * (1 - 0.6 * smooth(t, 0.7, 1)))
    wave = np.sign(top[..., :1]) * style.wavy * 2.5 * np.sin(t * 17 + top[..., 2:] * 0.1)
    hanging = np.concatenate([out[..., :1] + wave, top[..., 1:2] * (1 - t) + style.drop * t, out[..., 2:] - 4 * t], -1)
    azimuth = np.broadcast_to(azimuth, hanging.shape[:2])
    parted = smooth(azimuth, style.open - 6 + 6 * np.sin(t[..., 0] * 3), style.open + 8)
    return hanging, parted * smooth(t[..., 0], 1.02, 0.70)


def _cut(density: np.ndarray, strand: np.ndarray, layers: int, *, fray: float) -> np.ndarray:
    """Which strands reach which shell; ragged along the strands where the density falls."""
    d = cv2.resize(density.astype(np.float32), (2 * _ALPHA, _ALPHA))
    edge = d * 1.3 - 0.12 + (strand - 0.5) * fray * d * (1 - d)
    cuts = [(edge > 0.3 + 0.7 * k) & (strand > k) for k in np.linspace(0, 0.42, layers)]
    return np.stack(cuts).astype(np.uint8)


def stain_scalp(skin: np.ndarray, labels: np.ndarray, hair: Hair, who: Identity) -> tuple[np.ndarray, np.ndarray]:
    """The skin's picture (s, s, 8) and labels (s, s), both new, with the scalp under the hair in the hair's colour."""
    size = len(skin)
    share = np.mean(_grows(who))
    density = cv2.resize(hair.scalp.astype(np.float32), (size, round(size * share)))
    amount = smooth(density, 0.02, 0.75)  # short hairs before the strands begin
    cover = (amount * (0.9 if who.hair.top > _THIN else 0.75))[..., None]
    skin, labels, rows = skin.copy(), labels.copy(), len(density)
    skin[:rows, :, :3] = skin[:rows, :, :3] * (1 - cover) + who.hair_rgb * 0.7 * cover
    labels[:rows][(cover[..., 0] > 0.55) & (labels[:rows] == Part.SKIN)] = Part.HAIR
    return skin, labels
