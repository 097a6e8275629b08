"""How fast a model trains, beside plain Keras and beside what the machine can do; in one run, on random faces.

    ./run python benchmarks/train.py --model original [--batch 16] [--seconds 120] [--precision bfloat16] [--backend jax]

Prints one JSON line. `images_per_s`: faces of both people a second of our steps, on faces that lie in memory; samples are made
from them inside the step. `ratio`: that over `baseline_images_per_s`, the same model in plain Keras: float32, one model for
each person with the encoder in both, Keras' Adam and `train_on_batch`, the same losses, on samples made beforehand.
`whole_share`: images a second of the whole trainer (train.loop with its memory-mapped faces, lines, checks and states) over
`images_per_s`; quality is not measured in it, and a state is saved where `--whole` is over 60 (see train.checkpoint_every).
`landmarks_share`: the same of steps warped into landmarks, the drawing of their bends included, by processor time (on a GPU: by
the clock). `peak_share`: arithmetic a second of a step (`step_gflop`, from the layers' shapes: forward and backward) over
`matrix_gflops`, what large matrix products reach in the same run and precision. `peak_mib`: largest memory of our bare step, the
GPU's where there is one, the process's else.

All are measured in turns until the seconds are over, three times at least; medians are taken. `taskset -c 0` for one core.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from swapcore import losses
from swapcore.config.fields import Train
from swapcore.errors import SwapError
from swapcore.models import MODELS, PEOPLE, Swapper, choose, convolution, device, gpus, keras, tensorflow
from swapcore.train import batches, loop, nearest, saver, step, warps
from swapcore.train.schedule import Goal
from swapcore.train.standing import Standing

FACES, SIDE = 64, 4096  # random faces of each person; rows of the matrices multiplied
COVERAGE, ARCHIVE = 0.8, 512  # as the settings' defaults: share of the crop that is seen, the crop's pixels
LOOK = {"mix": Train().losses, "weights": Train().weights.model_dump()}  # what is made small: the defaults


def main() -> None:
    """Measure and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, default="original")
    parser.add_argument("--resolution", type=int, help="pixels; left out: the model's default")
    parser.add_argument("--batch", type=int, default=16, help="faces of each person")
    parser.add_argument("--seconds", type=float, default=120, help="of measuring, about")
    parser.add_argument("--whole", type=float, default=10, help="seconds of the whole trainer in a turn, about")
    parser.add_argument("--steps", type=int, default=2, help="steps in a call")
    parser.add_argument("--precision", choices=["bfloat16", "float32"], default="bfloat16")
    parser.add_argument("--backend", choices=["tensorflow", "jax"], default="tensorflow")
    parser.add_argument("--gpu", action="store_true", help="stop where no GPU is seen")
    args = parser.parse_args()
    choose(args.backend)
    if args.gpu and not gpus():
        sys.exit(f"train: expected a GPU, {args.backend} sees {device()} alone; check the driver (nvidia-smi)")
    try:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measured(args, Path(folder))))
    except SwapError as error:
        sys.exit(f"train: {error}")


