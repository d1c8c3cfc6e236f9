// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * match_count: the count is the sum of the XNORs of all bits, STAGES cycles later, with any weights.
 */
module match_count_properties #(
    parameter WIDTH      = 9,
    parameter STAGES     = 1,
    parameter LUT_INPUTS = 4
) (
    input wire             clk,
    input wire [WIDTH-1:0] data,
    input wire [WIDTH-1:0] weight
);

localparam COUNT_W = $clog2(WIDTH + 1);

wire [COUNT_W-1:0] count;

match_count #(.WIDTH(WIDTH), .STAGES(STAGES), .LUT_INPUTS(LUT_INPUTS)) dut (
    .clk(clk),
    .data(data),
    .weight(weight),
    .given_counts(3'd0),
    .count(count)
);

wire [COUNT_W-1:0] now;
wire [COUNT_W-1:0] expected;
number_of_ones #(.WIDTH(WIDTH)) matches (.in(~(data ^ weight)), .out(now));
delayed #(.WIDTH(COUNT_W), .CYCLES(STAGES)) later (.clk(clk), .in(now), .out(expected));

reg [3:0] cycle = 4'd0;
always @(posedge clk) begin
    cycle <= cycle == STAGES ? cycle : cycle + 1'b1;
end

always @* begin
    counted: assert (cycle < STAGES || count == expected);
end

endmodule
