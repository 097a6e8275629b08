"""Train the face parser on the crops of parser_faces.py, and write swapcore/parsing/own.onnx.

    ./run python recipes/parser_train.py --faces FOLDER --minutes 20 --out swapcore/parsing/own.onnx

A small U-Net (Ronneberger et al. 2015) with residual blocks and a sub-pixel end (Shi et al. 2016). Training crops as any centring
would, turns, lights, blurs, grains and compresses, and lays things before the face: blobs, bars and fingers in any colour, in
that of the face's own skin, or cut from other pictures, and strands of hair. The first HELD_OUT actors are never learnt.
"""

import argparse
import math
import time
from pathlib import Path

import cv2
import numpy as np
from parser_faces import PARTS, SPAN
from parser_faces import SIDE as KEPT

from swapcore.nets.graph import Graph, Tensor
from swapcore.nets.spec import Layer

SIDE = 128  # of the pictures seen, pixels
WIDTHS = (24, 48, 72, 108)  # channels at a half, a quarter, ... of the side
EXTENTS = (1.6, 3.4)  # side of a crop, widths over the brows
BATCH, RATE, DECAY = 24, 2e-3, 1e-4
HELD_OUT = 12  # actors
FACE, HAIR, FRONT = (PARTS.index(name) for name in ("face", "hair", "front"))


