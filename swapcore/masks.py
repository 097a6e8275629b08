"""Where the face is: masks drawn from landmarks, and their soft edge.

A mask is float32 (h, w), 1 on the face and 0 off it, in whatever pixel space its landmarks are given in: the frame's for
conversion, the crop's for the loss of training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import cv2
import numpy as np

from swapcore import align
from swapcore.types import Parsed

# Parts of the iBUG 68 points whose convex hulls together make the face; right and left are the person's own. Neighbours
# overlap, so that no seam is left between two antialiased outlines. A union and not one hull: on a turned head one hull
# would bridge from the nose to the brow across the background.
RIGHT_BROW, LEFT_BROW = range(17, 22), range(22, 27)
RIGHT_EYE, LEFT_EYE = range(36, 42), range(42, 48)
NOSE, MOUTH = range(27, 36), range(48, 68)
PARTS: tuple[tuple[int, ...], ...] = (
    (*range(0, 9), *NOSE),  # right half of the jaw, up to the nose
    (*range(8, 17), *NOSE),  # left half
    (0, 1, *RIGHT_BROW, *RIGHT_EYE, 27, 28, 31),  # right brow, eye and temple
    (15, 16, *LEFT_BROW, *LEFT_EYE, 27, 28, 35),  # left
    (*RIGHT_BROW, *LEFT_BROW, 27, 28),  # both brows and the root of the nose
    (*NOSE, *MOUTH, 7, 8, 9),  # nose, mouth, chin
)

RIGID = np.arange(27, 48)  # nose and eyes: what an expression moves least
# How far `extended` raises the mean face's brows, from the outer end inwards, in distances from the eye's centre to the
# brow's. Half again over where brows lie at rest, so that raised ones are inside; the lower third of the forehead, clear of
# most fringes. The outer ends rise less, for there the hairline comes down to the temple.
BROW_RAISE = np.array([0.9, 1.3, 1.5, 1.5, 1.5], np.float32)

SUBPIXEL = 4  # bits after the point when OpenCV draws: 1/16 pixel


def components(landmarks_xy: np.ndarray, *, size_hw: tuple[int, int]) -> np.ndarray:
    """The union of the hulls of jaw and nose, brows, eyes, nose and mouth: the face from the brows to the chin.

    landmarks_xy (68, 2) in pixels, may lie outside the picture. Returns float32 (h, w) 0..1 with an antialiased edge.
    """
    return _union([_points(landmarks_xy)], size_hw)


def extended(landmarks_xy: np.ndarray, *, size_hw: tuple[int, int]) -> np.ndarray:
    """`components` with the lower forehead, whose upper edge stays calm while the brows move.

    The mean face (align.TEMPLATE_XY) is laid over eyes and nose; its brows, moved away from its eyes by BROW_RAISE times
    their distance, say how high the forehead is taken in. The landmarks of the brows say how far to the sides, so that on a
    turned head nothing beyond its outline is: but not how high, for the predictor loses brows that are raised, and an edge
    that follows it jumps across them. Same arguments and result as `components`.
    """
    points = _points(landmarks_xy)
    matrix = align.similarity(align.TEMPLATE_XY[RIGID - 17], points[RIGID])
    upright, mean = align.transform(points, align.invert(matrix)), align.TEMPLATE_XY[:, 1]
    for brow, eye, raise_by in ((RIGHT_BROW, RIGHT_EYE, BROW_RAISE), (LEFT_BROW, LEFT_EYE, BROW_RAISE[::-1])):
        height = mean[np.array(brow) - 17]
        upright[brow, 1] = height + raise_by * (height.mean() - mean[np.array(eye) - 17].mean())
    raised = points.copy()
    raised[17:27] = align.transform(upright[17:27], matrix)
    return _union([points, raised], size_hw)


def hull(landmarks_xy: np.ndarray, *, size_hw: tuple[int, int]) -> np.ndarray:
    """The convex hull of all landmarks; bridges over the background on a turned head. Arguments and result as of `components`."""
    canvas = np.zeros(size_hw, np.uint8)
    _fill(canvas, _points(landmarks_xy), range(68))
    return canvas * np.float32(1 / 255)


MASKS: dict[str, Callable[..., np.ndarray]] = {"components": components, "extended": extended, "hull": hull}
PARSED = "parser"  # a mask that no landmarks draw: what was parsed of the picture, see `parsed_at`

Setting = str | Mapping[str, Sequence[str]]
"""A mask's name, or {"min": [names]}, "max" or "product"."""

