"""FORMS: in which files the passes are handed to a compositor, and how each pass becomes one.

A pass of a sequence is one file a frame, of a movie one file. The picture passes keep the source's size, pixel aspect,
colours and, as far as the form can, its depth. Nothing here touches the disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from swapcore import video
from swapcore.passes.exr import exr
from swapcore.passes.layers import Layer, linear, matte, spread, straight
from swapcore.passes.light import Light, chromaticities
from swapcore.passes.png import png
from swapcore.video import Layout, Picture

PASSES = {
    "swapped": "the whole frame with the swapped faces, and the visible note where the settings ask for one",
    "face": "the swapped faces alone, with alpha",
    "matte": "where the swapped faces show, as grey",
}
NEUTRAL = 2  # H.273's "not stated", of what is no colour


class Frame(NamedTuple):
    """What the passes of one frame are made of."""

    picture: Picture  # swapped, with the note
    layer: Layer


class Facts(NamedTuple):
    """What the files of a sequence say of themselves."""

    light: Light | None  # of forms whose values are light
    rate: Fraction
    marks: Mapping[str, str]  # label.marks()


class Stream(NamedTuple):
    """A pass as a movie: what ffmpeg is given, and what it writes."""

    samples: Callable[[Frame], np.ndarray]  # contiguous, in the pixel format of `given`
    given: Layout
    made: Layout
    options: dict[str, Any]  # of ffmpeg's encoder


class Form(NamedTuple):
    """A kind of files."""

    suffix: str
    words: str  # depth, light and alpha, for passes.json and the guide
    files: Mapping[str, Callable[[Frame, Facts], bytes]] | None = None  # by pass: a sequence
    streams: Mapping[str, Callable[[Layout], Stream]] | None = None  # by pass: a movie
    light: bool = False  # whether values are light and not as coded


def _size(layout: Layout) -> tuple[int, int]:
    return layout.height, layout.width


def _deep(layout: Layout) -> type:
    return np.uint8 if layout.bits == 8 else np.uint16


# PNG


def _png_text(facts: Facts) -> dict[str, str]:
    """The keys that PNG names for it, and our own as they are."""
    return {{"comment": "Comment", "software": "Software"}.get(k, k): v for k, v in facts.marks.items()}


def _png_colour(layout: Layout) -> tuple[int, int] | None:
    return None if NEUTRAL in (layout.primaries, layout.transfer) else (layout.primaries, layout.transfer)


def png_swapped(frame: Frame, facts: Facts) -> bytes:
    """BGR of the whole frame, 8 bit, or 16 where the source is deeper, as coded."""
    layout, dtype = frame.picture.layout, _deep(frame.picture.layout)
    image = np.rint(video.to_bgr(frame.picture) * np.iinfo(dtype).max).astype(dtype)
    return png(image, _png_text(facts), colour=_png_colour(layout), sar=layout.sar)


def png_face(frame: Frame, facts: Facts) -> bytes:
    """BGRA, straight, of the same depth, as coded."""
    layout = frame.picture.layout
    image = straight(frame.layer, _size(layout), _deep(layout))
    return png(image, _png_text(facts), colour=_png_colour(layout), sar=layout.sar)


def png_matte(frame: Frame, facts: Facts) -> bytes:
    """Grey, always 16 bit: the soft edge is finer than the source's samples."""
    layout = frame.picture.layout
    return png(matte(frame.layer, _size(layout)), _png_text(facts), sar=layout.sar)


# EXR


def _exr(channels: dict[str, np.ndarray], layout: Layout, facts: Facts, **more: Any) -> bytes:
    names = {"comment": "comments"}
    said = {names.get(k, k): v for k, v in facts.marks.items()}
    return exr(channels, said | {"framesPerSecond": facts.rate} | more, sar=layout.sar)


def _colours(layout: Layout, facts: Facts) -> dict[str, Any]:
    white = {"whiteLuminance": facts.light.white} if facts.light.white else {}
    return {"chromaticities": chromaticities(layout.primaries), "lightFrom": facts.light.words, **white}


def exr_swapped(frame: Frame, facts: Facts) -> bytes:
    """R, G, B as scene-linear light."""
    light = facts.light.of(video.to_bgr(frame.picture))
    layout = frame.picture.layout
    return _exr(dict(zip("BGR", np.moveaxis(light, -1, 0), strict=True)), layout, facts, **_colours(layout, facts))


def exr_face(frame: Frame, facts: Facts) -> bytes:
    """R, G, B as scene-linear light, multiplied by A."""
    layout = frame.picture.layout
    pixels = linear(frame.layer, facts.light, _size(layout))
    return _exr(dict(zip("BGRA", np.moveaxis(pixels, -1, 0), strict=True)), layout, facts, **_colours(layout, facts))