def load(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All crops (n, KEPT, KEPT, 3) uint8 BGR, their maps (n, KEPT, KEPT) uint8 and which actor each shows (n,)."""
    crops, parts, who = [], [], []
    for number, path in enumerate(sorted(folder.glob("*.npz"))):
        with np.load(path, allow_pickle=False) as kept:
            crops.append(kept["crops"])
            parts.append(kept["parts"])
        who.append(np.full(len(crops[-1]), number))
    return np.concatenate(crops), np.concatenate(parts), np.concatenate(who)


def cut(crop: np.ndarray, parts: np.ndarray, rng: np.random.Generator, *, still: bool = False):
    """A crop and its map as some centring and coverage would show them, (SIDE, SIDE, ...)."""
    extent = rng.uniform(*EXTENTS)
    zoom = SIDE / KEPT / (extent * SPAN)
    middle, turn = (KEPT - 1) / 2, 0.0 if still else rng.normal(0, 5)
    matrix = cv2.getRotationMatrix2D((middle, middle), turn, zoom)
    matrix[:, 2] += (SIDE - 1) / 2 - middle + (0 if still else rng.normal(0, 0.05 * SIDE, 2))
    if not still and rng.uniform() < 0.5:
        crop, parts = crop[:, ::-1], parts[:, ::-1]
    look = {"dsize": (SIDE, SIDE), "borderMode": cv2.BORDER_REPLICATE}
    return (
        cv2.warpAffine(np.ascontiguousarray(crop), matrix, flags=cv2.INTER_LINEAR, **look),
        cv2.warpAffine(np.ascontiguousarray(parts), matrix, flags=cv2.INTER_NEAREST, **look),
    )


def covered(picture: np.ndarray, parts: np.ndarray, others: np.ndarray, rng: np.random.Generator):
    """With something before the face: the picture and the map, changed."""
    shape = np.zeros((SIDE, SIDE), np.uint8)
    centre = rng.uniform(0.15, 0.85, 2) * SIDE
    kind = rng.choice(["blob", "bar", "fingers"])
    if kind == "blob":
        angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        radius = (
            rng.uniform(0.06, 0.28)
            * SIDE
            * (1 + sum(rng.normal(0, 0.2 / k) * np.cos(k * angle + rng.uniform(0, 6)) for k in (1, 2, 3, 5)))
        )
        points = centre + radius[:, None] * np.stack([np.cos(angle) * rng.uniform(0.6, 1.4), np.sin(angle)], -1)
        cv2.fillPoly(shape, [np.rint(points).astype(np.int32)], 1)
    else:
        angle, count = rng.uniform(0, 2 * np.pi), 1 if kind == "bar" else int(rng.integers(2, 5))
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        width = rng.uniform(0.02, 0.18) * SIDE if kind == "bar" else rng.uniform(0.05, 0.09) * SIDE
        for k in range(count):
            begin = centre + across * (k - count / 2) * width * rng.uniform(1.0, 1.35)
            end = begin + along * SIDE * (2 if rng.uniform() < 0.7 else rng.uniform(0.1, 0.4))
            cv2.line(shape, *(tuple(int(v) for v in np.rint(p)) for p in (begin, end)), 1, max(1, int(width)))
    fill = rng.uniform()
    if fill < 0.35:
        over = others[rng.integers(len(others))]
        over = cv2.resize(over, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[:: rng.choice([-1, 1])].astype(np.float32)
    else:
        skin = picture[parts == FACE]
        colour = (
            skin[rng.integers(len(skin))] * rng.uniform(0.6, 1.4)
            if fill < 0.7 and len(skin)
            else rng.uniform(0, 255, 3)
        )
        y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
        slope = 1 + rng.normal(0, 0.8) * x + rng.normal(0, 0.8) * y
        inner = cv2.distanceTransform(shape, cv2.DIST_L2, 3)
        round_off = 0.55 + 0.45 * np.minimum(inner / max(inner.max() * 0.7, 1), 1) ** 0.5
        grain = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), rng.uniform(0.5, 6))
        texture = 1 + rng.uniform(0, 0.2) * grain / max(grain.std(), 1e-6)
        over = (colour * (slope * round_off * texture)[..., None]).astype(np.float32)
    soft = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), rng.uniform(0.4, 1.2))[..., None]
    if rng.uniform() < 0.5:  # its shadow
        moved = np.roll(soft, rng.integers(-8, 9, 2), (0, 1))
        picture = picture * (1 - 0.4 * cv2.GaussianBlur(moved, (0, 0), 3)[..., None])
    picture = np.clip(picture * (1 - soft) + np.clip(over, 0, 255) * soft, 0, 255).astype(np.uint8)
    return picture, np.where(shape > 0, np.uint8(FRONT), parts)


def stranded(picture: np.ndarray, parts: np.ndarray, rng: np.random.Generator):
    """With a few locks of hair that hang into the face."""
    hair = picture[parts == HAIR]
    colour = hair.mean(0) if len(hair) > 20 else np.full(3, rng.uniform(10, 120))
    shape = np.zeros((SIDE, SIDE), np.uint8)
    for _ in range(int(rng.integers(1, 6))):
        x, y = rng.uniform(0.2, 0.8) * SIDE, rng.uniform(0.0, 0.25) * SIDE
        t = np.linspace(0, 1, 12)
        line = np.stack(
            [x + rng.normal(0, 12) * t + rng.normal(0, 14) * t**2, y + rng.uniform(0.1, 0.5) * SIDE * t], -1
        )
        cv2.polylines(shape, [np.rint(line).astype(np.int32)], False, 1, int(rng.integers(1, 7)))
    soft = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), 0.6)[..., None] * rng.uniform(0.7, 1)
    texture = 1 + 0.15 * rng.normal(0, 1, (1, SIDE, 1))
    picture = np.clip(picture * (1 - soft) + colour * texture * soft, 0, 255).astype(np.uint8)
    return picture, np.where(shape > 0, np.uint8(HAIR), parts)


def filmed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As another camera might have seen it, in other light, uint8."""
    if rng.uniform() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 2.2))
    light = picture.astype(np.float32) / 255
    light = light ** rng.uniform(0.6, 1.6) * rng.uniform(0.6, 1.3) * (1 + rng.normal(0, 0.1, 3)).astype(np.float32)
    angle, strength = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.3)
    slope = np.linspace(-1, 1, SIDE, dtype=np.float32)
    light *= (1 + strength * (np.cos(angle) * slope[None] + np.sin(angle) * slope[:, None]))[..., None]
    if rng.uniform() < 0.25:  # a shadow's hard edge
        at = rng.uniform(-0.6, 0.6)
        side = np.cos(angle * 3) * slope[None] + np.sin(angle * 3) * slope[:, None] > at
        light *= np.where(side, 1, rng.uniform(0.45, 0.9)).astype(np.float32)[..., None]
    if rng.uniform() < 0.15:
        light = np.repeat(light.mean(-1, keepdims=True), 3, -1)
    light += rng.normal(0, rng.uniform(0, 0.05), light.shape)
    picture = (np.clip(light, 0, 1) * 255).astype(np.uint8)
    if rng.uniform() < 0.5:
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))])
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return picture


