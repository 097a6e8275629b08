"""Which stages a setting concerns, counted in dry runs of a toy project."""

from __future__ import annotations

import pytest
from toy import FRESH, FROM_CONVERT, ONE_VIDEO, VIDEOS

AFTER_FRAMES = {k: v for k, v in FRESH.items() if k != "frames"}
AFTER_FACES = {k: v for k, v in AFTER_FRAMES.items() if k not in ("faces", "parse")}
SETTINGS = {
    "frames": ({"shot_threshold": 20}, FRESH | {"references": 1}),
    "faces": ({"every": 3}, AFTER_FRAMES | {"references": 1}),
    "references": ({"max_faces": 20}, AFTER_FACES),
    "identify": ({"threshold": 0.5}, {k: v for k, v in AFTER_FACES.items() if k not in ("references", "known")}),
    "groups": ({"threshold": 0.4}, {"groups": 4}),
    "parse": ({"memory": 0.5}, {"parse": 1, **VIDEOS}),
    "sort": ({"by": "yaw"}, {"sort": 3, "clean": 3, "dataset": 3, "advise": 2, "train": 2, **VIDEOS}),
    "clean": ({"min_sharpness": 2}, {"clean": 3, "dataset": 3, "advise": 2, "train": 2, **VIDEOS}),
    "dataset": ({"max_faces": 99}, {"dataset": 3, "train": 2, **VIDEOS}),
    "advise": ({"few": 3}, {"advise": 2}),
    "train": ({"budget": {"steps": 9}}, {"train": 2, **VIDEOS}),
    "forehead": ({"tone": 2.0}, VIDEOS),
    "convert": ({"colour": "none"}, VIDEOS),
    "label": ({"producer": "us"}, FROM_CONVERT),
    "measure": ({"frames": 5}, {"measure": 2, "report": 2}),
    "report": ({"strip": 3}, {"report": 2}),
}


@pytest.mark.parametrize("section", SETTINGS)
def test_one_setting_of_a_stage_changed(toy, section):
    change, expected = SETTINGS[section]
    toy.config[section] = change
    toy.save()
    assert toy.plan() == expected


def test_a_mask_that_needs_no_parsing(made, tmp_path):
    toy = made.copy(tmp_path / "toy")
    toy.config["convert"] = {"mask": "extended"}
    toy.config["parse"] = {"memory": 0.5}
    toy.save()
    assert toy.plan() == FROM_CONVERT
    toy.make()
    toy.config["videos"] = [
        {"name": f"{swap}_on_b1", "clip": "b1", "swaps": [swap]} for swap in ("ann_onto_bob", "cy_onto_bob")
    ]
    toy.config["videos"][0]["convert"] = {"mask": {"product": ["hull", "parser"]}}
    toy.save()
    one = {stage: 1 for stage in FROM_CONVERT}
    assert toy.plan() == {"parse": 1, **one}
    toy.config["videos"][0]["convert"] = {"encoder": {"crf": 24}, "mask": "auto"}
    toy.save()
    assert toy.plan() == {"parse": 1, "forehead": 1, **one}
    toy.make()
    toy.config["videos"][0]["convert"] = {"encoder": {"crf": 25}, "mask": "auto"}
    toy.save()
    assert toy.plan() == one, "how a video is compressed changes no forehead"


def test_a_restorer_of_a_video(made, tmp_path):
    """It is read by all that converts, stands in the video's record, and its change converts again."""
    toy = made.copy(tmp_path / "toy")
    toy.config["convert"] = {"mask": "extended", "restorer_file": "restorer.onnx"}
    toy.save()
    assert "convert.restorer_file: " in toy.snakemake("-n", check=False).stderr
    toy.write("restorer.onnx", "first")
    assert toy.plan() == FROM_CONVERT
    toy.make()
    label = toy.snakemake("-n", "-p", "--forcerun", "label").stdout
    assert "restorer.onnx" in label.split("--inputs")[1].split("--state")[0]
    assert "--restorer restorer.onnx" in toy.snakemake("-n", "-p", "--forcerun", "convert").stdout
    toy.write("restorer.onnx", "second")
    assert toy.plan() == FROM_CONVERT


