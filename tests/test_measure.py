"""Metrics, each on a case whose answer is known."""

from __future__ import annotations

import importlib
import json
import sys
from argparse import Namespace
from fractions import Fraction

import cv2
import numpy as np
import pytest
from analytic import face
from training import make_faces

from swapcore import align, label, measure, store, video
from swapcore.errors import SwapError
from swapcore.pages.words import WORDS
from swapcore.types import Changed, ClipInfo, DecisionTable, FaceSet, FrameTable, PeopleTable, References

SIDE = measure.CROP_SIDE


def noise(seed: int, shape=(SIDE, SIDE, 3), blur: float = 2, spread: float = 30) -> np.ndarray:
    rough = np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)
    smooth = cv2.GaussianBlur(rough, (0, 0), blur) if blur else rough
    return np.clip(128 + spread * smooth / smooth.std(), 0, 255).astype(np.uint8)


def unit(*at: int) -> np.ndarray:
    """Rows of the identity matrix, (n, 128): all at a distance of the square root of 2."""
    return np.eye(128, dtype=np.float32)[list(at)]


REFERENCES = {"s": unit(1, 2), "two": unit(1, 2)}


def look(**changed) -> measure.Look:
    """An unchanged face: every metric gives its baseline."""
    picture = noise(1)
    fields = {
        "frame": 7,
        "swap": "s",
        "original_bgr": picture,
        "result_bgr": picture,
        "outside": measure.outside([face((128, 128), 30)], (SIDE, SIDE)),
        "original_crop": picture,
        "result_crop": picture,
        "inside": measure.inside(face((128, 128), 30)),
        "original_before": picture,
        "result_before": picture,
        "original_embedding": unit(0)[0] * 1.5,  # at a distance of sqrt(1 + 1.5^2) from the references
        "result_embedding": unit(0)[0] * 1.5,
        "references": unit(1, 2),
        "original_landmarks": face((128, 128), 30),
        "result_landmarks": face((128, 128), 30),
        "mask": measure.inside(face((128, 128), 30)).astype(np.float32),
        "mask_before": measure.inside(face((128, 128), 30)).astype(np.float32),
        "original_embedding_before": unit(0)[0] * 1.4,
        "result_embedding_before": unit(0)[0] * 1.4,
        "truth_crop": noise(3),
        "truth_landmarks": face((128, 128), 31),
        "target_references": unit(3, 4),
        "known": {"source": unit(1, 2), "target": unit(3, 4)},
        "distractors": unit(5, 6, 7),
        "original_second": unit(0)[0],
        "result_second": unit(0)[0],
        "references_second": unit(1, 2),
    }
    return measure.Look(**{**fields, **changed})


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


def test_crops_of_a_moved_face_are_the_same():
    frame = noise(6, (300, 400, 3), blur=6)
    moved = np.roll(frame, (7, -12), (0, 1))
    first, second = face((200, 150), 40), face((188, 157), 40)
    difference = np.abs(measure.crop(frame, first).astype(int) - measure.crop(moved, second))
    assert difference[measure.inside(first)].max() <= 1


def test_inside_and_outside_leave_the_edge_to_neither():
    points = face((200, 150), 40)
    outside = measure.outside([points], (300, 400))
    assert outside[0, 0] and not outside[150, 200] and not outside[tuple(points[8].astype(int)[::-1] + [12, 0])]
    assert 0.05 < measure.inside(points).mean() < 0.5
    assert measure.outside([], (30, 40)).all()
    both = measure.outside([points, face((60, 60), 20)], (300, 400))
    assert not both[60, 60] and both.sum() < outside.sum()


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
    found = measure.summarise([measure.evaluate(x) for x in looks], references={"s": unit(1, 2), "other": unit(1, 2)})
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
    found = measure.summarise(looks, references={"s": unit(1, 2)})[name]
    assert found["value"] == pytest.approx(1) == found["baseline"] and found["swaps"] == {"s": found["value"]}
    assert measure.summarise(looks[:7], references={"s": unit(1, 2)})[name]["value"] is None


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
        measure.Values(frame, swap, {**none, metric: value}, {**none, metric: baseline}, {})
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
    found = measure.summarise(rows, references={"s": unit(1, 2)})
    assert found["flicker_ratio"]["value"] is None and found["outside_psnr"]["value"] is None
    assert [w["frame"] for w in found["worst"]] == [7]
    with pytest.raises(ValueError, match="nothing"):
        measure.summarise([], references={})


