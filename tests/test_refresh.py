"""A person of twenty clips: what a new clip, or another threshold, makes again. Only what is new is extracted."""

from __future__ import annotations

import pytest
from toy import Toy

EXTRACTION = {"frames", "faces"}


@pytest.fixture(scope="module")
def toy(tmp_path_factory, root):
    """Ann in twenty clips, and one of bob to swap her onto, made once."""
    toy = Toy(tmp_path_factory.mktemp("twenty"), root)
    toy.clips = {f"a{n:02d}": "ann" for n in range(20)} | {"b1": "bob"}
    toy.config["people"] = {name: toy.config["people"][name] for name in ("ann", "bob")}
    toy.config["swaps"] = toy.config["swaps"][:1]
    for name in toy.clips:
        toy.write(f"film/{name}.mp4", name)
    toy.save()
    assert toy.plan()["faces"] == 21
    toy.make()
    return toy


def with_setting(toy, section, **values):
    """The plan with other settings; they are put back."""
    toy.config[section] = values
    toy.save()
    plan = toy.plan()
    del toy.config[section]
    toy.save()
    return plan


def test_a_new_clip_is_extracted_alone(toy):
    toy.clips["a20"] = "ann"
    toy.write("film/a20.mp4", "new")
    toy.save()
    plan = toy.plan()
    del toy.clips["a20"]
    toy.save()
    assert (plan["frames"], plan["faces"], plan["identify"], plan["sort"], plan["dataset"]) == (1, 1, 1, 1, 1)


def test_a_clip_taken_away_costs_no_extraction(toy):
    del toy.clips["a19"]
    toy.save()
    plan = toy.plan()
    toy.clips["a19"] = "ann"
    toy.save()
    assert plan["sort"] == 1 and not {*EXTRACTION, "identify"} & set(plan)


@pytest.mark.parametrize("values", [{"threshold": 0.5}, {"margin": 0.2}])
def test_an_identity_threshold_extracts_nothing(toy, values):
    plan = with_setting(toy, "identify", **values)
    assert plan["identify"] == 21 and not EXTRACTION & set(plan)


@pytest.mark.parametrize("values", [{"min_sharpness": 3.0}, {"min_size": 60}, {"max_yaw": 50.0}, {"max_distance": 0.5}])
def test_a_quality_threshold_decides_again_and_extracts_nothing(toy, values):
    plan = with_setting(toy, "clean", **values)
    assert plan["clean"] == 2 and not {*EXTRACTION, "identify", "sort"} & set(plan)


def test_another_order_of_the_sheet_extracts_nothing(toy):
    plan = with_setting(toy, "sort", by="yaw")
    assert plan["sort"] == 2 and not {*EXTRACTION, "identify"} & set(plan)


def test_a_reject_is_one_persons_dataset(toy):
    toy.write("config/edits/ann.yaml", 'reject:\n  - {clip: a03, face: "000001_0", box: [1, 2, 3, 4]}\n')
    plan = toy.plan()
    (toy.folder / "config/edits/ann.yaml").unlink()
    assert plan["clean"] == 1 and not {*EXTRACTION, "identify", "sort"} & set(plan)
