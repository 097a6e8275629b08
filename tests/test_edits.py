from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swapcore import edits
from swapcore.errors import SwapError

FACE = "{clip: a1, face: 000012_0, box: [10, 20, 30, 60]}"


def test_lists_are_read_and_a_bare_id_stays_an_id():
    found = edits.read(f"reject:\n- {FACE}\nkeep:\nidentity: []\n", where="config/edits/ann.yaml")
    assert found.reject[0].face == "000012_0"  # YAML 1.1 would read the octal number 80
    assert found.reject[0].box_xyxy == (10, 20, 30, 60) and not found.keep + found.swap_only + found.identity
    assert edits.read("", where="x") == edits.Edits()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rejct: []", "unknown list 'rejct'"),
        ("- 1", "expected a heading such as `reject:` above the lines"),
        ("reject: all", "expected a list"),
        ("reject: [a", "expected YAML"),
        ("reject: [{clip: a1}]", "expected `{clip"),
        ("reject: [{clip: a1, face: 12, box: [1, 2, 3, 4]}]", "id such as 000012_0"),
        ("reject: [{clip: a1, face: 000012_0, box: [1, 2, 3]}]", "expected box"),
        ("reject: [{clip: a1, face: 000012_0, box: [1, 2, nan, 4]}]", "expected box"),
        ("reject: [{clip: a1, face: 000012_0, box: [9, 2, 3, 4]}]", "expected box"),
        (f"reject: [{FACE}]\nkeep: [{FACE}]", "is in reject and in keep"),
        (f"reject: [{FACE}]\nkeep: []\nreject: []", "line 3: reject stands here a second time"),
        ("reject:\n- {clip: a1, clip: a2}", "line 2: clip stands here a second time"),
        (f"keep:\n- {FACE}\n\n- {{clip: a1}}", "keep, line 4"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_file(text, words):
    with pytest.raises(SwapError) as caught:
        edits.read(text, where="config/edits/ann.yaml")
    assert words in str(caught.value) and "config/edits/ann.yaml" in str(caught.value) and "\n" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(SwapError):
        assert isinstance(edits.read(text, where="x"), edits.Edits)


IDS = np.array(["000011_0", "000012_0"], object)
BOXES = np.array([[10, 20, 30, 60], [12, 20, 31, 58]], float)


def test_an_edit_is_for_the_face_it_was_written_for():
    entry = edits.read(f"reject: [{FACE}]", where="x").reject[0]
    assert edits.match(entry, ids=IDS, boxes_xyxy=BOXES) == 1
    assert "line" not in str(entry)  # Snakemake compares it: a comment above must not count as a change
    with pytest.raises(SwapError, match=r"x, reject, line 1.*is now at"):
        edits.match(entry, ids=IDS, boxes_xyxy=BOXES + 15)
    with pytest.raises(SwapError, match="has no face 000012_0"):
        edits.match(entry, ids=IDS[:1], boxes_xyxy=BOXES[:1])


def test_overlap():
    assert edits.iou([0, 0, 2, 2], [1, 0, 3, 2]) == pytest.approx(1 / 3)
    assert edits.iou([0, 0, 1, 1], [2, 2, 3, 3]) == 0
