"""Masks that do not shake: what a parser said of a face, its neighbours in time asked as well.

Offline and in both directions, so nothing lags: each frame's mask is a weighted mean of its own and of those before and after,
moved here by optical flow (DIS, Kroeger et al. 2016). A neighbour counts as far as the two flows undo one another and the
pictures agree; where something passes before the face, or the shot changes, they do not, and each frame speaks for itself.
"""

from __future__ import annotations

import cv2
import numpy as np

MEMORY = 0.9  # weight of one frame more away, where flow and picture agree wholly
CONTEXT = 40  # frames beyond which a neighbour weighs under 2 %
APART = 0.6  # pixels by which the flow forth and back may miss before it counts by half less
UNLIKE = 10.0  # grey levels, the same for the pictures
REACH = np.ones(
    (7, 7), np.uint8
)  # flow is worked out patch by patch: what it misses in one pixel, its neighbours have from it


def steady(share: np.ndarray, grey: np.ndarray, *, memory: float = MEMORY) -> np.ndarray:
    """Steadied masks (n, s, s) float32 0..1 of the faces of one track in neighbouring frames.

    share (n, s, s) float32 0..1: what was parsed; grey (n, s, s) uint8: the aligned pictures that it was parsed from. memory
    0..1: how much a neighbour's mask weighs; 0 gives the masks as they are.
    """
    if share.shape != grey.shape:
        raise ValueError(f"expected masks and pictures of one shape, got {share.shape} and {grey.shape}")
    count = len(share)
    if count < 2 or not memory:
        return np.array(share, np.float32)
    links = [link(grey[k - 1], grey[k]) for k in range(1, count)]  # (of the one before, of the one after)
    total, weight = np.zeros_like(share, np.float32), np.zeros_like(share, np.float32)
    for way in (1, -1):
        order = range(count) if way == 1 else range(count - 1, -1, -1)
        mean, trust = share[order[0]].astype(np.float32), np.ones(share.shape[1:], np.float32)
        for k in order:
            if k != order[0]:
                moved, counts = links[k - 1][1] if way == 1 else links[k][0]
                before = cv2.remap(
                    np.dstack([mean, trust]), moved, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
                )
                carried = memory * counts * before[..., 1]
                trust = 1 + carried
                mean = (share[k] + carried * before[..., 0]) / trust
            total[k] += mean * trust
            weight[k] += trust
    return np.clip((total - share) / (weight - 1), 0, 1)  # its own word was counted twice


def link(before: np.ndarray, after: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Where each pixel of two grey pictures (s, s) uint8 lies in the other, and how far that is to be trusted.

    Of `before` and of `after`: a map (s, s, 2) float32 for cv2.remap that brings the other one here, and (s, s) float32 0..1.
    """
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    forth, back = flow.calc(before, after, None), flow.calc(after, before, None)
    y, x = np.mgrid[: before.shape[0], : before.shape[1]].astype(np.float32)
    grid = np.dstack([x, y])
    found = []
    for here, there, ahead, returning in ((before, after, forth, back), (after, before, back, forth)):
        place = grid + ahead
        came_back = ahead + cv2.remap(returning, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        missed = np.square(came_back).sum(-1) / APART**2
        other = cv2.remap(there, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        unlike = np.square(cv2.blur(cv2.absdiff(here, other).astype(np.float32), (3, 3)) / UNLIKE)
        found.append((place, cv2.erode(np.exp2(-missed - unlike), REACH)))
    return found[0], found[1]
