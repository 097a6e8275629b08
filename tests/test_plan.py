"""What Snakemake makes again after a change, and what not: counted in dry runs of a toy project."""

from __future__ import annotations

import copy
import os

import pytest
from toy import Toy

from swapcore import store

# two people with photos, one known from a clip alone; four clips, two swaps, both onto b1
FRESH = {
    "frames": 4,
    "faces": 4,
    "references": 3,
    "known": 1,
    "identify": 4,
    "groups": 4,
    "parse": 1,
    "sort": 3,
    "clean": 3,
    "dataset": 3,
    "advise": 2,
    "train": 2,
    "forehead": 2,
    "convert": 2,
    "label": 2,
    "verify": 2,
    "measure": 2,
    "report": 2,
}
VIDEOS = {"forehead": 2, "convert": 2, "label": 2, "verify": 2, "measure": 2, "report": 2}
FROM_CONVERT = {stage: count for stage, count in VIDEOS.items() if stage != "forehead"}
ONE_VIDEO = {"forehead": 1, "convert": 1, "label": 1, "verify": 1, "measure": 1, "report": 1}


@pytest.fixture(scope="module")
def made(tmp_path_factory, root):
    """A toy project, made once."""
    toy = Toy(tmp_path_factory.mktemp("toy"), root)
    assert toy.plan() == FRESH
    toy.make()
    return toy


@pytest.fixture
def toy(made):
    """The finished project; whatever a test changes is put back."""
    before = {
        f: f.read_bytes()
        for d in ("config", "film", "photos", "workflow", "swapcore", "scripts")
        for f in (made.folder / d).rglob("*")
        if f.is_file()
    }
    times = {file: file.stat().st_mtime_ns for file in before}
    config, clips = copy.deepcopy(made.config), dict(made.clips)
    yield made
    for d in ("config", "film", "photos", "workflow", "swapcore", "scripts"):
        for file in (made.folder / d).rglob("*"):
            if file.is_file() and file not in before:
                file.unlink()
    for file, data in before.items():
        if not file.exists() or file.read_bytes() != data:
            file.write_bytes(data)
            os.utime(file, ns=(times[file], times[file]))  # or what is made of it looks outdated to the next test
    made.config, made.clips = config, clips


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
    ("change", "words"),
    [
        ({"people": {"ann": {"references": ["photos/ann"]}}}, "ann has no consent record"),
        ({"clips": "config/nothing.tsv"}, "expected the table of clips at config/nothing.tsv"),
        ({"trian": {}}, "did you mean train?"),
        (
            {"faces": {"detector": "yunet", "detector_file": "no.onnx"}},
            "expected YuNet's ONNX file at no.onnx, found none",
        ),
        ({"clips": [{"name": "a1"}]}, "expected the path of a table"),
        (
            {"label": {"certificate": "no.pem", "key": "no.key"}},
            "label.certificate: expected a PEM file at no.pem, found none",
        ),
        ({"label": {"certificate": "photos/ann/1.jpg", "key": "photos/ann/1.jpg"}}, "expected a certificate as PEM"),
    ],
)
def test_no_job_before_the_configuration_is_right(toy, change, words):
    toy.config |= change
    toy.save()
    done = toy.snakemake(check=False)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert done.returncode == 1 and words in lines[-1] and len(lines) == 1


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("config/edits/anm.yaml", "", "nobody is called anm"),
        (
            "config/edits/ann.yaml",
            "identity:\n- {clip: a9, face: 000001_0, box: [1, 2, 30, 40]}\n",
            "no clip is called a9",
        ),
        ("config/edits/ann.yaml", "identity: {b1/3: ann}", "ann.yaml, identity, line 1: ann is not among the people"),
        ("config/edits/ann.yaml", "identity:\n  a1/3: amy\n", "line 2: nobody is called amy"),
        ("photos/ann/{2}.jpg", "", "expected a name without { and }"),
        ("config/clips.tsv", "name\tperson\tpath\na1\tann\tresults/studio/x.mp4\n", "no clip of the studio"),
    ],
)
def test_a_file_that_nothing_would_read_is_one_line(toy, file, text, words):
    if file == "config/clips.tsv":
        text += (toy.folder / file).read_text().replace("\na1\t", "\na0\t").partition("\n")[2]
    toy.write(file, text)
    done = toy.snakemake(check=False)
    assert done.returncode == 1 and words in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_mistake_in_yaml_is_one_line_that_says_where(toy):
    toy.write("config/config.yaml", "clips: config/clips.tsv\npeople: {ann: {}}}\n")
    done = toy.snakemake(check=False)
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1
    assert "config/config.yaml: expected YAML" in done.stderr and "line 2" in done.stderr


def test_a_missing_clip_is_one_line(toy):
    os.unlink(toy.folder / "film/b1.mp4")
    done = toy.snakemake(check=False)
    assert done.returncode == 1
    assert (
        done.stderr.strip()
        == "swapcore: clip b1: expected a video or a folder at film/b1.mp4, found none; correct clips.tsv"
    )


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
