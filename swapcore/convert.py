"""Putting swapped faces into a frame. `predict` is a function, so no neural network is known here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from swapcore import align, forehead, light, masks
from swapcore.colour import COLOURS
from swapcore.errors import SwapError
from swapcore.overlay import Overlay, at_size, lay, of_plane, spread
from swapcore.types import Changed, DecisionTable, Face, FaceSet, Parsed, PeopleTable
from swapcore.video import CURVES, Picture

Predict = Callable[[np.ndarray], np.ndarray]
Restore = Callable[[np.ndarray], np.ndarray]  # restore.restorer
FINE = 128  # pixels of a face's size: the soft edges of one of twice that, or four times, are worked out at half, or a quarter
LARGEST = 512  # pixels a side, in which a forehead is smoothed


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
    """Raise SwapError where a trained.json is not that of `swap` (name, source, target), or its weights are others.

    A swap with `back_of` uses the model of the swap that it names, the other way round.
    """
    learnt = swap.get("back_of", swap["name"])
    remedy = f"delete swaps/{learnt} among the results and run snakemake again"
    source, target = ("target", "source") if "back_of" in swap else ("source", "target")
    wanted = {"swap": learnt, "source": swap[source], "target": swap[target]}
    found = {key: trained.get(key) for key in wanted}
    if found != wanted:
        raise SwapError(f"swap {swap['name']}: expected a trained.json of {wanted}, found one of {found}; {remedy}")
    said = trained.get("weights", {}).get("sha256")
    if said != weights_sha256:
        raise SwapError(
            f"swap {swap['name']}: expected weights of sha256 {said}, as trained.json says, found {weights_sha256}; {remedy}"
        )


def convert_picture(
    picture: Picture,
    faces: Sequence[Face],
    predict: Mapping[str, Predict],
    *,
    resolution: Mapping[str, int],
    centring: Mapping[str, str],
    span: Mapping[str, float],
    mask: masks.Setting,
    erode: float,
    soften: float,
    colour: str,
    relight: bool,
    blend: str,
    finish_seed: int | None,
    restore: Restore | None = None,
) -> tuple[Picture, list[Overlay]]:
    """Change `faces` in a picture; return it and what was laid over it, from the lowest to the topmost.

    For each swap, by its name: predict takes float32 (n, r, r, 3) BGR 0..1 aligned crops of the target and gives the same of
    the source, and as a fourth channel, where the mask `learned` needs it, what of the crop is face; resolution is r; centring
    and span say what that crop shows, as it was in training (align.crop_matrix). mask says where the face shows
    (masks.Setting), colour names a row of COLOURS, relight whether light.relight goes before it; erode and soften are shares of
    the face's size, the template's longer side (masks.soften); blend and finish_seed as of overlay.lay; restore: what a swapped
    crop goes through before it is laid, at a size of its own.

    Every crop is taken from the untouched picture. Faces are laid in from the smallest to the largest, so that of two which
    overlap the nearer is on top. Samples outside the soft masks keep their value to the bit: of a chroma plane those that
    stand for no pixel under a mask. With nothing to change the picture itself is returned. Raises SwapError where a model
    gives no picture.
    """
    if not faces:
        return picture, []
    result, laid = picture.copy(), []
    curve = CURVES.get(picture.layout.transfer)
    placed = [
        (
            f,
            align.crop_matrix(f.landmarks_xy, size=resolution[f.swap], span=span[f.swap], centring=centring[f.swap]),
        )
        for f in faces
    ]
    for face, matrix in sorted(placed, key=lambda p: _face_size(p[1], resolution[p[0].swap], span[p[0].swap])):
        side = resolution[face.swap]
        look = {"side": side, "mask": mask, "colour": colour, "relight": relight}
        face, target, swapped = see(picture, face, matrix, predict[face.swap], **look)
        left, top, alpha = face_alpha(
            face,
            matrix,
            side=side,
            span=span[face.swap],
            frame_hw=picture.layout.shapes[0],
            mask=mask,
            erode=erode,
            soften=soften,
            skin=forehead.skin(swapped, target) if face.raised else None,
        )
        if not alpha.size:
            continue
        if face.smoothed and (smooth := _smooth_forehead(picture, face, matrix, side=side)):
            laid.append(smooth)
            lay(result, smooth)
        if restore:
            swapped = restore(swapped)
        coded = curve.from_screen(swapped) if curve else swapped
        face_laid = Overlay(left, top, alpha, coded, at_size(matrix, side, len(swapped)))
        laid.append(lay(result, face_laid, blend=blend, finish_seed=finish_seed))
    return result, laid


def see(
    picture: Picture,
    face: Face,
    matrix: np.ndarray,
    predict: Predict,
    *,
    side: int,
    mask: masks.Setting,
    colour: str,
    relight: bool,
) -> tuple[Face, np.ndarray, np.ndarray]:
    """What a model makes of a face: the face with what the model has `learned` of it, the target's crop and the swapped one in
    its light and colours, (side, side, 3) float32 BGR 0..1 on the screen, both.

    matrix (2, 3) takes the picture's pixels to the crop's; the rest as of `convert_picture`.
    """
    curve = CURVES.get(picture.layout.transfer)
    target = crop(picture, matrix, side)
    target = curve.to_screen(target) if curve else target
    made = predicted(predict, target, face.swap)
    if made.shape[-1] == 4:
        face = replace(face, learned=Parsed(np.rint(255 * made[..., 3]).astype(np.uint8), matrix))
    return face, target, recoloured(made[..., :3], target, face, matrix, mask=mask, colour=colour, relight=relight)


def recoloured(
    swapped: np.ndarray,
    target: np.ndarray,
    face: Face,
    matrix: np.ndarray,
    *,
    mask: masks.Setting,
    colour: str,
    relight: bool,
) -> np.ndarray:
    """A model's picture of a face in the target's light and colours, (s, s, 3) float32 BGR 0..1 as both that are given.

    matrix (2, 3) takes frame pixels, which the face is given in, to the pictures'.
    """
    points, to_frame = align.transform(face.landmarks_xy, matrix), align.invert(matrix)
    look = {"size_hw": target.shape[:2], "parsed": face.parsed, "learned": face.learned, "matrix": to_frame}
    skin = masks.combined(mask, [part for part, _ in masks.drawn(mask, points, **look)])
    if relight:
        swapped = light.relight(swapped, target, skin, points)
    return np.clip(COLOURS[colour](swapped, target, skin), 0, 1)


def _smooth_forehead(picture: Picture, face: Face, matrix: np.ndarray, *, side: int) -> Overlay | None:
    """The target's own forehead without its wrinkles, at the size it has there; None where there is none to see."""
    size = int(np.clip(round(side / align.scale(matrix)), 32, LARGEST))
    fine = at_size(matrix, side, size)
    low, size_hw = _rectangle(fine, size, picture.layout.shapes[0])
    shift = np.array([[1, 0, low[0]], [0, 1, low[1]]], np.float64)
    laid = forehead.region(face.landmarks_xy - low, face.parsed, shift, size_hw=size_hw) if all(size_hw) else None
    points, to_frame = align.transform(face.landmarks_xy, fine), align.invert(fine)
    seen = forehead.region(points, face.parsed, to_frame, size_hw=(size, size))
    if laid is None or seen is None:
        return None
    laid *= face.smoothed * _shown(fine, size, low, size_hw, fade=size / 16)
    return Overlay(int(low[0]), int(low[1]), laid, forehead.smoothed(crop(picture, fine, size), seen), fine)


