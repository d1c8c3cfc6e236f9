// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * fractional_engine: with any thresholds A = 2 S_m + (S_m > G ? S_l : 0) of each window and channel, in order, whichever gates
 * are open; windows of one tap.
 */
module fractional_engine_properties #(
    parameter GROUPS     = 2,
    parameter STAGES     = 1,
    parameter HELD       = 1,
    parameter LUT_INPUTS = 4
) (
    input wire        clk,
    input wire        rst,
    input wire        mark,
    input wire        s_axis_tvalid,
    input wire        s_axis_tnext,
    input wire [17:0] s_window,
    input wire        m_axis_tready
);

localparam GROUP_W = GROUPS > 1 ? $clog2(GROUPS) : 1;
localparam SUM_W   = 5;
localparam ACC_W   = 7;
localparam CORRECT_W = $clog2(16 * GROUPS);

// The image is a single pixel: of a window only the centre is inside. Popcounts of more taps, which match_count's proof
// covers, are too hard for the solver beside what is shown here: passes, gates, lists, pairing, order.
localparam [3:0] BORDERS = 4'b1111;

function [8:0] taps_of(input [3:0] across);
    reg [2:0] rows;
    reg [2:0] cols;
    begin
        rows    = {!across[1], 1'b1, !across[0]};
        cols    = {!across[3], 1'b1, !across[2]};
        taps_of = {rows[2] ? cols : 3'd0, cols, rows[0] ? cols : 3'd0};
    end
endfunction

wire [GROUP_W-1:0]   weight_addr;
reg  [8:0]           weight_data;
wire [CORRECT_W-1:0] correction_addr;
reg  [SUM_W-1:0]     correction_data;
wire [GROUP_W-1:0]   gate_addr;
reg  [SUM_W-1:0]     gate_data;
wire [8:0]           s_axis_tuser = taps_of(BORDERS);
wire                 s_axis_tready;
wire [ACC_W-1:0]     m_axis_tdata;
wire                 m_axis_tvalid;

fractional_engine #(
    .IN_CHANNELS(1), .OUT_CHANNELS(GROUPS), .PE(1), .SIMD(9), .STAGES(STAGES), .HELD(HELD), .LUT_INPUTS(LUT_INPUTS)
) dut (
    .clk(clk),
    .rst(rst),
    .weight_addr(weight_addr),
    .weight_data(weight_data),
    .correction_addr(correction_addr),
    .correction_data(correction_data),
    .gate_addr(gate_addr),
    .gate_data(gate_data),
    .s_axis_tuser(s_axis_tuser),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tnext(s_axis_tnext),
    .s_axis_tready(s_axis_tready),
    .s_window(s_window),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(1), .ASSUMED(1)) in (
    .clk(clk), .rst(rst), .data(1'b0), .valid(s_axis_tvalid), .ready(s_axis_tready));
beat_is_kept #(.WIDTH(ACC_W)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid && running), .ready(m_axis_tready));

// The window follows its beat by a cycle; one that was announced is there.
reg [17:0] window_before;
reg [8:0]  taps;
reg        waits    = 1'b0;
reg        waited   = 1'b0;
reg        shown    = 1'b0;
reg        promised = 1'b0;

always @(posedge clk) begin
    window_before <= s_window;
    taps          <= s_axis_tuser;
    waits         <= s_axis_tvalid && !s_axis_tready && !rst;
    waited        <= waits && !rst;
    shown         <= s_axis_tvalid && !rst;
    promised      <= s_axis_tnext && s_axis_tvalid && s_axis_tready && !rst;
end

always @* begin
    assume (!waited || s_window == window_before);
    assume (!promised || s_axis_tvalid);
    assume (!s_axis_tnext || s_axis_tvalid);
end

// Weights and thresholds of all channels, of any value, and memories that answer as the block expects.
(* anyconst *) wire [GROUPS*9-1:0]     weights;
(* anyconst *) wire [GROUPS*SUM_W-1:0] thresholds;

// Those outside the image have no part in the result; here they are 1, so that no correction is due for them.
genvar g;
generate
    for (g = 0; g < GROUPS; g = g + 1) begin : outside
        always @* begin
            assume (&(weights[9*g +: 9] | 9'b000010000));
        end
    end
endgenerate

// v bits inside the image, and twice the weights outside that are 0 (xnor_lane).
function [SUM_W-1:0] correction(input [8:0] w, input [8:0] inside);
    integer t;
    begin
        correction = 0;
        for (t = 0; t < 9; t = t + 1) begin
            correction = correction + (inside[t] ? 1 : w[t] ? 0 : 2);
        end
    end
endfunction

reg [8:0] weight_read;

wire [GROUP_W:0] correction_group = correction_addr >> 4;

always @(posedge clk) begin
    weight_read     <= weights[weight_addr*9 +: 9];
    weight_data     <= weight_read;
    correction_data <= correction(weights[correction_group*9 +: 9], taps_of(correction_addr[3:0]));
    gate_data       <= thresholds[gate_addr*SUM_W +: SUM_W];
end

// The sum as its definition has it.
function signed [SUM_W-1:0] sum(input [8:0] w, input [17:0] window, input lsb, input [8:0] inside);
    integer t;
    begin
        sum = 0;
        for (t = 0; t < 9; t = t + 1) begin
            sum = !inside[t] ? sum : window[2*t+!lsb] == w[t] ? sum + 1 : sum - 1;
        end
    end
endfunction

// Any one of the channels.
(* anyconst *) wire [3:0] group;

always @* begin
    assume (group < GROUPS);
end

wire [8:0]              own       = weights[group*9 +: 9];
wire signed [SUM_W-1:0] threshold = thresholds[group*SUM_W +: SUM_W];
wire signed [SUM_W-1:0] s_m       = sum(own, s_window, 1'b0, taps);
wire signed [SUM_W-1:0] s_l       = sum(own, s_window, 1'b1, taps);
wire signed [ACC_W-1:0] wide_m    = s_m;
wire signed [ACC_W-1:0] wide_l    = s_l;
wire signed [ACC_W-1:0] a         = s_m > threshold ? 2 * wide_m + wide_l : 2 * wide_m;

reg [3:0] number = 4'd0;  // channel of the result on the output

wire out_beat = m_axis_tvalid && m_axis_tready && !rst;

always @(posedge clk) begin
    number <= rst ? 4'd0 : !out_beat ? number : number == GROUPS - 1 ? 4'd0 : number + 1'b1;
end

// A window counts from its first cycle on: results may leave before it is taken.
wire [4:0]       inside;
wire             marked;
wire [4:0]       ahead;
wire [ACC_W-1:0] word;

words_in_order #(.WIDTH(ACC_W), .CAPACITY(16), .TIMED(0)) results (
    .clk(clk), .rst(rst), .mark(mark),
    .in_data(a), .in_beat(shown && !waited && !rst),
    .out_data(m_axis_tdata), .out_valid(m_axis_tvalid && number == group), .out_beat(out_beat && number == group),
    .inside(inside), .marked(marked), .ahead(ahead), .word(word));

endmodule
