"""Networks as dlib saves them: where the files are, and their bytes as a list of layers.

The files come with the package face_recognition_models (weights by Davis King, CC0). dlib writes a network as the versions
of its nested layers, then every layer from the input side on: its details, three flags, three working tensors.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from swapcore.errors import SwapError

FILES = {
    "identity": "dlib_face_recognition_resnet_model_v1.dat",  # CC0
    "detector": "mmod_human_face_detector.dat",  # CC0
    "landmarks": "shape_predictor_68_face_landmarks.dat",  # trained on iBUG 300-W, which excludes commercial use
}
REMEDY = "install the package face_recognition_models again"
MOST_VALUES = 1 << 26  # of one tensor; the largest here has 600,000


def model_path(name: str) -> Path:
    """Path of one of FILES. Raises SwapError where the package or its file is missing.

    The package is found but not imported: its import needs pkg_resources, which setuptools no longer brings.
    """
    package = importlib.util.find_spec("face_recognition_models")
    folder = Path(package.origin).parent / "models" if package and package.origin else Path("face_recognition_models")
    path = folder / FILES[name]
    if not path.is_file():
        raise SwapError(f"expected dlib's {name} model at {path}, found none; {REMEDY}")
    return path


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: what dlib calls it, its parameters and its numbers.

    kind        numbers                                   weights, bias
    input       mean_rgb (3,)                             -
    con         stride, padding (2,): along y, x          (out, in, y, x), (out,)
    affine      -                                         (channels,), (channels,): gamma, beta
    relu, add   -                                         -
    max_pool    size, stride, padding (2,)                -
    avg_pool    the same; size 0: the whole picture       -
    fc          -                                         (in, out), none
    """

    kind: str
    weights: np.ndarray | None = None
    bias: np.ndarray | None = None
    numbers: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scan:
    """How the detector looks at a picture, and which of its boxes it keeps: dlib's loss_mmod and its input layer."""

    windows_wh: tuple[tuple[int, int], ...]  # size of the boxes of each channel of the output, pixels
    most_overlap: float  # of two faces: intersection over the smallest box around both
    most_covered: float  # of two faces: share of one that the other covers
    padding: int = 10  # pixels between the levels of the pyramid; this file is older than the field, so dlib's defaults
    outer_padding: int = 11  # and around all of them


def identity(data: bytes) -> list[Layer]:
    """The layers of dlib's face recognition network, from the input on. `data` are the bytes of its .dat file.

    Raises SwapError where the bytes are cut off, go on after the last layer, or hold anything that was not expected.
    """
    return _read("identity", _identity, data)


def detector(data: bytes) -> tuple[Scan, list[Layer]]:
    """How dlib's CNN face detector looks at pictures, and its layers from the input on; as `identity` does."""
    return _read("detector", _detector, data)


def _read(network: str, parts: Callable[[_Reader], Any], data: bytes) -> Any:
    try:
        return parts(_Reader(data))
    except _Unexpected as error:
        raise SwapError(f"{network} network: expected a network saved by dlib, got {error}; {REMEDY}") from None


class _Unexpected(Exception):
    """What the bytes hold instead."""


class _Reader:
    """Reads dlib's serialized values one after the other."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise _Unexpected(f"a file cut off at byte {len(self.data)}")
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self) -> int:
        """A control byte (low four bits: how many bytes follow; high bit: the sign), then the bytes, lowest first."""
        control = self.take(1)[0]
        if not 1 <= control & 0x0F <= 8 or control & 0x70:
            raise _Unexpected(f"the byte {control:#x} at {self.at - 1} where a number begins")
        value = int.from_bytes(self.take(control & 0x0F), "little")
        return -value if control & 0x80 else value

    def integers(self, count: int) -> tuple[int, ...]:
        return tuple(self.integer() for _ in range(count))

    def real(self) -> float:
        """A mantissa and a binary exponent."""
        mantissa, exponent = self.integer(), self.integer()
        if abs(exponent) > 1000:
            raise _Unexpected(f"a number that is not finite before byte {self.at}")
        return mantissa * 2.0**exponent

    def text(self) -> str:
        size = self.integer()
        if not 0 < size <= 64:
            raise _Unexpected(f"a name of {size} letters at byte {self.at}")
        return self.take(size).decode("latin-1")

    def shape(self) -> tuple[int, ...]:
        """Four sizes: samples, channels, rows, columns."""
        sizes = self.integers(4)
        if min(sizes) < 0 or np.prod(sizes, dtype=float) > MOST_VALUES:
            raise _Unexpected(f"a tensor of {sizes} at byte {self.at}")
        return sizes

    def tensor(self) -> np.ndarray:
        self.expect(self.integer(), 2, "a tensor's version")
        shape = self.shape()
        values = np.frombuffer(self.take(4 * int(np.prod(shape))), "<f4").reshape(shape)
        if not np.isfinite(values).all():
            raise _Unexpected(f"a tensor with values that are not finite before byte {self.at}")
        return values

    def part(self) -> tuple[int, ...]:
        """The shape of a part of a layer's parameters."""
        self.expect(self.integer(), 1, "a part's version")
        return self.shape()

    def expect(self, got: object, wanted: object, what: str) -> None:
        if got != wanted:
            raise _Unexpected(f"{got!r} for {what} ({wanted!r}) before byte {self.at}")


def _identity(reader: _Reader) -> list[Layer]:
    _head(reader, "loss_metric_2")
    reader.real(), reader.real()  # margin and distance threshold of the training
    mean = _input(reader, "input_rgb_image_sized")
    reader.expect(reader.integers(2), (150, 150), "the size of the picture")
    return [mean, *_layers(reader)]


