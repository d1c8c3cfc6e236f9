// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * operand_select: a cycle after lsb, chunk and taps, data is that chunk of that plane, 0 where a tap is outside the image.
 */
module operand_select_properties #(
    parameter SIMD   = 18,
    parameter CHUNKS = 3,
    // Derived: width of a chunk's number
    parameter CHUNK_W = CHUNKS > 1 ? $clog2(CHUNKS) : 1
) (
    input wire                   clk,
    input wire                   lsb,
    input wire [CHUNK_W-1:0]     chunk,
    input wire [8:0]             taps,
    input wire [SIMD*CHUNKS-1:0] msb_plane,
    input wire [SIMD*CHUNKS-1:0] lsb_plane
);

wire [SIMD-1:0] data;

operand_select #(.SIMD(SIMD), .CHUNKS(CHUNKS)) dut (
    .clk(clk),
    .lsb(lsb),
    .chunk(chunk),
    .taps(taps),
    .msb_plane(msb_plane),
    .lsb_plane(lsb_plane),
    .data(data)
);

// What was wanted in the cycle before.
reg               asked = 1'b0;
reg               of_lsb;
reg [CHUNK_W-1:0] of_chunk;
reg [8:0]         of_taps;

always @(posedge clk) begin
    asked <= 1'b1;
    {of_lsb, of_chunk, of_taps} <= {lsb, chunk, taps};
end

// Any one bit: bit 9*c + t belongs to tap t.
(* anyconst *) wire [15:0] number;

always @* begin
    assume (number < SIMD);
end

wire [15:0]            place  = of_chunk * SIMD + number;
wire [SIMD*CHUNKS-1:0] plane  = (of_lsb ? lsb_plane : msb_plane) >> place;
wire [8:0]             inside = of_taps >> number % 9;
wire [SIMD-1:0]        found  = data >> number;

always @* begin
    selected: assert (!asked || of_chunk >= CHUNKS || found[0] == (plane[0] && inside[0]));
end

endmodule