def test_a_mask_that_training_looks_by(made, tmp_path):
    """Of a swap that asks for it the clips are parsed, and what was parsed of them is a reason to train again."""
    toy = made.copy(tmp_path / "toy")
    toy.config["convert"] = {"mask": "extended"}
    toy.save()
    toy.make()
    assert "--masks --start" in (toy.folder / "results/swaps/ann_onto_bob/weights.h5").read_text(), "none given"
    first, second = toy.config["swaps"]
    toy.config["swaps"] = [{**first, "train": {"mask": {"min": ["extended", "parser"]}}}, second]
    toy.save()
    assert toy.plan() == {"parse": 2, "train": 1, **dict.fromkeys(FROM_CONVERT, 1)}, "b1 was parsed for its videos"
    toy.make()
    clips = [f"results/clips/{clip}/masks.zip" for clip in ("a1", "a2", "b1")]
    assert f"--masks {' '.join(clips)} --start" in (toy.folder / "results/swaps/ann_onto_bob/weights.h5").read_text()
    toy.write("config/edits/masks/a2/000001_0.png", "painted")
    assert toy.plan() == {"parse": 1, "train": 1, **dict.fromkeys(FROM_CONVERT, 1)}
    toy.config["parse"] = {"memory": 0.5}
    toy.save()
    assert toy.plan() == {"parse": 3, "train": 1, **dict.fromkeys(FROM_CONVERT, 1)}


def test_a_mask_painted_by_hand_concerns_its_clip(toy):
    toy.write("config/edits/masks/b1/000001_0.png", "painted")
    assert toy.plan() == {"parse": 1, **VIDEOS}
    toy.config["convert"] = {"mask": "extended"}
    toy.save()
    assert "config/edits/masks/b1: masks were painted" in toy.snakemake("-n", check=False).stderr
    toy.write("config/edits/masks/b9/000001_0.png", "painted")
    del toy.config["convert"]
    toy.save()
    assert "there is no clip b9" in toy.snakemake("-n", check=False).stderr


def test_what_is_made_beside_the_videos(made, tmp_path):
    toy = made.copy(tmp_path / "toy")
    video = toy.folder / "results/videos/ann_onto_bob_on_b1"
    toy.snakemake(*(f"results/videos/{video.name}/{name}" for name in ("preview.jpg", "passes/prores")))
    assert (video / "preview.jpg").is_file() and (video / "passes/prores/passes.json").is_file()
    assert toy.plan() == {}  # on request alone
    toy.config["also"] = ["side_by_side", "exr"]
    toy.config["videos"] = [
        {"name": "cy_onto_bob_on_b1", "clip": "b1", "swaps": ["cy_onto_bob"]},
        {"name": "ann_onto_bob_on_b1", "clip": "b1", "swaps": ["ann_onto_bob"], "also": ["png", "ffv1"]},
    ]
    toy.save()
    assert toy.plan() == {"side_by_side": 1, "passes": 3}
    toy.make()
    toy.config["convert"] = {"colour": "none"}
    toy.save()
    assert toy.plan() == {**VIDEOS, "side_by_side": 1, "passes": 3}


@pytest.mark.parametrize("file", ["video.mp4", "provenance.json"])
def test_a_finished_video_that_was_changed_is_verified_anew(made, tmp_path, file):
    toy = made.copy(tmp_path / "toy")
    toy.write(f"results/videos/ann_onto_bob_on_b1/{file}", "changed by somebody")
    plan = toy.plan()
    assert plan["verify"] == 1 and not {"convert", "label"} & set(plan)
    toy.write("fail_verify", "")
    assert toy.snakemake("--quiet", "all", check=False).returncode != 0
    assert toy.plan()["verify"] == 1, "as long as it does not verify"


def test_a_setting_of_one_swap_concerns_that_swap(toy):
    first, second = toy.config["swaps"]
    toy.config["swaps"] = [{**first, "train": {"batch": 4}}, second]
    toy.save()
    assert toy.plan() == {"train": 1, **ONE_VIDEO}


def test_a_setting_of_one_person_concerns_that_person(toy):
    toy.config["people"]["ann"] |= {"clean": {"looks": [1]}}
    toy.save()
    assert toy.plan() == {"clean": 1, "dataset": 1, "advise": 1, "train": 1, **ONE_VIDEO}
