// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Level of an 8-bit value: how many bits of its thermometer code are set, 0 to LEVELS.
 *
 * Bit k of the code is [p >= R*k + R/2] with R = 256 / LEVELS, so level = (p + R/2) / R, a shift of a 9-bit sum, and
 * bit k = [level > k]. Combinational.
 */
module pixel_level #(
    // Bits of the code, a power of two up to 128
    parameter LEVELS  = 32,
    // Derived: width of a level, with one more code for 'outside the image'
    parameter LEVEL_W = $clog2(LEVELS + 2)
) (
    input  wire [7:0]         pixel,
    output wire [LEVEL_W-1:0] level
);

localparam RESOLUTION = 256 / LEVELS;
localparam SHIFT      = $clog2(RESOLUTION);

localparam HALF       = RESOLUTION / 2;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (LEVELS < 1 || LEVELS > 128 || RESOLUTION * LEVELS != 256) begin : check
        LEVELS_must_be_a_power_of_two_up_to_128 stop ();
    end
endgenerate

// A bit wider than the sum: LEVELS = 1 has two bits of level above 8 of fraction.
wire [9:0] rounded = {2'b00, pixel} + HALF[9:0];

wire unused_top      = rounded[9];
wire unused_fraction = &rounded[7:0];

assign level = rounded[SHIFT +: LEVEL_W];

endmodule

`resetall
