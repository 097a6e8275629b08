from __future__ import annotations

import argparse
import base64
import importlib
import json
import re
from fractions import Fraction

import cv2
import numpy as np
import pytest
from analytic import face

from swapcore import convert, label, measure, pages, store, video
from swapcore.pages import measures as page
from swapcore.pages import words
from swapcore.types import Changed, ClipInfo, DecisionTable, FaceSet, FrameTable, PeopleTable

SWAPS = [{"name": "ann_onto_bob", "source": "ann", "target": "bob"}]


def row(value, **more):
    common = {
        "unit": "ratio",
        "better": "lower",
        "baseline": None,
        "of": "what it is",
        "swaps": {"ann_onto_bob": value},
    }
    return {"value": value, **common, **more}


TOLD = {
    "identity_distance": row(0.5, unit="dlib embedding, Euclidean", baseline=0.8, source_real=0.3),
    "sharpness_ratio": row(0.22, better="nearer the baseline", baseline=1.0),
    "seam": row(None, unit="CIEDE2000"),
    "worst": [
        {
            **{"frame": 7, "swap": "ann_onto_bob", "metric": "sharpness_ratio", "value": 0.11, "baseline": 1.0},
            "why": "the softest face of all",
        }
    ],
    "note": "Over 48 frames.",
}
ABOUT = {"video": "v", "clip": "b1", "swaps": SWAPS, "frames": 50, "tool": label.TOOL, "marks": label.marks()}
TILES = np.full((300, 300, 3), 60, np.uint8), np.full((300, 300, 3), 200, np.uint8)


def built(told=TOLD, **changed):
    shown = [page.Worst(one, *TILES, "00:00:00:07") for one in told["worst"]]
    return page.build(told, shown, **(ABOUT | changed))


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.S)).replace("&#x27;", "'")


def pictures(html):
    return [base64.b64decode(data) for data in re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)]


# what is in the file


def test_a_page_is_one_file_that_needs_nothing_else():
    html = built()
    assert not re.search(r'(src|href)="(?!data:)', html) and "http" not in html.replace("http-equiv", "")
    assert "<script" not in html and "default-src 'none'" in html and "@import" not in html


def test_a_measure_stands_with_what_it_compares_to():
    said = text_of(built())
    assert re.search(r"Distance to the source .* 0\.50 0\.80 0\.30 lower", said)
    assert re.search(r"Fine detail in the face .* 0\.22 1\.00 – near the target's", said)
    assert "Could not be told of this video: visible edge." in said and "Over 48 frames." in said


def test_columns_of_each_swap_and_of_real_frames_only_where_there_are_any():
    told = {**TOLD, "identity_distance": {k: v for k, v in TOLD["identity_distance"].items() if k != "source_real"}}
    assert "real frames of the source" not in text_of(built(told)) and "ann_onto_bob target" not in text_of(built(told))
    two = [*SWAPS, {"name": "cy_onto_di", "source": "cy", "target": "di"}]
    assert "swapped ann_onto_bob cy_onto_di target left as it is" in text_of(built(swaps=two))


def test_alarms_come_first():
    html = built({**TOLD, "identity_distance": row(0.1, baseline=0.8, alarm="it fools the judge <x>")})
    assert html.index("it fools the judge &lt;x&gt;") < html.index("What was measured</h2>")
    assert "Alarm" not in text_of(built())


def test_the_worst_frames_are_seen_before_and_after_and_say_that_they_are_synthetic():
    html = built()
    before, after = pictures(html)
    tones = [cv2.imdecode(np.frombuffer(data, np.uint8), 1).mean() for data in (before, after)]
    assert tones == pytest.approx([60, 200], abs=1)
    assert b"DigitalSourceType" in after and b"DigitalSourceType" not in before
    said = text_of(html)
    assert (
        "00:00:00:07 frame 7 1. The softest face of all" in said
        and "(synthetic)" in said
        and "enlarged 1.8 times" in said
    )
    assert "Fine detail in the face: 0.11" in said and "left as it is 1.00" not in said


def test_without_worst_frames_the_page_stands():
    assert "The worst" not in text_of(built({**TOLD, "worst": []}))


