// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * linear: logit_j = B_j + sum over c of W_jc * P_c of the first class, for every bias and every weight of one signed digit
 * (shift_add's proof covers more); one frame is taken at a time. Bounded before the second class leaves.
 */
module linear_properties #(
    parameter CHANNELS = 2,
    parameter CLASSES  = 2,
    parameter IN_W     = 3,
    parameter DIGITS   = 3
) (
    input wire            clk,
    input wire            rst,
    input wire [IN_W-1:0] s_axis_tdata,
    input wire            s_axis_tvalid,
    input wire            m_axis_tready
);

localparam WORD_W  = CLASSES * CHANNELS > 1 ? $clog2(CLASSES * CHANNELS) : 1;
localparam GROUP_W = CLASSES > 1 ? $clog2(CLASSES) : 1;

wire [WORD_W-1:0]  weight_addr;
reg  [14:0]        weight_data;
wire [GROUP_W-1:0] bias_addr;
reg  [31:0]        bias_data;
wire               s_axis_tready;
wire [31:0]        m_axis_tdata;
wire               m_axis_tvalid;

linear #(.CHANNELS(CHANNELS), .CLASSES(CLASSES), .LANES(1), .IN_W(IN_W), .DIGITS(DIGITS)) dut (
    .clk(clk),
    .rst(rst),
    .weight_addr(weight_addr),
    .weight_data(weight_data),
    .bias_addr(bias_addr),
    .bias_data(bias_data),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(32)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid && running), .ready(m_axis_tready));

// Digits 0 of all weights, and all biases; ROMs that hold them and answer after two cycles.
(* anyconst *) wire [CLASSES*CHANNELS*5-1:0] digits;
(* anyconst *) wire [CLASSES*32-1:0]         biases;

reg [4:0]  digit_read;
reg [31:0] bias_read;

always @(posedge clk) begin
    digit_read  <= digits[weight_addr*5 +: 5];
    weight_data <= {10'd0, digit_read};
    bias_read   <= biases[bias_addr*32 +: 32];
    bias_data   <= bias_read;
end

// Sums of the frame, as they came; the class that leaves next.
reg [CHANNELS*IN_W-1:0] sums;
reg [3:0]               come  = 4'd0;
reg [3:0]               class = 4'd0;
reg                     whole = 1'b0;  // all sums of a frame have come

wire in_beat  = s_axis_tvalid && s_axis_tready;
wire out_beat = m_axis_tvalid && m_axis_tready;

always @(posedge clk) begin
    if (in_beat) begin
        sums[come*IN_W +: IN_W] <= s_axis_tdata;
        come                    <= come == CHANNELS - 1 ? 4'd0 : come + 1'b1;
    end
    if (out_beat) begin
        class <= class == CLASSES - 1 ? 4'd0 : class + 1'b1;
    end
    whole <= (whole && !(out_beat && class == CLASSES - 1)) || (in_beat && come == CHANNELS - 1);
    if (rst) begin
        come  <= 4'd0;
        class <= 4'd0;
        whole <= 1'b0;
    end
end

function [31:0] logit(input [3:0] j);
    reg signed [IN_W-1:0] p;
    reg signed [31:0]     term;
    reg        [4:0]      digit;
    integer               c;
    begin
        logit = biases[j*32 +: 32];
        for (c = 0; c < CHANNELS; c = c + 1) begin
            p     = sums[c*IN_W +: IN_W];
            digit = digits[(j*CHANNELS+c)*5 +: 5];
            term  = p;
            term  = term << digit[2:0];
            logit = !digit[4] ? logit : digit[3] ? logit - term : logit + term;
        end
    end
endfunction

always @* begin
    if (running) begin
        logit_of_the_class: assert (!m_axis_tvalid || m_axis_tdata == logit(class));
        after_all_sums: assert (!m_axis_tvalid || whole);
        one_frame_at_a_time: assert (s_axis_tready == !whole);
    end
end

endmodule
