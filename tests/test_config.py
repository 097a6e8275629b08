from __future__ import annotations

import copy
import datetime
import json
import subprocess
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from swapcore import config
from swapcore.config.fields import SECTIONS
from swapcore.config.schema import settings_page
from swapcore.errors import SwapError
from swapcore.passes import FORMS

CONFIG = {
    "people": {
        "lead": {
            "references": ["photos/lead"],
            "consent": {"basis": "written", "by": "J. Roe", "date": datetime.date(2026, 11, 1), "scope": "scene 4"},
        },
        "double": {"consent": {"basis": "synthetic"}},
    },
    "swaps": [{"name": "lead_onto_double", "source": "lead", "target": "double"}],
}
CLIPS = """\
name	person	path	start	end
photos	lead	stills/lead
stunt	double	film/stunt.mp4	1.5	9
both	lead, double	film/both.mp4
"""


def changed(**sections):
    return {**copy.deepcopy(CONFIG), **sections}


def refusal(given_config=CONFIG, clips=CLIPS, **kwargs) -> str:
    with pytest.raises(SwapError) as caught:
        config.load(given_config, clips, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_small_configuration_is_filled_with_defaults():
    project = config.load(CONFIG, CLIPS, is_folder=lambda path: path == "stills/lead")
    assert list(project.videos) == ["lead_onto_double_on_stunt", "lead_onto_double_on_both"]
    assert project.clips["both"].people == ["lead", "double"]
    assert (project.clips["stunt"].start, project.clips["stunt"].end) == (1.5, 9)
    assert project.people["lead"].consent.date == "2026-11-01"
    assert json.loads(project.settings("train", swap="lead_onto_double"))["model"] == "small"


def test_the_longest_names_still_make_a_video():
    person, clip, swap = ("ab" * 50 for _ in range(3))
    people = {person: {"consent": {"basis": "synthetic"}}, "lead": {"consent": {"basis": "synthetic"}}}
    swaps = [{"name": swap, "source": "lead", "target": person}]
    table = f"name\tperson\tpath\n{clip}\t{person}\tx.mp4\nl\tlead\ty.mp4\n"
    assert [len(name) for name in config.load({"people": people, "swaps": swaps}, table).videos] == [204]


def test_a_default_video_is_never_made_from_photos():
    project = config.load(CONFIG, CLIPS, is_folder=lambda path: "both" in path)
    assert list(project.videos) == ["lead_onto_double_on_stunt"]
    wrong = changed(videos=[{"name": "v", "clip": "both", "swaps": ["lead_onto_double"]}])
    line = refusal(wrong, is_folder=lambda path: "both" in path)
    assert (
        "video v: clip both is a folder of photos; if its images are one sequence, give it a rate in clips.tsv" in line
    )


def test_a_folder_with_a_rate_is_a_clip_like_a_video():
    clips = "name\tperson\tpath\tstart\trate\nseq\tdouble\tplates/seq\t0.5\t23.976\nl\tlead\tlead.mp4\t\t\n"
    project = config.load(CONFIG, clips, is_folder=lambda path: path == "plates/seq")
    assert project.clips["seq"].rate == "24000/1001" and list(project.videos) == ["lead_onto_double_on_seq"]
    assert "clip seq: a rate is for a folder of images, not for plates/seq" in refusal(clips=clips)
    line = refusal(clips=clips.replace("23.976", ""), is_folder=lambda path: path == "plates/seq")
    assert "clip seq: plates/seq is a folder of photos, which have no times" in line and "give it a rate" in line


@pytest.mark.parametrize(
    ("row", "seconds", "count"),
    [
        *[("\t", None, 1), ("\t", 0.0, 1), ("\t", -5.0, 1), ("\t", 600.0, 1), ("\t", 600.1, 2), ("\t", 1800.0, 3)],
        *[("100\t", 700.0, 1), ("900\t", 600.0, 1), ("\t590", 1e6, 1), ("\t1300", 1e6, 3), ("\t1300", 650.0, 2)],
        *[("\t", 1e13, config.entries.MOST_SEGMENTS), ("100\t90000000", 1e13, config.entries.MOST_SEGMENTS)],
    ],
)
def test_a_clip_has_segments_by_its_length_whatever_its_header_says(row, seconds, count):
    clip = config.parse_clips(f"name\tperson\tpath\tstart\tend\na\tlead\tx\t{row}\n")["a"]
    assert clip.segments(seconds, minutes=10) == count


@pytest.mark.parametrize(
    ("given_rate", "rate"),
    [
        *[("24", "24"), ("25.0", "25"), ("12.5", "25/2"), ("23.976", "24000/1001"), ("23.98", "24000/1001")],
        *[("29.97", "30000/1001"), ("59.94", "60000/1001"), ("24000/1001", "24000/1001"), ("2997/100", "2997/100")],
    ],
)
def test_a_rate_is_exact(given_rate, rate):
    clips = f"name\tperson\tpath\trate\na\tlead\tx\t{given_rate}\n"
    assert config.parse_clips(clips)["a"].rate == rate


@pytest.mark.parametrize(
    ("train", "expected"),
    [
        ({}, 4),
        ({"model": "core"}, 16),
        ({"backend": "jax"}, 16),
        ({"backend": "jax", "batch": 2}, 2),
        ({"model": "core", "batch": "auto"}, "auto"),
    ],
)
def test_how_many_faces_a_step_takes(train, expected):
    assert config.load(changed(train=train), CLIPS).sections["train"].faces_a_step == expected


def test_own_settings_are_laid_over_the_global_ones_and_a_budget_is_one_choice():
    given_config = changed(
        train={"budget": {"minutes": 5}, "batch": 8}, convert={"encoder": {"crf": 20, "preset": "fast"}}
    )
    given_config["swaps"][0]["train"] = {"budget": {"steps": 70}}
    given_config["videos"] = [
        {"name": "v", "clip": "stunt", "swaps": ["lead_onto_double"], "convert": {"encoder": {"crf": 12}}}
    ]
    project = config.load(given_config, CLIPS)
    train = json.loads(project.settings("train", swap="lead_onto_double"))
    assert (train["budget"], train["batch"]) == ({"steps": 70, "minutes": None}, 8)
    assert json.loads(project.settings("train"))["budget"]["minutes"] == 5
    assert json.loads(project.settings("convert", video="v"))["encoder"] == {
        "codec": "auto",
        "crf": 12,
        "preset": "fast",
    }


def test_what_is_made_beside_a_video():
    assert set(config.FORMS) == set(FORMS)
    rows = [{"name": n, "clip": "stunt", "swaps": ["lead_onto_double"]} for n in ("v", "w")]
    rows[1]["also"] = []
    project = config.load(changed(also=["side_by_side", "exr"], videos=rows), CLIPS)
    assert project.videos["v"].also == ["side_by_side", "exr"] and project.videos["w"].also == []
    assert "video v.also.0" in refusal(changed(also=["exp"], videos=rows[:1]))


def test_a_person_may_be_cleaned_and_sorted_otherwise():
    given_config = changed(clean={"min_sharpness": 3, "max_yaw": 50}, sort={"by": "yaw"})
    given_config["people"]["lead"] |= {"clean": {"max_yaw": 40, "looks": [2]}, "sort": {"like": "both/000001_0"}}
    project = config.load(given_config, CLIPS)
    lead, double = (json.loads(project.settings("clean", person=name)) for name in ("lead", "double"))
    assert (lead["min_sharpness"], lead["max_yaw"], lead["looks"]) == (3, 40, [2])
    assert (double["min_sharpness"], double["max_yaw"], double["looks"]) == (3, 50, [])
    assert json.loads(project.settings("sort", person="lead"))["by"] == "yaw"
    assert project.settings("dataset", person="lead") == project.settings("dataset")
    given_config["people"]["lead"]["clean"] = {"max_yav": 40}
    assert "person lead.clean.max_yav: unknown key (did you mean max_yaw?)" in refusal(given_config)
    assert "sort.like: unknown clip 'bohth' (did you mean both?)" in refusal(changed(sort={"like": "bohth/000001_0"}))


def test_hints_stay_out_of_what_is_compared():
    one, two = (config.load(changed(train={"checkpoint_every": n}), CLIPS) for n in (10, 99))
    assert one.settings("train", swap="lead_onto_double") == two.settings("train", swap="lead_onto_double")
    assert two.hints("train", swap="lead_onto_double")["checkpoint_every"] == 99


def test_settings_come_back_as_they_were():
    project = config.load(changed(train={"batch": 4}), CLIPS)
    for name in SECTIONS:
        assert (
            config.parse(name, project.settings(name)).model_dump() == project.sections[name].model_dump()
            or name == "studio"
        )


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"trian": {}}, ["unknown key 'trian'", "did you mean train?"]),
        ({"train": {"modle": "x"}}, ["train.modle", "did you mean model?"]),
        ({"train": {"batch": 0}}, ["train.batch", "greater than or equal to 1", "got 0"]),
        ({"train": {"budget": {"steps": 1, "minutes": 2}}}, ["either steps or minutes"]),
        ({"train": {"budget": {"steps": 9}, "quality_every": 1}}, ["quality_every is in minutes"]),
        ({"train": {"devices": 2}}, ["train", "devices: 2 need backend: jax; tensorflow takes one"]),
        (
            {"train": {"devices": 3, "backend": "jax"}},
            ["batch: expected a multiple of devices, 3, found 16; for example 15 or 18"],
        ),
        ({"train": {"learning_rate": float("nan")}}, ["train.learning_rate", "finite"]),
        ({"train": 7}, ["train", "got 7"]),
        ({"train": {"losses": {"vgg": 1}}}, ["train.losses.vgg: input should be 'mae', 'mse', 'ssim'", "got 'vgg'"]),
        (
            {"train": {"resolution": 60}},
            ["train: resolution of small: expected a multiple of 16 from 32 to 256, got 60"],
        ),
        ({"train": {"model": "core", "resolution": 96}}, ["resolution of core: expected a multiple of 64", "got 96"]),
        (
            {"train": {"batch": "automatic"}},
            ["train.batch: input should be a valid integer", "or 'auto', got 'automatic'"],
        ),
        ({"train": {"schedule": [{"warp": "none", "rate_end": -1}]}}, ["train.schedule.0.rate_end", "got -1"]),
        ({"faces": {"detector": "hgo"}}, ["faces.detector", "hog"]),
        ({"faces": {"detector": "yunet"}}, ["faces", "needs detector_file"]),
        ({"convert": {"mask": "extendet"}}, ["convert.mask", "expected auto, extended, components", "got 'extendet'"]),
        ({"convert": {"mask": {"min": ["hull"]}}}, ["convert.mask", "several of these as {min: [extended, parser]}"]),
        ({"train": {"mask": "brow"}}, ["train.mask", "expected extended, components, hull", "got 'brow'"]),
        ({"train": {"mask": {"min": ["extended", "learned"]}}}, ["train.mask", "expected extended, components, hull"]),
        ({"train": {"mask": "auto"}}, ["train.mask", "expected extended, components, hull", "got 'auto'"]),
        ({"convert": {"mask": {"mean": ["hull", "parser"]}}}, ["convert.mask", "min, max or product"]),
        ({"convert": {"mask": {"min": ["hull", "parser"], "max": ["hull", "parser"]}}}, ["convert.mask", "several"]),
        ({"parse": {"parser": "xseg"}}, ["parse", "needs parser_file"]),
        ({"train": {"held_out": 3}}, ["train", "expected 0, or 4 faces"]),
        ({"parse": {"parser_file": "net.onnx"}}, ["parse", "not for own"]),
        ({"faces": {"detector_file": "net.onnx"}}, ["faces", "for detector yunet, not for cnn"]),
        ({"label": {"note": False}}, ["note_reason"]),
        ({"label": {"note_text": "nothing to see"}}, ["label.note_text", "ynthetic"]),
        ({"swaps": [{"name": "s", "source": "lead", "target": "lead"}]}, ["both lead"]),
        ({"swaps": [{"name": "s", "source": "laed", "target": "double"}]}, ["laed", "did you mean lead?"]),
        ({"swaps": [{"name": "a b", "source": "lead", "target": "double"}]}, ["letters, digits"]),
        ({"swaps": {"name": "s"}}, ["expected a list"]),
        (
            {"videos": [{"name": "v", "clip": "photos", "swaps": ["lead_onto_double"]}]},
            ["changes double, who is not in"],
        ),
        ({"videos": [{"name": "v", "clip": "nope", "swaps": ["lead_onto_double"]}]}, ["unknown clip"]),
        ({"people": {"lead": {}}}, ["lead", "no consent record", "basis: written"]),
        ({"people": {"lead": {"consent": {"basis": "written", "by": "x"}}}}, ["lead", "date, scope", "write `consent"]),
        ({"people": {"lead": {"consent": "yes"}}}, ["lead", "expected a consent record"]),
        (
            {"people": {"lead": {"consent": {"basis": "self", "by": "x", "date": "2026-99-01", "scope": "y"}}}},
            ["lead", "date", "2026-11-01", "got '2026-99-01'"],
        ),
        ({"people": {"../x": {"consent": {"basis": "self"}}}}, ["letters, digits"]),
        ({"people": {"x" * 101: {"consent": {"basis": "self"}}}}, ["person xxx", "at most 100 letters, got 101"]),
        ({"people": {"-x": {"consent": {"basis": "self"}}}}, ["letters, digits"]),  # an option to every script
        ({"people": {}}, ["people", "found none"]),
        ({"people": {"nobody": {"consent": {"basis": "synthetic"}}}}, ["nobody", "means an unknown face"]),
        ({"people": {**CONFIG["people"], "eve": {"refuse": True}}}, ["eve is refused", "add `references"]),
        ({"people": {**CONFIG["people"], "eve": {"refuse": "no", "references": ["x"]}}}, ["eve", "no consent record"]),
        (
            {"people": {**CONFIG["people"], "double": {"refuse": True, "references": ["x"]}}},
            ["clips.tsv: clip stunt: double is refused", "take the name out"],
        ),
        ({"state": 3}, ["state", "expected a folder"]),
    ],
)
def test_a_mistake_is_one_line_that_names_it(section, words):
    line = refusal(changed(**section))
    assert all(word in line for word in words), line


