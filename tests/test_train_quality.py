"""Swap quality in training: an order that is known, judges that can be fooled, held-out faces, the standstill, the curve."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from analytic import face
from hypothesis import given
from hypothesis import strategies as st
from training import SIZE, make_faces

from swapcore.measure.expression import follows
from swapcore.train import batches, chart, fresh, held, quality, schedule
from swapcore.train.quality import SHARES, Held, Judges
from swapcore.train.standing import Standing, said, why_stopped

SIDE, COUNT = 64, 12
SOURCE, TARGET = np.array([0.2, 0.4, 0.9]), np.array([0.9, 0.5, 0.2])  # BGR, whom the judge tells apart by their colour


def person(colour, *, seed):
    """Faces of one colour with fine stripes, whose mouth is a dark bar as high as it is open."""
    rng = np.random.default_rng(seed)
    points, pictures = [], []
    for opening in rng.uniform(2, 12, COUNT):
        xy = face(centre_xy=(32 + rng.uniform(-2, 2), 30), radius=22, roll=rng.uniform(-5, 5)).astype(np.float32)
        xy[65:68, 1] = xy[61:64, 1][::-1] + round(opening)
        stripes = 0.05 * (np.indices((SIDE, SIDE))[0] % 2)[..., None]
        picture = np.ones((SIDE, SIDE, 1)) * (colour + rng.uniform(-0.08, 0.08, 3)) + stripes
        picture[44 : 44 + round(opening), 24:40] = 0.05
        points.append(xy)
        pictures.append(np.clip(picture, 0, 1).astype(np.float32))
    inside = np.zeros((COUNT, SIDE, SIDE), bool)
    inside[:, 12:58, 12:52] = True
    return Held(np.stack(pictures), inside, np.stack(points))


def embed(chips):
    """As an identity network would: unit vectors that differ with the colour."""
    colour = chips[:, 40:110, 50:100].mean((1, 2)) / 255
    found = np.zeros((len(chips), 128))
    found[:, :3] = colour / np.linalg.norm(colour, axis=1, keepdims=True)
    return found


def fit(grey, box_xyxy, angle):
    """As a predictor of landmarks would: the lower lip lies where the dark bar ends."""
    xy = face(centre_xy=(32, 30), radius=22, roll=0).astype(np.float32)
    dark = np.flatnonzero(grey[40:60, 26:38].mean(1) < 60)
    xy[65:68, 1] = xy[61:64, 1][::-1] + len(dark)
    return xy


JUDGES = Judges(embed, fit)


@pytest.fixture(scope="module")
def exam():
    return quality.prepare(person(SOURCE, seed=1), person(TARGET, seed=2), JUDGES)


def blurred(pictures, by):
    import cv2

    return np.stack([cv2.GaussianBlur(p, (0, 0), by) for p in pictures])


def as_source(pictures):
    """The true swap: the source's colour where the target's was, and the target's mouth."""
    mouth = (pictures < 0.2).all(-1, keepdims=True)
    stripes = 0.05 * (np.indices((SIDE, SIDE))[0] % 2)[..., None]
    return np.where(mouth, pictures, np.clip(SOURCE + stripes, 0, 1)).astype(np.float32)


def shown(exam, swapped, *, rebuilt=0.02):
    """What a model shows that rebuilds faces with errors of this size."""
    noise = np.random.default_rng(0).normal(0, rebuilt, exam.source.faces.shape).astype(np.float32)
    source, target = exam.source.faces, exam.target.faces
    return np.stack([source, source + noise, target, target + noise, swapped], axis=1)


def measure(exam, swapped, **how):
    return quality.measure(exam, shown(exam, swapped, **how), JUDGES)