# what is looked at


def clip_faces(rows) -> tuple[FaceSet, PeopleTable]:
    """Tables of (frame, track, person, centre) rows."""
    n = len(rows)
    columns = {name: np.zeros((n, *value.shape[1:])) for name, value in FaceSet.empty().columns().items()}
    ids = np.array([f"{frame:06d}_{k}" for k, (frame, *_) in enumerate(rows)], object)
    marks = np.stack([face(centre, 25) for *_, centre in rows])
    keys = {"id": ids, "frame": np.array([r[0] for r in rows]), "track": np.array([r[1] for r in rows])}
    faces = FaceSet(**{**columns, **keys, "landmarks_xy": marks, "landmarks_smooth_xy": marks})
    person, by = np.array([r[2] for r in rows], object), np.array(["vote"] * n, object)
    return faces, PeopleTable(**keys, person=person, nearest=person, distance=np.zeros(n), margin=np.zeros(n), by=by)


ROWS = [
    (3, 0, "a", (60, 80)),
    (4, 0, "a", (62, 80)),
    (4, 1, "b", (180, 80)),
    (4, 2, "", (120, 150)),
    (9, 5, "b", (180, 82)),
]


def test_looks_pair_faces_with_themselves_and_the_frame_before():
    faces, _ = clip_faces(ROWS)
    swapped = {3: [Changed("one", 0)], 4: [Changed("one", 1), Changed("two", 2)], 9: [Changed("two", 4)]}
    originals = {n: noise(n, (220, 240, 3), blur=6) for n in (3, 4, 8, 9)}
    results = {n: picture + np.uint8(1) for n, picture in originals.items()}
    note = np.zeros((220, 240), bool)
    note[200:] = True
    asked = []

    def embed(frame_bgr, landmarks_xy):
        asked.append((frame_bgr, landmarks_xy))
        return unit(len(asked))[0]

    found = list(
        measure.looks(
            ((n, originals[n], results[n]) for n in originals),
            faces=faces,
            swapped=swapped,
            wanted=[4, 9],
            embed=embed,
            references={"one": unit(0), "two": unit(1)},
            people={"one": {"target_references": unit(3)}, "two": {}},
            note={4: note},
            refit=lambda frame_bgr, landmarks_xy: landmarks_xy + frame_bgr[0, 0, 0],
            laid=lambda swap, landmarks_xy, size_hw: (50, 60, np.ones((30, 40), np.float32)),
            truth=lambda swap, number: originals[number] + np.uint8(9) if swap == "one" else None,
        )
    )
    assert [(x.frame, x.swap) for x in found] == [(4, "one"), (4, "two"), (9, "two")]
    first, second, third = found
    np.testing.assert_array_equal(first.original_crop, measure.crop(originals[4], faces.landmarks_xy[1]))
    np.testing.assert_array_equal(first.result_before, measure.crop(results[3], faces.landmarks_xy[0]))
    assert second.original_before is None  # b was not there in frame 3
    assert third.result_before is None  # nor in frame 8
    below = np.s_[200:]
    for (frame, _), number in zip(
        asked[1::2], (4, 3, 4, 9), strict=True
    ):  # of the result: now and before, then b in 4 and 9
        np.testing.assert_array_equal(frame[:200], results[number][:200])
        np.testing.assert_array_equal(frame[below], (originals if number == 4 else results)[number][below])
    np.testing.assert_array_equal(first.result_embedding, unit(2)[0])
    np.testing.assert_array_equal(first.original_embedding_before, unit(3)[0])
    np.testing.assert_array_equal(first.truth_crop, measure.crop(originals[4] + np.uint8(9), faces.landmarks_xy[1]))
    moved = first.result_landmarks - first.original_landmarks  # of pictures that differ by 1
    scale = align.scale(align.crop_matrix(faces.landmarks_xy[1], size=SIDE, span=0.6))
    assert moved == pytest.approx(scale, rel=0.05)  # the crop leans a little
    assert first.truth_landmarks is not None and second.truth_crop is None and second.truth_landmarks is None
    assert first.mask.sum() == pytest.approx(30 * 40 * scale**2, rel=0.1) and first.mask_before is not None
    assert third.mask_before is None
    assert not first.outside[210, 120] and third.outside[210, 120]
    assert not first.outside[80, 180], "the other swapped face is not outside"
    assert first.outside[150, 120], "a face that is left alone is"
    np.testing.assert_array_equal(second.references, unit(1))
    assert first.target_references is not None and second.target_references is None


