"""What Snakemake makes again after a change, and what not: counted in dry runs of a toy project."""

from __future__ import annotations

import os

import pytest
from toy import ONE_VIDEO, VIDEOS

from swapcore import store


def test_nothing_changed_nothing_to_do(toy):
    assert toy.plan() == {}


def test_a_project_may_move_to_a_path_with_spaces(toy):
    home = toy.folder
    toy.folder = home.rename(home.with_name("another place"))
    try:
        assert toy.plan() == {}
        toy.snakemake("--quiet", "all", "--force", "results/clips/a1/frames.parquet")
    finally:
        toy.folder = toy.folder.rename(home)


def test_pictures_are_the_same_to_the_workflow_and_to_the_library(root):
    """Declared once: the workflow asks the library, and names no suffix of a picture itself but in outputs."""
    text = "".join((root / f"workflow/rules/{name}.smk").read_text() for name in ("common", "inputs"))
    assert "store.pictures(path)" in text and "PICTURES =" not in text
    assert not [suffix for suffix in store.PICTURES if f'"{suffix}"' in text]


def test_a_clip_added_is_extracted_alone_and_its_person_follows(toy):
    toy.clips["a3"] = "ann"
    toy.write("film/a3.mp4", "new")
    toy.save()
    assert toy.plan() == {
        "frames": 1,
        "faces": 1,
        "identify": 1,
        "groups": 1,
        "sort": 1,
        "clean": 1,
        "dataset": 1,
        "advise": 1,
        "train": 1,
        **ONE_VIDEO,
    }


def test_a_clip_added_of_somebody_known_from_clips_alone_is_compared_with_by_all(toy):
    """And nothing of the others is extracted, nor is anything made of the one who is not in them."""
    toy.clips["c2"] = "cy"
    toy.write("film/c2.mp4", "new")
    toy.save()
    plan = toy.plan()
    assert plan["frames"] == plan["faces"] == plan["references"] == plan["known"] == 1 and plan["identify"] == 5


def test_a_clip_removed(toy):
    del toy.clips["a2"]
    toy.save()
    assert toy.plan() == {"sort": 1, "clean": 1, "dataset": 1, "advise": 1, "train": 1, **ONE_VIDEO}


def test_a_clip_replaced(toy):
    toy.write("film/a1.mp4", "another take")
    assert toy.plan() == {
        "frames": 1,
        "faces": 1,
        "identify": 1,
        "groups": 1,
        "sort": 1,
        "clean": 1,
        "dataset": 1,
        "advise": 1,
        "train": 1,
        **ONE_VIDEO,
    }


def test_a_reference_photo_added_decides_anew_and_extracts_nothing(toy):
    toy.write("photos/bob/2.jpg", "another photo")
    plan = toy.plan()
    assert plan["references"] == plan["known"] == 1 and plan["identify"] == plan["groups"] == 4
    assert not {"frames", "faces"} & set(plan)


def test_another_detector_file_finds_the_faces_anew(made, tmp_path):
    toy = made.copy(tmp_path / "toy")
    toy.write("config/net.onnx", "a network")
    toy.config["faces"] = {"detector": "yunet", "detector_file": "config/net.onnx"}
    toy.save()
    assert toy.plan()["faces"] == 4
    toy.snakemake("--quiet", "all", "--until", "faces")
    assert "faces" not in toy.plan()
    toy.write("config/net.onnx", "another network")
    assert toy.plan()["faces"] == 4


def test_somebody_refused_is_looked_for_in_every_clip_and_nothing_is_extracted(toy):
    toy.config["people"] = {**toy.config["people"], "eve": {"refuse": True, "references": ["photos/eve"]}}
    toy.write("photos/eve/1.jpg", "eve")
    toy.save()
    plan = toy.plan()
    assert plan["references"] == 1 and plan["identify"] == 4 and plan["sort"] == 3
    assert not {"frames", "faces"} & set(plan)


def test_a_known_person_competes_without_being_in_any_clip(toy):
    toy.config["people"] = {
        **toy.config["people"],
        "di": {"references": ["photos/di"], "consent": {"basis": "synthetic"}},
        "ed": {"consent": {"basis": "synthetic"}},  # of whom nothing is known
    }
    toy.write("photos/di/1.jpg", "di")
    toy.save()
    plan = toy.plan()
    assert plan["references"] == 1 and plan["identify"] == 4


