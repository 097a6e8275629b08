"""Putting swapped faces into a frame. `predict` is a function, so no neural network is known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from swapcore import align, masks
from swapcore.blend import feather
from swapcore.colour import COLOURS
from swapcore.errors import SwapError
from swapcore.types import Changed, DecisionTable, Face, FaceSet, PeopleTable

Predict = Callable[[np.ndarray], np.ndarray]


def choose(
    faces: FaceSet,
    people: PeopleTable,
    decisions: Mapping[str, DecisionTable],
    swaps: Sequence[Mapping[str, str]],
    *,
    clip: str,
) -> dict[int, list[Changed]]:
    """Which faces of a clip are changed by which swap: frame number -> rows of `faces`.

    swaps hold name, source, target; decisions are those of each swap's target, by the swap's name. A face is changed where it
    is the target's and its `use_swap` says so. Raises SwapError where a swap finds nothing to do in the clip, or a face that
    no decision was made for.
    """
    whose = dict(zip(people.id.tolist(), people.person.tolist(), strict=True))
    chosen: dict[int, list[Changed]] = {}
    for swap in swaps:
        name, target = swap["name"], swap["target"]
        table = decisions[name]
        here = table.clip == clip
        use = dict(zip(table.id[here].tolist(), table.use_swap[here].tolist(), strict=True))
        rows = [row for row, face in enumerate(faces.id.tolist()) if whose.get(face) == target]
        if unknown := [i for i in faces.id[rows].tolist() if i not in use]:
            raise SwapError(
                f"clip {clip}: expected a decision on each face of {target}, found none on {unknown[0]}; "
                f"delete people/{target}/decisions.parquet among the results and run snakemake again"
            )
        kept = [row for row in rows if use[faces.id[row]]]
        if not kept:
            found = f"{len(rows)}, all rejected by hand" if rows else f"none among its {len(faces)} faces"
            remedy = (
                f"take rejects back in config/edits/{target}.yaml"
                if rows
                else (
                    f"correct the clip's people in clips.tsv, raise identify.threshold, add references of {target}, "
                    f"or name {target}'s tracks under identity in config/edits/{target}.yaml"
                )
            )
            raise SwapError(f"clip {clip}: swap {name} expects faces of {target} to change, found {found}; {remedy}")
        for row in kept:
            chosen.setdefault(int(faces.frame[row]), []).append(Changed(name, row))
    return chosen


def check_trained(trained: Mapping[str, Any], swap: Mapping[str, str], *, weights_sha256: str) -> None:
    """Raise SwapError where a trained.json is not that of `swap` (name, source, target), or its weights are others."""
    remedy = f"delete swaps/{swap['name']} among the results and run snakemake again"
    wanted = {"swap": swap["name"], "source": swap["source"], "target": swap["target"]}
    found = {key: trained.get(key) for key in wanted}
    if found != wanted:
        raise SwapError(f"swap {swap['name']}: expected a trained.json of {wanted}, found one of {found}; {remedy}")
    said = trained.get("weights", {}).get("sha256")
    if said != weights_sha256:
        raise SwapError(
            f"swap {swap['name']}: expected weights of sha256 {said}, as trained.json says, found {weights_sha256}; {remedy}"
        )


def convert_frame(
    frame_bgr: np.ndarray,
    faces: Sequence[Face],
    predict: Mapping[str, Predict],
    *,
    resolution: Mapping[str, int],
    centring: Mapping[str, str],
    span: Mapping[str, float],
    mask: str,
    erode: float,
    soften: float,
    colour: str,
) -> np.ndarray:
    """Change `faces` in a frame.

    frame_bgr uint8 (h, w, 3). For each swap, by its name: predict takes float32 (n, r, r, 3) BGR 0..1 aligned crops of the
    target and gives the same of the source; resolution is r; centring and span say what that crop shows, as it was in training
    (align.crop_matrix). mask and colour name a row of MASKS and COLOURS; erode and soften are shares of the face's size, the
    template's longer side (masks.soften).

    Every crop is taken from the untouched frame. Faces are laid in from the smallest to the largest, so that of two which
    overlap the nearer is on top. Pixels outside the soft masks keep their value to the bit; with nothing to change the frame
    itself is returned. Raises SwapError where a model gives no picture.
    """
    if not faces:
        return frame_bgr
    result = frame_bgr.copy()
    placed = [
        (
            f,
            align.crop_matrix(f.landmarks_xy, size=resolution[f.swap], span=span[f.swap], centring=centring[f.swap]),
        )
        for f in faces
    ]
    for face, matrix in sorted(placed, key=lambda p: _face_size(p[1], resolution[p[0].swap], span[p[0].swap])):
        side = resolution[face.swap]
        target = align.warp(frame_bgr, matrix, side).astype(np.float32) / 255
        swapped = _predict(predict[face.swap], target, face.swap)
        points = align.transform(face.landmarks_xy, matrix)
        swapped = COLOURS[colour](swapped, target, masks.MASKS[mask](points, size_hw=(side, side)))
        left, top, alpha = face_alpha(
            face.landmarks_xy,
            matrix,
            side=side,
            face_size=_face_size(matrix, side, span[face.swap]),
            frame_hw=frame_bgr.shape[:2],
            mask=mask,
            erode=erode,
            soften=soften,
        )
        if alpha.size:
            lay(result, swapped, matrix, left=left, top=top, alpha=alpha)
    return result


def face_alpha(
    landmarks_xy: np.ndarray,
    matrix: np.ndarray,
    *,
    side: int,
    face_size: float,
    frame_hw: tuple[int, int],
    mask: str,
    erode: float,
    soften: float,
) -> tuple[int, int, np.ndarray]:
    """Where a swapped face shows in a frame: left, top and float32 (h, w) 0..1 of the smallest rectangle that holds it.

    matrix (2, 3) takes frame pixels to those of the crop of `side`. The mask is cut to what the crop shows before it is
    softened, so it fades towards the crop's border as it does towards its own outline. Empty (0, 0) where the face lies
    outside the frame.
    """
    corners = np.array([(0, 0), (side - 1, 0), (0, side - 1), (side - 1, side - 1)])
    corners = align.transform(corners, align.invert(matrix))
    # one pixel more on each side, so that an outline is seen there; the frame's own border is none
    low = np.maximum(np.floor(corners.min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(corners.max(0)).astype(int) + 2, frame_hw[::-1])
    if (high <= low).any():
        return 0, 0, np.zeros((0, 0), np.float32)
    x, y = np.arange(low[0], high[0]), np.arange(low[1], high[1])[:, None]
    shown = np.ones((len(y), len(x)), bool)
    for a, b, c in matrix.astype(np.float64):
        along = a * x + b * y + c
        shown &= (along >= 0) & (along <= side - 1)
    hard = masks.MASKS[mask](landmarks_xy - low, size_hw=shown.shape) * shown
    alpha = masks.soften(hard, face_size=face_size, erode=erode, blur=soften)
    left, top, width, height = cv2.boundingRect((alpha > 0).astype(np.uint8))
    return int(low[0]) + left, int(low[1]) + top, alpha[top : top + height, left : left + width]


def lay(
    frame_bgr: np.ndarray, crop_bgr: np.ndarray, matrix: np.ndarray, *, left: int, top: int, alpha: np.ndarray
) -> None:
    """Lay an aligned crop, float32 (r, r, 3) BGR 0..1, into a uint8 frame, in place, where alpha (h, w) at left, top says.

    matrix takes frame pixels to the crop's. The crop is brought to the frame's size by cubic interpolation; where it has to
    shrink, it is smoothed first.
    """
    height, width = alpha.shape
    shrink = align.scale(matrix)
    if shrink > 1:
        crop_bgr = cv2.GaussianBlur(crop_bgr, (0, 0), 0.5 * np.sqrt(shrink**2 - 0.9))
    from_corner = np.array(matrix, np.float64)
    from_corner[:, 2] += from_corner[:, :2] @ (left, top)
    over = cv2.warpAffine(
        crop_bgr,
        from_corner,
        (width, height),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    part = frame_bgr[top : top + height, left : left + width]
    mixed = feather(np.clip(over, 0, 1), part.astype(np.float32) / 255, alpha)
    part[:] = np.rint(mixed * 255)


def _face_size(matrix: np.ndarray, side: int, span: float) -> float:
    """The template's longer side in pixels of the frame."""
    return span * side / align.scale(matrix)


def _predict(predict: Predict, target: np.ndarray, swap: str) -> np.ndarray:
    swapped = np.asarray(predict(target[None]), np.float32)
    if swapped.shape != (1, *target.shape) or not np.isfinite(swapped).all():
        raise SwapError(
            f"swap {swap}: expected its model to make a finite picture of shape {target.shape}, got {swapped.shape[1:]} or "
            "values that are not finite; delete its weights.h5 and its state, and train it again"
        )
    return np.clip(swapped[0], 0, 1)