@pytest.mark.parametrize(("count", "wanted"), [(3, [0, 4, 9]), (1, [0]), (50, list(range(10)))])
def test_spread(count, wanted):
    assert measure.spread([*range(9, -1, -1), 4], count) == wanted


# the scripts


@pytest.fixture
def made(tmp_path) -> Namespace:
    """A clip of five frames with two faces in each, a video that darkens everything by 10 levels, and the note in it."""
    height, width, rate = 220, 240, Fraction(1)
    pictures = [noise(n, (height, width, 3), blur=6, spread=18) for n in range(5)]
    text = {"mode": "opening", "text": "Synthetic: face swapped", "seconds": 2.0}
    results = [
        label.note(p - np.uint8(10), text["text"]) if n < 2 else p - np.uint8(10) for n, p in enumerate(pictures)
    ]
    shape = {"width": width, "height": height, "rate": rate, "crf": 0, "preset": "ultrafast"}
    video.encode(tmp_path / "clip.mp4", pictures, **shape)
    video.encode(tmp_path / "video.mp4", results, metadata=label.note_record(**text), **shape)
    faces, people = clip_faces([(n, t, p, (70 + 100 * t, 90)) for n in range(1, 5) for t, p in enumerate("ab")])
    info, flat = ClipInfo("clip", width, height, Fraction(1), rate), np.zeros(5)
    numbers = np.arange(5)
    names = np.array([""] * 5, object)
    same = {"key": flat, "shot": flat, "duplicate": flat, "damaged": flat}
    frames = FrameTable(number=numbers, pts=numbers, decoded=numbers, name=names, **same)
    meta = {"clip": info.to_json(), "start": None, "end": None}
    use = np.ones(len(faces), bool)
    for name in "ab":
        mine = people.person == name
        decided = DecisionTable(
            clip=np.array(["clip"] * mine.sum(), object),
            id=faces.id[mine],
            use_train=use[mine],
            use_swap=use[mine],
            reason=np.array(["good"] * mine.sum(), object),
        )
        store.write_table(tmp_path / f"decisions_{name}.parquet", decided)
    for name, table in (("frames", frames), ("faces", faces), ("people", people)):
        store.write_table(tmp_path / f"{name}.parquet", table, meta)
    for name, at in (("x", (0, 1)), ("a", (2, 3)), ("y", (4, 5)), ("b", (6, 7))):
        table = References(origin=np.array(["photo"] * 2, object), embedding=unit(*at))
        store.write_table(tmp_path / f"{name}.parquet", table)
    shape = {"resolution": 64, "centring": "legacy", "span": 0.5, "coverage": 0.8}
    for name in ("one", "two"):
        store.write_json(tmp_path / f"trained_{name}.json", shape)
    for name in ("ann", "bob"):  # whose frames the second judge sees, whatever the sources are called
        store.write_table(tmp_path / f"dataset_{name}.parquet", make_faces(tmp_path, name, count=3).table)
    swaps = [{"name": "one", "source": "x", "target": "a"}, {"name": "two", "source": "y", "target": "b"}]
    return Namespace(
        settings="{}",
        convert_settings="{}",
        trained=[tmp_path / f"trained_{name}.json" for name in ("one", "two")],
        truth="{}",
        video_file=tmp_path / "video.mp4",
        path=tmp_path / "clip.mp4",
        frames=tmp_path / "frames.parquet",
        faces=tmp_path / "faces.parquet",
        people=tmp_path / "people.parquet",
        swaps=json.dumps(swaps),
        decisions=[tmp_path / f"decisions_{name}.parquet" for name in "ab"],
        known=list("xayb"),
        references=[tmp_path / f"{name}.parquet" for name in "xayb"],
        datasets=[tmp_path / f"dataset_{name}.parquet" for name in ("ann", "bob")],
        clips=["ann", "bob"],
        archives=[tmp_path / f"{name}.zip" for name in ("ann", "bob")],
        video="scene",
        measures=tmp_path / "measures.json",
        page=tmp_path / "out" / "measures.html",
        out=tmp_path / "out" / "measures.json",
    )


