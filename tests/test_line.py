"""The whole line, small: two synthetic actors in, a labelled video out."""

from __future__ import annotations

import json
import zipfile

import pytest
from project import packets, snakemake, write

CONFIG = {
    "people": {"ann": {"consent": {"basis": "synthetic"}}, "bob": {"consent": {"basis": "synthetic"}}},
    "swaps": [{"name": "ann_onto_bob", "source": "ann", "target": "bob", "also_back": True}],
    "train": {"budget": {"steps": 40}},
    "convert": {"encoder": {"preset": "ultrafast"}},
    "studio": {
        "size": 256,
        "clips": {
            "ann": {"actor": "ann", "performance": 77, "seconds": 2.4},
            "bob": {"actor": "bob", "performance": 8, "seconds": 2.4},
        },
    },
}
VIDEO = "results/videos/ann_onto_bob_on_bob"


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """The project, made."""
    folder = tmp_path_factory.mktemp("line")
    write(folder, CONFIG, [(name, name, f"results/studio/{name}.mp4") for name in ("ann", "bob")])
    snakemake(folder)
    return folder


def test_the_video_has_the_clips_times_and_sound(line):
    clip, video = line / "results/studio/bob.mp4", line / VIDEO / "video.mp4"
    assert [pts for pts, _ in packets(video, "video")] == [pts for pts, _ in packets(clip, "video")]
    assert packets(video, "audio") == packets(clip, "audio") != []


def test_the_video_says_what_it_is(line):
    import av

    with av.open(str(line / VIDEO / "video.mp4")) as container:
        metadata = dict(container.metadata)
    assert "synthetic" in json.dumps(metadata).lower() and "swapcore" in json.dumps(metadata).lower()
    aigc = json.loads(metadata["AIGC"])
    assert set(aigc) >= {
        "Label",
        "ContentProducer",
        "ProduceID",
        "ReservedCode1",
        "ContentPropagator",
        "PropagateID",
        "ReservedCode2",
    }
    provenance = json.loads((line / VIDEO / "provenance.json").read_text())
    text = json.dumps(provenance)
    assert json.loads((line / VIDEO / "verified.json").read_text())["holds"] is True
    assert '"basis": "synthetic"' in text
    trained = json.loads((line / "results/swaps/ann_onto_bob/trained.json").read_text())
    assert trained["weights"]["sha256"] in text and trained["steps"] == 40


def test_the_same_model_goes_back(line):
    """The target's face on the source's clip, by weights that were trained once."""
    back = line / "results/videos/ann_onto_bob_back_on_ann"
    made = json.loads((back / "provenance.json").read_text())
    (swap,) = made["swaps"]
    assert (swap["name"], swap["back_of"]) == ("ann_onto_bob_back", "ann_onto_bob")
    assert (swap["source"], swap["target"], made["clip"]["name"]) == ("bob", "ann", "ann")
    trained = json.loads((line / "results/swaps/ann_onto_bob/trained.json").read_text())
    assert swap["weights"] == trained["weights"]
    assert not (line / "results/swaps/ann_onto_bob_back/trained.json").exists()
    measured = json.loads((back / "measures.json").read_text())
    assert measured["outside_psnr"]["value"] > 30, "ann's own frames around the face"
    assert json.loads((back / "verified.json").read_text())["holds"] is True


def test_nothing_is_left_to_do(line):
    assert "Nothing to be done" in snakemake(line, "--dry-run").stdout
    assert not (line / VIDEO / "composite.mkv").exists()


def test_more_steps_go_on_from_the_state(line):
    snakemake(line, "results/swaps/ann_onto_bob/trained.json", "--config", "train={budget: {steps: 50}}")
    trained = json.loads((line / "results/swaps/ann_onto_bob/trained.json").read_text())
    assert trained["steps"] == 50
    log = (line / "results/logs/train/ann_onto_bob.log").read_text()
    assert "40" in log, "the log says where training went on from"


def test_the_report_holds_every_picture(line):
    snakemake(line, "--report", "report.zip")
    with zipfile.ZipFile(line / "report.zip") as archive:
        names = " ".join(archive.namelist())
    for file in (
        "sheet.jpg",
        "dropped.jpg",
        "coverage.png",
        "loss.png",
        "quality.png",
        "preview.jpg",
        "strip.jpg",
        "video.mp4",
    ):
        assert file in names
