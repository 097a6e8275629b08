"""The light on a face: what of it a swapped face must take over from the face that it replaces.

Light is told from shading: a coarse head, an ellipsoid laid through the landmarks' pose, says where the skin faces at each pixel,
and the nine spherical harmonics of lowest order, all that a matt surface shows of distant light (Ramamoorthi and Hanrahan,
An Efficient Representation for Irradiance Environment Maps, 2001), are fitted to the skin's linear luminance. The ratio of two
such fits takes the light of one face to another, as ratio images do (Marschner and Greenberg 1997), in low frequencies alone.
"""

from __future__ import annotations

import cv2
import numpy as np

from swapcore import align

GRID = 48  # pixels a side of the picture in which light is fitted
MIDDLE = np.array(
    [0.0, 0.12, 0.42]
)  # of the ellipsoid, in the head's coordinates (align.HEAD_XYZ: widths over the brows)
HALF = np.array([0.66, 0.92, 0.62])  # its half axes: across, down, towards the viewer
RIDGE = 0.02  # weight of no shading but the constant one, in shares of the pixels
ROUNDS = 4  # of reweighting, so that brows, eyes and lips, which are no skin, do not count
BOUNDS = (0.45, 2.2)  # of the ratio
UNSEEN = 0.05  # by which its logarithm is taken back: two faces in one light differ by as much
DARKEST = 0.15  # of a fit, of its mean: in deep shadow a ratio is noise
POOR, GOOD = (
    0.15,
    0.5,
)  # share of the target's shading that the fit explains: below the one nothing is done, above the other all
LUMA = np.array([0.0722, 0.7152, 0.2126], np.float32)  # of linear BGR (ITU-R BT.709)


def relight(swapped_bgr: np.ndarray, target_bgr: np.ndarray, mask: np.ndarray, landmarks_xy: np.ndarray) -> np.ndarray:
    """Give the swapped face the target's distribution of light, but not its brightness or colour, which is for COLOURS.

    swapped_bgr and target_bgr (s, s, 3) float32 BGR 0..1 in sRGB's gamma values, aligned with each other; mask (s, s) float32
    0..1, where both show skin; landmarks (68, 2) of the target in their pixels. Returns the like of swapped_bgr. Where the
    target's light cannot be told (little of the shading is explained, or too little skin is seen) less of it is done, or nothing.
    """
    side = len(mask)
    shape = shading(landmarks_xy, side=side)
    small = cv2.resize(np.asarray(mask, np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA) * (shape[..., 0] > 0)
    if small.sum() < 0.05 * GRID**2:
        return swapped_bgr
    fits = []
    for picture in (target_bgr, swapped_bgr):
        light = cv2.resize(_linear(picture) @ LUMA, (GRID, GRID), interpolation=cv2.INTER_AREA)
        fits.append(fitted(light, shape, small))
    (wanted, told), (has, _) = fits
    strength = np.clip((told - POOR) / (GOOD - POOR), 0, 1)
    if strength == 0:
        return swapped_bgr
    ratio = wanted / has
    ratio /= np.exp(
        (np.log(ratio) * small).sum() / small.sum()
    )  # how bright all of it is says nothing of where light is from
    change = np.log(np.clip(ratio, *BOUNDS))
    change = np.sign(change) * np.maximum(np.abs(change) - UNSEEN, 0)
    ratio = np.exp(strength * change)
    ratio /= (ratio * small).sum() / small.sum()  # brightness stays
    # beyond the skin the ratio goes on as it is at its edge
    covered = cv2.GaussianBlur(np.dstack([ratio * small, small]).astype(np.float32), (0, 0), GRID / 16)
    ratio = np.where(small > 0.5, ratio, covered[..., 0] / np.maximum(covered[..., 1], 1e-3))
    ratio = np.where(covered[..., 1] > 1e-3, ratio, 1.0)
    ratio = cv2.GaussianBlur(ratio.astype(np.float32), (0, 0), 1.0)
    wide = cv2.resize(ratio, (side, side), interpolation=cv2.INTER_LINEAR)[..., None]
    return _gamma(np.clip(_linear(swapped_bgr) * wide, 0, 1))


def shading(landmarks_xy: np.ndarray, *, side: int) -> np.ndarray:
    """The nine harmonics where a crop of `side` pixels shows the head, (GRID, GRID, 9) float64; 0 where it shows none.

    landmarks (68, 2) in the crop's pixels.
    """
    to_picture = align.place(landmarks_xy)  # (2, 4)
    across, down = to_picture[0, :3], to_picture[1, :3]
    away = np.cross(across, down)
    away /= np.linalg.norm(away)  # away from the viewer, in the head's coordinates
    step = side / GRID
    y, x = (np.mgrid[:GRID, :GRID] + 0.5) * step - 0.5
    seen = np.stack([x, y], -1) - to_picture[:, 3]
    origin = seen @ np.linalg.pinv(to_picture[:, :3]).T - MIDDLE  # a point of each pixel's ray
    a = np.sum((away / HALF) ** 2)
    b = 2 * (origin / HALF**2) @ away
    c = np.sum((origin / HALF) ** 2, -1) - 1
    root = b**2 - 4 * a * c
    near = (-b - np.sqrt(np.maximum(root, 0))) / (2 * a)
    normal = (origin + near[..., None] * away) / HALF**2
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
    scale = np.linalg.norm(across)
    nx, ny, nz = (normal @ axis for axis in (across / scale, down / np.linalg.norm(down), -away))
    harmonics = [np.ones_like(nx), nx, ny, nz, nx * ny, nx * nz, ny * nz, nx**2 - ny**2, 3 * nz**2 - 1]
    return np.where(root[..., None] > 0, np.stack(harmonics, -1), 0.0)


def fitted(light: np.ndarray, shape: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """The shading (h, w) that explains linear luminance (h, w) best where there is weight (h, w), and how much it explains.

    shape (h, w, 9) as of `shading`. Least squares with Tukey's weights in a few rounds. The fit is from DARKEST of its mean on;
    the second value is 1 less the share of the variance that is left, 0 at least.
    """
    some = weight.reshape(-1) > 0
    whole = shape.reshape(-1, 9)
    rows, values, counts = (
        whole[some],
        light.reshape(-1)[some].astype(np.float64),
        weight.reshape(-1)[some].astype(np.float64),
    )
    ridge = RIDGE * counts.sum() * np.diag([0.0, *[1.0] * 8])
    trust = counts
    for _ in range(ROUNDS):
        weighted = rows * trust[:, None]
        coefficients = np.linalg.solve(weighted.T @ rows + ridge + 1e-9 * np.eye(9), weighted.T @ values)
        off = values - rows @ coefficients
        spread = 1.5 * np.sqrt((trust * off**2).sum() / max(trust.sum(), 1e-9)) + 1e-6
        trust = counts * np.maximum(1 - (off / (2.5 * spread)) ** 2, 0) ** 2
    mean = (trust * values).sum() / max(trust.sum(), 1e-9)
    told = 1 - (trust * off**2).sum() / max((trust * (values - mean) ** 2).sum(), 1e-12)
    found = (whole @ coefficients).reshape(light.shape)
    level = (found * weight).sum() / weight.sum()
    return np.maximum(found, DARKEST * max(level, 1e-4)), float(max(told, 0.0))


def _linear(bgr: np.ndarray) -> np.ndarray:
    return np.where(bgr <= 0.04045, bgr / 12.92, ((bgr + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _gamma(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)