@pytest.mark.parametrize(
    ("clips", "words"),
    [
        ("", ["found nothing"]),
        ("name person path\n", ["line 1", "no tab in it", "not by spaces"]),
        ("name\tpath\n", ["there is no person"]),
        ("name\tperson\tpath\tcolour\n", ["unknown column colour"]),
        ("name\tperson\tpath\na\tlead\n", ["line 2", "path"]),
        ("name\tperson\tpath\na\tlead\tx.mp4\na\tlead\ty.mp4\n", ["line 3", "used twice"]),
        ("name\tperson\tpath\n../a\tlead\tx.mp4\n", ["letters, digits"]),
        ("name\tperson\tpath\na b\tlead\tx.mp4\n", ["letters, digits"]),
        ("name\tperson\tpath\na'b\tlead\tx.mp4\n", ["letters, digits"]),
        (f"name\tperson\tpath\n{'ab' * 51}\tlead\tx.mp4\n", ["line 2.name", "at most 100 characters"]),
        ("name\tperson\tpath\na\tlead\t-x.mp4\n", ["line 2.path", "may not begin with -", "got '-x.mp4'"]),
        ("name\tperson\tpath\tstart\tend\na\tlead\tx.mp4\t5\t2\n", ["must come after"]),
        ("name\tperson\tpath\tstart\na\tlead\tx.mp4\tsoon\n", ["start", "got 'soon'"]),
        ("name\tperson\tpath\trate\na\tlead\tx\tfast\n", ["line 2.rate", "24, 23.976 or 24000/1001", "got 'fast'"]),
        ("name\tperson\tpath\trate\na\tlead\tx\t0\n", ["line 2.rate", "above 0", "got '0'"]),
        ("name\tperson\tpath\trate\na\tlead\tx\t1/0\n", ["line 2.rate", "got '1/0'"]),
        ("name\tperson\tpath\na\tnobody\tx.mp4\n", ["unknown person 'nobody'"]),
        ("name\tperson\tpath\na\tlead\tx.mp4\n", ["no clip of double"]),
        ("name\tperson\tpath\na\t,\tx.mp4\n", ["line 2", "? where nobody is known"]),
        ("name\tperson\tpath\na\t\tx.mp4\n", ["line 2", "nothing in column person", "person is ?"]),
    ],
)
def test_a_mistake_in_the_table_of_clips_is_one_line(clips, words):
    line = refusal(clips=clips)
    assert all(word in line for word in words), line


