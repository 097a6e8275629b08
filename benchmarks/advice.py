"""Whether following the dataset advice makes a better swap: trainings on the studio with and without the advised faces.

    ./run python benchmarks/advice.py [--case aside] [--steps 600] [--faces 240] [--seed 1] [--source ann] [--target bob]

Prints one JSON line. The source's faces are first chosen as if it had never looked left (`left`), or to neither side
(`aside`, where mirrored faces cannot stand in either). `swapcore.advice` says what is missing; then a share of the faces is
replaced by faces of other performances of the source that lie in the regions it named, as if somebody had filmed what it
asks for (`after`); and, since new footage may help whatever it shows, by as many of the same performances that do not look
aside either (`more_of_the_same`). All trainings have as many faces, as many steps and the same seed. They swap the same unseen
frames of the target, half of which look left, and every measure of `measure.METRICS` that a single frame allows is given for
the frames that look left and for the rest, beside the target left as it is (`unchanged`) and the true swap (`true`).

Landmarks are the studio's own, so that detection has no part in the result. `gain` is after less before, `over_more` after
less more_of_the_same: positive where the advice helped, whichever way the measure goes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from swapcore import (
    advice,
    align,
    config,
    convert,
    dataset,
    detect,
    embedding,
    measure,
    models,
    nets,
    progress,
    quality,
    store,
    studio,
    video,
)
from swapcore.config.fields import Advise
from swapcore.measure.summary import settle
from swapcore.studio.cast import actor_named
from swapcore.train import Faces, Outputs, train
from swapcore.types import Changed, DatasetTable, Face, FaceSet, ScoreTable

FRAMING = {"scale": 0.82, "shift_y": -0.03}
STEP = 0.37  # seconds between two frames that are taken: they differ
CROP, SPAN = 160, 0.5  # of the archive's crops
LEFT = -20.0  # degrees: test frames beyond look left
SWAP = "advice"
CASES = {  # what the source was seen to do, by yaw
    "left": lambda yaw: yaw > -8,
    "aside": lambda yaw: np.abs(yaw) < 8,
}


class Shot(NamedTuple):
    """One frame of an actor."""

    frame_bgr: np.ndarray
    landmarks_xy: np.ndarray  # (68, 2) float32
    instant: studio.Frame


def main() -> None:
    """Run it and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, default="aside", help="where the source never looks")
    parser.add_argument("--source", default="ann", help="an actor of the studio")
    parser.add_argument("--target", default="bob", help="another")
    parser.add_argument("--steps", type=int, default=600, help="of each of the three trainings")
    parser.add_argument("--faces", type=int, default=240, help="of each person")
    parser.add_argument("--share", type=float, default=0.3, help="share of the source's faces that is replaced")
    parser.add_argument("--test", type=int, default=40, help="frames that are swapped and measured")
    parser.add_argument("--size", type=int, default=256, help="side of the studio's pictures, pixels")
    parser.add_argument("--seed", type=int, default=1, help="of weights, samples and performances")
    args = parser.parse_args()
    if args.source == args.target:
        sys.exit(f"advice: expected two actors, got {args.source} twice; name another by --target")
    print(json.dumps(measured(args)))


