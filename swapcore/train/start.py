"""A training that begins with what another swap has learnt: its encoder, which knows faces, and the decoder of a person of both.

The other's people may be others. The encoder then goes on at a lower rate (train.start_rate): what it knows serves the new
person too, and the fresh decoder first learns to read it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from swapcore import store
from swapcore.errors import SwapError
from swapcore.models import MASK, PEOPLE, owner, portable, read_weights, renamed


class Start(NamedTuple):
    """Where the other swap's results lie."""

    trained: Path
    weights: Path


def taken(
    start: Start, *, model: str, resolution: int, people: Mapping[str, str], names: Collection[str]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays that a model begins with, by their names in it, and the record of where they are from.

    people: this swap's, by role; names: of the model's weights. The record has swap, weights (sha256), and decoders: whose own
    were taken, by role, beside what both people share. Raises SwapError where the other's model is another one.
    """
    other = store.read_json(start.trained)
    found = (other["model"], other["resolution"])
    if found != (model, resolution):
        raise SwapError(
            f"train.start_from: expected a swap of the model {model} at {resolution} px, {other['swap']} is "
            f"{found[0]} at {found[1]} px; give both the same model and resolution, or begin from another"
        )
    roles = {role: from_ for role in PEOPLE for from_ in PEOPLE if other[from_] == people[role]}
    weights = read_weights(start.weights)
    for graph in portable.GRAPHS.values():
        weights.pop(graph, None)
    arrays, found = {}, set()
    for name, array in weights.items():
        own = owner(name)
        if name.startswith(f"{MASK}/") and name not in names:
            continue  # masks that are not to be learnt
        if own is None:
            arrays[name] = array
        for role in (role for role, from_ in roles.items() if from_ == own):
            if (its := renamed(name, role)) in names:  # a model may have something of one person alone
                arrays[its] = array
                found.add(role)
    decoders = {role: people[role] for role in PEOPLE if role in found}
    record = {
        "swap": other["swap"],
        "weights": other["weights"]["sha256"],
        "steps": other["steps"],
        "decoders": decoders,
    }
    return arrays, record


def said(record: Mapping[str, Any]) -> str:
    """The record in words."""
    decoders = "".join(f" and the decoder of {person}" for person in record["decoders"].values())
    return f"begins with the encoder{decoders} of {record['swap']}, after {record['steps']} steps"
