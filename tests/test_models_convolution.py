"""The convolution by matrix products: the library's results and gradients, for every shape."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from swapcore.models import convolution, tensorflow
from swapcore.models.convolution import Conv2D, convolve, products

ALL = ("forward", "inputs", "weights")


@pytest.fixture(scope="module")
def tf():
    return tensorflow()


def followed(tf, function, x, kernel):
    """The result, and the gradients of a weighted sum of it."""
    x, kernel = tf.constant(x), tf.constant(kernel)
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        y = function(x, kernel)
        loss = tf.reduce_sum(y * tf.cos(tf.reshape(tf.range(tf.size(y), dtype=y.dtype), tf.shape(y))))
    return [y, *tape.gradient(loss, [x, kernel])]


@pytest.mark.parametrize(
    ("side", "size", "stride"), [*itertools.product((4, 7), (1, 2, 3, 5), (1, 2)), (9, 4, 3), (6, 2, 4)]
)
@pytest.mark.parametrize("taken", [ALL, ("weights",), ("inputs",), ("forward",)])
def test_it_is_the_librarys_convolution(tf, side, size, stride, taken):
    chance = np.random.default_rng(0)
    x = chance.normal(size=(2, side, side, 3)).astype(np.float32)
    kernel = chance.normal(size=(size, size, 3, 5)).astype(np.float32)
    wanted = followed(tf, lambda x, kernel: tf.nn.conv2d(x, kernel, stride, "SAME"), x, kernel)
    found = followed(tf, lambda x, kernel: convolve(x, kernel, stride=stride, taken=frozenset(taken)), x, kernel)
    for one, other in zip(found, wanted, strict=True):
        assert one.shape == other.shape and np.abs(one - other).max() < 1e-4


@pytest.mark.parametrize(("side", "stride"), [(4, 1), (8, 2), (8, 1), (16, 1)])
def test_a_layer_of_any_number_of_pictures_in_bfloat16(tf, side, stride):
    """Beside exact results, not the library's: its own rounding, and its sums, depend on the processor."""
    import keras

    how = {"strides": stride, "padding": "same", "name": "up"}
    ours, exact = Conv2D(48, 3, dtype="mixed_bfloat16", **how), keras.layers.Conv2D(48, 3, dtype="float32", **how)
    x = np.random.default_rng(1).normal(size=(5, side, side, 32)).astype(np.float32)
    assert products(-(-side // stride), 32, "bfloat16"), "it goes by products"
    shown = keras.Input((side, side, 32))
    models = [keras.Model(shown, layer(shown)) for layer in (ours, exact)]
    models[1].set_weights(models[0].get_weights())
    results = []
    for model in models:

        @tf.function(input_signature=[tf.TensorSpec((None, side, side, 32))], autograph=False)
        def step(x, model=model):
            with tf.GradientTape() as tape:
                y = tf.cast(model(x), tf.float32)
                loss = tf.reduce_sum(tf.sin(y))
            return y, *tape.gradient(loss, model.trainable_variables)

        results.append([value.numpy() for value in step(x)])
    for one, right in zip(*results, strict=True):
        away = np.sqrt(np.square(one - right).mean())
        assert one.dtype == np.float32 and away < 0.015 * np.sqrt(np.square(right).mean())


def test_a_layer_has_the_names_and_weights_of_keras(tf):
    import keras

    ours, theirs = (make(40, 3, padding="same", name="up") for make in (Conv2D, keras.layers.Conv2D))
    for layer in (ours, theirs):
        layer.build((None, 4, 4, 32))
    assert type(ours).__name__ == "Conv2D" and isinstance(ours, keras.layers.Conv2D)
    assert [(w.path, w.shape) for w in ours.weights] == [(w.path, w.shape) for w in theirs.weights]


@pytest.mark.parametrize("how", [{"padding": "valid"}, {"dilation_rate": 2}, {"groups": 2}, {"strides": (1, 2)}])
def test_what_it_does_not_know_is_left_to_the_library(tf, how, monkeypatch):
    import keras

    monkeypatch.setattr(convolution, "convolve", lambda *a, **k: pytest.fail("by products"))
    how = {"padding": "same", **how}
    ours, theirs = (make(64, 3, **how) for make in (Conv2D, keras.layers.Conv2D))
    x = np.random.default_rng(1).normal(size=(1, 4, 4, 64)).astype(np.float32)
    theirs.build(x.shape)
    ours.build(x.shape)
    ours.set_weights(theirs.get_weights())
    assert np.allclose(ours(x), theirs(x), atol=1e-5)


def test_where_products_are_taken():
    assert products(4, 1024, "float32") == products(2, 64, "bfloat16") == set(ALL)
    assert products(8, 512, "float32") == products(16, 256, "bfloat16") == {"weights"}
    assert not products(16, 512, "float32") and not products(32, 512, "bfloat16") and not products(4, 3, "bfloat16")
