// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * adder_tree: the sum is that of all numbers, with their signs, LEVELS cycles later (a cycle for a single number).
 */
module adder_tree_properties #(
    parameter VALUES = 5,
    parameter WIDTH  = 3
) (
    input wire                    clk,
    input wire [VALUES*WIDTH-1:0] values
);

localparam LEVELS  = VALUES > 1 ? $clog2(VALUES) : 0;
localparam SUM_W   = WIDTH + LEVELS;
localparam LATENCY = LEVELS > 0 ? LEVELS : 1;

wire [SUM_W-1:0] sum;

adder_tree #(.VALUES(VALUES), .WIDTH(WIDTH)) dut (
    .clk(clk),
    .values(values),
    .sum(sum)
);

// One after the other, in more bits than the sum has: it must not have been cut.
reg signed [31:0]      now;
wire [31:0]            expected;
reg signed [WIDTH-1:0] number;

integer i;

always @* begin
    now = 32'd0;
    for (i = 0; i < VALUES; i = i + 1) begin
        number = values[i*WIDTH +: WIDTH];
        now    = now + number;
    end
end

delayed #(.WIDTH(32), .CYCLES(LATENCY)) later (.clk(clk), .in(now), .out(expected));

reg [3:0] cycle = 4'd0;
always @(posedge clk) begin
    cycle <= cycle == LATENCY ? cycle : cycle + 1'b1;
end

wire [31:0] wide = {{32-SUM_W{sum[SUM_W-1]}}, sum};

always @* begin
    summed: assert (cycle < LATENCY || wide == expected);
end

endmodule
