"""What stops before any job, in one line."""

from __future__ import annotations

import os

import pytest


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
