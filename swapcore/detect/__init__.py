"""Faces in frames: detection, landmarks, and the same face followed through time."""

from swapcore.detect.detectors import DETECTORS, PHOTO_SCALE, SMALL_SCALE, Detector, cnn, hog, yunet
from swapcore.detect.follow import CARRY_SECONDS, GAP_SECONDS, Found, follow
from swapcore.detect.joined import Followed, joined
from swapcore.detect.landmarks import BOX_DOWN, BOX_SIDE, Fitter, box_around, fitter, grey, lean, locate, overlap, refit
from swapcore.detect.steady import smooth

__all__ = [
    "BOX_DOWN",
    "BOX_SIDE",
    "CARRY_SECONDS",
    "DETECTORS",
    "GAP_SECONDS",
    "PHOTO_SCALE",
    "SMALL_SCALE",
    "Detector",
    "Fitter",
    "Followed",
    "Found",
    "box_around",
    "cnn",
    "fitter",
    "follow",
    "grey",
    "hog",
    "joined",
    "lean",
    "locate",
    "overlap",
    "refit",
    "smooth",
    "yunet",
]
