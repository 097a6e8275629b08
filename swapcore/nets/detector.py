"""dlib's CNN face detector as an ONNX model, run by ONNX Runtime: the same boxes and scores, twenty times faster."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import cv2
import numpy as np

from swapcore.nets import spec
from swapcore.nets.graph import Graph, finish, session, take

# cell (r, c) of the scores looks at the tile's pixel (CELL c + FIRST_CELL, CELL r + FIRST_CELL)
CELL, FIRST_CELL = 8, 14
SMALLEST_TILE = 2 * FIRST_CELL + 1  # side of the smallest picture that has one cell, pixels
SMALLEST_LEVEL = 5  # height of the last level of the pyramid, pixels
DOUBT = (-0.9, 0.5)  # scores of what may be a face: clear ones have 1, of all else in the footage hardly anything -0.9
BLOCK = 16  # channels: ONNX Runtime's fast convolutions take them in blocks of 16 or 8


class FaceDetector(NamedTuple):
    """The network ready to run, and what its scores mean."""

    session: Any  # an onnxruntime.InferenceSession: {"tile": (1, h, w, 3) float32 BGR 0..255} -> [(1, 1, r, c) float32]
    scan: spec.Scan
    mean_bgr: tuple[float, float, float]  # what the tile holds between the pictures


class Level(NamedTuple):
    """A level of the pyramid and where it lies in the tile, pixels."""

    number: int  # how many times the frame was reduced to 5/6
    x: int
    y: int
    width: int
    height: int


def detector_model(layers: list[spec.Layer]) -> bytes:
    """dlib's CNN face detector as the bytes of an ONNX model, from the layers of `spec.detector`.

    Seven convolutions that see 80 x 80 pixels from every eighth pixel, trained by max-margin object detection (King,
    Max-Margin Object Detection, 2015). Input `tile` (1, h, w, 3) float32 BGR 0..255, both sides at least SMALLEST_TILE;
    output `scores` (1, 1, r, c) float32. Raises SwapError where the layers are those of another network.

    Two changes leave the result as it is and save a fifth of the time: channels are filled up with zeros to whole
    blocks, and the last convolution, 9 x 9 to one channel, is one along the rows followed by one along the columns.
    """
    graph, rest = Graph(), iter(layers)
    next_layer = partial(take, rest, "detector")

    def convolution(x: str, kernel: np.ndarray, bias: np.ndarray, stride: int, padding: tuple[int, int]) -> str:
        constants = graph.constant(kernel), graph.constant(bias)
        attributes = {"kernel_shape": kernel.shape[2:], "strides": [stride] * 2, "pads": [*padding, *padding]}
        return graph.node("Conv", x, *constants, **attributes)

    mean_bgr = np.array(next_layer("input").numbers["mean_rgb"])[::-1]
    x = graph.node("Transpose", "tile", perm=[0, 3, 1, 2])
    x = graph.node("Sub", x, graph.constant(mean_bgr.reshape(1, 3, 1, 1)))
    has, filled = 3, 3
    for filters, stride in ((16, 2), (32, 2), (32, 2), (45, 1), (45, 1), (45, 1)):
        inside = 2 if stride == 1 else 0
        layer = next_layer("con", weights=(filters, has, 5, 5), stride=(stride, stride), padding=(inside, inside))
        affine = next_layer("affine", weights=(filters,))
        kernel = layer.weights * affine.weights.reshape(-1, 1, 1, 1)
        if has == 3:
            kernel = kernel[:, ::-1] / 256  # dlib's pictures are RGB, 0..1
        bias = layer.bias * affine.weights + affine.bias
        wanted = -(-filters // BLOCK) * BLOCK
        kernel, bias = _filled(kernel, wanted, filled), _filled(bias, wanted)
        x = graph.node("Relu", convolution(x, kernel, bias, stride, (inside, inside)))
        next_layer("relu")
        has, filled = filters, wanted
    layer = next_layer("con", weights=(1, has, 9, 9), stride=(1, 1), padding=(4, 4))
    rows = layer.weights[0].transpose(1, 0, 2)[:, :, None]  # a kernel (9, 45, 1, 9) for each of its rows
    x = convolution(x, _filled(rows, BLOCK, filled), np.zeros(BLOCK), 1, (0, 4))
    columns = _filled(np.eye(9).reshape(1, 9, 9, 1), 1, BLOCK)
    constants = graph.constant(columns), graph.constant(layer.bias)
    graph.node("Conv", x, *constants, output="scores", kernel_shape=[9, 1], strides=[1, 1], pads=[4, 0, 4, 0])
    finish(rest, "detector")
    return graph.model("dlib_detector", {"tile": ("FLOAT", [1, "h", "w", 3])}, {"scores": ("FLOAT", [1, 1, "r", "c"])})


def _filled(values: np.ndarray, *sizes: int) -> np.ndarray:
    """Zeros behind the first axes, up to these sizes."""
    wanted = (*sizes, *values.shape[len(sizes) :])
    return np.pad(values, [(0, size - has) for size, has in zip(wanted, values.shape, strict=True)])


def detector_session(*, threads: int) -> FaceDetector:
    """dlib's CNN face detector on the CPU, with this many threads (0: one for each core); for `find_faces`.

    Built anew from dlib's file in a fraction of a second; nothing is kept on the disk. Raises SwapError where that file
    is missing or damaged.
    """
    scan, layers = spec.detector(spec.model_path("detector").read_bytes())
    mean_rgb = layers[0].numbers["mean_rgb"]
    return FaceDetector(session(detector_model(layers), threads=threads), scan, mean_rgb[::-1])


def find_faces(
    frame_bgr: np.ndarray, detector: FaceDetector, *, min_score: float = 0.0, thorough: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Faces of a frame (h, w, 3) uint8: boxes_xyxy (n, 4) float32, frame pixels, and scores (n,) float32, best first.

    Boxes and scores are those of dlib's cnn_face_detection_model_v1, its boxes not rounded to pixels. Scores lie between
    about -1.1 and 1.1; dlib takes those above 0. Found are faces whose box is at least about 62 pixels wide.

    Not `thorough`: every second level of the pyramid is looked at, and the others only where a face is doubtful. That
    takes 40 % less time and finds the same faces; boxes are of coarser size.
    """
    height, width = frame_bgr.shape[:2]
    corners, scores = np.zeros((0, 4)), np.zeros(0, np.float32)
    for first, step in ((0, 1),) if thorough else ((0, 2), (1, 2)):
        levels, size_wh = lay_out(width, height, detector.scan, first=first, step=step)
        if min(size_wh) < SMALLEST_TILE:
            break
        tile = pyramid(frame_bgr, levels, size_wh, detector.mean_bgr)
        found = cells(
            detector.session.run(None, {"tile": tile[None]})[0][0], levels, detector.scan, min(DOUBT[0], min_score)
        )
        corners, scores = apart(np.concatenate([corners, found[0]]), np.concatenate([scores, found[1]]), detector.scan)
        if not ((scores > DOUBT[0]) & (scores < DOUBT[1])).any():
            break
    kept = scores > min_score
    return corners[kept].astype(np.float32) + np.float32([-0.5, -0.5, 0.5, 0.5]), scores[kept]