def test_a_known_order_is_kept(exam):
    true = as_source(exam.target.faces)
    plain = np.repeat(exam.source.faces.mean(0, keepdims=True), COUNT, 0)
    scores = [
        measure(exam, picture, rebuilt=error)["score"]
        for picture, error in (
            (true, 0.02),
            (blurred(true, 0.6), 0.04),
            (blurred(true, 1.2), 0.06),
            (plain, 0.08),  # the source's mean face, whatever the target does
            (exam.target.faces, 0.02),  # nothing done, however well it rebuilds
        )
    ]
    assert scores[0] > scores[1] > scores[2] > max(scores[3:]) and scores[0] > 0.85, scores
    assert max(scores[3:]) < 0.05


def test_the_ends_of_each_share(exam):
    best, nothing = measure(exam, as_source(exam.target.faces), rebuilt=0), measure(exam, exam.target.faces)
    assert best["identity"] > 0.9 and best["rebuilt"] == 1 and best["psnr_source"] == 100
    assert best["expression"] > 0.95 and best["shape_error"] < 2
    assert nothing["identity"] < 0.05 and nothing["expression"] == nothing["sharpness"] == 1
    assert nothing["margin"] < 0 < best["margin"] and nothing["faces"] == COUNT
    grey = measure(exam, np.full_like(exam.target.faces, 0.5))
    assert grey["score"] < 0.1 and grey["sharpness"] == 0 and grey["expression"] < 0.05


def test_a_judge_that_is_fooled_gains_nothing(exam):
    """Nearer to the source than the source's own faces are, at the cost of the picture."""
    true = as_source(exam.target.faces)
    centre = exam.source_embeddings.mean(0)[:3]
    pleased = np.broadcast_to(centre / centre.max() * 0.9, true.shape).astype(np.float32)
    fooled, honest = measure(exam, pleased), measure(exam, true)
    assert fooled["fooled"] and fooled["distance"] < exam.spread[0]
    assert fooled["identity"] <= 1 and fooled["score"] < honest["score"] / 3
    assert "trust the eye" in said({**fooled, "step": 3}, None)
    both = dict.fromkeys(SHARES, 0.5)
    assert quality.score({**both, "identity": 1.0}) == quality.score({**both, "identity": 7.0}), "a share ends at 1"


def test_too_sharp_is_no_better_than_too_soft(exam):
    true = as_source(exam.target.faces)
    noisy = np.clip(true + np.random.default_rng(3).normal(0, 0.15, true.shape), 0, 1).astype(np.float32)
    assert measure(exam, noisy)["sharpness"] < 0.4 and measure(exam, noisy)["score"] < measure(exam, true)["score"]


def test_what_a_person_has_is_no_expression(exam):
    """A source whose mouth is always a little more open, but opens as the target's: all of the play is kept."""
    truth = exam.play.mouth
    assert follows(truth, truth * 0.7 + 9) == pytest.approx(1) == follows(truth, 2 * truth)
    assert follows(truth, truth * 0.25) == pytest.approx(0.5), "half of what would be enough"
    assert follows(truth, -truth) == follows(truth, np.full_like(truth, 7)) == 0
    assert follows(np.ones(9), np.arange(9)) == 0, "what holds still cannot be followed"
    rng = np.random.default_rng(0)
    assert follows(rng.normal(size=4000), rng.normal(size=4000)) < 0.1


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.integers(0, 3), st.floats(0, 1))
def test_the_score_is_bounded_and_rises_with_each_share(values, which, more):
    found = dict(zip(SHARES, values, strict=True))
    better = {**found, SHARES[which]: max(found[SHARES[which]], more)}
    assert 0 <= quality.score(found) <= quality.score(better) <= 1


def test_people_who_look_alike_are_not_told_apart():
    ann, twin = person(SOURCE, seed=1), person(SOURCE, seed=5)
    found = measure(quality.prepare(ann, twin, JUDGES), twin.faces)
    assert found["identity"] is None and 0.5 < found["score"] <= 1
    with pytest.raises(ValueError, match="two held-out faces"):
        quality.prepare(Held(*(a[:1] for a in ann)), twin, JUDGES)


