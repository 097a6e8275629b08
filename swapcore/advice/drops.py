"""Faces that train now and that a dataset is better without: soft, smeared, misaligned, twins, unlike, alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from swapcore import clean
from swapcore.advice.find import SHARP
from swapcore.advice.space import alone, cover, points
from swapcore.config.fields import Advise
from swapcore.types import ScoreTable

SMEARED = 46.0  # motion blur that no unsmeared face has, see quality.motion_blur
MISPLACED = 80.0  # misalignment from which a face may be out of place, see quality.misalignment
UNLIKE = 0.45  # distance to the references from which a face may be somebody else's
OUTLYING = 4.0  # robust standard deviations from the person's own median
ALONE = 2.0  # radii from the nearest other face of the person


def drops(
    scores: ScoreTable, train: np.ndarray, kept: np.ndarray, *, needed: np.ndarray, settings: Advise
) -> list[tuple[int, str]]:
    """Which faces to take out of training, as (row, why in words), the surest first, at most `settings.drop`.

    scores: all of one person's faces; train (n,) bool: which train now; kept (n,) bool: which somebody kept by hand, and
    which are therefore never named. needed (m, len(AXES)): points of the faces that the dataset must cover. A soft or
    smeared face, or a twin, that alone is near a needed one stays; a misplaced or foreign one goes all the same.
    """
    rows = np.flatnonzero(train)
    if not len(rows):
        return []
    mine = scores.select(rows)
    where = points(mine)
    wrong, poor = _wrong(mine), _poor(mine, where, needed, settings)
    for reasons in (wrong, poor):
        for row in np.flatnonzero(kept[rows]):
            reasons.pop(int(row), None)
    for row in _alone_near(where, needed, gone={*wrong, *poor}, radius=settings.radius):
        poor.pop(row, None)
    named = {**wrong, **{row: why for row, why in poor.items() if row not in wrong}}
    return [(int(rows[row]), why) for row, why in list(named.items())[: settings.drop]]


def _wrong(faces: ScoreTable) -> dict[int, str]:
    """Faces that may show something else than the person's face in its place."""
    found = {}
    for values, floor, words in (
        (faces.misalignment, MISPLACED, "landmarks beside the face: misalignment {:.0f} per cent, usual here {:.0f}"),
        (faces.distance, UNLIKE, "unlike the others, perhaps somebody else: distance {:.2f}, usual here {:.2f}"),
    ):
        middle = float(np.median(values))
        limit = max(middle + OUTLYING * 1.4826 * float(np.median(np.abs(values - middle))), floor)
        for row in np.flatnonzero(values > limit)[np.argsort(-values[values > limit], kind="stable")]:
            found.setdefault(int(row), words.format(float(values[row]), middle))
    return found


def _poor(faces: ScoreTable, where: np.ndarray, needed: np.ndarray, settings: Advise) -> dict[int, str]:
    """Faces that show the person, but badly, twice, or as nobody needs."""
    found = {}
    middle = float(np.median(faces.sharpness))
    limit = min(middle * settings.soft / 100, SHARP)
    for row in _ascending(faces.sharpness, faces.sharpness < limit):
        found[row] = f"soft: sharpness {faces.sharpness[row]:.1f} per cent, usual here {middle:.0f}"
    for row in _ascending(-faces.motion_blur, faces.motion_blur > SMEARED):
        found.setdefault(row, f"smeared by motion: {faces.motion_blur[row]:.0f} per cent")
    # clean looks for twins within a clip; here all clips are one
    whole = replace(faces, clip=np.full(len(faces), "all", object))
    every, nobody = np.ones(len(faces), bool), np.zeros(len(faces), bool)
    for row in np.flatnonzero(clean.near_duplicates(whole, every, kept=nobody, within=settings.twins)):
        found.setdefault(int(row), "a twin: almost the same as a sharper face")
    unasked = cover(where, needed).own > settings.radius
    for row in np.flatnonzero((alone(where) > ALONE * settings.radius) & unasked):
        found.setdefault(int(row), "alone: no other face is like it, and none in the video looks so")
    return found


def _alone_near(where: np.ndarray, needed: np.ndarray, *, gone: set[int], radius: float) -> list[int]:
    """Of the rows `gone`, those whose loss would leave one of the needed points without any face near it."""
    stays = np.array([row not in gone for row in range(len(where))], bool)
    before, after = cover(needed, where), cover(needed, where[stays])
    lost = (before.own <= radius) & (after.own > radius)
    return sorted(gone & set(before.nearest[lost].tolist()))


def _ascending(values: np.ndarray, chosen: np.ndarray) -> list[int]:
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(values[rows], kind="stable")].tolist()
