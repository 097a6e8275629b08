"""Make the people that nobody is: embeddings of studio actors for measure.identity_rank.

    nice ./run python recipes/distractors.py        # writes swapcore/measure/distractors.npz: about four minutes

Of CANDIDATES actors those COUNT are kept that lie farthest apart: each next one is the farthest from all that are kept. Of each
the mean embedding of some pictures is kept, beside its seed; tests/test_measure_identity.py makes one again.
"""

import argparse
from pathlib import Path

import numpy as np

from swapcore import embedding, nets, progress
from swapcore.studio import Performance, render
from swapcore.studio.actor import build
from swapcore.studio.identity import draw_identity

FIRST = 7000  # seed of the first: the cast, the tests and the second judge's actors have others
CANDIDATES, COUNT = 44, 24
SECONDS = (1.0, 4.0, 7.0, 10.0)  # of each one's own performance: a picture of each
PICTURE = 224  # pixels; brows to chin take 94 of them


def embedded(seed: int, session) -> np.ndarray:
    """Mean embedding (128,) float32 of some pictures of a studio actor in moving light."""
    actor, play = build(draw_identity(seed)), Performance(seed)
    made = [render(actor, play(second), size=PICTURE) for second in SECONDS]
    found = [embedding.embed(picture, truth.faces[0].landmarks_xy[None], session)[0] for picture, truth in made]
    return np.mean(found, axis=0)


def far_apart(points: np.ndarray, count: int) -> list[int]:
    """Rows of (n, d) that lie far from one another, ascending: the farthest from the mean, then always the farthest from all."""
    kept = [int(np.linalg.norm(points - points.mean(0), axis=1).argmax())]
    while len(kept) < count:
        nearest = np.linalg.norm(points[:, None] - points[kept], axis=-1).min(axis=1)
        kept.append(int(nearest.argmax()))
    return sorted(kept)


def main(args) -> None:
    """Draw and embed all, keep some."""
    session = nets.identity_session(threads=1)
    seeds = np.arange(FIRST, FIRST + CANDIDATES)
    found = np.array(
        [embedded(int(s), session) for s in progress.track(seeds, CANDIDATES, "distractors", unit="actors")]
    )
    rows = far_apart(found, COUNT)
    np.savez(args.out, seeds=seeds[rows], embeddings=found[rows].astype(np.float32))
    apart = np.linalg.norm(found[rows][:, None] - found[rows], axis=-1)[np.triu_indices(COUNT, 1)]
    print(f"{COUNT} of {CANDIDATES}; apart by {apart.min():.2f} at least, {np.median(apart):.2f} in the middle")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).parents[1] / "swapcore/measure/distractors.npz"
    parser.add_argument("--out", type=Path, default=default, help="the file to write")
    main(parser.parse_args())
