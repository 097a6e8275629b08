from __future__ import annotations

import argparse
import importlib
import json
import re

import numpy as np
import pytest
from test_clean import scores

from swapcore import advice, edits, store
from swapcore.advice.space import light_side
from swapcore.config.fields import Advise
from swapcore.types import DecisionTable

NAMES = ("ann", "bob")
SETTINGS = Advise()
EVEN = np.full((16, 16), 100)


def faces(n, **columns):
    """Faces that look ahead, lit evenly."""
    return scores(n, **{"thumb": np.tile(EVEN, (n, 1, 1)), "size": np.full(n, 200.0), **columns})


def told(source, target, **settings):
    return advice.advise(source, target, names=NAMES, settings=Advise(**settings))


# the space


def test_light_is_told_by_the_brighter_side():
    thumb = np.stack([EVEN, EVEN, EVEN])
    thumb[1, :, :8], thumb[2, :, 8:] = 50, 0
    assert np.allclose(light_side(faces(3, thumb=thumb)), [0, 100 / 3, -100])


def test_a_radius_is_a_step_of_each_axis():
    for name, axis in advice.AXES.items():
        point = np.zeros((1, len(advice.AXES)))
        point[0, [*advice.AXES].index(name)] = 2 * axis.step
        near = advice.cover(point, np.zeros((1, len(advice.AXES))))
        assert near.own[0] == pytest.approx(2) and near.nearest[0] == 0
        mirrored = advice.cover(point, point)
        assert mirrored.own[0] == 0 and mirrored.mirrored[0] == pytest.approx(4 if axis.flips else 0)


def test_without_a_source_nothing_is_covered():
    found = told(faces(0), faces(40))
    assert found.covered == 0 and found.missing == 1 and "No face of ann trains" in found.verdict
    with pytest.raises(ValueError, match="no faces"):
        told(faces(4), faces(0))


def test_distances_do_not_depend_on_how_many_are_compared_at_once(monkeypatch):
    points = np.random.default_rng(1).normal(0, 20, (50, len(advice.AXES)))
    whole, alone = advice.cover(points, points[::-1] + 3), advice.space.alone(points)
    monkeypatch.setattr(advice.space, "BLOCK", 7)
    for a, b in zip(whole, advice.cover(points, points[::-1] + 3), strict=True):
        assert np.allclose(a, b)
    assert np.allclose(alone, advice.space.alone(points)) and (alone > 0).all()


# what is missing


def test_a_direction_that_the_source_never_takes():
    """100 frames of the target look left by 40 degrees, which the source does neither left nor right."""
    found = told(faces(300), faces(200, yaw=[*[-40.0] * 100, *[0.0] * 100]))
    (gap,) = found.findings
    assert (found.covered, found.mirrored, found.missing) == (0.5, 0, 0.5)
    assert gap.words == "bob looks to the image's left beyond 30 degrees in 100 frames; ann never does."
    assert (gap.frames, gap.lacking, gap.faces, gap.harm) == (100, 100, 0, 50)
    assert gap.do.startswith("Film or photograph ann turning the head to the image's left (the person's own right)")
    assert len(gap.rows) == SETTINGS.examples and max(gap.rows) < 100


def test_the_narrowest_words_that_are_true():
    """A source that reaches 25 degrees lacks what lies beyond 30, not beyond 15."""
    found = told(faces(300, yaw=np.linspace(-25, 25, 300)), faces(200, yaw=np.linspace(-60, 0, 200)))
    assert found.findings[0].what == "yaw<-30" and "ann never does" in found.findings[0].words


def test_mirrored_faces_count_half():
    source, target = faces(300, yaw=np.linspace(0, 40, 300)), faces(200, yaw=[*[-35.0] * 100, *[0.0] * 100])
    found = told(source, target)
    (gap,) = found.findings
    assert (found.covered, found.mirrored, found.missing) == (0.5, 0.5, 0)
    assert gap.mirrored == gap.lacking == 100 and gap.harm == 25 and "mirrored" in gap.words


def test_two_things_that_the_source_never_does_at_once():
    """It looks left, and it opens the mouth wide, each in half of its faces."""
    source = faces(400, yaw=[*[-35.0] * 200, *[0.0] * 200], mouth_open=[*[0.0] * 200, *[60.0] * 200])
    found = told(source, faces(100, yaw=np.full(100, -35.0), mouth_open=np.full(100, 60.0)))
    (gap,) = found.findings
    assert gap.what == "yaw<-30 mouth>45" and gap.words.endswith("in 100 frames; ann never does both.")


