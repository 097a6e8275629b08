"""Against the true swap, where it is known: synthetic clips."""

from __future__ import annotations

from swapcore.measure.look import Metric

ROWS: dict[str, Metric] = {}
