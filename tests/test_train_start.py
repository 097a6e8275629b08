"""A training that begins with another swap's encoder, and with the decoder of a person of both."""

from __future__ import annotations

import numpy as np
import pytest
from test_train_run import FILES, trained
from training import make_faces, settings, without_tensorflow_beside

from swapcore import models, store
from swapcore.config.architectures import SIZES, Sizes
from swapcore.errors import SwapError
from swapcore.models import small
from swapcore.train import Outputs, Start, checkpoint, run, start, train

PEOPLE = {"source": "cy", "target": "bob"}


@pytest.fixture
def other(tmp_path):
    """A trained swap of ann onto bob, made up."""
    weights = {
        f"{part}/layer/kernel": np.full(3, n, np.float32) for n, part in enumerate(("encoder", "source", "target"))
    }
    digest = checkpoint.write_arrays(tmp_path / "w.h5", {**weights, "graph": np.zeros(2, np.uint8)}.items())
    told = {"swap": "ann_onto_bob", "source": "ann", "target": "bob", "model": "small", "resolution": 64, "steps": 40}
    store.write_json(tmp_path / "t.json", {**told, "weights": {"sha256": digest}})
    return Start(tmp_path / "t.json", tmp_path / "w.h5")


def firsts(arrays):
    return {name.split("/")[0]: float(array[0]) for name, array in arrays.items()}


@pytest.mark.parametrize(
    ("source", "target", "wanted", "decoders"),
    [
        ("cy", "dee", {"encoder": 0}, {}),
        ("cy", "bob", {"encoder": 0, "target": 2}, {"target": "bob"}),
        ("bob", "cy", {"encoder": 0, "source": 2}, {"source": "bob"}),
        ("cy", "ann", {"encoder": 0, "target": 1}, {"target": "ann"}),
        ("bob", "ann", {"encoder": 0, "source": 2, "target": 1}, {"source": "bob", "target": "ann"}),
    ],
)
def test_what_is_taken(other, source, target, wanted, decoders):
    people = {"source": source, "target": target}
    names = {f"{part}/layer/kernel" for part in ("encoder", "source", "target")}
    arrays, record = start.taken(other, model="small", resolution=64, people=people, names=names)
    assert firsts(arrays) == wanted
    assert record["decoders"] == decoders and (record["swap"], record["steps"]) == ("ann_onto_bob", 40)
    assert record["weights"] == store.sha256(other.weights)
    assert all(f"and the decoder of {name}" in start.said(record) for name in decoders.values())


@pytest.mark.parametrize("learns", [False, True])
def test_the_head_for_masks_is_taken_where_masks_are_learnt(other, learns):
    weights = models.read_weights(other.weights) | {"mask/mask/kernel": np.full(3, 7, np.float32)}
    checkpoint.write_arrays(other.weights, weights.items())
    names = {"encoder/layer/kernel"} | ({"mask/mask/kernel"} if learns else set())
    arrays, _ = start.taken(other, model="small", resolution=64, people={"source": "cy", "target": "dee"}, names=names)
    assert firsts(arrays) == ({"encoder": 0, "mask": 7} if learns else {"encoder": 0})


@pytest.mark.parametrize("changed", [{"model": "original"}, {"resolution": 128}])
def test_another_model_is_refused(other, changed):
    with pytest.raises(SwapError, match="ann_onto_bob is small at 64 px; give both the same"):
        start.taken(other, **{"model": "small", "resolution": 64, **changed}, people=PEOPLE, names=())