def sample(crops: np.ndarray, parts: np.ndarray, row: int, rng: np.random.Generator):
    """One picture to learn from, and its map."""
    picture, found = cut(crops[row], parts[row], rng)
    if rng.uniform() < 0.2:
        picture, found = stranded(picture, found, rng)
    while rng.uniform() < 0.35:
        picture, found = covered(picture, found, crops, rng)
    return filmed(picture, rng), found


def network(tf):
    """The Keras model: (n, SIDE, SIDE, 3) float32 0..255 -> (n, SIDE, SIDE, len(PARTS)) before the softmax."""
    layers = tf.keras.layers

    def convolution(x, filters, name, stride=1, active=True):
        x = layers.ZeroPadding2D(1)(x)
        x = layers.Conv2D(filters, 3, stride, use_bias=False, name=name)(x)
        x = layers.BatchNormalization(momentum=0.97, epsilon=1e-5, name=f"{name}_norm")(x)
        return layers.ReLU()(x) if active else x

    def residual(x, name):
        y = convolution(convolution(x, x.shape[-1], f"{name}a"), x.shape[-1], f"{name}b", active=False)
        return layers.ReLU()(layers.Add()([x, y]))

    entry = layers.Input((SIDE, SIDE, 3))
    x, levels = layers.Rescaling(1 / 127.5, -1)(entry), []
    for k, filters in enumerate(WIDTHS):
        x = residual(convolution(x, filters, f"down{k}", stride=2), f"residual{k}")
        levels.append(x)
    for k in range(len(WIDTHS) - 2, -1, -1):
        x = layers.UpSampling2D(2)(convolution(x, WIDTHS[k], f"narrow{k}"))
        x = residual(layers.Add()([x, levels[k]]), f"up{k}")
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(4 * len(PARTS), 3, name="out")(x)
    return tf.keras.Model(entry, layers.Lambda(lambda v: tf.nn.depth_to_space(v, 2))(x))