def test_references_may_be_left_out_only_where_the_person_is_known_otherwise():
    clips = "name\tperson\tpath\nboth\tlead,double\tx.mp4\n"
    line = refusal(clips=clips)
    assert "person double: no reference photos, no clip with double alone, and no track decided by hand" in line
    assert "see groups.jpg" in line
    assert config.load(CONFIG, clips, by_hand=["double"]).clips["both"].people == ["lead", "double"]
    assert "no clip with double alone" in refusal(clips=clips.replace("lead,double", "double,?") + "l\tlead\ty.mp4\n")


def test_where_nobody_is_known_nobody_need_be_named():
    clips = "name\tperson\tpath\ncrowd\t?\tx.mp4\n"
    project = config.load({"clips": "config/clips.tsv"}, clips)
    assert project.clips["crowd"].people == [] and project.clips["crowd"].others and not project.videos
    project = config.load(CONFIG, CLIPS + "crowd\tlead, ?\tx.mp4\n")
    assert project.clips["crowd"].people == ["lead"] and not project.clips["crowd"].alone
    assert project.clips["stunt"].alone == "double" and not project.clips["both"].alone
    assert "people: expected the people by name" in refusal({}, clips.replace("?", "lead"))
    assert "unknown person 'lead'" in refusal({"swaps": CONFIG["swaps"]}, clips)


