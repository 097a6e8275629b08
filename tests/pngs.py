"""Faces as PNGs with rows, whole and damaged ones, and zips of any members."""

from __future__ import annotations

import struct
import zipfile
import zlib

import numpy as np
from analytic import face

from swapcore import store
from swapcore.store import rows

SIDE = 16
DEFLATED, STORED = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED


def row(name="000001_0", clip="lead", size=SIDE, **changed):
    landmarks = face(centre_xy=(80, 60), radius=30)
    about = {"clip": clip, "file": f"{clip}.mp4", "sha256": "0f" * 32, "id": name, "frame": 1, "track": 0, "score": 0.5}
    about |= {"box_xyxy": np.array([50, 30, 110, 90], np.float32), "landmarks_xy": landmarks}
    about |= {
        "matrix": np.array([[0.2, 0, -4], [0, 0.2, -3]], np.float32),
        "size": size,
        "centring": "face",
        "span": 0.4,
    }
    return store.FaceRow.of(**(about | {"quality": {"yaw": 12.3456}} | changed))


def png(name="000001_0", clip="lead", size=SIDE, seed=0, **changed):
    crop = np.random.default_rng(seed).integers(0, 255, (size, size, 3), np.uint8)
    return store.face_png(crop, row(name, clip, size, **changed))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_row(text, *, flag=b"\0", keyword=rows.ROW_KEYWORD, size=SIDE):
    """A PNG whose iTXt chunk holds any bytes."""
    data = store.encode_picture(np.zeros((size, size, 3), np.uint8), ".png")
    return data[:33] + chunk(b"iTXt", keyword + b"\0" + flag + b"\0\0\0" + text) + data[33:]


def text_of(row):
    return row.model_dump_json().encode()


def zipped(path, members, method=STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path