def measured(args: argparse.Namespace) -> dict[str, Any]:
    """The figures of the JSON line."""
    film = {"size": args.size, "seed": args.seed}

    def keep(instant: studio.Frame) -> bool:
        return CASES[args.case](instant.yaw)

    poor = shots(args.source, args.faces, take=1, keep=keep, **film)
    tests = sorted(
        shots(args.target, args.test // 2, take=3, keep=lambda f: f.yaw < LEFT, **film)
        + shots(args.target, args.test - args.test // 2, take=4, keep=lambda f: f.yaw >= LEFT / 2, **film),
        key=lambda shot: shot.instant.yaw,
    )
    told = advice.advise(scored(poor), scored(tests), names=(args.source, args.target), settings=Advise())
    regions = [[r for r in advice.REGIONS if r.name in finding.what.split()] for finding in told.findings]
    regions = [region for region in regions if region]
    if not regions:
        sys.exit(f"advice: nothing is missing from {args.source}, so nothing is proved; choose another --case")
    asked = -(-round(args.share * args.faces) // len(regions))
    filmed = [
        one for k, region in enumerate(regions) for one in advised(args.source, region, asked, take=5 + k, **film)
    ]
    more = [one for k in range(len(regions)) for one in shots(args.source, asked, take=5 + k, keep=keep, **film)]
    kept = [poor[k] for k in np.linspace(0, len(poor) - 1, args.faces - len(filmed)).round().astype(int)]
    sets = {"before": poor, "more_of_the_same": kept + more[: len(filmed)], "after": kept + filmed}
    target = shots(args.target, args.faces, take=2, keep=lambda f: True, **film)
    truth = studio.swap_actor(actor_named(args.source), actor_named(args.target))
    true = [studio.render(truth, shot.instant, size=args.size)[0] for shot in tests]
    session = nets.identity_session(threads=1)

    def known(actor: str) -> np.ndarray:
        film_of = shots(actor, 12, take=40, keep=lambda f: True, **film)
        return np.stack([embedding.embed(s.frame_bgr, s.landmarks_xy[None], session)[0] for s in film_of])

    references = known(args.source), known(args.target)
    results = {"unchanged": [shot.frame_bgr for shot in tests], "true": true}
    for name, source in sets.items():
        results[name] = swapped(source, target, tests, args)
    rows = {name: looked(tests, pictures, true, references, session) for name, pictures in results.items()}
    covered = {
        name: advice.advise(scored(source), scored(tests), names=(args.source, args.target), settings=Advise()).covered
        for name, source in sets.items()
    }
    return {
        **{name: getattr(args, name) for name in ("case", "source", "target", "steps", "faces", "share", "seed")},
        "advice": [finding.words for finding in told.findings],
        "covered": covered,
        "looks_left": rows_of(rows, [shot.instant.yaw < LEFT for shot in tests]),
        "rest": rows_of(rows, [shot.instant.yaw >= LEFT for shot in tests]),
    }


def shots(actor: str, count: int, *, take: int, keep, size: int, seed: int) -> list[Shot]:
    """`count` frames of a performance that turns the head by up to 45 degrees, of those that `keep` takes."""
    played = studio.Performance(1000 * seed + take, yaw=45.0, pitch=12.0, grain=2.0, **FRAMING)
    who, found = actor_named(actor), []
    for number in range(200 * count):
        instant = played(number * STEP)
        if keep(instant):
            found.append(shot(who, instant, size))
            if len(found) == count:
                return found
    sys.exit(
        f"advice: {actor} does what is asked for in {len(found)} frames only, expected {count}; take another --seed"
    )


def shot(who: studio.Actor, instant: studio.Frame, size: int) -> Shot:
    """An instant, rendered."""
    frame_bgr, truth = studio.render(who, instant, size=size)
    return Shot(frame_bgr, truth.faces[0].landmarks_xy.astype(np.float32), instant)


def advised(actor: str, region: Sequence[advice.Region], count: int, *, take: int, size: int, seed: int) -> list[Shot]:
    """What a person would film on being told what is missing: frames of another performance that lie in the region."""
    played = studio.Performance(1000 * seed + take, yaw=45.0, pitch=12.0, grain=2.0, **FRAMING)
    who, found, batch = actor_named(actor), [], []
    for number in range(40 * count):
        batch.append(shot(who, played(number * STEP), size))
        if len(batch) == 40:
            points = advice.points(scored(batch))
            inside = np.logical_and.reduce([part.holds(points) for part in region])
            found += [one for one, yes in zip(batch, inside, strict=True) if yes]
            batch = []
        if len(found) >= count:
            return found[:count]
    return found


def scored(film: Sequence[Shot]) -> ScoreTable:
    """The faces' scores, as extraction measures them."""
    blank = {f.name: np.zeros((len(film), *f.metadata["shape"]), f.metadata["dtype"]) for f in fields(ScoreTable)}
    seen = [quality.view(crop(one), one.landmarks_xy, box(one), matrix_of(one)) for one in film]
    found = [quality.of(view) for view in seen]
    values = {name: np.array([row[name] for row in found]) for name in quality.SCORES}
    names = np.array([f"{k:06d}_0" for k in range(len(film))], object)
    return ScoreTable(**{**blank, **values, "id": names, "thumb": np.stack([view.thumb() for view in seen])})


def matrix_of(one: Shot) -> np.ndarray:
    """Frame -> crop."""
    return align.crop_matrix(one.landmarks_xy, size=CROP, span=SPAN)


def crop(one: Shot) -> np.ndarray:
    """The aligned crop."""
    return align.warp(one.frame_bgr, matrix_of(one), CROP)


def box(one: Shot) -> np.ndarray:
    """The landmarks' box."""
    return np.concatenate([one.landmarks_xy.min(0), one.landmarks_xy.max(0)])


def faces_of(person: str, film: Sequence[Shot], folder: Path) -> Faces:
    """A person's archive and dataset, as their stages write them."""
    pngs, rows, scores = [], [], scored(film)
    for number, one in enumerate(film):
        name = f"{number:06d}_0"
        row = store.FaceRow.of(
            **{"clip": person, "file": "studio", "sha256": "", "id": name, "frame": number, "track": 0, "score": 1.0},
            **{"box_xyxy": box(one).astype(float), "landmarks_xy": one.landmarks_xy.astype(float), "quality": {}},
            **{"matrix": matrix_of(one).astype(float), "size": CROP, "centring": "legacy", "span": SPAN},
        )
        png = store.face_png(crop(one), row)
        pngs.append((name, png))
        rows.append((person, name, hashlib.sha256(png).hexdigest(), scores.yaw[number], scores.pitch[number]))
    store.write_archive(folder / f"{person}.zip", pngs)
    columns = dict(zip(("clip", "id", "digest", "yaw", "pitch"), zip(*rows, strict=True), strict=True))
    table = DatasetTable(**{name: np.array(values) for name, values in columns.items()})
    return Faces(person, table, {person: folder / f"{person}.zip"}, dataset.digest(table), CROP, "legacy", SPAN)


def swapped(source: Sequence[Shot], target: Sequence[Shot], tests: Sequence[Shot], args) -> list[np.ndarray]:
    """Train on both people's faces and swap the test frames."""
    settings = config.parse(
        "train", json.dumps({"budget": {"steps": args.steps}, "seed": args.seed, "deliver": "last"})
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        people = [faces_of(person, film, folder) for person, film in (("source", source), ("target", target))]
        out = Outputs(
            *(folder / name for name in ("trained.json", "weights.h5", "loss.png", "quality.png", "preview.jpg"))
        )
        train(SWAP, *people, settings=settings, state=folder / "state", outputs=out)
        trained = store.read_json(out.trained)
        predict = models.predictor(trained, out.weights, runtime="onnx")
    look = config.parse("convert", '{"mask": "extended"}')
    layout = video.Layout(args.size, args.size, "gbrp", matrix=0, primaries=1, transfer=13, full_range=True)
    pictures = []
    for number, one in enumerate(tests):
        picture = video.from_bgr(one.frame_bgr.astype(np.float32) / 255, layout)
        after, _ = convert.convert_picture(
            picture,
            [Face(one.landmarks_xy, SWAP)],
            {SWAP: predict},
            resolution={SWAP: trained["resolution"]},
            centring={SWAP: trained["centring"]},
            span={SWAP: trained["span"] / trained["coverage"]},
            **{name: getattr(look, name) for name in ("mask", "erode", "soften", "colour", "relight", "blend")},
            finish_seed=number if look.finish else None,
        )
        pictures.append(np.rint(video.to_bgr(after) * 255).clip(0, 255).astype(np.uint8))
    return pictures


def looked(tests: Sequence[Shot], pictures: Sequence[np.ndarray], true: Sequence[np.ndarray], references, session):
    """The measures of each test frame."""
    count = len(tests)
    blank = {f.name: np.zeros((count, *f.metadata["shape"]), f.metadata["dtype"]) for f in fields(FaceSet)}
    landmarks = np.stack([one.landmarks_xy for one in tests])
    numbers = np.arange(count) * 2  # no two are neighbours: nothing is told of time
    own = {"landmarks_xy": landmarks, "landmarks_smooth_xy": landmarks, "frame": numbers}
    look = config.parse("convert", '{"mask": "extended"}')
    fit = detect.fitter(nets.model_path("landmarks"))

    def laid(swap, row, frame_hw):
        side, span = 64, SPAN / 0.8
        matrix = align.crop_matrix(landmarks[row], size=side, span=span)
        part = {"mask": look.mask, "erode": look.erode, "soften": look.soften}
        return convert.face_alpha(Face(landmarks[row], swap), matrix, side=side, span=span, frame_hw=frame_hw, **part)

    found = measure.looks(
        ((int(n), one.frame_bgr, after) for n, one, after in zip(numbers, tests, pictures, strict=True)),
        faces=FaceSet(**{**blank, "id": np.full(count, "", object), **own}),
        swapped={int(n): [Changed(SWAP, k)] for k, n in enumerate(numbers)},
        wanted=numbers.tolist(),
        embed=lambda frame_bgr, landmarks_xy: embedding.embed(frame_bgr, landmarks_xy[None], session)[0],
        references={SWAP: references[0]},
        people={SWAP: {"target_references": references[1]}},
        note={},
        refit=lambda frame_bgr, landmarks_xy: detect.refit(detect.grey(frame_bgr), landmarks_xy, fit),
        laid=laid,
        truth=lambda swap, number: true[number // 2],
    )
    values = [measure.evaluate(look) for look in progress.track(found, count, "advice", unit="faces")]
    return [row.value for row in settle(values)]


def rows_of(rows: Mapping[str, Sequence[Mapping[str, float | None]]], chosen: Sequence[bool]) -> dict[str, Any]:
    """Means over the chosen frames: metric -> unchanged, before, after, true, and the gain."""
    means = {}
    for name, metric in measure.METRICS.items():
        found = {
            which: np.array(
                [v for row, yes in zip(values, chosen, strict=True) if yes and (v := row[name]) is not None]
            )
            for which, values in rows.items()
        }
        if any(not len(values) for values in (found["before"], found["after"])):
            continue
        mean = {which: round(float(values.mean()), 4) if len(values) else None for which, values in found.items()}
        better = {"lower": lambda v: -v, "higher": lambda v: v}.get(metric.better, lambda v: -abs(np.log(max(v, 1e-6))))
        gains = {"gain": "before", "over_more": "more_of_the_same"}
        means[name] = mean | {
            word: round(float(better(mean["after"]) - better(mean[other])), 4) for word, other in gains.items()
        }
    return {"frames": int(sum(chosen)), "measures": means}


if __name__ == "__main__":
    main()
