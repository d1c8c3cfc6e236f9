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

wire [WIDTH*CHUNKS-1:0] chosen;

genvar i;
generate
    for (i = 0; i < CHUNKS; i = i + 1) begin : chunks
        localparam [INDEX_W-1:0] NUMBER = i;
        wire [WIDTH-1:0] masked = index == NUMBER ? in[i*WIDTH +: WIDTH] : {WIDTH{1'b0}};
        if (i == 0) begin : first
            assign chosen[0 +: WIDTH] = masked;
        end else begin : others
            assign chosen[i*WIDTH +: WIDTH] = chosen[(i-1)*WIDTH +: WIDTH] | masked;
        end
    end
endgenerate

assign out = chosen[(CHUNKS-1)*WIDTH +: WIDTH];

endmodule

`resetall
