"""Mask archives: a zip of grey PNGs, one for each face of a clip, by the face's id."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from swapcore.errors import SwapError
from swapcore.store.archives import DAMAGE, MEMBERS_LIMIT, unpacked
from swapcore.store.files import atomic

LIMIT = 4 << 20  # bytes of one mask's file, and pixels of its picture


def write_masks(path: str | Path, masks: Iterable[tuple[str, np.ndarray]]) -> None:
    """A zip of {id}.png from (id, mask (s, s) uint8), as they come; no times in it, so the same masks give the same bytes."""
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, mask in masks:
            archive.writestr(zipfile.ZipInfo(f"{name}.png"), cv2.imencode(".png", mask)[1].tobytes())


class MaskArchive:
    """Random access to the masks of a clip's faces by their ids; a context manager. Raises SwapError where it is no such zip."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        try:
            self._zip = zipfile.ZipFile(self.path)
            self._names = {m.filename.removesuffix(".png"): m for m in self._zip.infolist()[:MEMBERS_LIMIT]}
        except DAMAGE as error:
            raise SwapError(
                f"{path}: expected a zip of masks ({str(error)[:120] or type(error).__name__}); delete it and run again"
            ) from None

    def __enter__(self) -> MaskArchive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def checksum(self, name: str) -> str:
        """What tells a face's mask from another of it, without reading either; "" where it has none."""
        member = self._names.get(name)
        return "" if member is None else f"{member.CRC:08x}-{member.file_size}"

    def mask(self, name: str) -> np.ndarray | None:
        """The mask of a face, (s, s) uint8; None where it has none. Raises SwapError where it is damaged."""
        if name not in self._names:
            return None
        member, mask = self._names[name], None
        if member.file_size <= LIMIT:
            try:
                data = np.frombuffer(unpacked(self._zip, member), np.uint8)
                mask = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if _pixels(data) <= LIMIT else None
            except (*DAMAGE, cv2.error):
                mask = None
        if mask is None or mask.shape[0] != mask.shape[1]:
            raise SwapError(
                f"{self.path}: {name}: expected a square grey picture, found something else; delete it and run again"
            )
        return mask


def _pixels(png: np.ndarray) -> int:
    """How many pixels a PNG says it has, before any of it is unpacked; more than LIMIT where it says nothing."""
    if len(png) < 24 or png[:4].tobytes() != b"\x89PNG":
        return LIMIT + 1
    return int.from_bytes(png[16:20].tobytes(), "big") * int.from_bytes(png[20:24].tobytes(), "big")
