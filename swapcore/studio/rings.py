"""The head as a stack of closed rings, crown to torso: one grid of points that all actors share.

Each key ring has a front, a side and a back point; super-ellipse arcs join them, and a cubic through the key rings
fills the rows between. Two rings, the line of the eyes and the line of the mouth, are doubled: they are the slits that
lids and lips open. Everything finer is a displacement (see features).
"""

from __future__ import annotations

import numpy as np

from swapcore.studio.identity import Identity
from swapcore.studio.mesh import cross

EYE_RING, NOSE_RING, MOUTH_RING, CHIN_RING = 6, 8, 9, 12  # key rings
# millimetres: front (y, z), side (x, y, z), back (y, z), exponent of the front's super-ellipse
_FRONT_Y, _FRONT_Z, _WIDTH, _SIDE_Y, _SIDE_Z, _BACK_Y, _BACK_Z, _POWER = range(8)
_RINGS = np.array(
    [
        [122, -12, 1, 122, -12, 122, -12, 2.2],
        [114, 30, 41, 115, -12, 113, -52, 2.2],
        [93, 64, 64, 96, -14, 92, -86, 2.2],
        [68, 82, 73, 74, -14, 66, -102, 2.2],
        [44, 89, 75, 50, -12, 40, -106, 2.3],
        [20, 90, 73, 24, -8, 14, -104, 2.35],
        [0, 85, 70, 0, -6, -10, -96, 2.3],  # eyes
        [-22, 85, 69, -18, -4, -32, -84, 2.1],
        [-43, 86, 65, -35, -5, -50, -73, 1.95],  # below the nose
        [-64, 87, 60, -48, -8, -64, -66, 1.82],  # mouth
        [-82, 83, 56, -58, -12, -76, -62, 1.68],
        [-97, 83, 53, -66, -16, -86, -60, 1.58],
        [-108, 76, 50, -73, -19, -94, -60, 1.52],  # chin
        [-112, 60, 49, -82, -21, -102, -60, 1.55],
        [-113, 32, 50, -94, -22, -110, -61, 1.75],
        [-122, 15, 53, -112, -24, -120, -63, 2.0],  # neck
        [-137, 10, 55, -129, -28, -134, -66, 2.0],
        [-151, 8, 60, -143, -30, -146, -70, 2.0],
        [-160, 16, 86, -151, -32, -152, -78, 2.1],
        [-176, 42, 148, -163, -34, -165, -94, 2.2],  # shoulders
        [-198, 62, 190, -184, -34, -188, -102, 2.5],
        [-300, 84, 204, -300, -34, -300, -106, 2.6],
    ],
    float,
)
_ROWS_BETWEEN = [5, 6, 7, 8, 12, 18, 16, 19, 19, 13, 9, 7, 5, 4, 4, 4, 4, 4, 5, 5, 3]
MIDDLE = 84  # column of the face's middle; columns run from the middle of the back to it and round again
COLUMNS = 2 * MIDDLE + 1


def _ring_of_rows() -> tuple[np.ndarray, dict[int, int]]:
    """Position of every row among the key rings, and the upper row of each slit."""
    position: list[float] = []
    slit = {}
    for ring, rows in enumerate(_ROWS_BETWEEN):
        if ring in (EYE_RING, MOUTH_RING):
            slit[ring] = len(position)
            position.append(float(ring))
        position += list(ring + np.arange(rows) / rows)
    return np.array([*position, float(len(_ROWS_BETWEEN))]), slit


RING, _slits = _ring_of_rows()  # (ROWS,) key ring of each row, as a fraction
ROWS = len(RING)
EYE_ROW, MOUTH_ROW = _slits[EYE_RING], _slits[MOUTH_RING]  # the upper lid's and lip's row; the lower one is the next

# how much of a measure reaches each key ring, from the crown down
_SHARES = {
    "forehead_height": [1, 0.9, 0.8, 0.6, 0.35, 0.1],
    "face_length": [0] * 7 + [0.45, 0.6, 0.8, 0.93, 1, 1, 1, 1, 0.8, 0.3],
    "jaw_width": [0] * 7 + [0.1, 0.3, 0.55, 0.8, 1, 1, 0.9, 0.5, 0.2],
    "cheek_width": [0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1, 0.7, 0.3],
    "cranium_width": [0, 0.5, 0.8, 1, 1, 0.6],
    "chin_square": [0] * 9 + [0.3, 0.7, 1, 1, 0.6],
    "chin_forward": [0] * 9 + [0.2, 0.55, 1, 0.9, 0.6],
    "forehead_slope": [0, -0.3, -0.7, -1, -0.5],
    "nose_length": [0] * 8 + [-1, -0.7],
    "mouth_drop": [0] * 9 + [-1, -0.6],
    "neck_width": [0] * 15 + [0.6, 1, 1, 0.5],
}


