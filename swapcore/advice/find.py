"""What is missing, most harmful first: gaps between what the target does and what the source was seen to do."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from swapcore.advice.regions import REGIONS, Region
from swapcore.advice.space import AXES, Coverage, cover, points
from swapcore.config.fields import Advise
from swapcore.progress import counted
from swapcore.types import ScoreTable

MIRRORED = 0.5  # of the harm of a gap is left where mirrored faces stand in: faces and light are not symmetric
SHARP = 9.0  # from which sharpness on a face counts as sharp, see quality.sharpness
SMALL = 96  # pixels of a face's box: fewer hold less than a model of 64 pixels sees
DARKER = 15.0  # L* between two people's usual lightness from which it is said
HARDER = 5.0  # L* of contrast beyond what the source has, from which light counts as harder


@dataclass(frozen=True)
class Finding:
    """One gap."""

    what: str  # short and lasting: `yaw<-30`, `sharpness`
    words: str  # what is missing, a sentence
    do: str  # what mends it, a sentence
    frames: int  # of the target that do it
    lacking: int  # of those, without a face of the source near them
    mirrored: int  # of the lacking, those that a mirrored face is near
    faces: int  # of the source that do it
    harm: float  # per cent of the target's frames; what findings are ordered by
    rows: tuple[int, ...]  # examples among the target's faces, the farthest from the source first


@dataclass(frozen=True)
class Advice:
    """What was found for one swap. Rows count in the tables that were given."""

    findings: tuple[Finding, ...]
    coverage: Coverage
    frames: int  # of the target
    covered: float  # share of them with a face of the source near them
    mirrored: float  # share with only a mirrored one
    missing: float  # share with neither
    verdict: str


def advise(source: ScoreTable, target: ScoreTable, *, names: tuple[str, str], settings: Advise) -> Advice:
    """Compare the faces `source` that will train with the faces `target` that will be swapped.

    names: of source and target. A gap is a region of direction, expression or light that the target visits, in frames that
    have no face of the source within `settings.radius`, and the source has at most `settings.few` faces in. Gaps are taken
    greedily, each time the one that explains most; what no single region explains is looked for in pairs of them, and what is
    left is told by the largest difference from the nearest face. Raises ValueError where the target has no faces.
    """
    if not len(target):
        raise ValueError("the target has no faces")
    ours, theirs = points(source), points(target)
    near = cover(theirs, ours)
    lacking = near.own > settings.radius
    softened = lacking & (near.mirrored <= settings.radius)
    weight = np.where(softened, MIRRORED, 1.0) * lacking
    least = max(settings.min_share / 100 * len(target), 1.0)
    found, rest = [], lacking.copy()
    for region in _greedy(ours, theirs, rest, weight, few=settings.few, least=least):
        inside = _inside(region, theirs)
        mine = rest & inside
        rest &= ~inside
        found.append(
            Finding(
                what=" ".join(part.name for part in region),
                words=_words(region, names, inside.sum(), int(_inside(region, ours).sum()), (softened & mine).sum()),
                do=f"Film or photograph {names[0]} " + "; and at the same time ".join(part.do for part in region) + ".",
                frames=int(inside.sum()),
                lacking=int(mine.sum()),
                mirrored=int((softened & mine).sum()),
                faces=int(_inside(region, ours).sum()),
                harm=round(100 * float(weight[mine].sum()) / len(target), 1),
                rows=_examples(mine, near.own, settings.examples),
            )
        )
    if len(source):
        found += _others(ours, theirs, near, rest, weight, names=names, least=least, examples=settings.examples)
    found += [finding for look in PICTURE for finding in look(source, target, names)]
    found.sort(key=lambda finding: -finding.harm)
    covered, mirrored = 1 - lacking.mean(), softened.mean()
    missing = lacking.mean() - mirrored
    return Advice(
        findings=tuple(found),
        coverage=near,
        frames=len(target),
        covered=round(float(covered), 4),
        mirrored=round(float(mirrored), 4),
        missing=round(float(missing), 4),
        verdict=_verdict(covered, mirrored, missing, len(target), len(source), names),
    )


def _inside(region: tuple[Region, ...], where: np.ndarray) -> np.ndarray:
    return np.logical_and.reduce([part.holds(where) for part in region])


def _greedy(ours, theirs, rest, weight, *, few: int, least: float):
    """Yield regions, as tuples of one or two, that explain most of what is still left in `rest`, which the caller reduces."""
    rare = {region: int(region.holds(ours).sum()) <= few for region in REGIONS}
    single = [(region,) for region in REGIONS if rare[region]]
    pairs = [
        pair
        for pair in itertools.combinations(REGIONS, 2)
        if pair[0].axis != pair[1].axis and not rare[pair[0]] and not rare[pair[1]] and _inside(pair, ours).sum() <= few
    ]
    for candidates in (single, pairs):
        inside = {region: _inside(region, theirs) for region in candidates}
        while inside:
            region = max(inside, key=lambda r: weight[rest & inside[r]].sum())
            if (rest & inside.pop(region)).sum() < least:
                break
            yield region


def _words(region: tuple[Region, ...], names: tuple[str, str], frames: int, faces: int, mirrored: int) -> str:
    source, target = names
    does = " and at the same time ".join(part.does for part in region)
    both = " both" if len(region) > 1 else ""
    said = (
        f"{source} never does{both}" if not faces else f"{source} does{both or ' so'} in {counted(faces, 'face')} only"
    )
    if mirrored:
        said += f" (mirrored, other faces of {source} stand in for {mirrored} of these frames, not quite as good)"
    return f"{target} {does} in {counted(frames, 'frame')}; {said}."


def _others(ours, theirs, near, rest, weight, *, names, least, examples) -> list[Finding]:
    """What is left, by the axis and the side on which it is farthest from the nearest face of the source."""
    steps = np.array([axis.step for axis in AXES.values()])
    apart = theirs - ours[near.nearest]
    largest = np.abs(apart / steps).argmax(1)
    found = []
    for number, (name, axis) in enumerate(AXES.items()):
        for more in (True, False):
            mine = rest & (largest == number) & ((apart[:, number] > 0) == more)
            if mine.sum() < least:
                continue
            by = np.abs(apart[mine, number]).mean()
            is_ = axis.more if more else axis.less
            found.append(
                Finding(
                    what=f"{name}{'+' if more else '-'}",
                    words=f"In {counted(mine.sum(), 'frame')} {names[1]} is {is_} than the most similar face of {names[0]}, by "
                    f"{by:.0f}{axis.unit} on average.",
                    do=f"Film or photograph {names[0]} as in the pictures here: {is_} than so far.",
                    frames=int(mine.sum()),
                    lacking=int(mine.sum()),
                    mirrored=int((mine & (weight < 1)).sum()),
                    faces=0,
                    harm=round(100 * float(weight[mine].sum()) / len(theirs), 1),
                    rows=_examples(mine, near.own, examples),
                )
            )
    return found


def _examples(mine: np.ndarray, distance: np.ndarray, count: int) -> tuple[int, ...]:
    """At most `count` of the rows `mine`, spread evenly over them in time, the farthest first."""
    rows = np.flatnonzero(mine)
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int))]
    return tuple(rows[np.argsort(-distance[rows], kind="stable")].tolist())


def _verdict(covered, mirrored, missing, frames: int, faces: int, names: tuple[str, str]) -> str:
    source, target = names
    if not faces:
        return f"No face of {source} trains, so nothing of {target} can be swapped well."
    said = f"For {percent(covered)} of the {counted(frames, 'frame')} of {target} that will be swapped, {source} has a face alike"
    if mirrored >= 0.005:
        said += f", for {percent(mirrored)} only one seen in a mirror"
    return said + (f", and for {percent(missing)} none." if missing >= 0.005 else ".")


def percent(share: float) -> str:
    """A share 0..1 as people write it."""
    return f"{100 * share:.0f} %"


def _picture(what: str, share: float, words: str, do: str, frames: int) -> Finding:
    """A finding about the picture rather than about what the face does; half as harmful, since a swap's colours are fitted."""
    return Finding(what, words, do, frames, 0, 0, 0, round(50 * share, 1), ())


