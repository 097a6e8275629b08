"""Files in a bucket, on a server of S3's protocol that runs here: clips are read from it, results are written to it."""

from __future__ import annotations

import shutil

import boto3
import pytest
from moto.server import ThreadedMotoServer
from toy import Toy

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
    """An empty bucket, whatever Snakemake's plugin thinks of empty ones."""
    s3 = boto3.resource("s3", endpoint_url=server, region_name="us-east-1")
    return s3.create_bucket(Bucket=BUCKET)


def flags(server, prefix="project"):
    """What the docs tell to add to Snakemake's command."""
    return (
        *("--default-storage-provider", "s3", "--default-storage-prefix", f"s3://{BUCKET}/{prefix}"),
        *("--storage-s3-endpoint-url", server),
    )


def stored(bucket, prefix="project"):
    """The files of a project in the bucket."""
    return {item.key.removeprefix(f"{prefix}/") for item in bucket.objects.filter(Prefix=f"{prefix}/")}


@pytest.fixture(scope="module")
def made(tmp_path_factory, root, server, bucket):
    """A toy project whose clips and one photo lie in the bucket, made once."""
    toy = Toy(tmp_path_factory.mktemp("toy"), root)
    toy.config["swaps"] = toy.config["swaps"][:1]
    toy.config["also"] = ["preview", "png"]
    toy.config["people"]["bob"]["references"] = [f"s3://{BUCKET}/photos/bob.jpg"]
    toy.clips = {"a1": "ann", "b1": "bob"}
    del toy.config["people"]["cy"]
    toy.save()
    for name in toy.clips:
        bucket.put_object(Key=f"film/{name}.mp4", Body=name.encode())
    bucket.put_object(Key="photos/bob.jpg", Body=b"bob")
    shutil.rmtree(toy.folder / "film")
    table = (toy.folder / "config/clips.tsv").read_text()
    toy.write("config/clips.tsv", table.replace("film/", f"s3://{BUCKET}/film/"))
    toy.write("config/edits/ann.yaml", "reject: []\n")
    toy.snakemake(*flags(server))
    return toy


def test_results_are_in_the_bucket_alone(made, bucket):
    found = stored(bucket)
    video = "results/videos/ann_onto_bob_on_b1"
    wanted = {"results/known.parquet", "results/swaps/ann_onto_bob/weights.h5", "results/people/ann/faces.html"}
    wanted |= {f"{video}/{name}" for name in ("video.mp4", "measures.json", "preview.jpg", "passes/png/passes.json")}
    assert wanted <= found and not [name for name in found if "composite" in name or name.startswith("config/")]
    left = [path for path in (made.folder / "results").rglob("*") if path.is_file()]
    assert not left
