// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * chunk_select: out is chunk number index of the vector, for every number that a chunk has.
 */
module chunk_select_properties #(
    parameter WIDTH  = 3,
    parameter CHUNKS = 5,
    // Derived: width of a chunk's number
    parameter INDEX_W = CHUNKS > 1 ? $clog2(CHUNKS) : 1
) (
    input wire [WIDTH*CHUNKS-1:0] in,
    input wire [INDEX_W-1:0]      index
);

wire [WIDTH-1:0] out;

chunk_select #(.WIDTH(WIDTH), .CHUNKS(CHUNKS)) dut (
    .in(in),
    .index(index),
    .out(out)
);

wire [15:0]             place   = index * WIDTH;
wire [WIDTH*CHUNKS-1:0] shifted = in >> place;

always @* begin
    selected: assert (index >= CHUNKS || out == shifted[WIDTH-1:0]);
end

endmodule
