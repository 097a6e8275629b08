"""The finish of a swapped face: as sharp, as blurred by motion and as grainy as the frame that it is laid into.

Everything is told from the luma of this very frame, at its own size: the face that is replaced and what lies about it. What is
sharp is told from edges, by how much of their gradients' energy a known blur takes (after Zhuo and Sim, Defocus Map
Estimation from a Single Image, 2011), in all directions at once; grain and what compression left of it from flat skin, given to
the swap as noise of the same spectrum with phases of its own (Galerne et al., Random Phase Textures, 2011).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

NEAR, FAR = (
    1.0,
    2.0,
)  # sigmas of the two known blurs, pixels; what is finer than the second is grain where the picture is flat
BLOCK, SMALL_BLOCK, SMALL = (
    16,
    8,
    160,
)  # pixels: detail is weighed in blocks, smaller ones where the face's rectangle is small
EDGES, FLAT = 0.75, 0.3  # of the face's blocks: those above the one share have edges, those below the other are flat
WINDOW = 320  # pixels: of a larger face the middle is looked at, which has eyes, nose, mouth and cheeks
COARSER = 4  # pixels of the luma for one in which the strength of grain is worked out
FEWEST = 12  # blocks of the face that something can be told from
SHARPEST = 1.5  # how much of the finest detail is added at most
BLURREST = 6.0  # sigma, pixels, of the blur that is added at most
NOTHING = 0.15  # pixels squared: a smaller difference of blur is not told from none
TILE = 256  # pixels a side of the grain, which goes on periodically
REACH = 1.0  # of a block: grains further apart than that are taken for independent
DARKER, BRIGHTEST = (
    0.5,
    0.95,
)  # surroundings darker than this share of the skin, or nearly white, tell nothing of its grain
UNEQUAL = 2.0  # how much more energy grain may have on skin than about it
TONES = 0.03  # of brightness: where skin differs by less, nothing is told of how grain goes with it
PATCHES = 24  # of flat skin, about, that the spectrum of grain is told from
UNSEEN = 1 / 255  # standard deviation: less grain is not added
STRONGER = 3.0  # how much stronger the grain may be made where the mask is half transparent


class Seen(NamedTuple):
    """A luma plane, or a part of one, and what is told from it, by blocks."""

    luma: np.ndarray  # (h, w) float32
    far: np.ndarray  # (h, w), blurred by FAR
    block: int  # pixels a side of the blocks
    tensors: tuple[
        np.ndarray, np.ndarray
    ]  # (3, rows, columns) energies of gradients xx, yy, xy after NEAR and after FAR


def detail(over: np.ndarray, under: np.ndarray, alpha: np.ndarray, *, seed: int) -> np.ndarray:
    """What a face lacks, to be added to it: float32 (h, w), in units of the luma that was given.

    over is the swapped face's luma and under the frame's before it, float32 (h, w) 0..1 as coded; alpha (h, w) 0..1 says where
    the face shows. seed: of the grain, another for every frame; the same gives the same to the bit. 0 where too little is
    seen to tell anything from.
    """
    block = SMALL_BLOCK if min(over.shape) < SMALL else BLOCK
    if min(over.shape) < 2 * block:
        return np.zeros_like(over)
    shares = _blocks(alpha, block)
    middle = tuple(_middle(length, block) for length in shares.shape)
    window = tuple(slice(part.start * block, part.stop * block) for part in middle)
    inner = shares[middle] > 0.5
    if inner.sum() < FEWEST:
        return np.zeros_like(over)
    far = cv2.GaussianBlur(under, (0, 0), FAR)
    frame, face = seen(under[window], block, far=far[window]), seen(over[window], block)
    made = sharpened(over, blur_of(frame, inner), blur_of(face, inner))
    made -= over
    if noise := grain(frame, face, inner, beside=(under, far, shares == 0)):
        made += noise.drawn(over, alpha, seed=seed)
    return made


def _middle(blocks: int, block: int) -> slice:
    """The blocks in the middle that are looked at, of so many in a row."""
    most = min(blocks, WINDOW // block)
    return slice((blocks - most) // 2, (blocks - most) // 2 + most)


def seen(luma: np.ndarray, block: int, *, far: np.ndarray | None = None) -> Seen:
    """A luma plane (h, w) float32 as the functions below take it; far where it is known already."""
    far = cv2.GaussianBlur(luma, (0, 0), FAR) if far is None else far
    return Seen(luma, far, block, (_tensor(cv2.GaussianBlur(luma, (0, 0), NEAR), block), _tensor(far, block)))


def blur_of(picture: Seen, inner: np.ndarray) -> np.ndarray:
    """How blurred a picture is: the covariance (2, 2) of a Gaussian, pixels squared, x before y.

    inner (rows, columns) bool: the blocks that are the face's. Along a direction in which an edge is blurred by s, its
    gradient's energy after blurs of NEAR and FAR goes as 1 / sqrt(s^2 + NEAR^2) and 1 / sqrt(s^2 + FAR^2). Energies are sums over
    the blocks with edges, less what flat blocks have, which is grain's; told along the way in which
    least is left, and across.
    """
    near, far = (tensor[:, inner] for tensor in picture.tensors)
    strength = far[0] + far[1]
    edges, flat = strength >= _quantile(strength, EDGES), strength <= _quantile(strength, FLAT)
    one, two = (_matrix(t[:, edges].mean(1) - np.median(t[:, flat], axis=1)) for t in (near, far))
    root = np.linalg.inv(np.linalg.cholesky(two))
    most = (
        root.T @ np.linalg.eigh(root @ one @ root.T)[1][:, 0]
    )  # along it, the least is left: there it is most blurred
    most /= np.linalg.norm(most)
    found = np.zeros((2, 2))
    for way in (most, np.array([-most[1], most[0]])):
        ratio = np.square((way @ one @ way) / (way @ two @ way))
        ratio = np.clip(ratio, 1.02, (FAR / NEAR) ** 2)  # of an edge without end and of one without width
        found += (FAR**2 - ratio * NEAR**2) / (ratio - 1) * np.outer(way, way)
    return found


def _matrix(energies: np.ndarray) -> np.ndarray:
    """Gradients' energies xx, yy, xy as a matrix (2, 2) that is positive."""
    values, axes = np.linalg.eigh(np.array([[energies[0], energies[2]], [energies[2], energies[1]]], np.float64))
    return axes * np.maximum(values, 1e-4 * values[1] + 1e-12) @ axes.T


