"""What a dataset lacks, in plain words and before any training: the target's faces compared with the source's.

A model can show of the source what it has seen. So each face of the target that will be swapped is a point in a small space of
direction, expression and light (`space`); where no face of the source is near it, it is missing. What is missing is named by
region (`regions`), most harmful first, with what to film (`find`); and faces that only do harm are named too (`drops`).
"""

from swapcore.advice.drops import drops
from swapcore.advice.find import Advice, advise
from swapcore.advice.regions import REGIONS, Region
from swapcore.advice.space import AXES, Axis, Coverage, cover, points

__all__ = ["AXES", "REGIONS", "Advice", "Axis", "Coverage", "Region", "advise", "cover", "drops", "points"]
