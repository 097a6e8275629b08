"""Models: the classic's size, and the swap as a function."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from swapcore import models
from swapcore.errors import SwapError
from swapcore.models import MODELS, PEOPLE, original, portable
from swapcore.train import checkpoint

PARAMETERS = {"original": 82.06e6, "small": 11.55e6}
TINY = partial(original.build, width=1 / 16)


def count(variables):
    return sum(int(np.prod(variable.shape)) for variable in variables.values())


@pytest.mark.parametrize("name", MODELS)
def test_the_number_of_parameters(name):
    models.tensorflow()
    swapper = MODELS[name](64, precision="bfloat16")
    variables = swapper.variables()
    assert count(variables) == pytest.approx(PARAMETERS[name], rel=1e-3)
    assert {str(variable.dtype) for variable in variables.values()} == {"float32"}
    assert len({name.split("/")[0] for name in variables}) == 3
    assert count({k: v for k, v in variables.items() if k.startswith("source/")}) == count(
        {k: v for k, v in variables.items() if k.startswith("target/")}
    )


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("resolution", [32, 64])
def test_pictures_come_out_as_they_went_in(precision, resolution):
    swapper = TINY(resolution, precision=precision)
    faces = np.random.default_rng(0).random((3, resolution, resolution, 3)).astype(np.float32)
    for person in PEOPLE:
        out = swapper.decoders[person](swapper.encoder(faces)).numpy()
        assert out.shape == faces.shape and out.dtype == np.float32 and 0 <= out.min() <= out.max() <= 1


@pytest.mark.parametrize("resolution", [0, 40])
def test_other_sizes_are_refused(resolution):
    with pytest.raises(ValueError, match="multiple of 16"):
        TINY(resolution, precision="float32")


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A tiny model's weights on disk, and the model."""
    monkeypatch.setitem(MODELS, "tiny", TINY)
    swapper = TINY(64, precision="float32")
    path = tmp_path / "weights.h5"
    arrays = {name: variable.numpy() for name, variable in swapper.variables().items()}
    arrays[portable.GRAPH] = np.frombuffer(portable.export(swapper), np.uint8)
    checkpoint.write_arrays(path, arrays.items())
    return {"model": "tiny", "resolution": 64}, path, swapper


@pytest.mark.parametrize("runtime", models.RUNTIMES)
def test_the_predictor_is_the_sources_decoder(trained, runtime):
    about, path, swapper = trained
    predict = models.predictor(about, path, runtime=runtime)
    faces = np.random.default_rng(1).random((5, 64, 64, 3)).astype(np.float32)
    out = predict(faces)
    assert out.shape == faces.shape and out.dtype == np.float32
    assert np.allclose(out, swapper.decoders["source"](swapper.encoder(faces)).numpy(), atol=1e-5)
    assert not np.allclose(out, swapper.decoders["target"](swapper.encoder(faces)).numpy(), atol=1e-3)
    assert np.allclose(predict(faces[:1]), out[:1], atol=1e-5), "any number of faces"


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_a_form_without_tensorflow(name, tmp_path):
    """As it is trained, in bfloat16, its graph is the same; how far both are apart is rounding."""
    models.tensorflow()
    swapper = MODELS[name](64, precision="float32")
    arrays = {k: variable.numpy() for k, variable in swapper.variables().items()}
    graph = portable.export(swapper)
    assert graph == portable.export(MODELS[name](64, precision="bfloat16")) and len(graph) < 20_000
    predict = portable.runner(graph, arrays, resolution=64, threads=1, where="here")
    faces = np.random.default_rng(1).random((2, 64, 64, 3)).astype(np.float32)
    wanted = swapper.decoders["source"](swapper.encoder(faces)).numpy()
    assert np.abs(predict(faces) - wanted).max() < 1e-5


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
    arrays.pop(portable.GRAPH)
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
