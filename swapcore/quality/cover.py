"""Scores of what does not look like a face in its place: landmarks that sit badly, things in front of the face."""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.quality.view import INNER, WHOLE, View

_SIDE = INNER // 2  # of the pictures that `misalignment` compares
_AROUND = 25  # over which an edge is compared with others, pixels
_SHIFT = 4  # binary digits after the point of what is drawn
_FLOOR = 3.0  # grey levels a pixel: weaker edges count less
_LIDS = (range(36, 42), range(42, 48))
_BROWS = (range(17, 22), range(22, 27))
# what is not skin, or seldom smooth: brows, eyes with what lies between, nostrils, lips
_FEATURES = (
    *((17, 18, 19, 20, 21, 39, 40, 41, 36), (22, 23, 24, 25, 26, 45, 46, 47, 42)),
    *(range(31, 36), range(48, 60)),
)
_TINT = 12.0  # how far the chroma of one face's skin may lie from its median, CIELAB units at L* 60
_COLOURLESS = 0.75  # where a larger share has no colour of skin, light or film is to blame and not what hides the face
_EDGE = 8.0  # from which change of L* a pixel an edge is stronger than skin has
_KERNEL = np.ones((3, 3), np.uint8)


def misalignment(view: View) -> float:
    """How little the picture's edges run as a drawing of the landmarks would, per cent: 0 as drawn, 100 no relation. Less is
    better.

    Brows, eyes, nose and lips are drawn from the landmarks; the directions of the edges of drawing and picture, as double
    angles, so that dark on light and light on dark are the same, are correlated inside the hull of the landmarks (cf.
    Cootes & Taylor 2001, structure of edges in place of grey values). Faces in place have 45 to 75 on three people's
    footage, to 91 in the studio's hardest light and turned by 60 degrees; landmarks a tenth of the brows' width aside 74 to
    96, a fifth 80 to 108, a third 87 to 123. Hands raise it (median 78 where one hides a quarter). A plausible shape is no
    proof: dlib's predictor draws a face on anything, so the shape itself tells next to nothing.
    """
    picture = cv2.resize(view.luma, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    points = view.luma_xy / 2 - 0.25
    hull = cv2.convexHull(np.round(points[17:]).astype(np.int32))
    within = cv2.dilate(cv2.fillConvexPoly(np.zeros((_SIDE, _SIDE), np.uint8), hull, 1), _KERNEL)
    seen, drawn = (_directions(image) * within for image in (picture, _drawing(points)))
    power = float(np.vdot(seen, seen) * np.vdot(drawn, drawn))
    return float(100 * (1 - np.vdot(seen, drawn) / np.sqrt(power + 1e-6)))


def _directions(image: np.ndarray) -> np.ndarray:
    """(n, n) -> (2, n, n) float32: double angle of the edge in each pixel, as long as the edge is strong for its place."""
    smooth = cv2.GaussianBlur(image, (0, 0), 1.2)
    x, y = (cv2.Sobel(smooth, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    power = x * x + y * y
    weight = 1 / np.sqrt((power + 1e-3) * (cv2.blur(power, (_AROUND, _AROUND)) + _FLOOR**2))
    return np.stack([(x * x - y * y) * weight, 2 * x * y * weight])


def _drawing(points_xy: np.ndarray) -> np.ndarray:
    """A face as its landmarks (68, 2) say, (_SIDE, _SIDE) float32 grey."""
    image = np.full((_SIDE, _SIDE), 190, np.uint8)
    points = np.round(points_xy * (1 << _SHIFT)).astype(np.int32)
    how = {"lineType": cv2.LINE_AA, "shift": _SHIFT}
    for brow in _BROWS:
        cv2.polylines(image, [points[brow]], False, 90, 2, **how)
    for lids in _LIDS:
        middle = points[lids].mean(0)
        cv2.fillPoly(image, [np.round(middle + 1.35 * (points[lids] - middle)).astype(np.int32)], 130, **how)
        cv2.fillPoly(image, [points[lids]], 90, **how)
        cv2.polylines(image, [points[lids][:4]], False, 40, 2, **how)
    cv2.polylines(image, [points[27:31]], False, 225, 3, **how)
    cv2.polylines(image, [points[31:36]], False, 110, 2, **how)
    cv2.fillPoly(image, [points[48:60]], 140, **how)
    cv2.fillPoly(image, [points[60:68]], 70, **how)
    cv2.polylines(image, [points[60:68]], True, 60, 1, **how)
    return image.astype(np.float32)


def occlusion(view: View) -> float:
    """A guess at how much of the face's skin is hidden, per cent of the skin that should show. Less is better.

    Counted are pixels between chin and brows, without the features and the face's outline, whose chroma at equal
    lightness is not that of any skin, or not of this face's own (the median of what may be skin), and pixels at edges
    stronger than skin has. On footage free faces have 0 to 11. It finds microphones, cups, hair and sleeves (a blue box over
    a fifth of a studio face: median 34, free faces there 7) and the rims of thick glasses (40). It sees a hand by the edges
    of its fingers alone (19 where it hides a quarter of the face), glasses with thin rims hardly (5). Beards, hard shadows
    and paint count as well. In black and white, and in coloured light, only what differs from the face's own skin is seen.
    """
    skin = cv2.erode(view.inside.astype(np.uint8), np.ones((7, 7), np.uint8))
    features = np.zeros((WHOLE, WHOLE), np.uint8)
    points = np.round(view.lab_xy).astype(np.int32)
    for feature in _FEATURES:
        hull = cv2.convexHull(points[list(feature)])
        cv2.fillConvexPoly(features, hull, 1)
        cv2.polylines(features, [hull], True, 1, 2)
    skin = (skin > 0) & (cv2.dilate(features, _KERNEL) == 0)
    if not skin.any():  # nothing but features, as in a face seen from far aside
        return 0.0
    lightness, *chroma = np.moveaxis(view.lab[skin], -1, 0)
    strength = np.hypot(*chroma)
    hue = np.degrees(np.arctan2(chroma[1], chroma[0]))
    no_skin = (strength < 4) | ((strength > 6) & ((hue < 10) | (hue > 95)))
    level = np.stack(chroma) * (60 / np.maximum(lightness, 5))  # shade scales a* and b* with L*
    if no_skin.mean() > _COLOURLESS:
        no_skin[:] = False
    own = np.median(level[:, ~no_skin], 1, keepdims=True)
    tinted = np.hypot(*(level - own)) > _TINT
    smooth = cv2.GaussianBlur(view.lab[..., 0], (0, 0), 0.8)
    slopes = [cv2.Sobel(smooth, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1))]
    edges = cv2.dilate((cv2.magnitude(*slopes) > _EDGE).astype(np.uint8), _KERNEL)[skin] > 0
    return float(100 * (no_skin | tinted | edges).mean())