def test_psnr_and_detail_are_as_by_formula():
    assert quality.psnr(0.01) == pytest.approx(20) and quality.psnr(0) == 100
    stripes = np.zeros((1, 8, 8, 3), np.float32)
    stripes[:, ::2] = 1  # the Laplacian of alternate lines of 0 and 255 is 2 * 255 everywhere
    assert quality.detail(stripes, np.ones((1, 8, 8), bool)) == pytest.approx(510)
    assert quality.detail(stripes, np.zeros((1, 8, 8), bool)) == 0


# the held-out slice


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("held")
    return make_faces(folder, "ann", count=64), make_faces(folder, "bob", count=48, seed=1)


@pytest.mark.parametrize(
    ("faces", "asked", "held_out"), [(16, 24, 0), (31, 24, 0), (32, 24, 4), (100, 24, 12), (999, 24, 24)]
)
def test_small_datasets_keep_enough_to_train(people, faces, asked, held_out):
    table = dataclasses.replace(
        people[0].table, **{n: np.resize(c, faces) for n, c in people[0].table.columns().items()}
    )
    person = dataclasses.replace(people[0], table=table)
    assert held.count((person, person), asked) == held_out <= max(faces - batches.FEWEST, 0)
    assert held.count((person, person), 0) == 0
    assert f"ann has {faces} faces" in held.too_few((person, person))


def test_held_out_faces_are_spread_and_depend_on_the_dataset_alone(people):
    ann, _ = people
    rows = held.choose(ann, 6)
    assert len(set(rows.tolist())) == 6 and (np.diff(rows) > 0).all()
    assert (held.choose(ann, 6) == rows).all()
    yaw = np.sort(ann.table.yaw[rows])
    assert yaw[0] < -15 and yaw[-1] > 15 and (np.diff(yaw) < 30).all()


def test_held_out_faces_stay_and_more_are_taken_of_those_that_have_not_trained(people):
    ann, _ = people
    digests = ann.table.digest.tolist()
    first = held.choose(ann, 6)
    kept, learnt = fresh.names([digests[k] for k in first]), np.setdiff1d(np.arange(len(digests) - 12), first)
    trained = fresh.names([digests[k] for k in learnt])
    more = held.choose(ann, 9, before=kept, trained=trained)
    assert set(first) <= set(more) and len(set(more.tolist())) == 9 and (np.diff(more) > 0).all()
    assert not set(more) & set(learnt.tolist()), "what was learnt by heart is no judge"
    assert (held.choose(ann, 9, before=fresh.names([digests[k] for k in more]), trained=trained) == more).all()
    assert set(held.choose(ann, 4, before=kept)) <= set(first)
    everything = fresh.names(digests)
    assert len(held.choose(ann, 6, trained=everything)) == 6, "where all have trained there is no other choice"


def test_a_measurement_fits_into_memory(people):
    table = dataclasses.replace(
        people[0].table, **{n: np.resize(c, 9000) for n, c in people[0].table.columns().items()}
    )
    person = dataclasses.replace(people[0], table=table)
    assert held.count((person, person), 500, resolution=64) == 500
    assert held.count((person, person), 500, resolution=512) < 60


def test_held_out_faces_are_where_their_landmarks_are(people):
    ann, _ = people
    shape = batches.geometry(SIZE, coverage=0.8, resolution=SIDE)
    seen = held.look(ann, np.arange(5), shape, resolution=SIDE, mask="components")
    assert seen.faces.shape == (5, SIDE, SIDE, 3) and seen.inside.shape == (5, SIDE, SIDE)
    for picture, inside, points in zip(*seen, strict=True):
        assert (picture[inside][:, 2] - picture[inside][:, 0] > 0.25).mean() > 0.97, "ann's colour, without its edge"
        nose = points[30].round().astype(int)
        assert inside[nose[1], nose[0]] and not inside[0].any()


