"""benchmarks/quality.py: its order, spread, table and averages, and what it refuses.

A run of it takes minutes, so none is made here; it was tried by hand: `--steps 2,4 --seconds 1.2 --size 256 --frames 4`.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from swapcore.measure import METRICS, SEQUENCES


@pytest.fixture(scope="module")
def order(root):
    sys.path.insert(0, str(root / "benchmarks"))
    try:
        import quality_order
    finally:
        sys.path.pop(0)
    return quality_order


ROWS = {**METRICS, **SEQUENCES}


def measures(**values):
    """A measures.json of all metrics, 0.5 where nothing else is given."""
    rows = {
        name: {"value": values.get(name, 0.5), "unit": m.unit, "better": m.better, "of": m.source}
        for name, m in ROWS.items()
    }
    return {**rows, "worst": [], "note": ""}


@pytest.mark.parametrize(
    ("better", "values", "expected"),
    [
        ("lower", (0.3, 0.4, 0.5), "holds"),
        ("lower", (0.3, 0.5, 0.4), "broken"),
        ("lower", (1, 1, 3), "ties"),
        ("lower", (1, 1, 1), "broken"),
        ("higher", (30, 25, 20), "holds"),
        ("higher", (20, 25, 30), "broken"),
        ("nearer the baseline", (0.9, 0.5, 2.5), "holds"),  # 2.5 is farther from 1 than 1/2 is
        ("nearer the baseline", (0.9, 0.5, 1.9), "broken"),
        ("lower", (None, 0.4, 0.5), "holds"),
        ("lower", (None, None, 0.5), None),
    ],
)
def test_the_order_is_told(order, better, values, expected):
    assert order.verdict(values, better) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.37, 0.38, 0.24, -0.36), "ties"),  # the first two are level
        ((0.30, 0.38, 0.24, -0.36), "broken"),
        ((0.37, 0.36, 0.35, 0.34), "holds"),
        ((0.35, 0.36, 0.35, 0.34), "broken"),  # all are level
    ],
)
def test_less_than_a_step_that_counts_is_level(order, values, expected):
    assert order.verdict(values, "higher", step=0.05) == expected


def test_every_metric_has_an_expected_order_or_a_reason_why_not(order):
    assert set(order.NOT_ORDERED) | set(order.OWN) <= set(ROWS)
    for name, metric in ROWS.items():
        expected, why = order.expectation(name, metric.baseline)
        assert (expected == order.ALL) or why
    assert order.expectation("identity_distance", ROWS["identity_distance"].baseline)[0] == order.ALL
    assert order.expectation("truth_psnr", ROWS["truth_psnr"].baseline)[0] == order.ALL
    assert order.expectation("mouth_followed", ROWS["mouth_followed"].baseline) == (order.SWAPS, order.KEPT)
    assert order.expectation("truth_detail", ROWS["truth_detail"].baseline)[0] == order.SWAPS
    assert order.expectation("pose_error", ROWS["pose_error"].baseline) == ("", order.MISLED)
    assert order.expectation("outside_psnr", ROWS["outside_psnr"].baseline)[0] == ""


def test_spread_of_known_numbers(order):
    assert order.spread([1.0, 2.0, 3.0]) == {"mean": 2.0, "spread": 1.0, "values": [1.0, 2.0, 3.0]}
    assert order.spread([2.0]) == {"mean": 2.0, "spread": None, "values": [2.0]}
    assert order.spread([None, None])["mean"] is None


def line(order, long=(0.4, 0.42), short=(0.5, 0.52)):
    """Two seeds, two stops."""
    stops = [[measures(identity_distance=v, shape_followed=9 - v) for v in stop] for stop in (short, long)]
    unchanged, truth = (
        measures(identity_distance=0.63, shape_followed=0.1),
        measures(identity_distance=0.3, shape_followed=1),
    )
    found = order.metrics(unchanged, measures(identity_distance=0.35), truth, stops, rows=ROWS)
    stop = {"train_s": 20.0, "images_per_s": 96.0}
    return {
        "bench": "quality",
        "pair": "ann:bob",
        "stops": ["60 steps", "1500 steps"],
        "seeds": [1, 2],
        "frames": 4,
        "metrics": found,
        "facts": {"stops": [stop, stop]},
    }


def test_values_are_set_beside_the_baselines(order):
    row = line(order)["metrics"]["identity_distance"]
    assert (row["unchanged"], row["average"], row["truth"]) == (0.63, 0.35, 0.3)
    assert [stop["mean"] for stop in row["stops"]] == [0.51, 0.41]
    assert row["order"]["verdict"] == "holds" and row["order"]["seeds"] == ["holds", "holds"]


def test_a_seed_that_breaks_the_order_is_seen(order):
    row = line(order, long=(0.32, 0.6))["metrics"]["identity_distance"]
    assert row["order"]["verdict"] == "holds" and row["order"]["seeds"] == ["holds", "broken"]


def test_the_unchanged_target_stands_apart_where_it_is_perfect(order):
    row = line(order)["metrics"]["shape_followed"]  # unchanged is best, training makes it a little worse
    assert row["order"]["expected"] == order.SWAPS and row["order"]["verdict"] == "broken"


def test_without_a_truth_the_rest_is_ordered(order):
    stops = [[measures(identity_distance=v)] for v in (0.5, 0.4)]
    found = order.metrics(measures(identity_distance=0.6), measures(), None, stops, rows=ROWS)
    assert "truth" not in found["identity_distance"] and found["identity_distance"]["order"]["verdict"] == "holds"


def test_what_can_nowhere_be_told_is_left_out(order):
    nothing = measures(truth_psnr=None)
    found = order.metrics(nothing, nothing, None, [[nothing]], rows=ROWS)
    assert "truth_psnr" not in found and "truth_ssim" in found


def test_other_swaps_stand_beside_and_take_no_part_in_the_order(order):
    stops, others = (
        [[measures(identity_distance=v)] for v in (0.5, 0.4)],
        {"core-9": measures(identity_distance=0.9)},
    )
    found = order.metrics(measures(identity_distance=0.6), measures(), None, stops, others=others, rows=ROWS)
    row = found["identity_distance"]
    assert row["others"] == {"core-9": 0.9} and row["order"]["verdict"] == "holds"
    facts = {"stops": line(order)["facts"]["stops"], "others": {"core-9": {"train_s": 3.0, "images_per_s": 9.0}}}
    text = order.table([{**line(order), "metrics": found, "facts": facts}])
    assert "| 1500 steps | core-9 | true swap |" in text and "core-9: 3 s, 9 images/s" in text


def test_the_summary_counts_orders(order):
    found = line(order)["metrics"]
    said = order.summary(found)
    assert "identity_distance" in said["holds"] and "shape_followed" in said["broken"]
    assert "outside_psnr" not in [name for names in said.values() for name in names]


def test_the_table_is_markdown(order):
    text = order.table([line(order), {**line(order), "pair": "s267:s265"}])
    assert "| metric | ann onto bob | s267 onto s265 | expected |" in text
    assert "0.410 ± 0.014" in text and "60 steps: 20 s, 96 images/s" in text
    for block in text.split("\n\n"):
        rows = [row for row in block.splitlines() if row.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1, "rows have as many cells as the head"


@pytest.fixture
def bench(root, monkeypatch):
    """Runs the benchmark with options, in this process; gives what it refuses in words."""
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    import quality

    def run(*options):
        monkeypatch.setattr(sys, "argv", ["quality.py", *map(str, options)])
        with pytest.raises(SystemExit) as stopped:
            quality.main()
        assert "\n" not in str(stopped.value)
        return str(stopped.value)

    run.main = quality.main
    return run


def test_table_of_a_file(bench, tmp_path, order, monkeypatch, capsys):
    file = tmp_path / "lines.jsonl"
    file.write_text(json.dumps(line(order)) + "\n\n")
    monkeypatch.setattr(sys, "argv", ["quality.py", "--table", str(file)])
    bench.main()
    assert capsys.readouterr().out.startswith("| metric | ann onto bob | expected |")
    file.write_text("{}\n")
    assert "line 1: expected a JSON line that this benchmark printed" in bench("--table", file)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--steps", "60,60"], "each later than the one before"),
        (["--steps", "soon"], "--steps soon"),
        (["--minutes", "-1"], "--minutes -1"),
        (["--also", "core"], "--also core: expected models and their steps"),
        (["--also", "cores=3"], "--also cores=3"),
        (["--pairs", "ann:ann"], "two different people"),
        (["--pairs", "ann"], "ann: expected two different people"),
        (["--footage", "here"], "--consent"),
        (["--footage", "here", "--consent", "yes"], "--consent yes: expected a JSON object"),
        (["--footage", "here", "--consent", "{}"], "expected a clip of a, found none"),
        (["--source", "nobody"], "nobody"),
    ],
)
def test_mistakes_are_one_line(bench, tmp_path, options, words):
    assert words in bench("--folder", tmp_path, *options)


def test_settings_that_are_no_sections_are_one_line(bench, tmp_path):
    file = tmp_path / "settings.json"
    file.write_text('{"soft": 3}')
    assert "settings.json: expected {" in bench("--folder", tmp_path, "--settings", file)


def test_a_folder_of_other_settings_is_refused(bench, tmp_path):
    (tmp_path / "ann_onto_bob").mkdir()
    (tmp_path / "ann_onto_bob/benchmark.json").write_text(json.dumps({"seconds": 3.0}))
    assert "found one with another" in bench("--folder", tmp_path)


def test_pictures_of_the_average_face(order, root, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    import quality_project as project

    from swapcore import store
    from swapcore.types import FaceSet

    count, marks = 3, np.random.default_rng(0).uniform(60, 100, (68, 2)).astype(np.float32)
    blank = {name: np.zeros((count, *c.shape[1:])) for name, c in FaceSet.empty().columns().items()}
    blank |= {"id": np.array([f"{n:06d}_0" for n in range(count)], object), "frame": np.arange(count)}
    faces = FaceSet(**{**blank, "landmarks_smooth_xy": np.repeat(marks[None], count, 0)})
    monkeypatch.setattr(
        project.video, "decode", lambda *a, wanted: ((n, np.full((160, 160, 3), 60 * n, np.uint8)) for n in wanted)
    )
    monkeypatch.setattr(store, "read_table", lambda path, kind: (faces if kind is FaceSet else None, {"clip": None}))
    monkeypatch.setattr(project.ClipInfo, "from_json", lambda data: None)
    look = {"resolution": 16, "span": 0.5, "coverage": 0.8, "centring": "legacy"}
    job = type("Job", (), {"trained": {"s": look}})
    face = project.average_face(tmp_path, project.Pair("a", "b", {"a": "a.mp4"}, {}, 1.0), job)
    assert face.shape == (16, 16, 3) and face.dtype == np.float32
    np.testing.assert_allclose(face, 60 / 255, atol=1e-6)


def test_baselines_of_a_real_project(bench, whole):
    """What is set beside a swap comes out of the very conversion that the stage does."""
    import quality_project as project

    folder, _ = whole
    pair = project.Pair("ann", "bob", {name: f"results/studio/{name}.mp4" for name in ("ann", "bob")}, {}, 1.6)
    assert set(vars(project.given(folder, pair, "ann_onto_bob", "x"))) == set(project.conversion.OPTIONS)
    job = project.conversion_of(folder, pair, "ann_onto_bob", "x")
    frames = {name: next(iter(made(folder, pair, job))) for name, made in project.BASELINES.items() if name != "truth"}
    before = next(iter(job._replace(chosen={}).converted({0}, predict={}))).before
    apart = {name: np.abs(frame.data.astype(int) - before.data.astype(int)) for name, frame in frames.items()}
    assert 0 in job.noted and apart["unchanged"].max() > 0, "the note is laid over the target's own frames too"
    assert (apart["average"] > apart["unchanged"]).mean() > 0.02, "and a face over those of the average"
