// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Number of bits, of six, that are like those of WEIGHTS: three 6-input LUTs, one for each bit of the number.
 *
 * Combinational.
 */
module count_six #(
    // What the bits are compared with; of fewer than six, the others are 1 and their inputs 0
    parameter [5:0] WEIGHTS = 6'h3f
) (
    input  wire [5:0] in,
    output wire [2:0] count
);

// Bits 0, 1 and 2 of the number of ones among six bits.
localparam [63:0] ONES  = 64'h6996966996696996;
localparam [63:0] TWOS  = 64'h8117177e177e7ee8;
localparam [63:0] FOURS = 64'hfee8e880e8808000;

// A table of ones as a table of likenesses.
function [63:0] of_likenesses(input [63:0] of_ones);
    integer number;
    begin
        of_likenesses = 64'd0;
        for (number = 0; number < 64; number = number + 1) begin
            of_likenesses[number] = of_ones[number[5:0] ^ ~WEIGHTS];
        end
    end
endfunction

lut6 #(.TABLE(of_likenesses(ONES)))  ones  (.in(in), .out(count[0]));
lut6 #(.TABLE(of_likenesses(TWOS)))  twos  (.in(in), .out(count[1]));
lut6 #(.TABLE(of_likenesses(FOURS))) fours (.in(in), .out(count[2]));

endmodule

`resetall
