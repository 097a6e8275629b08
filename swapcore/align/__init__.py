"""Landmarks to aligned crops and back, and how a head is turned."""

from swapcore.align.crop import crop_matrix, warp
from swapcore.align.geometry import TEMPLATE_XY, invert, scale, similarity, transform, upright
from swapcore.align.head import HEAD_XYZ, POSE_POINTS, pose

__all__ = [
    "HEAD_XYZ",
    "POSE_POINTS",
    "TEMPLATE_XY",
    "crop_matrix",
    "invert",
    "pose",
    "scale",
    "similarity",
    "transform",
    "upright",
    "warp",
]
