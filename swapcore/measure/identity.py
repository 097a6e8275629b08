"""Whose face it is: how near to the source, who else is nearer, and what a second judge says.

Two judges look at every face: dlib's network (nets.identity), and a small net of our own (`second`). Each figure stands beside
that of the target as it was, and of real frames of the source. What the judges can and cannot tell: docs/quality.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import resources

import numpy as np

from swapcore.measure.look import Metric

TELLS = 0.2  # of a judge's distance between target and source: with less between strangers and the same it says nothing
APART = 0.4  # shares of the way that two judges differ by when one of them is deceived


def identity_distance(embedding: np.ndarray, references: np.ndarray) -> float:
    """Mean Euclidean distance of a face's embedding (128,) to a person's references (m, 128), in dlib's unit.

    Below about 0.6 dlib takes two faces for one person (King, High Quality Face Recognition with Deep Metric Learning, 2017).
    """
    return float(np.linalg.norm(np.asarray(references, np.float64) - embedding, axis=1).mean())


def reference_spread(references: np.ndarray) -> float | None:
    """Mean distance of a person's references (m, 128) to each other; None where there is only one."""
    references = np.asarray(references, np.float64)
    if len(references) < 2:
        return None
    distances = np.linalg.norm(references[:, None] - references, axis=-1)
    return float(distances[np.triu_indices(len(references), 1)].mean())


def identity_margin(embedding: np.ndarray, references: np.ndarray, target_references: np.ndarray) -> float:
    """By how much a face's embedding (128,) lies nearer to the source's references (m, 128) than to the target's (k, 128).

    The difference of their `identity_distance`; above 0 the source wins.
    """
    return identity_distance(embedding, target_references) - identity_distance(embedding, references)


def identity_rank(
    embedding: np.ndarray, references: np.ndarray, known: Mapping[str, np.ndarray], distractors: np.ndarray
) -> float:
    """Place of the source when everybody is ordered by distance to a face's embedding (128,); 1: the source is the nearest.

    Everybody is the source (references (m, 128)), all who are `known` by name, each (k, 128), the source among them or not, and
    the `distractors` (n, 128), strangers. A person is where the mean of the references is. Retrieval at rank r as of the
    cumulative match characteristic (Phillips et al., The FERET evaluation methodology, 2000).
    """
    others = [np.mean(there, axis=0) for there in known.values() if not np.array_equal(there, references)]
    everybody = np.array([np.mean(references, axis=0), *others, *distractors], np.float64)
    distances = np.linalg.norm(everybody - embedding, axis=1)
    return 1.0 + float((distances[1:] < distances[0]).sum())


def left_out(function: Callable[..., float], references: np.ndarray, *others: object) -> float | None:
    """Mean of a figure of real frames of the source: each reference against the rest, (m, d); None where there is only one.

    function takes an embedding (d,), references (m - 1, d) and the `others`.
    """
    if len(references) < 2:
        return None
    rest = [np.delete(references, k, axis=0) for k in range(len(references))]
    return float(np.mean([function(one, kept, *others) for one, kept in zip(references, rest, strict=True)]))


def real_margin(references: np.ndarray, target_references: np.ndarray) -> float | None:
    """`identity_margin` of the source's references (m, 128), each against the others."""
    return left_out(identity_margin, references, target_references)


def real_rank(references: np.ndarray, known: Mapping[str, np.ndarray], distractors: np.ndarray) -> float | None:
    """`identity_rank` of the source's references (m, 128), each against the others."""
    strangers = {name: there for name, there in known.items() if not np.array_equal(there, references)}
    return left_out(identity_rank, references, strangers, distractors)


def share_of_way(value: float | None, baseline: float | None, real: float | None) -> float | None:
    """How far a swap went from the unchanged target (0) to real frames of the source (1) by one judge's mean distances.

    None where one of them is not known, or where the judge hardly tells target and source apart.
    """
    if value is None or baseline is None or real is None or baseline - real < TELLS * baseline:
        return None
    return (baseline - value) / (baseline - real)


def doubt(swap: str, first: float | None, second: float | None) -> str | None:
    """A warning where dlib's judge sees a swap go much farther than the second judge does (see `share_of_way`); else None.

    Pixels changed by 4 levels of 255 against dlib's network took real faces 1.03 of the way by dlib and 0.05 by the second
    judge, while true swaps of studio actors went 0.55 and 0.68 (docs/quality.md).
    """
    if first is None or second is None or first - second <= APART:
        return None
    return (
        f"swap {swap} went {first:.0%} of the way from target to source by dlib's network, and {second:.0%} by the second judge, "
        "as a picture that was made to please the first does: trust the eye"
    )


def distractors() -> np.ndarray:
    """(24, 128) float32: mean dlib embeddings of studio actors whom nobody plays, by recipes/distractors.py."""
    with resources.as_file(resources.files("swapcore.measure") / "distractors.npz") as path:
        return np.load(path, allow_pickle=False)["embeddings"]


ROWS: dict[str, Metric] = {
    "identity_distance": Metric(
        identity_distance,
        ("result_embedding", "references"),
        ("original_embedding", "references"),
        "dlib embedding, Euclidean",
        "lower",
        "swapped face to the source's references; baseline: the target as it was",
        step=0.05,
        why="the face lies {value:.2f} from the source, where {usual:.2f} is usual and the unchanged target lies {baseline:.2f}",
        real=(reference_spread, ("references",)),
    ),
    "identity_margin": Metric(
        identity_margin,
        ("result_embedding", "references", "target_references"),
        ("original_embedding", "references", "target_references"),
        "dlib embedding, Euclidean",
        "higher",
        "by how much the swapped face is nearer to the source's references than to the target's; above 0 the source wins",
        step=0.05,
        why="the face is nearer to the source than to the target by {value:.2f}, where {usual:.2f} is usual",
        real=(real_margin, ("references", "target_references")),
    ),
    "identity_rank": Metric(
        identity_rank,
        ("result_embedding", "references", "known", "distractors"),
        ("original_embedding", "references", "known", "distractors"),
        "place",
        "lower",
        "place of the source among everybody known and 24 strangers, by distance to the swapped face; 1 is the nearest",
        step=1.0,
        why="the source is only the number {value:.0f} of everybody whom the face resembles, where {usual:.0f} is usual",
        real=(real_rank, ("references", "known", "distractors")),
    ),
}
