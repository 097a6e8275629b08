"""Models: the classic's size, and the swap as a function."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from swapcore import models
from swapcore.config import fields
from swapcore.config.architectures import SIZES
from swapcore.errors import SwapError
from swapcore.models import MODELS, PEOPLE, portable
from swapcore.train import checkpoint

PARAMETERS = {
    **{"small": 11.55e6, "original": 82.06e6, "lightweight": 51.07e6, "dfaker": 113.33e6},
    "core": 28.53e6,
    **{"dfl_sae_df": 129.97e6, "dfl_sae_liae": 121.72e6},
}


def tiny(row):
    """The row of a model with a sixteenth of its channels."""

    def make(resolution, *, precision, width):
        return row.make(resolution, precision=precision, width=width / 16)

    return row._replace(make=make)


TINY = tiny(MODELS["original"])


def count(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables.values())


def swapped(swapper, faces, person="source"):
    return np.asarray(swapper.decoders[person](swapper.encoder(faces, training=False), training=False))


@pytest.mark.parametrize("name", MODELS)
def test_the_number_of_parameters(name):
    with models.keras().StatelessScope():  # weights get no values: the largest would take half a gigabyte
        swapper = MODELS[name].build(MODELS[name].sizes.default, precision="bfloat16")
    variables = swapper.variables()
    assert count(variables) == pytest.approx(PARAMETERS[name], rel=1e-3)
    assert {str(variable.dtype) for variable in variables.values()} == {"float32"}
    assert len({id(variable) for variable in variables.values()}) == len(variables)
    every = [v for model in (swapper.encoder, *swapper.decoders.values()) for v in model.weights]
    assert {id(variable) for variable in variables.values()} == {id(variable) for variable in every}


def test_models_and_settings_name_the_same():
    named = fields.Train.model_fields["model"].annotation.__args__
    assert set(named) == set(MODELS) == set(SIZES) and {name: row.sizes for name, row in MODELS.items()} == SIZES
    for name, row in MODELS.items():
        assert fields.Train(model=name).side == row.sizes.default and not row.sizes.wrong(row.sizes.default)
        least = row.sizes.least
        assert fields.Train(model=name, resolution=least).side == least and not row.sizes.wrong(row.sizes.most)
        for wrong in (least + row.sizes.multiple // 2, least - row.sizes.multiple, row.sizes.most + row.sizes.multiple):
            assert row.sizes.wrong(wrong)
            with pytest.raises(SwapError, match="expected a multiple of"):
                row.build(wrong, precision="float32")
    with pytest.raises(ValueError, match="resolution of dfaker: expected a multiple of 32 from 64 to 512, got 80"):
        fields.Train(model="dfaker", resolution=80)


@pytest.mark.parametrize("name", MODELS)
def test_pictures_come_out_as_they_went_in(name):
    row = MODELS[name]
    for precision, resolution in (("bfloat16", row.sizes.least), ("float32", row.sizes.least + row.sizes.multiple)):
        swapper = row.build(resolution, precision=precision, width=1 / 16)
        faces = np.random.default_rng(0).random((3, resolution, resolution, 3)).astype(np.float32)
        both = [swapped(swapper, faces, person) for person in PEOPLE]
        for out in both:
            assert out.shape == faces.shape and out.dtype == np.float32 and 0 <= out.min() <= out.max() <= 1
        assert np.abs(both[0] - both[1]).max() > 1e-4, "two people"


def test_one_decoder_for_both_is_told_who_it_is_by_what_it_decodes():
    """In liae the two people share all but the target's own bottleneck."""
    swapper = MODELS["dfl_sae_liae"].build(64, precision="float32", width=1 / 16)
    parts = {part: {layer.name for layer in layers if layer.weights} for part, layers in swapper.parts().items()}
    assert not parts["source"] and parts["target"] == {f"inter_target_{name}" for name in ("dense1", "dense2", "up")}
    assert {"inter_both_dense1", "up1", "picture"} <= parts["shared"] and not parts["shared"] & parts["encoder"]


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A tiny model's weights on disk, and the model."""
    monkeypatch.setitem(MODELS, "tiny", TINY)
    swapper, rng = TINY.build(64, precision="float32"), np.random.default_rng(3)
    for variable in swapper.variables().values():  # as if learnt: what it makes at first is grey, whoever it is
        variable.assign(variable + rng.normal(0, 0.05, variable.shape))
    path = tmp_path / "weights.h5"
    arrays = {name: variable.numpy() for name, variable in swapper.variables().items()}
    for person, graph in portable.GRAPHS.items():
        arrays[graph] = np.frombuffer(portable.export(swapper, person), np.uint8)
    checkpoint.write_arrays(path, arrays.items())
    return {"model": "tiny", "resolution": 64}, path, swapper


