"""The visible note, the metadata, the sidecar, and the script that refuses a composite without its note."""

from __future__ import annotations

import json
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelling import OPENING, TEXT, composite, labelled, made_project, scene

from swapcore import label, store, video
from swapcore.errors import SwapError
from swapcore.label.note import _plate
from swapcore.types import ClipInfo, FrameTable

LONG = "Synthetic: the face of one of the people in this scene was replaced by another's"
SIZES = [(320, 320), (640, 360), (360, 640), (1920, 1080), (3840, 2160), (1000, 200)]


# the visible note


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("text", [TEXT, LONG])
def test_the_note_is_small_and_at_the_bottom_left(size, text):
    frame = scene(*size)
    before = frame.copy()
    noted = label.note(frame, text)
    assert np.array_equal(frame, before) and noted.shape == frame.shape and noted.dtype == np.uint8
    rows, columns = np.nonzero((noted != frame).any(-1))
    width, height = size
    box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert 0.005 < box / (width * height) <= 0.085
    assert rows.min() > height * 0.6 and columns.min() < width * 0.05


@pytest.mark.parametrize("size", SIZES)
def test_letters_are_as_high_as_the_standard_asks(size):
    letters, _ = _plate(TEXT, *size)
    rows = np.flatnonzero((letters > 0.5).any(1))
    assert np.ptp(rows) + 1 >= 0.05 * min(size) * 0.8, "from the tops of S and h to the foot of y and p"
    assert (letters > 0.9).any() and ((letters > 0.1) & (letters < 0.9)).any(), "anti-aliased"


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p", "gbrp", "gray"])
@pytest.mark.parametrize("transfer", [1, 16, 18])
def test_the_note_in_a_picture_is_that_of_a_frame(pix_fmt, transfer):
    """It is found, it is where that of `note` is, and no other sample changed; white is that of the transfer."""
    layout = video.Layout(323, 241, pix_fmt, transfer=transfer)
    frame = scene(323, 241)
    before = video.from_bgr(frame, layout)
    after = label.note_picture(before, TEXT)
    assert label.shows_note(np.rint(video.to_bgr(after) * 255).astype(np.uint8), TEXT)
    assert not label.shows_note(np.rint(video.to_bgr(before) * 255).astype(np.uint8), TEXT)
    box = (label.note(frame, TEXT) != frame).any(-1).astype(np.float32)
    for k, (old, new) in enumerate(zip(before.planes, after.planes, strict=True)):
        away = video.block_means(box, 0, 0, layout, k)[2] == 0
        rows = np.flatnonzero(~away.all(1))
        away[rows.min() : rows.max() + 1] = False  # inside the box a pixel may come out as it was
        np.testing.assert_array_equal(new[away], old[away])
    white = 240 / 255 * (video.CURVES[transfer].white if transfer in video.CURVES else 1)
    wanted = layout.values(np.full((1, 1, 3), white, np.float32))[0, 0, 0]
    assert after.planes[0][box > 0].max() == pytest.approx(wanted, rel=0.02)


