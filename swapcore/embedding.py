"""Embeddings of faces: 128 numbers by which two pictures of one person lie near each other (dlib's identity network)."""

from __future__ import annotations

from typing import Any

import numpy as np

from swapcore import align

CHIP = 150  # side of the pictures that the identity network was trained on, pixels
PADDING = 0.25  # around the face in them, shares of the face
BATCH = 16  # chips in one run of the network: more are not faster

# dlib's mean face for the landmarks that hold still (bridge of the nose, nostrils, eyes, upper lip, inner corners of the
# lips), as its chips need it, from dlib/image_transforms/interpolation.h (Boost licence), shares of the face.
LANDMARKS = np.r_[27:55, 60:65]
MEAN_FACE_XY = np.array(
    [
        *[(0.490127, 0.203352), (0.490127, 0.307009), (0.490127, 0.409805), (0.490127, 0.515625)],
        *[(0.36688, 0.587326), (0.426036, 0.609345), (0.490127, 0.628106), (0.554217, 0.609345), (0.613373, 0.587326)],
        *[(0.121737, 0.216423), (0.187122, 0.178758), (0.265825, 0.179852)],
        *[(0.334606, 0.231733), (0.260918, 0.245099), (0.182743, 0.244077)],
        *[(0.645647, 0.231733), (0.714428, 0.179852), (0.793132, 0.178758)],
        *[(0.858516, 0.216423), (0.79751, 0.244077), (0.719335, 0.245099)],
        *[(0.254149, 0.780233), (0.340985, 0.745405), (0.428858, 0.727388), (0.490127, 0.742578)],
        *[(0.551395, 0.727388), (0.639268, 0.745405), (0.726104, 0.780233)],
        *[(0.290379, 0.784792), (0.428096, 0.778746), (0.490127, 0.785343), (0.552157, 0.778746), (0.689874, 0.784792)],
    ]
)
MEAN_FACE_XY.setflags(write=False)


def chip_matrix(landmarks_xy: np.ndarray) -> np.ndarray:
    """Frame pixels -> pixels of dlib's chip (get_face_chip, size 150, padding 0.25), (2, 3) float64.

    dlib fits a similarity (Umeyama 1991) from the chip to the frame, then cuts out a rectangle whose corner pixels are the
    chip's: half a pixel aside, and 149 steps where the fit has 150.
    """
    points = np.asarray(landmarks_xy, np.float64)
    if points.shape != (68, 2):
        raise ValueError(f"expected 68 landmarks (68, 2), got {points.shape}")
    chip_xy = (MEAN_FACE_XY + PADDING) / (1 + 2 * PADDING) * CHIP
    to_frame = align.similarity(chip_xy, points[LANDMARKS])
    scale = np.hypot(to_frame[0, 0], to_frame[1, 0])
    middle = to_frame @ [CHIP / 2, CHIP / 2, 1]
    linear = to_frame[:, :2] / scale * (CHIP * scale - 1) / (CHIP - 1)
    back = np.linalg.inv(linear)
    return np.column_stack([back, (CHIP - 1) / 2 - back @ middle])


def chips(frame_bgr: np.ndarray, landmarks_xy: np.ndarray) -> np.ndarray:
    """The faces of a frame (h, w, 3) uint8 with landmarks (n, 68, 2), as the network sees them: (n, 150, 150, 3) uint8 BGR."""
    points = np.asarray(landmarks_xy).reshape(-1, 68, 2)
    cut = [align.warp(frame_bgr, chip_matrix(p), CHIP) for p in points]
    return np.array(cut, np.uint8).reshape(-1, CHIP, CHIP, 3)


def embed_chips(chips_bgr: np.ndarray, session: Any) -> np.ndarray:
    """Embeddings (n, 128) float32 of chips (n, 150, 150, 3) uint8 BGR of any number of frames.

    `session` is nets.identity_session(). Two faces of one person lie less than about 0.6 apart (Euclidean).
    """
    parts = [session.run(None, {"faces": chips_bgr[k : k + BATCH]})[0] for k in range(0, len(chips_bgr), BATCH)]
    return np.concatenate([np.zeros((0, 128), np.float32), *parts])


def embed(frame_bgr: np.ndarray, landmarks_xy: np.ndarray, session: Any) -> np.ndarray:
    """Embeddings (n, 128) float32 of the faces of one frame (h, w, 3) uint8 with landmarks (n, 68, 2)."""
    return embed_chips(chips(frame_bgr, landmarks_xy), session)
