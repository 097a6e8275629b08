"""A face over a frame: what was laid, and how it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from swapcore import align, finish
from swapcore.blend import BLENDS
from swapcore.video import Layout, Picture, block_means


@dataclass(frozen=True, eq=False)
class Overlay:
    """What was laid over a frame, in its pixels: the model's picture of a face, recoloured, and where it shows."""

    left: int
    top: int
    alpha: np.ndarray  # (h, w) float32 0..1
    crop_bgr: np.ndarray  # (r, r, 3) float32 BGR 0..1, values as the frame's are coded
    matrix: np.ndarray  # (2, 3), frame pixels -> crop pixels
    detail: np.ndarray | None = None  # (h, w) float32 added to all colours alike, 0..1 as coded: its finish

    @property
    def bgr(self) -> np.ndarray:
        """The face at the frame's size under the whole of `alpha`, (h, w, 3) float32 BGR 0..1, as coded."""
        height, width = self.alpha.shape
        to_crop = self.matrix @ np.array([[1, 0, self.left], [0, 1, self.top], [0, 0, 1]], np.float64)
        drawn = spread(smoothed(self.crop_bgr, self.matrix), to_crop, (height, width))
        return np.clip(drawn if self.detail is None else drawn + self.detail[..., None], 0, 1)


def lay(picture: Picture, overlay: Overlay, *, blend: str = "feather", finish_seed: int | None = None) -> Overlay:
    """Lay a face over a picture, in place, plane by plane; the overlay as it was laid is returned, with its finish.

    The crop is brought to each plane's size by cubic interpolation; where it has to shrink, it is smoothed first. Chroma that
    stands for several pixels is mixed by the mean of their alphas. blend names a row of BLENDS. finish_seed: the frame's
    number, where the face is to be as sharp and grainy as the frame (finish.detail), else None.
    """
    layout, matrix = picture.layout, overlay.matrix
    values = layout.values(smoothed(overlay.crop_bgr, matrix))
    for k, plane in enumerate(picture.planes):
        if k < 2:  # both chroma planes are of one size
            left, top, alpha = block_means(overlay.alpha, overlay.left, overlay.top, layout, k)
        part = plane[top : top + alpha.shape[0], left : left + alpha.shape[1]]
        to_crop = of_plane(matrix, layout, k) @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1]], np.float64)
        over, under = spread(values[..., k], to_crop, part.shape), part.astype(np.float32)
        np.clip(over, *layout.limits[k], out=over)
        grey = float(
            layout.from_bgr[k, :3].sum()
        )  # what a step of all colours alike is in this plane: nothing in chroma
        if k == 0 and finish_seed is not None:  # luma, and of RGB green, which is most of it
            base, unit = np.float32(layout.from_bgr[0, 3]), np.float32(1 / grey)
            lack = finish.detail((over - base) * unit, (under - base) * unit, alpha, seed=finish_seed)
            overlay = replace(overlay, detail=lack)
        if overlay.detail is not None and grey > 0.5:
            over += np.float32(grey) * overlay.detail
            np.clip(over, *layout.limits[k], out=over)
        laid = BLENDS[blend](over, under, alpha)
        part[:] = np.rint(laid, out=laid)
    return overlay


def at_size(matrix: np.ndarray, side: int, size: int) -> np.ndarray:
    """A map (2, 3) to a crop of `side` pixels as one to the same crop of `size`."""
    scaled = np.asarray(matrix, np.float64) * (size / side)
    scaled[:, 2] += (size / side - 1) / 2
    return scaled


def of_plane(matrix: np.ndarray, layout: Layout, plane: int) -> np.ndarray:
    """A map (2, 3) of the frame's pixels as that of a plane's."""
    return np.asarray(matrix, np.float64) @ np.vstack([layout.to_plane(plane), (0, 0, 1)])


def smoothed(crop: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A crop that can be drawn smaller, as the matrix (frame to crop) asks, without false patterns."""
    shrink = align.scale(matrix)
    return cv2.GaussianBlur(crop, (0, 0), 0.5 * np.sqrt(shrink**2 - 0.9)) if shrink > 1 else crop


def spread(crop: np.ndarray, to_crop: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """A crop drawn into (h, w), whose pixels `to_crop` (2, 3) takes to the crop's."""
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(crop, to_crop, size_hw[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE)
