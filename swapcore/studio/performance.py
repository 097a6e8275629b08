"""What an actor does: one instant (`Frame`), and smooth, seeded talking through time (`Performance`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Occluder:
    """Something held before the face, `x`, `y` mm from the middle of the eyes and 150 mm before the head's centre."""

    kind: Literal["hand", "box"]
    x: float
    y: float
    rotation: float = 0.0  # radians, counterclockwise in the image
    rgb: tuple[float, float, float] | None = None  # linear; None: skin for a hand, blue for a box


@dataclass(frozen=True)
class Frame:
    """One instant of one actor: pose, expression, camera, light. All of it neutral by default."""

    yaw: float = 0.0  # degrees, the house's signs: > 0 looks to the image's right
    pitch: float = 0.0  # degrees, > 0 up
    roll: float = 0.0  # degrees, > 0 leans clockwise
    mouth: float = 0.0  # 0 closed .. 1 wide open
    smile: float = 0.0  # about -0.3 .. 0.8
    pucker: float = 0.0  # 0 .. 0.7
    blink: float = 0.0  # 0 open .. 1 closed
    gaze: tuple[float, float] = (0.0, 0.0)  # radians to the image's right and up
    brow: float = 0.0  # -0.6 frowning .. 0.9 raised
    scale: float = 1.0  # 1: brows to chin take 42 % of the picture
    shift_x: float = 0.0  # to the right and down, share of the picture
    shift_y: float = 0.0
    light: tuple[float, float, float] = (-0.45, 0.5, 0.75)  # direction towards the lamp
    light_rgb: tuple[float, float, float] = (1.0, 0.96, 0.9)
    light_strength: float = 1.25
    ambient_rgb: tuple[float, float, float] = (0.40, 0.42, 0.46)
    rim: float = 0.25  # strength of the light from behind
    background: int = 0  # seed
    blur: float = 0.0  # standard deviation, pixels of the picture
    grain: float = 0.0  # standard deviation, grey levels of 255
    grain_seed: int = 0
    jpeg: int = 0  # quality of a JPEG round trip; 0: none
    occluder: Occluder | None = None


_YAW, _PITCH, _ROLL, _SPEECH, _RHYTHM, _CLOSER, _SMILE, _PUCKER, _GAZE_X, _LIGHT, _GAZE_Y, _BROW = range(12)


class Performance:
    """Smooth talking-head motion from a seed: `performance(seconds)` is a `Frame`.

    `yaw`, `pitch` and `roll` are the reach of the head's movements in degrees, `talk` the strength of speech, `light`
    the lamp's side (-1 left .. 1 right; None: by the seed), `scale` and `shift_y` the framing (see `Frame`); any
    field of `Frame` in `fixed` replaces what was played.
    """

    def __init__(
        self,
        seed: int,
        *,
        yaw: float = 22.0,
        pitch: float = 9.0,
        roll: float = 7.0,
        talk: float = 1.0,
        light: float | None = None,
        scale: float = 1.0,
        shift_y: float = 0.0,
        **fixed: Any,
    ):
        rng = np.random.default_rng(seed + 1000)
        self.seed = seed
        self._reach = yaw, pitch, roll
        self._talk = talk
        self._scale = scale
        self._shift_y = shift_y
        self._fixed = fixed
        self._phase = rng.uniform(0, 2 * np.pi, (12, 3))
        self._rate = rng.uniform(0.05, 0.30, (12, 3)) * [1, 1.6, 2.6]  # Hz
        self._blinks = np.cumsum(rng.uniform(1.4, 4.0, 400))
        self._light = rng.uniform(-1, 1) if light is None else light
        self._light_rgb = tuple(np.array([1, 0.96, 0.9]) * rng.uniform(0.9, 1.1, 3))
        self._light_strength = rng.uniform(1.0, 1.4)
        self._elevation = rng.uniform(0.2, 0.8)

    def __call__(self, seconds: float) -> Frame:
        """The instant `seconds` after the start."""

        def wave(channel: int) -> float:
            return self._wave(channel, seconds)

        speech = max(0.0, 0.35 + wave(_SPEECH)) * self._talk
        azimuth = 1.1 * self._light + 0.15 * wave(_LIGHT)
        frame = Frame(
            yaw=self._reach[0] * wave(_YAW),
            pitch=-self._reach[1] * wave(_PITCH),
            roll=-self._reach[2] * wave(_ROLL),
            mouth=float(np.clip(speech * self._syllables(seconds), 0, 1)),
            smile=float(np.clip(0.15 + 0.7 * wave(_SMILE), -0.25, 0.8)),
            pucker=float(np.clip(0.75 * wave(_PUCKER) * speech * 1.5, 0, 0.7)),
            blink=float(np.clip(1.25 - np.abs(self._blinks - seconds).min() / 0.10, 0, 1)),
            gaze=(float(0.28 * np.round(1.6 * wave(_GAZE_X)) / 1.6), float(0.16 * wave(_GAZE_Y))),
            brow=float(np.clip(0.8 * wave(_BROW), -0.6, 0.9)),
            scale=self._scale * (1 + 0.05 * wave(_CLOSER)),
            shift_x=0.03 * wave(_GAZE_Y),
            shift_y=self._shift_y + 0.02 * wave(_PUCKER),
            light=(np.sin(azimuth), self._elevation, 0.9 * np.cos(azimuth) + 0.15),
            light_rgb=self._light_rgb,
            light_strength=self._light_strength,
            background=self.seed,
            grain_seed=round(seconds * 1e5),
        )
        return replace(frame, **self._fixed)

    def _wave(self, channel: int, seconds: float) -> float:
        """A slow wave of each channel's own, about -1..1."""
        angle = 2 * np.pi * self._rate[channel] * seconds + self._phase[channel]
        return float((np.sin(angle) * [0.6, 0.3, 0.18]).sum())

    def _syllables(self, seconds: float) -> float:
        """The rhythm of speech, 0..1: about four syllables a second, of uneven strength."""
        beat = abs(np.sin(2 * np.pi * 2.1 * seconds + 2 * self._wave(_RHYTHM, seconds)))
        return beat * (0.6 + 0.4 * np.sin(2 * np.pi * 3.3 * seconds + self._phase[_CLOSER, 0]))
