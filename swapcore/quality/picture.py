"""Scores of the picture: how sharp, smeared, light, contrasty and tinted a face is."""

from __future__ import annotations

import cv2
import numpy as np

from swapcore.quality.view import View

# `smear` looks in these directions; faces have less fine detail across than up and down, by this much on three people's
# footage, sharp and blurred: half the difference of its logarithms between the two, along x
_ANGLES = np.arange(8) * np.pi / 8
FACES_OWN = -0.185
_RIM = 4  # pixels at the rim of the picture, where derivatives see its end


def sharpness(view: View) -> float:
    """How sharp the face is, per cent: 0 is flat, up to about 5 soft, from 9 on sharp. More is better.

    Variance of the Laplacian (Pech-Pacheco et al. 2000) of the luma between brows and mouth, brought to 96 pixels a side,
    so that a small face counts as the soft one that training would see; divided by the luma's variance, so that neither
    light nor skin counts. Good footage has 12 to 66, the demo 9 to 19; a Gaussian blur of 1.5 pixels, of a face
    128 pixels wide, leaves 2 to 5. Grain and the blocks of strong compression count as sharp.
    """
    bends = cv2.Laplacian(view.luma, cv2.CV_32F)[1:-1, 1:-1]  # at the rim there are no neighbours
    return float(100 * bends.var() / max(view.luma.var(), 1.0))


def motion_blur(view: View) -> float:
    """By how much the face is smeared in one direction, per cent: 0 not at all, 100 wholly. Less is better.

    See `smear`. Neither a soft face nor a small one counts, as they are soft in all directions. On footage, brought to 128
    pixels from brow to brow, 95 % of unsmeared faces, sharp or blurred, stay below 36 and all below 46; smears of 7, 10 and
    16 pixels have a median of 48, 62 and 72. A smear of 4 pixels cannot be told. A picture stretched in one direction, or
    one of two fields, counts as smeared.
    """
    return smear(view)[0]


def smear(view: View) -> tuple[float, float]:
    """Strength of motion blur, per cent as `motion_blur`, and its direction, degrees 0..180, clockwise from the image's right
    (in the upright crop).

    Blur along a direction takes from the picture's fine detail in that direction alone. What is fine is measured as the
    mean square of spatial frequency, the variance of the second derivative over that of the first, in eight directions:
    contrast and focus go out when directions are compared. The second harmonic of its logarithm over the angle, less that
    of unsmeared faces, gives direction and strength (a spectral form of the structure tensor's anisotropy, Bigun &
    Granlund 1987; for blur, cf. Chen et al. 2010, "Directional high-pass filter for blurry image analysis").
    """
    smooth = cv2.GaussianBlur(view.luma, (0, 0), 0.6)
    x, y = (cv2.Sobel(smooth, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    xx, xy = (cv2.Sobel(x, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1)))
    yy = cv2.Sobel(y, cv2.CV_32F, 0, 1, scale=1 / 8)
    first, second = (np.stack([d[_RIM:-_RIM, _RIM:-_RIM].ravel() for d in ds]) for ds in ((x, y), (xx, xy, yy)))
    cos, sin = np.cos(_ANGLES), np.sin(_ANGLES)
    along, bent = np.stack([cos, sin]), np.stack([cos * cos, 2 * cos * sin, sin * sin])
    slopes = np.einsum("ia,ij,ja->a", along, first @ first.T, along) / first.shape[1]
    bends = np.einsum("ia,ij,ja->a", bent, second @ second.T, bent) / first.shape[1]
    fine = np.log((bends + 1e-3) / (slopes + 1e-2))  # a flat picture is no finer in one direction than in another
    wave = 2 * np.mean(fine * np.exp(2j * _ANGLES)) - FACES_OWN
    direction = np.degrees(np.angle(-wave)) / 2 % 180
    return float(100 * (1 - np.exp(-2 * abs(wave)))), float(direction)


def exposure(view: View) -> float:
    """Mean lightness of the face: L* of CIELAB (D65), 0 black .. 100 white, inside the hull of its landmarks.

    Three light-skinned people have 49 to 63; the studio's actors, of all skins and in all its lights, 19 to 68. Which is
    better is not for a number to say: it depends on the skin as much as on the light.
    """
    return float(view.lab[..., 0][view.inside].mean())


def contrast(view: View) -> float:
    """Standard deviation of the lightness L* inside the hull of the landmarks, 0 flat .. 50 (Peli 1990, RMS contrast).

    Good footage has 5 to 17; the same through fog that leaves a quarter of the contrast 1 to 4.
    """
    return float(view.lab[..., 0][view.inside].std())


def redness(view: View) -> float:
    """Mean a* of CIELAB (D65) inside the hull of the landmarks: below 0 green, above 0 red. Footage has 16 to 20.

    With `warmth` it finds faces in light of another colour, or graded otherwise.
    """
    return float(view.lab[..., 1][view.inside].mean())


def warmth(view: View) -> float:
    """Mean b* of CIELAB (D65) inside the hull of the landmarks: below 0 blue, above 0 yellow. Footage has 13 to 21."""
    return float(view.lab[..., 2][view.inside].mean())
