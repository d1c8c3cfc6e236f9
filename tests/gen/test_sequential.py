# SPDX-License-Identifier: Apache-2.0
"""One engine for all layers: its folding, its program and memories, computed again in a plain way."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.devices import DEVICES, FAMILIES, ONE_PORT, Device, Family, family_named
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.sequential.constants import channels_of, layer_bits, signed_width
from wsfracbnn.gen.sequential.design import SequentialDesign, SequentialFolding, build_sequential
from wsfracbnn.gen.sequential.folding import sequential_folding
from wsfracbnn.gen.sequential.parts import cut
from wsfracbnn.gen.sequential.size import EngineSize
from wsfracbnn.gen.sizing.area import estimate
from wsfracbnn.gen.sizing.fold_file import read_folding
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.soc.wrapper import AxiWidths, AxiWrapper
from wsfracbnn.gen.stages.block_ram import block_rams
from wsfracbnn.gen.stages.folding import Target
from wsfracbnn.model.config import NetworkConfig, resnet20
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_description

SMALL = NetworkConfig(8, 8, 3, 8, (4, 8), (1, 1), 3)


@pytest.fixture(scope="module")
def small() -> NetworkDescription:
    return random_description(SMALL, seed=3)


@pytest.fixture(scope="module")
def resnet() -> NetworkDescription:
    return random_description(resnet20(10), seed=1, name="resnet20", wild=False)


def test_a_word_and_a_file_ask_for_the_same_engine(tmp_path: Path, small: NetworkDescription) -> None:
    chosen = choose_folding(small, "sequential=2x4")
    assert isinstance(chosen, SequentialFolding)
    assert chosen.engine == EngineSize(2, 4)
    file = tmp_path / "fold.json"
    file.write_text(chosen.text())
    assert read_folding(file, small) == chosen
    tail = sequential_folding(small, EngineSize(4, 2, tail_in_luts=True), Target(4, "ecp5", "ecp5-25f"))
    file.write_text(tail.text())
    assert read_folding(file, small) == tail
    assert choose_folding(small, "sequential") == sequential_folding(small, EngineSize(4, 4))


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("sequential=8", "expected sequential or sequential=PExSIMD"),
        ("sequential=3x4", "key 'pe': found 3, expected a divisor of the first layer's 4 channels: 1, 2, 4"),
        ("sequential=4x8", "key 'simd': found 8, expected a divisor"),
    ],
)
def test_a_word_that_is_no_engine_is_refused(small: NetworkDescription, wanted: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        choose_folding(small, wanted)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"pe": 3}, "'pe': found 3"),
        ({"simd": 0}, "'simd'"),
        ({"stages": 1}, "'stages'"),
        ({"architecture": "parallel"}, "'architecture'"),
        ({"weights_tail": "air"}, "'weights_tail'"),
        ({"target": {"family": "none"}}, "none"),
    ],
)
def test_a_file_that_is_no_engine_is_refused(
    tmp_path: Path, small: NetworkDescription, changed: dict[str, object], said: str
) -> None:
    file = tmp_path / "fold.json"
    file.write_text(json.dumps({"architecture": "sequential", "pe": 2, "simd": 2} | changed))
    with pytest.raises(InputError, match=said) as refused:
        read_folding(file, small)
    assert str(refused.value).startswith(f"{file}: ")


@pytest.mark.parametrize("words", [1, 148, 512, 2196, 5000, 40000])
@pytest.mark.parametrize("width", [1, 36, 128, 256])
def test_a_memory_is_cut_into_whole_parts(words: int, width: int) -> None:
    parts = cut(words, width, ONE_PORT)
    assert sum(parts) == words
    assert parts == sorted(parts, reverse=True)
    firsts = np.cumsum([0, *parts[:-1]])
    for first, part in zip(firsts, parts, strict=True):  # a part's own address is the low bits of the memory's
        assert first % (1 << (part - 1).bit_length() if part > 1 else 1) == 0
    rams = sum(-(-width // dict(ONE_PORT)[min(d for d, _ in ONE_PORT if d >= part)]) for part in parts)
    assert rams <= block_rams(words, width, ONE_PORT)


def test_resnet_20_leaves_room_on_the_small_parts(resnet: NetworkDescription) -> None:
    """2,048 words of 128 bits in 15 block RAMs, 148 in 4; X 16, plane 4, levels 1: an ECP5-25F has 56."""
    design = build_design(resnet, choose_folding(resnet, "sequential=8x16").for_family(family_named("ecp5")))
    assert isinstance(design, SequentialDesign)
    assert [part.rom.depth for part in design.weights] == [2048, 148]
    blocks = {m.name: m.block_rams(family_named("ecp5")) for m in design.memories}
    assert blocks["x_ram"] == 16
    assert blocks["plane_ram"] == 4
    assert blocks["level_ram"] == 1
    assert (blocks["weights_0"], blocks["weights_1"]) == (15, 4)
    assert estimate(design, family_named("ecp5")).block_rams <= 56


def test_a_device_without_room_for_a_pipeline_gets_an_engine(
    small: NetworkDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = Device("tiny-sequential", "ecp5", luts=3600, flip_flops=3600, block_rams=12)
    monkeypatch.setitem(DEVICES, tiny.name, tiny)
    chosen = choose_folding(small, "device=tiny-sequential")
    assert isinstance(chosen, SequentialFolding)
    assert chosen.target.device == tiny.name
    nothing = Device("nothing-sequential", "ecp5", luts=100, flip_flops=100, block_rams=1)
    monkeypatch.setitem(DEVICES, nothing.name, nothing)
    with pytest.raises(InputError, match="the smallest folding takes about"):
        choose_folding(small, "device=nothing-sequential")


def test_a_family_from_outside_has_its_own_block_rams(
    small: NetworkDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = ((16, 4), (8, 8))
    narrow = Family("narrow", "Narrow", "synth", 4, ("L",), ("F",), {}, {}, ("B",), (), 16, shapes)
    monkeypatch.setitem(FAMILIES, narrow.name, narrow)
    design = build_sequential(small, sequential_folding(small, EngineSize(2, 2), Target(4, "narrow")))
    assert {part.rom.depth for part in design.weights[:-1]} == {16}


def test_every_weight_and_constant_has_its_place(small: NetworkDescription) -> None:
    engine = EngineSize(2, 2)
    design = build_sequential(small, sequential_folding(small, engine))
    words = [word for part in design.weights for word in part.rom.words[0]]
    for placed in (p for p in design.program if p.word.windows):
        layer = dict(small.named_layers())[placed.layer]
        steps, address = placed.word.steps + 1, placed.word.weights
        for group in range(placed.word.groups + 1):
            for tap in range(9):
                for step in range(steps):
                    for lane in range(engine.pe):
                        bits = words[address] >> (lane * engine.simd) & 3
                        own = layer.weights[group * engine.pe + lane]  # type: ignore[attr-defined]
                        first = step * engine.simd  # K = 8 is a multiple of SIMD: no step is partial
                        assert [bits & 1, bits >> 1] == [int(own[first + i, tap] > 0) for i in range(2)]
                    address += 1
        assert channels_of(small)[placed.word.constants].where == f"{placed.layer}, channel 0"


def test_bits_beyond_a_code_are_zero() -> None:
    network = random_description(NetworkConfig(2, 2, 2, 4, (3,), (1,), 2), seed=1)
    bits = layer_bits(network.input, EngineSize(3, 3)).reshape(9, 2, 2, 3, 3)  # tap, colour, part, lane, bit
    assert not bits[:, :, 1, :, 1:].any()  # the second part has one bit of K = 4
    rebuilt = bits.transpose(3, 1, 2, 4, 0).reshape(3, 2, 6, 9)[:, :, :4]
    assert (rebuilt == (network.input.weights > 0).reshape(3, 2, 4, 9)).all()


@pytest.mark.parametrize(("values", "width"), [([0], 2), ([1, -2], 2), ([2], 3), ([-3], 3), ([32767, -32768], 16)])
def test_constants_are_as_wide_as_they_need(values: list[int], width: int) -> None:
    assert signed_width(values) == width


def test_every_layer_s_cycles_add_up(resnet: NetworkDescription) -> None:
    """32x32 windows of two groups and nine steps, and so on: by hand."""
    design = build_design(resnet, choose_folding(resnet, "sequential=8x16"))
    work = {stage.name: stage.cycles for stage in design.stages}
    assert work["input"] == 1024 * 2 * 54
    assert work["stage_01"] == 1024 * 2 * 9
    assert work["stage_07"] == 256 * 4 * 9 + 4 * 256 * 16 + 4
    assert work["stage_18"] == 64 * 8 * 36


def test_every_block_bears_the_network_s_name(small: NetworkDescription) -> None:
    """Every module bears the network's name, so that two accelerators stand in one project."""
    sources = design_sources(build_design(small, choose_folding(small, "sequential")))
    for name, text in sources.items():
        assert name.startswith("random_")
        assert f"module {name.removesuffix('.v')} " in text
    assert "random_layer_walk #(" in sources["random_top.v"]