def test_the_refused_need_references_and_no_consent():
    eve = {"refuse": True, "references": ["photos/eve"]}
    project = config.load(changed(people={**CONFIG["people"], "eve": eve}), CLIPS)
    assert project.people["eve"].refuse and project.people["eve"].consent is None
    assert config.load(changed(people={**CONFIG["people"], "eve": {"refuse": True}}), CLIPS, by_hand=["eve"])
    swap = {"name": "s", "source": "eve", "target": "double"}
    line = refusal(changed(people={**CONFIG["people"], "eve": eve}, swaps=[swap]))
    assert "swap s: eve is refused" in line


@given(st.text())
def test_any_text_is_a_table_or_one_line(text):
    try:
        config.parse_clips(text)
    except SwapError as error:
        assert "\n" not in str(error)


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([*SECTIONS, "people", "swaps", "videos", "state"]), values)
def test_any_value_anywhere_is_taken_or_refused_in_one_line(key, value):
    try:
        config.load(changed(**{key: value}), CLIPS)
    except SwapError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("page", "path"), [("schema", "workflow/schemas/config.schema.json"), ("settings", "docs/settings.md")]
)
def test_written_descriptions_have_not_drifted(root, page, path):
    done = subprocess.run(
        [sys.executable, "-m", "swapcore.config", page], cwd=root, capture_output=True, text=True, check=True
    )
    assert (root / path).read_text() == done.stdout, f"run: ./run python -m swapcore.config {page} > {path}"


