"""What the metrics look at: the swapped faces of some frames, in the clip and in the video."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from swapcore import align, masks
from swapcore.measure.look import CROP_SIDE, Look
from swapcore.measure.motion import flow
from swapcore.measure.second import second
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
    people: Mapping[str, Mapping[str, Any]],
    note: Mapping[int, np.ndarray],
    refit: Callable[[np.ndarray, np.ndarray], np.ndarray],
    laid: Callable[[str, int, tuple[int, int]], tuple[int, int, np.ndarray]],
    truth: Callable[[str, int], np.ndarray | None],
) -> Iterator[Look]:
    """Look at the swapped faces of the frames `wanted`.

    pairs are (number, original_bgr, result_bgr) in ascending order, of the wanted frames and those before them; embed takes
    a frame and landmarks (68, 2) and gives (128,); references are of each swap's source, (m, 128); people are the fields of
    each swap's looks that say who else is known, such as target_references; note says for a frame's number where its note is
    drawn, (h, w) bool: there the clip's own picture stands in. refit takes a frame and landmarks (68, 2) and gives them fitted
    anew. laid takes a swap, a row of `faces` and the frame's (h, w) and gives left, top and the alpha of the mask that conversion
    laid there. truth takes a swap and a frame's number, in ascending order, and gives the true swap's picture, or None where it
    is not known.
    """

    def seen(original_bgr: np.ndarray, result_bgr: np.ndarray, swap: str, row: int) -> dict[str, np.ndarray]:
        """What a look holds of either of two frames."""
        smooth, raw = faces.landmarks_smooth_xy[row], faces.landmarks_xy[row]
        matrix = crop_matrix(smooth)
        both = {"original": original_bgr, "result": result_bgr}
        found = {f"{name}_crop": align.warp(frame, matrix, CROP_SIDE) for name, frame in both.items()}
        found |= {f"{name}_embedding": embed(frame, raw) for name, frame in both.items()}
        found["mask"] = mask_crop(*laid(swap, row, original_bgr.shape[:2]), matrix)
        return found

    # number, track -> row, the frame's pictures
    before: tuple[int, dict[int, int], np.ndarray, np.ndarray] | None = None
    for number, original_bgr, result_bgr in pairs:
        here = swapped.get(number, ())
        if number in note:  # what it covers is not the swap's doing
            result_bgr = np.where(note[number][..., None], original_bgr, result_bgr)
        if number in wanted:
            away = outside([faces.landmarks_smooth_xy[row] for _, row in here], original_bgr.shape[:2])
            if number in note:
                away &= ~note[number]
            for swap, row in here:
                found = seen(original_bgr, result_bgr, swap, row)
                rows = before[1] if before and before[0] == number - 1 else {}
                if (earlier := rows.get(int(faces.track[row]))) is not None:
                    was = seen(*before[2:], swap, earlier)
                    found |= {f"{name.removesuffix('_crop')}_before": value for name, value in was.items()}
                    found["flow"] = flow(found["original_before"], found["original_crop"])
                matrix, raw = crop_matrix(faces.landmarks_smooth_xy[row]), faces.landmarks_xy[row]
                pictures = {"original": original_bgr, "result": result_bgr, "truth": truth(swap, number)}
                if pictures["truth"] is not None:
                    found["truth_crop"] = align.warp(pictures["truth"], matrix, CROP_SIDE)
                for name, picture in pictures.items():
                    if picture is not None:
                        found[f"{name}_landmarks"] = align.transform(refit(picture, raw), matrix)
                for name in ("original", "result") if people[swap].get("references_second") is not None else ():
                    found[f"{name}_second"] = second(found[f"{name}_crop"][None])[0]
                yield Look(
                    frame=number,
                    swap=swap,
                    original_bgr=original_bgr,
                    result_bgr=result_bgr,
                    outside=away,
                    inside=inside(faces.landmarks_smooth_xy[row]),
                    references=references[swap],
                    **{"original_before": None, "result_before": None, "flow": None, **people[swap], **found},
                )
        before = number, {int(faces.track[row]): row for _, row in here}, original_bgr, result_bgr


def crop_matrix(landmarks_xy: np.ndarray) -> np.ndarray:
    """Frame pixels -> pixels of the aligned crop that faces are compared in, (2, 3) float32."""
    return align.crop_matrix(landmarks_xy, size=CROP_SIDE, span=CROP_SPAN)


def mask_crop(left: int, top: int, alpha: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The mask (h, w) float32 0..1 that lies at left, top of a frame, in the crop of a matrix: (CROP_SIDE, CROP_SIDE) float32."""
    if not alpha.size:
        return np.zeros((CROP_SIDE, CROP_SIDE), np.float32)
    padded = np.pad(alpha, 1)  # beyond the picture its edge repeats, and there is no mask
    at = np.array([[1, 0, left - 1], [0, 1, top - 1], [0, 0, 1]], np.float64)
    return align.warp(padded, matrix @ at, CROP_SIDE)


def crop(frame_bgr: np.ndarray, landmarks_xy: np.ndarray) -> np.ndarray:
    """The aligned crop that faces are compared in, (CROP_SIDE, CROP_SIDE, 3) uint8."""
    return align.warp(frame_bgr, crop_matrix(landmarks_xy), CROP_SIDE)


def inside(landmarks_xy: np.ndarray) -> np.ndarray:
    """Where that crop is wholly swapped, (CROP_SIDE, CROP_SIDE) bool."""
    matrix = crop_matrix(landmarks_xy)
    mask = masks.components(align.transform(landmarks_xy, matrix), size_hw=(CROP_SIDE, CROP_SIDE))
    return masks.soften(mask, face_size=CROP_SIDE * CROP_SPAN, erode=INSIDE, blur=0) > 0


def outside(faces_xy: Sequence[np.ndarray], size_hw: tuple[int, int]) -> np.ndarray:
    """(h, w) bool: the frame without the faces of landmarks (68, 2) and what is near them."""
    near = np.zeros(size_hw, bool)
    for landmarks_xy in faces_xy:
        face_size = CROP_SIDE * CROP_SPAN / align.scale(crop_matrix(landmarks_xy))
        face = masks.extended(landmarks_xy, size_hw=size_hw) > 0
        if face.any():
            away = cv2.distanceTransform((~face).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
            near |= away <= AROUND * face_size
    return ~near
