// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * match_count_wide: match_count as wide as it is generated: the count is the number of `terms` that were 1 STAGES cycles
 * before, with any weights.
 */
module match_count_wide_properties #(
    parameter WIDTH      = 9,
    parameter STAGES     = 1,
    parameter LUT_INPUTS = 4,
    parameter COUNT_W    = $clog2(WIDTH + 1)
) (
    input  wire               clk,
    input  wire [WIDTH-1:0]   data,
    input  wire [WIDTH-1:0]   weight,
    output wire [COUNT_W-1:0] count,
    output wire [WIDTH-1:0]   terms
);

match_count #(.WIDTH(WIDTH), .STAGES(STAGES), .LUT_INPUTS(LUT_INPUTS)) dut (
    .clk(clk),
    .data(data),
    .weight(weight),
    .given_counts(3'd0),
    .count(count)
);

assign terms = ~(data ^ weight);

endmodule