# How masks of one face become one: (k, h, w) -> (h, w). min: what is in all of them; max: in any; product: min with soft edges
# that meet softly
COMBINE: dict[str, Callable[..., np.ndarray]] = {
    "min": np.minimum.reduce,
    "max": np.maximum.reduce,
    "product": np.multiply.reduce,
}
# A parser's answer between these is the edge: it says half where it wavers, and less than all where it is nearly sure
EDGE = (0.3, 0.8)
LEARNED = "learned"  # a mask that the model makes
AUTO = (
    "auto"  # the mask CALM, which conversion raises to the hair in shots where the forehead that it leaves would show
)
CALM: Setting = {"min": ["extended", PARSED]}
SMOOTHER = 2  # times its size, by which a parsed mask is enlarged before it is brought to the frame's


def parsed_at(parsed: Parsed, matrix: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """What was parsed as a mask (h, w) float32 0..1 of a picture whose pixels `matrix` (2, 3) takes to frame pixels; 0 beyond."""
    side = len(parsed.share)
    # enlarged smoothly while it is small; from there on straight lines do, in a tenth of the time
    large = cv2.resize(parsed.share, (SMOOTHER * side, SMOOTHER * side), interpolation=cv2.INTER_CUBIC)
    to_share = SMOOTHER * (parsed.matrix @ np.vstack([matrix, (0, 0, 1)]))
    to_share[:, 2] += (SMOOTHER - 1) / 2
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    share = cv2.warpAffine(large, to_share, size_hw[::-1], flags=flags, borderMode=cv2.BORDER_CONSTANT)
    low, high = EDGE
    return cv2.LUT(share, np.clip((np.arange(256, dtype=np.float32) / 255 - low) / (high - low), 0, 1))


def names(mask: Setting) -> tuple[str, list[str]]:
    """How masks are combined, and which: a setting such as "extended" or {"min": ["extended", "parser"]} taken apart."""
    mask = CALM if mask == AUTO else mask
    if isinstance(mask, str):
        return "min", [mask]
    ((how, which),) = mask.items()
    return how, list(which)


def words(mask: Setting) -> str:
    """A setting in words: extended, or min of extended, parser."""
    return mask if isinstance(mask, str) else f"{names(mask)[0]} of {', '.join(names(mask)[1])}"


def drawn(
    mask: Setting,
    landmarks_xy: np.ndarray,
    *,
    size_hw: tuple[int, int],
    parsed: Parsed | None,
    matrix: np.ndarray,
    learned: Parsed | None = None,
) -> list[tuple[np.ndarray, bool]]:
    """The masks of a setting, each (h, w) float32 0..1, and whether its edge is as it shall be or has yet to be softened.

    landmarks (68, 2) in their pixels, which `matrix` (2, 3) takes to frame pixels. Where nothing was parsed of a face, `parser`
    is its `hull`; where no model was asked, `learned` is `extended`.
    """
    found = []
    seen, instead = {PARSED: parsed, LEARNED: learned}, {PARSED: "hull", LEARNED: "extended"}
    for name in names(mask)[1]:
        if seen.get(name) is not None:
            found.append((parsed_at(seen[name], matrix, size_hw), True))
        else:
            found.append((MASKS[instead.get(name, name)](landmarks_xy, size_hw=size_hw), False))
    return found


def combined(mask: Setting, parts: Sequence[np.ndarray]) -> np.ndarray:
    """The masks of a setting, in its order, (h, w) each, as one."""
    return COMBINE[names(mask)[0]](parts)


def forehead(landmarks_xy: np.ndarray, *, size_hw: tuple[int, int]) -> np.ndarray:
    """What lies above the brows, hair and background too: (h, w) float32, from 0 at the eyes to 1 at the brows, 1 above them."""
    points = _points(landmarks_xy)
    eyes = points[[*RIGHT_EYE, *LEFT_EYE]].mean(0)
    across = points[LEFT_EYE].mean(0) - points[RIGHT_EYE].mean(0)
    up = np.array([across[1], -across[0]]) / max(float(np.linalg.norm(across)), 1e-6)
    rise = max(float((points[[*RIGHT_BROW, *LEFT_BROW]].mean(0) - eyes) @ up), 1.0)
    x, y = np.arange(size_hw[1], dtype=np.float32), np.arange(size_hw[0], dtype=np.float32)[:, None]
    return np.clip(((x - eyes[0]) * up[0] + (y - eyes[1]) * up[1]) / rise, 0, 1).astype(np.float32)


GROW = (
    0.12  # of the distance between the eyes' centres: lids and lashes belong to eyes, and the lips' edge to the mouth
)


def eyes(landmarks_xy: np.ndarray, *, size_hw: tuple[int, int]) -> np.ndarray:
    """Both eyes with their lids, (h, w) float32 0..1 with a soft edge; arguments as of `components`."""
    return _grown(landmarks_xy, (tuple(RIGHT_EYE), tuple(LEFT_EYE)), size_hw)


def mouth(landmarks_xy: np.ndarray, *, size_hw: tuple[int, int]) -> np.ndarray:
    """The mouth with its lips, (h, w) float32 0..1 with a soft edge; arguments as of `components`."""
    return _grown(landmarks_xy, (tuple(MOUTH),), size_hw)


def _grown(landmarks_xy: np.ndarray, parts: Iterable[tuple[int, ...]], size_hw: tuple[int, int]) -> np.ndarray:
    points = _points(landmarks_xy)
    apart = float(np.linalg.norm(points[RIGHT_EYE].mean(0) - points[LEFT_EYE].mean(0)))
    drawn = np.zeros(size_hw, np.float32)
    grow = max(GROW * apart, 0.5)
    for part in parts:
        hull = np.rint(cv2.convexHull(points[list(part)]) * 2**SUBPIXEL).astype(np.int32)
        cv2.fillPoly(drawn, [hull], 1.0, cv2.LINE_AA, SUBPIXEL)
        cv2.polylines(drawn, [hull], True, 1.0, max(round(2 * grow), 1), cv2.LINE_AA, SUBPIXEL)
    return cv2.GaussianBlur(drawn, (0, 0), grow / 2)


# what a loss may look at more closely, drawn as the masks are
FEATURES: dict[str, Callable[..., np.ndarray]] = {"eyes": eyes, "mouth": mouth}


def soften(mask: np.ndarray, *, face_size: float, erode: float, blur: float) -> np.ndarray:
    """Shrink a mask and give it a soft edge that lies wholly inside its outline: nothing outside the mask is touched.

    mask (h, w) 0..1; its outline is where it crosses 0.5. face_size in pixels; erode and blur are shares of it: the result
    is 0 up to `erode` inside the outline and 1 from `erode + blur` on. Where the mask runs off the picture there is no
    edge. Returns float32 (h, w) 0..1.

    The outline is moved inwards by its distance transform (Borgefors 1986, off by 2 % at most); the edge is three box
    filters, near a Gaussian (Wells 1986) but ending exactly where it must.
    """
    inside = (np.asarray(mask) > 0.5).astype(np.uint8)
    if not inside.any():
        return np.zeros(inside.shape, np.float32)
    if inside.all():
        return np.ones(inside.shape, np.float32)
    reach = int(blur * face_size / 2)  # of the three boxes together
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    soft = np.clip(distance - erode * face_size - reach, 0, 1).astype(np.float32)
    for radius in ((reach + k) // 3 for k in range(3)):
        if radius:
            soft = cv2.blur(soft, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REPLICATE)
    # running sums leave a crumb of rounding where there must be nothing
    soft *= distance > erode * face_size
    return np.clip(soft, 0, 1, out=soft)


def _points(landmarks_xy: np.ndarray) -> np.ndarray:
    points = np.array(landmarks_xy, np.float32)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        raise ValueError(f"expected 68 finite landmarks (68, 2), got shape {points.shape}")
    return points


def _union(outlines: Iterable[np.ndarray], size_hw: tuple[int, int]) -> np.ndarray:
    """The parts of all outlines; each outline is drawn by itself, for soft edges drawn over one another grow."""
    drawn = []
    for points in outlines:
        drawn.append(np.zeros(size_hw, np.uint8))
        for part in PARTS:
            _fill(drawn[-1], points, part)
    return np.maximum.reduce(drawn) * np.float32(1 / 255)


def _fill(canvas: np.ndarray, points: np.ndarray, part: Iterable[int]) -> None:
    hull = cv2.convexHull(points[list(part)])
    fixed = np.rint(hull * (1 << SUBPIXEL)).astype(np.int32)
    cv2.fillConvexPoly(canvas, fixed, 255, lineType=cv2.LINE_AA, shift=SUBPIXEL)
