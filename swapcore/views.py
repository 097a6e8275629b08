"""Pictures that show a conversion: a few frames for tuning, and original, swapped and mask side by side."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import cv2
import numpy as np

from swapcore.passes.light import SRGB
from swapcore.report import DIM, GROUND, GUTTER, TEXT, fit, text
from swapcore.types import FaceSet
from swapcore.video import BT709, CURVES, Colour, Layout, Picture, to_bgr
from swapcore.video.curves import light_to_srgb

TINT = (70, 200, 60)  # BGR of a mask laid over a picture
TINTED = 0.4  # of it
EDGE = 0.5  # alpha at which a mask's outline is drawn
ROOM = 1.2  # side of a crop, of the longer side of what shows of a face
SPREADS = {"yaw": 25.0, "pitch": 15.0, "exposure": 15.0}  # differences that count as one; sizes: a factor of 2
BAR = 26  # height of the line of captions, pixels
NAMES = ("original", "swapped (synthetic)", "mask")


# From BT.2020's primaries to BT.709's, in linear light, BGR (ITU-R BT.2087)
TO_BT709 = np.array([[1.1187, -0.1006, -0.0182], [-0.0083, 1.1329, -0.1246], [-0.0728, -0.5876, 1.6605]], np.float32)


def on_screen(picture: Picture) -> np.ndarray:
    """A picture as a normal screen shows it, (h, w, 3) uint8 BGR: HDR is brought to its look (video.CURVES).

    BT.2020's primaries become BT.709's, other primaries and curves of SDR stay as they are.
    """
    image, layout = to_bgr(picture), picture.layout
    if curve := CURVES.get(layout.transfer):
        image = curve.to_screen(image)
    if layout.primaries == 9:
        light = np.clip(cv2.transform(SRGB.of(image), TO_BT709), 0, 1)
        image = light_to_srgb(light)
    return np.rint(image * 255).astype(np.uint8)


def screen_colour(layout: Layout) -> Colour:
    """How the values of `on_screen` are to be tagged."""
    if layout.primaries == 9 or layout.transfer in CURVES:
        return BT709
    return Colour(matrix=1, primaries=layout.primaries, transfer=layout.transfer)


def varied(faces: FaceSet, rows: np.ndarray, kinds: np.ndarray, *, count: int, when: np.ndarray) -> np.ndarray:
    """Up to `count` of `rows` of a face table that differ most in pose, size, light and time, ascending.

    kinds (n,) int: what each of the rows must not miss, such as its swap; when (n,) 0..1: its place in the video. First the
    face nearest to the middle of all, then always the one farthest from those chosen (Gonzalez 1985); only one face of a frame.
    """
    if not len(rows):
        return rows
    columns = [getattr(faces, name)[rows] / step for name, step in SPREADS.items()]
    columns += [np.log2(np.maximum(faces.size[rows], 1)), 2.0 * np.asarray(when)]
    columns += [4.0 * (kinds == kind) for kind in np.unique(kinds)]
    points = np.nan_to_num(np.stack(columns, axis=1).astype(np.float64))
    frames = faces.frame[rows]
    nearest = np.full(len(rows), np.inf)
    chosen = [int(np.argmin(np.linalg.norm(points - np.median(points, axis=0), axis=1)))]
    while len(chosen) < count:
        nearest = np.minimum(nearest, np.linalg.norm(points - points[chosen[-1]], axis=1))
        nearest[frames == frames[chosen[-1]]] = -1
        best = int(np.argmax(nearest))
        if nearest[best] <= 0:
            break
        chosen.append(best)
    return np.sort(rows[chosen])


class Look(NamedTuple):
    """One face of a converted frame, to be looked at."""

    before: np.ndarray  # (h, w, 3) uint8 BGR, the whole frame
    after: np.ndarray  # the same, swapped
    alpha: np.ndarray  # (h, w) float32 0..1, all faces
    box: tuple[int, int, int, int]  # left, top, right, bottom of what shows of the face
    caption: str
    sar: Fraction = Fraction(1)  # width of a pixel over its height


def preview(looks: Sequence[Look], *, title: str, legend: str, tile: int) -> np.ndarray:
    """A row for each look: the frame, small, and around the face original, swapped and mask -> uint8 BGR.

    The crops are `tile` pixels wide and show the picture's own pixels (100 %) where the face has room in them, else it is
    made smaller; one that has room twice is enlarged to whole multiples. The caption says by how much.
    """
    width = 4 * tile + 5 * GUTTER
    head = np.full((60, width, 3), GROUND, np.uint8)
    text(head, title, left=GUTTER + 2, base=24, width=width - 2 * GUTTER, size=12)
    text(head, legend, left=GUTTER + 2, base=46, width=width - 2 * GUTTER, size=9, colour=DIM)
    parts = [head]
    for look in looks:
        shown, scale = _crops(look, tile)
        line = np.full((tile + BAR + GUTTER, width, 3), GROUND, np.uint8)
        small = fit(_square(look.before, look.sar), width=tile, height=tile)
        for k, picture in enumerate([_framed(small, look, tile), *shown]):
            left = GUTTER + k * (tile + GUTTER)
            line[BAR : BAR + tile, left : left + tile] = picture
        text(line, look.caption, left=GUTTER + 2, base=18, width=tile - 4, size=9)
        for k, name in enumerate(NAMES):
            left = GUTTER + (k + 1) * (tile + GUTTER) + 2
            text(
                line, f"{name}, {scale:.0%}" if not k else name, left=left, base=18, width=tile - 4, size=9, colour=DIM
            )
        parts.append(line)
    return np.concatenate(parts)


def _square(image: np.ndarray, sar: Fraction) -> np.ndarray:
    """The picture with square pixels: as wide as it is shown."""
    if sar == 1:
        return image
    width = max(1, round(image.shape[1] * sar))
    return cv2.resize(image, (width, image.shape[0]), interpolation=cv2.INTER_AREA if sar < 1 else cv2.INTER_CUBIC)


def _framed(small: np.ndarray, look: Look, tile: int) -> np.ndarray:
    """The small frame with a line around the face."""
    height, width = look.before.shape[0], look.before.shape[1] * float(look.sar)
    scale = min(tile / width, tile / height)
    across = scale * float(look.sar)
    left, top = (tile - width * scale) / 2, (tile - height * scale) / 2
    corners = [(left + look.box[k] * across, top + look.box[k + 1] * scale) for k in (0, 2)]
    (x0, y0), (x1, y1) = [(round(x), round(y)) for x, y in corners]
    out = small.copy()
    cv2.rectangle(out, (x0, y0), (x1, y1), TEXT, 1, cv2.LINE_AA)
    return out


def _crops(look: Look, tile: int) -> tuple[list[np.ndarray], float]:
    """Original, swapped and mask around the face, (tile, tile, 3) uint8 each, and how large the picture's pixels are there."""
    left, top, right, bottom = look.box
    sar = float(look.sar)
    need = ROOM * max((right - left) * sar, bottom - top, 8)
    scale = tile / need
    scale = min(scale, 1.0) if scale < 2 else float(int(scale))
    side_x, side_y = tile / scale / sar, tile / scale
    from_x = _inside((left + right) / 2, side_x, look.before.shape[1])
    from_y = _inside((top + bottom) / 2, side_y, look.before.shape[0])
    to_tile = np.array([[scale * sar, 0, -from_x * scale * sar], [0, scale, -from_y * scale]])
    if scale >= 1 and sar == 1:
        to_tile[:, 2] = np.rint(to_tile[:, 2])  # the picture's own pixels, not resampled

    def cut(image: np.ndarray, around: tuple[int, ...] | int) -> np.ndarray:
        if scale < 1:  # smoothed first, or details would flicker into false patterns
            image = cv2.GaussianBlur(image, (0, 0), 0.4 / scale)
        flags = cv2.INTER_NEAREST if scale >= 2 else cv2.INTER_LINEAR
        return cv2.warpAffine(image, to_tile, (tile, tile), flags=flags, borderValue=around)

    before, after = cut(look.before, GROUND), cut(look.after, GROUND)
    alpha = np.clip(cut(look.alpha, 0), 0, 1)
    tinted = before * (1 - TINTED * alpha[..., None]) + np.array(TINT, np.float32) * (TINTED * alpha[..., None])
    mask = np.rint(tinted).astype(np.uint8)
    outline, _ = cv2.findContours((alpha > EDGE).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.polylines(mask, outline, True, TEXT, 1, cv2.LINE_AA)
    return [before, after, mask], scale


def _inside(middle: float, side: float, most: int) -> float:
    """Where a window of `side` around `middle` begins: within 0..most where it fits, else with both ends outside."""
    return min(max(middle - side / 2, 0), most - side) if side < most else (most - side) / 2


def beside_size(width: int, height: int, sar: Fraction, *, most: int) -> tuple[int, int, int]:
    """Of pictures side by side: width and height of one, at most `most` high, and the whole's width, all even."""
    high = min(height, most) // 2 * 2 or 2
    wide = max(2, 2 * round(width * sar * high / height / 2))
    return wide, high, 3 * wide + 4


def beside(before: np.ndarray, after: np.ndarray, alpha: np.ndarray, *, size_wh: tuple[int, int]) -> np.ndarray:
    """Original, swapped and mask side by side under a line of captions -> (BAR + h, 3 w + 4, 3) uint8 BGR.

    before and after (h, w, 3) uint8 BGR, alpha (h, w) float32 0..1 are brought to `size_wh`. The mask is white over the dim
    original.
    """
    width, height = size_wh
    way = cv2.INTER_AREA if height < before.shape[0] else cv2.INTER_CUBIC
    before, after = (cv2.resize(image, size_wh, interpolation=way) for image in (before, after))
    cover = np.clip(cv2.resize(np.asarray(alpha, np.float32), size_wh, interpolation=cv2.INTER_AREA), 0, 1)
    dim = cv2.cvtColor(before, cv2.COLOR_BGR2GRAY) * 0.35
    mask = np.rint(dim + (235 - dim) * cover).astype(np.uint8)
    out = np.full((BAR + height, 3 * width + 4, 3), GROUND, np.uint8)
    for k, (name, image) in enumerate(zip(NAMES, (before, after, mask[..., None]), strict=True)):
        left = k * (width + 2)
        out[BAR:, left : left + width] = image
        text(out, name, left=left + 8, base=18, width=width - 16, size=10)
    return out
