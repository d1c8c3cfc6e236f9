# SPDX-License-Identifier: Apache-2.0
"""A further family of FPGAs with a device, from outside the package."""

from wsfracbnn.gen.devices import Device, Family

GOWIN = Family(
    name="gowin",
    title="Gowin LittleBee (LUT4)",
    command="synth_gowin -nowidelut",
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

GW1N_9 = Device("gw1n-9", GOWIN.name, luts=8_640, flip_flops=6_480, block_rams=26)
