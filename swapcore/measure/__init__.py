"""How good a swap is: numbers from the finished video beside its clip.

Quality is never one number: a model can be trained to please one of them while the eye is not fooled. So each stands with
its unit, which direction is better, and what the unchanged target or a perfect swap would give.
"""

from swapcore.measure.identity import distractors, identity_distance, identity_margin, identity_rank, reference_spread
from swapcore.measure.look import CROP_SIDE, Look, Metric
from swapcore.measure.looks import crop, inside, looks, outside, spread
from swapcore.measure.metrics import METRICS, SEQUENCES
from swapcore.measure.motion import flicker_ratio
from swapcore.measure.picture import outside_psnr, sharpness_ratio
from swapcore.measure.second import second
from swapcore.measure.summary import WORST, Values, alarm, evaluate, real, summarise, worst

__all__ = [
    "CROP_SIDE",
    "METRICS",
    "SEQUENCES",
    "WORST",
    "Look",
    "Metric",
    "Values",
    "alarm",
    "crop",
    "distractors",
    "evaluate",
    "flicker_ratio",
    "identity_distance",
    "identity_margin",
    "identity_rank",
    "inside",
    "looks",
    "outside",
    "outside_psnr",
    "real",
    "reference_spread",
    "second",
    "sharpness_ratio",
    "spread",
    "summarise",
    "worst",
]