def test_the_mask_of_each_shot_and_what_is_worth_painting():
    shot = {"swap": "ann_onto_bob", "frames": [3, 90], "chosen": "smooth", "why": "wrinkles show <here>"}
    by_hand = [{"face": "000012_0", "frame": 12, "why": "the parser is unsure of 60 % of it"}]
    said = text_of(built(foreheads={"shots": [shot], "by_hand": by_hand}))
    assert "3 to 90" in said and "the wrinkles above are taken out" in said and "&lt;here&gt;" in said
    assert "config/edits/masks/b1/000012_0.png" in said
    assert "worth painting" not in text_of(built(foreheads={"shots": [shot], "by_hand": []}))
    assert "Where the swapped face ends" not in text_of(built())


def test_names_and_words_from_outside_are_text():
    told = {
        **TOLD,
        "note": "<b>n</b>",
        "worst": [{**TOLD["worst"][0], "why": "<img src=x>"}],
        "odd<i>": row(1.0, of="<u>"),
    }
    html = built(told, video="<s>", clip="<em>")
    assert not re.search(r"<(b>n|img src=x|i>|u>|s>|em>)", html) and "odd&lt;i&gt;" in html


# words


@pytest.mark.parametrize("name", words.WORDS)
def test_words_are_of_a_group_and_explain(name):
    assert words.WORDS[name].group in words.GROUPS and words.WORDS[name].about.endswith(".")


@pytest.mark.parametrize("name", measure.METRICS)
def test_every_metric_is_in_the_table(name):
    known = words.WORDS.get(name)
    assert f"<td>{known.label if known else name.replace('_', ' ')}<" in built({**TOLD, name: row(1.0)})


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.5205, "dlib embedding, Euclidean", "0.52"),
        (47.1975, "dB", "47.2 dB"),
        (0.0123, "ratio", "0.012"),
        (3.26, "degrees", "3.3°"),
        (12.34, "per cent of an eye's width", "12.3 %"),
        (None, "dB", "–"),
        (0.0, "ratio", "0.00"),
        (123.4, "x", "123"),
        (1.0, "place", "1"),
        (21.6458, "place", "21.6"),
    ],
)
def test_numbers_as_people_read_them(value, unit, text):
    assert words.shown(value, unit) == text


@pytest.mark.parametrize(
    ("now", "before", "real", "said"),
    [
        (0.35, 0.8, 0.3, "most of the way from bob to ann"),
        (0.5, 0.8, 0.3, "more than half of the way"),
        (0.7, 0.8, 0.3, "less than half of the way"),
        (0.9, 0.8, 0.3, "no nearer to the source"),
        (0.2, 0.8, 0.3, "trust the eye"),
        (0.5, 0.8, None, "has moved from bob to ann"),
    ],
)
def test_the_verdict_says_how_far_the_face_has_gone(now, before, real, said):
    (line,) = words.in_words({"identity_distance": row(now, baseline=before, source_real=real)}, SWAPS)
    assert said in line and f"{now:.2f}" in line


def test_the_verdict_names_what_is_seen_and_nothing_else():
    bad = {"sharpness_ratio": row(0.22), "warp_error_ratio": row(1.8), "seam": row(4.0)}
    said = " ".join(words.in_words(bad, SWAPS))
    assert "22 % of the original’s fine detail" in said and "1.8 times as restless" in said and "edge shows" in said
    assert words.in_words({"sharpness_ratio": row(1.0), "warp_error_ratio": row(1.0), "seam": row(0.1)}, SWAPS) == []
    told = words.in_words({"second_distance": row(0.13, source_real=0.15)}, SWAPS)
    assert "trust the eye" in told[0] and not words.in_words({"second_distance": row(0.2, source_real=0.15)}, SWAPS)
    assert words.in_words({"flicker_ratio": row(0.5)}, SWAPS)[0].startswith("It changes 50 %")


# where and when


def test_a_face_is_shown_whole_and_within_its_frame():
    for centre in ((100, 90), (5, 5), (395, 295)):
        rows, columns = page.around(face(centre_xy=centre, radius=40), (400, 300))
        assert rows.stop - rows.start == columns.stop - columns.start > 90
        assert rows.start >= 0 and rows.stop <= 300 and columns.start >= 0 and columns.stop <= 400
    middle = page.around(face(centre_xy=(200, 150), radius=40), (400, 300))
    assert abs((middle[1].start + middle[1].stop) / 2 - 200) < 6
    assert page.fitted(np.zeros((33, 33, 3), np.uint8)).shape == (page.SIDE, page.SIDE, 3)


