from __future__ import annotations

import argparse
import importlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swapcore import clean, store
from swapcore.config.fields import Clean
from swapcore.edits import Edits, Entry
from swapcore.errors import SwapError
from swapcore.types import DecisionTable, ScoreTable

LIMITS = Clean(duplicates="drop", min_sharpness=5, min_size=40, max_yaw=60, max_distance=0.6)
BOX = (10.0, 10.0, 60.0, 60.0)
LINE = "- {clip: a, face: 000001_0, box: [10, 10, 60, 60]}"


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
        "similarity": np.full(n, 0.7),
        "look": np.ones(n),
        **{name: np.full(n, value) for name, value in MEASURED.items()},
        "thumb": np.random.default_rng(7).integers(0, 255, (n, 16, 16)),
        "fitted": np.ones(n, bool),
        "duplicate": np.zeros(n, bool),
        "damaged": np.zeros(n, bool),
        "order": np.arange(n),
    }
    return ScoreTable(**{**good, **{k: np.array(v) for k, v in columns.items()}})


WORST = {
    "not like the references": ("distance", 0.9),
    "too small": ("size", 20.0),
    "too dark": ("exposure", 3.0),
    "too bright": ("exposure", 99.0),
    "too flat": ("contrast", 1.0),
    "landmarks beside the face": ("misalignment", 105.0),
    "hidden": ("occlusion", 85.0),
    "too soft": ("sharpness", 1.0),
    "smeared by motion": ("motion_blur", 80.0),
    "turned too far": ("yaw", -80.0),
    "raised or bowed too far": ("pitch", -70.0),
    "another look": ("look", 2),
    "filled in over a gap": ("fitted", False),
    "damaged frame": ("damaged", True),
    "same as the frame before": ("duplicate", True),
}


@pytest.mark.parametrize("rule", clean.RULES)
def test_every_rule_drops_what_it_names_and_nothing_else(rule):
    column, bad = WORST[rule]
    table = scores()
    values = getattr(table, column).copy()
    values[2] = bad
    table = scores(**{column: values})
    limits = Clean(**(LIMITS.model_dump() | {"looks": [1]}))
    decisions = clean.decide(table, limits, Edits())
    assert decisions.reason[2] == rule and not decisions.use_train[2]
    assert (
        decisions.use_swap.all() and decisions.use_train.sum() == 5 and clean.counts(decisions) == {"good": 5, rule: 1}
    )
    said = clean.value(table, 2, rule, limits)
    assert said == "" if rule not in clean.THRESHOLDS else f"{abs(bad):.4g} " in said and said[-1].isdigit()


def test_thresholds_are_scores_and_settings_that_exist():
    for score, setting in clean.THRESHOLDS.values():
        assert score in ScoreTable.empty().columns() and setting in Clean.model_fields
    unused = {name for name in Clean.model_fields if name.startswith(("min_", "max_"))}
    assert unused == {setting for _, setting in clean.THRESHOLDS.values()}


def test_the_number_behind_a_reason_stands_beside_its_limit():
    table = scores(sharpness=[3.123, 4.999, 20, 20, 20, 20], yaw=[0, 0, -81, 0, 0, 0])
    assert clean.value(table, 0, "too soft", LIMITS) == "3.123 < 5"
    assert clean.value(table, 1, "too soft", LIMITS) == "4.999 < 5"
    assert clean.value(table, 2, "turned too far", LIMITS) == "81 > 60"
    assert clean.value(table, 3, clean.GOOD, LIMITS) == clean.value(table, 3, clean.REJECTED, LIMITS) == ""


# near-duplicates


def alike(differences, clip="a", sharpness=None):
    """Faces whose tiny pictures differ from one another by known per cents of their contrast, each along its own direction."""
    rng = np.random.default_rng(1)
    ground = np.linalg.qr(rng.normal(0, 1, (256, 1 + len(differences))))[0]
    base = ground[:, 0] - ground[:, 0].mean()
    pictures = []
    for k, per_cent in enumerate(differences, 1):
        other = ground[:, k] - ground[:, k].mean()
        other -= base * (other @ base) / (base @ base)
        angle = 2 * np.arcsin(per_cent / 200)  # of two pictures at equal contrast
        pictures.append(np.cos(angle) * base / np.linalg.norm(base) + np.sin(angle) * other / np.linalg.norm(other))
    thumbs = np.array(pictures).reshape(-1, 16, 16)
    thumbs = (128 + thumbs / np.abs(thumbs).max() * 120).round()
    n = len(differences)
    return scores(n, thumb=thumbs, clip=np.full(n, clip, object), sharpness=sharpness or list(range(n, 0, -1)))