@pytest.mark.parametrize("runtime", models.RUNTIMES)
@pytest.mark.parametrize(("person", "other"), [("source", "target"), ("target", "source")])
def test_the_predictor_is_that_persons_decoder(trained, runtime, person, other):
    about, path, swapper = trained
    predict = models.predictor(about, path, runtime=runtime, person=person)
    faces = np.random.default_rng(1).random((5, 64, 64, 3)).astype(np.float32)
    out = predict(faces)
    assert out.shape == faces.shape and out.dtype == np.float32
    assert np.allclose(out, swapper.decoders[person](swapper.encoder(faces)).numpy(), atol=1e-5)
    assert not np.allclose(out, swapper.decoders[other](swapper.encoder(faces)).numpy(), atol=1e-3)
    assert np.allclose(predict(faces[:1]), out[:1], atol=1e-5), "any number of faces"


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_a_form_without_tensorflow(name, monkeypatch, tmp_path):
    """As it is trained, in bfloat16, its graph is the same; how far both are apart is rounding. Weights are all drawn anew,
    since biases and the like begin as zeros.
    """
    row, side = MODELS[name], MODELS[name].sizes.least
    build = partial(tiny(row).build, side)
    swapper, chance = build(precision="float32"), np.random.default_rng(2)
    arrays = {}
    for key, variable in swapper.variables().items():
        fan = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 25
        arrays[key] = (chance.standard_normal(variable.shape) / np.sqrt(fan)).astype(np.float32)
        variable.assign(arrays[key])
    rounded = build(precision="bfloat16")
    for person, place in portable.GRAPHS.items():
        graph = portable.export(swapper, person)
        assert graph == portable.export(rounded, person) and len(graph) < 40_000
        arrays[place] = np.frombuffer(graph, np.uint8)
    path = tmp_path / "weights.h5"
    checkpoint.write_arrays(path, arrays.items())
    monkeypatch.setitem(MODELS, name, tiny(row))
    faces = chance.random((2, side, side, 3)).astype(np.float32)
    for person in PEOPLE:
        wanted = swapped(swapper, faces, person)
        assert wanted.std() > 0.01
        for runtime in models.RUNTIMES:
            how = {"runtime": runtime, "person": person, "threads": 1}
            predict = models.predictor({"model": name, "resolution": side}, path, **how)
            assert np.abs(predict(faces) - wanted).max() < 1e-4, (runtime, person)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_can_learn_masks(name, monkeypatch, tmp_path):
    """All else is as it was; the head says the same in TensorFlow and without it, whosever face is made."""
    row, side = tiny(MODELS[name]), MODELS[name].sizes.least
    plain, swapper = (row.build(side, precision="float32", mask=mask) for mask in (False, True))
    arrays = {key: variable.numpy() for key, variable in swapper.variables().items()}
    head = {key for key in arrays if key.startswith("mask/")}
    assert head and arrays.keys() - head == plain.variables().keys() and not plain.parts().get(models.MASK)
    assert {models.owner(key) for key in head} == {None}, "nobody's own"
    chance = np.random.default_rng(3)
    for key in arrays:
        fan = np.prod(arrays[key].shape[:-1]) if arrays[key].ndim > 1 else 25
        arrays[key] = (chance.standard_normal(arrays[key].shape) / np.sqrt(fan)).astype(np.float32)
    models.assign(swapper.variables(), arrays, where="here")
    for person, place in portable.GRAPHS.items():
        arrays[place] = np.frombuffer(portable.export(swapper, person), np.uint8)
    checkpoint.write_arrays(tmp_path / "weights.h5", arrays.items())
    monkeypatch.setitem(MODELS, name, row)
    faces = chance.random((2, side, side, 3)).astype(np.float32)
    seen = np.asarray(swapper.mask(swapper.encoder(faces, training=False), training=False))
    assert seen.shape == (2, side, side, 1) and seen.dtype == np.float32 and seen.std() > 0.01
    for person in PEOPLE:
        for runtime in models.RUNTIMES:
            how = {"runtime": runtime, "person": person, "threads": 1}
            about = {"model": name, "resolution": side}
            both = models.predictor(about, tmp_path / "weights.h5", masked=True, **how)(faces)
            alone = models.predictor(about, tmp_path / "weights.h5", **how)(faces)
            assert both.shape == (2, side, side, 4) and np.abs(both[..., :3] - alone).max() < 1e-5
            assert (
                np.abs(both[..., 3:] - seen).max() < 1e-4
                and np.abs(alone - swapped(swapper, faces, person)).max() < 1e-4
            )


