"""Whose face it is: what is known of a person, the vote of a track, and groups where nobody is known."""

from swapcore.identify.groups import Proposal, group, proposals
from swapcore.identify.known import dominant, odd_one, same_in_all, spread
from swapcore.identify.likeness import NEAREST, VOTERS, apart, distance, merit, rows_by
from swapcore.identify.parts import parts
from swapcore.identify.votes import NOBODY, vote

__all__ = [
    "NEAREST",
    "NOBODY",
    "VOTERS",
    "Proposal",
    "apart",
    "distance",
    "dominant",
    "group",
    "merit",
    "odd_one",
    "parts",
    "proposals",
    "rows_by",
    "same_in_all",
    "spread",
    "vote",
]
