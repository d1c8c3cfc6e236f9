// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * match_rows: each row's count is the sum of the XNORs of all bits with its constant weights, STAGES cycles later.
 */
module match_rows_properties #(
    parameter WIDTH      = 9,
    parameter ROWS       = 2,
    parameter STAGES     = 1,
    parameter LUT_INPUTS = 4,
    parameter [ROWS*WIDTH-1:0] WEIGHTS = 0
) (
    input wire             clk,
    input wire [WIDTH-1:0] data
);

localparam COUNT_W = $clog2(WIDTH + 1);

wire [ROWS*COUNT_W-1:0] counts;

match_rows #(.WIDTH(WIDTH), .ROWS(ROWS), .STAGES(STAGES), .LUT_INPUTS(LUT_INPUTS), .WEIGHTS(WEIGHTS)) dut (
    .clk(clk),
    .data(data),
    .counts(counts)
);

wire [ROWS*COUNT_W-1:0] now;
wire [ROWS*COUNT_W-1:0] expected;

genvar r;
generate
    for (r = 0; r < ROWS; r = r + 1) begin : rows
        number_of_ones #(.WIDTH(WIDTH)) matches (
            .in(~(data ^ WEIGHTS[r*WIDTH +: WIDTH])),
            .out(now[r*COUNT_W +: COUNT_W])
        );
    end
endgenerate

delayed #(.WIDTH(ROWS * COUNT_W), .CYCLES(STAGES)) later (.clk(clk), .in(now), .out(expected));

reg [3:0] cycle = 4'd0;
always @(posedge clk) begin
    cycle <= cycle == STAGES ? cycle : cycle + 1'b1;
end

always @* begin
    counted: assert (cycle < STAGES || counts == expected);
end

endmodule