@pytest.mark.parametrize(
    ("place", "pts", "base", "rate", "text"),
    [
        (90, np.arange(100), Fraction(1, 25), Fraction(25), "00:00:03:15"),
        (1799, np.arange(2000) * 1001, Fraction(1, 30000), Fraction(30000, 1001), "00:00:59:29"),
        (25 * 3600 * 2, np.arange(25 * 3600 * 2 + 1), Fraction(1, 25), Fraction(25), "02:00:00:00"),
        (2, np.array([0, 40, 1500]), Fraction(1, 1000), Fraction(25), "00:00:01.500"),
        (0, np.array([7]), Fraction(1, 25), Fraction(25), "00:00:00:00"),
    ],
)
def test_times_as_an_editor_reads_them(place, pts, base, rate, text):
    assert page.timecode(place, pts, base, rate) == text


# the stage


def test_the_stage_shows_the_worst_frame_around_the_swapped_face(root, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "scripts"))
    count, landmarks = 10, face(centre_xy=(300, 120), radius=40)
    info = ClipInfo("b1", 400, 240, Fraction(1, 25), Fraction(25))
    zero = {"key": np.ones(count), "shot": np.zeros(count), "duplicate": np.zeros(count), "damaged": np.zeros(count)}
    table = FrameTable(
        number=np.arange(count), pts=np.arange(count), decoded=np.arange(count), name=np.full(count, "", object), **zero
    )
    blank = {name: np.zeros((count, *v.shape[1:]), v.dtype) for name, v in FaceSet.empty().columns().items()}
    faces = FaceSet(
        **{
            **blank,
            "id": np.array([f"{n:06d}_0" for n in range(count)]),
            "landmarks_smooth_xy": np.tile(landmarks, (count, 1, 1)),
            "frame": np.arange(count),
        }
    )
    for name, written in (
        ("frames", table),
        ("faces", faces),
        ("people", PeopleTable.empty()),
        ("d", DecisionTable.empty()),
    ):
        store.write_table(tmp_path / name, written, {"clip": info.to_json()})
    store.write_json(tmp_path / "measures", TOLD)
    monkeypatch.setattr(convert, "choose", lambda *a, **k: {n: [Changed("ann_onto_bob", n)] for n in range(count)})

    def decode(path, frames, info, *, wanted):
        for number in sorted(wanted):
            frame = np.full((240, 400, 3), 20, np.uint8)
            frame[100:140, 280:320] = 90 if path.name == "clip" else 240
            yield number, frame

    monkeypatch.setattr(video, "decode", decode)
    options = {
        "settings": '{"strip": 3}',
        "video": "v",
        "swaps": json.dumps(SWAPS),
        "decisions": [tmp_path / "d"],
        "forehead": [],
    }
    files = {name: tmp_path / name for name in ("frames", "faces", "people", "measures", "page")}
    where = {"path": tmp_path / "clip", "video_file": tmp_path / "video", "out": tmp_path / "strip.jpg"}
    importlib.import_module("report").main(argparse.Namespace(**options, **files, **where))
    html = (tmp_path / "page").read_text()
    before, after = (cv2.imdecode(np.frombuffer(data, np.uint8), 1) for data in pictures(html))
    middle = slice(page.SIDE // 2 - 20, page.SIDE // 2 + 20)
    assert before[middle, middle].mean() == pytest.approx(90, abs=2) and after[middle, middle].mean() == pytest.approx(
        240, abs=2
    )
    assert "00:00:00:07" in html and (tmp_path / "strip.jpg").stat().st_size > 1000


def test_pictures_carry_marks_only_where_they_are_given():
    plain = pages.picture(TILES[0], 'a "face"')
    assert 'alt="a &quot;face&quot;"' in plain and 'width="300" height="300"' in plain
    assert b"DigitalSourceType" in pictures(pages.picture(TILES[0], "x", marks=label.marks()))[0]
