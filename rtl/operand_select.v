// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Operands of an XNOR-popcount lane: one chunk of the first or of the second bits of a window, and 0 where a tap is
 * outside the image.
 *
 * Window bit 9*c + t is channel c of tap t. Each tap has registers of its own that choose one chunk of one plane, or
 * nothing: what they choose among follows a cycle later, and they reach SIMD / 9 bits each, not all of a window.
 * Latency from lsb, chunk and taps 1 cycle, from the planes none; throughput 1 chunk a cycle. Nothing to reset.
 */
module operand_select #(
    // Bits of a chunk, a multiple of 9
    parameter SIMD    = 144,
    // Chunks of a window
    parameter CHUNKS  = 1,
    // Derived: width of a chunk's number
    parameter CHUNK_W = CHUNKS > 1 ? $clog2(CHUNKS) : 1
) (
    input  wire                   clk,

    // What is wanted: the plane of the second bits or of the first, its chunk; which taps are inside the image
    input  wire                   lsb,
    input  wire [CHUNK_W-1:0]     chunk,
    input  wire [8:0]             taps,

    // In the cycle after
    input  wire [SIMD*CHUNKS-1:0] msb_plane,
    input  wire [SIMD*CHUNKS-1:0] lsb_plane,
    output wire [SIMD-1:0]        data
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (SIMD < 9 || SIMD % 9 != 0) begin : check_1
        SIMD_must_be_a_multiple_of_9 stop ();
    end
    if (CHUNKS < 1) begin : check_2
        CHUNKS_must_be_at_least_1 stop ();
    end
endgenerate

reg  [9*CHUNKS-1:0]    msb_chosen;  // of each chunk its nine taps
reg  [9*CHUNKS-1:0]    lsb_chosen;
wire [SIMD*CHUNKS-1:0] chosen;      // of all chunks but one nothing

genvar k;
generate
    for (k = 0; k < CHUNKS; k = k + 1) begin : chunks
        localparam [CHUNK_W-1:0] NUMBER = k;
        wire wanted = chunk == NUMBER;

        always @(posedge clk) begin
            msb_chosen[9*k +: 9] <= taps & {9{wanted && !lsb}};
            lsb_chosen[9*k +: 9] <= taps & {9{wanted && lsb}};
        end

        assign chosen[k*SIMD +: SIMD] = (msb_plane[k*SIMD +: SIMD] & {SIMD/9{msb_chosen[9*k +: 9]}})
            | (lsb_plane[k*SIMD +: SIMD] & {SIMD/9{lsb_chosen[9*k +: 9]}});
    end
endgenerate

function [SIMD-1:0] any_of(input [SIMD*CHUNKS-1:0] chunks_chosen);
    integer n;
    begin
        any_of = {SIMD{1'b0}};
        for (n = 0; n < CHUNKS; n = n + 1) begin
            any_of = any_of | chunks_chosen[n*SIMD +: SIMD];
        end
    end
endfunction

assign data = any_of(chosen);

endmodule

`resetall
