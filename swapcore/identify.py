"""Who is it: embeddings of faces, what is known of a person, and the vote of a track."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from swapcore import align
from swapcore.errors import SwapError
from swapcore.types import FaceSet, PeopleTable

CHIP = 150  # side of the pictures that the identity network was trained on, pixels
PADDING = 0.25  # around the face in them, shares of the face
BATCH = 16  # chips in one run of the network: more are not faster
NEAREST = 3  # a face is as far from a person as the mean of this many of the references nearest to it
VOTERS = 15  # of each track, its sharpest and most frontal faces
UNLIKE = 0.6  # a photo whose median distance to the others is larger may show somebody else
ALIKE = 0.5  # two faces of one clip within this distance are taken for one person

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


# embeddings


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


# people


def distance(embeddings: np.ndarray, references: np.ndarray) -> np.ndarray:
    """How far faces (n, 128) are from a person known by references (m, 128): (n,) float32, dlib's unit.

    The mean distance of the NEAREST references nearest to each face: a profile need not resemble a front view. Raises
    ValueError where there are no references.
    """
    if not len(references):
        raise ValueError("expected at least one reference")
    apart = _apart(embeddings, references)
    return np.sort(apart, axis=1)[:, :NEAREST].mean(1).astype(np.float32)


def _apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances of (n, d) and (m, d): (n, m) float64."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0))


def merit(faces: FaceSet) -> np.ndarray:
    """How much each face says about who it is, (n,) int, comparable within one call alone: more is better.

    The face's place in the order of sharpness plus that in the order of facing the camera; equal faces share a place.
    """
    frontal = -(np.abs(faces.yaw) + np.abs(faces.pitch))
    return sum(np.unique(value, return_inverse=True)[1] for value in (faces.sharpness, frontal))


def vote(
    faces: FaceSet,
    references: dict[str, np.ndarray],
    *,
    candidates: Sequence[str],
    decided: dict[int, str],
    threshold: float,
    margin: float,
) -> PeopleTable:
    """Whose face each of a clip's faces is: one person for each track, so that identity does not change within it.

    references: name -> (m, 128) of everybody known; all compete, so that a stranger to the clip who is nearer than every
    candidate leaves a track unknown. Only `candidates`, the people of this clip, are given. A track's distance to a person
    is the median over its VOTERS faces of most merit; the nearest candidate is taken if that is at most `threshold` and
    everybody else is farther by at least `margin`.

    decided: row of a face -> name, what was decided by hand; it holds for the face's whole track.

    In the table, `distance` is each face's own to its person (unknown: to the nearest candidate), `margin` its track's.
    Raises ValueError for a name without references, SwapError where two people were decided for one track.
    """
    names = list(references)
    if missing := {*candidates, *decided.values()} - set(names):
        raise ValueError(f"no references of {', '.join(sorted(missing))}")
    by_hand: dict[int, str] = {}
    for row, name in decided.items():
        track = int(faces.track[row])
        if by_hand.setdefault(track, name) != name:
            raise SwapError(
                f"face {faces.id[row]}: its track was decided to be {name} and, by another of its faces, "
                f"{by_hand[track]}; keep one of the two lines"
            )
    own = np.stack([distance(faces.embedding, references[name]) for name in names], 1)
    person, by = np.full(len(faces), "", object), np.full(len(faces), "vote", object)
    shown, gap = np.zeros(len(faces), np.float32), np.zeros(len(faces), np.float32)
    allowed = [names.index(name) for name in dict.fromkeys(candidates)]
    for track in np.unique(faces.track):
        rows = np.flatnonzero(faces.track == track)
        voters = rows[np.argsort(-merit(faces.select(rows)), kind="stable")[:VOTERS]]
        apart = np.median(own[voters], axis=0)
        hand = by_hand.get(int(track))
        best = names.index(hand) if hand else min(allowed, key=lambda k: apart[k])
        gap[rows] = np.delete(apart, best).min(initial=np.inf) - apart[best]
        shown[rows] = own[rows, best]
        if hand:
            by[rows] = "edit"
        if hand or (apart[best] <= threshold and gap[rows[0]] >= margin):
            person[rows] = names[best]
    return PeopleTable(
        id=faces.id, frame=faces.frame, track=faces.track, person=person, distance=shown, margin=gap, by=by
    )


def dominant(faces: FaceSet, *, max_faces: int) -> np.ndarray:
    """Rows of the faces that show the person whom most of these faces show, at most `max_faces`, spread over their order.

    For clips in which a person is alone: what the detector took for a face, or somebody who passes by, is left out. The
    person is the face with the most others within ALIKE of its embedding, with those others; from each stretch of them the
    face of most merit is taken. Raises ValueError where there are no faces.
    """
    if not len(faces):
        raise ValueError("expected faces, got none")
    some = np.unique(np.linspace(0, len(faces) - 1, min(len(faces), 1000)).round().astype(int))  # to choose the middle
    near = _apart(faces.embedding[some], faces.embedding) <= ALIKE
    rows = np.flatnonzero(near[near.sum(1).argmax()])
    worth = merit(faces.select(rows))
    parts = np.array_split(np.arange(len(rows)), min(max_faces, len(rows)))
    return rows[[part[worth[part].argmax()] for part in parts]]


def odd_one(embeddings: np.ndarray) -> int | None:
    """Of photos (n, 128) said to show one person, the row of the one least like the others, if it is another person.

    Its median distance to the others is over UNLIKE; None where all are alike or there are fewer than three.
    """
    if len(embeddings) < 3:
        return None
    apart = _apart(embeddings, embeddings)
    middle = np.array([np.median(np.delete(row, k)) for k, row in enumerate(apart)])
    return int(middle.argmax()) if middle.max() > UNLIKE else None
