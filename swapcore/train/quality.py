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
from swapcore.measure.expression import follows

SHARES = (
    "identity",
    "sharpness",
    "expression",
    "rebuilt",
)  # of a measurement, each 0..1 or None; what `score` is made of
FORMULA = 1  # raised when figures of before cannot be compared any more
CEILING = 40.0  # dB: a face of 64 pixels rebuilt that well cannot be told from the truth
LEAST_APART = 0.1  # dlib's unit: where two people differ less from each other, their identity cannot be told
# A part of the play counts where landmarks fitted on the target's own pictures follow the known ones that well. Lids seldom do
# at 64 pixels: 0.73 on the demo, where the mouth has 0.99 and the shape 0.93.
RELIABLE = 0.8
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
    """What faces do, by landmarks that are fitted on their pictures."""

    mouth: np.ndarray  # (n,) opening, per cent of the nose's length
    eyes: np.ndarray  # (n,) opening, per cent of the eye's width
    shape: np.ndarray  # (n, 51, 2) landmarks 17 to 67, upright, in widths over the brows: the pose too


class Exam(NamedTuple):
    """All that a measurement compares with, worked out once."""

    source: Held
    target: Held
    source_embeddings: np.ndarray  # (n, 128)
    target_embeddings: np.ndarray
    spread: tuple[float, float]  # mean distance of the source's faces to each other, of the target's
    nearest: float  # the source's face that is nearest to its others: its mean distance
    apart: float  # mean distance of the source's faces to the target's
    play: Play  # of the target
    told: tuple[str, ...]  # the parts of it that can be told from pictures of this size
    sharpness: float  # of the target's faces
    plain: float  # dB: how well one mean picture for each person rebuilds its faces


def prepare(source: Held, target: Held, judges: Judges) -> Exam:
    """What the held-out faces themselves say. Raises ValueError for fewer than two faces of a person."""
    if min(len(source.faces), len(target.faces)) < 2:
        raise ValueError("expected at least two held-out faces of each person")
    embeddings = [_embed(held.faces, held.landmarks_xy, judges) for held in (source, target)]
    play, known = _play(target.faces, target.landmarks_xy, judges), _described(target.landmarks_xy)
    return Exam(
        source=source,
        target=target,
        source_embeddings=embeddings[0],
        target_embeddings=embeddings[1],
        spread=tuple(_spread(e) for e in embeddings),
        nearest=float((_distances(embeddings[0], embeddings[0]).sum(1) / (len(embeddings[0]) - 1)).min()),
        apart=float(_distances(*embeddings).mean()),
        play=play,
        told=tuple(part for part in Play._fields if follows(getattr(known, part), getattr(play, part)) >= RELIABLE),
        sharpness=detail(target.faces, target.inside),
        plain=psnr(np.mean([_error(held.faces.mean(0), held.faces, held.inside) for held in (source, target)])),
    )


def measure(exam: Exam, shown: np.ndarray, judges: Judges) -> dict[str, float | bool | None]:
    """All figures of a model: shown (n, 6, r, r, 3) float32 is what `Trainer.show` makes of the exam's faces.

    identity: how far each swapped face went from the target to the source, 0 where it is the target's, 1 where it is as near
    to the source as the source's own faces are (nearer counts as 1) and as far from the target as these. margin: by how much
    it is nearer to the source than to the target, dlib's unit. distance: to the source. sharpness: fine detail over that of
    the target's own face; too much counts as too little does. expression: how well what the target's mouth and the shape of
    its face do is followed, the mean of `mouth`, `eyes` and `shape` (measure.expression.follows) that can be told at this size;
    shape_error: the Procrustes error, per cent of the width over the brows, means taken off. rebuilt: of the way from one mean
    picture to CEILING, in dB; psnr_source, psnr_target: rebuilt held-out faces against the truth, inside the face. None where
    something cannot be told. fooled: the swapped faces are nearer to the source than any of its own is, on the average.
    """
    swapped = np.clip(shown[:, 4], 0, 1)
    errors = [_error(shown[:, 1], exam.source.faces, exam.source.inside)]
    errors.append(_error(shown[:, 3], exam.target.faces, exam.target.inside))
    found = _identity(exam, _embed(swapped, exam.target.landmarks_xy, judges))
    ratio = detail(swapped, exam.target.inside) / max(exam.sharpness, 1e-6)
    found |= {"sharpness": min(ratio, 1 / max(ratio, 1e-6))}
    found |= _kept(exam, _play(swapped, exam.target.landmarks_xy, judges))
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
        "fooled": bool(to_source.mean() < exam.nearest),
    }


def _kept(exam: Exam, made: Play) -> dict[str, float | None]:
    found = {part: follows(getattr(exam.play, part), getattr(made, part)) for part in Play._fields}
    told = [found[part] for part in exam.told]
    off = (made.shape - made.shape.mean(0)) - (exam.play.shape - exam.play.shape.mean(0))
    error = 100 * float(np.sqrt(np.square(off).sum(-1).mean()))
    return {"expression": float(np.mean(told)) if told else None, **found, "shape_error": error}


def _play(faces: np.ndarray, landmarks_xy: np.ndarray, judges: Judges) -> Play:
    """Landmarks are fitted once, where the known ones say that the face is: a second fit from there follows no better."""
    found = []
    for face, known in zip(faces, landmarks_xy, strict=True):
        grey = detect.grey(_bytes(face))
        found.append(judges.fit(grey, detect.box_around(known), detect.lean(known)))
    return _described(np.stack(found))


def _described(landmarks_xy: np.ndarray) -> Play:
    return Play(
        mouth=np.array([quality.mouth_open(_Points(points)) for points in landmarks_xy]),
        eyes=np.array([quality.eyes_open(_Points(points)) for points in landmarks_xy]),
        shape=np.stack([align.transform(points, align.upright(points))[17:] for points in landmarks_xy]),
    )


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
