"""Synthetic actors with known truth: the demo's clips, and what tests measure against.

Everything is drawn from seeds: no picture of anybody, no asset. Heads are grids of points that all actors share
(`rings`, `features`), with painted skin (`texture`) and hair (`hair`), posed (`expression`, `pose`) and rendered
(`raster`, `shade`, `rendering`) on the CPU. Because the grid is shared, the true swap of two actors is known
(`swap_actor`; of a clip `true_swap`). Importing this package imports numba (about a second); nothing else of swapcore does.
"""

from swapcore.studio.actor import Actor
from swapcore.studio.cast import CAST, STRICT, actor_named
from swapcore.studio.clips import clip, true_swap
from swapcore.studio.labels import LABELS
from swapcore.studio.performance import Frame, Occluder, Performance
from swapcore.studio.rendering import FaceTruth, Truth, render, render_motion
from swapcore.studio.scenes import SCENES, Scene
from swapcore.studio.sound import voice
from swapcore.studio.swap import swap_actor

__all__ = [
    "CAST",
    "LABELS",
    "SCENES",
    "STRICT",
    "Actor",
    "FaceTruth",
    "Frame",
    "Occluder",
    "Performance",
    "Scene",
    "Truth",
    "actor_named",
    "clip",
    "render",
    "render_motion",
    "swap_actor",
    "true_swap",
    "voice",
]