def reasons(table, within, **edits):
    limits = Clean(min_sharpness=0, near_duplicates=within)
    return [reason == clean.NEAR for reason in clean.decide(table, limits, Edits(**edits)).reason]


def test_of_faces_almost_the_same_the_sharpest_trains():
    table = alike([0, 4, 9, 20])
    assert reasons(table, 6) == [False, True, False, False] and reasons(table, 12) == [False, True, True, False]
    assert reasons(table, 3) == reasons(table, 0) == [False] * 4
    assert reasons(alike([0, 4], sharpness=[5, 9]), 6) == [True, False]


def test_brightness_and_contrast_make_no_face_another():
    table = alike([0, 0])
    thumbs = table.thumb.astype(float)
    thumbs[1] = thumbs[1] * 0.6 + 30
    assert reasons(scores(2, thumb=thumbs.round(), sharpness=[9, 8]), 6) == [False, True]


def test_faces_of_two_clips_are_not_compared():
    one, two = alike([0, 4]), alike([0, 4], clip="b")
    assert reasons(ScoreTable.concatenate([one, two]), 6) == [False, True, False, True]


def test_a_face_that_is_dropped_for_another_reason_stands_for_nobody():
    blurred = alike([0, 4], sharpness=[9, 8])
    soft = ScoreTable(**(blurred.columns() | {"motion_blur": [99, 0]}))
    assert reasons(soft, 6) == [False, False]
    assert reasons(blurred, 6, reject=(entry(0),)) == reasons(blurred, 6, swap_only=(entry(0),)) == [False, False]
    assert reasons(blurred, 6, keep=(entry(1),)) == [True, False]  # what is kept by hand stands first
    assert reasons(blurred, 6, keep=(entry(0), entry(1))) == [False, False]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 1300), st.floats(0.5, 45))
def test_what_stays_is_farther_apart_and_what_goes_is_near_it(seed, n, within):
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 40, n)
    thumbs = rng.integers(0, 255, (40, 16, 16))[places] + rng.integers(-30, 30, (n, 16, 16))
    table = scores(n, thumb=thumbs.clip(0, 255), sharpness=rng.uniform(6, 9, n))
    kept = rng.random(n) < 0.05
    drops = clean.near_duplicates(table, np.ones(n, bool), kept=kept, within=within)
    pictures = table.thumb.reshape(n, -1).astype(float)
    pictures = 100 * (pictures - pictures.mean(1, keepdims=True)) / pictures.std(1, keepdims=True) / 16
    stays = np.flatnonzero(~drops & ~kept)
    squares = (pictures**2).sum(1)
    apart = np.sqrt(np.maximum(squares[:, None] + squares - 2 * pictures @ pictures.T, 0))
    np.fill_diagonal(apart, np.inf)
    assert not (drops & kept).any()
    if len(stays) > 1:
        assert apart[np.ix_(stays, stays)].min() > within - 0.1
    if drops.any():
        assert apart[np.ix_(drops, ~drops)].min(1).max() < within + 0.1


def test_what_was_dropped_in_numbers():
    table = scores(4, sharpness=[1.0, 20, 20, 2], clip=np.array(["a", "a", "b", "b"], object))
    found = clean.summary(clean.decide(table, LIMITS, Edits(reject=(Entry("b", "000002_0", BOX, "x"),))), LIMITS)
    assert (found["faces"], found["train"], found["swapped"]) == (4, 1, 3)
    assert found["dropped"] == {
        "too soft": {"faces": 2, "setting": "clean.min_sharpness", "limit": 5},
        clean.REJECTED: {"faces": 1},
    }
    assert found["clips"] == {
        "a": {"faces": 2, "train": 1, "swapped": 2},
        "b": {"faces": 2, "train": 0, "swapped": 1},
    }


def test_duplicates_may_be_kept():
    limits = Clean(**{**LIMITS.model_dump(), "duplicates": "keep"})
    assert clean.decide(scores(duplicate=[True] * 6), limits, Edits()).use_train.all()


def test_faces_filled_in_may_train():
    table = scores(fitted=[True, False, True, True, False, True])
    assert clean.decide(table, LIMITS, Edits()).use_train.tolist() == table.fitted.tolist()
    assert clean.decide(table, Clean(**{**LIMITS.model_dump(), "filled": "keep"}), Edits()).use_train.all()


