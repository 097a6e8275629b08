"""Landmarks steadied through time."""

from __future__ import annotations

import numpy as np

SMOOTH_FRAMES = 1.5  # standard deviation of the filter in time, frames
SMOOTH_MOTION = 0.02  # and in motion, shares of the face's size


def smooth(landmarks_xy: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """One track's landmarks (n, 68, 2) at its ascending frame numbers (n,), steadied through time; same shape, float32.

    A weighted mean of neighbours, centred, so without lag: Gaussian in time (SMOOTH_FRAMES, cut at three deviations)
    times Gaussian in how far the whole face moved relative to its size (SMOOTH_MOTION), so that jitter goes and motion
    stays (bilateral filter: Tomasi and Manduchi 1998). Neighbours are weighed by frame number, so gaps count.
    """
    points = np.asarray(landmarks_xy, np.float64)
    frames = np.asarray(frames, np.int64)
    if len(points) < 2:
        return points.astype(np.float32)
    size = np.ptp(points[:, 17:], axis=1).max(-1).clip(1e-6)
    total, weights = points.copy(), np.ones(len(points))
    for step in range(1, min(int(3 * SMOOTH_FRAMES), len(points) - 1) + 1):
        later, earlier = np.arange(step, len(points)), np.arange(len(points) - step)
        gap = frames[later] - frames[earlier]
        # the median over the points is the face's motion, not that of its mouth and lids
        moved = np.median(np.linalg.norm(points[later] - points[earlier], axis=-1), axis=1)
        moved /= (size[later] + size[earlier]) / 2
        weight = np.exp(-0.5 * (gap / SMOOTH_FRAMES) ** 2 - 0.5 * (moved / SMOOTH_MOTION) ** 2)
        total[later] += weight[:, None, None] * points[earlier]
        total[earlier] += weight[:, None, None] * points[later]
        weights[later] += weight
        weights[earlier] += weight
    return (total / weights[:, None, None]).astype(np.float32)