def soft(source: ScoreTable, target: ScoreTable, names: tuple[str, str]) -> list[Finding]:
    """Whether most of the source's faces are soft while the target's are sharp."""
    ours, theirs = ((faces.sharpness < SHARP).mean() if len(faces) else 0.0 for faces in (source, target))
    if ours <= 0.5 or theirs >= ours:
        return []
    words = (
        f"{percent(ours)} of the faces of {names[0]} are soft, {percent(theirs)} of those of {names[1]}: the swapped face will "
        "be softer than the rest of the picture."
    )
    return [
        _picture(
            "sharpness",
            ours - theirs,
            words,
            f"Film {names[0]} in focus, with a faster shutter and more light.",
            len(target),
        )
    ]


def small(source: ScoreTable, target: ScoreTable, names: tuple[str, str]) -> list[Finding]:
    """Whether most of the source's faces have too few pixels."""
    share = float((source.size < SMALL).mean()) if len(source) else 0.0
    if share <= 0.5:
        return []
    words = (
        f"{percent(share)} of the faces of {names[0]} are narrower than {SMALL} pixels; those of {names[1]} have "
        f"{np.median(target.size):.0f}."
    )
    return [_picture("size", share, words, f"Film {names[0]} closer, or in a higher resolution.", len(target))]


def brightness(source: ScoreTable, target: ScoreTable, names: tuple[str, str]) -> list[Finding]:
    """Whether the target is lit much darker or brighter than the source ever is."""
    if not len(source):
        return []
    low, high = np.percentile(source.exposure, [2, 98])
    found = []
    for word, away, mend in (
        ("darker", target.exposure < low - DARKER, "in dimmer light too"),
        ("brighter", target.exposure > high + DARKER, "in brighter light too"),
    ):
        if away.mean() > 0.05:
            words = (
                f"{names[1]} is clearly {word} than {names[0]} ever is in {counted(away.sum(), 'frame')}. Colours are fitted to "
                "the frame, shadows are not."
            )
            found.append(_picture(f"exposure {word}", away.mean(), words, f"Film {names[0]} {mend}.", int(away.sum())))
    return found


def hardness(source: ScoreTable, target: ScoreTable, names: tuple[str, str]) -> list[Finding]:
    """Whether the target is lit harder than the source ever is."""
    away = target.contrast > np.percentile(source.contrast, 98) + HARDER if len(source) else np.zeros(len(target), bool)
    if away.mean() <= 0.05:
        return []
    words = (
        f"The light on {names[1]} is harder than any on {names[0]} in {counted(away.sum(), 'frame')}: shadows on the face will "
        "be missing."
    )
    return [
        _picture(
            "contrast",
            away.mean(),
            words,
            f"Film {names[0]} in hard light too: one lamp or the sun, no diffuser.",
            int(away.sum()),
        )
    ]


PICTURE = (soft, small, brightness, hardness)
"""What is compared besides, each a function of both people's faces and names that gives findings."""
