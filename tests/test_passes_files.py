"""Files of passes: what OpenEXR and PNG say is read back by other programs; light against the standards' own numbers."""

from __future__ import annotations

import io
import struct
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swapcore.errors import SwapError
from swapcore.passes import light
from swapcore.passes.exr import exr
from swapcore.passes.layers import Layer, linear, matte, merged, straight
from swapcore.passes.png import png


class Laid:
    """A face laid over a frame."""

    def __init__(self, left, top, alpha, bgr):
        self.left, self.top = left, top
        self.alpha = np.asarray(alpha, np.float32)
        self.bgr = np.asarray(bgr, np.float32)


def read_exr(data):
    """The channels of an EXR by name, (h, w) float16, as ffmpeg decodes it."""
    with av.open(io.BytesIO(data), format="exr_pipe") as container:
        frame = next(container.decode(video=0))
    names = {"grayf16le": "Y", "gbrpf16le": "GBR", "gbrapf16le": "GBRA"}[frame.format.name]
    found = {}
    for name, plane in zip(names, frame.planes, strict=True):
        lines = np.frombuffer(plane, np.float16).reshape(frame.height, -1)
        found[name] = lines[:, : frame.width]
    return found


# light


@pytest.mark.parametrize("transfer", light.LIGHTS)
def test_light_grows_with_the_value_from_nothing(transfer):
    found = light.LIGHTS[transfer].of(np.linspace(0, 1, 1001, dtype=np.float32))
    assert found.dtype == np.float32 and abs(found[0]) < 1e-6 and (np.diff(found) > 0).all()
    white = light.LIGHTS[transfer].white
    most = 52.37 / 48 if transfer == 17 else 10_000 / white if white else 1
    assert found[-1] == pytest.approx(most, rel=2e-3)


@pytest.mark.parametrize(
    ("transfer", "code", "expected"),
    [
        (1, 0.5, 0.2597),  # BT.709: ((0.5 + 0.0993) / 1.0993) ** (1 / 0.45)
        (1, 0.045, 0.01),
        (13, 0.5, 0.21404),  # IEC 61966-2-1
        (16, 0.5081, 1.0),  # ST 2084: 100 cd/m2 is 50.8 % (ITU-R BT.2408)
        (16, 0.5807, 2.03),  # 203 cd/m2, HDR's white sheet, is 58 %
        (18, 0.75, 0.265),  # BT.2100: the white sheet
        (18, 0.5, 1 / 12),
        (4, 0.5, 0.2176),
    ],
)
def test_light_is_that_of_the_standards(transfer, code, expected):
    assert float(light.LIGHTS[transfer].of(np.float32(code))) == pytest.approx(expected, rel=4e-3)


def test_what_is_not_stated_and_what_is_not_known():
    assert light.light_of(2, rgb=False, name="x") is light.BT709
    assert light.light_of(2, rgb=True, name="x") is light.SRGB
    assert light.chromaticities(2) == light.PRIMARIES[1]
    with pytest.raises(SwapError, match=r"clip x: its transfer characteristics are number 9 .* ask for png"):
        light.light_of(9, rgb=False, name="x")


# files


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from(["Y", "RGB", "RGBA"]), st.integers(0, 99))
def test_an_exr_is_read_by_ffmpeg_to_the_bit(width, height, names, seed):
    random = np.random.default_rng(seed)
    channels = {n: random.normal(0.5, 2, (height, width)).astype(np.float32) for n in names}
    if seed % 3 == 0:  # what compresses well goes another way
        channels = {n: np.zeros((height, width), np.float32) for n in names}
    found = read_exr(exr(channels, {"comments": "x"}))
    assert set(found) == set(names)
    assert all(np.array_equal(found[n], channels[n].astype(np.float16)) for n in names)


