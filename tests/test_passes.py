"""One contract over FORMS: what is written is read back, by other programs, as what was meant."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from swapcore import label, video
from swapcore.passes import FORMS, PASSES, Facts, Frame, light, merged
from swapcore.passes.layers import Layer
from swapcore.video import Layout

LAYOUTS = {
    "8 bit": Layout(64, 48, "yuv420p", matrix=1, primaries=1, transfer=1),
    "odd": Layout(33, 21, "yuv420p", matrix=6, primaries=6, transfer=6, sar=Fraction(16, 11)),
    "10 bit": Layout(64, 48, "yuv422p10le", matrix=9, primaries=9, transfer=18),
    "full range": Layout(64, 48, "yuv444p", matrix=5, primaries=2, transfer=2, full_range=True),
    "rgb": Layout(64, 48, "gbrp", matrix=0, primaries=1, transfer=13, full_range=True),
    "grey": Layout(64, 48, "gray", matrix=1, primaries=1, transfer=1),
}
# largest difference from what was meant, of 1: rounding to the form's depth, and for ProRes its loss
NEAR = {"png": 1 / 255, "exr": 2e-3, "prores": 0.04, "ffv1": 1 / 255}


def smooth(layout, seed):
    """A picture of soft colours."""
    y, x = np.mgrid[0 : layout.height, 0 : layout.width].astype(np.float32)
    waves = [0.5 + 0.35 * np.sin(x / 9 + seed + k) * np.cos(y / 7 + k) for k in range(3)]
    return video.from_bgr(np.stack(waves, -1).astype(np.float32), layout)


def layer(seed):
    """A face of one colour, with a soft edge."""
    y, x = np.mgrid[0:16, 0:20].astype(np.float32)
    alpha = np.clip(1.4 - np.hypot((x - 9.5) / 9, (y - 7.5) / 7), 0, 1)
    bgr = np.full((16, 20, 3), (0.2, 0.4, 0.6 + 0.02 * seed), np.float32)
    return Layer(5, 3, bgr, alpha)


def frames(layout, count=3):
    """Of which the first has no face."""
    return [Frame(smooth(layout, k), layer(k) if k else merged([])) for k in range(count)]


def meant(frame, name, size_hw):
    """A pass as float BGR(A) or grey 0..1, as coded, straight."""
    if name == "swapped":
        return video.to_bgr(frame.picture)
    bgra = np.zeros((*size_hw, 4), np.float32)
    part = frame.layer
    h, w = part.alpha.shape
    bgra[part.top : part.top + h, part.left : part.left + w] = np.concatenate([part.bgr, part.alpha[..., None]], 2)
    return bgra if name == "face" else bgra[..., 3]


def planes(frame):
    """PyAV's planes as arrays, in ffmpeg's order."""
    deep = np.dtype("<u2") if max(c.bits for c in frame.format.components) > 8 else np.dtype(np.uint8)
    dtype = np.dtype(np.float16) if "f16" in frame.format.name else deep
    for plane in frame.planes:
        yield np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width]


def shown(form, name, data, facts):
    """A file of a sequence as float BGR(A) or grey, as coded, straight."""
    if form == "png":
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        return image.astype(np.float32) / np.iinfo(image.dtype).max
    with av.open(io.BytesIO(data), format="exr_pipe") as container:
        found = list(planes(next(container.decode(video=0))))
    return found[0] if name == "matte" else np.stack([found[k] for k in (1, 0, 2, 3)[: len(found)]], -1)


def wanted_in(form, name, values, facts):
    """What a reader finds there: EXR holds light, the face multiplied by alpha."""
    if form != "exr" or name == "matte":
        return values
    shown = facts.light.of(values[..., :3])
    return shown if name == "swapped" else np.concatenate([shown * values[..., 3:], values[..., 3:]], -1)


@pytest.fixture(params=LAYOUTS)
def layout(request):
    return LAYOUTS[request.param]


def facts_of(layout):
    found = light.light_of(layout.transfer, rgb=layout.kind == "gbr", name="x")
    return Facts(light=found, rate=Fraction(25), marks=label.marks())


@pytest.mark.parametrize("form", [name for name, form in FORMS.items() if form.files])
def test_a_sequence_is_read_as_it_was_meant_and_says_what_it_is(form, layout):
    facts, size = facts_of(layout), (layout.height, layout.width)
    assert set(FORMS[form].files) == set(PASSES)
    for frame in frames(layout):
        for name, write in FORMS[form].files.items():
            data = write(frame, facts)
            expected = wanted_in(form, name, meant(frame, name, size), facts)
            found = shown(form, name, data, facts)
            assert found.shape == expected.shape
            assert np.abs(found - expected).max() <= NEAR[form]
            assert b"Synthetic" in data and b"compositeWithTrainedAlgorithmicMedia" in data
            assert write(frame, facts) == data  # the same bytes


def movie(form, name, layout, made, folder):
    stream = FORMS[form].streams[name](layout)
    path = folder / f"{name}{FORMS[form].suffix}"
    buffers = (stream.samples(frame) for frame in made)
    tags = {"given": stream.given, "made": stream.made, "options": stream.options}
    count = video.encode_samples(path, buffers, rate=Fraction(25), metadata=label.marks(), **tags)
    assert count == len(made)
    return path


def decoded(path, pix_fmt=None):
    with av.open(str(path)) as container:
        return [frame.reformat(format=pix_fmt) if pix_fmt else frame for frame in container.decode(video=0)]


@pytest.mark.parametrize("form", [name for name, form in FORMS.items() if form.streams])
def test_a_movie_is_read_as_it_was_meant_and_says_what_it_is(form, layout, tmp_path):
    made, size = frames(layout), (layout.height, layout.width)
    assert set(FORMS[form].streams) == set(PASSES)
    for name in PASSES:
        path = movie(form, name, layout, made, tmp_path)
        said = video.read_metadata(path)
        assert "Synthetic" in said["comment"] and "compositeWithTrained" in said["digital_source_type"]
        stream = FORMS[form].streams[name](layout)
        for frame, found in zip(made, decoded(path), strict=True):
            values = meant(frame, name, size)
            arrays = [plane.astype(np.float32) for plane in planes(found)]
            deep = (1 << max(c.bits for c in found.format.components)) - 1
            if name == "matte":
                grey = arrays[0] / deep if form == "ffv1" else (arrays[0] / (deep + 1) * 1024 - 64) / 876
                assert np.abs(grey - values).max() <= NEAR[form]
            elif name == "face" and form == "ffv1":
                image = found.to_ndarray()
                order = {"bgra": (0, 1, 2, 3), "gbrap16le": (2, 1, 0, 3)}[
                    found.format.name
                ]  # PyAV gives RGBA of the latter
                assert np.abs(image[..., order] / deep - values).max() <= NEAR[form]
            elif form == "prores":
                bits = max(c.bits for c in found.format.components)
                full = Layout(*size[::-1], f"yuv444p{bits}le", matrix=stream.made.matrix)
                image = full.bgr(np.stack(arrays[:3], -1))
                inside = values[..., 3] > 0 if name == "face" else np.ones(size, bool)
                assert not inside.any() or np.abs(image - values[..., :3])[inside].mean() <= NEAR[form] / 2
                if name == "face":
                    assert np.abs(arrays[3] / deep - values[..., 3]).max() <= NEAR[form]
        with av.open(str(path)) as container:
            codec = container.streams.video[0].codec_context
            if name == "swapped":
                tags = (int(codec.color_primaries), int(codec.color_trc))
                assert tags == (layout.primaries, layout.transfer)
            sar = container.streams.video[0].sample_aspect_ratio or 1
            assert sar == layout.sar


def test_lossless_is_lossless(layout, tmp_path):
    """Every sample of the swapped pass in FFV1 is the sample that was handed over, so outside of the mask the source's."""
    made = frames(layout)
    path = movie("ffv1", "swapped", layout, made, tmp_path)
    for frame, found in zip(made, decoded(path), strict=True):
        if layout.pix_fmt == "gbrp":
            image = found.to_ndarray(format="bgra")[..., :3]
            assert np.array_equal(image, np.stack([frame.picture.planes[k] for k in (1, 0, 2)], -1))
            continue
        assert found.format.name == layout.pix_fmt
        for plane, given in zip(planes(found), frame.picture.planes, strict=True):
            assert np.array_equal(plane, given)