def lay_out(
    width: int, height: int, scan: spec.Scan, *, first: int = 0, step: int = 1
) -> tuple[list[Level], tuple[int, int]]:
    """Where dlib's tile has the levels of a frame's pyramid, and the tile's width and height.

    Each level is 5/6 of the one before. They stand under each other as long as the next ones would not fit beside them
    and half of what remains is not placed; the rest stands beside, from below, at the right edge. What would reach the
    first level there is left out. With `first` and `step`, a tile of every step-th level from the first on; none: no
    levels, and a tile of no size.
    """
    sizes = [(width, height)]
    while (size := (5 * sizes[-1][0] // 6, 5 * sizes[-1][1] // 6))[0] and size[1] >= SMALLEST_LEVEL:
        sizes.append(size)
    numbered = list(enumerate(sizes))[first::step]
    if not numbered:
        return [], (0, 0)
    width, height = numbered[0][1]
    gap, edge = scan.padding, scan.outer_padding
    total = sum(h + gap for _, (_, h) in numbered) - 2 * gap
    levels, y, before = [], edge, 0
    for number, (w, h) in numbered:
        if w <= width - before - gap and 2 * (y - edge - height) >= total - height:
            break
        levels.append(Level(number, edge, y, w, h))
        y, before = y + h + gap, w
    bottom = y = y - gap
    for number, (w, h) in numbered[len(levels) :]:
        x, y = edge + width - w, y - h
        if x < edge + width and y < edge + height:  # it would reach the first
            break
        levels.append(Level(number, x, y, w, h))
        y -= gap
    return levels, (width + 2 * edge, bottom + edge)


def pyramid(
    frame_bgr: np.ndarray, levels: list[Level], size_wh: tuple[int, int], mean_bgr: tuple[float, float, float]
) -> np.ndarray:
    """The tile (h, w, 3) float32 BGR with all levels of a frame's pyramid in their places.

    dlib reduces each level from the one before, bilinearly, corner pixel to corner pixel.
    """
    tile = np.empty((size_wh[1], size_wh[0], 3), np.float32)
    tile.reshape(size_wh[1], -1)[:] = np.tile(np.float32(mean_bgr), size_wh[0])
    places = {level.number: tile[level.y :, level.x :][: level.height, : level.width] for level in levels}
    level = places.get(0)
    if level is None:
        level = frame_bgr.astype(np.float32)
    else:
        level[:] = frame_bgr
    for number in range(1, levels[-1].number + 1):
        h, w = level.shape[:2]
        width, height = 5 * w // 6, 5 * h // 6
        scale = np.diag([(w - 1) / max(width - 1, 1), (h - 1) / max(height - 1, 1)])
        place = places.get(number)
        if place is None:
            place = np.empty((height, width, 3), np.float32)
        level = cv2.warpAffine(
            level,
            np.column_stack([scale, np.zeros(2)]),
            (width, height),
            dst=place,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    return tile


def cells(scores: np.ndarray, levels: list[Level], scan: spec.Scan, min_score: float) -> tuple[np.ndarray, np.ndarray]:
    """The cells of the scores (windows, rows, columns) above a score: boxes (n, 4) float64 and scores (n,) float32.

    Boxes are in frame pixels, their corners the first and the last pixel, as dlib has them.
    """
    window, row, column = np.nonzero(scores > min_score)
    centre = np.column_stack([column, row]) * CELL + FIRST_CELL
    places = np.array(levels)
    corner, far = places[:, 1:3], places[:, 1:3] + places[:, 3:5] - 1
    # a cell belongs to the level that it lies in, or lies nearest to
    away = np.maximum(np.maximum(corner - centre[:, None], centre[:, None] - far), 0)
    nearest = np.hypot(*away.transpose(2, 0, 1)).argmin(1)
    half = (np.array(scan.windows_wh)[window] - 1) / 2
    middle = (centre - corner[nearest]).astype(np.float64)
    number = places[nearest, 0][:, None]
    # dlib's place of a point one level up, 6/5 p + 0.3, as many times as the level's number
    corners = (np.concatenate([middle - half, middle + half], 1) + 1.5) * 1.2**number - 1.5
    return corners, scores[window, row, column]


def apart(corners: np.ndarray, scores: np.ndarray, scan: spec.Scan) -> tuple[np.ndarray, np.ndarray]:
    """Of boxes (n, 4) that show the same face the one of the best score, best first: as dlib suppresses the others."""
    whole = np.floor(corners + 0.5)  # dlib compares boxes of whole pixels
    left, kept = np.argsort(-scores, kind="stable"), []
    while len(left):
        kept.append(left[0])
        left = left[1:][~_same_face(whole[left[0]], whole[left[1:]], scan)]
    return corners[kept], scores[kept]


def _same_face(box: np.ndarray, others: np.ndarray, scan: spec.Scan) -> np.ndarray:
    """Which of the others (n, 4) show the face that a box shows; corners are the first and the last pixel."""

    def area(corners: np.ndarray) -> np.ndarray:
        return np.maximum(corners[:, 2:] - corners[:, :2] + 1, 0).prod(1)

    inner = area(np.column_stack([np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])]))
    around = area(np.column_stack([np.minimum(box[:2], others[:, :2]), np.maximum(box[2:], others[:, 2:])]))
    covered = inner / np.minimum(area(others), area(box[None]))
    return (inner / around > scan.most_overlap) | (covered > scan.most_covered)
