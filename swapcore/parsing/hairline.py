"""The face up to the hair without any learnt network: where a head must have its forehead, and what colours and edges say.

Landmarks and the pose of a generic head say where skin must be, where it may be and where it cannot be; between them a cut is
made along the picture's edges that parts the colours of this face's skin from those around it (Rother, Kolmogorov and Blake,
GrabCut, 2004). Neighbours in time are asked by `steady`, as of every parser.
"""

from __future__ import annotations

import cv2
import numpy as np

from swapcore import align

BROWS = (*range(17, 27),)
# Of the forehead, in widths over the brows: half its breadth; in distances from the brows to the base of the nose, as which most
# foreheads are high (the face's thirds are alike, Farkas 1994): where skin may be taken for granted at first, and the highest
# hairline; how it recedes
BREADTH, HEIGHT, FARTHEST, RECEDES = 0.58, 0.65, 1.5, 0.22
ROUNDS = 3  # of GrabCut
CERTAIN = 0.045  # of the side: so far inside the landmarks' face skin is certain


def hairline(crop_bgr: np.ndarray, landmarks_xy: np.ndarray) -> np.ndarray:
    """The face of a crop (s, s, 3) uint8 BGR with landmarks (68, 2) in it: (s, s) float32 0..1."""
    side = len(crop_bgr)
    trimap = likely(landmarks_xy, side=side)
    if not ((trimap == cv2.GC_FGD).any() and (trimap == cv2.GC_BGD).any()):
        return (trimap >= cv2.GC_FGD).astype(np.float32) * (trimap != cv2.GC_PR_BGD)
    cv2.setRNGSeed(0)  # the mixtures of colours begin at random
    smooth = cv2.bilateralFilter(crop_bgr, 5, 25, 3)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    found, *_ = cv2.grabCut(smooth, trimap.copy(), None, *models, ROUNDS, cv2.GC_INIT_WITH_MASK)
    face = ((found == cv2.GC_FGD) | (found == cv2.GC_PR_FGD)).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    face = cv2.morphologyEx(cv2.morphologyEx(face, cv2.MORPH_CLOSE, kernel), cv2.MORPH_OPEN, kernel)
    count, labels, sizes, _ = cv2.connectedComponentsWithStats(face)
    if count > 1:
        face = (labels == 1 + sizes[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    return cv2.GaussianBlur(np.maximum(face, features(landmarks_xy, side)).astype(np.float32), (0, 0), side / 128)


def likely(landmarks_xy: np.ndarray, *, side: int) -> np.ndarray:
    """What GrabCut begins with, (side, side) uint8 of cv2.GC_BGD, GC_PR_BGD, GC_PR_FGD, GC_FGD."""
    trimap = np.full((side, side), cv2.GC_BGD, np.uint8)
    for reach, value in ((FARTHEST, cv2.GC_PR_BGD), (HEIGHT, cv2.GC_PR_FGD)):
        outline = np.concatenate([landmarks_xy[:17], arch(landmarks_xy, reach)])
        cv2.fillConvexPoly(trimap, cv2.convexHull(np.rint(outline).astype(np.int32)), value)
    inner = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(inner, cv2.convexHull(np.rint(landmarks_xy).astype(np.int32)), 1)
    reach = max(round(CERTAIN * side), 1)
    inner = cv2.erode(inner, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8), borderValue=0)
    # brows, eyes and mouth are face, but their colours are not the skin's: hair must not be taken for brows
    trimap[(inner > 0) & (features(landmarks_xy, side) == 0)] = cv2.GC_FGD
    return trimap


def arch(landmarks_xy: np.ndarray, reach: float) -> np.ndarray:
    """The forehead's upper outline from temple to temple, (n, 2), `reach` high (see HEIGHT), as its head is turned."""
    to_picture = align.place(landmarks_xy)
    brows, nose = align.TEMPLATE_XY[:10, 1].mean(), align.TEMPLATE_XY[33 - 17, 1]
    turn = np.linspace(np.pi, 2 * np.pi, 24)
    high = -np.sin(turn)
    x = (BREADTH * (1 + 0.25 * (reach - 1))) * np.cos(turn)
    y = brows - reach * (nose - brows) * high
    z = -0.1 + RECEDES * high * reach + 0.35 * (x / BREADTH) ** 2
    return np.stack([x, y, z, np.ones_like(x)], -1) @ to_picture.T


def features(landmarks_xy: np.ndarray, side: int) -> np.ndarray:
    """Brows, eyes, nostrils and mouth, (side, side) uint8 0 or 1."""
    found = np.zeros((side, side), np.uint8)
    for part in (range(17, 22), range(22, 27), range(36, 42), range(42, 48), range(31, 36), range(48, 60)):
        hull = cv2.convexHull(np.rint(landmarks_xy[list(part)]).astype(np.int32))
        cv2.fillConvexPoly(found, hull, 1)
        cv2.polylines(found, [hull], True, 1, max(round(0.03 * side), 1))
    return found
