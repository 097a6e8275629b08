"""Who somebody is: the measures of a head, and how they are drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from swapcore.studio import tones

Beard = Literal["none", "stubble", "full", "goatee", "moustache"]


@dataclass(frozen=True)
class HairStyle:
    """Shape of the hair, millimetres unless said otherwise."""

    top: float  # thickness on the crown
    side: float  # thickness at the sides
    drop: float  # height at which hanging hair ends; 0: none hangs
    fringe: float  # height at which a fringe ends; 0: none
    wavy: float  # strength of the locks, 0..1
    flare: float  # how far hanging hair stands off
    open: float  # azimuth from the front at which hanging hair begins, degrees
    quiff: float  # extra thickness above the forehead, share of `top`
    comb: Literal["down", "across", "back", "part"]  # where its strands lie on top


HAIR_STYLES: dict[str, HairStyle] = {
    "buzz": HairStyle(2.5, 2, 0, 0, 0.1, 0, 0, 0, "down"),
    "short": HairStyle(12, 5, 0, 0, 0.7, 0, 0, 0.5, "across"),
    "crop": HairStyle(10, 5, 0, 54, 0.7, 0, 0, 0, "across"),
    "quiff": HairStyle(16, 5, 0, 0, 0.8, 0, 0, 0.8, "back"),
    "bob": HairStyle(14, 13, -105, 0, 0.4, 12, 62, 0.15, "part"),
    "bangs": HairStyle(14, 13, -120, 36, 0.3, 9, 60, 0, "down"),
    "long": HairStyle(13, 12, -235, 0, 0.7, 15, 64, 0.1, "part"),
    "tied": HairStyle(7, 5, 0, 0, 0.2, 0, 0, 0, "back"),
}


@dataclass(frozen=True, eq=False)
class Identity:
    """Everything that stays the same about an actor. Millimetres unless said otherwise; 0 mostly means average.

    Colours and tints are linear RGB (3,); a tint is multiplied with the skin tone.
    """

    seed: int  # of everything random in the painting of skin and hair
    masculine: bool
    # the head
    face_length: float
    forehead_height: float
    jaw_width: float
    cheek_width: float
    cranium_width: float
    chin_square: float  # exponent added to the rings of the chin
    chin_forward: float
    forehead_slope: float
    neck_width: float
    nose_length: float
    mouth_drop: float
    # relief of the face
    brow_ridge: float
    socket_depth: float
    cheekbone: float
    cheek_hollow: float
    cheek_fullness: float
    eye_bag: float
    nose_projection: float
    nose_root: float
    nose_hump: float
    bridge_width: float
    tip_width: float
    nose_width: float  # half, at the wings
    tip_lift: float
    # eyes
    eye_x: float  # distance of an eye's centre from the middle
    eye_width: float  # half
    lid_upper: float  # opening above the line of the eyes
    lid_lower: float
    eye_tilt: float  # rise from the inner to the outer corner, share of the half width
    eye_forward: float
    lid_crease: float
    lid_hood: float
    # mouth and chin
    mouth_width: float  # half
    lip_upper: float  # height
    lip_lower: float
    lip_bow: float  # dip of the upper lip in the middle, share of its height
    chin_bulge: float
    chin_cleft: float
    cheek_fold: float  # from the nose to the corner of the mouth
    # brows
    brow_y: float
    brow_arch: float
    brow_tilt: float
    brow_inner: float
    brow_outer: float
    brow_thickness: float
    brow_hairs: int
    # ears and hair
    ear_size: float  # factor
    ear_angle: float  # radians off the head
    hair: HairStyle
    hairline: float  # height of the hairline in the middle
    hair_peak: float
    hair_recede: float
    sideburn: float
    hair_phase: float  # of the waves, radians
    hair_rgb: np.ndarray
    beard: Beard
    beard_depth: float
    brow_rgb: np.ndarray
    # skin
    tone: np.ndarray
    mottle: float  # strength of the uneven colour, 1 = average
    blush: float
    dark_circles: float
    freckles: int
    moles: int
    pores: float
    wrinkles: float  # of the forehead at rest, 0..1
    age: float  # crow's feet, 0..1
    lip_tint: np.ndarray
    eyeshadow: float
    eyeshadow_tint: np.ndarray
    lipstick: np.ndarray | None
    iris_rgb: np.ndarray
    # what is worn
    stripes: bool
    neckline: float
    cloth_rgb: np.ndarray
    glasses: bool
    asymmetry: np.ndarray  # (3, 4) waves over the face: x and y frequency in 1/mm, phase, height in mm

    @property
    def lip_rgb(self) -> np.ndarray:
        """Colour of the lips, make-up included."""
        own = self.lip_tint * self.tone
        return own if self.lipstick is None else 0.35 * own + 0.65 * self.lipstick


# mean of masculine and of feminine heads, standard deviation; drawn in this order
_HEAD = {
    "face_length": (3, -2, 6.3),
    "forehead_height": (0, 0, 7),
    "jaw_width": (4, -4.5, 5.6),
    "cheek_width": (0, 0, 4.9),
    "cranium_width": (0, 0, 4.2),
    "chin_square": (0.45, -0.05, 0.28),
    "chin_forward": (1, 0, 5.6),
    "forehead_slope": (3, -1, 4.2),
    "neck_width": (5, -8, 3.5),
    "nose_length": (1, 1, 4.9),
    "mouth_drop": (0, 0, 3.5),
    "brow_ridge": (3.4, 1.0, 1.68),
    "socket_depth": (8, 8, 2.52),
    "cheekbone": (2.2, 2.2, 3.08),
    "cheek_hollow": (1.5, 1.5, 2.8),
    "cheek_fullness": (0.5, 0.5, 2.52),
    "eye_bag": (0.8, 0.8, 1.12),
    "nose_projection": (23, 20, 4.48),
    "nose_root": (4, 4, 2.52),
    "nose_hump": (0.8, -0.4, 1.96),
    "bridge_width": (6.2, 6.2, 1.68),
    "tip_width": (9.3, 9.3, 2.24),
    "nose_width": (18, 16, 3.36),
    "tip_lift": (-0.5, 1.2, 2.8),
    "eye_x": (31.8, 31.8, 2.24),
    "eye_width": (15.2, 16, 1.26),
    "lid_upper": (4.3, 5.2, 1.4),
    "lid_lower": (4.0, 4.0, 0.7),
    "eye_tilt": (0.06, 0.06, 0.154),
    "eye_forward": (0, 0, 1.1),
    "lid_crease": (3.4, 3.4, 1.12),
    "lid_hood": (0.9, 0.4, 0.98),
    "mouth_width": (26, 24.5, 3.5),
    "lip_upper": (6, 7.8, 2.1),
    "lip_lower": (8, 9.8, 2.38),
    "lip_bow": (0.17, 0.17, 0.098),
    "chin_bulge": (-2, -2, 2.52),
    "chin_cleft": (0, 0, 1.26),
    "cheek_fold": (0.9, 0.9, 0.7),
    "brow_y": (18, 21, 2.52),
    "brow_arch": (2, 4.0, 2.1),
    "brow_tilt": (1, 1, 3.36),
    "brow_inner": (12.5, 12.5, 3.36),
    "brow_outer": (51, 51, 3.5),
    "brow_thickness": (8.2, 5.4, 2.38),
}
_EARS = {"ear_size": (1, 1, 0.112), "ear_angle": (0.34, 0.34, 0.182)}
_HAIRLINE = {"hairline": (66, 64, 5), "hair_peak": (1, 1, 3), "hair_recede": (4, 0, 5), "sideburn": (-4, 0, 6)}
_NOT_NEGATIVE = ("chin_cleft", "hair_recede")
_TAIL = 2.2  # draws are cut at this many standard deviations


def draw_identity(seed: int, **overrides: Any) -> Identity:
    """A head drawn from a seed; any field of `Identity` may be given instead, `hair` also by a name of HAIR_STYLES.

    Odd seeds look more masculine. The same seed always gives the same head.
    """
    rng = np.random.default_rng(seed)
    masculine = bool(overrides.pop("masculine", seed % 2))
    tone = int(rng.integers(len(tones.SKIN_TONES)))
    dark = tone >= tones.DARK_TONES
    hair_colour = int(rng.choice([0, 1, 2] if dark else [0, 1, 2, 3, 4, 5, 6]))
    styles = ["buzz", "short", "crop", "quiff", "short"] if masculine else ["bob", "bangs", "long", "tied", "long"]
    style = str(rng.choice(styles))
    drawn: dict[str, Any] = {"seed": seed, "masculine": masculine, "hair": HAIR_STYLES[style]}
    drawn["tone"] = tones.SKIN_TONES[tone] * rng.uniform(0.94, 1.06)
    drawn["hair_rgb"] = tones.HAIR_COLOURS[hair_colour]
    drawn |= _normals(rng, _HEAD, masculine)
    drawn["brow_hairs"] = int(rng.uniform(150, 380))
    drawn |= _normals(rng, _EARS, masculine)
    drawn |= _normals(rng, _HAIRLINE, masculine)
    drawn["hair_phase"] = rng.uniform(0, 6)
    drawn |= _skin(rng, dark)
    drawn |= _beard(rng) if masculine else _make_up(rng)
    drawn |= overrides
    if isinstance(drawn["hair"], str):
        drawn["hair"] = HAIR_STYLES[drawn["hair"]]
    hair = drawn["hair_rgb"]
    drawn.setdefault("brow_rgb", hair * (0.65 if hair.mean() > 0.1 else 0.9))  # brows of fair hair are darker
    waves = [(rng.normal(0, 0.035), rng.normal(0, 0.03), rng.uniform(0, 6), 0.45) for _ in range(3)]
    return Identity(asymmetry=np.array(waves), **drawn)


def _normals(rng: np.random.Generator, table: dict[str, tuple[float, float, float]], masculine: bool) -> dict:
    drawn = {}
    for name, (mean_masculine, mean_feminine, deviation) in table.items():
        mean = mean_masculine if masculine else mean_feminine
        reach = _TAIL * deviation
        value = float(np.clip(rng.normal(mean, deviation), mean - reach, mean + reach))
        drawn[name] = max(0, value) if name in _NOT_NEGATIVE else value
    return drawn


def _skin(rng: np.random.Generator, dark: bool) -> dict[str, Any]:
    """Skin, eyes and clothes. The order of the draws belongs to the look of every seed."""
    iris = int(rng.choice([0, 1] if dark else [0, 1, 2, 3, 4]))
    drawn: dict[str, Any] = {"iris_rgb": tones.IRIS_COLOURS[iris] * rng.uniform(0.8, 1.2)}
    drawn["mottle"] = rng.uniform(0.6, 1.5)
    drawn["blush"] = rng.uniform(0.2, 0.9)
    drawn["dark_circles"] = rng.uniform(0.1, 0.9)
    freckled = rng.uniform(0, 1) < 0.2
    count = int(rng.uniform(60, 220))
    drawn["freckles"] = count if freckled and not dark else 0
    drawn["moles"] = int(rng.uniform(0, 4))
    drawn["pores"] = rng.uniform(0.2, 0.7)
    drawn["wrinkles"] = rng.uniform(0.5, 1.0) if rng.uniform() < 0.3 else 0.0
    drawn["age"] = rng.uniform(0, 0.8)
    drawn["lip_tint"] = np.array([0.98, 0.50, 0.50]) * rng.uniform(0.75, 1.05)
    drawn["stripes"] = bool(rng.uniform() < 0.3)
    drawn["neckline"] = rng.uniform(-0.3, 0.9)
    cloth = tones.linear(*rng.integers(25, 190, 3))
    drawn["cloth_rgb"] = 0.45 * cloth + 0.55 * cloth.mean()
    drawn["glasses"] = bool(rng.uniform() < 0.15)
    bare = {"eyeshadow": 0.0, "eyeshadow_tint": np.array([0.5, 0.4, 0.45]), "lipstick": None}
    return drawn | bare | {"beard": "none", "beard_depth": 0.0}


def _beard(rng: np.random.Generator) -> dict[str, Any]:
    beard = str(rng.choice(["none", "stubble", "none", "full", "goatee", "moustache"]))
    depth = rng.uniform(2, 7)
    return {"beard": beard, "beard_depth": depth if beard == "full" else 0.0}


def _make_up(rng: np.random.Generator) -> dict[str, Any]:
    eyeshadow = rng.uniform(0, 0.5)
    painted = rng.uniform() < 0.5
    return {"eyeshadow": eyeshadow, "lipstick": tones.LIPSTICKS[int(rng.integers(3))] if painted else None}