def _detector(reader: _Reader) -> tuple[Scan, list[Layer]]:
    _head(reader, "loss_mmod_")
    reader.expect(reader.integer(), 1, "the version of the options")
    window = reader.integers(2)
    [reader.real() for _ in range(3)]  # costs of the training, and what it took for a hit
    most_overlap, most_covered = reader.real(), reader.real()
    reader.real(), reader.real()  # the same of faces that the training ignored
    if not (min(window) > 0 and 0 < most_overlap <= 1 and 0 < most_covered <= 1):
        raise _Unexpected(f"the window {window}, overlaps {most_overlap} and {most_covered}")
    return Scan((window,), most_overlap, most_covered), [_input(reader, "input_rgb_image_pyramid"), *_layers(reader)]


def _head(reader: _Reader, loss: str) -> None:
    reader.expect(reader.integer(), 1, "the loss's version")
    reader.expect(reader.text(), loss, "the loss")


def _input(reader: _Reader, kind: str) -> Layer:
    while (version := reader.integer()) in (1, 2):  # of the nested layers
        pass
    reader.expect(version, 3, "the first layer's version")
    reader.expect(reader.text(), kind, "the input")
    return Layer("input", numbers={"mean_rgb": tuple(reader.real() for _ in range(3))})


def _layers(reader: _Reader) -> list[Layer]:
    found = []
    while reader.at < len(reader.data):
        kind = reader.text()
        if kind not in _DETAILS:
            raise _Unexpected(f"a layer {kind!r} before byte {reader.at}")
        found.append(_DETAILS[kind](reader))
        if any(flag not in b"01" for flag in reader.take(3)):
            raise _Unexpected(f"no flags before byte {reader.at}")
        for _ in range(3):
            reader.expect(reader.tensor().size, 0, "a working tensor's size")
        if len(found) == 1:
            reader.expect(reader.integer(), 1, "pictures for each input")  # stands after the first layer alone
    return found


def _convolution(reader: _Reader) -> Layer:
    values = reader.tensor().ravel()
    filters, rows, columns, *rest = reader.integers(7)
    weights, bias = reader.part(), reader.part()
    [reader.real() for _ in range(4)]  # multipliers of the training
    reader.expect(weights, (filters, weights[1], rows, columns), "the shape of the weights")
    reader.expect(bias, (1, filters, 1, 1), "the shape of the biases")
    reader.expect(values.size, int(np.prod(weights)) + filters, "the count of the parameters")
    numbers = {"stride": tuple(rest[:2]), "padding": tuple(rest[2:])}
    return Layer("con", values[:-filters].reshape(weights), values[-filters:], numbers)


def _affine(reader: _Reader) -> Layer:
    values = reader.tensor().ravel()
    gamma, beta = reader.part(), reader.part()
    reader.expect(reader.integer(), 0, "the affine layer's mode")  # one factor for each channel
    channels = gamma[1]
    reader.expect((gamma, beta), ((1, channels, 1, 1),) * 2, "the affine layer's shapes")
    reader.expect(values.size, 2 * channels, "the count of the parameters")
    return Layer("affine", values[:channels], values[channels:])


def _normalization(reader: _Reader) -> Layer:
    """Batch normalization with the statistics of the training, which is one more affine layer."""
    values = reader.tensor().ravel()
    gamma, beta = reader.part(), reader.part()
    channels = gamma[1]
    reader.expect((gamma, beta), ((1, channels, 1, 1),) * 2, "the normalization's shapes")
    reader.expect(values.size, 2 * channels, "the count of the parameters")
    last_mean, last_deviation, mean, variance = (reader.tensor() for _ in range(4))
    for part in (last_mean, last_deviation, mean, variance):
        reader.expect(part.shape, (1, channels, 1, 1), "the shape of the statistics")
    reader.integers(2), [reader.real() for _ in range(4)]  # how many updates; multipliers of the training
    epsilon = reader.real()
    if epsilon <= 0 or variance.min() < 0:
        raise _Unexpected(f"variances from {variance.min()} with {epsilon} added")
    factor = values[:channels] / np.sqrt(variance.ravel().astype(np.float64) + epsilon)
    shift = values[channels:] - factor * mean.ravel()
    return Layer("affine", factor.astype(np.float32), shift.astype(np.float32))


def _pool(kind: str):
    def read(reader: _Reader) -> Layer:
        sizes = reader.integers(6)
        return Layer(kind, numbers={"size": sizes[:2], "stride": sizes[2:4], "padding": sizes[4:]})

    return read


def _full(reader: _Reader) -> Layer:
    outputs, inputs = reader.integers(2)
    values = reader.tensor()
    weights, bias = reader.part(), reader.part()
    mode = reader.integer()
    [reader.real() for _ in range(4)]
    reader.expect((weights, bias, mode), ((inputs, outputs, 1, 1), (0, 0, 0, 0), 1), "the last layer's shapes and mode")
    reader.expect(values.size, inputs * outputs, "the count of the parameters")
    return Layer("fc", values.reshape(inputs, outputs))


_DETAILS = {
    "con_4": _convolution,
    "affine_": _affine,
    "bn_con2": _normalization,
    "relu_": lambda reader: Layer("relu"),
    "add_prev_": lambda reader: Layer("add"),
    "max_pool_2": _pool("max_pool"),
    "avg_pool_2": _pool("avg_pool"),
    "fc_2": _full,
}