def test_held_out_faces_are_never_drawn():
    source = np.arange(30, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 4), np.uint8)
    out = ([3, 4, 29], [0])
    drawn = batches.draw(source, source, first=0, steps=80, batch=8, seed=1, without=out)
    assert set(drawn[:, :8].ravel().tolist()) == set(range(30)) - {3, 4, 29}
    assert set(drawn[:, 8:].ravel().tolist()) == set(range(1, 30))


# when quality has stopped rising


def test_a_standstill_is_seen_when_patience_is_over():
    rising = [0.1 * n for n in range(8)]
    assert schedule.standstill(rising, patience=3) is None
    assert schedule.standstill([*rising, 0.7, 0.69, 0.7], patience=3) == 10
    assert schedule.standstill([*rising, 0.7, 0.69, 0.9, 0.7, 0.7], patience=3) is None
    early = [0.01, 0.15, 0.2, 0.15, 0.18, 0.17, 0.16]
    assert schedule.standstill(early * 4, patience=3) is None, "it has not learnt a face yet"
    assert schedule.standstill([*early, 0.31, 0.5, 0.9, 0.9, 0.9], patience=3) is None
    assert schedule.standstill([*early, 0.31, 0.5, 0.9, 0.9, 0.9, 0.9], patience=3) == len(early) + 5
    assert schedule.standstill([], patience=3) is schedule.standstill([0.5] * 3, patience=3) is None


@given(st.integers(0, 50))
def test_noise_is_no_gain_and_a_slow_rise_is_one(seed):
    chance = np.random.default_rng(seed).normal(0, 0.01, 60)
    assert schedule.noise(list(0.5 + chance[:12])) > 0.004, "two standard deviations, roughly known"
    assert schedule.standstill(list(0.5 + chance), patience=10) is not None
    assert schedule.standstill([0.2 + 0.002 * n for n in range(100)], patience=10) is None


def rows(scores, *, every=10, warp_until=10**9):
    steps = [every * (k + 1) for k in range(len(scores))]
    return [
        {"step": n, "seconds": n / 2, "phase": int(n > warp_until), "score": s}
        for n, s in zip(steps, scores, strict=True)
    ]


def test_a_standstill_begins_the_last_part_and_there_is_the_end():
    way = schedule.plan(schedule.Goal("a", 0, 0.0, 1.0), steps=1000, minutes=None, until=(0.75, 1.0))
    flat, still = [0.5] * 5, {"patience": 3, "sooner": (True, True), "stops": True}
    assert schedule.moved(way, rows(flat[:3]), **still) == way
    short = schedule.moved(way, rows(flat), **still)
    assert short.ends == (40, 54), "a third of what was trained with the warp, as in the whole way"
    assert schedule.moved(way, rows([0.1, 0.2, 0.3] + [0.9] * 9, warp_until=30), **still).end == 70
    assert schedule.moved(way, rows([0.5] * 4, every=185), **still).ends == (740, 987), "never beyond the budget"
    minutes = schedule.plan(schedule.Goal("a", 0, 0.0, 1.0), steps=None, minutes=10, until=(0.75, 1.0))
    assert schedule.moved(minutes, rows(flat), **still).end == pytest.approx(20 + 20 / 3)


def test_measurements_fall_on_steps_that_do_not_depend_on_the_clock():
    way = schedule.plan(schedule.Goal("a", 100, 0.0, 1.0), steps=20000, minutes=None, until=(0.75, 1.0))
    at, step = [], 100
    while not way.done(step, 0.0):
        count = way.steps(step, 0.0, pace=0.013)
        if way.measures((step, 0.0), (step + count, 0.0)):
            at.append(step + count)
        step += count
    assert at == list(range(600, 20101, 500))
    goal = schedule.Goal("a", 0, 0.0, 1.0)
    short = schedule.plan(goal, steps=600, minutes=None, until=(0.75, 1.0))
    assert short.measure == 250 and short.measures((590, 1.0), (600, 2.0))
    assert not short.measures((600, 2.0), (600, 2.0))
    for minutes, seconds in ((6, 40), (60, 90), (900, 300)):
        assert schedule.plan(goal, steps=None, minutes=minutes, until=(1.0,)).measure == seconds
    assert schedule.plan(goal, steps=None, minutes=6, until=(1.0,), quality_every=0.5).measure == 30


