// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Turns the levels of a pixel into its thermometer code, SIMD bits a step: colour by colour, part by part of a colour's
 * code; bit i of part p is [level > p*SIMD + i].
 *
 * A pixel's steps follow `tap_first`, one for each cycle with `step`. Bits beyond LEVELS are 0; `partial` marks the
 * parts that have such bits. Latency 1 cycle. Data only: nothing to reset.
 */
module thermometer_bits #(
    // Values of a pixel
    parameter COLOURS = 3,
    // Bits of a value's code
    parameter LEVELS  = 32,
    // Bits a step
    parameter SIMD    = 16,
    // Derived
    parameter LEVEL_W = $clog2(LEVELS + 2)
) (
    input  wire                       clk,

    input  wire                       step,
    input  wire                       tap_first,
    input  wire [COLOURS*LEVEL_W-1:0] levels,

    output reg  [SIMD-1:0]            bits,
    output reg                        partial
);

localparam PARTS    = (LEVELS + SIMD - 1) / SIMD;
localparam PART_W   = PARTS > 1 ? $clog2(PARTS) : 1;
localparam COLOUR_W = COLOURS > 1 ? $clog2(COLOURS) : 1;
localparam LAST_PART   = PARTS - 1;
localparam LAST_COLOUR = COLOURS - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (COLOURS < 1 || LEVELS < 1) begin : check_1
        COLOURS_and_LEVELS_must_be_at_least_1 stop ();
    end
    if (SIMD < 1) begin : check_2
        SIMD_must_be_at_least_1 stop ();
    end
endgenerate

reg [PART_W-1:0]   next_part;
reg [COLOUR_W-1:0] next_colour;

wire [PART_W-1:0]   part      = tap_first ? {PART_W{1'b0}} : next_part;
wire [COLOUR_W-1:0] colour    = tap_first ? {COLOUR_W{1'b0}} : next_colour;
wire                last_part = part == LAST_PART[PART_W-1:0];

always @(posedge clk) begin
    if (step) begin
        next_part <= last_part ? {PART_W{1'b0}} : part + 1'b1;
        if (last_part) begin
            next_colour <= colour == LAST_COLOUR[COLOUR_W-1:0] ? {COLOUR_W{1'b0}} : colour + 1'b1;
        end else begin
            next_colour <= colour;
        end
    end
    partial <= last_part && PARTS * SIMD != LEVELS;
end

wire [LEVEL_W-1:0] level;

chunk_select #(
    .WIDTH(LEVEL_W),
    .CHUNKS(COLOURS)
) select_colour (
    .in(levels),
    .index(colour),
    .out(level)
);

genvar i;
generate
    for (i = 0; i < SIMD; i = i + 1) begin : bit_of_part
        // A level above the bit's place in its part; the parts before are below the level then.
        wire [PARTS-1:0] above;
        genvar p;
        for (p = 0; p < PARTS; p = p + 1) begin : bit_of_code
            localparam PLACE = p * SIMD + i;
            if (PLACE < LEVELS) begin : present
                assign above[p] = level > PLACE[LEVEL_W-1:0];
            end else begin : absent
                assign above[p] = 1'b0;
            end
        end
        always @(posedge clk) begin
            bits[i] <= above[part];
        end
    end
endgenerate

endmodule

`resetall
