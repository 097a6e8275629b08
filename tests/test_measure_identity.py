"""Whose face it is, on points in space whose order is known; and the strangers, one of them made again."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from swapcore import measure, nets
from swapcore.measure import identity


def points(*places: float) -> np.ndarray:
    """Embeddings (n, 128) float32 on a line."""
    found = np.zeros((len(places), 128), np.float32)
    found[:, 0] = places
    return found


def test_margin_is_the_difference_of_distances():
    face, source, target = points(1.0)[0], points(0.0, 0.5), points(4.0)
    assert identity.identity_margin(face, source, target) == pytest.approx(3 - 0.75)
    assert identity.identity_margin(face, target, source) == pytest.approx(0.75 - 3)


def test_rank_counts_who_is_nearer():
    face, source, strangers = points(0.0)[0], points(3.0, 5.0), points(-1.0, 7.0, 3.9, -4.1)
    known = {"source": source, "target": points(1.0, 2.0), "other": points(8.0)}
    assert identity.identity_rank(face, source, known, strangers) == 4  # target at 1.5, strangers at 1 and 3.9
    assert identity.identity_rank(points(4.0)[0], source, known, strangers) == 1
    assert identity.identity_rank(face, source, {}, points(9.0)) == 1
    del known["source"]
    assert identity.identity_rank(face, source, known, strangers) == 4


def test_the_source_itself_is_nobody_else():
    """Named among the known too, it would stand before its own references without the one that is looked at."""
    source = points(0.0, 1.0, 2.0)
    assert identity.real_rank(source, {"source": source}, points(9.0)) == 1
    assert identity.real_rank(source, {"source": source, "twin": points(0.4)}, points(9.0)) == pytest.approx(4 / 3)


def test_real_frames_are_each_against_the_others():
    source, target = points(0.0, 1.0, 5.0), points(10.0)
    # distances to the others: 3, 2.5, 4.5; to the target: 10, 9, 5
    assert identity.real_margin(source, target) == pytest.approx((7 + 6.5 + 0.5) / 3)
    assert identity.left_out(identity.identity_distance, source) == pytest.approx(10 / 3)
    assert identity.left_out(identity.identity_distance, source) == pytest.approx(identity.reference_spread(source))
    assert identity.real_margin(source[:1], target) is None and identity.real_rank(source[:1], {}, target) is None


def test_distractors_are_many_and_apart():
    found = identity.distractors()
    assert found.shape[0] >= 20 and found.shape[1:] == (128,) and found.dtype == np.float32
    apart = np.linalg.norm(found[:, None] - found, axis=-1)[np.triu_indices(len(found), 1)]
    assert apart.min() > 0.3 and np.median(apart) > 0.5


def test_a_distractor_made_again_is_itself(root):
    spec = importlib.util.spec_from_file_location("recipe", root / "recipes/distractors.py")
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    with np.load(root / "swapcore/measure/distractors.npz", allow_pickle=False) as kept:
        seeds, embeddings = kept["seeds"], kept["embeddings"]
    again = recipe.embedded(int(seeds[5]), nets.identity_session(threads=1))
    distances = np.linalg.norm(embeddings - again, axis=1)
    # the studio may get prettier: then somebody is still nearest to himself
    assert distances.argmin() == 5 and distances[5] < 0.25
    assert set(seeds).isdisjoint([205, 222, 267, 228, 256, 265, 326, 411])


def test_those_who_are_kept_lie_far_apart(root):
    spec = importlib.util.spec_from_file_location("recipe", root / "recipes/distractors.py")
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    assert recipe.far_apart(np.array([[0.0], [0.1], [5.0], [9.0], [9.1]]), 3) == [0, 2, 4]


def test_share_of_the_way_from_target_to_source():
    assert identity.share_of_way(0.6, 0.8, 0.3) == pytest.approx(0.4)
    assert identity.share_of_way(0.8, 0.8, 0.3) == 0
    assert identity.share_of_way(None, 0.8, 0.3) is identity.share_of_way(0.5, 0.8, None) is None
    assert identity.share_of_way(0.5, 0.5, 0.45) is None, "a judge that takes them for one person says nothing"


def test_judges_that_differ_raise_doubt():
    assert identity.doubt("s", 0.55, 0.68) is identity.doubt("s", 0.9, 0.6) is identity.doubt("s", 1.0, None) is None
    assert "swap s went 103% of the way" in identity.doubt("s", 1.03, 0.05)


def test_a_swap_that_deceives_one_judge_is_told_of():
    none = dict.fromkeys(measure.METRICS)

    def found(first: float, second: float) -> dict:
        value, before, real = (
            {**none, "identity_distance": a, "second_distance": b} for a, b in ((first, second), (0.8, 0.5), (0.3, 0.1))
        )
        rows = [measure.Values(1, "s", value, before)]
        return measure.summarise(rows, reals={"s": real}, references={"s": points(0.0, 0.1)})

    deceived = found(0.31, 0.49)
    assert "trust the eye" in deceived["second_distance"]["alarm"] and "second judge" in deceived["note"]
    assert "alarm" not in found(0.5, 0.2)["second_distance"]
