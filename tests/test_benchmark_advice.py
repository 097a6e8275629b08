from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from swapcore import advice, store
from swapcore.config.fields import Advise
from swapcore.measure import METRICS

FILM = {"size": 128, "seed": 1}


@pytest.fixture(scope="module")
def bench(root):
    spec = importlib.util.spec_from_file_location("benchmark_advice", root / "benchmarks/advice.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["benchmark_advice"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["benchmark_advice"]


@pytest.fixture(scope="module")
def ahead(bench):
    """Faces that look ahead."""
    return bench.shots("ann", 8, take=1, keep=lambda f: bench.CASES["aside"](f.yaw), **FILM)


def test_only_what_is_kept_is_taken(bench, ahead):
    assert len(ahead) == 8 and all(abs(one.instant.yaw) < 8 for one in ahead)
    left = bench.shots("ann", 3, take=1, keep=lambda f: f.yaw < bench.LEFT, **FILM)
    assert all(one.instant.yaw < bench.LEFT for one in left) and bench.scored(left).yaw.max() < -10
    with pytest.raises(SystemExit, match="expected 2"):
        bench.shots("ann", 2, take=1, keep=lambda f: f.yaw > 400, **FILM)


def test_what_is_filmed_as_advised_mends_what_was_missing(bench, ahead):
    target = bench.shots("bob", 8, take=3, keep=lambda f: f.yaw < bench.LEFT, **FILM)
    told = advice.advise(bench.scored(ahead), bench.scored(target), names=("ann", "bob"), settings=Advise())
    region = next(r for r in advice.REGIONS if r.name == "yaw<-15")
    assert any("looks to the image's left" in gap.words for gap in told.findings)
    filmed = bench.advised("ann", [region], 12, take=5, **FILM)
    assert len(filmed) == 12 and region.holds(advice.points(bench.scored(filmed))).all()
    after = advice.advise(bench.scored(ahead + filmed), bench.scored(target), names=("ann", "bob"), settings=Advise())
    assert after.covered > told.covered


def test_a_persons_faces_are_written_as_training_reads_them(bench, ahead, tmp_path):
    faces = bench.faces_of("source", ahead, tmp_path)
    with store.FaceArchive(tmp_path / "source.zip", clip="source") as archive:
        row = store.face_row(archive.png(faces.table.id[3]))
    assert len(faces.table) == 8 and row.size == faces.size == bench.CROP and row.span == faces.span
    points = row.landmarks_in_crop()
    assert points.min() > 0 and points.max() < bench.CROP


def test_a_gain_is_positive_where_the_advice_helped(bench):
    def rows(**values):
        return [{**dict.fromkeys(METRICS), **values}] * 3 + [dict.fromkeys(METRICS)]

    found = bench.rows_of(
        {
            "unchanged": rows(identity_distance=0.8, truth_psnr=18.0, sharpness_ratio=1.0),
            "true": rows(identity_distance=0.3),
            "before": rows(identity_distance=0.6, truth_psnr=20.0, sharpness_ratio=0.2),
            "more_of_the_same": rows(identity_distance=0.55, truth_psnr=20.5, sharpness_ratio=0.2),
            "after": rows(identity_distance=0.5, truth_psnr=22.0, sharpness_ratio=0.4),
        },
        [True, True, False, True],
    )
    gains = {name: (row["gain"], row["over_more"]) for name, row in found["measures"].items()}
    assert found["frames"] == 3 and set(gains) == {"identity_distance", "truth_psnr", "sharpness_ratio"}
    assert gains["identity_distance"] == (0.1, 0.05) and gains["truth_psnr"] == (2.0, 1.5)
    assert gains["sharpness_ratio"][0] == pytest.approx(np.log(2), abs=1e-4)
    assert found["measures"]["truth_psnr"]["true"] is None
