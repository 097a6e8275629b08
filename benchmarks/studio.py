"""How far apart the studio's actors are, how well faces are found on them, and how fast they are drawn.

    ./run python benchmarks/studio.py [--frames 40] [--performance 50000] [--actors ann,bob]

Prints one JSON line, the recipe for every figure that is given of the cast. Each actor talks in `--frames` pictures of
320 pixels, yaw within 25 degrees, light at random, grain 2.5, JPEG 85, of five performances that start at the seed
`--performance` (the cast was chosen on others, below 10000). `fps_320` are frames a second of one core's time, with the
truth. `closest` are the smallest mean distances (dlib's identity network) of two actors, `pairs_over` the share of pairs
of actors whose mean is over 0.55. For the actors of STRICT: `within` is the share of pairs of pictures of one actor below
0.5, `between` that of pairs of two actors above 0.6. `detected`: pictures in which dlib's HOG detector, without
upsampling, finds exactly one face. `landmarks`: mean distance of dlib's 68 landmarks from the truth, median over
the pictures, per cent of the distance between the eyes' outer corners.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from swapcore import detect, embedding, nets, studio

SIZE = 320  # pixels
YAW = 25.0  # degrees
FILM = {"grain": 2.5, "jpeg": 85}
PERFORMANCES = 5
STEP = 0.83  # s between two pictures: no two look alike
APART, SAME, OTHER = 0.55, 0.5, 0.6  # distances: of two actors' mean, within one, between two


class Seen(NamedTuple):
    """What was made of one actor's pictures."""

    embeddings: np.ndarray  # (n, 128)
    found: np.ndarray  # (n,) bool: exactly one face
    errors: np.ndarray  # (n,) per cent
    seconds: float  # of one core, to draw them all


def main() -> None:
    """Play, look, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=40, help="pictures of each actor")
    parser.add_argument("--performance", type=int, default=50_000, help="seed of the first performance")
    parser.add_argument("--actors", default=",".join(studio.CAST), help="names, with commas between")
    args = parser.parse_args()
    cast = {name: look(name, frames=args.frames, performance=args.performance) for name in args.actors.split(",")}
    print(json.dumps({"bench": "studio", **figures(cast), "frames": args.frames, "performance": args.performance}))


def look(name: str, *, frames: int, performance: int) -> Seen:
    """Draw an actor's pictures, find the face, embed it by dlib's own landmarks as the line does."""
    import dlib

    actor, hog = studio.actor_named(name), dlib.get_frontal_face_detector()
    fit, session = detect.fitter(nets.model_path("landmarks")), nets.identity_session(threads=1)
    studio.render(actor, studio.Frame(), size=SIZE)  # compiles, where that is still to be done
    embeddings, found, errors, seconds = [], [], [], 0.0
    for k in range(frames):
        played = studio.Performance(performance + k % PERFORMANCES * 1000 + len(name) + ord(name[0]), **FILM)(k * STEP)
        frame = replace(played, yaw=float(np.clip(played.yaw, -YAW, YAW)))
        start = time.process_time()
        picture, truth = studio.render(actor, frame, size=SIZE)
        seconds += time.process_time() - start
        true = truth.faces[0].landmarks_xy
        boxes = hog(np.ascontiguousarray(picture[..., ::-1]), 0)
        found.append(len(boxes) == 1)
        box = detect.box_around(true)
        if boxes:
            largest = max(boxes, key=lambda b: b.area())
            box = np.array([largest.left(), largest.top(), largest.right(), largest.bottom()])
        landmarks = fit(detect.grey(picture), box, 0.0)
        errors.append(100 * np.linalg.norm(landmarks - true, axis=1).mean() / np.linalg.norm(true[36] - true[45]))
        embeddings.append(embedding.embed(picture, landmarks[None], session)[0])
    return Seen(np.array(embeddings), np.array(found), np.array(errors), seconds)


def figures(cast: dict[str, Seen]) -> dict[str, object]:
    """The figures of actors seen."""
    apart = {pair: distances(*(cast[name].embeddings for name in pair)) for pair in itertools.combinations(cast, 2)}
    means = sorted((float(d.mean()), "-".join(pair)) for pair, d in apart.items())
    strict = [name for name in studio.STRICT if name in cast]
    within = {name: distances(cast[name].embeddings)[np.triu_indices(len(cast[name].found), 1)] for name in cast}
    shares = {name: round(float((d < SAME).mean()), 3) for name, d in within.items()}
    between = [d.ravel() for pair, d in apart.items() if set(pair) <= set(strict)]
    drawn = sum(len(seen.found) for seen in cast.values())
    return {
        "fps_320": round(drawn / sum(seen.seconds for seen in cast.values()), 1),
        "pairs_over": round(float(np.mean([mean > APART for mean, _ in means])), 4) if means else None,
        "closest": {pair: round(mean, 3) for mean, pair in means[:6]},
        "within": share([within[name] < SAME for name in strict]),
        "between": share([d > OTHER for d in between]),
        "within_all": share([d < SAME for d in within.values()]),
        "within_each": shares,
        "detected": share([seen.found for seen in cast.values()]),
        "detected_least": min((round(float(seen.found.mean()), 3), name) for name, seen in cast.items()),
        "landmarks": round(float(np.median(np.concatenate([seen.errors for seen in cast.values()]))), 2),
        "actors": list(cast),
        "strict": strict,
    }


def share(flags: list[np.ndarray]) -> float | None:
    """Share of true ones; None of nothing."""
    return round(float(np.concatenate(flags).mean()), 4) if flags else None


def distances(a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    """Distances (n, m) of embeddings (n, 128) and (m, 128); of (n, 128) and themselves without the second."""
    return np.linalg.norm(a[:, None] - (a if b is None else b)[None], axis=-1)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main()
