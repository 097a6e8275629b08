"""How good a swap is while it is trained: the model's own pictures of held-out faces, looked at by several judges.

Each judge's figure becomes a share, 0 where nothing was gained and 1 where nothing more can be: of the way from the target's
face to the source's, of the truth's sharpness, of the target's play, of the way from one mean picture for all faces to one that
cannot be told from the truth. Both ends come from the held-out faces themselves, at the model's resolution, so that a soft model
is not judged by sharp photos.

`score` is their geometric mean. So no judge can win alone: its share ends at 1 however pleased it is, and what is spoilt for
it lowers the whole by the same factor. Nearer to the source than the source's own faces are to each other is no gain. A picture
of the unchanged target, of nothing, of the source's one mean face has a share of about 0 in it, so has a score of about 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import cv2
import numpy as np

from swapcore import align, detect, embedding, quality

SHARES = (
    "identity",
    "sharpness",
    "expression",
    "rebuilt",
)  # of a measurement, each 0..1 or None; what `score` is made of
FORMULA = 1  # raised when figures of before cannot be compared any more
CEILING = 40.0  # dB: a face of 64 pixels rebuilt that well cannot be told from the truth
LEAST_APART = 0.1  # dlib's unit: where two people differ less from each other, their identity cannot be told
USUAL_PLAY = {"mouth": 10.0, "eyes": 5.0, "shape": 0.03}  # usual standard deviations, by which the parts are weighed
LEAST = 1e-6  # no share counts as less: so a measurement can still be told from one that is worse in another


class Held(NamedTuple):
    """Held-out faces of one person, as the model sees them."""

    faces: np.ndarray  # (n, r, r, 3) float32 BGR 0..1
    inside: np.ndarray  # (n, r, r) bool, the face without its edge
    landmarks_xy: np.ndarray  # (n, 68, 2) float32, pixels of these pictures


class Judges(NamedTuple):
    """Who looks at the pictures."""

    embed: Callable[[np.ndarray], np.ndarray]  # chips (n, 150, 150, 3) uint8 BGR -> (n, 128), as embedding.embed_chips
    fit: detect.Fitter


class _Points(NamedTuple):
    """Of a quality.View, what the scores of the landmarks take."""

    landmarks_xy: np.ndarray


class Play(NamedTuple):
    """What faces do: fitted anew on their pictures, each by its own landmarks alone."""

    mouth: np.ndarray  # (n,) opening, per cent of the nose's length
    eyes: np.ndarray  # (n,) opening, per cent of the eye's width
    shape: np.ndarray  # (n, 51, 2) landmarks 17 to 67, upright, in widths over the brows


class Exam(NamedTuple):
    """All that a measurement compares with, worked out once."""

    source: Held
    target: Held
    source_embeddings: np.ndarray  # (n, 128)
    target_embeddings: np.ndarray
    spread: tuple[float, float]  # mean distance of the source's faces to each other, of the target's
    apart: float  # mean distance of the source's faces to the target's
    play: Play  # of the target
    sharpness: float  # of the target's faces
    plain: float  # dB: how well one mean picture for each person rebuilds its faces


def prepare(source: Held, target: Held, judges: Judges) -> Exam:
    """What the held-out faces themselves say. Raises ValueError for fewer than two faces of a person."""
    if min(len(source.faces), len(target.faces)) < 2:
        raise ValueError("expected at least two held-out faces of each person")
    embeddings = [_embed(held.faces, held.landmarks_xy, judges) for held in (source, target)]
    return Exam(
        source=source,
        target=target,
        source_embeddings=embeddings[0],
        target_embeddings=embeddings[1],
        spread=tuple(_spread(e) for e in embeddings),
        apart=float(_distances(*embeddings).mean()),
        play=_play(target.faces, target.landmarks_xy, judges),
        sharpness=detail(target.faces, target.inside),
        plain=psnr(np.mean([_error(held.faces.mean(0), held.faces, held.inside) for held in (source, target)])),
    )


def measure(exam: Exam, shown: np.ndarray, judges: Judges) -> dict[str, float | bool | None]:
    """All figures of a model: shown (n, 5, r, r, 3) float32 is what `Trainer.show` makes of the exam's faces.

    identity: how far each swapped face went from the target to the source, 0 where it is the target's, 1 where it is as near
    to the source as the source's own faces are (nearer counts as 1) and as far from the target as these. margin: by how much
    it is nearer to the source than to the target, dlib's unit. distance: to the source. sharpness: fine detail over that of
    the target's own face; too much counts as too little does. expression: how much of what the target's mouth, eyes and shape
    of face do about their means is in the swapped face too (explained variance); mouth_error, eyes_error (per cent, root mean
    square) and shape_error (Procrustes, per cent of the width over the brows) are what is not. rebuilt: of the way from one mean
    picture to CEILING, in dB; psnr_source, psnr_target: rebuilt held-out faces against the truth, inside the face. None where
    something cannot be told. fooled: the swapped faces are nearer to the source than its own are, on the average.
    """
    swapped = np.clip(shown[:, 4], 0, 1)
    errors = [_error(shown[:, 1], exam.source.faces, exam.source.inside)]
    errors.append(_error(shown[:, 3], exam.target.faces, exam.target.inside))
    found = _identity(exam, _embed(swapped, exam.target.landmarks_xy, judges))
    ratio = detail(swapped, exam.target.inside) / max(exam.sharpness, 1e-6)
    found |= {"sharpness": min(ratio, 1 / max(ratio, 1e-6))}
    found |= _kept(exam.play, _play(swapped, exam.target.landmarks_xy, judges))
    found |= {"rebuilt": _share(psnr(np.mean(errors)), exam.plain, CEILING)}
    found |= {"psnr_source": psnr(errors[0]), "psnr_target": psnr(errors[1])}
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in found.items()}
    return {"score": score(rounded), **rounded, "faces": len(swapped)}


def score(found: Mapping[str, Any]) -> float:
    """The one number that chooses: the geometric mean of the SHARES that can be told, 0..1."""
    told = [max(min(found[name], 1.0), LEAST) for name in SHARES if found[name] is not None]
    return round(float(np.exp(np.log(told).mean())), 4)


def detail(faces: np.ndarray, inside: np.ndarray) -> float:
    """Fine detail of faces (n, r, r, 3) float32 BGR 0..1 where `inside` (n, r, r), the mean over them: the root mean square of
    the Laplacian of grey, in levels of 255 (Pech-Pacheco et al. 2000 take its variance as a measure of focus).
    """
    found = []
    for face, where in zip(faces, inside, strict=True):
        bends = cv2.Laplacian(cv2.cvtColor(_bytes(face), cv2.COLOR_BGR2GRAY), cv2.CV_32F)[where]
        found.append(np.sqrt(np.square(bends).mean()) if bends.size else 0.0)
    return float(np.mean(found))


def psnr(error: float) -> float:
    """Peak signal-to-noise ratio of a mean squared error of values 0..1, dB, at most 100."""
    return float(-10 * np.log10(max(error, 1e-10)))


def _error(made: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> float:
    """Mean squared error (n, r, r, 3) inside; `made` may be one picture for all."""
    return float(np.square(truth - np.clip(made, 0, 1))[inside].mean(dtype=np.float64)) if inside.any() else 1.0


def _identity(exam: Exam, made: np.ndarray) -> dict[str, float | bool | None]:
    to_source = _distances(made, exam.source_embeddings).mean(1)
    to_target = _distances(made, exam.target_embeddings).mean(1)
    own, other = exam.spread
    low, high = other - exam.apart, exam.apart - own
    counted = np.minimum(to_target, exam.apart) - np.maximum(to_source, own)
    alike = high - low < LEAST_APART
    return {
        "identity": None if alike else _share(float(counted.mean()), low, high),
        "margin": float((to_target - to_source).mean()),
        "distance": float(to_source.mean()),
        "fooled": bool(to_source.mean() < own),
    }


def _kept(truth: Play, made: Play) -> dict[str, float | None]:
    """How much of the play is kept; means are taken off first, for they are the person's own."""
    left, all_of_it, errors = 0.0, 0.0, {}
    for name, usual in USUAL_PLAY.items():
        wanted, got = (np.asarray(getattr(play, name), np.float64) for play in (truth, made))
        wanted, got = wanted - wanted.mean(0), got - got.mean(0)
        axes = 2 if name == "shape" else 1  # of a landmark: its distance counts
        error = axes * np.square(got - wanted).mean()
        left, all_of_it = left + error / usual**2, all_of_it + axes * np.square(wanted).mean() / usual**2
        errors[f"{name}_error"] = float(np.sqrt(error)) * (100 if name == "shape" else 1)
    return {"expression": _share(-left, -all_of_it, 0.0) if all_of_it > 0 else None, **errors}