def _key_rings(who: Identity) -> np.ndarray:
    """The key rings of this head."""
    rings = _RINGS.copy()

    def amount(name: str) -> np.ndarray:
        share = np.zeros(len(rings))
        share[: len(_SHARES[name])] = _SHARES[name]
        return share * getattr(who, name)

    rings[:, [_FRONT_Y, _SIDE_Y]] -= amount("face_length")[:, None] * [1, 0.7]
    rings[:, [_FRONT_Y, _SIDE_Y, _BACK_Y]] += amount("forehead_height")[:, None]
    rings[:, _WIDTH] += amount("jaw_width") + amount("cheek_width") + amount("cranium_width")
    rings[:, _POWER] += amount("chin_square")
    rings[:, _FRONT_Z] += amount("chin_forward") + amount("forehead_slope")
    rings[:, _FRONT_Y] += amount("nose_length") + amount("mouth_drop")
    rings[:, [_FRONT_Z, _WIDTH]] += amount("neck_width")[:, None] * [0.5, 1]
    return rings


def base_head(who: Identity) -> np.ndarray:
    """The plain head (ROWS, COLUMNS, 3) mm; columns by arc length, denser in front, left and right alike."""
    rings = _key_rings(who)
    below = np.clip(RING.astype(int), 0, len(rings) - 2)
    t = (RING - below)[:, None]
    slope = np.gradient(rings, axis=0)
    rows = (  # cubic Hermite
        (2 * t**3 - 3 * t**2 + 1) * rings[below]
        + (t**3 - 2 * t**2 + t) * slope[below]
        + (3 * t**2 - 2 * t**3) * rings[below + 1]
        + (t**3 - t**2) * slope[below + 1]
    )
    front_y, front_z, width, side_y, side_z, back_y, back_z, power = rows.T[:, :, None]
    angle = np.linspace(0, np.pi / 2, 200)[None]
    s = np.sin(angle)
    rounded = np.sqrt(s * s + 0.02) - 0.02**0.5  # rounds the cusp that an exponent below 2 has at the midline
    c = (1 - np.minimum(rounded / (1.02**0.5 - 0.02**0.5), 1) ** power) ** (1 / power)
    front = np.stack([width * s, side_y + (front_y - side_y) * c, side_z + (front_z - side_z) * c], -1)
    s, c = np.sin(angle) ** 0.95, np.cos(angle) ** 0.95
    back = np.stack([width * c, side_y + (back_y - side_y) * s, side_z + (back_z - side_z) * s], -1)
    dense = np.concatenate([front, back[:, 1:]], 1)
    steps = np.linalg.norm(np.diff(dense, axis=1), axis=2)
    length = np.concatenate([np.zeros((ROWS, 1)), np.cumsum(steps, 1)], 1)
    u = np.linspace(0, 1, MIDDLE + 1)
    wanted = 0.46 * u + 0.54 * u**3
    half = np.stack(
        [
            np.stack([np.interp(wanted * length[r, -1], length[r], dense[r, :, k]) for k in range(3)], -1)
            for r in range(ROWS)
        ]
    )
    return np.concatenate([half[:, :0:-1] * [-1, 1, 1], half], 1)


def height_of(head: np.ndarray, ring: int) -> float:
    """Height (mm) of a key ring in the middle of the face."""
    return float(head[np.searchsorted(RING, ring), MIDDLE, 1])


def front_column(head: np.ndarray, row: int, x: float) -> int:
    """Column of a row's point nearest to `x` on the front of the head."""
    return int(np.argmin(np.abs(head[row, :, 0] - x) + 1e3 * (head[row, :, 2] < 0)))


def breadth(head: np.ndarray) -> np.ndarray:
    """(ROWS, COLUMNS) distance from the midline, share of the row's largest."""
    x = np.abs(head[..., 0])
    return x / (x.max(1, keepdims=True) + 1e-6)


def head_normals(head: np.ndarray) -> np.ndarray:
    """Unit normals (ROWS, COLUMNS, 3) of a head, one-sided where a slit is open."""
    along = np.empty_like(head)
    along[:, 1:-1] = head[:, 2:] - head[:, :-2]
    along[:, 0] = along[:, -1] = head[:, 1] - head[:, -2]
    down = np.empty_like(head)
    for a, b in ((0, EYE_ROW + 1), (EYE_ROW + 1, MOUTH_ROW + 1), (MOUTH_ROW + 1, ROWS)):
        down[a + 1 : b - 1] = head[a + 2 : b] - head[a : b - 2]
        down[a] = head[a + 1] - head[a]
        down[b - 1] = head[b - 1] - head[b - 2]
    normals = cross(down, along)
    normals /= np.sqrt((normals * normals).sum(-1, keepdims=True)) + 1e-9
    for row in (EYE_ROW, MOUTH_ROW):
        shut = np.abs(head[row] - head[row + 1]).sum(-1) < 1e-6
        mean = normals[row] + normals[row + 1]
        mean /= np.linalg.norm(mean, axis=-1, keepdims=True) + 1e-9
        normals[row, shut] = normals[row + 1, shut] = mean[shut]
    normals[0] = [0, 1, 0]
    return normals
