"""What the metrics look at: the swapped faces of some frames, in the clip and in the video."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import cv2
import numpy as np

from swapcore import align, masks
from swapcore.measure.look import CROP_SIDE, Look
from swapcore.types import Changed, FaceSet

CROP_SPAN = 0.6  # of the aligned crops, see align.crop_matrix: the face from the forehead to the chin
INSIDE = 0.12  # of the face's size: deeper than this in the mask, convert's default soft edge is over
AROUND = 0.25  # of the face's size: farther than this from the mask, nothing of a swap is expected


def spread(numbers: Sequence[int], count: int) -> list[int]:
    """At most `count` of the numbers, ascending and spread evenly over them, the first and the last among them."""
    numbers = sorted(set(numbers))
    places = np.linspace(0, len(numbers) - 1, min(count, len(numbers))).round().astype(int)
    return [numbers[k] for k in places]


def looks(
    pairs: Iterable[tuple[int, np.ndarray, np.ndarray]],
    *,
    faces: FaceSet,
    swapped: Mapping[int, Sequence[Changed]],
    wanted: Sequence[int],
    embed: Callable[[np.ndarray, np.ndarray], np.ndarray],
    references: Mapping[str, np.ndarray],
    note: Mapping[int, np.ndarray],
) -> Iterator[Look]:
    """Look at the swapped faces of the frames `wanted`.

    pairs are (number, original_bgr, result_bgr) in ascending order, of the wanted frames and those before them; embed takes
    a frame and landmarks (68, 2) and gives (128,); references are of each swap's source, (m, 128); note says for a frame's
    number where its note is drawn, (h, w) bool.
    """
    before: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # track -> crops in the frame before
    last = None
    for number, original_bgr, result_bgr in pairs:
        crops = {}
        here = swapped.get(number, ())
        for _, row in here:
            smooth = faces.landmarks_smooth_xy[row]
            crops[int(faces.track[row])] = crop(original_bgr, smooth), crop(result_bgr, smooth)
        if number in wanted:
            away = outside([faces.landmarks_smooth_xy[row] for _, row in here], original_bgr.shape[:2])
            if number in note:
                away &= ~note[number]
            for swap, row in here:
                track = int(faces.track[row])
                earlier = before.get(track, (None, None)) if last == number - 1 else (None, None)
                yield Look(
                    frame=number,
                    swap=swap,
                    original_bgr=original_bgr,
                    result_bgr=result_bgr,
                    outside=away,
                    original_crop=crops[track][0],
                    result_crop=crops[track][1],
                    inside=inside(faces.landmarks_smooth_xy[row]),
                    original_before=earlier[0],
                    result_before=earlier[1],
                    original_embedding=faces.embedding[row],
                    result_embedding=embed(result_bgr, faces.landmarks_xy[row]),
                    references=references[swap],
                )
        before, last = crops, number


def crop(frame_bgr: np.ndarray, landmarks_xy: np.ndarray) -> np.ndarray:
    """The aligned crop that faces are compared in, (CROP_SIDE, CROP_SIDE, 3) uint8."""
    matrix = align.crop_matrix(landmarks_xy, size=CROP_SIDE, span=CROP_SPAN)
    return align.warp(frame_bgr, matrix, CROP_SIDE)


def inside(landmarks_xy: np.ndarray) -> np.ndarray:
    """Where that crop is wholly swapped, (CROP_SIDE, CROP_SIDE) bool."""
    matrix = align.crop_matrix(landmarks_xy, size=CROP_SIDE, span=CROP_SPAN)
    mask = masks.components(align.transform(landmarks_xy, matrix), size_hw=(CROP_SIDE, CROP_SIDE))
    return masks.soften(mask, face_size=CROP_SIDE * CROP_SPAN, erode=INSIDE, blur=0) > 0


def outside(faces_xy: Sequence[np.ndarray], size_hw: tuple[int, int]) -> np.ndarray:
    """(h, w) bool: the frame without the faces of landmarks (68, 2) and what is near them."""
    near = np.zeros(size_hw, bool)
    for landmarks_xy in faces_xy:
        face_size = CROP_SIDE * CROP_SPAN / align.scale(align.crop_matrix(landmarks_xy, size=CROP_SIDE, span=CROP_SPAN))
        face = masks.extended(landmarks_xy, size_hw=size_hw) > 0
        if face.any():
            away = cv2.distanceTransform((~face).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
            near |= away <= AROUND * face_size
    return ~near