def _play(faces: np.ndarray, landmarks_xy: np.ndarray, judges: Judges) -> Play:
    """Landmarks are fitted where the known ones say that the face is, then once more from there."""
    mouth, eyes, shape = [], [], []
    for face, known in zip(faces, landmarks_xy, strict=True):
        grey = detect.grey(_bytes(face))
        points = known
        for _ in range(2):
            points = judges.fit(grey, detect.box_around(points), detect.lean(points))
        mouth.append(quality.mouth_open(_Points(points)))
        eyes.append(quality.eyes_open(_Points(points)))
        shape.append(align.transform(points, align.upright(points))[17:])
    return Play(np.array(mouth), np.array(eyes), np.array(shape))


def _embed(faces: np.ndarray, landmarks_xy: np.ndarray, judges: Judges) -> np.ndarray:
    chips = [embedding.chips(_bytes(f), points)[0] for f, points in zip(faces, landmarks_xy, strict=True)]
    return np.asarray(judges.embed(np.array(chips)), np.float64)


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(a[:, None] - b, axis=-1)


def _spread(embeddings: np.ndarray) -> float:
    return float(_distances(embeddings, embeddings)[np.triu_indices(len(embeddings), 1)].mean())


def _share(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1)) if high > low else 0.0


def _bytes(face: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(face, 0, 1) * 255).astype(np.uint8)
