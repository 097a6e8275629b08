from __future__ import annotations

import cv2
import numpy as np
from test_clean import scores
from test_dataset import table

from swapcore import report


def tile(value):
    return np.full((64, 48, 3), value, np.uint8)


def test_a_sheet_holds_every_face():
    sheet = report.contact_sheet([tile(200)] * 30, ["000001_0 12.3\nclip"] * 30, title="ann", columns=12, tile=64)
    _, _, stats, _ = cv2.connectedComponentsWithStats((sheet == 200).all(-1).astype(np.uint8))
    assert (stats[1:, cv2.CC_STAT_AREA] > 1000).sum() == 30 and sheet.dtype == np.uint8


def test_an_empty_sheet_is_a_picture_too():
    assert report.contact_sheet([], [], title="nobody").size
    assert report.groups({"nothing was dropped": []}, title="ann").size


def test_groups_show_examples_of_each_reason():
    sheet = report.groups(
        {"too soft: 90": [(tile(200), "000001_0\nclip")] * 20, "too small: 1": []}, title="ann", columns=12
    )
    _, _, stats, _ = cv2.connectedComponentsWithStats((sheet == 200).all(-1).astype(np.uint8))
    assert (stats[1:, cv2.CC_STAT_AREA] > 1000).sum() == 12


def test_pictures_are_fitted_whole():
    fitted = report.fit(np.full((50, 100, 3), 255, np.uint8), width=40, height=40)
    assert fitted.shape == (40, 40, 3) and (fitted[10:30] == 255).all() and (fitted[:9] == report.GROUND).all()


def test_long_words_are_shortened_to_their_place():
    image = np.zeros((40, 200, 3), np.uint8)
    report.text(image, "a very long caption that cannot fit here", left=5, base=20, width=80, size=9)
    assert image[:, :90].any() and not image[:, 90:].any()


def test_a_strips_footer_stands_below_it():
    rows = {"clip": [tile(50)] * 3, "swapped": [tile(250)] * 3}
    plain, noted = (report.strip(rows, captions=["0.00 s"] * 3, height=96, footer=f) for f in ("", "Synthetic"))
    assert np.array_equal(noted[: len(plain)], plain) and (noted[len(plain) :] > 100).sum() > 50


def test_a_strip_stands_before_over_after():
    strip = report.strip({"clip": [tile(50)] * 3, "ann onto bob": [tile(250)] * 3}, captions=["0.00 s"] * 3, height=96)
    before, after = np.argwhere((strip == 50).all(-1)), np.argwhere((strip == 250).all(-1))
    assert before[:, 0].max() < after[:, 0].min() and before[:, 1].max() == after[:, 1].max()


def test_coverage_is_a_picture_and_the_same_each_time():
    one, two = (report.coverage_picture(table(9), scores(9), title="ann: 9 faces") for _ in range(2))
    assert one == two and cv2.imdecode(np.frombuffer(one, np.uint8), 1).shape[1] == 1100
