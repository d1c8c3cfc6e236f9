# SPDX-License-Identifier: Apache-2.0
"""Random networks, emitted, linted and simulated: those with a corner each here, any number by the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsfracbnn.gen.sizing.fold_file import read_folding
from wsfracbnn.gen.stages.folding import Folding
from wsfracbnn.model.structure import load_description

from ..reference.integer_model import compute
from .__main__ import tell
from .corners import CORNERS
from .example import Example
from .met import corners_met
from .search import Failure, search

SEED = 1


@pytest.mark.simulator
@pytest.mark.parametrize("number", range(len(CORNERS)))
def test_a_random_network_is_exact(number: int) -> None:
    failure = search(SEED, number)
    if failure is not None:
        pytest.fail(
            f"{failure.message}\nsmallest that fails: {failure.example.summary}\n"
            f"reproduce: python -m tests.random_networks --seed {SEED} --first {number} --count 1"
        )


@pytest.fixture(scope="module")
def drawn() -> list[Example]:
    """Those of the regression."""
    found: list[Example] = []
    for number in range(len(CORNERS)):
        assert search(SEED, number, found.append) is None
    return found


def test_they_reach_the_ends_of_the_ranges(drawn: list[Example]) -> None:
    networks = [example.description for example in drawn]
    for low, high, values in (
        (1, 16, {network.input.height for network in networks}),
        (1, 16, {network.input.width for network in networks}),
        (1, 64, {network.input.colours for network in networks}),
        (1, 128, {network.input.levels for network in networks}),
        (2, 300, {network.head.classes for network in networks}),
        (8, 24, {network.residual_bits for network in networks}),
        (0, 23, {network.residual_fraction for network in networks}),
        (1, 2, {conv.stride for network in networks for conv in network.convs}),
        (2, 10, {len(network.convs) for network in networks}),
        (0, 15, {conv.scale_shift for network in networks for conv in network.convs}),
        (-127, 127, {int(m) for network in networks for conv in network.convs for m in conv.scale}),
        (-127, 127, {int(n) for network in networks for conv in network.convs for n in conv.slope}),
        (4, 6, {example.folding.target.lut_inputs for example in drawn}),
    ):
        assert (min(values), max(values)) == (low, high)


def test_they_have_every_kind_of_hardware(drawn: list[Example]) -> None:
    texts = [example.folding.text() for example in drawn]
    assert any('"sequential"' in text for text in texts)
    assert any('"loaded"' in text for text in texts)
    assert any('"lanes"' in text for text in texts)
    assert any(text.count("unrolled") == text.count("simd") - 1 for text in texts)
    assert any(0 < text.count("unrolled") < text.count("simd") - 1 for text in texts)


def test_gates_residuals_and_ties_are_at_their_corners(drawn: list[Example]) -> None:
    """By the second integer model's own streams."""
    seen = set()
    for example in drawn:
        network = example.description
        low, high = -(1 << (network.residual_bits - 1)), (1 << (network.residual_bits - 1)) - 1
        answer = compute(network, example.images[0].tolist())
        x = answer.streams["input"].output
        for name, layer in zip(network.names[1:-1], network.convs, strict=True):
            streams = answer.streams[name]
            assert streams.gate is not None
            assert streams.s_m is not None
            gates = {gate for row in streams.gate for pixel in row for gate in pixel}
            seen |= {"all open"} if gates == {1} else {"all shut"} if gates == {0} else {"some open"}
            values = [value for row in streams.output for pixel in row for value in pixel]
            seen |= {"highest"} if high in values else set()
            seen |= {"lowest"} if low in values else set()
            sums = [pair for row in streams.s_m for pixel in row for pair in zip(pixel, layer.gate, strict=True)]
            assert streams.a is not None
            products = [
                a * int(m) for row in streams.a for pixel in row for a, m in zip(pixel, layer.scale, strict=True)
            ]
            half = 1 << layer.scale_shift >> 1
            seen |= {"half"} if half and any(product % (2 * half) == half for product in products) else set()
            seen |= {"S_m is G"} if any(s == g for s, g in sums) else set()
            met = [
                value in thresholds
                for row in x
                for pixel in row
                for value, thresholds in zip(pixel, layer.thresholds.tolist(), strict=True)
            ]
            seen |= {"X is T"} if any(met) else set()
            x = streams.output
        logits = answer.streams["head"].output[0][0]
        seen |= {"winners tie"} if logits.count(logits[answer.winner]) > 1 else set()
    assert seen == {
        *("all open", "all shut", "some open", "highest", "lowest", "S_m is G", "X is T", "half", "winners tie"),
    }


def test_every_corner_of_the_contract_is_met(drawn: list[Example]) -> None:
    assert {name for name, count in corners_met(drawn).items() if count == 0} == set()


def test_a_corner_that_is_not_met_is_told(drawn: list[Example]) -> None:
    """A network of one pixel, of whose largest logits no two are equal, meets few."""
    met = corners_met(drawn[:1])
    assert met["sum above the top"] == 0
    assert met["without stalls"] + met["with stalls on both ends, bad frames and resets"] == 1


def halves_with_a_negative_slope(example: Example) -> None:
    """Stands for a fault of the hardware: at stride 2, of slopes below zero."""
    for layer in example.description.convs:
        assert layer.stride == 1 or (layer.slope >= 0).all()


@pytest.fixture(scope="module")
def smallest() -> Failure:
    """What a search finds where that is wrong."""
    failures = (search(SEED, number, halves_with_a_negative_slope) for number in range(100))
    return next(failure for failure in failures if failure is not None)


def test_a_failing_network_shrinks_to_the_smallest(smallest: Failure) -> None:
    example = smallest.example
    network = example.description
    assert [layer.out_channels for layer in network.layers[:-1]] == [1, 1, 1, 2, 2]
    assert (network.input.height, network.input.width, network.input.colours, network.input.levels) == (2, 2, 1, 1)
    assert (network.head.classes, network.residual_bits, len(example.images), example.tests) == (2, 8, 1, "bit_exact")
    assert sum((layer.slope < 0).any() for layer in network.convs) == 1
    assert type(example.folding) is Folding
    assert {fold.pe for fold in example.folding.stages.values()} == {1}


def test_the_same_number_is_the_same_network() -> None:
    found: list[Example] = []
    for _ in range(2):
        search(SEED, 40, found.append)
    assert found[0].description.digest() == found[1].description.digest()
    assert found[0].folding == found[1].folding


def test_a_signal_ends_a_search_and_is_no_failure() -> None:
    def ended(example: Example) -> None:
        raise SystemExit(143)

    with pytest.raises(SystemExit) as end:
        search(SEED, 40, ended)
    assert end.value.code == 143


@pytest.mark.simulator
def test_a_failure_leaves_what_does_it_again(
    smallest: Failure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(smallest, SEED, tmp_path / "kept")
    network = load_description(tmp_path / "kept/net")
    assert network.digest() == smallest.example.description.digest()
    assert read_folding(tmp_path / "kept/net/fold.json", network) == smallest.example.folding
    assert f"python -m tests.random_networks --seed {SEED} --first {smallest.number}" in capsys.readouterr().out
