// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Fractional binary convolution of a window a cycle: A = 2*S_m + (g ? S_l : 0), g = [S_m > G], for all output channels.
 *
 * Both planes are compared at once, each with weights that are in the logic, so that there are no passes, no lists and
 * nothing to wait for. What fractional_engine saves in time by the gates is not to be had here: S_l of a closed gate is
 * computed and left out. Nothing stalls: s_axis_tready is high while `has_credit` says that what follows has room for
 * one more (see credit_counter), and A comes STAGES + 5 cycles behind its window's beat, whatever follows.
 * Reset drops what is under way.
 *
 * Window bit 9*c + t is channel c of tap t; WEIGHTS[o*9*IN_CHANNELS +: 9*IN_CHANNELS] is output channel o's.
 * Correction ROM word {right, left, bottom, top}, lane o: of channel o, see xnor_lane, where the four bits say which
 * borders of the image the window reaches across. Gate ROM word 0, lane o: G of channel o.
 */
module unrolled_engine #(
    // Input channels
    parameter IN_CHANNELS  = 1,
    // Output channels
    parameter OUT_CHANNELS = 1,
    // Registers in match_count
    parameter STAGES       = 1,
    // Inputs of the target's LUTs, 4 or 6
    parameter LUT_INPUTS   = 4,
    // Weights, 1 for +1 and 0 for -1
    parameter [9*IN_CHANNELS*OUT_CHANNELS-1:0] WEIGHTS = 0,
    // Derived sizes
    parameter SUM_W        = $clog2(9 * IN_CHANNELS + 1) + 1,
    parameter ACC_W        = SUM_W + 2
) (
    input  wire                          clk,
    input  wire                          rst,

    // Whether there is room for one more result
    input  wire                          has_credit,

    // Correction ROMs, one address for all: data belongs to the address of the cycle before
    output wire [3:0]                    correction_addr,
    input  wire [OUT_CHANNELS*SUM_W-1:0] correction_data,

    // Gate thresholds
    input  wire [OUT_CHANNELS*SUM_W-1:0] gate_data,

    // Stream input, one window a beat; tuser: taps inside the image
    input  wire [8:0]                    s_axis_tuser,
    input  wire                          s_axis_tvalid,
    output wire                          s_axis_tready,
    // The window, {msb, lsb} pairs, from a cycle after its beat is offered to a cycle after it is taken
    input  wire [9*IN_CHANNELS*2-1:0]    s_window,

    // Stream output, A of all channels, to be taken at once
    output wire [OUT_CHANNELS*ACC_W-1:0] m_axis_tdata,
    output wire                          m_axis_tvalid
);

localparam WINDOW_W = 9 * IN_CHANNELS;
localparam COUNT_W  = $clog2(WINDOW_W + 1);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (OUT_CHANNELS < 1) begin : check
        OUT_CHANNELS_must_be_at_least_1 stop ();
    end
endgenerate

assign s_axis_tready = has_credit;

wire issue = s_axis_tvalid && has_credit;

delay_line #(
    .WIDTH(1),
    .CYCLES(STAGES + 5)
) delay_valid (
    .clk(clk),
    .rst(rst),
    .in(issue),
    .out(m_axis_tvalid)
);

// -------------------------------------------------------------------------------------------------------------------
// Operands: the window comes a cycle behind its beat; bits outside the image are 0, the correction reckons with that
// -------------------------------------------------------------------------------------------------------------------

reg  [8:0]          taps;
wire [WINDOW_W-1:0] msb_inside;
wire [WINDOW_W-1:0] lsb_inside;
reg  [WINDOW_W-1:0] msb_plane;
reg  [WINDOW_W-1:0] lsb_plane;

genvar c;
genvar t;
generate
    for (c = 0; c < IN_CHANNELS; c = c + 1) begin : channels
        for (t = 0; t < 9; t = t + 1) begin : of_tap
            assign {msb_inside[9*c+t], lsb_inside[9*c+t]} = s_window[2*(t*IN_CHANNELS+c) +: 2] & {2{taps[t]}};
        end
    end
endgenerate

always @(posedge clk) begin
    taps      <= s_axis_tuser;
    msb_plane <= msb_inside;
    lsb_plane <= lsb_inside;
end

// Borders of the image that the window reaches across: {right, left, bottom, top}; its correction comes with the counts.
delay_line #(
    .WIDTH(4),
    .CYCLES(STAGES)
) delay_border (
    .clk(clk),
    .rst(rst),
    .in({!taps[5], !taps[3], !taps[7], !taps[1]}),
    .out(correction_addr)
);

// -------------------------------------------------------------------------------------------------------------------
// Channels
// -------------------------------------------------------------------------------------------------------------------

wire [OUT_CHANNELS*COUNT_W-1:0] msb_counts;
wire [OUT_CHANNELS*COUNT_W-1:0] lsb_counts;

match_rows #(
    .WIDTH(WINDOW_W),
    .ROWS(OUT_CHANNELS),
    .STAGES(STAGES),
    .LUT_INPUTS(LUT_INPUTS),
    .WEIGHTS(WEIGHTS)
) compare_msb (
    .clk(clk),
    .data(msb_plane),
    .counts(msb_counts)
);

match_rows #(
    .WIDTH(WINDOW_W),
    .ROWS(OUT_CHANNELS),
    .STAGES(STAGES),
    .LUT_INPUTS(LUT_INPUTS),
    .WEIGHTS(WEIGHTS)
) compare_lsb (
    .clk(clk),
    .data(lsb_plane),
    .counts(lsb_counts)
);

genvar o;
generate
    for (o = 0; o < OUT_CHANNELS; o = o + 1) begin : lanes
        wire        [COUNT_W-1:0] msb_count  = msb_counts[o*COUNT_W +: COUNT_W];
        wire        [COUNT_W-1:0] lsb_count  = lsb_counts[o*COUNT_W +: COUNT_W];
        wire        [SUM_W-1:0]   correction = correction_data[o*SUM_W +: SUM_W];
        wire signed [SUM_W-1:0]   threshold  = gate_data[o*SUM_W +: SUM_W];

        // S = 2*m - correction, then the gate, then A.
        reg signed [SUM_W-1:0] s_m;
        reg signed [SUM_W-1:0] s_l;
        reg signed [SUM_W-1:0] gated_s_m;
        reg signed [SUM_W-1:0] gated_s_l;
        reg        [ACC_W-1:0] sum;

        wire signed [ACC_W-1:0] twice_s_m = {{ACC_W-SUM_W-1{gated_s_m[SUM_W-1]}}, gated_s_m, 1'b0};
        wire signed [ACC_W-1:0] wide_s_l  = {{ACC_W-SUM_W{gated_s_l[SUM_W-1]}}, gated_s_l};

        always @(posedge clk) begin
            s_m       <= {msb_count, 1'b0} - correction;
            s_l       <= {lsb_count, 1'b0} - correction;
            gated_s_m <= s_m;
            gated_s_l <= s_m > threshold ? s_l : {SUM_W{1'b0}};
            sum       <= twice_s_m + wide_s_l;
        end

        assign m_axis_tdata[o*ACC_W +: ACC_W] = sum;
    end
endgenerate

endmodule

`resetall