def test_an_exr_says_what_it_is():
    data = exr(
        {"Y": np.zeros((3, 4))},
        {
            "comments": "Synthetic",
            "whiteLuminance": 100.0,
            "framesPerSecond": Fraction(30000, 1001),
            "chromaticities": light.PRIMARIES[9],
        },
        sar=Fraction(4, 3),
    )
    assert b"comments\0string\0\x09\0\0\0Synthetic" in data
    assert b"whiteLuminance\0float\0\x04\0\0\0" + struct.pack("<f", 100) in data
    assert b"framesPerSecond\0rational\0\x08\0\0\0" + struct.pack("<iI", 30000, 1001) in data
    assert b"chromaticities\0chromaticities\0\x20\0\0\0" + struct.pack("<f", 0.708) in data
    assert b"pixelAspectRatio\0float\0\x04\0\0\0" + struct.pack("<f", 4 / 3) in data
    with pytest.raises(ValueError, match="1 to 31 bytes"):
        exr({"Y": np.zeros((3, 4))}, {"a" * 32: "x"})


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_a_png_keeps_every_bit_and_says_what_it_is(dtype, shape):
    from PIL import Image

    image = np.random.default_rng(1).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)
    data = png(image, {"Comment": "Synthetic é"}, colour=(9, 16), sar=Fraction(4, 3))
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert found.dtype == dtype and np.array_equal(found, image)
    assert Image.open(io.BytesIO(data)).text["Comment"] == "Synthetic é"
    with av.open(io.BytesIO(data), format="png_pipe") as container:
        frame = next(container.decode(video=0))
    assert (int(frame.color_primaries), int(frame.color_trc)) == (9, 16)
    assert b"pHYs" + struct.pack(">IIB", 3, 4, 0) in data


# layers


def random_face(random, size=(40, 50)):
    h, w = random.integers(3, 25, 2)
    top, left = random.integers(0, size[0] - h), random.integers(0, size[1] - w)
    return Laid(int(left), int(top), random.random((h, w)), random.random((h, w, 3)))


@given(st.integers(0, 999), st.integers(1, 4))
def test_one_layer_gives_what_the_faces_give_one_after_the_other(seed, count):
    random = np.random.default_rng(seed)
    faces = [random_face(random) for _ in range(count)]
    frame = random.random((40, 50, 3)).astype(np.float32)
    expected = frame.copy()
    for f in faces:
        h, w = f.alpha.shape
        part = expected[f.top : f.top + h, f.left : f.left + w]
        part[:] = f.bgr * f.alpha[..., None] + part * (1 - f.alpha[..., None])
    layer = merged(faces)
    bgra = straight(layer, (40, 50), np.uint16).astype(np.float64) / 65535
    cover = matte(layer, (40, 50)).astype(np.float64)[..., None] / 65535
    assert np.array_equal(cover, bgra[..., 3:])
    assert np.abs(bgra[..., :3] * cover + frame * (1 - cover) - expected).max() < 1e-4
    light_bgra = linear(layer, light.LIGHTS[8], (40, 50))
    assert np.abs(light_bgra[..., :3] + frame * (1 - light_bgra[..., 3:]) - expected).max() < 1e-4


def test_a_layers_colour_goes_on_where_it_is_transparent():
    alpha = np.zeros((4, 4))
    alpha[1:3, 1:3] = 1
    layer = merged([Laid(2, 1, alpha, np.full((4, 4, 3), 0.5)), Laid(0, 0, alpha * 0, np.full((4, 4, 3), 0.25))])
    assert (layer.left, layer.top) == (0, 0) and layer.alpha.shape == (5, 6)
    assert layer.bgr[1, 2, 0] == np.float32(0.25) and layer.bgr[2, 3, 0] == np.float32(0.5)
    assert layer.bgr[4, 5, 0] == np.float32(0.5)  # not black


def test_no_face_is_an_empty_layer():
    layer = merged([])
    assert isinstance(layer, Layer) and layer.alpha.shape == (0, 0)
    assert not straight(layer, (3, 4), np.uint8).any() and matte(layer, (3, 4)).shape == (3, 4)
    assert not linear(layer, light.BT709, (3, 4)).any()