@pytest.fixture
def scripts(root, monkeypatch):
    """Imports a script by its name."""
    monkeypatch.syspath_prepend(str(root / "scripts"))

    def load(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    return load


def test_measure_script(scripts, made, monkeypatch):
    script = scripts("measure")
    # nobody is in these pictures; embeddings that say which reference is whose
    monkeypatch.setattr(script.nets, "identity_session", lambda threads: None)
    monkeypatch.setattr(script.embedding, "embed", lambda frame, landmarks, session: unit(0))
    script.main(made)
    found = store.read_json(made.out)
    # all is 10 levels darker, so the error is known where neither face nor note is looked at
    assert found["outside_psnr"]["value"] == pytest.approx(20 * np.log10(255 / 10), abs=0.3)
    assert found["sharpness_ratio"]["value"] == pytest.approx(1, abs=0.03)
    assert found["flicker_ratio"]["value"] == pytest.approx(1, abs=0.03)
    near, far = np.sqrt(2) / 2, np.sqrt(2)  # e0 to its own references and to others
    assert found["identity_distance"]["swaps"] == pytest.approx({"one": near, "two": far}, abs=1e-3)
    assert found["identity_distance"]["baseline"] == found["identity_distance"]["value"]  # the same embeddings
    # e0 is x's; nobody of the four, and none of the strangers, who lie about 1 from it, is nearer
    assert found["identity_margin"]["swaps"] == pytest.approx({"one": far - near, "two": 0}, abs=1e-3)
    second = found["second_distance"]  # darker alike: the same to the second judge
    assert second["value"] == pytest.approx(second["baseline"], abs=0.02) and second["source_real"] < second["value"]
    assert found["identity_rank"]["swaps"]["one"] == 1 < found["identity_rank"]["swaps"]["two"]
    assert {(w["frame"], w["swap"]) for w in found["worst"]} == {(n, s) for n in (1, 2, 3, 4) for s in ("one", "two")}
    # all is darker alike: no step at the mask's edge
    assert found["seam"]["value"] < 0.3 and found["mask_iou"]["value"] is not None
    assert found["truth_psnr"]["value"] is None


def test_report_script(scripts, made):
    made.settings = json.dumps({"strip": 3})
    store.write_json(
        made.measures, measure.summarise([measure.evaluate(look(frame=3, swap="two"))], references=REFERENCES)
    )
    made.out = made.out.with_name("strip.jpg")
    scripts("report").main(made)
    assert "face lies 1.80 from the source" in made.page.read_text()
    strip = store.read_picture(made.out)
    assert strip.shape[1] > 2 * strip.shape[0] * 240 / 220 * 0.5
    upper, lower = np.array_split(strip[26:], 2)
    right = np.s_[20:200, -200:-20]
    assert upper[right].mean() - lower[right].mean() == pytest.approx(10, abs=1.5)


@pytest.mark.parametrize("name", ["measure", "report"])
def test_scripts_name_a_clip_without_swapped_faces(scripts, made, name):
    made.swaps = json.dumps(
        [{"name": "one", "source": "x", "target": "z"}, {"name": "two", "source": "y", "target": "w"}]
    )
    with pytest.raises(SwapError, match="clip clip: swap one expects faces of z to change"):
        scripts(name).main(made)