def crop(picture: Picture, matrix: np.ndarray, side: int) -> np.ndarray:
    """A crop of a picture, float32 (side, side, 3) BGR 0..1 as coded; matrix (2, 3) takes the picture's pixels to the crop's.

    Each plane is cut out at its own resolution, as align.warp does, so the rest of the picture is never converted.
    """
    layout = picture.layout
    planes = [align.warp(plane, of_plane(matrix, layout, k), side) for k, plane in enumerate(picture.planes)]
    return layout.bgr(np.stack(planes, -1))


def face_alpha(
    face: Face,
    matrix: np.ndarray,
    *,
    side: int,
    span: float,
    frame_hw: tuple[int, int],
    mask: masks.Setting,
    erode: float,
    soften: float,
    skin: np.ndarray | None = None,
) -> tuple[int, int, np.ndarray]:
    """Where a swapped face shows in a frame: left, top and float32 (h, w) 0..1 of a small rectangle that holds it.

    matrix (2, 3) takes frame pixels to those of the crop of `side`, of which the template's longer side takes the share `span`.
    Masks are cut to what the crop shows before they are softened, so they fade towards the crop's border as they do towards
    their own outline. A face that is `raised` shows up to its hair by so much (forehead.region), where it is skin: (side, side)
    0..1 of the crop, left out where that is not known. Empty (0, 0) where the face lies outside the frame, or all of it is
    covered.
    """
    coarser = 2 ** int(np.log2(max(_face_size(matrix, side, span) / FINE, 1)))
    if coarser > 1:  # soft edges of a large face are as smooth in larger pixels, in a fraction of the time
        up = np.array([[coarser, 0, (coarser - 1) / 2], [0, coarser, (coarser - 1) / 2], [0, 0, 1]], np.float64)
        known = {
            name: Parsed(one.share, one.matrix @ up)
            for name in ("parsed", "learned")
            if (one := getattr(face, name)) is not None
        }
        small = replace(face, landmarks_xy=align.transform(face.landmarks_xy, align.invert(up[:2])), **known)
        look = {"side": side, "span": span, "mask": mask, "erode": erode, "soften": soften, "skin": skin}
        left, top, alpha = face_alpha(small, matrix @ up, frame_hw=tuple(-(-n // coarser) for n in frame_hw), **look)
        if alpha.size:
            alpha = cv2.resize(alpha, None, fx=coarser, fy=coarser, interpolation=cv2.INTER_LINEAR)
        left, top = left * coarser, top * coarser
        return left, top, alpha[: frame_hw[0] - top, : frame_hw[1] - left]
    low, size_hw = _rectangle(matrix, side, frame_hw)
    if not all(size_hw):
        return 0, 0, np.zeros((0, 0), np.float32)
    shift, points = np.array([[1, 0, low[0]], [0, 1, low[1]]], np.float64), face.landmarks_xy - low
    parts = masks.drawn(mask, points, size_hw=size_hw, parsed=face.parsed, learned=face.learned, matrix=shift)
    up = None
    if face.raised and face.parsed is not None:
        known = dict(zip(masks.names(mask)[1], parts, strict=True)).get(masks.PARSED)
        up = forehead.above(points, known[0] if known else masks.parsed_at(face.parsed, shift, size_hw))
    both = masks.combined(mask, [part for part, _ in parts])
    here = _box(both if up is None else np.maximum(both, up), edge=1)  # so that soften sees the outline
    if not both[here].size:
        return 0, 0, both[here]
    low = low + (here[1].start, here[0].start)
    size = _face_size(matrix, side, span)
    # drawn masks are cut at the crop's border and softened with their outline, the others fade towards it
    cut, fade = (_shown(matrix, side, low, both[here].shape, fade=width) for width in (0, soften * span * side))
    alpha = masks.combined(
        mask,
        [
            part[here] * fade if done else masks.soften(part[here] * cut, face_size=size, erode=erode, blur=soften)
            for part, done in parts
        ],
    )
    if up is not None:
        shift = np.array([[1, 0, low[0]], [0, 1, low[1]], [0, 0, 1]], np.float64)
        seen = 1 if skin is None else np.clip(spread(skin, matrix @ shift, both[here].shape), 0, 1)
        alpha = np.maximum(alpha, np.float32(face.raised) * up[here] * fade * seen)
    here = _box(alpha, edge=1)
    return int(low[0]) + here[1].start, int(low[1]) + here[0].start, alpha[here]


def _rectangle(matrix: np.ndarray, side: int, frame_hw: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """Left and top (2,) and height and width of the part of a frame in which a crop lies, with an edge; 0 where none does."""
    corners = np.array([(0, 0), (side - 1, 0), (0, side - 1), (side - 1, side - 1)])
    corners = align.transform(corners, align.invert(matrix))
    # one pixel more on each side, so that an outline is seen there; the frame's own border is none
    low = np.maximum(np.floor(corners.min(0)).astype(int) - 1, 0)
    wide, high = np.maximum(np.minimum(np.ceil(corners.max(0)).astype(int) + 2, frame_hw[::-1]) - low, 0)
    return low, (int(high), int(wide))


def _shown(
    matrix: np.ndarray, side: int, low: np.ndarray, size_hw: tuple[int, int], *, fade: float
) -> np.ndarray | float:
    """Which pixels (h, w) of a rectangle at `low` (x, y) the crop shows, 0..1; 1 where it shows all.

    From its border inwards it takes `fade` pixels of the crop to 1; with 0 it is 0 or 1.
    """
    end = low + size_hw[::-1] - 1
    corners = align.transform(np.array([low, (end[0], low[1]), (low[0], end[1]), end]), matrix)
    if not ((corners < fade).any() or (corners > side - 1 - fade).any()):
        return np.float32(1)
    x = low[0] + np.arange(size_hw[1], dtype=np.float32)
    y = low[1] + np.arange(size_hw[0], dtype=np.float32)[:, None]
    half = np.float32((side - 1) / 2)
    (a, b, c), (d, e, f) = matrix.astype(np.float32)
    inside = half - np.maximum(np.abs(a * x + (b * y + (c - half))), np.abs(d * x + (e * y + (f - half))))
    return np.clip(inside / np.float32(fade), 0, 1) if fade else (inside >= 0).astype(np.float32)


def _box(values: np.ndarray, *, edge: int) -> tuple[slice, slice]:
    """The smallest rectangle of values (h, w) with all that is not 0, and `edge` pixels around it; empty where all is 0."""
    left, top, width, height = cv2.boundingRect((values > 0).astype(np.uint8))
    if not width:
        return slice(0, 0), slice(0, 0)
    return slice(max(top - edge, 0), top + height + edge), slice(max(left - edge, 0), left + width + edge)


def _face_size(matrix: np.ndarray, side: int, span: float) -> float:
    """The template's longer side in pixels of the frame."""
    return span * side / align.scale(matrix)


def predicted(predict: Predict, target: np.ndarray, swap: str) -> np.ndarray:
    """What a model makes of one crop, float32 0..1 both: (s, s, 3) BGR of one, and as a fourth channel the mask of a model that
    is asked for it. Raises SwapError where that is no picture.
    """
    swapped = np.asarray(predict(target[None]), np.float32)
    if swapped[..., :3].shape != (1, *target.shape) or swapped.shape[-1] > 4 or not np.isfinite(swapped).all():
        raise SwapError(
            f"swap {swap}: expected its model to make a finite picture of shape {target.shape}, got {swapped.shape[1:]} or "
            "values that are not finite; delete its weights.h5 and its state, and train it again"
        )
    return np.clip(swapped[0], 0, 1)
