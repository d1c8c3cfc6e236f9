// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * lut6: out = TABLE[in], for each of the 64 tables with a single 1, of which all tables are made, and for TABLE.
 */
module lut6_properties #(
    parameter [63:0] TABLE = 64'h6996966996696996
) (
    input wire [5:0] in
);

wire [63:0] found;

genvar i;
generate
    for (i = 0; i < 64; i = i + 1) begin : tables
        lut6 #(.TABLE(64'd1 << i)) single (
            .in(in),
            .out(found[i])
        );
    end
endgenerate

wire out;

lut6 #(.TABLE(TABLE)) dut (
    .in(in),
    .out(out)
);

// By a shift, where the block has a selection.
wire [63:0] shifted = TABLE >> in;

always @* begin
    each_entry: assert (found == 64'd1 << in);
    looked_up: assert (out == shifted[0]);
end

endmodule