def test_a_clip_of_unknown_people_ends_at_its_groups(toy):
    toy.clips["crowd"] = "?"
    toy.write("film/crowd.mp4", "many")
    toy.save()
    assert toy.plan() == {"frames": 1, "faces": 1, "identify": 1, "groups": 1}


def test_people_who_are_refused_or_known_by_hand(made, tmp_path):
    toy = made.copy(tmp_path / "toy")
    toy.clips["crowd"] = "di,?"
    toy.config["people"] |= {
        "di": {"consent": {"basis": "synthetic"}},
        "eve": {"refuse": True, "references": ["photos/eve"]},
    }
    toy.write("film/crowd.mp4", "many")
    toy.write("photos/eve/1.jpg", "eve")
    toy.write("config/edits/di.yaml", "reject: []\nidentity:\n- {clip: crowd, face: 000001_0, box: [1, 2, 30, 40]}\n")
    toy.save()
    plan = toy.plan()
    assert plan["references"] == 2 and plan["identify"] == 5 and plan["sort"] == plan["dataset"] == 4
    assert plan["frames"] == plan["faces"] == 1
    toy.make()
    assert toy.plan() == {}
    # lines of another kind in the same file are no reason to decide anew whose face is whose
    text = (toy.folder / "config/edits/di.yaml").read_text()
    toy.write("config/edits/di.yaml", text.replace("[]", "\n- {clip: crowd, face: 000002_0, box: [1, 2, 30, 40]}"))
    plan = toy.plan()
    assert plan["clean"] == 1 and not {"references", "identify"} & set(plan)
    # another line about who di is, in another's file
    toy.write("config/edits/ann.yaml", "identity: {crowd/3: di}")
    plan = toy.plan()
    assert plan["references"] == 1 and plan["identify"] == 5 and "faces" not in plan
    os.unlink(toy.folder / "config/edits/ann.yaml")
    # the refused are looked for in every clip
    toy.write("photos/eve/2.jpg", "another photo")
    plan = toy.plan()
    assert plan["references"] == 1 and plan["identify"] == 5 and "faces" not in plan


def test_a_face_rejected_by_hand(toy):
    toy.write("config/edits/ann.yaml", "reject:\n- {clip: a1, face: 000001_0, box: [1, 2, 30, 40]}\n")
    assert toy.plan() == {"clean": 1, "dataset": 1, "advise": 1, "train": 1, **ONE_VIDEO}


def test_an_archive_changed_by_hand_is_not_extracted_again(toy):
    """What follows it is made again: its person, and the swaps of that person. Deleted, it is extracted again."""
    archive = toy.folder / "results/clips/a1/faces.zip"
    before = archive.read_bytes(), archive.stat()
    try:
        archive.write_bytes(b"faces, some of them taken out")
        assert toy.plan() == {"groups": 1, "sort": 1, "clean": 1, "dataset": 1, "advise": 1, "train": 1, **ONE_VIDEO}
        archive.unlink()
        plan = toy.plan()
        assert plan["faces"] == 1 and "frames" not in plan
    finally:
        archive.write_bytes(before[0])
        os.utime(archive, ns=(before[1].st_atime_ns, before[1].st_mtime_ns))


def test_an_identity_decided_by_hand_concerns_its_clip(toy):
    toy.write("config/edits/ann.yaml", "identity:\n- {clip: a1, face: 000001_0, box: [1, 2, 30, 40]}\n")
    plan = toy.plan()
    assert plan["identify"] == 1 and not {"faces", "references"} & set(plan)


def test_a_hint_changes_nothing(toy):
    toy.config |= {"train": {"checkpoint_every": 5, "progress_every": 1}, "state": "elsewhere"}
    toy.save()
    assert toy.plan() == {}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("convert.py", VIDEOS),
        ("measure/metrics.py", {"measure": 2, "report": 2}),  # whose page shows the measures
        ("clean.py", {"clean": 3, "dataset": 3, "advise": 2, "train": 2, **VIDEOS}),
    ],
)
def test_a_module_changed_concerns_the_stages_that_run_it(toy, module, expected):
    file = toy.folder / "swapcore" / module
    toy.write(f"swapcore/{module}", file.read_text() + "\n# a comment\n")
    assert toy.plan() == {}
    toy.write(f"swapcore/{module}", file.read_text() + "\nCHANGED = True\n")
    assert toy.plan() == expected


