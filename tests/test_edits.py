from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swapcore import edits
from swapcore.errors import SwapError
from swapcore.types import FaceSet

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


# whose a track is


def identity(text, person="ann"):
    return edits.read(f"identity:{text}", where="config/edits/ann.yaml", person=person).identity


def test_tracks_are_named_by_a_face_or_by_number():
    found = identity(f"""
- {FACE}
- {FACE[:-1]}, person: nobody}}
- a1/3: bob
- a_2/12: {{person: nobody, frames: [4, 90]}}
""")
    assert [(t.clip, t.person, t.number, t.frames) for t in found] == [
        ("a1", "ann", None, None),
        ("a1", "nobody", None, None),
        ("a1", "bob", 3, None),
        ("a_2", "nobody", 12, (4, 90)),
    ]
    assert found[0].face.face == "000012_0" and found[2].face is None
    mapped = identity(" {a1/3: bob,\n  a_2/12: nobody}")
    assert [(t.clip, t.number, t.person) for t in mapped] == [("a1", 3, "bob"), ("a_2", 12, "nobody")]
    assert "identity, line 2" in mapped[1].where
    # Snakemake compares these: they say all that counts, and not where it stands
    assert len({str(t) for t in found}) == 4 and not any("line" in str(t) for t in found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" {a1: bob}", "expected `{clip"),
        (" {a1/x: bob}", "expected `{clip"),
        (" {a1/3: [bob]}", "expected `{clip"),
        (" {a1/3: {person: bob, faces: 3}}", "expected `{clip"),
        (" {a1/3: }", "a person's name or nobody for a1/3"),
        (" {a1/3: {frames: [1, 2]}}", "a person's name or nobody for a1/3"),
        (" {a1/3: {person: bob, frames: [9, 2]}}", "expected frames: [first, last]"),
        (" {a1/3: {person: bob, frames: 9}}", "expected frames: [first, last]"),
        (" {a1/3: bob, a1/3: ann}", "line 1: a1/3 stands here a second time"),
        ("\n- {a1/3: bob, a1/4: ann}", "expected `{clip"),
        (f"\n- {FACE[:-1]}, person: [x]}}", "expected a person's name or nobody"),
        ("\n- 3", "expected `{clip"),
    ],
)
def test_a_mistake_in_a_track_is_one_line(text, words):
    with pytest.raises(SwapError) as caught:
        identity(text)
    assert words in str(caught.value) and "config/edits/ann.yaml" in str(caught.value) and "line" in str(caught.value)


PEOPLE = {
    "people": ["ann", "bob", "eve"],
    "refused": ["eve"],
    "clips": {"a1": ["ann"], "both": ["ann", "bob"], "new": []},
}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" {a9/3: ann}", "no clip is called a9; correct"),
        (" {a1/3: anne}", "nobody is called anne in config.yaml (did you mean ann?)"),
        (" {a1/3: bob}", "bob is not among the people of clip a1 (ann); add the name in clips.tsv"),
        (" {new/3: bob}", "bob is not among the people of clip new (?)"),
        (
            "\n- both/3: bob\n- both/3: nobody",
            "line 3: track 3 of clip both is bob's in config/edits/ann.yaml, identity, line 2",
        ),
        (f"\n- {FACE}\n- {FACE[:-1]}, person: nobody}}", "face 000012_0 of clip a1 is ann's in"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_job(text, words):
    with pytest.raises(SwapError) as caught:
        edits.check_tracks(identity(text), **PEOPLE)
    assert words in str(caught.value) and "config/edits/ann.yaml, identity, line" in str(caught.value)


def test_nobody_and_the_refused_may_be_in_any_clip():
    edits.check_tracks(identity(" {both/1: ann, both/2: bob, new/1: nobody, a1/1: eve}"), **PEOPLE)


def clip_faces():
    made = {name: np.zeros((5, *value.shape[1:]), value.dtype) for name, value in FaceSet.empty().columns().items()}
    made |= {"id": np.array([f"{n:06d}_0" for n in range(10, 15)], object), "frame": np.arange(10, 15)}
    made |= {"track": np.array([0, 0, 0, 3, 3]), "box_xyxy": np.tile(np.float32([10, 20, 30, 60]), (5, 1))}
    return FaceSet(**made)


def test_a_track_named_by_number_is_all_of_its_faces():
    found = identity(f"\n- a1/3: bob\n- {FACE}\n- b1/0: bob")
    assert edits.decided(found, clip="a1", faces=clip_faces()) == {3: "bob", 4: "bob", 2: "ann"}
    found = identity(" {a1/3: {person: nobody, frames: [12, 14]}}")
    assert edits.decided(found, clip="a1", faces=clip_faces()) == {3: "", 4: ""}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (" {a1/1: ann}", "clip a1 has no track 1 now"),
        (" {a1/3: {person: ann, frames: [0, 13]}}", "track 3 of clip a1 is now in frames 13 to 14, not 0 to 13"),
        (f"\n- a1/0: bob\n- {FACE}", "line 3: face 000012_0 of clip a1 is also bob's"),
        (f"\n- {FACE.replace('12_0', '99_0')}", "has no face 000099_0"),
    ],
)
def test_a_track_that_is_no_longer_there_stops_the_run(text, words):
    with pytest.raises(SwapError) as caught:
        edits.decided(identity(text), clip="a1", faces=clip_faces())
    assert words in str(caught.value) and "config/edits/ann.yaml, identity, line" in str(caught.value)


@given(st.text(max_size=30).map(lambda name: f"{name}_0"))
@example('photo "x"\\_0')
@example("\x85\u2028\ufeff_0")
def test_a_line_is_read_as_it_was_written(face):
    text = "identity:\n" + edits.line("a1", face, np.array([1.4, 2, 30.6, 40]))
    (track,) = edits.read(text, where="x", person="ann").identity
    assert (track.face.face, track.face.box_xyxy) == (face, (1, 2, 31, 40))


@pytest.mark.parametrize("heading", edits.LISTS)
def test_faces_that_cannot_be_the_persons_are_known_before_any_job(heading):
    text = f"{heading}:\n- {{clip: %s, face: 000001_0, box: [1, 2, 30, 40]}}\n"
    clips = {"stunt": ["lead"], "crowd": [], "both": ["lead", "double"]}

    def check(clip, person):
        edits.check_faces(edits.read(text % clip, where="x.yaml"), person=person, clips=clips)

    check("both", "double")
    for clip, said in (
        ("stnut", f"x.yaml, {heading}, line 2: no clip is called stnut (did you mean stunt?); correct"),
        ("stunt", f"x.yaml, {heading}, line 2: double is not among the people of clip stunt (lead); correct"),
        ("crowd", "of clip crowd (?); correct or delete this line"),
    ):
        with pytest.raises(SwapError) as caught:
            check(clip, "double")
        assert said in str(caught.value)
