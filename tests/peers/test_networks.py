# SPDX-License-Identifier: Apache-2.0
"""Networks of other tools as integers: their formulas number by number, their files, what training makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.peer_designs.networks import (
    LAYERS,
    Int8Cnn,
    Int8Layer,
    Mlp,
    binary_layer,
    packed,
    top_1,
    unpacked,
)
from benchmarks.peer_designs.training import train_cnn, train_mlp
from wsfracbnn.model.data.digits import Digits

RANDOM = np.random.default_rng(1)


def some_mlp() -> Mlp:
    weights = (RANDOM.integers(-1, 2, (6, 5)), RANDOM.integers(-1, 2, (5, 3)))
    return Mlp(4, 2, weights, (RANDOM.integers(-9, 9, 5), RANDOM.integers(-9, 9, 3)), (2,))


def some_cnn() -> Int8Cnn:
    def layer(*shape: int) -> Int8Layer:
        bias, scale = RANDOM.integers(-900, 900, shape[0]), RANDOM.integers(64, 128, shape[0])
        return Int8Layer(RANDOM.integers(-127, 128, shape), bias, scale, 13)

    return Int8Cnn(dict(zip(LAYERS, (layer(3, 3, 3, 1), layer(2, 3, 3, 3), layer(4, 8)), strict=True)))


def test_a_fully_connected_network_is_its_formula_sum_by_sum() -> None:
    network = some_mlp()
    x = RANDOM.integers(0, 16, (20, 6))
    for image, logits in zip(x, network.logits(x), strict=True):
        hidden = [
            min(max((sum(int(image[i]) * int(network.weights[0][i, j]) for i in range(6)) + int(offset)) // 4, 0), 3)
            for j, offset in enumerate(network.offsets[0])
        ]
        last = [
            sum(hidden[i] * int(network.weights[1][i, j]) for i in range(5)) + int(offset)
            for j, offset in enumerate(network.offsets[1])
        ]
        assert logits.tolist() == last


def rounded(sum_of_products: int, layer: Int8Layer, output: int) -> int:
    """Halves away from zero, by fractions."""
    scaled = (sum_of_products + int(layer.bias[output])) * int(layer.scale[output])
    whole = (2 * abs(scaled) + (1 << layer.shift)) >> (layer.shift + 1)
    return max(-127, min(127, whole if scaled >= 0 else -whole))


def convolved(x: list[list[list[int]]], layer: Int8Layer) -> list[list[list[int]]]:
    """A convolution with ReLU and 2x2 pooling, pixel by pixel."""
    size, outputs = len(x), len(layer.bias)

    def at(row: int, column: int, output: int) -> int:
        total = 0
        for i in range(3):
            for j in range(3):
                r, c = row + i - 1, column + j - 1
                if 0 <= r < size and 0 <= c < size:
                    total += sum(value * int(layer.weights[output, i, j, k]) for k, value in enumerate(x[r][c]))
        return max(0, rounded(total, layer, output))

    return [
        [
            [max(at(r + i, c + j, output) for i in (0, 1) for j in (0, 1)) for output in range(outputs)]
            for c in range(0, size, 2)
        ]
        for r in range(0, size, 2)
    ]


def test_an_int8_network_is_its_formula_pixel_by_pixel() -> None:
    network = some_cnn()
    images = RANDOM.integers(0, 128, (3, 8, 8, 1))
    for image, logits in zip(images, network.logits(images), strict=True):
        x = convolved(convolved(image.tolist(), network.layers["conv_1"]), network.layers["conv_2"])
        flat = [value for row in x for pixel in row for value in pixel]
        last = network.layers["linear"]
        expected = [
            rounded(sum(value * int(weight) for value, weight in zip(flat, weights, strict=True)), last, output)
            for output, weights in enumerate(last.weights)
        ]
        assert logits.tolist() == expected


@pytest.mark.parametrize(("scaled", "result"), [(4, 1), (3, 0), (-4, -1), (-3, 0), (12, 2), (-12, -2), (9000, 127)])
def test_halves_are_rounded_away_from_zero_and_large_values_clipped(scaled: int, result: int) -> None:
    layer = Int8Layer(np.zeros((1, 1), int), np.zeros(1, int), np.ones(1, int), 3)
    assert layer.rescaled(np.array([scaled])).tolist() == [result]


def test_networks_are_read_as_they_were_written(tmp_path: Path) -> None:
    mlp, cnn = some_mlp(), some_cnn()
    mlp.write(tmp_path / "mlp.npz")
    cnn.write(tmp_path / "cnn.npz")
    x, images = RANDOM.integers(0, 16, (9, 6)), RANDOM.integers(0, 128, (2, 8, 8, 1))
    assert np.array_equal(Mlp.read(tmp_path / "mlp.npz").logits(x), mlp.logits(x))
    assert np.array_equal(Int8Cnn.read(tmp_path / "cnn.npz").logits(images), cnn.logits(images))


def test_a_binary_layer_counts_matches_but_for_a_constant() -> None:
    layer = binary_layer(16, 8, seed=3)
    x = RANDOM.integers(0, 2, (50, 16))
    positive = layer.weights[0] > 0
    matches = (x[:, :, np.newaxis] == positive[np.newaxis]).sum(axis=1)
    assert np.array_equal(layer.logits(x) + (~positive).sum(axis=0), matches)


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.integers(0, 511)), max_size=9))
def test_values_come_out_of_a_word_as_they_went_in(fields: list[tuple[int, bool, int]]) -> None:
    widths, signed = [width for width, _, _ in fields], [is_signed for _, is_signed, _ in fields]
    values = []
    for width, is_signed, bits in fields:
        value = bits % 2**width
        values.append(value - 2**width if is_signed and value >= 2 ** (width - 1) else value)
    assert unpacked(packed(values, widths), widths, signed) == values


def test_of_equal_logits_the_first_counts() -> None:
    assert top_1(np.array([[3, 3], [1, 2], [5, 0]]), np.array([0, 0, 0])) == pytest.approx(200 / 3)


def test_a_few_epochs_make_networks_that_know_most_digits() -> None:
    """Integers are tested, as hardware computes: rounding that hurt would show."""
    dataset = Digits().load(None)
    mlp = train_mlp(dataset, 32, epochs=8)
    assert set(np.unique(mlp.weights[0])) == {-1, 0, 1}
    assert mlp.accuracy(dataset.test_images, dataset.test_labels) > 80
    cnn = train_cnn(dataset, (8, 8), epochs=15)
    assert cnn.accuracy(dataset.test_images, dataset.test_labels) > 80
    for layer in cnn.layers.values():
        assert 64 <= layer.scale.max() <= 127
        assert np.abs(layer.weights).max() == 127
