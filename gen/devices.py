# SPDX-License-Identifier: Apache-2.0
"""The FPGAs: families with their cells, and devices. The only table of them; every other module asks here.

A further family or device is one call of `add_family` or `add_device`, or one entry of the tables below. Its area
estimate wants a calibration run (benchmarks/calibrate_area.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wsfracbnn.model.errors import InputError, shown

Shapes = Sequence[tuple[int, int]]
"""(words, width) that one block RAM can have."""

TWO_PORTS: Shapes = ((1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""An ECP5's DP16KD and a 7 series' RAMB18 where both ports are used, each on its own."""

ONE_PORT: Shapes = ((512, 36), *TWO_PORTS)
"""The same where one port reads and at most one writes."""


@dataclass(frozen=True)
class ByStage:
    """How the stages of a design are synthesized one by one and then linked.

    Attributes:
        option: of the synthesis command, keeps from a stage what only a whole design has, such as clock buffers.
        afterwards: Yosys's commands that give it to the linked design.
    """

    option: str = ""
    afterwards: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """An FPGA family: Yosys's synthesis command, and what its cells are.

    Cell names may end in *, which stands for all that begin so.

    Attributes:
        lut_inputs: 4 or 6, those of a LUT; the adder trees are shaped for them.
        luts, flip_flops, block_rams, dsps: names of cells.
        carries, lut_rams: cells that take LUTs, and how many each; both are part of a design's LUT count. Without
            LUT RAMs, memories that are written go to block RAM.
        rom_words: words of a constant memory of which one LUT holds one bit.
        block_ram_shapes: what a block RAM can be.
        by_stage: how stages are synthesized one by one; None where designs are synthesized whole.
    """

    name: str
    title: str
    command: str
    lut_inputs: int
    luts: tuple[str, ...]
    flip_flops: tuple[str, ...]
    carries: Mapping[str, int]
    lut_rams: Mapping[str, int]
    block_rams: tuple[str, ...]
    dsps: tuple[str, ...]
    rom_words: int
    block_ram_shapes: Shapes
    by_stage: ByStage | None = None

    @property
    def has_lut_ram(self) -> bool:
        """Whether LUTs can hold memories that are written."""
        return bool(self.lut_rams)

    @property
    def luts_as_carries_and_memory(self) -> dict[str, int]:
        """LUTs that cells other than LUTs take."""
        return {**self.carries, **self.lut_rams}


@dataclass(frozen=True)
class BlockRamRows:
    """Rows of block RAMs of an ECP5: groups left and right of the middle; rows of the die by strips of a snake."""

    left: int
    right: int
    strips: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Part:
    """A device as nextpnr names it, and where its block RAMs stand."""

    option: str
    package: str
    block_ram_rows: BlockRamRows


@dataclass(frozen=True)
class Device:
    """An FPGA: its family and what it holds. part: for nextpnr, where that can route it."""

    name: str
    family: str
    luts: int
    flip_flops: int
    block_rams: int
    part: Part | None = field(default=None)


SPEED_GRADES = (6, 7, 8)
"""Of the ECP5, the slowest first."""

FAMILIES: dict[str, Family] = {}
DEVICES: dict[str, Device] = {}


def add_family(family: Family) -> None:
    """Make a family known under its name."""
    FAMILIES[family.name] = family


def add_device(device: Device) -> None:
    """Make a device known under its name."""
    DEVICES[device.name] = device


def family_named(name: str) -> Family:
    """The family of that name.

    Raises:
        InputError: there is none.
    """
    if name not in FAMILIES:
        raise InputError(f"FPGA family: found '{name}', expected one of {', '.join(FAMILIES)}")
    return FAMILIES[name]


def device_named(name: str) -> Device:
    """The device of that name.

    Raises:
        InputError: there is none.
    """
    if name not in DEVICES:
        raise InputError(f"FPGA device: found {shown(name)}, expected one of {', '.join(DEVICES)}")
    return DEVICES[name]


def routable_devices() -> dict[str, Part]:
    """Devices that nextpnr can route, with their parts."""
    return {name: device.part for name, device in DEVICES.items() if device.part is not None}


add_family(
    Family(
        name="ecp5",
        title="Lattice ECP5 (LUT4)",
        command="synth_ecp5 -nowidelut",
        lut_inputs=4,
        luts=("LUT4",),
        flip_flops=("TRELLIS_FF",),
        carries={"CCU2C": 2},
        lut_rams={"TRELLIS_DPR16X4": 6},  # four of data in two slices' LUTs, and the write port's two
        block_rams=("DP16KD", "PDPW16KD"),
        dsps=("MULT18X18D", "ALU54B"),
        rom_words=16,
        block_ram_shapes=ONE_PORT,
        by_stage=ByStage(),
    )
)
add_family(
    Family(
        name="ice40",
        title="Lattice iCE40 (LUT4)",
        command="synth_ice40",
        lut_inputs=4,
        luts=("SB_LUT4",),
        flip_flops=("SB_DFF*",),
        carries={"SB_CARRY": 0},
        lut_rams={},
        block_rams=("SB_RAM*",),
        dsps=("SB_MAC16",),
        rom_words=16,
        block_ram_shapes=((256, 16), (512, 8), (1024, 4), (2048, 2)),
        by_stage=ByStage(),
    )
)
add_family(
    Family(
        name="xc7",
        title="Xilinx 7 series (LUT6)",
        command="synth_xilinx -family xc7 -noiopad -flatten",
        lut_inputs=6,
        luts=("INV", "LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6"),  # Yosys keeps inverters apart; each is a LUT
        flip_flops=("FDRE", "FDSE", "FDCE", "FDPE"),
        carries={"CARRY4": 0},
        lut_rams={
            "RAM32M": 4,
            "RAM64M": 4,
            "RAM32X1D": 2,
            "RAM64X1D": 2,
            "RAM64X1S": 1,
            "RAM128X1D": 4,
            "SRL16E": 1,
            "SRLC32E": 1,
        },
        block_rams=("RAMB18E1", "RAMB36E1"),
        dsps=("DSP48E1",),
        rom_words=64,
        block_ram_shapes=ONE_PORT,
        by_stage=ByStage("-noclkbuf", ("clkbufmap -buf BUFG O:I",)),
    )
)

# Lattice FPGA-DS-02012 (ECP5), FPGA-DS-02008 (iCE40 UltraPlus); Xilinx DS180 (7 series), DS891 (Zynq UltraScale+, whose
# LUT6 are mapped like the 7 series'). Block RAMs of 18 kbit, an iCE40's of 4 kbit. Rows of block RAMs were read off
# nextpnr's placement of a design that fills each device with them; rows close together share a strip.
for _device in (
    Device("ecp5-25f", "ecp5", 24_288, 24_288, 56, Part("--25k", "CABGA381", BlockRamRows(3, 4, ((25,), (37,))))),
    Device(
        "ecp5-45f", "ecp5", 43_848, 43_848, 108, Part("--45k", "CABGA381", BlockRamRows(4, 5, ((10,), (34,), (58,))))
    ),
    Device(
        "ecp5-85f", "ecp5", 83_640, 83_640, 208, Part("--85k", "CABGA756", BlockRamRows(7, 6, ((22,), (46,), (70, 82))))
    ),
    Device("ice40-up5k", "ice40", 5_280, 5_280, 30),
    Device("artix7-35t", "xc7", 20_800, 41_600, 100),
    Device("artix7-100t", "xc7", 63_400, 126_800, 270),
    Device("zu3eg", "xc7", 70_560, 141_120, 432),
):
    add_device(_device)
