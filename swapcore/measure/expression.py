"""What of the target's own play is kept: pose, landmarks, mouth and eyes."""

from __future__ import annotations

from swapcore.measure.look import Metric

ROWS: dict[str, Metric] = {}
