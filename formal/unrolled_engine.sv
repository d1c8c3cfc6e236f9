// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * unrolled_engine: A = 2*S_m + (S_m > G ? S_l : 0) of every window that is begun, STAGES + 5 cycles later, for one
 * channel, all windows, all borders of the image and all thresholds.
 */
module unrolled_engine_properties #(
    parameter STAGES     = 1,
    parameter LUT_INPUTS = 4,
    parameter [8:0] WEIGHTS = 9'h0b5
) (
    input wire        clk,
    input wire        rst,
    input wire        has_credit,
    input wire        s_axis_tvalid,
    input wire [3:0]  border,  // {right, left, bottom, top}
    input wire [17:0] window
);

localparam SUM_W   = 5;
localparam ACC_W   = 7;
localparam LATENCY = STAGES + 5;

// Taps inside the image of a window that reaches across these borders.
function [8:0] taps_at(input [3:0] across);
    taps_at = {{3{!across[1]}}, 3'b111, {3{!across[0]}}} & {3{!across[3], 1'b1, !across[2]}};
endfunction

// Bits inside, and twice the weights of -1 that bits outside, which are 0, match.
function [SUM_W-1:0] correction_at(input [3:0] across);
    integer   t;
    reg [8:0] taps;
    begin
        taps          = taps_at(across);
        correction_at = 0;
        for (t = 0; t < 9; t = t + 1) begin
            correction_at = correction_at + (taps[t] ? 1 : WEIGHTS[t] ? 0 : 2);
        end
    end
endfunction

// S of a plane, from its definition.
function signed [SUM_W-1:0] sum_of(input [8:0] plane, input [8:0] taps);
    integer t;
    begin
        sum_of = 0;
        for (t = 0; t < 9; t = t + 1) begin
            sum_of = !taps[t] ? sum_of : plane[t] == WEIGHTS[t] ? sum_of + 1 : sum_of - 1;
        end
    end
endfunction

(* anyconst *) reg signed [SUM_W-1:0] threshold;

wire [3:0]              address;
reg  [SUM_W-1:0]        correction;
wire                    s_axis_tready;
wire signed [ACC_W-1:0] m_axis_tdata;
wire                    m_axis_tvalid;

always @(posedge clk) begin
    correction <= correction_at(address);
end

unrolled_engine #(.STAGES(STAGES), .LUT_INPUTS(LUT_INPUTS), .WEIGHTS(WEIGHTS)) dut (
    .clk(clk),
    .rst(rst),
    .has_credit(has_credit),
    .correction_addr(address),
    .correction_data(correction),
    .gate_data(threshold),
    .s_axis_tuser(taps_at(border)),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .s_window(window),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

// The window comes a cycle behind its beat.
reg  [8:0] taps;
wire [8:0] msb_plane;
wire [8:0] lsb_plane;

genvar i;
generate
    for (i = 0; i < 9; i = i + 1) begin : bits
        assign {msb_plane[i], lsb_plane[i]} = window[2*i +: 2];
    end
endgenerate

wire signed [SUM_W-1:0] s_m = sum_of(msb_plane, taps);
wire signed [SUM_W-1:0] s_l = sum_of(lsb_plane, taps);
wire signed [ACC_W-1:0] a   = 2 * s_m + (s_m > threshold ? s_l : 0);
wire signed [ACC_W-1:0] expected;
delayed #(.WIDTH(ACC_W), .CYCLES(LATENCY - 1)) later (.clk(clk), .in(a), .out(expected));

reg [LATENCY-1:0] begun = 0;

always @(posedge clk) begin
    taps  <= taps_at(border);
    begun <= rst ? 0 : {begun, s_axis_tvalid && s_axis_tready};
end

always @* begin
    if (running) begin
        taken_with_credit: assert (s_axis_tready == has_credit);
        each_in_its_time: assert (m_axis_tvalid == begun[LATENCY-1]);
        sum_of_the_window: assert (!m_axis_tvalid || m_axis_tdata == expected);
    end
end

endmodule
