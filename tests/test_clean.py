from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swapcore import clean
from swapcore.config.fields import Clean
from swapcore.edits import Edits, Entry
from swapcore.errors import SwapError
from swapcore.types import ScoreTable

LIMITS = Clean(min_sharpness=5, min_size=40, max_yaw=60, max_distance=0.6)
BOX = (10.0, 10.0, 60.0, 60.0)


MEASURED = {
    **{"sharpness": 20.0, "motion_blur": 10.0, "exposure": 50.0, "contrast": 10.0, "redness": 15.0, "warmth": 15.0},
    **{"size": 90.0, "yaw": 0.0, "pitch": 0.0, "roll": 0.0, "mouth_open": 10.0, "eyes_open": 30.0},
    **{"misalignment": 60.0, "occlusion": 5.0},
}


def scores(n=6, **columns):
    good = {
        "clip": np.full(n, "a", object),
        "id": np.array([f"{i:06d}_0" for i in range(n)], object),
        "frame": np.arange(n),
        "track": np.zeros(n),
        "box_xyxy": np.tile(BOX, (n, 1)),
        "distance": np.full(n, 0.3),
        **{name: np.full(n, value) for name, value in MEASURED.items()},
        "thumb": np.random.default_rng(7).integers(0, 255, (n, 16, 16)),
        "duplicate": np.zeros(n, bool),
        "order": np.arange(n),
    }
    return ScoreTable(**{**good, **{k: np.array(v) for k, v in columns.items()}})


WORST = {
    "too soft": ("sharpness", 1.0),
    "too small": ("size", 20.0),
    "turned too far": ("yaw", -80.0),
    "not like the references": ("distance", 0.9),
    "same as the frame before": ("duplicate", True),
}


@pytest.mark.parametrize("rule", clean.RULES)
def test_every_rule_drops_what_it_names_and_nothing_else(rule):
    column, bad = WORST[rule]
    table = scores()
    values = getattr(table, column).copy()
    values[2] = bad
    decisions = clean.decide(scores(**{column: values}), LIMITS, Edits())
    assert decisions.reason[2] == rule and not decisions.use_train[2]
    assert (
        decisions.use_swap.all() and decisions.use_train.sum() == 5 and clean.counts(decisions) == {"good": 5, rule: 1}
    )


def test_duplicates_may_be_kept():
    limits = Clean(**{**LIMITS.model_dump(), "duplicates": "keep"})
    assert clean.decide(scores(duplicate=[True] * 6), limits, Edits()).use_train.all()


def entry(row):
    return Entry("a", f"{row:06d}_0", BOX, "ann.yaml, reject")


def test_hands_overrule_rules():
    blurred = scores(sharpness=[1.0, 1, 20, 20, 20, 20])
    decisions = clean.decide(blurred, LIMITS, Edits(keep=(entry(0),), reject=(entry(3),), swap_only=(entry(4),)))
    assert decisions.reason.tolist() == [
        "kept by hand",
        "too soft",
        "good",
        "rejected by hand",
        "swapped only, by hand",
        "good",
    ]
    assert decisions.use_train.tolist() == [True, False, True, False, False, True]
    assert decisions.use_swap.tolist() == [True, True, True, False, True, True]


def test_every_reason_names_what_to_loosen():
    assert set(clean.LOOSEN) == set(clean.RULES)
    for setting in clean.LOOSEN.values():
        assert setting.removeprefix("clean.") in Clean.model_fields
    assert clean.remedy({"too soft": 3, clean.REJECTED: 5}, "ann") == "shorten config/edits/ann.yaml"
    assert clean.remedy({"too soft": 3, "too small": 1}, "ann") == "loosen clean.min_sharpness in config.yaml"


def test_an_edit_that_no_longer_fits_stops_the_run():
    with pytest.raises(SwapError, match=r"ann\.yaml, reject.*no face 000099_0"):
        clean.decide(scores(), LIMITS, Edits(reject=(Entry("a", "000099_0", BOX, "ann.yaml, reject"),)))


@settings(max_examples=60)
@given(
    st.lists(st.floats(0, 40), min_size=6, max_size=6),
    st.lists(st.sampled_from(["reject", "swap_only", "keep", ""]), min_size=6, max_size=6),
)
def test_a_hand_overrules_every_rule_and_touches_no_other_face(sharpness, lists):
    given_ = {n: tuple(entry(k) for k in range(6) if lists[k] == n) for n in ("reject", "swap_only", "keep")}
    table = scores(sharpness=sharpness)
    ruled, decided = clean.decide(table, LIMITS, Edits()), clean.decide(table, LIMITS, Edits(**given_))
    for k, name in enumerate(lists):
        expected = {"reject": (False, False), "swap_only": (False, True), "keep": (True, True)}
        assert (decided.use_train[k], decided.use_swap[k]) == expected.get(name, (ruled.use_train[k], True))
        assert name or decided.reason[k] == ruled.reason[k]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.floats(0, 40), st.floats(0, 200), st.floats(-90, 90), st.floats(0, 2), st.booleans()), max_size=12
    ),
    st.randoms(use_true_random=False),
)
def test_every_face_is_decided_and_order_does_not_matter(rows, random):
    n = len(rows)
    columns = dict(zip(("sharpness", "size", "yaw", "distance", "duplicate"), zip(*rows, strict=True), strict=False))
    table = scores(n, **columns) if n else ScoreTable.empty()
    decisions = clean.decide(table, LIMITS, Edits())
    assert len(decisions) == n and set(decisions.reason.tolist()) <= {clean.GOOD, *clean.RULES}
    assert np.array_equal(decisions.use_train, decisions.reason == clean.GOOD)
    mixed = np.array(random.sample(range(n), n), int)
    again = clean.decide(table.select(mixed), LIMITS, Edits())
    assert again.reason.tolist() == decisions.reason[mixed].tolist()


def test_the_picture_of_what_was_dropped_leaves_out_what_was_kept():
    blurred = scores(sharpness=[1.0, 1, 20, 20, 20, 20])
    decisions = clean.decide(blurred, LIMITS, Edits(keep=(entry(0),), reject=(entry(3),)))
    assert clean.dropped(decisions) == {"too soft": 1, "rejected by hand": 1}


def test_a_face_taken_out_of_its_archive_is_swapped_and_does_not_train():
    there = np.array([False, False, True, False, False, True])
    table = scores(sharpness=[20.0, 1, 1, 20, 20, 20])
    edits = Edits(keep=(entry(1), entry(2)), reject=(entry(3),), swap_only=(entry(4),))
    decisions = clean.decide(table, LIMITS, edits, there=there)
    assert decisions.reason.tolist() == [
        *("taken out of the archive", "taken out of the archive", "kept by hand"),
        *("rejected by hand", "swapped only, by hand", "good"),
    ]
    assert decisions.use_train.tolist() == [False, False, True, False, False, True]
    assert decisions.use_swap.tolist() == [True, True, True, False, True, True]
    assert "faces.zip" in clean.remedy(clean.dropped(decisions), "ann")