def sharpened(over: np.ndarray, wanted: np.ndarray, own: np.ndarray) -> np.ndarray:
    """A face (h, w) whose blur is `own` with the blur `wanted` (2, 2): blurred where, and in the directions in which, it is too
    sharp; else sharpened. Sharpening is bounded: what a model of few pixels never made cannot be found again, and
    rings are worse than softness.
    """
    values, axes = np.linalg.eigh(wanted - own)  # least first
    if values[1] > NOTHING:
        kernel = _gaussian(axes * np.clip(values, 0, BLURREST**2) @ axes.T)
        return cv2.filter2D(over, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    softer = -float(values.mean())
    if softer <= NOTHING:
        return over.copy()
    sigma = float(np.clip(np.sqrt(softer), 1, FAR))
    share = np.float32(min(softer / sigma**2, SHARPEST))
    return cv2.addWeighted(over, 1 + share, cv2.GaussianBlur(over, (0, 0), sigma), -share, 0)


class Grain(NamedTuple):
    """Grain that a face lacks."""

    energy: float  # its variance at the brightness `level`
    level: float
    slope: float  # how much more of that share there is where it is brighter by 1
    kernel: np.ndarray  # that white noise is filtered with

    def drawn(self, over: np.ndarray, alpha: np.ndarray, *, seed: int) -> np.ndarray:
        """It, float32 (h, w), as strong as the brightness of `over` has it.

        Where the mask is half transparent grain is stronger by what is lost when two independent grains are mixed.
        """
        size = tuple(-(-length // COARSER) for length in over.shape[::-1])
        bright, share = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (over, alpha))
        strength = np.clip(1 + np.float32(self.slope) * (bright - np.float32(self.level)), 1 / 4, 4)
        mixing = np.minimum((2 - share) / np.maximum(share, 1e-3), STRONGER**2)
        strength = np.sqrt(np.float32(self.energy) * strength * mixing)
        return _noise(self.kernel, over.shape, seed) * cv2.resize(strength, over.shape[::-1])


def grain(
    frame: Seen, face: Seen, inner: np.ndarray, *, beside: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
) -> Grain | None:
    """The grain that a face lacks: of the frame's spectrum and strength at each brightness; None where the lack is not seen.

    beside: luma and the same blurred by FAR, of all about the face too, and which of its blocks (rows, columns) bool are not
    the face's. Grain is on everything, pores are not: what the skin has and its surroundings have not, is skin.
    """
    rest, level = frame.luma - frame.far, _blocks(frame.far, frame.block)
    energy = _blocks(rest * rest, frame.block)
    flat = _flat(level, energy, inner)
    usual, middle = _quantile(energy[flat], 0.5), _quantile(level[flat], 0.5)
    apart, more = level[flat] - middle, energy[flat] / max(usual, 1e-12) - 1
    if beside is not None:
        luma, far, other = beside
        light = _blocks(far, frame.block)
        other = other & (light > DARKER * middle) & (light < BRIGHTEST)
        if other.sum() >= FEWEST // 2:
            about = _blocks(np.square(luma - far), frame.block)[other]
            usual = min(usual, UNEQUAL * _quantile(about, FLAT))
    own = face.luma - face.far
    lack = usual - _quantile(_blocks(own * own, frame.block)[flat], 0.5)
    if lack <= UNSEEN**2:
        return None
    slope = float((apart * more).sum() / (np.square(apart).sum() + len(apart) * TONES**2))
    return Grain(lack, middle, slope, _kernel(rest, flat, frame.block))


def _flat(level: np.ndarray, energy: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Which blocks (rows, columns) bool of the face show grain and little else: those of the least energy among the third that is
    dark, the third between and the third that is bright, for grain is not as strong everywhere.
    """
    places = np.flatnonzero(inner)
    chosen = np.zeros(inner.size, bool)
    for third in np.array_split(places[np.argsort(level.flat[places], kind="stable")], 3):
        chosen[third[energy.flat[third] <= _quantile(energy.flat[third], FLAT)]] = True
    return chosen.reshape(inner.shape)


def _kernel(rest: np.ndarray, flat: np.ndarray, block: int) -> np.ndarray:
    """What white noise is filtered with to have the spectrum of the flat blocks of `rest`; its squares' sum is 1."""
    places = np.argwhere(flat)
    places = places[:: max(len(places) // PATCHES, 1)] * block
    patches = np.array([rest[y : y + block, x : x + block] for y, x in places])
    window = np.hanning(block + 2)[1:-1]
    patches = (patches - patches.mean((1, 2), keepdims=True)) * np.outer(window, window)
    power = np.square(np.abs(np.fft.fft2(patches, (2 * block, 2 * block)))).mean(0)
    lags, lag = np.fft.fftshift(np.fft.ifft2(power).real), np.arange(2 * block) - block
    seen_pairs = np.correlate(window, window, "full")[np.clip(lag + block - 1, 0, 2 * block - 2)]
    fade = np.square(np.cos(np.pi / 2 * np.minimum(np.abs(lag) / (REACH * block), 1))) / np.maximum(seen_pairs, 1e-3)
    spectrum = np.maximum(np.fft.fft2(np.fft.ifftshift(lags * np.outer(fade, fade))).real, 0)
    kernel = np.fft.fftshift(np.fft.ifft2(np.sqrt(spectrum)).real)[1:, 1:]
    kernel = kernel[block // 2 : -(block // 2), block // 2 : -(block // 2)]
    return (kernel / np.sqrt(np.square(kernel).sum())).astype(np.float32)


def _noise(kernel: np.ndarray, size_hw: tuple[int, int], seed: int) -> np.ndarray:
    """Noise (h, w) float32 of standard deviation 1 and of the kernel's spectrum.

    Each seed has its own piece of one endless sheet of white noise, turned its own way: two frames share nothing that is seen.
    """
    whole = np.zeros((TILE, TILE), np.float32)
    whole[: len(kernel), : len(kernel)] = kernel
    shaped = cv2.mulSpectrums(cv2.dft(whole), _white(), 0)
    made = cv2.idft(shaped, flags=cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT)
    rng = np.random.default_rng(seed)
    way, top, left = rng.integers(0, (8, TILE, TILE)).tolist()
    made = np.ascontiguousarray(np.rot90(made.T if way >= 4 else made, way % 4))
    below, beside = max(top + size_hw[0] - TILE, 0), max(left + size_hw[1] - TILE, 0)
    return cv2.copyMakeBorder(made, 0, below, 0, beside, cv2.BORDER_WRAP)[
        top : top + size_hw[0], left : left + size_hw[1]
    ]


@lru_cache(maxsize=1)
def _white() -> np.ndarray:
    """The spectrum of white noise (TILE, TILE), as OpenCV packs it."""
    return cv2.dft(np.random.default_rng(0).standard_normal((TILE, TILE), np.float32))


def _blocks(values: np.ndarray, block: int) -> np.ndarray:
    """Means (h // block, w // block) of the whole blocks of values (h, w)."""
    rows, columns = values.shape[0] // block, values.shape[1] // block
    return cv2.resize(values[: rows * block, : columns * block], (columns, rows), interpolation=cv2.INTER_AREA)


def _quantile(values: np.ndarray, share: float) -> float:
    """np.quantile of some hundred values, in a tenth of its time."""
    values = np.sort(values, axis=None)
    low, part = divmod(share * (len(values) - 1), 1)
    low = int(low)
    return float(values[low] + part * (values[min(low + 1, len(values) - 1)] - values[low]))


def _tensor(luma: np.ndarray, block: int) -> np.ndarray:
    """The gradients' energies of each block: xx, yy, xy."""
    x, y = cv2.Sobel(luma, -1, 1, 0, ksize=1), cv2.Sobel(luma, -1, 0, 1, ksize=1)
    return np.stack([_blocks(part, block) for part in (x * x, y * y, x * y)])


def _gaussian(covariance: np.ndarray) -> np.ndarray:
    """A kernel of sum 1, float32, of a covariance (2, 2) in pixels squared, which may be flat in one direction."""
    covariance = covariance + np.eye(2) * 0.05
    reach = int(np.ceil(2.5 * np.sqrt(covariance.diagonal().max())))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    places = np.stack([x, y], -1)
    kernel = np.exp(-0.5 * np.einsum("hwi,ij,hwj->hw", places, np.linalg.inv(covariance), places))
    return (kernel / kernel.sum()).astype(np.float32)
