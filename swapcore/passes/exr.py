"""OpenEXR files: one part of scan lines, half floats, compressed by ZIP. Written here because the header has to say that the
picture is synthetic, in which light and with which primaries, and ffmpeg's encoder writes none of that.

Layout of the file: https://openexr.com/en/latest/OpenEXRFileLayout.html
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np

LINES = 16  # that ZIP compresses together
LEVEL = 4  # of zlib; on film grain level 9 takes nine times as long and saves 2 %
MAGIC = 20000630
VERSION = 2
HALF, ZIP = 1, 3


def exr(channels: Mapping[str, np.ndarray], attributes: Mapping[str, Any], *, sar: Fraction = Fraction(1)) -> bytes:
    """Bytes of a file with these channels, (h, w) floats of one size each; values are rounded to half floats.

    Names such as R, G, B, A, Y. Attributes by name: text, a float, a Fraction (`rational`), or eight floats
    (`chromaticities`: x and y of red, green, blue, white). sar is a pixel's width over its height.
    """
    names = sorted(channels)
    height, width = channels[names[0]].shape
    lines = np.stack([np.asarray(channels[name], "<f2") for name in names], axis=1)  # (h, channels, w): line by line
    blocks = [lines[top : top + LINES] for top in range(0, height, LINES)]
    with ThreadPoolExecutor(4) as pool:  # zlib lets other threads run
        packed = list(pool.map(_packed, blocks))
    head = _header(names, width, height, attributes, sar)
    at = len(head) + 8 * len(packed)
    table, body = [], []
    for k, data in enumerate(packed):
        table.append(struct.pack("<Q", at))
        body.append(struct.pack("<ii", k * LINES, len(data)) + data)
        at += len(body[-1])
    return b"".join([head, *table, *body])


def _packed(lines: np.ndarray) -> bytes:
    """A block, compressed as OpenEXR's ZIP: even bytes before odd ones, differences to the byte before, deflate."""
    raw = lines.tobytes()
    data = np.frombuffer(raw, np.uint8)
    data = np.concatenate([data[0::2], data[1::2]])
    data[1:] = data[1:] - data[:-1] + np.uint8(128)  # modulo 256
    packed = zlib.compress(data.tobytes(), LEVEL)
    return packed if len(packed) < len(raw) else raw


def _header(names: list[str], width: int, height: int, attributes: Mapping[str, Any], sar: Fraction) -> bytes:
    listed = b"".join(name.encode() + b"\0" + struct.pack("<iB3xii", HALF, 0, 1, 1) for name in names) + b"\0"
    window = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    parts = [
        _attribute("channels", "chlist", listed),
        _attribute("compression", "compression", bytes([ZIP])),
        _attribute("dataWindow", "box2i", window),
        _attribute("displayWindow", "box2i", window),
        _attribute("lineOrder", "lineOrder", b"\0"),
        _attribute("pixelAspectRatio", "float", struct.pack("<f", float(sar))),
        _attribute("screenWindowCenter", "v2f", struct.pack("<ff", 0, 0)),
        _attribute("screenWindowWidth", "float", struct.pack("<f", 1)),
        *(_free(name, value) for name, value in attributes.items()),
    ]
    return struct.pack("<ii", MAGIC, VERSION) + b"".join(parts) + b"\0"


def _free(name: str, value: Any) -> bytes:
    """An attribute whose type follows its value."""
    if isinstance(value, str):
        return _attribute(name, "string", value.encode())
    if isinstance(value, Fraction):
        return _attribute(name, "rational", struct.pack("<iI", value.numerator, value.denominator))
    if isinstance(value, float):
        return _attribute(name, "float", struct.pack("<f", value))
    return _attribute(name, "chromaticities", struct.pack("<8f", *value))


def _attribute(name: str, kind: str, data: bytes) -> bytes:
    if not 0 < len(name.encode()) < 32:
        raise ValueError(f"an attribute's name has 1 to 31 bytes, got {name!r}")
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(data)) + data
