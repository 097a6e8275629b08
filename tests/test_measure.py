"""Metrics, each on a case whose answer is known."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from analytic import face
from measuring import REALS, REFERENCES, SIDE, look, noise, unit

from swapcore import measure
from swapcore.pages.words import WORDS


@pytest.mark.parametrize("name", measure.METRICS)
class TestTable:
    def test_people_can_read_about_it(self, name, root):
        assert f"`{name}`" in (root / "docs/quality.md").read_text() and name in WORDS

    def test_a_worst_frame_says_why(self, name):
        metric = measure.METRICS[name]
        words = metric.why.format(name=name, value=1.0, usual=2.0, baseline=3.0)
        assert metric.step > 0 and "where" in words and "\n" not in words and "{" not in words

    def test_without_what_it_takes_there_is_no_value(self, name):
        metric = measure.METRICS[name]
        values = measure.evaluate(look(**{metric.takes[-1]: None}))
        assert values.value[name] is None and None in {values.baseline[name], values.value[name]}

    def test_row_is_complete(self, name):
        metric = measure.METRICS[name]
        fields = set(measure.Look.__dataclass_fields__)
        assert set(metric.takes) <= fields
        assert not isinstance(metric.baseline, tuple) or set(metric.baseline) <= fields
        assert metric.unit and metric.source and metric.better in ("lower", "higher", "nearer the baseline")

    def test_an_unchanged_face_gives_the_baseline(self, name):
        values = measure.evaluate(look())
        if name == "outside_psnr":
            assert values.value[name] == pytest.approx(58.92, abs=0.01)
        else:
            assert values.value[name] == pytest.approx(values.baseline[name])


def test_identity_distance():
    assert measure.identity_distance(unit(0)[0], unit(1, 2)) == pytest.approx(np.sqrt(2))
    assert measure.identity_distance(unit(1)[0], unit(1, 2)) == pytest.approx(np.sqrt(2) / 2)


def test_reference_spread():
    assert measure.reference_spread(unit(0, 1, 2)) == pytest.approx(np.sqrt(2))
    assert measure.reference_spread(np.stack([unit(0)[0], unit(0)[0] * 1.5, unit(0)[0] * 2])) == pytest.approx(2 / 3)
    assert measure.reference_spread(unit(0)) is None


@pytest.mark.parametrize("levels", [1, 4, 16])
def test_outside_psnr_of_a_known_error(levels):
    picture = np.full((40, 50, 3), 100, np.uint8)
    outside = np.zeros((40, 50), bool)
    outside[:10] = True
    result = picture + np.uint8(levels)
    result[~outside] = 255  # what is inside does not count
    assert measure.outside_psnr(picture, result, outside) == pytest.approx(20 * np.log10(255 / levels), abs=1e-4)
    assert measure.outside_psnr(picture, result, np.zeros((40, 50), bool)) is None


@pytest.mark.parametrize("share", [0.25, 0.5, 2.0])
def test_sharpness_ratio_of_a_known_contrast(share):
    original, inside = noise(3, blur=0.7, spread=14), np.ones((SIDE, SIDE), bool)
    result = np.rint((original.astype(float) - 128) * share + 128).astype(np.uint8)
    assert measure.sharpness_ratio(original, result, inside) == pytest.approx(share, rel=0.05)


def test_sharpness_ratio_of_a_sine_after_a_gaussian():
    """A Gaussian of sigma s leaves exp(-(s w)^2 / 2) of a wave of angular frequency w, and so of its Laplacian."""
    frequency, sigma = 2 * np.pi / 12, 2.0
    wave = 128 + 100 * np.sin(frequency * np.arange(SIDE))
    original = np.rint(np.broadcast_to(wave[None, :, None], (SIDE, SIDE, 3))).astype(np.uint8)
    inside = np.zeros((SIDE, SIDE), bool)
    inside[50:200, 50:200] = True
    result = cv2.GaussianBlur(original, (0, 0), sigma)
    wanted = np.exp(-((sigma * frequency) ** 2) / 2)
    assert measure.sharpness_ratio(original, result, inside) == pytest.approx(wanted, rel=0.05)


def test_sharpness_is_that_of_the_inside():
    original, inside = noise(4), np.zeros((SIDE, SIDE), bool)
    inside[60:200, 60:200] = True
    elsewhere = original.copy()
    elsewhere[:55] = 0
    assert measure.sharpness_ratio(original, elsewhere, inside) == pytest.approx(1)
    assert measure.sharpness_ratio(np.full_like(original, 9), original, inside) is None


def test_flicker_ratio_of_a_known_change():
    inside = np.zeros((SIDE, SIDE), bool)
    inside[64:192, 64:192] = True
    before = noise(5, blur=20, spread=15)
    original, result = before + np.uint8(4), before + np.uint8(10)
    assert measure.flicker_ratio(before, original, before, result, inside) == pytest.approx(2.5)
    result[:60] = 0  # outside the face nothing counts
    assert measure.flicker_ratio(before, original, before, result, inside) == pytest.approx(2.5)


def test_flicker_ratio_forgives_grain():
    inside = np.ones((SIDE, SIDE), bool)
    grain = [noise(s, blur=0, spread=4) for s in range(3)]
    steps = [g + np.uint8(20) for g in grain]
    still = np.full_like(grain[0], 128)
    # a step of 20 is seen through grain of 4
    assert measure.flicker_ratio(grain[0], steps[1], still, still + np.uint8(20), inside) == pytest.approx(1, abs=0.02)
    assert measure.flicker_ratio(still, still, still, still, ~inside) is None
    assert measure.flicker_ratio(still, still, still, still, inside) == 1


def test_alarm_below_the_references_own_spread():
    references = unit(0, 1, 2)
    assert measure.alarm("s", 1.5, references) is None
    assert "trust the eye" in measure.alarm("s", 1.2, references)
    assert measure.alarm("s", 0.1, references[:1]) is None


def test_summary_is_json_with_every_metric():
    bad = noise(9)
    looks = [look(frame=f) for f in range(12)]
    looks[5] = look(frame=5, result_crop=bad, result_bgr=bad, result_embedding=unit(4)[0] * 2, original_before=None)
    looks[8] = look(frame=8, swap="other", result_embedding=unit(1)[0], references=unit(1, 2))
    references = {"s": unit(1, 2), "other": unit(1, 2)}
    reals = {"s": measure.real(looks[0]), "other": measure.real(looks[8])}
    found = measure.summarise([measure.evaluate(x) for x in looks], reals=reals, references=references)
    assert set(found) == {*measure.METRICS, *measure.SEQUENCES, "worst", "note"}
    assert found["identity_distance"]["source_real"] == pytest.approx(np.sqrt(2), abs=1e-4)
    for name in (*measure.METRICS, *measure.SEQUENCES):
        assert {"value", "unit", "better", "baseline", "swaps"} <= set(found[name])
    assert found["identity_distance"]["swaps"] == pytest.approx({"s": 1.8028, "other": 0.7071}, abs=0.05)
    assert found["identity_distance"]["baseline"] == pytest.approx(1.8028)
    assert (
        found["identity_distance"]["alarm"].startswith("swap other is nearer") and "alarm" not in found["outside_psnr"]
    )
    first = found["worst"][0]
    assert set(first) == {"frame", "swap", "metric", "value", "baseline", "why"}
    assert (first["frame"], first["swap"], len(found["worst"])) == (5, "s", measure.WORST)
    assert "Over 12 frames" in found["note"] and found["note"].count("\n") == 0
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("name", measure.SEQUENCES)
def test_what_is_followed_is_told_of_enough_frames(name, root):
    assert f"`{name}`" in (root / "docs/quality.md").read_text() and name in WORDS
    looks = [measure.evaluate(look(frame=f, original_landmarks=p, result_landmarks=p)) for f, p in enumerate(talking())]
    found = measure.summarise(looks, reals=REALS, references=REFERENCES)[name]
    assert found["value"] == pytest.approx(1) == found["baseline"] and found["swaps"] == {"s": found["value"]}
    assert measure.summarise(looks[:7], reals=REALS, references=REFERENCES)[name]["value"] is None


def talking():
    """A face that opens its mouth and turns."""
    for k in range(12):
        points = face((128, 128), 60, roll=k)
        points[[65, 66, 67], 1] += 3 * (k % 5)
        points[27:36, 0] += 2 * (k % 7)
        yield points


def rows_of(metric: str, values, swap: str = "s", baseline: float = 0.0):
    """Faces that differ in one metric."""
    none = dict.fromkeys(measure.METRICS)
    return [
        measure.Values(frame, swap, {**none, metric: value}, {**none, metric: baseline})
        for frame, value in enumerate(values)
    ]


def test_the_worst_stand_out_by_the_most_steps():
    seam = rows_of("seam", [1.0, 1.1, 0.9, 1.0, 6.0, 1.0, 1.1])  # five steps of 1
    turned = rows_of("pose_error", [4.0, 4.1, 3.9, 4.0, 4.0, 4.0, 34.0])  # ten of 3
    both = [
        a._replace(value={**a.value, "pose_error": b.value["pose_error"]}, baseline={**a.baseline, "pose_error": 0.0})
        for a, b in zip(seam, turned, strict=True)
    ]
    found = measure.worst(both)
    assert [(w["frame"], w["metric"], w["value"]) for w in found[:2]] == [(6, "pose_error", 34.0), (4, "seam", 6.0)]
    assert found[0]["why"] == ("the head looks 34 degrees away from where it does in the original, where 4 are usual")
    assert len(found) == 7, "every frame once"


@pytest.mark.parametrize(
    ("metric", "values", "baseline"),
    [
        ("seam", [1, 9, 2, 1.5], 0.0),
        ("mask_iou", [0.9, 0.2, 0.99, 0.95], 1.0),  # higher is better
        ("sharpness_ratio", [1.1, 0.1, 1.0, 2.0], 1.0),  # nearer is better
        ("sharpness_ratio", [1.1, 9.0, 1.0, 0.5], 1.0),
    ],
)
def test_the_worst_follow_the_direction(metric, values, baseline):
    assert measure.worst(rows_of(metric, values, baseline=baseline))[0]["frame"] == 1


def test_calmer_than_the_original_is_calm():
    rows = rows_of("warp_error_ratio", [0.3, 0.2, 0.3, 0.99, 0.3], baseline=1.0)
    jumpy = rows_of("edge_jump", [1.0, 1.0, 1.2, 1.0, 1.0])
    both = [a._replace(value={**a.value, "edge_jump": b.value["edge_jump"]}) for a, b in zip(rows, jumpy, strict=True)]
    assert (measure.worst(both)[0]["frame"], measure.worst(both)[0]["metric"]) == (2, "edge_jump")


def test_a_face_stands_out_from_those_of_its_own_swap():
    rows = rows_of("seam", [9.0, 9.0, 9.0]) + rows_of("seam", [1.0, 3.0, 1.0], swap="other")
    first = measure.worst(rows)[0]
    assert (first["frame"], first["swap"]) == (1, "other")


def test_what_cannot_be_told_is_left_out():
    rows = [measure.evaluate(look(original_before=None, outside=np.zeros((SIDE, SIDE), bool)))]
    found = measure.summarise(rows, reals=REALS, references=REFERENCES)
    assert found["flicker_ratio"]["value"] is None and found["outside_psnr"]["value"] is None
    assert [w["frame"] for w in found["worst"]] == [7]
    with pytest.raises(ValueError, match="nothing"):
        measure.summarise([], reals={}, references={})
