# SPDX-License-Identifier: Apache-2.0
"""Which designs an exploration is made of, which of them are kept, and which are the best."""

from __future__ import annotations

import pytest

from wsfracbnn.gen.devices import DEVICES, Device
from wsfracbnn.gen.explore.front import front, ranked
from wsfracbnn.gen.explore.objective import Objective, parse_objective
from wsfracbnn.gen.explore.space import Candidate, candidates, parse_devices, parse_speeds, worth_it
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError

SMALL, LARGE = DEVICES["ecp5-25f"], DEVICES["ecp5-85f"]
FASTEST = Objective("images_per_s")


def labels(found: list[Candidate]) -> list[tuple[str, str]]:
    return [(candidate.fold, candidate.device.name) for candidate in found]


def test_foldings_times_devices(tiny: NetworkDescription) -> None:
    found = candidates(tiny, "auto,small", [SMALL, LARGE])
    assert labels(found) == [
        ("auto", "ecp5-25f"),
        ("small", "ecp5-25f"),
        ("auto", "ecp5-85f"),
        ("small", "ecp5-85f"),
    ]
    assert all(candidate.design.folding.target.family == "ecp5" for candidate in found)
    assert found[0].design.cycles < found[1].design.cycles


def test_a_range_is_all_that_the_solver_finds_each_by_a_name_that_gives_it_again(tiny: NetworkDescription) -> None:
    found = candidates(tiny, "cycles=1..1000000", [LARGE])
    assert len(found) == 9
    for candidate in found:
        again = choose_folding(tiny, candidate.fold, candidate.device)
        assert dict(again.stages) == dict(candidate.design.folding.stages)
        assert candidate.fold == f"cycles={candidate.design.cycles}"
    assert len({candidate.design.build_id for candidate in found}) == len(found)


def test_each_device_spends_its_own_block_rams(digits_description: NetworkDescription) -> None:
    small, large = candidates(digits_description, "auto", [SMALL, LARGE])
    assert small.design.cycles == large.design.cycles
    assert small.area.block_rams < large.area.block_rams
    assert small.area.luts > large.area.luts


def test_the_same_folding_by_two_names_is_one_design(tiny: NetworkDescription) -> None:
    cycles = candidates(tiny, "small", [LARGE])[0].design.cycles
    found = candidates(tiny, f"small,cycles={cycles}..{cycles}", [LARGE])
    assert len(found) == len({tuple(sorted(one.design.folding.stages.items())) for one in found})


def test_engines_of_two_sizes_are_two_designs(tiny: NetworkDescription) -> None:
    found = candidates(tiny, "sequential=1x1,sequential=2x1,small", [LARGE])
    assert [candidate.fold for candidate in found] == ["sequential=1x1", "sequential=2x1", "small"]


def test_fit_is_each_devices_own(digits_description: NetworkDescription) -> None:
    small, large = candidates(digits_description, "fit", [SMALL, LARGE])
    assert (small.fold, large.fold) == ("device=ecp5-25f", "device=ecp5-85f")
    assert small.fits
    assert large.area.luts > small.area.luts
    assert large.design.cycles < small.design.cycles


@pytest.mark.parametrize(
    ("folds", "sentence"),
    [
        ("auto,,small", "--fold: found 'auto,,small', expected words with commas between, each once"),
        ("auto,auto", "--fold: found 'auto,auto', expected words with commas between, each once"),
        ("cycles=9..3", "--fold: found 'cycles=9..3', expected cycles=A..B with A at most B"),
        ("cycles=1..2", "--fold: 'cycles=1..2' stands for 0 foldings, expected 1 to 1000; the fastest takes"),
        ("quick", "folding 'quick': no such preset or file"),
    ],
)
def test_words_that_are_no_foldings_are_refused(tiny: NetworkDescription, folds: str, sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        candidates(tiny, folds, [LARGE])
    assert str(refused.value).startswith(sentence)


def test_devices_and_speed_grades() -> None:
    assert parse_devices("ecp5-85f,ecp5-25f") == [LARGE, SMALL]
    assert parse_speeds("8,6") == [8, 6]
    with pytest.raises(InputError, match="--devices: found 'artix7-35t', expected some of ecp5-25f, ecp5-45f, ecp5-85"):
        parse_devices("artix7-35t")
    with pytest.raises(InputError, match="--speed: found '9', expected some of 6, 7, 8"):
        parse_speeds("6,9")


def test_what_is_kept_fits_and_is_best_by_the_objective(digits_description: NetworkDescription) -> None:
    found = candidates(digits_description, "small,auto,fast,cycles=400..5000", [SMALL, LARGE])
    tight = Device("tight", "ecp5", 11_000, 11_000, 56)
    found += [Candidate(one.fold, one.design, tight, one.area) for one in found if one.device is SMALL]
    for objective, first in ((FASTEST, min), (Objective("luts"), max)):
        kept = worth_it(found, objective, 2)
        assert all(candidate.fits for candidate in kept)
        assert [one.device.name for one in kept].count("ecp5-85f") == 2
        of_large = [one.design.cycles for one in found if one.device is LARGE and one.fits]
        fewest_luts = min(one.area.luts for one in found if one.device is LARGE)
        chosen = [one for one in kept if one.device is LARGE]
        if first is min:
            assert min(of_large) in [one.design.cycles for one in chosen]
        else:
            assert fewest_luts in [one.area.luts for one in chosen]
    assert worth_it(found, FASTEST, 10_000) == [one for one in found if one.fits]


def test_the_front_is_what_nothing_dominates() -> None:
    points = [(1.0, 9.0), (2.0, 8.0), (1.0, 8.0), (3.0, 1.0), (2.0, 8.0), (0.0, 0.0)]
    assert front(points, lambda point: point) == [(1.0, 9.0), (2.0, 8.0), (3.0, 1.0), (2.0, 8.0)]
    layers = ranked(points, lambda point: point, lambda point: point[0])
    assert layers == [(3.0, 1.0), (2.0, 8.0), (2.0, 8.0), (1.0, 9.0), (1.0, 8.0), (0.0, 0.0)]


def test_limits_and_objectives() -> None:
    wanted = parse_objective("luts", ["images_per_s=100"], ["fmax_mhz=90.5"])
    figures = {"images_per_s": 99.0, "luts": 5.0, "fmax_mhz": 91.0, "images_per_s_per_lut": 20.0}
    assert wanted.broken(figures) == ["images_per_s < 100", "fmax_mhz > 90.5"]
    assert wanted.broken(figures | {"images_per_s": 100.0, "fmax_mhz": 90.5}) == []
    assert wanted.score({"luts": 5.0}) > wanted.score({"luts": 6.0})
    assert FASTEST.score({"images_per_s": 6.0}) > FASTEST.score({"images_per_s": 5.0})
    assert wanted.words == "fewest luts, images_per_s at least 100, fmax_mhz at most 90.5"
    for figure, least, sentence in (
        ("speed", (), "--objective: found 'speed', expected one of images_per_s, luts, fmax_mhz, images_per_s_per_lut"),
        ("luts", ("lut=3",), "--at-least: found 'lut=3', expected FIGURE=NUMBER"),
        ("luts", ("luts=nan",), "--at-least: found 'luts=nan', expected FIGURE=NUMBER"),
    ):
        with pytest.raises(InputError) as refused:
            parse_objective(figure, least, ())
        assert str(refused.value).startswith(sentence)
