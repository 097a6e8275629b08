"""Files in a bucket, on a server of S3's protocol that runs here: clips are read from it, results are written to it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import faults
import project
import pytest
from toy import Toy, planned

from swapcore import config

boto3 = pytest.importorskip("boto3")
server = pytest.importorskip("moto.server", reason="moto with its server is not installed", exc_type=ImportError)

BUCKET = "films"
VIDEO = "results/videos/ann_onto_bob_on_b1"


@pytest.fixture(scope="module")
def bucket():
    """An empty bucket of a server that runs here; the environment says to all that is started where it is."""
    here = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    here.start()
    address = "http://{}:{}".format(*here.get_host_and_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "anybody")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "anything")
        patch.setenv("SNAKEMAKE_STORAGE_S3_ENDPOINT_URL", address)
        yield boto3.resource("s3", endpoint_url=address, region_name="us-east-1").create_bucket(Bucket=BUCKET)
    here.stop()


def flags(prefix="project"):
    """What docs/storage.md adds to Snakemake's command."""
    return "--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{BUCKET}/{prefix}"


def stored(bucket, prefix="project"):
    """The files of a project in the bucket: name -> bytes."""
    items = bucket.objects.filter(Prefix=f"{prefix}/")
    return {item.key.removeprefix(f"{prefix}/"): item.get()["Body"].read() for item in items}


@pytest.fixture(scope="module")
def made(tmp_path_factory, root, bucket):
    """A toy project whose clips and one photo lie in the bucket, made once."""
    toy = Toy(tmp_path_factory.mktemp("toy"), root)
    toy.config["swaps"] = toy.config["swaps"][:1]
    toy.config["also"] = ["png"]
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
    toy.snakemake(*flags())
    return toy


def test_sources_are_read_from_the_bucket_and_results_are_in_it_alone(made, bucket):
    found = stored(bucket)
    wanted = {"results/known.parquet", "results/swaps/ann_onto_bob/weights.h5", "results/people/ann/faces.html"}
    wanted |= {f"{VIDEO}/{name}" for name in ("video.mp4", "measures.json", "passes/png/passes.json")}
    assert wanted <= set(found)
    assert b" --path .snakemake/storage/s3/films/film/a1.mp4 " in found["results/clips/a1/frames.parquet"]
    assert not [name for name in found if "composite" in name or name.startswith(("config/", "photos/", "state/"))]
    assert not [path for path in (made.folder / "results").rglob("*") if path.is_file()]


def test_another_folder_finds_all_of_it_made(made, tmp_path):
    """It knows nothing but the configuration and the bucket."""
    other = made.copy(tmp_path / "toy")
    shutil.rmtree(other.folder / ".snakemake")
    assert planned(other.snakemake(*flags())) == {}


def test_a_clip_that_is_replaced_in_the_bucket(made, bucket):
    """What rests on it is made again, of the other clip nothing."""
    before = stored(bucket)
    bucket.put_object(Key="film/b1.mp4", Body=b"another take")
    clip = dict.fromkeys(("frames", "faces", "identify", "parse"), 1)
    behind = dict.fromkeys(("sort", "clean", "dataset", "train"), 1)
    video = dict.fromkeys(("forehead", "convert", "label", "verify"), 1)
    assert planned(made.snakemake(*flags(), f"{VIDEO}/verified.json")) == {**clip, **behind, **video}
    assert set(stored(bucket)) == set(before)


def test_a_clip_in_a_bucket_and_results_here(made, tmp_path):
    other = made.copy(tmp_path / "toy")
    shutil.rmtree(other.folder / ".snakemake")
    other.snakemake("results/clips/a1/faces.zip")
    assert f"{BUCKET}/film/a1.mp4 --frames results/" in (other.folder / "results/clips/a1/faces.zip").read_text()


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"state": "s3://films/state"}, "s3://films/a.mp4", "state: expected a folder on this machine or a mount"),
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


@pytest.mark.skipif("SWAPCORE_STORAGE" not in os.environ, reason="takes minutes; SWAPCORE_STORAGE=1 runs it")
def test_a_video_from_a_bucket_into_a_bucket(bucket, tmp_path):
    """With the real scripts. The state stays here: with it training goes on, without it training begins anew and says so."""
    names = ("ann", "bob")
    for name in names:
        bucket.put_object(Key=f"film/{name}.mp4", Body=rendered(tmp_path, name))
    here, weights = tmp_path / "project", "results/swaps/ann_onto_bob/weights.h5"
    rows = [(name, name, f"s3://{BUCKET}/film/{name}.mp4") for name in names]

    def run(folder, steps, *arguments):
        settings = {key: value for key, value in faults.CONFIG.items() if key != "studio"}
        project.write(folder, {**settings, "train": {**faults.TRAIN, "budget": {"steps": steps}}}, rows)
        return project.snakemake(folder, *flags("real"), *arguments)

    run(here, 20)
    found = stored(bucket, "real")
    trained = json.loads(found["results/swaps/ann_onto_bob/trained.json"])
    assert hashlib.sha256(found[weights]).hexdigest() == trained["weights"]["sha256"] and trained["steps"] == 20
    record = found[f"{faults.VIDEO}/provenance.json"].decode()
    assert json.loads(found[f"{faults.VIDEO}/verified.json"]) and found[f"{faults.VIDEO}/video.mp4"]
    assert f"s3://{BUCKET}/real/results/" in record and ".snakemake" not in record
    assert (here / "state/swaps/ann_onto_bob").is_dir() and not [name for name in found if name.startswith("state")]
    log = "results/logs/train/ann_onto_bob.log"
    run(here, 30, "--until", "train")
    assert "going on from step 20" in stored(bucket, "real")[log].decode()
    shutil.rmtree(here / "state")
    run(here, 40, "--until", "train")
    said = stored(bucket, "real")[log].decode()
    assert "no state in" in said and "starting from the beginning" in said