def loaded(description: NetworkDescription) -> SequentialDesign:
    """The design that loads its weights."""
    design = build_design(description, sequential_folding(description, EngineSize(2, 2, loaded=True)))
    assert isinstance(design, SequentialDesign)
    return design


def test_one_hardware_serves_every_network_of_a_shape(small: NetworkDescription) -> None:
    """All that differs is the network's digest in comments and in the attribute of the top module."""
    other = random_description(SMALL, seed=4)
    first, second = loaded(small), loaded(other)
    assert first.load is not None
    assert second.load is not None
    assert first.load.shape == second.load.shape
    assert first.load.stream() != second.load.stream()
    texts = [design_sources(design) for design in (first, second)]
    assert texts[0].keys() == texts[1].keys()
    marks = re.compile(r"sha256 [0-9a-f]+, build [0-9a-f]+|wsfracbnn_build = \"[0-9a-f]+\"")
    for name, text in texts[0].items():
        assert marks.sub("", text) == marks.sub("", texts[1][name]), name


def test_another_shape_has_another_number(small: NetworkDescription) -> None:
    other = random_description(replace(SMALL, classes=4), seed=3)
    first, second = loaded(small), loaded(other)
    assert first.load is not None
    assert second.load is not None
    assert first.load.shape != second.load.shape


