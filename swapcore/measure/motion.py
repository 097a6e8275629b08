"""How calm the swap is from frame to frame, and its mask.

Pictures and masks are aligned crops of two following frames, or any two pictures of the same size. What moves in the original is
followed by its optical flow, so that only what the swap adds counts.
"""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.measure.look import CROP_SIDE, Metric

FLICKER_SIDE = 64  # averages grain away: what flickers to the eye is larger
STILL = 1 / 4  # mean absolute error of rounding: less change than this is none
UNSEEN = 1 / 2  # levels of mean change beside motion that nobody sees
FLOW_SHARE = 0.5  # of a picture's side, at which its flow is worked out: faces are smooth, and it costs a quarter
CONSISTENT = 1.0  # pixels there and back again, up to which a flow is believed
LOOKED_AT = 0.25  # of the pixels; where the flow holds in fewer, it is not to be judged by
SAME_FACE = 0.03  # distance of dlib's embeddings of one face under other grain, about
UPPER = CROP_SIDE * 0.34  # rows of the aligned crop above the eyes: the forehead, where the mask meets the hair


def flow(before_bgr: np.ndarray, after_bgr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel of `after` was before, (h, w, 2) float32 pixels to add to its place; and where that holds, (h, w) bool.

    Two pictures (h, w, 3) uint8 BGR. Dense inverse search (Kroeger et al. 2016) at half the size, both ways: it holds where there
    and back again ends within CONSISTENT pixels, inside the picture.
    """
    height, width = after_bgr.shape[:2]
    size = (max(int(width * FLOW_SHARE), 16), max(int(height * FLOW_SHARE), 16))
    before, after = (
        cv2.cvtColor(cv2.resize(p, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        for p in (before_bgr, after_bgr)
    )
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    back, forth = search.calc(after, before, None), search.calc(before, after, None)
    there = back + _places(size[::-1])
    returned = back + cv2.remap(forth, there, None, cv2.INTER_LINEAR)
    scale = np.array([width / size[0], height / size[1]], np.float32)
    holds = np.linalg.norm(returned * scale, axis=-1) <= CONSISTENT
    holds &= ((there >= 0) & (there <= np.array(size) - 1)).all(-1)
    holds = cv2.resize(holds.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    return cv2.resize(back, (width, height), interpolation=cv2.INTER_LINEAR) * scale, holds


def warped(before: np.ndarray, back: np.ndarray) -> np.ndarray:
    """A picture or mask (h, w[, channels]) of the frame before as the flow `back` moves it to this one, float32."""
    places = back + _places(back.shape[:2])
    return cv2.remap(before.astype(np.float32), places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def flicker_ratio(
    original_before: np.ndarray,
    original_crop: np.ndarray,
    result_before: np.ndarray,
    result_crop: np.ndarray,
    inside: np.ndarray,
) -> float | None:
    """Change from one frame to the next inside the face, result over original; None where `inside` (h, w) bool is empty.

    Both pairs are aligned by the same landmarks, so what moves is the face's play, the light, and what the swap adds: the
    mean absolute difference of crops brought down to FLICKER_SIDE pixels. Neither is taken below the error of rounding, so a
    still face that stays still gives 1.
    """
    if not inside.any():
        return None
    original, result = (
        _mean_change(before.astype(np.float32), after, inside)
        for before, after in ((original_before, original_crop), (result_before, result_crop))
    )
    return max(result, STILL) / max(original, STILL)


def warp_error_ratio(
    flow: tuple[np.ndarray, np.ndarray],
    original_before: np.ndarray,
    original_crop: np.ndarray,
    result_before: np.ndarray,
    result_crop: np.ndarray,
    inside: np.ndarray,
) -> float | None:
    """What the original's motion does not explain of the change inside the face, result over original.

    The frame before is moved by the original's `flow`; the mean absolute difference where the flow holds, of
    pictures brought down to FLICKER_SIDE pixels. 1 is as calm as the original, whose light and grain change too (after Lai
    et al., Learning Blind Video Temporal Consistency, 2018). None where the flow holds in
    less than LOOKED_AT of `inside` (h, w) bool. Neither is taken below UNSEEN, for some encoders repeat what hardly moved.
    """
    back, holds = flow
    weight = inside & holds
    if weight.sum() < max(LOOKED_AT * inside.sum(), 1):
        return None
    original, result = (
        _mean_change(warped(before, back), after, weight)
        for before, after in ((original_before, original_crop), (result_before, result_crop))
    )
    return max(result, UNSEEN) / max(original, UNSEEN)


def mask_iou(flow: tuple[np.ndarray, np.ndarray], mask_before: np.ndarray, mask: np.ndarray) -> float | None:
    """How well a mask follows the picture: its overlap with the mask before, moved by the picture's flow; 1 is wholly.

    The picture's `flow`, masks (h, w) 0..1. Intersection over union of soft masks: the sum of the smaller values
    over that of the larger, where the flow holds. None where there is no mask.
    """
    back, holds = flow
    moved, now = warped(mask_before, back)[holds], mask[holds]
    union = np.maximum(moved, now).sum(dtype=np.float64)
    return float(np.minimum(moved, now).sum(dtype=np.float64) / union) if union > 0 else None


def edge_jump(
    flow: tuple[np.ndarray, np.ndarray],
    mask_before: np.ndarray,
    mask: np.ndarray,
    *,
    upper: float = UPPER,
) -> float | None:
    """How far the mask's upper edge moves against the picture from frame to frame, pixels: the 95th percentile.

    Arguments as of mask_iou. Of each point of this mask's outline (0.5) above the row `upper`, the distance to the outline
    of the mask before, moved by the picture's flow. None where there is no such edge.
    """
    back, holds = flow
    now, moved = outline(mask), outline(warped(mask_before, back))
    cell = np.rint(now).astype(int)
    now = now[holds[cell[:, 1], cell[:, 0]] & (now[:, 1] < upper)]
    if not len(now) or not len(moved):
        return None
    apart = np.linalg.norm(now[:, None] - moved[None], axis=-1).min(1)
    return float(np.percentile(apart, 95))


def outline(mask: np.ndarray) -> np.ndarray:
    """Points (n, 2) x, y float64 where a mask (h, w) 0..1 crosses 0.5 between two neighbours, interpolated."""
    values, found = np.asarray(mask, np.float64) - 0.5, []
    for axis in (0, 1):
        first = values[:-1] if axis == 0 else values[:, :-1]
        second = values[1:] if axis == 0 else values[:, 1:]
        y, x = np.nonzero((first > 0) != (second > 0))
        share = first[y, x] / (first[y, x] - second[y, x])
        found.append(np.stack([x, y + share] if axis == 0 else [x + share, y], -1))
    return np.concatenate(found)


def identity_jitter(
    original_before: np.ndarray, original: np.ndarray, result_before: np.ndarray, result: np.ndarray
) -> float:
    """How much a face's embedding (128,) changes from one frame to the next, result over original.

    Neither is taken below SAME_FACE, so where both are calm this is 1.
    """
    pairs = (original_before, original), (result_before, result)
    own, swapped = (max(float(np.linalg.norm(np.subtract(a, b, dtype=np.float64))), SAME_FACE) for a, b in pairs)
    return swapped / own


_ALL = ("original_before", "original_crop", "result_before", "result_crop", "inside")

ROWS: dict[str, Metric] = {
    "flicker_ratio": Metric(
        flicker_ratio,
        _ALL,
        1.0,
        "ratio",
        "lower",
        "change from frame to frame inside the aligned face, swapped over original",
        step=0.3,
        why="the face changes {value:.2f} times as much from the frame before as the original, where {usual:.2f} is usual",
    ),
    "warp_error_ratio": Metric(
        warp_error_ratio,
        ("flow", *_ALL),
        1.0,
        "ratio",
        "lower",
        "what the original's motion does not explain of that change, swapped over original; 1 is as calm, more is restless",
        step=0.3,
        why="beside its motion the face changes {value:.2f} times as much from the frame before as the original, where "
        "{usual:.2f} is usual",
    ),
    "mask_iou": Metric(
        mask_iou,
        ("flow", "mask_before", "mask"),
        1.0,
        "ratio",
        "higher",
        "overlap of the mask with the one before, moved as the picture moves",
        step=0.02,
        why="the mask overlaps {value:.3f} with that of the frame before, where {usual:.3f} is usual",
    ),
    "edge_jump": Metric(
        edge_jump,
        ("flow", "mask_before", "mask"),
        0.0,
        f"pixels of a crop of {CROP_SIDE}",
        "lower",
        "how far the mask's upper edge jumps against the picture from frame to frame, 95th percentile",
        step=1.0,
        why="the mask's upper edge jumps by {value:.1f} pixels of the crop from the frame before, where {usual:.1f} is usual",
    ),
    "identity_jitter": Metric(
        identity_jitter,
        ("original_embedding_before", "original_embedding", "result_embedding_before", "result_embedding"),
        1.0,
        "ratio",
        "lower",
        "change of the face's identity (dlib) from frame to frame, swapped over original",
        step=0.5,
        why="the face's identity changes {value:.2f} times as much from the frame before as the original's, where {usual:.2f} "
        "is usual",
    ),
}


def _mean_change(before: np.ndarray, after_bgr: np.ndarray, weight: np.ndarray) -> float:
    """Mean absolute difference of pictures (h, w, 3), seen in FLICKER_SIDE pixels, where there is weight (h, w)."""
    size = (FLICKER_SIDE, FLICKER_SIDE)
    change, weight = (
        cv2.resize(a, size, interpolation=cv2.INTER_AREA) for a in (after_bgr - before, weight.astype(np.float32))
    )
    return float(np.average(np.abs(change).mean(-1), weights=weight))


def _places(size_hw: tuple[int, int]) -> np.ndarray:
    """(h, w, 2) float32: each pixel's own x, y."""
    return np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in size_hw[::-1])), -1)
