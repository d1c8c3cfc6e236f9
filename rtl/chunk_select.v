// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Chunk number `index` of a vector: out = in[index*WIDTH +: WIDTH]. Combinational.
 *
 * Written as a multiplexer of constant slices, because a variable slice would ask synthesis for a multiplier.
 */
module chunk_select #(
    // Width of a chunk in bits
    parameter WIDTH   = 16,
    // Chunks in the vector
    parameter CHUNKS  = 9,
    // Derived: width of a chunk's number
    parameter INDEX_W = CHUNKS > 1 ? $clog2(CHUNKS) : 1
) (
    input  wire [WIDTH*CHUNKS-1:0] in,
    input  wire [INDEX_W-1:0]      index,
    output wire [WIDTH-1:0]        out
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check_1
        WIDTH_must_be_at_least_1 stop ();
    end
    if (CHUNKS < 1) begin : check_2
        CHUNKS_must_be_at_least_1 stop ();
    end
endgenerate

wire [WIDTH*CHUNKS-1:0] chosen;  // of all chunks but one nothing

genvar i;
generate
    for (i = 0; i < CHUNKS; i = i + 1) begin : chunks
        localparam [INDEX_W-1:0] NUMBER = i;
        assign chosen[i*WIDTH +: WIDTH] = index == NUMBER ? in[i*WIDTH +: WIDTH] : {WIDTH{1'b0}};
    end
endgenerate

function [WIDTH-1:0] any_of(input [WIDTH*CHUNKS-1:0] chunks_chosen);
    integer n;
    begin
        any_of = {WIDTH{1'b0}};
        for (n = 0; n < CHUNKS; n = n + 1) begin
            any_of = any_of | chunks_chosen[n*WIDTH +: WIDTH];
        end
    end
endfunction

assign out = any_of(chosen);

endmodule

`resetall