@pytest.mark.parametrize("runtime", models.RUNTIMES)
def test_a_model_that_learnt_no_masks_makes_none(trained, runtime):
    about, path, _ = trained
    with pytest.raises(SwapError, match=r"weights.h5: expected a model that makes masks.* set train.learn_mask"):
        models.predictor(about, path, runtime=runtime, masked=True)


def test_a_swap_runs_without_tensorflow(trained, root):
    about, path, _ = trained
    line = (
        "import sys, numpy as np; from swapcore import models\n"
        f"models.predictor({about!r}, {str(path)!r}, runtime='onnx')(np.zeros((1, 64, 64, 3), np.float32))\n"
        "print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", line], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_layer_without_a_form_is_named():
    import keras

    faces = keras.Input((64, 64, 3))
    strange = keras.Model(faces, keras.layers.BatchNormalization(name="odd")(faces))
    swapper = models.Swapper(encoder=strange, decoders={person: strange for person in PEOPLE}, resolution=64)
    with pytest.raises(NotImplementedError, match="encoder/odd: the layer BatchNormalization"):
        portable.export(swapper)


@pytest.mark.parametrize("runtime", models.RUNTIMES)
def test_weights_of_another_model_are_refused(trained, runtime, tmp_path):
    about, path, swapper = trained
    predictor = partial(models.predictor, runtime=runtime)
    with pytest.raises(SwapError, match=r"weights.h5: expected .*, found"):
        predictor({**about, "resolution": 32}, path)
    arrays = models.read_weights(path)
    first = next(iter(swapper.variables()))
    checkpoint.write_arrays(tmp_path / "other.h5", {**arrays, first: np.zeros(3, np.float32)}.items())
    with pytest.raises(SwapError, match=r"other\.h5: expected .*(dimensions|of shape)"):
        predictor(about, tmp_path / "other.h5")
    checkpoint.write_arrays(tmp_path / "less.h5", {k: a for k, a in arrays.items() if k != first}.items())
    with pytest.raises(SwapError, match=r"less\.h5: expected "):
        predictor(about, tmp_path / "less.h5")
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(SwapError, match="expected the weights"):
        predictor(about, path)


def test_what_is_missing_is_named(trained, tmp_path):
    about, path, _ = trained
    with pytest.raises(SwapError, match=r"expected one of .*, found 'huge'"):
        models.predictor({**about, "model": "huge"}, path, runtime="tensorflow")
    arrays = models.read_weights(path)
    arrays.pop(portable.GRAPHS["source"])
    checkpoint.write_arrays(tmp_path / "old.h5", arrays.items())
    with pytest.raises(SwapError, match=r"old.h5: expected weights and their graph"):
        models.predictor(about, tmp_path / "old.h5", runtime="onnx")


def test_importing_models_and_training_is_quick(root):
    line = "import sys, swapcore.models, swapcore.losses, swapcore.train; print({'tensorflow', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", line], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_what_is_said_while_loading_is_kept_quiet(capfd):
    import os

    from swapcore.models.backend import _quiet

    with _quiet():
        os.write(2, b"notice")
    assert "notice" not in capfd.readouterr().err
    with pytest.raises(ImportError), _quiet():
        os.write(2, b"the reason")
        raise ImportError
    assert "the reason" in capfd.readouterr().err
