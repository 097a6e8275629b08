"""The line on real clips: a onto b, briefly trained."""

from __future__ import annotations

import json

import pytest
from project import packets, snakemake, write


@pytest.fixture(scope="module")
def swap(tmp_path_factory, footage):
    """The project, made."""
    folder = tmp_path_factory.mktemp("footage")
    consent = {"basis": "written", "by": "the footage's licence", "date": "2024-07-01", "scope": "tests of this tool"}
    config = {
        "people": {
            name: {"references": [str(footage / f"photos_{name}")], "consent": consent} for name in ("a", "b", "c")
        },
        "swaps": [{"name": "a_onto_b", "source": "a", "target": "b"}],
        "videos": [{"name": "test", "clip": "clip_b", "swaps": ["a_onto_b"]}],
        "train": {"budget": {"steps": 60}},
    }
    clips = [(f"clip_{name}", name, footage / f"clip_{name}.mp4") for name in "ab"]
    write(folder, config, [*clips, ("crowd", "a,b,c", footage / "crowd.mp4")])
    snakemake(folder)
    return folder


def test_the_video_has_every_frame_and_the_sound(swap, footage):
    video = swap / "results/videos/test/video.mp4"
    pictures = packets(video, "video")
    assert len(pictures) == 250
    assert [pts for pts, _ in pictures] == [pts for pts, _ in packets(footage / "clip_b.mp4", "video")]
    assert packets(video, "audio") == packets(footage / "clip_b.mp4", "audio") != []


def test_faces_are_found_in_every_frame(swap):
    from swapcore import store, types

    for name, count in (("clip_a", 216), ("clip_b", 250)):
        faces, _ = store.read_table(swap / f"results/clips/{name}/faces.parquet", types.FaceSet)
        assert len(set(faces.frame.tolist())) >= 0.98 * count


def test_the_crowd_is_told_apart(swap):
    from swapcore import store, types

    people, _ = store.read_table(swap / "results/clips/crowd/people.parquet", types.PeopleTable)
    faces, _ = store.read_table(swap / "results/clips/crowd/faces.parquet", types.FaceSet)
    left = (faces.box_xyxy[:, 0] + faces.box_xyxy[:, 2]) / 2 < 480
    for frames, name in (((people.frame < 120) & left, "a"), (people.frame >= 180, "b")):
        who = people.person[frames]
        assert len(who) and (who == name).mean() > 0.95 and not set(who.tolist()) - {name, ""}


def test_the_measures_are_there(swap):
    measures = json.loads((swap / "results/videos/test/measures.json").read_text())
    assert measures["outside_psnr"]["value"] > 30