def measured(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The figures of the JSON line; folder: for faces and states."""
    keras().utils.set_random_seed(0)
    resolution = args.resolution or MODELS[args.model].sizes.default
    swapper = MODELS[args.model].build(resolution, precision=args.precision)
    shape = batches.geometry(ARCHIVE, coverage=COVERAGE, resolution=resolution)
    trainer = step.trainer(swapper, view=shape.view, seed=0, **{**LOOK, "mix": tuple(LOOK["mix"])})
    people = [random_faces(folder / f"{who}.npy", shape.side, seed) for seed, who in enumerate(PEOPLE)]
    images = batches.draw(*(p.faces for p in people), first=0, steps=args.steps, batch=args.batch, seed=0)
    rate = {"warp": 1.0, "rate": 1e-5, "shares": list(LOOK["mix"].values())}

    def bare() -> None:
        trainer.run(images, step=0, **rate)

    marks = tuple(person.landmarks for person in people)
    kin = nearest.alike(*marks), nearest.alike(*marks[::-1])
    rows = batches.picked((FACES, FACES), first=0, steps=args.steps, batch=args.batch, seed=0)

    def bent() -> None:
        place = {"first": 0, "seed": 0, "side": shape.side, "view": shape.view}
        trainer.run(images, step=0, bends=nearest.drawn(marks, kin, rows, **place), **rate)

    for _ in range(2):
        bare()
    peak = memory_mib()
    begin = time.perf_counter()
    bare()
    many = max(round(args.whole * args.steps / (time.perf_counter() - begin)), 2)
    baseline = plain_keras(args.model, resolution, images[0], view=shape.view)
    products = {name: matrix_product(name) for name in ("bfloat16", "float32")}
    with saver.saver(folder / "states", None) as states:
        about = {"batch": args.batch, "precision": args.precision, "learning_rate": 1e-5}
        whole = whole_trainer(trainer, people, states, shape.view, many, {"model": args.model, **about})
        # (what, how many steps one call is)
        things = {"bare": (bare, args.steps), "bent": (bent, args.steps)}
        things |= {"whole": (whole, many), "baseline": (baseline, 1)}
        things |= {name: (product, 1) for name, product in products.items()}
        for thing, _ in things.values():
            thing()
        times: dict[str, list[float]] = {name: [] for name in things}
        spent: dict[str, list[float]] = {name: [] for name in things}  # of the processor, s
        end = time.perf_counter() + args.seconds
        while time.perf_counter() < end or len(times["bare"]) < 3:
            for name, (thing, count) in things.items():
                begin, before = time.perf_counter(), time.process_time()
                thing()
                times[name].append((time.perf_counter() - begin) / count)
                spent[name].append((time.process_time() - before) / count)
    seconds = {name: statistics.median(of) for name, of in times.items()}
    work = gflop(swapper, args.batch)
    peaks = {name: 2 * SIDE**3 / 1e9 / statistics.median(times[name]) for name in products}
    faces = 2 * args.batch
    return {
        "bench": "train",
        "model": args.model,
        "ratio": round(seconds["baseline"] / seconds["bare"], 2),
        "images_per_s": round(faces / seconds["bare"], 1),
        "peak_share": round(work / seconds["bare"] / peaks[args.precision], 3),
        "peak_mib": round(peak),
        "baseline_images_per_s": round(faces / seconds["baseline"], 1),
        "whole_share": round(seconds["bare"] / seconds["whole"], 3),
        "landmarks_share": round(landmarks_share(times if gpus() else spent), 3),
        "matrix_gflops": {name: round(value) for name, value in peaks.items()},
        "step_gflop": round(work, 1),
        "step_s": {name: round(seconds[name], 3) for name in ("bare", "whole", "baseline")},
        "turns": len(times["bare"]),
        "resolution": resolution,
        "batch": args.batch,
        "steps": args.steps,
        "precision": args.precision,
        "backend": args.backend,
        "device": device(),
    }


def landmarks_share(times: dict[str, list[float]]) -> float:
    """Pace of steps warped into landmarks, `bent`, over that of `bare` ones; the median of the turns, for load comes and goes."""
    return statistics.median(bare / bent for bare, bent in zip(times["bare"], times["bent"], strict=True))


def random_faces(path: Path, side: int, seed: int) -> batches.Cached:
    """FACES of noise as training has them, memory-mapped."""
    kind = np.dtype([("face", np.uint8, (side, side, 6)), ("landmarks", np.float32, (68, 2))])
    rows = np.lib.format.open_memmap(path, "w+", kind, (FACES,))
    chance = np.random.default_rng(seed)
    rows["face"] = chance.integers(0, 256, rows["face"].shape, dtype=np.uint8)
    rows["landmarks"] = chance.uniform(0, side, rows["landmarks"].shape)
    rows.flush()
    rows = np.load(path, mmap_mode="r", allow_pickle=False)
    return batches.Cached(rows["face"], rows["landmarks"])


def whole_trainer(
    trainer: step.Trainer,
    people: list[batches.Cached],
    states: saver.Saver,
    view: float,
    many: int,
    about: dict[str, Any],
) -> Callable[[], None]:
    """`many` steps of the trainer that a swap is trained with, as a function; each call goes on from the one before."""
    now = Standing(goals=[Goal("", 0, 0.0, 1.0)], batch=about["batch"])
    phase = {"schedule": [{"warp": "random"}]}

    def whole() -> None:
        settings = Train.model_validate({**about, **phase, "budget": {"steps": now.step + many}})
        loop.learn(loop.Session("train", settings, trainer, people, now, states, view))

    return whole


def plain_keras(model: str, resolution: int, images: np.ndarray, *, view: float) -> Callable[[], None]:
    """A step of the baseline as a function: each person's model once, on samples of images (2n, s, s, 6)."""
    keras_ = keras()
    layer, convolution._layer = convolution._layer, lambda: keras_.layers.Conv2D
    if keras_.backend.backend() == "tensorflow":
        tensorflow().config.optimizer.set_experimental_options({"remapping": True})  # as it is by itself
    made = warps.samples(images, resolution=resolution, view=view, warp=1.0, seed=np.int32([0, 0]))
    faces, truth, maps = (np.split(keras_.ops.convert_to_numpy(part), 2) for part in made)
    swapper: Swapper = MODELS[model].build(resolution, precision="float32")

    def loss(truth_and_maps: Any, predicted: Any) -> Any:
        return losses.total(predicted, truth_and_maps[..., :3], truth_and_maps[..., 3:], **LOOK)

    models = []
    for person in PEOPLE:
        shown = keras_.Input((resolution, resolution, 3))
        whole = keras_.Model(shown, swapper.decoders[person](swapper.encoder(shown)))
        compiled = bool(gpus())
        whole.compile(optimizer=keras_.optimizers.Adam(1e-5), loss=loss, jit_compile=compiled)
        models.append(whole)
    wanted = [np.concatenate(pair, -1) for pair in zip(truth, maps, strict=True)]

    def one() -> None:
        for whole, given, asked in zip(models, faces, wanted, strict=True):
            whole.train_on_batch(given, asked)

    one()  # traced
    convolution._layer = layer
    if keras_.backend.backend() == "tensorflow":
        tensorflow().config.optimizer.set_experimental_options({"remapping": False})
    return one


def matrix_product(dtype: str) -> Callable[[], None]:
    """A product of two square matrices of SIDE rows, as a function."""
    chance = np.random.default_rng(0)
    given = [keras().ops.cast(chance.random((SIDE, SIDE), dtype=np.float32), dtype) for _ in range(2)]
    if keras().backend.backend() == "jax":
        import jax

        product = jax.jit(lambda a, b: a @ b)
        return lambda: product(*given).block_until_ready()
    product = tensorflow().function(lambda a, b: (a @ b)[0, 0], autograph=False)
    return lambda: product(*given).numpy()


def gflop(swapper: Swapper, batch: int) -> float:
    """Arithmetic of a step: of every kernel, two for each position and number, forward and for both gradients."""
    total = 0.0
    for model, count in ((swapper.encoder, 2 * batch), *((d, batch) for d in swapper.decoders.values())):
        for place, layer in enumerate(layer for layer in model.layers if hasattr(layer, "kernel")):
            one = 2 * np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:-1])
            total += count * one * (2 if model is swapper.encoder and place == 0 else 3)  # pictures need no gradient
    return float(total) / 1e9


def memory_mib() -> float:
    """The largest memory so far, MiB: of the GPU where there is one, else of the process."""
    if not gpus():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if keras().backend.backend() == "jax":
        import jax

        return jax.devices()[0].memory_stats()["peak_bytes_in_use"] / 2**20
    return tensorflow().config.experimental.get_memory_info("GPU:0")["peak"] / 2**20


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    main()
