"""What is measured: METRICS, functions of one swapped face in one frame, and SEQUENCES, of all looked-at frames of a swap."""

from __future__ import annotations

from swapcore.measure import expression, identity, motion, picture, truth
from swapcore.measure.look import Metric
from swapcore.measure.second import ROWS as SECOND

METRICS: dict[str, Metric] = {
    **identity.ROWS,
    **SECOND,
    **expression.ROWS,
    **picture.ROWS,
    **motion.ROWS,
    **truth.ROWS,
}

SEQUENCES: dict[str, Metric] = expression.SEQUENCES