def test_every_setting_is_explained():
    rows = [line for line in settings_page().splitlines() if line.startswith("| `")]
    assert rows and all(len(line.split(" | ")[-1].strip(" |")) > 5 for line in rows)


def test_the_demo_is_a_valid_configuration(root):
    demo = yaml.safe_load((root / "config/config.yaml").read_text())
    project = config.load(demo, (root / demo["clips"]).read_text())
    assert len(project.videos) == 1
    assert {clip.path for clip in project.clips.values()} == {
        f"results/studio/{name}.mp4" for name in project.sections["studio"].clips
    }


STARTS = {
    "itself": ({"a": "a"}, "in a circle (a -> a)"),
    "a circle": ({"a": "b", "b": "c", "c": "b"}, "in a circle (b -> c -> b)"),
    "nothing": ({"a": "bb"}, "swap a: train.start_from: unknown swap 'bb' (did you mean b?)"),
    "another model": (
        {"a": "b", "b": {"model": "original"}},
        "b is of the model original at 64 px, this one of small at 64",
    ),
}


def starting(given_starts):
    rows = []
    for name in "abc":
        own = given_starts.get(name, {})
        own = {"start_from": own} if isinstance(own, str) else own
        rows.append({"name": name, "source": "lead", "target": "double", "train": own})
    return changed(swaps=rows, videos=[])