def exported(model) -> bytes:
    """The model as ONNX: `faces` (n, SIDE, SIDE, 3) uint8 BGR -> `parts` (n, len(PARTS), SIDE, SIDE) float32, each's share."""
    from onnx import TensorProto

    graph = Graph()

    def weights_of(name: str) -> list[np.ndarray]:
        return model.get_layer(name).get_weights()

    def convolution(x: Tensor, name: str, stride: int = 1, active: bool = True) -> Tensor:
        kernel = weights_of(name)[0].transpose(3, 2, 0, 1)
        gamma, beta, mean, variance = weights_of(f"{name}_norm")
        factor = gamma / np.sqrt(variance + 1e-5)
        constants = graph.constant(kernel * factor[:, None, None, None]), graph.constant(beta - mean * factor)
        layer = Layer("con", numbers={"stride": (stride, stride), "padding": (1, 1)})
        x = graph.window("Conv", x, layer, (3, 3), *constants, channels=len(kernel))
        return relu(x) if active else x

    def relu(x: Tensor) -> Tensor:
        return Tensor(graph.node("Relu", x.name), x.shape)

    def plus(x: Tensor, y: Tensor) -> Tensor:
        return Tensor(graph.node("Add", x.name, y.name), x.shape)

    def residual(x: Tensor, name: str) -> Tensor:
        return relu(plus(x, convolution(convolution(x, f"{name}a"), f"{name}b", active=False)))

    planes = graph.node("Transpose", graph.node("Cast", "faces", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    even = graph.node("Sub", graph.node("Mul", planes, graph.constant([1 / 127.5])), graph.constant([1.0]))
    x, levels = Tensor(even, (3, SIDE, SIDE)), []
    for k in range(len(WIDTHS)):
        x = residual(convolution(x, f"down{k}", stride=2), f"residual{k}")
        levels.append(x)
    for k in range(len(WIDTHS) - 2, -1, -1):
        x = convolution(x, f"narrow{k}")
        name = graph.node(
            "Resize",
            x.name,
            "",
            graph.constant([1, 1, 2, 2]),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        x = residual(plus(Tensor(name, (x.shape[0], 2 * x.shape[1], 2 * x.shape[2])), levels[k]), f"up{k}")
    kernel, bias = weights_of("out")
    layer = Layer("con", numbers={"stride": (1, 1), "padding": (1, 1)})
    x = graph.window(
        "Conv", x, layer, (3, 3), graph.constant(kernel.transpose(3, 2, 0, 1)), graph.constant(bias), channels=len(bias)
    )
    graph.node("Softmax", graph.node("DepthToSpace", x.name, blocksize=2, mode="DCR"), axis=1, output="parts")
    ends = {"faces": ("UINT8", ["n", SIDE, SIDE, 3])}, {"parts": ("FLOAT", ["n", len(PARTS), SIDE, SIDE])}
    return graph.model("swapcore_parser", *ends)


def overlap(found: np.ndarray, true: np.ndarray, part: int) -> float:
    """Intersection over union of a part over all pictures; both (n, h, w) numbers of PARTS."""
    a, b = found == part, true == part
    return float((a & b).sum() / max((a | b).sum(), 1))


def main(args) -> None:
    """Train until the time is over, saying each minute how the held-out actors are parsed."""
    import concurrent.futures

    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(1)
    crops, parts, who = load(args.faces)
    learnt, held = np.flatnonzero(who >= HELD_OUT), np.flatnonzero(who < HELD_OUT)
    still = np.random.default_rng(2)
    tests = [cut(crops[r], parts[r], still, still=True) for r in held]
    test, truth = np.array([t[0] for t in tests], np.float32), np.array([t[1] for t in tests])
    model = network(tf)
    print(f"{len(learnt)} crops of {who.max() + 1 - HELD_OUT} actors; {model.count_params()} parameters", flush=True)
    adam = tf.keras.optimizers.AdamW(RATE, weight_decay=DECAY)
    adam.build(model.trainable_variables)

    @tf.function
    def step(pictures, labels):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(pictures, training=True))
            )
        variables = model.trainable_variables
        adam.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    @tf.function
    def answered(pictures):
        return model(pictures, training=False)

    def batch(seed: int):
        rng = np.random.default_rng(seed)
        made = [sample(crops, parts, row, rng) for row in rng.choice(learnt, BATCH)]
        return np.array([p for p, _ in made], np.float32), np.array([m for _, m in made], np.int32)

    start, steps, losses, told = time.monotonic(), 0, [], 0
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        following = pool.submit(batch, 0)
        while (share := (time.monotonic() - start) / (60 * args.minutes)) < 1:
            adam.learning_rate.assign(RATE * min(1.0, (steps + 1) / 50) * 0.5 * (1 + math.cos(math.pi * share)))
            pictures, labels = following.result()
            steps += 1
            following = pool.submit(batch, steps)
            losses.append(float(step(tf.constant(pictures), tf.constant(labels))))
            if int(share * args.minutes) > told or steps == 10:
                told = int(share * args.minutes)
                found = np.concatenate([answered(test[k : k + 24]).numpy().argmax(-1) for k in range(0, len(test), 24)])
                said = ", ".join(f"{name} {overlap(found, truth, k):.3f}" for k, name in enumerate(PARTS))
                print(f"{share:.0%}, step {steps}: loss {np.mean(losses[-100:]):.3f}; overlap {said}", flush=True)
    onnx = exported(model)
    args.out.write_bytes(onnx)
    from swapcore.nets.graph import session

    ran = session(onnx, threads=1).run(None, {"faces": test.astype(np.uint8)})[0]
    kept = np.concatenate(
        [tf.nn.softmax(answered(np.floor(test[k : k + 24]))).numpy() for k in range(0, len(test), 24)]
    )
    said = ", ".join(f"{name} {overlap(ran.argmax(1), truth, k):.3f}" for k, name in enumerate(PARTS))
    print(f"{steps} steps, {len(onnx)} bytes; overlap {said}", flush=True)
    print(f"ONNX against Keras: {np.abs(ran - kept.transpose(0, 3, 1, 2)).max():.1e}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="folder of parser_faces.py")
    parser.add_argument("--minutes", type=float, default=20.0, help="how long to train")
    parser.add_argument("--threads", type=int, default=2, help="threads of TensorFlow")
    parser.add_argument("--out", type=Path, required=True, help="the .onnx that is written")
    main(parser.parse_args())