def test_measurements_take_a_small_part_of_the_time():
    goal = schedule.Goal("a", 0, 0.0, 1.0)
    way = schedule.plan(goal, steps=None, minutes=6, until=(0.75, 1.0))
    quick, slow = ([{"took": t} for t in (9.0, *[took] * 3)] for took in (0.5, 3.0))
    assert schedule.affordable(way, []) == schedule.affordable(way, quick) == way
    assert schedule.affordable(way, slow).measure == pytest.approx(100), "3 s in 100"
    steps = schedule.plan(goal, steps=600, minutes=None, until=(0.75, 1.0))
    assert schedule.affordable(steps, slow) == steps


def test_why_it_stopped_is_said():
    now = Standing(step=54, seconds=27.0, quality=rows([0.5] * 5))
    way = schedule.plan(schedule.Goal("a", 0, 0.0, 1.0), steps=1000, minutes=None, until=(0.75, 1.0))
    short = schedule.moved(way, now.comparable(), patience=3, sooner=(True, True), stops=True)
    said = why_stopped(now, way, short, patience=3)
    assert said.startswith("plateau: ") and "none of 3 measurements" in said and "946 steps of the budget" in said
    assert why_stopped(Standing(step=1000), way, way, patience=3) == "budget: its 1000 steps are spent"


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([0.5], ""),  # one measurement says nothing of a rise
        ([0.1, 0.15, 0.2, 0.25, 0.29], "hardly a face is learnt yet (quality 0.290)"),
        ([0.2, 0.4], "still rising (from 0.200 to 0.400"),
        ([0.3, 0.4, 0.5, 0.55, 0.6], "still rising (from 0.500 to 0.600"),
        ([0.5, 0.6, 0.6, 0.6, 0.6], ""),
        ([0.6, 0.7, 0.8, 0.9, 0.8, 0.7], ""),  # it fell again
        ([0.6, 0.5, 0.61, 0.52, 0.611, 0.53], ""),  # no more than what it scatters by
    ],
)
def test_a_budget_that_was_too_small_is_said(scores, words):
    now = Standing(step=1000, quality=rows(scores))
    way = schedule.plan(schedule.Goal("a", 0, 0.0, 1.0), steps=1000, minutes=None, until=(0.75, 1.0))
    said = why_stopped(now, way, way, patience=3).removeprefix("budget: its 1000 steps are spent")
    assert words in said and bool(said) == bool(words) == ("larger train.budget" in said)


def test_the_curve_marks_the_best_and_the_fooled():
    shares = {**dict.fromkeys(SHARES, 0.4), "fooled": False}
    measured = [
        {**row, **shares, "warp": "random", "score": row["score"]} for row in rows([0.1, 0.5, 0.3], warp_until=20)
    ]
    history = [[10.0 * n, 320.0 * n, float(n), 0.3 / n, 0.2 / n] for n in range(1, 4)]
    draw = {"title": "train a_onto_b", "begun": [10]}
    plain = chart.quality_curve(measured, history, best=None, **draw)
    marked = chart.quality_curve(measured, history, best=20, **draw)

    def red(picture):
        return int((np.abs(picture.astype(int) - (38, 38, 220)).max(-1) < 20).sum())

    assert plain.dtype == np.uint8 and plain.shape[2] == 3 and red(plain) == 0 < red(marked)
    measured[0]["fooled"] = True
    assert red(chart.quality_curve(measured, history, best=None, **draw)) > 0
    assert chart.quality_curve([], [], best=None, **draw).std() > 5, "and says that there is nothing"
