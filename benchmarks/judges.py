"""How well the two judges of identity tell faces apart, and what deceives them: one JSON line.

    ./run python benchmarks/judges.py --people ann=results/clips/ann/faces.zip bob=results/clips/bob/faces.zip
    ./run python benchmarks/judges.py --actors 12

People are faces of a project's clips, actors are studio actors that neither judge learnt, each also in another's head (the true
swap). Both judges see the same pictures. Of each: share of pairs told wrong where as many pairs of one person are as pairs of two
(equal error rate), share of faces whose nearest other is the same person, the means of both kinds of pairs; how much the judges
agree (rank correlation over pairs of one kind); and what a change of the picture alone does: by how much it moves a face from
itself and, in the way that a swap should, towards somebody else (share of the way, which ought to be 0).
"""

import argparse
import json

import cv2
import numpy as np

from swapcore import align, embedding, measure, nets, store
from swapcore.studio import Performance, render, swap_actor
from swapcore.studio.actor import build
from swapcore.studio.identity import draw_identity

FIRST = 8200  # seed of the first actor
PICTURES, SIZE = 6, 256  # of each actor
SIDE, BROWS = 256, 100  # of the pictures of people, and of their brows in them, pixels


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """A picture after JPEG."""
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def grainy(picture: np.ndarray, spread: float) -> np.ndarray:
    """A picture with grain, grey levels."""
    grain = np.random.default_rng(0).normal(0, spread, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


CHANGES = {  # of a picture whose brows are about 100 pixels wide
    "as it is": lambda p: p,
    "blur 2": lambda p: cv2.GaussianBlur(p, (0, 0), 2),
    "blur 4": lambda p: cv2.GaussianBlur(p, (0, 0), 4),
    "grain 16": lambda p: grainy(p, 16),
    "jpeg 15": lambda p: jpeg(p, 15),
    "darker": lambda p: np.rint(p * 0.45).astype(np.uint8),
    "bluer": lambda p: np.clip(p * np.array([1.25, 1.0, 0.8]), 0, 255).astype(np.uint8),
    "mirrored": lambda p: p[:, ::-1],
}


def of_archive(path: str, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Some faces of a clip, spread over it: pictures and landmarks (68, 2)."""
    with store.FaceArchive(path) as archive:
        names = archive.ids()
        chosen = [names[k] for k in measure.spread(range(len(names)), count)]
        found = [(archive.crop(name), archive.row(name).landmarks_in_crop()) for name in chosen]
    cut = [align.crop_matrix(marks, size=SIDE, span=BROWS / SIDE) for _, marks in found]
    return [(align.warp(p, m, SIDE), align.transform(marks, m)) for (p, marks), m in zip(found, cut, strict=True)]


def of_actor(actor, performance: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pictures of an actor, and landmarks."""
    play = Performance(performance, light=None)
    made = [render(actor, play(2.1 * k + 0.5), size=SIZE) for k in range(PICTURES)]
    return [(picture, truth.faces[0].landmarks_xy) for picture, truth in made]


def told(faces, session, change) -> dict[str, np.ndarray]:
    """What both judges say of changed faces: judge -> (n, d)."""
    first, second = [], []
    for picture, marks in faces:
        changed = np.ascontiguousarray(change(picture))
        if change is CHANGES["mirrored"]:
            marks = mirrored(marks, picture.shape[1])
        first.append(embedding.embed(changed, marks[None], session)[0])
        second.append(measure.crop(changed, marks))
    return {"dlib": np.array(first), "second": measure.second(np.array(second))}


def mirrored(marks: np.ndarray, width: int) -> np.ndarray:
    """Landmarks (68, 2) of the mirrored picture, in iBUG's order."""
    order = [
        *range(16, -1, -1),
        *range(26, 16, -1),
        *range(27, 31),
        *range(35, 30, -1),
        45,
        44,
        43,
        42,
        47,
        46,
        39,
        38,
        37,
    ]
    order += [36, 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1)]
    return np.column_stack([width - 1 - marks[order, 0], marks[order, 1]]).astype(np.float32)


def distances(judge: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m) in the judge's own unit: Euclidean, or 1 - cosine."""
    return np.linalg.norm(a[:, None] - b, axis=-1) if judge == "dlib" else 1 - a @ b.T


def ranks(values: np.ndarray) -> np.ndarray:
    """Places in ascending order."""
    return np.argsort(np.argsort(values)).astype(float)


def figures(judge: str, found: np.ndarray, who: np.ndarray) -> dict:
    """How one judge tells faces apart."""
    all_of = distances(judge, found, found)
    upper = np.triu_indices(len(who), 1)
    pairs, same = all_of[upper], (who[:, None] == who)[upper]
    wrong = [((pairs[same] > t).mean(), (pairs[~same] <= t).mean(), t) for t in np.unique(pairs)]
    best = min(wrong, key=lambda w: abs(w[0] - w[1]))
    np.fill_diagonal(all_of, np.inf)
    return {
        "equal_error": round(float(best[0] + best[1]) / 2, 4),
        "at": round(float(best[2]), 3),
        "nearest_right": round(float((who[all_of.argmin(1)] == who).mean()), 4),
        "within": round(float(pairs[same].mean()), 3),
        "between": round(float(pairs[~same].mean()), 3),
    }


def report(people: dict[str, list], session) -> dict:
    """All figures of a group of people."""
    who = np.repeat(np.arange(len(people)), [len(faces) for faces in people.values()])
    flat = [face for faces in people.values() for face in faces]
    plain = told(flat, session, CHANGES["as it is"])
    result: dict = {judge: figures(judge, found, who) for judge, found in plain.items()}
    upper = np.triu_indices(len(who), 1)
    same = (who[:, None] == who)[upper]
    both = [distances(judge, found, found)[upper] for judge, found in plain.items()]
    for name, kind in (("within", same), ("between", ~same)):
        result[f"agreement {name}"] = round(float(np.corrcoef(*(ranks(d[kind]) for d in both))[0, 1]), 3)
    for name, change in list(CHANGES.items())[1:]:
        changed, moved = told(flat, session, change), {}
        for judge, found in changed.items():
            own, away = [], []
            for target in np.unique(who):
                mine = who == target
                before, after = plain[judge][mine], found[mine]
                own.append(np.diag(distances(judge, before, after)).mean())
                for source in set(np.unique(who)) - {target}:
                    theirs = plain[judge][who == source]
                    start, end = distances(judge, before, theirs).mean(), distances(judge, after, theirs).mean()
                    within = distances(judge, theirs, theirs).sum() / (len(theirs) * (len(theirs) - 1))
                    away.append((start - end) / (start - within))
            moved[judge] = {
                "from itself": round(float(np.mean(own)), 3),
                "towards others": round(float(np.mean(away)), 3),
            }
        result[name] = moved
    return result


def true_swaps(count: int, session) -> tuple[dict, dict[str, list]]:
    """How the judges take the true swap of actors: share nearer to the source, and share of the way from target to source."""
    actors = [build(draw_identity(FIRST + k)) for k in range(count)]
    people = {f"seed:{FIRST + k}": of_actor(actor, k) for k, actor in enumerate(actors)}
    names, said = list(people), {name: told(faces, session, CHANGES["as it is"]) for name, faces in people.items()}
    result = {}
    swaps = [
        told(of_actor(swap_actor(actors[k], actors[k - 1]), k - 1), session, CHANGES["as it is"]) for k in range(count)
    ]
    for judge in ("dlib", "second"):
        won, way = [], []
        for k, swap in enumerate(swaps):
            source, target = said[names[k]][judge], said[names[k - 1]][judge]
            to = [distances(judge, swap[judge], there).mean(1) for there in (source, target)]
            won.append((to[0] < to[1]).mean())
            start = distances(judge, target, source).mean()
            within = distances(judge, source, source).sum() / (len(source) * (len(source) - 1))
            way.append((start - to[0].mean()) / (start - within))
        result[judge] = {
            "nearer to the source": round(float(np.mean(won)), 3),
            "share of the way": round(float(np.mean(way)), 3),
        }
    return result, people


def main(args) -> None:
    """Print the figures of the people, or of the actors."""
    session, found = nets.identity_session(threads=1), {}
    if args.people:
        pairs = [entry.split("=", 1) for entry in args.people]
        found["people"] = report({name: of_archive(path, args.faces) for name, path in pairs}, session)
    if args.actors:
        found["true swap"], people = true_swaps(args.actors, session)
        found["actors"] = report(people, session)
    print(json.dumps(found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", nargs="*", default=[], help="NAME=faces.zip of a clip in which the person is alone")
    parser.add_argument("--faces", type=int, default=24, help="of each person")
    parser.add_argument("--actors", type=int, default=0, help="studio actors")
    main(parser.parse_args())
