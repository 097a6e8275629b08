"""Landmarks to aligned crops and back, and how a head is turned."""

from swapcore.align.crop import CENTRINGS, Centring, crop_matrix, span_of, warp
from swapcore.align.geometry import TEMPLATE_XY, invert, scale, similarity, transform, upright
from swapcore.align.head import HEAD_XYZ, POSE_POINTS, place, pose

__all__ = [
    "CENTRINGS",
    "HEAD_XYZ",
    "POSE_POINTS",
    "TEMPLATE_XY",
    "Centring",
    "crop_matrix",
    "invert",
    "place",
    "pose",
    "scale",
    "similarity",
    "span_of",
    "transform",
    "upright",
    "warp",
]