def test_what_no_words_are_for_is_told_by_the_difference():
    """The source looks a little left, the target a little right: neither is a region."""
    found = told(faces(300, yaw=np.full(300, -12.0)), faces(100, yaw=np.full(100, 12.0)))
    (gap,) = found.findings
    assert gap.what == "yaw+" and "turned farther to the image's right" in gap.words and "by 24 degrees" in gap.words


def test_a_few_faces_are_said_to_be_few():
    source = faces(300, yaw=[*[-30.0] * 3, *[0.0] * 297], mouth_open=[*[60.0] * 3, *[0.0] * 297])
    found = told(source, faces(100, yaw=np.full(100, -30.0)))
    assert "ann does so in 3 faces only" in found.findings[0].words
    assert not any("yaw" in gap.what for gap in told(source, faces(100), few=2).findings)


def test_rare_gaps_are_not_named():
    target = faces(1000, yaw=[*[-40.0] * 5, *[0.0] * 995])
    assert not told(faces(300), target).findings
    assert told(faces(300), target, min_share=0.1).findings


def test_the_most_harmful_comes_first():
    target = faces(300, yaw=[*[-40.0] * 50, *[0.0] * 250], mouth_open=[*[0.0] * 100, *[70.0] * 200])
    gaps = told(faces(300), target).findings
    assert [gap.what for gap in gaps] == ["mouth>45", "yaw<-30"] and gaps[0].harm > gaps[1].harm


def test_the_picture_is_compared_too():
    source = faces(300, sharpness=np.full(300, 6.0), size=np.full(300, 60.0))
    target = faces(100, exposure=np.full(100, 10.0), contrast=np.full(100, 30.0))
    assert {gap.what for gap in told(source, target).findings} == {"sharpness", "size", "exposure darker", "contrast"}


def test_the_same_faces_lack_nothing():
    rng = np.random.default_rng(3)
    table = faces(300, yaw=rng.normal(0, 20, 300), mouth_open=rng.uniform(0, 60, 300))
    found = told(table, table)
    assert found.covered == 1 and not found.findings and found.verdict.endswith("ann has a face alike.")


@pytest.mark.parametrize("region", advice.REGIONS, ids=lambda r: r.name)
def test_every_region_reads_well_and_holds_what_lies_beyond(region):
    points = np.zeros((2, len(advice.AXES)))
    points[0, [*advice.AXES].index(region.axis)] = region.edge + (1 if region.above else -1)
    points[1, [*advice.AXES].index(region.axis)] = region.edge + (-1 if region.above else 1)
    assert region.holds(points).tolist() == [True, False]
    assert (
        region.does.split()[0] in ("looks", "has")
        and not region.do.endswith(".")
        and "{" not in region.does + region.do
    )


# which faces to drop

APART = np.random.default_rng(5).integers(0, 255, (40, 16, 16))


def dropped(needed=None, kept=None, **columns):
    table = scores(40, **{"thumb": APART, **columns})
    nobody = np.zeros(40, bool)
    where = advice.points(table if needed is None else needed)
    return dict(advice.drops(table, ~nobody, nobody if kept is None else kept, needed=where, settings=SETTINGS))


@pytest.mark.parametrize(
    ("column", "usual", "odd", "why"),
    [
        ("sharpness", 20.0, 6.0, "soft"),
        ("motion_blur", 10.0, 60.0, "smeared"),
        ("misalignment", 60.0, 93.0, "landmarks beside"),
        ("distance", 0.3, 0.58, "perhaps somebody else"),
    ],
)
def test_a_face_that_stands_out_is_named(column, usual, odd, why):
    found = dropped(**{column: [*[usual] * 39, odd]})
    assert [*found] == [39] and why in found[39]
    assert not dropped(**{column: [*[usual] * 39, odd]}, kept=np.arange(40) == 39)


def test_of_twins_the_sharpest_stays():
    thumb = APART.copy()
    thumb[7] = thumb[3]
    found = dropped(thumb=thumb, sharpness=[20.0 + (k == 7) for k in range(40)], clip=["a", "b"] * 20)
    assert [*found] == [3] and "twin" in found[3]


def test_a_lonely_face_goes_if_nobody_needs_it():
    yaw = [*np.zeros(39), 60.0]
    assert "alone" in dropped(yaw=yaw, needed=scores(5))[39]
    assert not dropped(yaw=yaw, needed=scores(5, yaw=np.full(5, 58.0)))


def test_a_soft_face_stays_where_it_alone_is_near():
    columns = {"yaw": [*np.zeros(39), 40.0], "sharpness": [*[20.0] * 39, 6.0]}
    assert [*dropped(**columns, needed=scores(5))] == [39]
    assert not dropped(**columns, needed=scores(5, yaw=np.full(5, 40.0)))


