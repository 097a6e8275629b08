"""Train the second judge on the crops of second_faces.py, and write swapcore/measure/second.onnx.

    nice ./run python recipes/second_train.py --faces FOLDER --minutes 9

A small residual network (He et al. 2016) that ends in one window over the whole face, as MobileFaceNet does (Chen et al.
2018), and an additive angular margin (ArcFace, Deng et al. 2019). Training moves, lights, blurs, grains, compresses and covers
the crops. The first HELD_OUT actors of the folder are never learnt, and each minute says how well they are told apart. The
same seeds, but not the same weights twice: the time decides how many steps there are. Of the whole project only this and
the training of swaps need TensorFlow.
"""

import argparse
import math
import time
from pathlib import Path

import cv2
import numpy as np

from swapcore.nets.graph import Graph, Tensor
from swapcore.nets.spec import Layer

SIDE, DIMENSIONS = 64, 64  # of the pictures seen, pixels; of the embedding
WIDTHS = (24, 48, 80)  # channels of the three stages
SCALE, MARGIN = 20.0, 0.35  # of the softmax; radians
BATCH, RATE, DECAY = 64, 2e-3, 1e-4
HELD_OUT = 16  # actors


def load(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All crops (n, 96, 96, 3) uint8 BGR, which actor each shows (n,) from 0 by seed, and whether it is swapped (n,)."""
    crops, who, swapped = [], [], []
    for number, path in enumerate(sorted(folder.glob("*.npz"))):
        with np.load(path, allow_pickle=False) as kept:
            crops.append(kept["crops"])
            swapped.append(kept["swapped"])
        who.append(np.full(len(crops[-1]), number))
    return np.concatenate(crops), np.concatenate(who), np.concatenate(swapped)


def seen(crop_bgr: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A crop as another camera might have seen it, (SIDE, SIDE, 3) uint8."""
    side = len(crop_bgr)
    if rng.uniform() < 0.5:
        crop_bgr = crop_bgr[:, ::-1]
    middle = (side - 1) / 2
    zoom = SIDE / side * rng.uniform(0.94, 1.06)
    matrix = cv2.getRotationMatrix2D((middle, middle), rng.normal(0, 3), zoom)
    matrix[:, 2] += (SIDE - side) / 2 + rng.normal(0, 0.015 * SIDE, 2)
    if rng.uniform() < 0.6:
        crop_bgr = cv2.GaussianBlur(crop_bgr, (0, 0), rng.uniform(0.3, 2.6))
    picture = cv2.warpAffine(crop_bgr, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    light = picture.astype(np.float32) / 255
    light = light ** rng.uniform(0.65, 1.5) * rng.uniform(0.7, 1.25) * (1 + rng.normal(0, 0.08, 3)).astype(np.float32)
    angle, strength = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.25)
    slope = np.linspace(-1, 1, SIDE, dtype=np.float32)
    light *= (1 + strength * (np.cos(angle) * slope[None] + np.sin(angle) * slope[:, None]))[..., None]
    if rng.uniform() < 0.2:
        light = np.repeat(light.mean(-1, keepdims=True), 3, -1)
    light += rng.normal(0, rng.uniform(0, 0.05), light.shape)
    if rng.uniform() < 0.15:
        x, y, w, h = (rng.uniform((0, 0, 0.1, 0.1), (0.9, 0.9, 0.45, 0.45)) * SIDE).astype(int)
        light[y : y + h, x : x + w] = rng.uniform(0, 1, 3)
    picture = (np.clip(light, 0, 1) * 255).astype(np.uint8)
    if rng.uniform() < 0.5:
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 95))])
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return picture


def window() -> np.ndarray:
    """How much of each pixel the net sees, (SIDE, SIDE, 1) float32: the face, without hair and outline."""
    y, x = np.mgrid[:SIDE, :SIDE] / (SIDE - 1) * 2 - 1
    far = np.hypot(x / 0.72, (y - 0.04) / 0.86)
    return np.clip((1.08 - far) / 0.16, 0, 1).astype(np.float32)[..., None]


