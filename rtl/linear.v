// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Linear layer: logit_j = B_j + sum over c of W_jc * P_c, W_jc of at most three signed digits, exact in 32 bits.
 *
 * The sums P are taken in first (CHANNELS cycles), then LANES classes at once are worked off, DIGITS digits of a channel's
 * weights a cycle: (CLASSES / LANES) * (CHANNELS * 3 / DIGITS + DIGITS + 5) cycles. One beat holds the logits of LANES
 * classes. Reset drops the frame.
 *
 * Weight ROM word g*CHANNELS + c, lane l: {digit 2, digit 1, digit 0} of W for class g*LANES + l, channel c. Worked off
 * one by one, each of them is digit 0 of shift_add.
 * Bias ROM word g, lane l: B of class g*LANES + l.
 */
module linear #(
    // Channels
    parameter CHANNELS = 64,
    // Classes, a multiple of LANES
    parameter CLASSES  = 100,
    // Classes at once
    parameter LANES    = 1,
    // Width of P
    parameter IN_W     = 22,
    // Digits of a weight at once, 3 or 1
    parameter DIGITS   = 3,
    // What they can be, see shift_add
    parameter [24*DIGITS-1:0] SHIFTS   = {DIGITS{24'o76543210}},
    parameter [DIGITS-1:0]    NEGATED  = {DIGITS{1'b1}},
    parameter [DIGITS-1:0]    OPTIONAL = {DIGITS{1'b1}},
    parameter LUT_INPUTS = 4,
    // Derived sizes
    parameter GROUPS   = CLASSES / LANES,
    parameter WORD_W   = GROUPS * CHANNELS > 1 ? $clog2(GROUPS * CHANNELS) : 1,
    parameter GROUP_W  = GROUPS > 1 ? $clog2(GROUPS) : 1
) (
    input  wire                       clk,
    input  wire                       rst,

    // Weight ROM and bias ROM: data belongs to the address of two cycles before
    output wire [WORD_W-1:0]          weight_addr,
    input  wire [LANES*15-1:0]        weight_data,
    output wire [GROUP_W-1:0]         bias_addr,
    input  wire [LANES*32-1:0]        bias_data,

    // Stream input, P of one channel a beat
    input  wire [IN_W-1:0]            s_axis_tdata,
    input  wire                       s_axis_tvalid,
    output wire                       s_axis_tready,

    // Stream output, logits of LANES classes
    output wire [LANES*32-1:0]        m_axis_tdata,
    output wire                       m_axis_tvalid,
    input  wire                       m_axis_tready
);

localparam CHANNEL_W = CHANNELS > 1 ? $clog2(CHANNELS) : 1;

localparam LAST_CHANNEL = CHANNELS - 1;
localparam LAST_PART    = 3 / DIGITS - 1;
localparam LAST_WORD    = GROUPS * CHANNELS - 1;
localparam LAST_GROUP   = GROUPS - 1;
localparam CODE_W       = 5 * DIGITS;

localparam [1:0] LOAD  = 2'd0;  // taking in the sums
localparam [1:0] RUN   = 2'd1;  // DIGITS digits a cycle
localparam [1:0] DRAIN = 2'd2;  // the last products are on their way
localparam [1:0] SEND  = 2'd3;  // the group's logits are offered

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (CHANNELS < 1) begin : check_1
        CHANNELS_must_be_at_least_1 stop ();
    end
    if (LANES < 1 || CLASSES < 1 || CLASSES % LANES != 0) begin : check_2
        LANES_must_divide_CLASSES stop ();
    end
    if (IN_W < 2 || IN_W > 32) begin : check_3
        IN_W_must_be_2_to_32 stop ();
    end
    if (DIGITS != 1 && DIGITS != 3) begin : check_4
        DIGITS_must_be_1_or_3 stop ();
    end
endgenerate

reg [1:0]           state;
reg [CHANNEL_W-1:0] channel;
reg [1:0]           part;      // of the channel's weights
reg [WORD_W-1:0]    word;
reg [GROUP_W-1:0]   group;     // the next one while a group's logits are offered
reg                 finished;  // they are the frame's last

wire load         = state == LOAD && s_axis_tvalid;
wire run          = state == RUN;
wire last_channel = channel == LAST_CHANNEL[CHANNEL_W-1:0];
wire last_part    = part == LAST_PART[1:0];
wire accumulate_next;
wire accumulate;  // a product of the group is there
wire last_added;

assign s_axis_tready = state == LOAD;
assign m_axis_tvalid = state == SEND;
assign weight_addr   = word;
assign bias_addr     = group;

// Two cycles for the ROM, one for the register behind it, DIGITS + 1 in shift_add.
delay_line #(
    .WIDTH(1),
    .CYCLES(DIGITS + 3)
) delay_run (
    .clk(clk),
    .rst(rst),
    .in(run),
    .out(accumulate_next)
);

delay_line #(
    .WIDTH(1),
    .CYCLES(1)
) delay_accumulate (
    .clk(clk),
    .rst(rst),
    .in(accumulate_next),
    .out(accumulate)
);

// The last product of a group is added in the cycle in which nothing follows it.
assign last_added = accumulate && !accumulate_next;

always @(posedge clk) begin
    if (load || (run && last_part)) begin
        channel <= last_channel ? {CHANNEL_W{1'b0}} : channel + 1'b1;
    end
    if (run) begin
        part <= last_part ? 2'd0 : part + 1'b1;
    end
    if (run && last_part) begin
        word <= word == LAST_WORD[WORD_W-1:0] ? {WORD_W{1'b0}} : word + 1'b1;
    end
    case (state)
        LOAD: begin
            if (load && last_channel) begin
                state <= RUN;
            end
        end
        RUN: begin
            if (last_channel && last_part) begin
                state <= DRAIN;
            end
        end
        DRAIN: begin
            if (last_added) begin
                group    <= group == LAST_GROUP[GROUP_W-1:0] ? {GROUP_W{1'b0}} : group + 1'b1;
                finished <= group == LAST_GROUP[GROUP_W-1:0];
                state    <= SEND;
            end
        end
        default: begin
            if (m_axis_tready) begin
                state <= finished ? LOAD : RUN;
            end
        end
    endcase
    if (rst) begin
        state   <= LOAD;
        channel <= {CHANNEL_W{1'b0}};
        part    <= 2'd0;
        word    <= {WORD_W{1'b0}};
        group   <= {GROUP_W{1'b0}};
    end
end

reg [IN_W-1:0] sums [0:CHANNELS-1];
reg [IN_W-1:0] sum_read;
reg [IN_W-1:0] sum_on_its_way;
reg [IN_W-1:0] sum;

// Two registers behind each memory: block RAM is slow to answer, and shift_add begins with its widest logic.
always @(posedge clk) begin
    if (load) begin
        sums[channel] <= s_axis_tdata;
    end
    sum_read       <= sums[channel];
    sum_on_its_way <= sum_read;
    sum            <= sum_on_its_way;
end

reg started;  // the accumulators hold products of this group

// Until then they take its bias, which comes from its memory in time for the first product.
wire begin_group = (state == RUN || state == DRAIN) && !started;

always @(posedge clk) begin
    if (accumulate) begin
        started <= 1'b1;
    end
    if (rst || state == SEND) begin
        started <= 1'b0;
    end
end

// Which digit of the word is meant that the ROM answers with
wire [1:0] part_read;

genvar lane;
generate
    if (DIGITS == 1) begin : several_parts
        delay_line #(
            .WIDTH(2),
            .CYCLES(2)
        ) delay_part (
            .clk(clk),
            .rst(rst),
            .in(part),
            .out(part_read)
        );
    end else begin : one_part
        assign part_read = 2'd0;
    end

    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        reg  [CODE_W-1:0] code;
        reg  [31:0]       bias;
        reg  [31:0]       logit;
        wire [31:0]       product;
        wire [14:0]       weight = weight_data[lane*15 +: 15];
        wire [CODE_W-1:0] digits;

        if (DIGITS == 1) begin : one_digit
            assign digits = part_read[1] ? weight[14:10] : part_read[0] ? weight[9:5] : weight[4:0];
        end else begin : all_digits
            wire unused_part = |part_read;
            assign digits = weight;
        end

        shift_add #(
            .IN_W(IN_W),
            .OUT_W(32),
            .DIGITS(DIGITS),
            .SHIFTS(SHIFTS),
            .NEGATED(NEGATED),
            .OPTIONAL(OPTIONAL),
            .LUT_INPUTS(LUT_INPUTS)
        ) multiply_digits (
            .clk(clk),
            .x(sum),
            .code(code),
            .addend(32'd0),
            .result(product)
        );

        always @(posedge clk) begin
            code <= digits;
            bias <= bias_data[lane*32 +: 32];
            if (accumulate) begin
                logit <= logit + product;
            end else if (begin_group) begin
                logit <= bias;
            end
        end

        assign m_axis_tdata[lane*32 +: 32] = logit;
    end
endgenerate

endmodule

`resetall
