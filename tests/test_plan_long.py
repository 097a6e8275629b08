"""Plans of a project with a long clip, which is taken in segments."""

from __future__ import annotations

import os

import pytest
from toy import FROM_CONVERT

SEGMENTED = {"frames": 1, "faces_part": 3, "faces_join": 1, "identify": 1, "groups": 1, "parse": 1}


@pytest.fixture(scope="module")
def long(made, tmp_path_factory):
    """The toy project with a clip b2 of two minutes and a half, in three segments of one, made."""
    toy = made.copy(tmp_path_factory.mktemp("long") / "toy")
    toy.config |= {"studio": {"clips": {"b2": {"actor": "bob", "seconds": 150}}}, "frames": {"segment_minutes": 1}}
    toy.config["convert"] = {"encoder": {"crf": 21}}
    toy.clips["b2"], toy.paths["b2"] = "bob", "results/studio/b2.mp4"
    toy.save()
    plan = toy.plan()
    assert plan["studio"] == 1 and plan["convert"] == 2, "the other clips are whole"
    assert {stage: plan[stage] for stage in SEGMENTED} == SEGMENTED
    assert plan["convert_part"] == 6 and plan["label"] == 4 and "faces" not in plan
    toy.make()
    assert toy.plan() == {} and not list(toy.folder.glob("results/*/*/parts"))
    return toy


def test_a_long_clip_is_made_again_in_its_segments_alone(long, tmp_path):
    toy = long.copy(tmp_path / "toy")
    toy.config["studio"]["clips"]["b2"]["performance"] = 2
    toy.save()
    plan = toy.plan()
    assert plan.pop("studio") == 1 and {stage: plan.pop(stage) for stage in SEGMENTED} == SEGMENTED
    assert "faces" not in plan and plan["convert_part"] == 6


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (0.9, {}),  # three as well
        (0.5, {"faces_part": 5, "faces_join": 1, "convert": 2, "convert_part": 10}),
        (10, {"faces": 1, "convert": 4}),
    ],
)
def test_how_long_a_segment_is_concerns_long_clips_alone(long, tmp_path, minutes, expected):
    toy = long.copy(tmp_path / "toy")
    toy.config["frames"]["segment_minutes"] = minutes
    toy.save()
    plan = toy.plan()
    stages = ("frames", "faces", "faces_part", "faces_join", "convert", "convert_part")
    assert {stage: plan[stage] for stage in stages if stage in plan} == expected


def test_a_setting_of_the_videos_converts_segments_and_finds_no_face_again(long, tmp_path):
    toy = long.copy(tmp_path / "toy")
    toy.config["convert"] = {"encoder": {"crf": 22}}
    toy.save()
    assert toy.plan() == {"convert": 2, "convert_part": 6, **{s: 4 for s in FROM_CONVERT if s != "convert"}}


def test_finished_segments_are_kept_until_the_clip_is(long, tmp_path):
    """As when a run was ended in its middle: what is done of a clip or a video is not done again."""
    toy = long.copy(tmp_path / "toy")
    video = "results/videos/ann_onto_bob_on_b2"
    (toy.folder / "results/clips/b2/faces.zip").unlink()
    (toy.folder / f"{video}/video.mp4").unlink()
    toy.snakemake("--quiet", "all", "--notemp", "results/clips/b2/parts/1.zip")
    assert {stage: toy.plan()[stage] for stage in ("faces_part", "faces_join")} == {"faces_part": 2, "faces_join": 1}
    toy.make()
    assert toy.plan() == {} and not list(toy.folder.glob("results/*/*/parts/*"))


@pytest.mark.parametrize("stage", ["faces_part", "convert_part"])
def test_a_failed_segment_is_made_again(long, tmp_path, stage):
    toy = long.copy(tmp_path / "toy")
    toy.config["faces"] = {"every": 7}
    toy.config["convert"] = {"encoder": {"crf": 22}}
    toy.save()
    toy.write(f"fail_{stage}", "")
    assert toy.snakemake("--quiet", "all", "--keep-going", check=False).returncode != 0
    os.unlink(toy.folder / f"fail_{stage}")
    plan = toy.plan()
    assert plan.get(stage) and plan.get("label")
    toy.make()
    assert toy.plan() == {}
