"""Files in a bucket, on a server of S3's protocol that runs here: clips are read from it, results are written to it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import faults
import project
import pytest
from moto.server import ThreadedMotoServer
from toy import Toy

from swapcore import config

BUCKET = "films"


@pytest.fixture(scope="module")
def server():
    """Its address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "anybody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        yield "http://{}:{}".format(*server.get_host_and_port())
        server.stop()


@pytest.fixture(scope="module")
def bucket(server):
    """An empty bucket."""
    return boto3.resource("s3", endpoint_url=server, region_name="us-east-1").create_bucket(Bucket=BUCKET)


def flags(server, prefix="project"):
    """What docs/storage.md adds to Snakemake's command."""
    return (
        *("--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{BUCKET}/{prefix}"),
        *("--storage-s3-endpoint-url", server),
    )


def stored(bucket, prefix="project"):
    """The files of a project in the bucket: name -> bytes."""
    items = bucket.objects.filter(Prefix=f"{prefix}/")
    return {item.key.removeprefix(f"{prefix}/"): item.get()["Body"].read() for item in items}


@pytest.fixture(scope="module")
def made(tmp_path_factory, root, server, bucket):
    """A toy project whose clips and one photo lie in the bucket, made once."""
    toy = Toy(tmp_path_factory.mktemp("toy"), root)
    toy.config["swaps"] = toy.config["swaps"][:1]
    toy.config["also"] = ["preview", "png"]
    toy.config["people"]["bob"]["references"] = [f"s3://{BUCKET}/photos/bob.jpg"]
    del toy.config["people"]["cy"]
    toy.clips = {"a1": "ann", "b1": "bob"}
    toy.save()
    table = toy.folder / "config/clips.tsv"
    table.write_text(table.read_text().replace("film/", f"s3://{BUCKET}/film/"))
    for name in toy.clips:
        bucket.put_object(Key=f"film/{name}.mp4", Body=name.encode())
    bucket.put_object(Key="photos/bob.jpg", Body=b"bob")
    shutil.rmtree(toy.folder / "film")
    toy.write("config/edits/ann.yaml", "reject: []\n")
    toy.snakemake(*flags(server))
    return toy


def test_results_are_in_the_bucket_alone(made, bucket):
    found, video = stored(bucket), "results/videos/ann_onto_bob_on_b1"
    wanted = {"results/known.parquet", "results/swaps/ann_onto_bob/weights.h5", "results/people/ann/faces.html"}
    wanted |= {f"{video}/{name}" for name in ("video.mp4", "measures.json", "preview.jpg", "passes/png/passes.json")}
    assert wanted <= set(found)
    assert not [name for name in found if "composite" in name or name.startswith(("config/", "photos/"))]
    assert not [path for path in (made.folder / "results").rglob("*") if path.is_file()]


def test_another_folder_finds_all_of_it_made(made, server, tmp_path):
    """And a clip that is replaced in the bucket, or a photo here, is seen."""
    assert made.plan(*flags(server)) == {}
    other = made.copy(tmp_path / "toy")
    shutil.rmtree(other.folder / ".snakemake")
    assert other.plan(*flags(server)) == {}
    other.write("photos/ann/2.jpg", "another")
    plan = other.plan(*flags(server))
    assert plan["references"] == plan["known"] == 1 and "frames" not in plan
    assert other.plan(*flags(server, prefix="elsewhere"))["frames"] == 2


def test_a_clip_in_a_bucket_and_results_here(made, server, tmp_path):
    other = made.copy(tmp_path / "toy")
    shutil.rmtree(other.folder / ".snakemake")
    address = ("--storage-s3-endpoint-url", server)
    other.snakemake("--quiet", "all", *address, "results/clips/a1/faces.zip")
    assert f"{BUCKET}/film/a1.mp4 --frames results/" in (other.folder / "results/clips/a1/faces.zip").read_text()


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"state": "s3://films/state"}, "s3://films/a.mp4", "state: expected a folder on this machine or a mount"),
        (
            {"parse": {"parser": "xseg", "parser_file": "s3://films/net.onnx"}},
            "s3://films/a.mp4",
            "expected the parser's ONNX file on this machine, got s3://films/net.onnx; copy it here",
        ),
        (
            {},
            "s3://films/plates",
            "clip a1: expected a file in the bucket, as s3://bucket/clip.mp4, got s3://films/plates",
        ),
    ],
)
def test_what_must_be_here_is_one_line(tmp_path, root, change, path, words):
    toy = Toy(tmp_path, root)
    toy.config |= change
    toy.save()
    table = tmp_path / "config/clips.tsv"
    table.write_text(table.read_text().replace("film/a1.mp4", path))
    done = toy.snakemake("--dry-run", check=False)
    assert done.returncode == 1 and words in done.stderr and len(done.stderr.strip().splitlines()) == 1


def rendered(folder: Path, name: str) -> bytes:
    """A clip of the studio, by its own script."""
    studio = config.load({"studio": faults.CONFIG["studio"]}, "name\tperson\tpath\nx\t?\tx.mp4\n")
    options = ["--settings", studio.settings("studio"), "--clip-settings", studio.studio_clip(name)]
    command = [sys.executable, project.ROOT / "scripts/studio.py", *options, "--out", folder / f"{name}.mp4"]
    subprocess.run(command, check=True, capture_output=True, env={"PYTHONPATH": str(project.ROOT)})
    return (folder / f"{name}.mp4").read_bytes()


def test_a_video_from_a_bucket_into_a_bucket(server, bucket, tmp_path):
    """With the real scripts. The state stays here: with it training goes on, without it training begins anew and says so."""
    names = ("ann", "bob")
    for name in names:
        bucket.put_object(Key=f"film/{name}.mp4", Body=rendered(tmp_path, name))
    here, weights = tmp_path / "project", "results/swaps/ann_onto_bob/weights.h5"
    rows = [(name, name, f"s3://{BUCKET}/film/{name}.mp4") for name in names]

    def run(folder, steps, *arguments):
        settings = {key: value for key, value in faults.CONFIG.items() if key != "studio"}
        project.write(folder, {**settings, "train": {**faults.TRAIN, "budget": {"steps": steps}}}, rows)
        return project.snakemake(folder, *flags(server, prefix="real"), *arguments)

    run(here, 20)
    found = stored(bucket, "real")
    trained = json.loads(found["results/swaps/ann_onto_bob/trained.json"])
    assert hashlib.sha256(found[weights]).hexdigest() == trained["weights"]["sha256"] and trained["steps"] == 20
    record = found[f"{faults.VIDEO}/provenance.json"].decode()
    assert json.loads(found[f"{faults.VIDEO}/verified.json"]) and found[f"{faults.VIDEO}/video.mp4"]
    assert f"s3://{BUCKET}/real/results/" in record and ".snakemake" not in record
    assert (here / "state/swaps/ann_onto_bob").is_dir() and not [name for name in found if name.startswith("state")]
    done = run(tmp_path / "empty", 20)
    assert "Nothing to be done" in done.stdout + done.stderr
    log = "results/logs/train/ann_onto_bob.log"
    run(here, 30, "--until", "train")
    assert "going on from step 20" in stored(bucket, "real")[log].decode()
    shutil.rmtree(here / "state")
    run(here, 40, "--until", "train")
    said = stored(bucket, "real")[log].decode()
    assert "no state in" in said and "starting from the beginning" in said