@given(st.integers(16, 700), st.integers(16, 700), st.text(min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_fits_any_picture(width, height, text):
    noted = label.note(np.full((height, width, 3), 90, np.uint8), f"Synthetic {text}")
    assert noted.shape == (height, width, 3) and (noted != 90).any()
    if min(width, height) >= 64:
        assert label.shows_note(noted, f"Synthetic {text}")


@pytest.mark.parametrize("seed", range(8))
def test_the_note_is_recognised_and_its_absence_too(seed):
    frame = scene(480, 360, seed)
    noted = label.note(frame, TEXT)
    assert label.shows_note(noted, TEXT)
    assert not label.shows_note(frame, TEXT)
    assert not label.shows_note(label.note(frame, "Synthetic, but something else"), TEXT)
    assert not label.shows_note(np.zeros_like(frame), TEXT) and not label.shows_note(255 - 0 * frame, TEXT)


@pytest.mark.parametrize("quality", [95, 50, 15])
def test_the_note_is_recognised_after_compression(quality):
    data = store.encode_picture(label.note(scene(320, 240), TEXT), ".jpg", quality=quality)
    assert label.shows_note(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), TEXT)


TIMES = np.array([600, 620, 660, 1000, 2599, 2600, 3000])


@pytest.mark.parametrize(
    ("mode", "seconds", "covered"),
    [("opening", 2.0, 5), ("opening", 0.02, 1), ("opening", 60, 7), ("always", 2.0, 7), ("off", 2.0, 0)],
)
def test_which_frames_carry_the_note(mode, seconds, covered):
    found = label.covers(TIMES, time_base=Fraction(1, 1000), mode=mode, seconds=seconds)
    assert found.tolist() == [k < covered for k in range(7)]


def test_a_few_frames_are_looked_at_the_first_and_last_among_them():
    covered = np.arange(100) < 50
    assert label.looked_at(covered) >= {0, 49} and len(label.looked_at(covered)) == 5
    assert label.looked_at(covered) <= set(range(50))
    assert label.looked_at(np.arange(9) < 2) == {0, 1} and label.looked_at(np.zeros(9, bool)) == set()


# metadata


@pytest.mark.parametrize("other", [{"mode": "always"}, {"text": "Synthetic!"}, {"seconds": 3.0}])
def test_a_record_of_another_note_is_refused(other):
    asked = {"mode": "opening", "text": TEXT, "seconds": 2.0}
    found = label.note_record(**{**asked, **other})
    with pytest.raises(SwapError, match=r"v.mkv: the settings ask for the note .*opening.* run snakemake again"):
        label.check_record(found, **asked, where="v.mkv")
    label.check_record(label.note_record(**asked), **asked, where="v.mkv")
    with pytest.raises(SwapError, match="says nothing of one"):
        label.check_record({}, **asked, where="v.mkv")


def test_the_metadata_say_that_the_video_is_synthetic():
    record = label.note_record(mode="always", text=TEXT, seconds=2.0)
    found = label.metadata(producer="Film Ltd", content_sha256="ab" * 32, record=record)
    assert "synthetic" in found["title"].lower() and "synthetic" in found["comment"].lower()
    assert label.TOOL in found["comment"]
    aigc = json.loads(found["AIGC"])
    keys = ("Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID")
    assert list(aigc) == [*keys, "ReservedCode2"] and all(isinstance(v, str) for v in aigc.values())
    assert label.marks().items() <= found.items(), "a composite says the same"
    assert aigc["Label"] == "1" and aigc["ContentProducer"] == "Film Ltd" and "abab" in aigc["ProduceID"]


def test_without_a_producer_the_label_says_so():
    assert "not stated" in label.aigc(producer=" ", content_sha256="0" * 64)["ContentProducer"]


# the sidecar


FRAMES = FrameTable(
    number=np.arange(5, 9),
    pts=np.arange(4) * 40,
    key=np.ones(4, bool),
    shot=np.zeros(4),
    duplicate=np.zeros(4, bool),
    decoded=np.arange(4),
    damaged=np.zeros(4, bool),
    name=[""] * 4,
)
INFO = ClipInfo("stunt", 64, 48, Fraction(1, 1000), Fraction(25))


def sidecar(**other):
    given = {
        "video": {"name": "scene1", "file": "video.mp4", "sha256": "aa", "content_sha256": "bb"},
        "clip": {"name": "stunt", "file": "film/stunt.mp4", "sha256": "cc", "start": 0.2, "end": None},
        "frames": FRAMES,
        "info": INFO,
        "origin": 0,
        "swaps": [{"name": "ann_onto_bob", "source": "ann", "target": "bob"}],
        "trained": {"ann_onto_bob": {"model": "small", "steps": 40, "weights": {"file": "weights.h5", "sha256": "dd"}}},
        "consents": {"ann": {"basis": "synthetic"}, "bob": {"basis": "self", "by": "Bob"}},
        "note": {"mode": "opening", "text": TEXT, "seconds": 2.0, "reason": ""},
        "metadata": {"comment": "Synthetic"},
        "settings": {"convert": {"mask": "extended"}},
        "inputs": [{"file": "x", "sha256": "ee"}],
        "credentials": {"self_made": True},
    }
    return label.provenance(**{**given, **other})


def test_the_sidecar_holds_what_made_the_video():
    found = sidecar()
    assert json.loads(json.dumps(found)) == found
    assert found["synthetic"] is True and found["tool"]["version"]
    assert found["swaps"] == [
        {
            **{"name": "ann_onto_bob", "source": "ann", "target": "bob", "model": "small", "steps": 40},
            "weights": {"file": "weights.h5", "sha256": "dd"},
        }
    ]
    assert found["consents"]["bob"] == {"basis": "self", "by": "Bob"}
    assert (found["clip"]["first_frame"], found["clip"]["last_frame"], found["video"]["frames"]) == (5, 8, 4)
    assert found["note"] == {"mode": "opening", "text": TEXT, "seconds": 2.0, "frames": 4}


def test_a_swap_back_rests_on_the_other_ones_model():
    """Whose face is shown, and whose dataset it was learnt from, are of the way back."""
    facts = {"swap": "ann_onto_bob", "source": "ann", "target": "bob", "weights": {"sha256": "dd"}}
    facts |= {"datasets": {"source": "of ann", "target": "of bob"}}
    back = {"name": "ann_onto_bob_back", "source": "bob", "target": "ann", "back_of": "ann_onto_bob"}
    forth = {"name": "ann_onto_bob", "source": "ann", "target": "bob"}
    (made, other) = sidecar(swaps=[back, forth], trained={"ann_onto_bob_back": facts, "ann_onto_bob": facts})["swaps"]
    assert made == {**back, "weights": {"sha256": "dd"}, "datasets": {"source": "of bob", "target": "of ann"}}
    assert other == {**forth, "weights": {"sha256": "dd"}, "datasets": facts["datasets"]}


def test_a_note_that_is_off_leaves_its_reason():
    note = {"mode": "off", "text": TEXT, "seconds": 2.0, "reason": "training set of a detector"}
    assert sidecar(note=note)["note"] == {"mode": "off", "reason": "training set of a detector", "frames": 0}


@pytest.mark.parametrize(
    ("other", "words"),
    [({"consents": {"ann": {"basis": "synthetic"}}}, "no consent record of bob"), ({"trained": {}}, "no trained.json")],
)
def test_a_gap_in_the_sidecar_is_refused(other, words):
    with pytest.raises(SwapError, match=words):
        sidecar(**other)


def test_inputs_outside_the_project_go_by_their_name(tmp_path, monkeypatch):
    (tmp_path / "a.bin").write_bytes(b"1")
    monkeypatch.chdir(tmp_path)
    assert label.input_record("a.bin")["file"] == "a.bin"
    found = label.input_record(tmp_path / "a.bin")
    assert found["file"] == "a.bin" and len(found["sha256"]) == 64


@pytest.mark.parametrize("whole", [False, True])
def test_an_input_from_a_bucket_goes_by_its_address(tmp_path, monkeypatch, whole):
    """Also where Snakemake was started elsewhere, and so names the copy that it fetched by its whole path."""
    copy = tmp_path / "project/.snakemake/storage/s3/films/a/b.bin"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"1")
    monkeypatch.chdir(tmp_path / "project")
    place = copy if whole else copy.relative_to(tmp_path / "project")
    assert label.input_record(place)["file"] == "s3://films/a/b.bin"