def test_the_stream_is_shape_words_and_checksum(small: NetworkDescription) -> None:
    load = loaded(small).load
    assert load is not None
    data = load.stream()
    assert len(data) == 4 * load.beats
    assert int.from_bytes(data[:4], "little") == load.shape
    assert zlib.crc32(data[:-4]) == int.from_bytes(data[-4:], "little")
    at = 4
    for target in load.targets:
        size = 4 * target.beats
        words = tuple(
            int.from_bytes(data[at + i * size : at + (i + 1) * size], "little") for i in range(target.rom.depth)
        )
        assert words == target.rom.words[0]
        at += size * target.rom.depth
    assert at == len(data) - 4


def test_nothing_on_a_chip_or_a_board_loads_weights(small: NetworkDescription) -> None:
    with pytest.raises(InputError, match="nothing there loads weights"):
        AxiWrapper(loaded(small), AxiWidths())


def test_an_emitted_folder_says_how_its_weights_are_loaded(small: NetworkDescription, tmp_path: Path) -> None:
    folding = sequential_folding(small, EngineSize(2, 2, loaded=True))
    emit(small, folding, tmp_path / "net")
    text = (tmp_path / "net" / "README.md").read_text()
    beats = (tmp_path / "net" / "weights.bin").stat().st_size // 4
    assert (
        f"| `s_load_axis` | 32 bits of `weights.bin`, first byte in the low bits | last beat of the file ({beats})"
        in text
    )
    for port in ("loaded", "load_error", "s_load_axis_tready"):
        assert f"`{port}`" in text
        assert re.search(rf"\b{port}\b", (tmp_path / "net" / "rtl" / f"{small.name}_top.v").read_text())
    emit(small, sequential_folding(small, EngineSize(2, 2)), tmp_path / "net")
    assert "load" not in (tmp_path / "net" / "README.md").read_text()
