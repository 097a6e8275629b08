"""The held-out slice: faces of each person that never train, by which the swap is judged while it trains."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import cv2
import numpy as np

from swapcore import align, detect, embedding, nets, store
from swapcore.masks import Setting
from swapcore.models import PEOPLE
from swapcore.train import batches, parsed, quality
from swapcore.train.fresh import among
from swapcore.train.quality import Held, Judges
from swapcore.train.step import Trainer

SHARE = 8  # no more than one in so many faces is held out
FEWEST = 4  # held-out faces by which a swap can be judged
MOST_BYTES = 1 << 30  # of the pictures of one measurement: each face of both people six times, see Trainer.show
CHOICES = 4  # faces alike in pose, of which one is held out
EDGE = 0.05  # of the picture's side: the mask's own edge, which is no detail of the face


class Slice(NamedTuple):
    """What is held out, and how a model is judged by it."""

    rows: tuple[np.ndarray, np.ndarray]  # of the datasets of source and target
    basis: str  # digest of these faces: measurements of one basis can be compared
    measure: Callable[[Trainer], dict[str, Any]]  # as quality.measure


def hold_out(
    people: tuple[batches.Faces, batches.Faces],
    rows: tuple[np.ndarray, np.ndarray],
    *,
    coverage: float,
    resolution: int,
    mask: Setting,
) -> Slice:
    """The slice of these rows of source and target."""
    shape = batches.geometry(people[0].size, coverage=coverage, resolution=resolution)
    source, target = (look(f, r, shape, resolution=resolution, mask=mask) for f, r in zip(people, rows, strict=True))
    session = nets.identity_session(threads=len(os.sched_getaffinity(0)))
    fit = detect.fitter(nets.model_path("landmarks"))
    judges = Judges(lambda chips: embedding.embed_chips(chips, session), fit)
    exam = quality.prepare(source, target, judges)
    shown = [f.table.digest[r].tolist() for f, r in zip(people, rows, strict=True)]
    text = json.dumps([quality.FORMULA, shown, coverage, resolution, mask])
    return Slice(
        rows=rows,
        basis=hashlib.sha256(text.encode()).hexdigest()[:16],
        measure=lambda machine: quality.measure(exam, machine.show(source.faces, target.faces), judges),
    )


def held_out(
    people: tuple[batches.Faces, batches.Faces],
    *,
    asked: int,
    resolution: int,
    before: Mapping[str, str] = MappingProxyType({}),
    trained: Mapping[str, str] = MappingProxyType({}),
) -> tuple[np.ndarray, np.ndarray] | None:
    """Rows of source and target that do not train; None where one of them has too few faces, or none are asked for.

    before: those that were held out already, by role, and trained: those that have trained, see fresh.names.
    """
    number = count(people, asked, resolution=resolution)
    if not number:
        return None
    found = (
        choose(faces, number, before=before.get(role, ""), trained=trained.get(role, ""))
        for role, faces in zip(PEOPLE, people, strict=True)
    )
    return tuple(found)


def count(people: tuple[batches.Faces, batches.Faces], asked: int, *, resolution: int = 64) -> int:
    """How many faces of each are held out: as many as are asked for, one in SHARE, never so many that fewer than
    batches.FEWEST train, nor more than MOST_BYTES hold when they are shown. 0 where that leaves fewer than FEWEST.
    """
    fewest = min(len(faces.table) for faces in people)
    most = min(asked, fewest // SHARE, fewest - batches.FEWEST, MOST_BYTES // (6 * 12 * resolution**2))
    return most if most >= FEWEST else 0


def too_few(people: tuple[batches.Faces, batches.Faces]) -> str:
    """Why nothing can be held out, for people."""
    faces = min(people, key=lambda f: len(f.table))
    needed = max(FEWEST * SHARE, FEWEST + batches.FEWEST)
    return (
        f"{faces.person} has {len(faces.table)} faces to train from and at least {needed} are needed to hold some out"
    )


def choose(faces: batches.Faces, number: int, *, before: str = "", trained: str = "") -> np.ndarray:
    """Rows of a dataset to hold out, ascending: spread over yaw, and among faces alike in it over how far the mouth is open.

    Those of `before` stay, so that what has been learnt by heart is never taken for new; more are chosen among faces that have
    not `trained`, while there are enough (both see fresh.names). What is chosen depends on these and the dataset alone. Their
    neighbours in time do train, so held-out faces are easier than another clip's would be.
    """
    yaw, digests = faces.table.yaw, faces.table.digest.tolist()
    stay = np.flatnonzero(among(digests, before))
    if len(stay) >= number:
        return np.sort(stay[batches.spread(yaw[stay], number)])
    missing = number - len(stay)
    rest = np.setdiff1d(np.arange(len(yaw)), stay)
    unseen = rest[~among(digests, trained)[rest]]
    pool = unseen if len(unseen) >= missing else rest
    near = pool[batches.spread(yaw[pool], min(CHOICES * missing, len(pool)))]
    mouth = {
        row: _gap(store.face_row(png).landmarks_in_crop()) for row, png in zip(near, pngs(faces, near), strict=True)
    }
    groups = np.array_split(near, missing)
    picked = [sorted(group, key=mouth.get)[k % len(group)] for k, group in enumerate(groups)]
    return np.sort(np.concatenate([stay, np.array(picked, np.int64)]))


def look(faces: batches.Faces, rows: np.ndarray, shape: batches.Geometry, *, resolution: int, mask: Setting) -> Held:
    """The faces of these rows as the model sees them undisturbed, and where they are."""
    to_view = batches.view_matrix(shape, resolution=resolution)
    found = []
    for png, share in zip(pngs(faces, rows), parsed.shares(faces.table, rows, faces.masks), strict=True):
        cached, landmarks = batches.prepare(png, shape, size=faces.size, mask=mask, share=share)
        inside = align.warp(np.ascontiguousarray(cached[..., 3]), to_view, resolution) > 127
        points = align.transform(landmarks, to_view)
        found.append((batches.views(cached[None], shape, resolution=resolution)[0], _within(inside), points))
    return Held(*(np.stack(column) for column in zip(*found, strict=True)))


def pngs(faces: batches.Faces, rows: np.ndarray) -> list[bytes]:
    """Some faces' PNGs, in the order of the rows; each archive is opened once."""
    table, found = faces.table, {}
    for clip in dict.fromkeys(table.clip[rows].tolist()):
        with store.FaceArchive(faces.archives[clip], clip=clip) as archive:
            found |= {row: archive.png(table.id[row]) for row in rows if table.clip[row] == clip}
    return [found[row] for row in rows]


def _within(inside: np.ndarray) -> np.ndarray:
    """A mask (h, w) bool without its edge."""
    size = 2 * max(round(EDGE * len(inside)), 1) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    padded = cv2.erode(inside.astype(np.uint8), kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return padded.astype(bool)


def _gap(points_xy: np.ndarray) -> float:
    """How far the mouth is open, in lengths of the nose."""
    return float(np.hypot(*(points_xy[62] - points_xy[66])) / max(np.hypot(*(points_xy[27] - points_xy[33])), 1e-3))
