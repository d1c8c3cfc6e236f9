// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Thermometer code of one 8-bit value: bit k = [p >= R*k + R/2] with R = 256 / LEVELS.
 *
 * Combinational. With level = (p + R/2) / R, a shift of a 9-bit sum, bit k is [level > k].
 */
module thermometer #(
    // Bits of the code, a power of two up to 128
    parameter LEVELS = 32
) (
    input  wire [7:0]        pixel,
    output wire [LEVELS-1:0] code
);

localparam RESOLUTION = 256 / LEVELS;
localparam SHIFT      = $clog2(RESOLUTION);

localparam [8:0] HALF = RESOLUTION / 2;

initial begin
    if (LEVELS < 1 || LEVELS > 128 || RESOLUTION * LEVELS != 256) begin
        $display("ERROR: %m: LEVELS is %0d, expected a power of two from 1 to 128", LEVELS);
        $finish;
    end
end

wire [8:0] level = ({1'b0, pixel} + HALF) >> SHIFT;

genvar k;
generate
    for (k = 0; k < LEVELS; k = k + 1) begin : bits
        localparam [8:0] INDEX = k;
        assign code[k] = level > INDEX;
    end
endgenerate

endmodule

`resetall
