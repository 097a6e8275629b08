"""Pictures in the source's own format: what was decoded is what is encoded, and its colours are understood."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from media import INDEX, PATCHES, ff, patches, picture

from swapcore import store, video

FORMATS = [f"yuv{c}p{d}" for c in ("420", "422", "444", "440") for d in ("", "10le", "12le")]
FORMATS += ["yuv411p", "yuv410p", "gray", "gray10le", "gbrp", "gbrp10le", "gbrp16le"]


def clip_of(folder, pix_fmt, *, size="70x50", more=(), codec="ffv1", name="clip.mkv", filters=""):
    path = folder / name
    scale = f"scale={size.replace('x', ':')}{filters}"  # the pattern itself is even in size
    ff(*picture(seconds=0.2), "-vf", scale, *more, "-pix_fmt", pix_fmt, "-c:v", codec, path)
    frames, info = video.index(path, name="x", **INDEX)
    return path, frames, info, video.layout(path, name="x")


def planes_of(frame, pix_fmt):
    """PyAV's own planes, in the planar format of the same samples, without the padding of their lines."""
    frame = frame.reformat(format=pix_fmt)
    wide = 2 if max(c.bits for c in frame.format.components) > 8 else 1
    dtype = np.dtype("<u2" if wide == 2 else np.uint8)
    return [np.frombuffer(bytes(p), dtype).reshape(p.height, p.line_size // wide)[:, : p.width] for p in frame.planes]


@pytest.mark.parametrize("size", ["64x48", "35x33"])
@pytest.mark.parametrize("pix_fmt", FORMATS)
def test_planes_are_those_of_the_decoder(tmp_path, pix_fmt, size):
    path, frames, info, layout = clip_of(tmp_path, pix_fmt, size=size)
    assert layout.pix_fmt == pix_fmt and (layout.width, layout.height) == tuple(map(int, size.split("x")))
    with av.open(str(path)) as container:
        wanted = [planes_of(frame, pix_fmt) for frame in container.decode(video=0)]
    found = list(video.decode_pictures(path, frames, info, layout))
    assert [number for number, _ in found] == list(range(len(wanted))) and len(wanted) == 5
    for (_, one), planes in zip(found, wanted, strict=True):
        for mine, theirs in zip(one.planes, planes, strict=True):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.flags.writeable and np.shares_memory(mine, one.data)


@pytest.mark.parametrize(
    ("given", "codec", "pix_fmt"),
    [
        ("yuv420p", "libx264", "yuv420p"),
        ("yuvj420p", "mjpeg", "yuv420p"),
        ("yuyv422", "rawvideo", "yuv422p"),
        ("rgb24", "png", "gbrp"),
        ("rgba", "png", "gbrp"),
        ("pal8", "png", "gbrp"),
        ("rgb48be", "png", "gbrp16le"),
        ("nv12", "rawvideo", "yuv420p"),
    ],
)
def test_other_formats_become_the_planar_one_of_the_same_samples(tmp_path, given, codec, pix_fmt):
    more = ("-color_range", "pc") if given == "yuvj420p" else ()
    name = "clip.nut" if codec == "rawvideo" else "clip.mkv"
    path, frames, info, layout = clip_of(tmp_path, given, codec=codec, more=more, name=name)
    assert layout.pix_fmt == pix_fmt
    assert layout.full_range == (given == "yuvj420p" or pix_fmt.startswith("gbr"))
    _, found = next(video.decode_pictures(path, frames, info, layout))
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    for mine, theirs in zip(found.planes, planes_of(frame, given if given == "yuvj420p" else pix_fmt), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pix_fmt", FORMATS)
@given(colour=st.tuples(*[st.floats(0, 1)] * 3), matrix=st.sampled_from([1, 5, 6, 7, 9, 4]))
def test_colours_come_back(pix_fmt, full, colour, matrix):
    layout = video.Layout(24, 16, pix_fmt, matrix=matrix, full_range=full)
    if layout.kind == "gray":
        colour = colour[:1] * 3
    image = np.broadcast_to(np.array(colour, np.float32), (16, 24, 3))
    made = video.from_bgr(image, layout)
    assert made.data.dtype == layout.dtype and len(made.data) == layout.samples
    for plane, (low, high) in zip(made.planes, layout.limits, strict=True):
        assert low <= plane.min() <= plane.max() <= high
    assert np.abs(video.to_bgr(made) - image).max() <= 1.8 / (1 << (layout.bits - 8)) / 219 * 1.2


@pytest.mark.parametrize("pix_fmt", ["yuv444p", "yuv420p", "yuv422p10le", "yuv420p12le", "gbrp"])
@pytest.mark.parametrize("span", ["tv", "pc"])
@pytest.mark.parametrize("space", ["bt709", "smpte170m", "bt2020nc"])
def test_colours_are_those_that_ffmpeg_means(tmp_path, space, span, pix_fmt):
    """A still brought to a format by ffmpeg shows its colours again."""
    still, path = tmp_path / "still.png", tmp_path / "clip.mkv"
    store.write_picture(still, patches(140, 48))
    scale = f"scale=out_color_matrix={'bt2020' if space == 'bt2020nc' else space}:out_range={span}:flags=accurate_rnd"
    if pix_fmt == "gbrp":
        scale, space = "null", "gbr"
    ff("-i", still, "-vf", f"{scale},format={pix_fmt},setparams=colorspace={space}:range={span}", "-c:v", "ffv1", path)
    layout = video.layout(path, name="x")
    frames, info = video.index(path, name="x", **INDEX)
    _, found = next(video.decode_pictures(path, frames, info, layout))
    assert np.abs(255 * middles_of(video.to_bgr(found)) - PATCHES).max() <= 3


def middles_of(image):
    return image[image.shape[0] // 2, [(2 * k + 1) * image.shape[1] // 14 for k in range(7)]]


def test_chroma_stays_in_its_place(tmp_path):
    """A red bar on grey, whose edges lie between chroma samples, comes back without a shift to one side."""
    image = np.full((64, 64, 3), 0.5, np.float32)
    image[20:44, 21:43] = (0.2, 0.2, 0.8)
    layout = video.Layout(64, 64, "yuv420p")
    red = video.to_bgr(video.from_bgr(image, layout))[32, :, 2] - video.to_bgr(video.from_bgr(image, layout))[32, :, 1]
    centre = float((red * np.arange(64)).sum() / red.sum())
    assert abs(centre - 31.5) < 0.6, "block means of left-sited chroma: half a pixel at most"


def test_rotated_pictures_are_upright(tmp_path):
    plain, _, _, _ = clip_of(tmp_path, "yuv420p", codec="libx264", name="plain.mp4", more=("-crf", "0"))
    turned = tmp_path / "turned.mp4"
    ff("-display_rotation", "90", "-i", plain, "-c", "copy", turned)
    frames, info = video.index(turned, name="x", **INDEX)
    layout = video.layout(turned, name="x")
    assert (layout.width, layout.height) == (50, 70) == (info.width, info.height)
    upright = [one.planes for _, one in video.decode_pictures(turned, frames, info, layout)]
    lying = [one.planes for _, one in video.decode_pictures(plain, frames, *clip_info(plain))]
    for a, b in zip(upright, lying, strict=True):
        for mine, theirs in zip(a, b, strict=True):
            np.testing.assert_array_equal(mine, np.rot90(theirs))


def clip_info(path):
    return video.index(path, name="x", **INDEX)[1], video.layout(path, name="x")


@pytest.mark.parametrize(("sar", "turned"), [("4/3", Fraction(3, 4)), ("1/1", Fraction(1))])
def test_pixel_aspect_is_known(tmp_path, sar, turned):
    path, *_, layout = clip_of(tmp_path, "yuv420p", codec="libx264", name="a.mp4", filters=f",setsar={sar}")
    assert layout.sar == Fraction(sar)
    lying = tmp_path / "b.mp4"
    ff("-display_rotation", "90", "-i", path, "-c", "copy", lying)
    assert video.layout(lying, name="x").sar == turned


def test_mastering_metadata_is_read(tmp_path):
    layout = clip_of(tmp_path, "yuv420p10le", codec="libx265", name="a.mp4", more=HDR10, filters=PQ)[-1]
    assert layout.master_display == DISPLAY and layout.max_cll == "1000,400"
    assert (layout.matrix, layout.primaries, layout.transfer, layout.full_range) == (9, 9, 16, False)


DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
HDR10 = ("-x265-params", f"log-level=error:hdr10=1:repeat-headers=1:master-display={DISPLAY}:max-cll=1000,400")
PQ = ",setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv"


@given(
    left=st.integers(0, 30),
    top=st.integers(0, 20),
    width=st.integers(1, 17),
    height=st.integers(1, 13),
    pix_fmt=st.sampled_from(FORMATS),
)
def test_block_means_are_those_of_the_whole_frame(left, top, width, height, pix_fmt):
    layout = video.Layout(47, 33, pix_fmt)
    values = np.random.default_rng(0).uniform(0.1, 1, (height, width)).astype(np.float32)
    frame = np.zeros((33, 47), np.float32)
    frame[top : top + height, left : left + width] = values
    for k, shape in enumerate(layout.shapes):
        x, y, means = video.block_means(values, left, top, layout, k)
        assert y + means.shape[0] <= shape[0] and x + means.shape[1] <= shape[1]
        whole = np.zeros(shape, np.float32)
        whole[y : y + means.shape[0], x : x + means.shape[1]] = means
        np.testing.assert_allclose(whole, video.block_means(frame, 0, 0, layout, k)[2], atol=1e-6)