@pytest.mark.parametrize("model", ["core", "dfl_sae_liae"])
@pytest.mark.parametrize(("source", "target"), [("bob", "cy"), ("cy", "ann"), ("cy", "bob")])
def test_what_is_ones_own_goes_with_its_person(tmp_path, model, source, target):
    """Also where it stands in layers that both use, or where one person alone has some."""
    shape = models.MODELS[model].build(SIZES[model].default, precision="float32", width=1 / 16).variables()
    whose = {"source": 1.0, "target": 2.0, None: 0.0}
    before = {name: np.full(variable.shape, whose[models.owner(name)], np.float32) for name, variable in shape.items()}
    digest = checkpoint.write_arrays(tmp_path / "w.h5", before.items())
    told = {"swap": "ann_onto_bob", "source": "ann", "target": "bob", "model": model, "resolution": 128, "steps": 40}
    store.write_json(tmp_path / "t.json", {**told, "weights": {"sha256": digest}})
    people = {"source": source, "target": target}
    found, record = start.taken(
        Start(tmp_path / "t.json", tmp_path / "w.h5"), model=model, resolution=128, people=people, names=shape
    )
    assert set(found) <= set(shape)
    for name, array in found.items():
        assert array.shape == tuple(shape[name].shape)
        own = models.owner(name)
        assert (array == {None: 0.0, "ann": 1.0, "bob": 2.0}[own and people[own]]).all()
    assert set(record["decoders"]) == {models.owner(name) for name in found} - {None}
    if model == "core":
        known = {role for role, person in people.items() if person in ("ann", "bob")}
        assert {models.owner(name) for name in found} == {None, *known}
        assert any(name.endswith(f"/in_{role}") for name in found for role in known)


def test_a_new_person_begins_with_the_encoder(monkeypatch, tmp_path, capfd):
    """Once, with a rate of its own, and the record stays with the state."""
    monkeypatch.setattr(small, "WIDTH", 1 / 16)
    monkeypatch.setitem(SIZES, "small", Sizes(32, 16, 32, 64))
    people = {name: make_faces(tmp_path, name, seed=n) for n, name in enumerate(("ann", "bob"))}
    monkeypatch.setitem(__import__("training").COLOURS, "cy", (60, 200, 90))
    people["cy"] = make_faces(tmp_path, "cy", seed=5)
    first = trained(tmp_path / "first", (people["ann"], people["bob"]), budget={"steps": 4}, seed=3)
    assert first["start"] is None
    begin = Start(tmp_path / "first" / FILES["trained"], tmp_path / "first" / FILES["weights"])

    def again(**changed):
        outputs = Outputs(**{name: tmp_path / file for name, file in FILES.items()})
        asked = settings(start_from="ann_onto_bob", **changed)
        train(
            "cy_onto_bob", people["cy"], people["bob"],
            settings=asked, state=tmp_path / "state", outputs=outputs, start=begin,
        )  # fmt: skip
        return store.read_json(outputs.trained)

    rates = {"learning_rate": 1e-3, "start_rate": 1e-3}
    said = again(budget={"steps": 2}, **rates)
    assert said["start"]["swap"] == "ann_onto_bob" and said["start"]["decoders"] == {"target": "bob"}
    assert "begins with the encoder and the decoder of bob of ann_onto_bob, after 4 steps" in capfd.readouterr().err
    before, after = (
        checkpoint.read_arrays(checkpoint.Saved(1, path, {})) for path in (begin.weights, tmp_path / FILES["weights"])
    )

    def moved(part):
        names = [name for name in before if name.startswith(f"{part}/") and name.endswith("kernel")]
        return max(float(np.abs(after[name] - before[name]).max()) for name in names)

    assert 0 < moved("encoder") < 4e-6, "two steps of Adam at a thousandth of its rate"
    assert 1e-4 < moved("target") < 4e-3, "bob's decoder, at the whole rate"
    assert moved("source") > 0.02, "cy's is no decoder of ann"
    assert again(budget={"steps": 3}, **rates)["start"] == said["start"]
    assert "begins with" not in capfd.readouterr().err


def test_a_training_that_has_begun_does_not_begin_again(monkeypatch, tmp_path, other, capfd):
    from test_train_run import Sums

    without_tensorflow_beside(monkeypatch)
    monkeypatch.setattr(run, "_machine", lambda settings, **_: Sums())
    people = make_faces(tmp_path, "ann"), make_faces(tmp_path, "bob", seed=1)
    outputs = Outputs(**{name: tmp_path / file for name, file in FILES.items()})
    where = {"state": tmp_path / "state", "outputs": outputs}
    train("s", *people, settings=settings(budget={"steps": 3}), **where)
    train("s", *people, settings=settings(budget={"steps": 6}, start_from="other"), start=other, **where)
    assert "train.start_from is for a beginning, and this training has begun; delete" in capfd.readouterr().err
    said = store.read_json(outputs.trained)
    assert said["start"] is None and said["steps"] == 6, "the goal is the same: the budget alone was raised"
