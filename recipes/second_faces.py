"""Draw what the second judge learns from: crops of many studio actors, each under two heads.

    ./run python recipes/second_faces.py --out FOLDER --seeds 160 --minutes 12

writes one .npz for each actor: crops (n, 96, 96, 3) uint8 BGR, aligned by true landmarks, and swapped (n,) bool, which says that
the face stands in the head of the actor before (studio.swap_actor): other hair, outline and skin tone. Who is told by these has
no place in whose face it is, so that the net must not learn them. The seeds begin at FIRST, of which nobody else is drawn.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from swapcore import align, progress
from swapcore.measure.looks import CROP_SPAN
from swapcore.studio import Frame, render, swap_actor
from swapcore.studio.actor import build
from swapcore.studio.identity import draw_identity

FIRST = 3000  # seed of the first actor: the cast, the demo, the tests and the distractors have others
SIDE = 96  # of the crops kept, pixels
PICTURE = 128  # rendered, so that its crop is drawn near its own size


def frame(rng: np.random.Generator) -> Frame:
    """Any pose, play and light that the footage of a talking head may have."""
    side, height = rng.uniform(-1.2, 1.2), rng.uniform(-0.1, 1.0)
    warmth, strength = rng.normal(0, 0.1), rng.uniform(0.7, 1.6)
    return Frame(
        yaw=float(np.clip(rng.normal(0, 18), -42, 42)),
        pitch=float(np.clip(rng.normal(0, 8), -20, 20)),
        roll=rng.normal(0, 6),
        mouth=max(0.0, rng.normal(0.15, 0.25)),
        smile=rng.uniform(-0.25, 0.8),
        pucker=max(0.0, rng.normal(0, 0.25)),
        blink=1.0 if rng.uniform() < 0.06 else 0.0,
        gaze=(rng.normal(0, 0.2), rng.normal(0, 0.1)),
        brow=rng.uniform(-0.6, 0.9),
        scale=1.3,
        light=(np.sin(side), height, 0.9 * np.cos(side) + 0.15),
        light_rgb=(1 + warmth, 0.97, 0.93 - warmth),
        light_strength=strength,
        ambient_rgb=tuple(rng.uniform(0.2, 0.6) * (1 + rng.normal(0, 0.08, 3))),
        rim=rng.uniform(0, 0.5),
        background=int(rng.integers(10**6)),
    )


def crop(actor, rng: np.random.Generator) -> np.ndarray:
    """One picture of an actor, cropped as faces are compared: (SIDE, SIDE, 3) uint8 BGR."""
    picture, truth = render(actor, frame(rng), size=PICTURE)
    matrix = align.crop_matrix(truth.faces[0].landmarks_xy, size=SIDE, span=CROP_SPAN)
    return align.warp(picture, matrix, SIDE)


def main(args) -> None:
    """Draw until all are drawn, or the time is over."""
    args.out.mkdir(parents=True, exist_ok=True)
    end, before = time.monotonic() + 60 * args.minutes, build(draw_identity(FIRST - 1))
    for seed in progress.track(range(FIRST, FIRST + args.seeds), args.seeds, "draw", unit="actors"):
        if time.monotonic() > end:
            break
        rng, own = np.random.default_rng(seed), build(draw_identity(seed))
        crops = [crop(own, rng) for _ in range(args.own)]
        other = swap_actor(own, before)
        crops += [crop(other, rng) for _ in range(args.swapped)]
        swapped = np.arange(len(crops)) >= args.own
        np.savez(args.out / f"{seed}.npz", crops=np.array(crops), swapped=swapped)
        before = own


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the crops")
    parser.add_argument("--seeds", type=int, default=160, help="how many actors")
    parser.add_argument("--own", type=int, default=14, help="pictures of each as it is")
    parser.add_argument("--swapped", type=int, default=10, help="pictures of its face in another head")
    parser.add_argument("--minutes", type=float, default=12.0, help="stop earlier, after this time")
    main(parser.parse_args())
