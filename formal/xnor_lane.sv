// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * xnor_lane: S = sum over taps inside the image of w * (2*bit - 1) of a window of CHUNKS chunks, STAGES + 2 cycles after the
 * last of them, with any weights and whichever taps are inside, where those outside are 0 and the correction is v + 2*n.
 */
module xnor_lane_properties #(
    parameter SIMD       = 4,
    parameter CHUNKS     = 2,
    parameter STAGES     = 1,
    parameter LUT_INPUTS = 4,
    // Derived: width of S
    parameter SUM_W      = $clog2(SIMD * CHUNKS + 1) + 1
) (
    input wire             clk,
    input wire [SIMD-1:0]  data,
    input wire [SIMD-1:0]  inside,  // the image; with data
    input wire [SIMD-1:0]  weight,
    input wire             first,
    input wire             last,
    input wire [SUM_W-1:0] correction
);

wire [SUM_W-1:0] sum;

xnor_lane #(.SIMD(SIMD), .SUM_W(SUM_W), .STAGES(STAGES), .LUT_INPUTS(LUT_INPUTS)) dut (
    .clk(clk),
    .data(data),
    .weight(weight),
    .first(first),
    .last(last),
    .correction(correction),
    .sum(sum)
);

// A chunk's own S and correction, when its weights come.
reg [SIMD-1:0]  data_before;
reg [SIMD-1:0]  inside_before;
reg [SUM_W-1:0] s;
reg [SUM_W-1:0] c;

integer i;

always @* begin
    s = {SUM_W{1'b0}};
    c = {SUM_W{1'b0}};
    for (i = 0; i < SIMD; i = i + 1) begin
        s = !inside_before[i] ? s : weight[i] == data_before[i] ? s + 1'b1 : s - 1'b1;
        c = c + (inside_before[i] ? 2'd1 : weight[i] ? 2'd0 : 2'd2);
    end
end

// When its count comes.
wire [SUM_W-1:0] s_counted;
wire [SUM_W-1:0] c_counted;
delayed #(.WIDTH(2 * SUM_W), .CYCLES(STAGES)) later (.clk(clk), .in({s, c}), .out({s_counted, c_counted}));

reg [SUM_W-1:0] s_total;
reg [SUM_W-1:0] c_total;
reg [3:0]       chunks = 4'd0;  // since the window's first; 0: none
reg [3:0]       cycle  = 4'd0;
reg             ended  = 1'b0;

wire             counts  = cycle == STAGES + 1;  // nothing is looked at that came before the first cycle
wire [SUM_W-1:0] s_now   = (first ? {SUM_W{1'b0}} : s_total) + s_counted;
wire [SUM_W-1:0] c_now   = (first ? {SUM_W{1'b0}} : c_total) + c_counted;
wire             belongs = counts && (first || (chunks != 0 && chunks < CHUNKS));

always @(posedge clk) begin
    data_before   <= data;
    inside_before <= inside;
    s_total       <= s_now;
    c_total       <= c_now;
    chunks        <= !belongs ? 4'd0 : first ? 4'd1 : chunks + 1'b1;
    cycle         <= counts ? cycle : cycle + 1'b1;
    ended         <= belongs && last;
end

always @* begin
    assume ((data & ~inside) == 0);
    assume (!last || correction == c_now);
    sum_of_the_window: assert (!ended || sum == s_total);
end

endmodule