def network(tf):
    """The Keras model: (n, SIDE, SIDE, 3) float32 0..255 -> (n, DIMENSIONS), not yet of unit length."""
    layers = tf.keras.layers
    face = tf.constant(window())

    def standardised(x):
        weight = face / tf.reduce_sum(face)
        mean = tf.reduce_sum(x * weight, (1, 2), keepdims=True)
        spread = tf.sqrt(tf.reduce_sum((x - mean) ** 2 * weight, (1, 2, 3), keepdims=True) / 3 + 1.0)
        return (x - mean) / spread * face

    def convolution(x, filters, name, stride=1, size=3, active=True):
        x = layers.ZeroPadding2D(size // 2)(x)
        x = layers.Conv2D(filters, size, stride, use_bias=False, name=name)(x)
        x = layers.BatchNormalization(momentum=0.97, epsilon=1e-5, name=f"{name}_norm")(x)
        return layers.ReLU()(x) if active else x

    x = entry = layers.Input((SIDE, SIDE, 3))
    x = layers.Lambda(standardised)(x)
    for k, filters in enumerate(WIDTHS):
        x = convolution(x, filters, f"down{k}", stride=2)
        y = convolution(convolution(x, filters, f"first{k}"), filters, f"second{k}", active=False)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.DepthwiseConv2D(SIDE // 8, use_bias=False, name="whole")(x)
    x = layers.BatchNormalization(momentum=0.97, epsilon=1e-5, name="whole_norm")(x)
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    return tf.keras.Model(entry, layers.Dense(DIMENSIONS, use_bias=False, name="out")(x))


def exported(model) -> bytes:
    """The model as ONNX: `faces` (n, SIDE, SIDE, 3) uint8 BGR -> `embeddings` (n, DIMENSIONS) float32 of unit length."""
    from onnx import TensorProto

    graph = Graph()

    def weights_of(name: str) -> list[np.ndarray]:
        return model.get_layer(name).get_weights()

    def folded(name: str, kernel: np.ndarray) -> tuple[str, str]:
        """Kernel and bias with the normalisation that follows in them; the filters are the first axis."""
        gamma, beta, mean, variance = weights_of(f"{name}_norm")
        factor = gamma / np.sqrt(variance + 1e-5)
        return graph.constant(kernel * factor[:, None, None, None]), graph.constant(beta - mean * factor)

    def convolution(x: Tensor, name: str, stride: int = 1) -> Tensor:
        kernel = weights_of(name)[0].transpose(3, 2, 0, 1)
        layer = Layer("con", numbers={"stride": (stride, stride), "padding": (1, 1)})
        return graph.window("Conv", x, layer, (3, 3), *folded(name, kernel), channels=len(kernel))

    def relu(x: Tensor) -> Tensor:
        return Tensor(graph.node("Relu", x.name), x.shape)

    def total(x: str, *axes: int) -> str:
        return graph.node("ReduceSum", x, graph.constant(axes, np.int64), keepdims=1)

    face = window().transpose(2, 0, 1)[None]
    weight = graph.constant(face / face.sum())
    planes = graph.node("Transpose", graph.node("Cast", "faces", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    off = graph.node("Sub", planes, total(graph.node("Mul", planes, weight), 2, 3))
    power = total(graph.node("Mul", graph.node("Mul", off, off), weight), 1, 2, 3)
    power = graph.node("Add", graph.node("Div", power, graph.constant([3.0])), graph.constant([1.0]))
    even = graph.node("Mul", graph.node("Div", off, graph.node("Sqrt", power)), graph.constant(face))
    x = Tensor(even, (3, SIDE, SIDE))
    for k in range(len(WIDTHS)):
        x = relu(convolution(x, f"down{k}", stride=2))
        y = convolution(relu(convolution(x, f"first{k}")), f"second{k}")
        x = relu(Tensor(graph.node("Add", x.name, y.name), x.shape))
    kernel = weights_of("whole")[0].transpose(2, 3, 0, 1)
    whole = graph.node("Conv", x.name, *folded("whole", kernel), kernel_shape=list(x.shape[1:]), group=x.shape[0])
    out = graph.node("MatMul", graph.node("Flatten", whole), graph.constant(weights_of("out")[0]))
    graph.node("LpNormalization", out, axis=1, p=2, output="embeddings")
    ends = {"faces": ("UINT8", ["n", SIDE, SIDE, 3])}, {"embeddings": ("FLOAT", ["n", DIMENSIONS])}
    return graph.model("swapcore_second", *ends)


def equal_error(embeddings: np.ndarray, who: np.ndarray) -> float:
    """Share of pairs told wrong where as many of one person as of two are."""
    cosines, same = (m[np.triu_indices(len(who), 1)] for m in (embeddings @ embeddings.T, who[:, None] == who))
    thresholds = np.linspace(-1, 1, 401)
    wrong = [((cosines[same] < t).mean(), (cosines[~same] >= t).mean()) for t in thresholds]
    return float(np.mean(min(wrong, key=lambda w: abs(w[0] - w[1]))))


def main(args) -> None:
    """Train until the time is over, saying each minute how the actors that were not learnt are told apart."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(1)
    crops, who, _ = load(args.faces)
    learnt, rng = np.flatnonzero(who >= HELD_OUT), np.random.default_rng(1)
    held = np.flatnonzero(who < HELD_OUT)
    small = np.array([cv2.resize(c, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for c in crops[held]], np.float32)
    classes = int(who.max()) + 1 - HELD_OUT
    print(f"{len(learnt)} crops of {classes} actors; {len(held)} of {HELD_OUT} are held out", flush=True)
    model = network(tf)
    print(f"{model.count_params()} parameters", flush=True)
    centres = tf.Variable(tf.random.normal((DIMENSIONS, classes), stddev=0.1))
    adam = tf.keras.optimizers.AdamW(RATE, weight_decay=DECAY)
    variables = [*model.trainable_variables, centres]
    adam.build(variables)

    @tf.function
    def step(pictures, labels, margin):
        with tf.GradientTape() as tape:
            found = tf.math.l2_normalize(model(pictures, training=True), 1)
            cosines = tf.clip_by_value(found @ tf.math.l2_normalize(centres, 0), -0.9999, 0.9999)
            right = tf.one_hot(labels, classes)
            moved = tf.cos(tf.minimum(tf.acos(cosines) + margin, math.pi))
            logits = SCALE * tf.where(right > 0, moved, cosines)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        adam.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    start, steps, losses, told = time.monotonic(), 0, [], 0
    while (share := (time.monotonic() - start) / (60 * args.minutes)) < 1:
        adam.learning_rate.assign(RATE * min(1.0, (steps + 1) / 50) * 0.5 * (1 + math.cos(math.pi * share)))
        rows = rng.choice(learnt, BATCH)
        pictures = np.array([seen(crops[r], rng) for r in rows], np.float32)
        margin = MARGIN * min(1.0, share / 0.3)
        losses.append(float(step(pictures, (who[rows] - HELD_OUT).astype(np.int32), tf.constant(margin, tf.float32))))
        steps += 1
        if int(share * args.minutes) > told or steps == 20:
            told = int(share * args.minutes)
            found = tf.math.l2_normalize(model(small, training=False), 1).numpy()
            wrong = equal_error(found, who[held])
            print(f"{share:.0%}, step {steps}: loss {np.mean(losses[-100:]):.2f}, equal error {wrong:.3f}", flush=True)
    onnx = exported(model)
    args.out.write_bytes(onnx)
    from swapcore.nets.graph import session

    ran = session(onnx, threads=1).run(None, {"faces": small.astype(np.uint8)})[0]
    kept = tf.math.l2_normalize(model(np.floor(small), training=False), 1).numpy()
    print(f"{steps} steps, {len(onnx)} bytes, equal error {equal_error(ran, who[held]):.3f}", flush=True)
    print(f"ONNX against Keras: {np.abs(ran - kept).max():.1e}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="folder of second_faces.py")
    parser.add_argument("--minutes", type=float, default=9.0, help="how long to train")
    parser.add_argument("--threads", type=int, default=2, help="threads of TensorFlow")
    default = Path(__file__).parents[1] / "swapcore/measure/second.onnx"
    parser.add_argument("--out", type=Path, default=default, help="the file to write")
    main(parser.parse_args())
