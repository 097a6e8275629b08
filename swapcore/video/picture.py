"""A frame as it was decoded: planes in the source's own pixel format, and what their numbers mean.

A trip through 8-bit BGR and back changes three quarters of a video's samples. So frames are handed from the decoder to the
encoder as they are, and only where a face or the note is laid in are samples computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from swapcore import progress
from swapcore.errors import SwapError
from swapcore.video import sequence
from swapcore.video.tools import is_rgb, opened, picture_stream, stream_colour

# Luma coefficients of red and blue by H.273's matrix number. 10, the constant luminance of BT.2020, is treated as 9.
LUMA = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
RGB = 0  # the matrix of pictures that are RGB
SHIFTS = {"444": (0, 0), "422": (1, 0), "420": (1, 1), "440": (0, 1), "411": (2, 0), "410": (2, 2)}
DEPTHS = (8, 9, 10, 12, 14, 16)  # bits a sample of ffmpeg's planar formats


@dataclass(frozen=True)
class Layout:
    """What the planes of a clip's pictures are. Sizes are upright: after the container's rotation was applied."""

    width: int
    height: int
    pix_fmt: str  # ffmpeg's name of a planar format: yuv420p, yuv422p10le, gbrp, gray ...
    matrix: int = 1  # code points of ISO/IEC 23091-2 (H.273): YCbCr to RGB, 0 for RGB itself
    primaries: int = 2  # 2: not stated
    transfer: int = 2
    full_range: bool = False
    sar: Fraction = Fraction(1)  # width of a pixel over its height
    master_display: str = ""  # HDR10's mastering display, as x265 takes it
    max_cll: str = ""  # HDR10's content light level, the same

    @cached_property
    def kind(self) -> str:
        """Which planes there are: `yuv` (Y, Cb, Cr), `gbr` (G, B, R) or `gray` (Y)."""
        return next(kind for kind in ("yuv", "gbr", "gray") if self.pix_fmt.startswith(kind))

    @cached_property
    def bits(self) -> int:
        """Of a sample."""
        depth = self.pix_fmt.removeprefix("gray").removeprefix("gbrp")
        if self.kind == "yuv":
            depth = depth[len("yuv420p") :]
        return int(depth.removesuffix("le") or 8)

    @cached_property
    def shift(self) -> tuple[int, int]:
        """How many times the chroma planes are halved, horizontally and vertically."""
        return SHIFTS[self.pix_fmt[3:6]] if self.kind == "yuv" else (0, 0)

    @cached_property
    def dtype(self) -> np.dtype:
        """Of a plane."""
        return np.dtype(np.uint8 if self.bits == 8 else "<u2")

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(height, width) of each plane."""
        right, down = self.shift
        chroma = (-(-self.height >> down), -(-self.width >> right))
        full = (self.height, self.width)
        return {"yuv": (full, chroma, chroma), "gbr": (full,) * 3, "gray": (full,)}[self.kind]

    @cached_property
    def samples(self) -> int:
        """In all planes together."""
        return sum(h * w for h, w in self.shapes)

    @cached_property
    def from_bgr(self) -> np.ndarray:
        """Matrix (planes, 4) float64: sample values of each plane, before rounding, from BGR 0..1 and 1.

        Recommendations ITU-R BT.601, BT.709, BT.2020 (8 bit scaled by 2^(bits - 8)); full range as in H.273.
        """
        most = (1 << self.bits) - 1
        unit = 1 << (self.bits - 8)
        if self.kind == "gbr":
            return most * np.array([[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]], np.float64)
        red, blue = LUMA.get(self.matrix, LUMA[9] if self.matrix in (10, 14) else LUMA[1])
        luma = np.array([blue, 1 - red - blue, red])
        low, span, chroma = (0, most, most) if self.full_range else (16 * unit, 219 * unit, 224 * unit)
        rows = [[*(luma * span), low]]
        if self.kind == "yuv":
            for one, most_of in (([1, 0, 0], blue), ([0, 0, 1], red)):
                rows.append([*((np.array(one) - luma) / (2 * (1 - most_of)) * chroma), 128 * unit])
        return np.array(rows, np.float64)

    @cached_property
    def limits(self) -> tuple[tuple[int, int], ...]:
        """Least and greatest value of each plane that stands for a colour."""
        most, unit = (1 << self.bits) - 1, 1 << (self.bits - 8)
        if self.kind == "gbr" or self.full_range:
            return ((0, most),) * len(self.shapes)
        return ((16 * unit, 235 * unit), (16 * unit, 240 * unit), (16 * unit, 240 * unit))[: len(self.shapes)]

    def bgr(self, values: np.ndarray) -> np.ndarray:
        """Colours float32 (h, w, 3) BGR 0..1, as coded (gamma values), from values of all planes (h, w, planes) of one size."""
        values = np.asarray(values, np.float32)
        if self.kind == "gray":
            gain, offset = self.from_bgr[0, :3].sum(), self.from_bgr[0, 3]
            grey = (values.reshape(values.shape[:2]) - offset) / gain
            return np.clip(np.repeat(grey[..., None], 3, axis=2), 0, 1).astype(np.float32)
        if self.kind == "gbr":
            return np.clip(values[..., [1, 0, 2]] / np.float32((1 << self.bits) - 1), 0, 1)
        return np.clip(cv2.transform(values, self._to_bgr), 0, 1)

    @cached_property
    def _to_bgr(self) -> np.ndarray:
        """The reverse of `from_bgr` of three planes, (3, 4) float64."""
        back = np.linalg.inv(self.from_bgr[:, :3])
        return np.column_stack([back, -back @ self.from_bgr[:, 3]])

    def values(self, image_bgr: np.ndarray) -> np.ndarray:
        """Values of all planes (h, w, planes) float32, not rounded, from colours float32 (h, w, 3) BGR 0..1 as coded."""
        made = cv2.transform(np.asarray(image_bgr, np.float32), self.from_bgr)
        return made.reshape(*image_bgr.shape[:2], len(self.shapes))

    def to_plane(self, plane: int) -> np.ndarray:
        """Affine map (2, 3) float64 from a plane's pixels to the frame's; (0, 0) is the centre of the first pixel of each.

        Chroma lies on the left one of the columns it stands for and between the rows, as in MPEG-2 and H.264 (type 0).
        """
        right, down = self.shift if plane and self.kind == "yuv" else (0, 0)
        return np.array([[1 << right, 0, 0], [0, 1 << down, ((1 << down) - 1) / 2]], np.float64)


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame: its planes, views of one buffer in the order that ffmpeg writes them."""

    layout: Layout
    data: np.ndarray  # (layout.samples,) uint8 or uint16

    @cached_property
    def planes(self) -> tuple[np.ndarray, ...]:
        """(h, w) each, writable views."""
        ends = np.cumsum([h * w for h, w in self.layout.shapes])[:-1]
        parts = np.split(self.data, ends)
        return tuple(part.reshape(shape) for part, shape in zip(parts, self.layout.shapes, strict=True))

    def copy(self) -> Picture:
        """One that can be changed without this one."""
        return Picture(self.layout, self.data.copy())


def blank(layout: Layout) -> Picture:
    """A picture whose samples are still to be written."""
    return Picture(layout, np.empty(layout.samples, layout.dtype))


def to_bgr(picture: Picture) -> np.ndarray:
    """Colours float32 (h, w, 3) BGR 0..1, gamma values as coded; chroma is interpolated linearly."""
    layout = picture.layout
    size = (layout.width, layout.height)
    planes = []
    for k, plane in enumerate(picture.planes):
        plane = plane.astype(np.float32)
        if plane.shape != layout.shapes[0]:
            plane = cv2.warpAffine(
                plane, layout.to_plane(k), size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        planes.append(plane)
    return layout.bgr(np.stack(planes, -1))


def from_bgr(image_bgr: np.ndarray, layout: Layout) -> Picture:
    """A picture of uint8 (h, w, 3) BGR or of float32 BGR 0..1 as coded; chroma is averaged over the pixels it stands for."""
    if image_bgr.dtype == np.uint8:
        image_bgr = image_bgr.astype(np.float32) / 255
    values = layout.values(image_bgr)
    made = blank(layout)
    for k, plane in enumerate(made.planes):
        low, high = layout.limits[k]
        plane[:] = np.rint(np.clip(block_means(values[..., k], 0, 0, layout, k)[2], low, high))
    return made


def block_means(values: np.ndarray, left: int, top: int, layout: Layout, plane: int) -> tuple[int, int, np.ndarray]:
    """Values float32 (h, w) of the frame's pixels from left, top on, as those of a plane: left, top and the means there.

    Each sample is the mean over the pixels that it stands for: where those lie outside of the values they count as 0, where
    outside of the frame as their neighbours inside.
    """
    right, down = layout.shift if plane else (0, 0)
    if not (right or down):
        return left, top, values
    height, width = values.shape
    end_y, end_x = top + height, left + width
    above, before, below, beside = top % (1 << down), left % (1 << right), -end_y % (1 << down), -end_x % (1 << right)
    ends = (end_y == layout.height, end_x == layout.width)
    edge = (below if ends[0] else 0, beside if ends[1] else 0)
    if any(edge):  # first, for what lies before counts as nothing
        values = cv2.copyMakeBorder(values, 0, edge[0], 0, edge[1], cv2.BORDER_REPLICATE)
    beyond = (above, below - edge[0], before, beside - edge[1])
    if any(beyond):
        values = cv2.copyMakeBorder(values, *beyond, cv2.BORDER_CONSTANT)
    size = (values.shape[1] >> right, values.shape[0] >> down)
    means = cv2.resize(
        values, size, interpolation=cv2.INTER_AREA
    )  # of whole blocks: exact, and much quicker than numpy
    return left >> right, top >> down, means


def layout(path: str | Path, *, name: str) -> Layout:
    """What the pictures of a video are when they are decoded; those of an image sequence are sRGB.

    Raises SwapError where the file shows none.
    """
    import av

    if Path(path).is_dir():
        image = sequence.first(Path(path), name=name)
        form = "gbrp" if image.dtype == np.uint8 else "gbrp16le"
        return Layout(image.shape[1], image.shape[0], form, matrix=RGB, primaries=1, transfer=13, full_range=True)
    with opened(path, name=name) as container:
        stream = picture_stream(container, path, name=name)
        try:
            frame = next(container.decode(stream))
        except (av.error.FFmpegError, StopIteration) as error:
            raise SwapError(
                f"clip {name}: {path}: its first frame cannot be decoded ({getattr(error, 'strerror', None) or 'no frame'}); "
                "check that it plays, or encode it again"
            ) from None
        sideways = abs(frame.rotation) % 180 == 90
        size = (frame.height, frame.width) if sideways else (frame.width, frame.height)
        pix_fmt = _planar(frame.format, sideways=sideways)
        if any(c.is_alpha for c in frame.format.components):
            progress.say(f"clip {name}: its transparency is left out")
        sar = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
        colour = stream_colour(stream)
        rgb = is_rgb(stream)
        return Layout(
            *size,
            pix_fmt,
            matrix=RGB if rgb else colour.matrix,
            primaries=colour.primaries,
            transfer=colour.transfer,
            full_range=rgb or frame.format.name.startswith("yuvj") or int(frame.color_range) == 2,
            sar=1 / sar if sideways else sar,
            **_mastering(frame),
        )


def _planar(form: Any, *, sideways: bool) -> str:
    """The planar format, without transparency, that holds all of a format's samples unchanged.

    Turned sideways, formats whose chroma is halved in one direction become 4:4:4, as ffmpeg's transpose makes them.
    """
    colours = [c for c in form.components if not c.is_alpha]
    bits = max(8, *(c.bits for c in colours))
    bits = next((depth for depth in DEPTHS if depth >= bits), DEPTHS[-1])
    end = "" if bits == 8 else f"{bits}le"
    if form.is_rgb or form.has_palette:
        return f"gbrp{end}"
    if len(colours) == 1:
        return f"gray{end}"
    shift = tuple((size // part).bit_length() - 1 for size, part in zip((64, 64), _chroma(form), strict=True))
    name = next(key for key, value in SHIFTS.items() if value == shift)
    return f"yuv{'444' if sideways and shift[0] != shift[1] else name}p{end}"


def _chroma(form: Any) -> tuple[int, int]:
    """Size of the chroma planes of a picture of 64 x 64 pixels."""
    from av.video.format import VideoFormat

    of = VideoFormat(form.name, 64, 64)
    return of.chroma_width(), of.chroma_height()


def _mastering(frame: Any) -> dict[str, str]:
    """HDR10's metadata of a frame: SMPTE ST 2086 and CTA-861.3, in the units of HEVC's SEI messages."""
    from av.sidedata.sidedata import Type

    found = {}
    if (display := frame.side_data.get(Type.MASTERING_DISPLAY_METADATA)) is not None:
        # AVMasteringDisplayMetadata: 3 x (x, y), white (x, y), least and greatest luminance, as fractions; two flags
        numbers = np.frombuffer(bytes(display), "<i4")[:22].tolist()
        parts = [Fraction(a, b) if b else Fraction(0) for a, b in zip(numbers[0:20:2], numbers[1:20:2], strict=True)]
        if numbers[20] and numbers[21]:
            red, green, blue, white = [(round(parts[k] * 50_000), round(parts[k + 1] * 50_000)) for k in (0, 2, 4, 6)]
            least, most = (round(part * 10_000) for part in parts[8:10])
            points = "".join(
                f"{n}({x},{y})" for n, (x, y) in zip(("G", "B", "R", "WP"), (green, blue, red, white), strict=True)
            )
            found["master_display"] = f"{points}L({most},{least})"
    if (light := frame.side_data.get(Type.CONTENT_LIGHT_LEVEL)) is not None:
        most, average = np.frombuffer(bytes(light), "<u4")[:2].tolist()
        found["max_cll"] = f"{most},{average}"
    return found