@pytest.mark.parametrize("stage", ["faces", "clean", "train"])
def test_a_failed_job_is_made_again(toy, stage):
    # Snakemake alone takes a failed job for up to date and keeps what stood on its old outputs
    toy.write("film/a1.mp4", f"a take on which {stage} fails")
    toy.write(f"fail_{stage}", "")
    assert toy.snakemake("--quiet", "all", "--keep-going", check=False).returncode != 0
    os.unlink(toy.folder / f"fail_{stage}")
    plan = toy.plan()
    assert plan.get(stage) and plan.get("convert") and plan.get("label")
    toy.make()
    assert toy.plan() == {}
    videos = toy.folder / "results/videos"
    assert all((v / "video.mp4").is_file() and (v / "measures.json").is_file() for v in videos.iterdir())


@pytest.mark.parametrize(
    ("more", "known"),
    [
        ("", True),
        ("z\tann\tfilm/a2.mp4\n", False),  # the source is not only who the actor is
        ("z\tann\tresults/studio/other.mp4\n", False),
    ],
)
def test_the_true_swap_is_known_where_one_actor_plays_each(toy, more, known):
    plays = {"x": {"actor": "ann"}, "y": {"actor": "bob", "performance": 3, "seconds": 2}, "other": {"actor": "bob"}}
    toy.config |= {"studio": {"clips": plays, "size": 160}, "swaps": toy.config["swaps"][:1]}
    toy.save()
    rows = "x\tann\tresults/studio/x.mp4\ny\tbob\tresults/studio/y.mp4\nc1\tcy\tfilm/c1.mp4\n" + more
    toy.write("config/clips.tsv", "name\tperson\tpath\n" + rows)
    done = toy.snakemake("--dry-run", "--printshellcmds")
    commands = [line for line in (done.stdout + done.stderr).splitlines() if "scripts/measure.py" in line]
    wanted = (
        '{"ann_onto_bob": {"grain": 2.0, "performance": 3, "rate": 25, "scene": "talk", "seconds": 2.0, "size": 160, '
        '"source": "ann", '
    )
    assert len(commands) == 1 and (wanted in commands[0]) == known and ("--truth '{}'" in commands[0]) != known


def test_a_swap_both_ways_is_trained_once(toy):
    """The model is there already: what is made is the advice, and a video of each clip of the source."""
    toy.config["swaps"][0]["also_back"] = True
    toy.save()
    clips = sum(people == "ann" for people in toy.clips.values())
    assert clips and toy.plan() == {"advise": 1, **dict.fromkeys(["parse", *ONE_VIDEO], clips)}
    done = toy.snakemake("--dry-run", "results/swaps/ann_onto_bob_back/trained.json", check=False)
    assert done.returncode == 1 and "ann_onto_bob_back/trained.json" in done.stdout + done.stderr


def test_a_swap_that_begins_with_another_waits_for_it(made, tmp_path):
    """And is not made again when that one learns more: what was begun is begun."""
    toy = made.copy(tmp_path / "toy")
    first, second = toy.config["swaps"]
    second["train"] = {"start_from": first["name"]}
    toy.save()
    assert toy.plan() == {"train": 1, **ONE_VIDEO}
    toy.snakemake("--quiet", "all", "--until", "train")
    start = [f"results/swaps/ann_onto_bob/{file}" for file in ("trained.json", "weights.h5")]
    weights = toy.folder / "results/swaps/cy_onto_bob/weights.h5"
    assert f"--start {' '.join(start)}" in weights.read_text()
    toy.write(start[1], "learnt more")
    assert "train" not in toy.plan()
    for swap in ("cy_onto_bob", "ann_onto_bob"):
        (toy.folder / f"results/swaps/{swap}/trained.json").unlink()
    lines = toy.snakemake("--dry-run").stdout
    assert lines.index("swap=ann_onto_bob") < lines.index("swap=cy_onto_bob")
