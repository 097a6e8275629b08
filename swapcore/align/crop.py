"""Landmarks to aligned crops and back: one similarity per face, fitted to a mean face."""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.align.geometry import TEMPLATE_XY, invert, scale, similarity, transform


def crop_matrix(landmarks_xy: np.ndarray, *, size: int, span: float) -> np.ndarray:
    """Frame pixels -> pixels of a square crop around a face, (2, 3) float32.

    The similarity that puts landmarks 17 to 67 of (68, 2) onto the template, whose longer side takes `span` of the crop's
    `size` pixels and whose origin lies at the crop's centre, (size - 1) / 2. The central share `coverage` of such a crop
    therefore shows what a crop with `span / coverage` shows.
    """
    points = np.asarray(landmarks_xy)
    if points.shape != (68, 2):
        raise ValueError(f"expected 68 landmarks (68, 2), got {points.shape}")
    return similarity(points[17:], TEMPLATE_XY * (span * size) + (size - 1) / 2).astype(np.float32)


def warp(frame_bgr: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Cut a (size, size, ...) crop out of a frame (h, w) or (h, w, channels); dtype uint8 or float32 stays.

    `matrix` takes frame pixels to crop pixels. Bilinear; a frame that has to shrink to less than half is first averaged
    over whole blocks of pixels, so that fine detail does not turn into false patterns. Beyond the frame its edge pixels
    repeat: a black corner would be learnt as part of the face.
    """
    matrix = np.asarray(matrix, np.float64)
    block = int(1 / max(scale(matrix), 1e-6))
    if block >= 2:
        frame_bgr, before = _shrink(frame_bgr, matrix, size, block)
        matrix = np.column_stack([matrix[:, :2] @ before[:, :2], matrix[:, :2] @ before[:, 2] + matrix[:, 2]])
    return cv2.warpAffine(frame_bgr, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _shrink(frame: np.ndarray, matrix: np.ndarray, size: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """The part of a frame that a crop shows, averaged over blocks, and the matrix from its pixels to the frame's."""
    height, width = frame.shape[:2]
    block = min(block, height, width)
    corners = transform(np.array([(0, 0), (size, 0), (0, size), (size, size)]), invert(matrix))
    low = np.clip(np.floor(corners.min(0)).astype(int) - block, 0, [width - block, height - block])
    count = np.maximum(np.ceil((corners.max(0) + block - low) / block).astype(int), 1)
    count = np.minimum(count, (np.array([width, height]) - low) // block)
    part = frame[low[1] : low[1] + count[1] * block, low[0] : low[0] + count[0] * block]
    small = cv2.resize(part, (int(count[0]), int(count[1])), interpolation=cv2.INTER_AREA)
    offset = low + (block - 1) / 2  # of the first block's centre
    return small, np.array([[block, 0, offset[0]], [0, block, offset[1]]], np.float64)
