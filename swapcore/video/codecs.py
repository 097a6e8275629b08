"""Encoders of the finished video, and which pixel formats they take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from swapcore.errors import SwapError
from swapcore.video.picture import RGB, Layout

Options = dict[str, Any]


class Codec(NamedTuple):
    """An encoder of ffmpeg."""

    pix_fmts: tuple[str, ...]  # that it takes, as planar formats
    options: Callable[[int, str, Layout], Options]  # of constant quality, preset and the layout that is encoded
    upload: str = ""  # filters that bring the pictures to a device


def _formats(chromas: str, depths: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"yuv{chroma}p{'' if depth == 8 else f'{depth}le'}" for chroma in chromas.split() for depth in depths)


def _x264(crf: int, preset: str, layout: Layout) -> Options:
    return {"crf": crf, "preset": preset}


def _x265(crf: int, preset: str, layout: Layout) -> Options:
    """x265's own parameters: HDR10's metadata (SMPTE ST 2086, CTA-861.3) stands in its SEI messages."""
    # at 20 of x264's scale the footage came out 1.0 to 1.3 times its size, at 20 of x265's 1.6 times, at 24 1.3 times
    crf = min(crf + 4, 51) if crf else 0
    # without `info=0` the stream's head names threads and processor, and parts made on several machines do not fit
    own = ["log-level=error", "info=0", *(["lossless=1"] if crf == 0 else [])]
    own += [f"master-display={layout.master_display}"] if layout.master_display else []
    own += [f"max-cll={layout.max_cll}"] if layout.max_cll else []
    own += ["repeat-headers=1"] if layout.master_display or layout.max_cll else []
    return {"crf": crf, "preset": preset, "x265-params": ":".join(own)}


def _nvenc(crf: int, preset: str, layout: Layout) -> Options:
    return {"rc": "vbr", "cq": crf, "b:v": 0, "preset": NVENC_PRESETS[preset]}


def _qsv(crf: int, preset: str, layout: Layout) -> Options:
    return {"global_quality": crf, "preset": "veryfast" if preset in ("ultrafast", "superfast") else preset}


def _vaapi(crf: int, preset: str, layout: Layout) -> Options:
    return {"rc_mode": "CQP", "qp": crf}


def _videotoolbox(crf: int, preset: str, layout: Layout) -> Options:
    return {"q:v": max(1, min(100, round(100 - crf * 100 / 51)))}  # its scale runs the other way, 1..100


NVENC_PRESETS = {"ultrafast": "p1", "superfast": "p1", "veryfast": "p2", "faster": "p3", "fast": "p3", "medium": "p4"}
NVENC_PRESETS |= {"slow": "p6", "slower": "p7"}
X264, X265 = _formats("420 422 444", (8, 10)), _formats("420 422 444", (8, 10, 12))
PLAIN, DEEP = _formats("420", (8,)), _formats("420", (8, 10))
# A graphics chip that has no format of the table says so itself; ffmpeg's line is passed on.
CODECS: dict[str, Codec] = {
    "libx264": Codec(X264, _x264),
    "libx265": Codec(X265, _x265),
    "h264_nvenc": Codec((*PLAIN, "yuv444p"), _nvenc),
    "hevc_nvenc": Codec((*DEEP, "yuv444p"), _nvenc),
    "h264_qsv": Codec(PLAIN, _qsv),
    "hevc_qsv": Codec(DEEP, _qsv),
    "h264_vaapi": Codec(PLAIN, _vaapi, upload="hwupload"),
    "hevc_vaapi": Codec(DEEP, _vaapi, upload="hwupload"),
    "h264_videotoolbox": Codec(PLAIN, _videotoolbox),
    "hevc_videotoolbox": Codec(DEEP, _videotoolbox),
}


def chosen(codec: str, layout: Layout) -> str:
    """The encoder for `auto`: H.264, which everything plays; HEVC for deeper or HDR pictures. Others stay."""
    if codec != "auto":
        return codec
    return "libx265" if layout.bits > 8 or layout.transfer in (16, 18) else "libx264"


def delivered(layout: Layout, codec: str) -> Layout:
    """The layout that a codec encodes a layout's pictures in: the same where it can, else the nearest that loses least.

    RGB becomes 4:2:0 BT.709 in limited range and grey 4:2:0, as players expect. Chroma is not thinned, nor depth lowered,
    unless the codec has nothing else. An odd width or height cannot be halved: such pictures are 4:4:4. Raises SwapError
    where the codec takes no picture of this size.
    """
    chroma = layout.pix_fmt[3:6] if layout.kind == "yuv" else "420"
    odd_width, odd_height = layout.width % 2, layout.height % 2
    whole = not (odd_width and chroma in ("420", "422")) and not (odd_height and chroma == "420")
    if chroma not in ("420", "422", "444") or not whole:
        chroma = "444"
    others = () if odd_width or odd_height else ("422", "420")
    bits = min(layout.bits, 10) if layout.kind == "gbr" else layout.bits
    depths = sorted((8, 10, 12), key=lambda depth: (depth < bits, abs(depth - bits)))
    for kind in dict.fromkeys((chroma, "444", *others)):
        for depth in depths:
            pix_fmt = f"yuv{kind}p{'' if depth == 8 else f'{depth}le'}"
            if pix_fmt in CODECS[codec].pix_fmts:
                tags = {"matrix": 1, "full_range": False} if layout.matrix == RGB else {}
                return replace(layout, pix_fmt=pix_fmt, **tags)
    raise SwapError(
        f"convert.encoder.codec: {codec} takes no pictures of {layout.width}x{layout.height}, whose sides are not even; "
        "use libx264 or libx265"
    )