@pytest.mark.parametrize(("starts", "said"), STARTS.values(), ids=STARTS)
def test_a_swap_begins_with_another_one(starts, said):
    assert said in refusal(starting(starts))


def test_swaps_that_begin_with_one_another_are_known():
    project = config.load(starting({"a": "b", "b": "c"}), CLIPS)
    assert [swap.name for swap in project.starts("a")] == ["b", "c"] and project.starts("c") == []


def both_ways(**more):
    return changed(swaps=[{"name": "one", "source": "lead", "target": "double", "also_back": True}], **more)


def test_a_swap_goes_both_ways():
    project = config.load(both_ways(), CLIPS)
    back = project.swaps["one_back"]
    assert (back.source, back.target, back.learnt, back.train) == ("double", "lead", "one", project.swaps["one"].train)
    assert project.swaps["one"].learnt == "one" and not back.also_back
    made = {name: (video.clip, video.swaps) for name, video in project.videos.items()}
    assert project.settings("train", swap="one_back") == project.settings("train", swap="one")
    assert any(swaps == ["one_back"] and "lead" in project.clips[clip].people for clip, swaps in made.values())


def test_what_also_back_makes_has_its_own_name():
    rows = [*both_ways()["swaps"], {"name": "one_back", "source": "double", "target": "lead"}]
    assert "swap one: also_back makes a swap one_back, and there is another of that name" in refusal(
        changed(swaps=rows)
    )
    rows = [{**both_ways()["swaps"][0], "name": "x" * 96}]
    assert "also_back makes a swap of this name and _back, and a name has at most 100" in refusal(changed(swaps=rows))
    rows = [{**both_ways()["swaps"][0], "back_of": "one"}]
    assert "unknown key 'back_of'" in refusal(changed(swaps=rows))


def test_a_videos_mask_takes_the_place_of_that_for_all():
    several = {"product": ["hull", "parser"]}
    row = {"name": "v", "clip": "stunt", "swaps": ["lead_onto_double"], "convert": {"mask": several}}
    project = config.load(changed(convert={"mask": {"min": ["components", "parser"]}}, videos=[row]), CLIPS)
    assert project.videos["v"].convert.mask == several
    assert project.videos["v"].convert.parses()
    row["convert"] = {"mask": "extended"}
    assert not config.load(changed(videos=[row]), CLIPS).videos["v"].convert.parses()


def test_a_learned_mask_needs_a_model_that_learns_it():
    """Known before any job, for every swap of a video."""
    row = {"name": "v", "clip": "stunt", "swaps": ["lead_onto_double"]}
    row["convert"] = {"mask": {"min": ["extended", "learned"]}}
    with pytest.raises(
        SwapError, match=r"video v: convert.mask has learned, and swap lead_onto_double learns no masks"
    ):
        config.load(changed(videos=[row]), CLIPS)
    project = config.load(changed(videos=[row], train={"learn_mask": True}), CLIPS)
    assert project.videos["v"].convert.learns() and not project.videos["v"].convert.parses()


def test_training_begins_with_bends_and_ends_with_detail():
    phases = config.parse("train", "{}").schedule
    assert [phase.warp for phase in phases] == ["random", "landmarks", "none"]
    assert phases[-1].losses["gradient"] > 0 and phases[-1].rate < 1