def test_no_more_are_named_than_asked_for():
    table = scores(40, thumb=APART, motion_blur=np.full(40, 60.0))
    all_ = np.ones(40, bool)
    found = advice.drops(table, all_, ~all_, needed=advice.points(table), settings=Advise(drop=7))
    assert len(found) <= 7 and not advice.drops(table, ~all_, ~all_, needed=advice.points(table), settings=Advise())


# the stage


class Archive:
    """Faces of one grey."""

    def ids(self):
        return [f"{n:06d}_0" for n in range(60)]

    def crop(self, name):
        return np.full((64, 64, 3), 90, np.uint8)

    def __enter__(self):
        return {clip: self for clip in ("a", "b")}

    def __exit__(self, *_):
        pass


def stage(root, tmp_path, monkeypatch, source, target, *, clips=("b",)):
    monkeypatch.syspath_prepend(str(root / "scripts"))
    monkeypatch.setattr(store, "open_archives", lambda _: Archive())
    options = {"settings": "{}", "swap": "ann_onto_bob", "source": "ann", "target": "bob", "target_clips": list(clips)}
    for role, table in (("source", source), ("target", target)):
        decisions = DecisionTable(
            clip=table.clip,
            id=table.id,
            use_train=table.frame % 2 == 0,
            use_swap=np.ones(len(table), bool),
            reason=np.full(len(table), "good", object),
        )
        for name, written in (("scores", table), ("decisions", decisions)):
            options[f"{role}_{name}"] = tmp_path / f"{role}_{name}.parquet"
            store.write_table(options[f"{role}_{name}"], written)
    options |= {"clips": ["a", "b"], "archives": ["a.zip", "b.zip"], "json": tmp_path / "j", "page": tmp_path / "p"}
    importlib.import_module("advise").main(argparse.Namespace(**options))
    return json.loads((tmp_path / "j").read_text()), (tmp_path / "p").read_text()


def test_the_stage_compares_what_is_swapped_with_what_trains(root, tmp_path, monkeypatch, capsys):
    source = faces(60, sharpness=[*[20.0] * 58, 5.0, 5.0])
    target = faces(60, clip=np.full(60, "b", object), yaw=np.full(60, -40.0))
    found, page = stage(root, tmp_path, monkeypatch, source, target)
    assert (found["frames"], found["faces"], found["missing"]) == (60, 30, 1) and found["clips"] == ["b"]
    assert found["findings"][0]["what"] == "yaw<-30" and found["findings"][0]["examples"][0] == "b/000000_0"
    assert "bob looks to the image&#x27;s left beyond 30 degrees" in page
    assert "looks to the image's left" in capsys.readouterr().err
    soft = [row for row in found["drop"]["ann"] if row["why"].startswith("soft")]
    assert [row["face"] for row in soft] == ["000058_0"]  # 59 does not train


def test_the_page_is_one_file_and_its_lines_are_edits(root, tmp_path, monkeypatch):
    source = faces(
        60, sharpness=[*[20.0] * 58, 5.0, 5.0], thumb=np.random.default_rng(2).integers(0, 255, (60, 16, 16))
    )
    found, page = stage(root, tmp_path, monkeypatch, source, faces(60, clip=np.full(60, "b", object)))
    assert "http:" not in page and "https:" not in page and "<script" not in page and "default-src 'none'" in page
    text = re.search(r"<pre>(.*?)</pre>", page, re.S)[1].replace("&quot;", '"').replace("&#x27;", "'")
    entries = edits.read(text, where="x").swap_only
    assert [(entry.clip, entry.face) for entry in entries] == [
        (row["clip"], row["face"]) for row in found["drop"]["ann"]
    ]
    assert len(entries) == 1


def test_names_from_outside_are_text(root, tmp_path, monkeypatch):
    target = faces(60, clip=np.full(60, "b", object), yaw=np.full(60, -40.0))
    from swapcore import pages

    assert "<img" not in pages.document("<img src=x>", pages.escape("<img src=x>"))
    found, _ = stage(root, tmp_path, monkeypatch, faces(60), target)
    from swapcore.pages import advice as page

    found["verdict"], found["findings"][0]["words"] = "<i>", "<b>x</b>"
    nothing = np.zeros((0, len(advice.AXES)))
    text = page.build(
        found,
        source=nothing,
        target=np.zeros((1, len(advice.AXES))),
        kinds=np.zeros(1, int),
        examples={},
        dropped={},
        lines={},
    )
    assert "<i>" not in text and "<b>x" not in text and "&lt;b&gt;x" in text
