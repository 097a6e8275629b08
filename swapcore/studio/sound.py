"""A murmur that fits the lips: a voice without words, for clips that should not be silent."""

from __future__ import annotations

import numpy as np

from swapcore.studio.performance import Performance

_STEP = 0.01  # s between the instants at which the face is looked at
_HIGHEST, _FADE = 3600.0, 300.0  # Hz; no overtone above, and how gently it ends
_WIDTHS = (90.0, 120.0, 180.0)  # of the formants, Hz
_PEAK = 0.6  # loudest sample of an open mouth, about


def voice(performance: Performance, *, seconds: float, sample_rate: int) -> np.ndarray:
    """The voice of a performance: (n,) float32 in -1..1, n = seconds * sample_rate.

    Overtones of a gliding pitch, shaped by three formants (source and filter, as in Fant 1960) that follow the mouth:
    the first rises as it opens, the second with a smile and falls with a pucker. The loudness is the mouth's opening.
    """
    count = round(seconds * sample_rate)
    instants = np.arange(0, seconds + _STEP, _STEP)
    frames = [performance(float(t)) for t in instants]
    time = np.arange(count) / sample_rate

    def through_time(values: list[float]) -> np.ndarray:
        return np.interp(time, instants, values)

    mouth = through_time([f.mouth for f in frames])
    formants = (
        280 + 480 * mouth,
        through_time([1350 + 500 * f.smile - 900 * f.pucker for f in frames]),
        np.full(count, 2550.0),
    )
    rng = np.random.default_rng(performance.seed + 2000)
    base = rng.uniform(105, 190)  # Hz
    glide = 0.07 * np.sin(2 * np.pi * rng.uniform(0.2, 0.4) * time + rng.uniform(0, 6)) + 0.05 * mouth
    trembling = 0.006 * np.sin(2 * np.pi * 5.1 * time)
    pitch = base * (1 + glide + trembling)
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    total, power = np.zeros(count), np.full(count, 1e-3)
    for overtone in range(1, int(_HIGHEST / base) + 1):
        hertz = overtone * pitch
        strength = _resonance(hertz, formants) / overtone * np.clip((_HIGHEST - hertz) / _FADE, 0, 1)
        total += strength * np.sin(overtone * phase)
        power += strength**2
    return (_PEAK / 2 * mouth * total / np.sqrt(power)).clip(-1, 1).astype(np.float32)


def _resonance(hertz: np.ndarray, formants: tuple[np.ndarray, ...]) -> np.ndarray:
    """How much of a tone the mouth lets through: one bell for each formant, over a floor."""
    bells = [np.exp(-(((hertz - centre) / width) ** 2)) for centre, width in zip(formants, _WIDTHS, strict=True)]
    return 0.08 + bells[0] + 0.7 * bells[1] + 0.35 * bells[2]