@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
def test_times_are_the_sources_and_tags_stay(suffix, tmp_path):
    form, layout = {".mov": "prores", ".mkv": "ffv1"}[suffix], replace(LAYOUTS["10 bit"], sar=Fraction(4, 3))
    made = frames(layout, 4)
    path = movie(form, "swapped", layout, made, tmp_path)
    pts = np.array([0, 1001, 3003, 4004])
    out = tmp_path / f"timed{suffix}"
    video.retime(
        out, video=path, pts=pts, time_base=Fraction(1, 30000), last=1001, metadata=label.marks() | {"AIGC": "x"}
    )
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        found = [(p.pts * p.time_base, bytes(p)) for p in container.demux(stream) if p.size]
        step = Fraction(0) if suffix == ".mov" else Fraction(1, 2000)
        assert all(abs(t - int(p) * Fraction(1, 30000)) <= step for (t, _), p in zip(found, pts, strict=True))
        if suffix == ".mov":
            assert stream.time_base == Fraction(1, 30000)
        codec = stream.codec_context
        assert (int(codec.color_primaries), int(codec.color_trc), int(codec.colorspace)) == (9, 18, 9)
        assert stream.sample_aspect_ratio == Fraction(4, 3)
    with av.open(str(path)) as container:
        assert [bytes(p) for p in container.demux(video=0) if p.size] == [data for _, data in found]
    assert video.read_metadata(out)["aigc"] == "x"
    with pytest.raises(
        video.SwapError if hasattr(video, "SwapError") else Exception, match="expected 3 frames, found 4"
    ):
        video.retime(out, video=path, pts=pts[:3], time_base=Fraction(1, 30000), last=1001, metadata={})


def test_forms_are_explained_and_marks_are_json(root):
    assert all(len(form.words) > 30 and bool(form.files) != bool(form.streams) for form in FORMS.values())
    json.dumps({name: form.words for name, form in FORMS.items()})
