"""Draw what the face parser learns from: crops of many studio actors with their true parsing maps.

    ./run python recipes/parser_faces.py --out FOLDER --seeds 260 --minutes 15

writes one .npz for each actor: crops (n, 192, 192, 3) uint8 BGR, aligned by the true landmarks, wide enough for any centring, and
parts (n, 192, 192) uint8 of PARTS. Hair of any style and colour, fringes, beards, glasses, hands and boxes in front, a second
person beside or before; any pose and light. The seeds begin at FIRST, of which nobody else is drawn.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from second_faces import frame

from swapcore import align, progress
from swapcore.studio import LABELS, Occluder, render
from swapcore.studio.actor import build
from swapcore.studio.identity import HAIR_STYLES, draw_identity

FIRST = 7000  # seed of the first actor: the cast, the tests, the distractors and the second judge have others
SIDE, SPAN = 192, 1 / 3.4  # of the crops kept, pixels; share of it that the width over the brows takes
PICTURE, SCALE = 224, 0.76  # rendered, so that its crop is drawn near its own size and the whole crop is in the picture
PARTS = ("other", "face", "hair", "front")  # what a pixel of the map may be: its number
OF = {"hair": ("hair",), "front": ("glasses", "occluder")} | {
    "face": ("skin", "brow_left", "brow_right", "eye_left", "eye_right", "nose", "lips", "mouth")
}


def somebody(rng: np.random.Generator, seed: int):
    """An actor under any hair."""
    who = draw_identity(seed)
    hair = HAIR_STYLES[str(rng.choice(list(HAIR_STYLES)))]
    if rng.uniform() < 0.5 and hair.comb != "back":
        hair = replace(hair, fringe=float(rng.uniform(24, 60)))
    changed = {
        "hair": hair,
        "glasses": bool(rng.uniform() < 0.3),
        "wrinkles": float(rng.uniform() * (rng.uniform() < 0.5)),
    }
    if rng.uniform() < 0.5:
        changed["hair_rgb"] = np.clip(rng.uniform(0.0, 0.7) + rng.normal(0, 0.06, 3), 0.004, 0.9)
    if who.masculine and rng.uniform() < 0.3:
        changed |= {"beard": "full", "beard_depth": float(rng.uniform(2, 9))}
    return build(replace(who, **changed))


def before_the_face(rng: np.random.Generator, tone: np.ndarray) -> Occluder | None:
    """Somebody's hand, or a thing of any colour."""
    if rng.uniform() < 0.5:
        return None
    hand = rng.uniform() < 0.7
    rgb = tone * rng.uniform(0.6, 1.4) + rng.normal(0, 0.02, 3) if hand else rng.uniform(0, 0.9, 3)
    return Occluder(
        "hand" if hand else "box",
        x=float(rng.normal(0, 55)),
        y=float(rng.normal(-55, 50)),
        rotation=float(rng.uniform(-np.pi, np.pi)),
        rgb=tuple(np.clip(rgb, 0.005, 1)),
    )


def instant(rng: np.random.Generator):
    """More than talk: mouths wide open, heads far aside, light from any height."""
    one = replace(frame(rng), yaw=float(np.clip(rng.normal(0, 25), -60, 60)))
    side, height = rng.uniform(-1.3, 1.3), rng.uniform(-0.7, 1.0)
    one = replace(one, light=(np.sin(side), height, 0.9 * np.cos(side) + 0.15))
    return replace(one, mouth=float(rng.uniform(0.4, 1.2))) if rng.uniform() < 0.3 else one


def crop(actor, other, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """One picture of an actor and what its pixels show: (SIDE, SIDE, 3) uint8 BGR, (SIDE, SIDE) uint8."""
    first = replace(instant(rng), scale=SCALE, occluder=before_the_face(rng, np.asarray(actor.identity.tone)))
    actors, frames = [actor], [first]
    if other is not None and rng.uniform() < 0.15:
        beside = replace(instant(rng), scale=SCALE * float(rng.choice([0.85, 1.15])), background=first.background)
        actors.append(other)
        frames.append(
            replace(beside, shift_x=float(rng.choice([-1, 1]) * rng.uniform(0.2, 0.4)), shift_y=rng.normal(0, 0.05))
        )
    picture, truth = render(actors, frames, size=PICTURE)
    mine = truth.actor == 0
    parts = np.zeros(picture.shape[:2], np.uint8)
    for number, name in enumerate(PARTS):
        for label in OF.get(name, ()):
            parts[(truth.parsing == LABELS[label]) & (mine | (name != "face"))] = number
    if len(actors) > 1 and frames[1].scale > frames[0].scale:
        parts[truth.actor == 1] = PARTS.index("front")
    matrix = align.crop_matrix(truth.faces[0].landmarks_xy, size=SIDE, span=SPAN, centring="face")
    return align.warp(picture, matrix, SIDE), align.warp(one_hot(parts), matrix, SIDE).argmax(-1).astype(np.uint8)


def one_hot(parts: np.ndarray) -> np.ndarray:
    """(h, w) numbers -> (h, w, len(PARTS)) float32."""
    return np.eye(len(PARTS), dtype=np.float32)[parts]


def main(args) -> None:
    """Draw until all are drawn, or the time is over."""
    args.out.mkdir(parents=True, exist_ok=True)
    end, before = time.monotonic() + 60 * args.minutes, None
    for seed in progress.track(range(FIRST, FIRST + args.seeds), args.seeds, "draw", unit="actors"):
        if time.monotonic() > end:
            break
        rng = np.random.default_rng(seed)
        own = somebody(rng, seed)
        made = [crop(own, before, rng) for _ in range(args.each)]
        np.savez(args.out / f"{seed}.npz", crops=np.array([c for c, _ in made]), parts=np.array([p for _, p in made]))
        before = own


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the crops")
    parser.add_argument("--seeds", type=int, default=260, help="how many actors")
    parser.add_argument("--each", type=int, default=16, help="pictures of each")
    parser.add_argument("--minutes", type=float, default=15.0, help="stop earlier, after this time")
    main(parser.parse_args())