def exr_matte(frame: Frame, facts: Facts) -> bytes:
    """One channel, Y, 0..1."""
    layer, layout = frame.layer, frame.picture.layout
    return _exr({"Y": spread(layer.alpha, layer.left, layer.top, _size(layout))}, layout, facts)


# movies

FFV1 = {"vcodec": "ffv1", "level": 3, "coder": 1, "context": 1, "slices": 4, "slicecrc": 1, "g": 1}


def _prores(layout: Layout) -> dict[str, Any]:
    """ProRes 4444: of ffmpeg's two encoders the one that takes a quarter of the other's time, but no odd sides."""
    whole = layout.width % 2 == 0 and layout.height % 2 == 0
    return {"vcodec": "prores_aw" if whole else "prores_ks", "profile:v": 4, "vendor": "apl0"}


def _samples(frame: Frame) -> np.ndarray:
    return frame.picture.data


def _plain(layout: Layout) -> Layout:
    """RGB with alpha, full range."""
    return replace(layout, pix_fmt="bgra" if layout.bits == 8 else "gbrap16le", matrix=0, full_range=True)


def _straight(frame: Frame) -> np.ndarray:
    layout = frame.picture.layout
    image = straight(frame.layer, _size(layout), _deep(layout))
    return image if layout.bits == 8 else np.ascontiguousarray(np.moveaxis(image[..., [1, 0, 2, 3]], -1, 0))


def _grey(layout: Layout) -> Layout:
    return replace(layout, pix_fmt="gray16le", matrix=NEUTRAL, primaries=NEUTRAL, transfer=NEUTRAL, full_range=True)


def _matte(frame: Frame) -> np.ndarray:
    return matte(frame.layer, _size(frame.picture.layout))


def _video(layout: Layout, pix_fmt: str) -> Layout:
    """What ProRes holds: 10 bit YCbCr in limited range; RGB becomes BT.709's."""
    return replace(layout, pix_fmt=pix_fmt, matrix=layout.matrix or 1, full_range=False)


def prores_swapped(layout: Layout) -> Stream:
    """4:4:4, 10 bit."""
    return Stream(_samples, layout, _video(layout, "yuv444p10le"), _prores(layout))


def prores_face(layout: Layout) -> Stream:
    """4:4:4:4, straight."""
    return Stream(_straight, _plain(layout), _video(layout, "yuva444p10le"), _prores(layout))


def prores_matte(layout: Layout) -> Stream:
    """Luma: 64 is nothing, 940 is all."""
    return Stream(
        _matte,
        _grey(layout),
        replace(_grey(layout), pix_fmt="yuv444p10le", matrix=1, full_range=False),
        _prores(layout),
    )


def ffv1_swapped(layout: Layout) -> Stream:
    """The source's own pixel format: outside of the faces and the note every sample is the source's."""
    if layout.pix_fmt != "gbrp":
        return Stream(_samples, layout, layout, FFV1)
    packed = replace(layout, pix_fmt="bgr0")  # FFV1 has no planar RGB of 8 bit
    return Stream(_packed, packed, packed, FFV1)


def _packed(frame: Frame) -> np.ndarray:
    green, blue, red = frame.picture.planes
    return np.stack([blue, green, red, np.zeros_like(blue)], axis=-1)


def ffv1_face(layout: Layout) -> Stream:
    """RGB with straight alpha, 8 bit, or 16 where the source is deeper."""
    return Stream(_straight, _plain(layout), _plain(layout), FFV1)


def ffv1_matte(layout: Layout) -> Stream:
    """Grey, 16 bit."""
    return Stream(_matte, _grey(layout), _grey(layout), FFV1)


FORMS: dict[str, Form] = {
    "png": Form(
        ".png",
        "values as the source's are coded, full range; 8 bit, 16 where the source is deeper, the matte always 16; "
        "face: straight alpha",
        files={"swapped": png_swapped, "face": png_face, "matte": png_matte},
    ),
    "exr": Form(
        ".exr",
        "scene-linear light in the source's primaries, half floats, ZIP; face: multiplied by its alpha; matte: channel Y",
        files={"swapped": exr_swapped, "face": exr_face, "matte": exr_matte},
        light=True,
    ),
    "prores": Form(
        ".mov",
        "ProRes 4444, YCbCr of 10 bit in limited range, the source's colours; face: straight alpha; "
        "matte: luma from 64 to 940",
        streams={"swapped": prores_swapped, "face": prores_face, "matte": prores_matte},
    ),
    "ffv1": Form(
        ".mkv",
        "lossless; swapped: the source's own pixel format; face: RGB, full range, straight alpha, 8 bit, 16 where the "
        "source is deeper; matte: grey of 16 bit",
        streams={"swapped": ffv1_swapped, "face": ffv1_face, "matte": ffv1_matte},
    ),
}
