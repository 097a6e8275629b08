"""PNG files that say of themselves what they are: text, colour and pixel aspect ratio as chunks (W3C PNG, third edition)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from fractions import Fraction

import cv2
import numpy as np

from swapcore.store import with_chunks

LEVEL = 2  # of zlib


def png(
    image: np.ndarray,
    text: Mapping[str, str],
    *,
    colour: tuple[int, int] | None = None,
    sar: Fraction = Fraction(1),
) -> bytes:
    """Bytes of a PNG: image (h, w), (h, w, 3) BGR or (h, w, 4) BGRA, uint8 or uint16, full range, alpha not multiplied in.

    text becomes one iTXt chunk per key (at most 79 characters of Latin-1). colour: H.273's numbers of primaries and transfer,
    as the chunk cICP; None for what is no colour. sar is a pixel's width over its height (chunk pHYs, unit unknown).
    """
    options = [cv2.IMWRITE_PNG_COMPRESSION, LEVEL, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
    done, data = cv2.imencode(".png", image, options)
    if not done:
        raise ValueError(f"cannot encode {image.shape} {image.dtype} as PNG")
    chunks = []
    if colour is not None:
        chunks.append((b"cICP", bytes([*colour, 0, 1])))  # matrix 0: RGB; 1: full range
    if sar != 1:
        chunks.append((b"pHYs", struct.pack(">IIB", sar.denominator, sar.numerator, 0)))
    for key, words in text.items():
        chunks.append((b"iTXt", key.encode("latin-1") + b"\0\0\0\0\0" + words.encode()))
    return with_chunks(data.tobytes(), chunks)