# the scripts


@pytest.fixture(scope="module")
def project(tmp_path_factory, root):
    """A clip of 3 s with sound, its frame table made by the script, and a trained.json."""
    return made_project(tmp_path_factory.mktemp("label"), root)


def test_the_script_labels_a_composite(root, project):
    composite(project, drawn=lambda k: k < 50, record=label.note_record(**OPENING))
    done = labelled(root, project)
    assert done.returncode == 0, done.stderr
    first = (project / "video.mp4").read_bytes(), (project / "provenance.json").read_bytes()
    found = json.loads(first[1])
    assert found["video"]["sha256"] == store.sha256(project / "video.mp4")
    assert found["video"]["content_sha256"] == video.content_digest(project / "video.mp4")
    assert found["clip"]["sha256"] == store.sha256(project / "clip.mp4")
    assert found["inputs"][-1]["clip_sha256"] == found["clip"]["sha256"]
    assert found["clip"]["left_out"] == [] and found["clip"]["damage"]["damaged"] == 0
    said = video.read_metadata(project / "video.mp4")
    assert all(said[key.lower()] == value for key, value in found["video"]["metadata"].items())
    assert str(project) not in first[1].decode(), "no path of this machine"
    frames, info = video.index(
        project / "video.mp4", name="x", start=None, end=None, shot_threshold=30.0, duplicate_threshold=0.05
    )
    table, _ = store.read_table(project / "frames.parquet", FrameTable)
    assert frames.pts.tolist() == (table.pts - table.pts[0]).tolist(), "a clip cut at its front begins at 0"
    assert info.time_base == Fraction(found["video"]["time_base"])
    assert labelled(root, project).returncode == 0
    again = json.loads((project / "provenance.json").read_text())
    assert again["video"].pop("sha256") != found["video"].pop("sha256"), "salts and signature"
    assert again == found, "reproducible"
    assert len((project / "video.mp4").read_bytes()) == len(first[0])
    assert not list(project.glob(".*")), "nothing is left beside"


@pytest.mark.parametrize(
    ("drawn", "record", "words"),
    [
        (lambda k: False, label.note_record(**OPENING), "frame 0 does not show it"),
        (lambda k: k < 20, label.note_record(**OPENING), "does not show it, so no video is written"),
        (lambda k: k < 50, {}, "says nothing of one"),
        (lambda k: False, label.note_record(mode="off", text="", seconds=2.0), "the settings ask for the note"),
    ],
)
def test_the_script_refuses_a_composite_without_its_note(root, project, drawn, record, words):
    composite(project, drawn=drawn, record=record)
    for file in ("video.mp4", "provenance.json"):
        (project / file).unlink(missing_ok=True)
    done = labelled(root, project)
    assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr
    assert not (project / "video.mp4").exists() and not (project / "provenance.json").exists()


def test_a_note_may_be_off_for_a_reason(root, project):
    composite(project, drawn=lambda k: False, record=label.note_record(mode="off", text="", seconds=2.0))
    done = labelled(root, project, '{"note": "off", "note_reason": "training set of a detector"}')
    assert done.returncode == 0, done.stderr
    assert json.loads((project / "provenance.json").read_text())["note"]["reason"] == "training set of a detector"
