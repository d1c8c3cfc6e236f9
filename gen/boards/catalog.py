# SPDX-License-Identifier: Apache-2.0
"""The boards. Pins, oscillators and vendor flows come from amaranth-boards; here is what that does not know.

A further board is one entry of `BOARDS`, given that amaranth-boards (or a module of one's own) has its platform.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from wsfracbnn.gen.boards.pll import PllKind
from wsfracbnn.gen.boards.pll_kinds import Ecp5Pll, GowinPll, Ice40Pll, Xilinx7Pll
from wsfracbnn.gen.devices import DEVICES, FAMILIES, Device, Family
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.extras import not_installed

GOWIN = Family(
    name="gowin",
    title="Gowin Arora (LUT4)",
    command="synth_gowin",
    lut_inputs=4,
    luts=("LUT1", "LUT2", "LUT3", "LUT4", "INV"),
    flip_flops=("DFF*",),
    carries={"ALU": 1},
    lut_rams={"RAM16SDP1": 2, "RAM16SDP2": 4, "RAM16SDP4": 8},
    block_rams=("SP", "SPX9", "SDPB", "SDPX9B", "DPB", "DPX9B", "pROM", "pROMX9"),
    dsps=("MULT*", "ALU54D"),
    rom_words=16,
    block_ram_shapes=((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
)

GW2AR_18 = Device("gw2ar-18", GOWIN.name, luts=20_736, flip_flops=15_552, block_rams=46)
ECP5_12F = Device("ecp5-12f", "ecp5", luts=12_000, flip_flops=12_000, block_rams=32)


@dataclass(frozen=True)
class Board:
    """A board and how an accelerator gets onto it.

    Attributes:
        title: maker, board, FPGA.
        platform: 'module:class' of its amaranth platform.
        device, family: what it holds, and what its cells are called.
        pll: kind of the PLL.
        mhz: the clock that is made where none is asked for; a design that is slower is refused.
        program: the command that loads a bitstream.
        serial: how a computer reaches the serial line.
        uart: receiving and transmitting pin by the platform's connector, where the board has no serial line of its own.
        synthesis: further options for Yosys's synthesis command.
        open_tools: whether the open tools make its bitstream.
    """

    name: str
    title: str
    platform: str
    device: Device
    family: Family
    pll: PllKind
    mhz: float
    program: str
    serial: str = "the board's own USB connector"
    uart: tuple[str, str, str] | None = None
    synthesis: str = ""
    open_tools: bool = True

    def new_platform(self) -> Any:
        """A fresh amaranth platform, with a serial line.

        Raises:
            InputError: amaranth or amaranth-boards is not installed.
        """
        module, _, name = self.platform.partition(":")
        try:
            platform = getattr(importlib.import_module(module), name)()
            if self.uart is not None:
                from amaranth_boards.resources.interface import UARTResource

                rx, tx, standard = self.uart
                platform.add_resources([UARTResource(0, rx=rx, tx=tx, conn=("io", 0), attrs=_attributes(standard))])
        except ModuleNotFoundError as missing:
            raise not_installed([str(missing.name)], "board") from None
        return platform


def _attributes(standard: str) -> Any:
    from amaranth.build import Attrs

    return Attrs(IO_TYPE=standard)


def _ecp5(name: str, title: str, platform: str, device: Device, **others: Any) -> Board:
    return Board(
        name,
        title,
        platform,
        device,
        FAMILIES["ecp5"],
        Ecp5Pll(),
        synthesis="-nowidelut",
        **{"mhz": 75.0, **others},
    )


def _orangecrab(size: str) -> Board:
    return _ecp5(
        f"orangecrab-{size.lower()}",
        f"OrangeCrab r0.2, LFE5U-{size}",
        f"amaranth_boards.orangecrab_r0_2:OrangeCrabR0_2_{size}Platform",
        DEVICES[f"ecp5-{size.lower()}"],
        mhz=80.0,
        program="dfu-suffix -v 1209 -p 5af0 -a top.bit && dfu-util -a 0 -D top.bit",
        serial="a 3.3 V USB-serial adapter: its TX to pin 0, its RX to pin 1, and ground",
        uart=("0", "1", "LVCMOS33"),
    )


BOARDS = {
    board.name: board
    for board in (
        *(
            _ecp5(
                f"ulx3s-{size.lower()}",
                f"Radiona ULX3S, LFE5U-{size}",
                f"amaranth_boards.ulx3s:ULX3S_{size}_Platform",
                ECP5_12F if size == "12F" else DEVICES[f"ecp5-{size.lower()}"],
                program="openFPGALoader -b ulx3s top.bit",
            )
            for size in ("12F", "25F", "45F", "85F")
        ),
        *(_orangecrab(size) for size in ("25F", "85F")),
        Board(
            "icebreaker",
            "1BitSquared iCEBreaker, iCE40UP5K",
            "amaranth_boards.icebreaker:ICEBreakerPlatform",
            DEVICES["ice40-up5k"],
            FAMILIES["ice40"],
            Ice40Pll(),
            mhz=12.0,
            program="openFPGALoader -b ice40_generic top.bin",
        ),
        Board(
            "tang-nano-20k",
            "Sipeed Tang Nano 20K, GW2AR-18",
            "wsfracbnn.gen.boards.tang_nano_20k:TangNano20KPlatform",
            GW2AR_18,
            GOWIN,
            GowinPll(),
            mhz=27.0,
            program="openFPGALoader -b tangnano20k top.fs",
            # Amaranth has placed the pads; Yosys would give some to the ports of modules that keep their hierarchy too.
            synthesis="-noiopads",
        ),
        *(
            Board(
                f"arty-a7-{size}",
                f"Digilent Arty A7-{size}, XC7A{size}T",
                f"amaranth_boards.arty_a7:ArtyA7_{size}Platform",
                DEVICES[f"artix7-{size}t"],
                FAMILIES["xc7"],
                Xilinx7Pll(),
                mhz=100.0,
                program=f"openFPGALoader -b arty_a7_{size}t top.bit",
                open_tools=False,
            )
            for size in ("35", "100")
        ),
    )
}


def board_named(name: str) -> Board:
    """The board of that name.

    Raises:
        InputError: there is none.
    """
    if name not in BOARDS:
        raise InputError(f"board: found '{name}', expected one of {', '.join(BOARDS)}")
    return BOARDS[name]