def test_chosen_looks_train_and_unknown_ones_are_one_line():
    table = scores(look=[1, 1, 2, 2, 3, 3])
    limits = Clean(near_duplicates=0)
    for looks, train in (([], [1] * 6), ([2], [0, 0, 1, 1, 0, 0]), ([3, 1], [1, 1, 0, 0, 1, 1])):
        decided = clean.decide(table, Clean(**(limits.model_dump() | {"looks": looks})), Edits())
        assert decided.use_train.astype(int).tolist() == train and decided.use_swap.all()
    with pytest.raises(SwapError, match=r"clean\.looks: expected looks from 1 to 3, which these faces have, got 4"):
        clean.decide(table, Clean(looks=[2, 4]), Edits())


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
    assert set(clean.LOOSEN) == {*clean.RULES, clean.NEAR}
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


# the script


@pytest.fixture
def run(root, tmp_path, monkeypatch):
    """f(table, edits, held, settings) runs the stage; gives decisions, the numbers, the page and the picture."""
    monkeypatch.syspath_prepend(str(root / "scripts"))
    script = importlib.import_module("clean")
    crop = np.full((128, 128, 3), 90, np.uint8)

    def go(table, text="", held=None, **settings):
        row = {"clip": "a", "file": "x.mp4", "sha256": "", "landmarks_xy": np.zeros((68, 2)), "score": 1.0, "frame": 0}
        row |= {"matrix": np.eye(2, 3), "size": 128, "centring": "legacy", "span": 0.5, "quality": {}, "track": 0}
        names = table.id if held is None else held
        pngs = [(n, store.face_png(crop, store.FaceRow.of(id=n, box_xyxy=BOX, **row))) for n in names]
        store.write_archive(tmp_path / "a.zip", pngs)
        store.write_table(tmp_path / "scores.parquet", table, {"person": "ann", "by": "sharpness", "group": "none"})
        (tmp_path / "ann.yaml").write_text(text)
        out = {"out": "decisions.parquet", "json": "dropped.json", "sheet": "dropped.jpg", "page": "faces.html"}
        out = {name: tmp_path / file for name, file in out.items()}
        given_ = {
            "person": "ann",
            "scores": tmp_path / "scores.parquet",
            "edits": [tmp_path / "ann.yaml"] if text else [],
        }
        archives = {"clips": ["a"], "archives": [tmp_path / "a.zip"]}
        script.main(argparse.Namespace(settings=json.dumps(settings), **given_, **archives, **out))
        pages = (tmp_path / "faces.html").read_text(encoding="utf-8")
        return (
            store.read_table(out["out"], DecisionTable),
            store.read_json(out["json"]),
            pages,
            store.read_picture(out["sheet"]),
        )

    return go


def test_the_stage_writes_decisions_numbers_a_picture_and_a_page(run):
    table = scores(sharpness=[1.0, 2, 20, 20, 20, 20], look=[1, 1, 1, 1, 2, 2])
    (decisions, meta), numbers, page, picture = run(table, f"keep:\n{LINE}\n", looks=[1], near_duplicates=0)
    assert decisions.use_train.tolist() == [False, True, True, True, False, False]
    assert meta == {"person": "ann", "counts": clean.counts(decisions)}
    assert numbers["person"] == "ann" and numbers["train"] == 3 and numbers["dropped"]["another look"]["limit"] == [1]
    assert '"keep":[["a","000001_0",[10,10,60,60]]]' in page and '"1 \\u003c 5"' in page and picture.size


@pytest.mark.parametrize(("text", "times"), [("", 1), ("identity: {a/0: ann}\n", 1), (f"keep:\n{LINE}\n", 2)])
def test_faces_are_compared_once_where_nothing_was_decided_by_hand(run, monkeypatch, text, times):
    called, decide = [], clean.decide
    monkeypatch.setattr(clean, "decide", lambda *given, **more: called.append(1) or decide(*given, **more))
    (decisions, _), _, page, _ = run(scores(sharpness=[20.0, 1, 20, 20, 20, 20]), text, near_duplicates=0)
    assert len(called) == times and '"train":[1,0,1,1,1,1]' in page
    assert decisions.use_train.tolist() == [True, times == 2, True, True, True, True]


def test_the_page_says_what_it_does_not_show(run):
    (decisions, _), _, page, _ = run(scores(), held=[f"{k:06d}_0" for k in range(4)])
    assert clean.counts(decisions)[clean.TAKEN_OUT] == 2
    assert '"note":"2 more were taken out of the archives."' in page and "000005_0" not in page
    (decisions, _), numbers, page, _ = run(scores(), held=[])
    assert not decisions.use_train.any() and decisions.use_swap.all() and numbers["train"] == 0
