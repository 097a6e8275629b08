from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_clean import scores

from swapcore import dataset
from swapcore.errors import SwapError
from swapcore.types import DatasetTable, DecisionTable


def decisions(table, train):
    train = np.array(train, bool)
    reason = np.where(train, "good", "too soft").astype(object)
    return DecisionTable(
        clip=table.clip, id=table.id, use_train=train, use_swap=np.ones(len(train), bool), reason=reason
    )


def digest_of(clip, name):
    return f"digest of {clip} {name}"


def test_only_faces_that_train_in_an_order_of_names():
    table = scores(4, clip=np.array(["b", "a", "a", "b"], object), id=np.array(["2_0", "9_0", "1_0", "1_0"], object))
    found = dataset.build(table, decisions(table, [1, 1, 0, 1]), most=99, digest_of=digest_of)
    assert list(zip(found.clip, found.id, strict=True)) == [("a", "9_0"), ("b", "1_0"), ("b", "2_0")]
    assert found.digest[0] == "digest of a 9_0"


def test_faces_of_another_table_are_refused():
    with pytest.raises(ValueError, match="different faces"):
        dataset.build(scores(3), decisions(scores(4), [1] * 4), most=9, digest_of=digest_of)


def test_rare_poses_are_kept_when_frequent_ones_are_thinned():
    yaw = np.array([0.0] * 95 + [50, -50, 62, -62, 35])
    rows = dataset.thin(yaw, np.zeros(100), most=20)
    assert len(rows) == 20 and set(range(95, 100)) <= set(rows.tolist())
    assert np.diff(rows[rows < 95]).max() <= 16, "the frequent pose is spread over the clip"


@given(st.lists(st.floats(-90, 90), max_size=80), st.integers(1, 50))
def test_thinning_keeps_as_many_as_it_may(yaw, most):
    yaw = np.array(yaw)
    rows = dataset.thin(yaw, np.zeros(len(yaw)), most=most)
    assert len(rows) == min(len(yaw), most) == len(set(rows.tolist())) and sorted(rows.tolist()) == rows.tolist()


def table(n):
    names = np.array([f"{i}_0" for i in range(n)], object)
    return DatasetTable(
        clip=np.full(n, "a", object), id=names, digest=names, yaw=np.linspace(-80, 80, n), pitch=np.zeros(n)
    )


def test_the_digest_depends_on_names_and_contents_alone():
    whole = table(5)
    assert dataset.digest(whole) == dataset.digest(whole.select(np.array([3, 1, 0, 4, 2])))
    assert dataset.digest(whole) != dataset.digest(whole.select(slice(0, 4)))
    other = DatasetTable(**{**whole.columns(), "digest": np.array(["x", *whole.digest[1:]], object)})
    assert dataset.digest(whole) != dataset.digest(other)


def test_coverage_counts_every_face_and_says_it_in_words():
    far = DatasetTable(**{**table(9).columns(), "pitch": np.full(9, 99.0)})
    assert sum(map(sum, dataset.coverage(far)["faces"])) == 9
    assert "9 faces" in dataset.in_words(far) and "44 % look to the image's left" in dataset.in_words(far)


def test_crops_of_one_shape_only():
    assert dataset.one_geometry({(256, "legacy", 0.5): {"a": 3, "b": 1}}, person="ann") == (256, "legacy", 0.5)
    mixed = {(256, "legacy", 0.5): {"a": 300}, (512, "face", 0.25): {"b": 9}, (128, "legacy", 0.5): {"c": 5, "a": 1}}
    said = r"person ann: .*128 px legacy, span 0.5 in a, c; 256 px .* in a; 512 px face, .* in b; delete the faces.zip of a, b, c"
    with pytest.raises(SwapError, match=said):
        dataset.one_geometry(mixed, person="ann")
