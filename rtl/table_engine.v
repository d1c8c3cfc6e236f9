// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Binary convolution of thermometer-coded pixels by tables: S for every output channel of a window.
 *
 * A code of LEVELS bits has LEVELS + 1 values only. What LEVELS weights w add to S for a pixel of level n,
 *
 *   f(n) = sum over k of w_k * (2 * [n > k] - 1),
 *
 * is therefore a word of a memory, and neither the code nor its XNOR and popcount need be built. The level with all
 * bits set stands for a tap outside the image; its word is 0.
 *
 * PE output channels are computed at once (group g: channels g*PE .. g*PE + PE - 1), each from VALUES of the window's
 * 9 * COLOURS values a cycle. A window takes GROUPS * CHUNKS cycles and the next follows without a pause while results
 * are taken and RESULTS of them are enough for the latency: by default those of one window wait while the next is
 * computed. Latency of a group: CHUNKS + 6 cycles and those of the adder tree, and one more where more than 33 RESULTS
 * wait in block RAM. Nothing stalls inside; windows are only begun when their results have room. Reset drops all work
 * under way.
 *
 * Table j holds value k*VALUES + j of chunk k. Its word {g*CHUNKS + k, n}, lane l: f(n) of channel g*PE + l.
 */
module table_engine #(
    // Values of a pixel
    parameter COLOURS      = 3,
    // Thermometer bits of a value
    parameter LEVELS       = 32,
    // Output channels, a multiple of PE
    parameter OUT_CHANNELS = 16,
    // Output channels at once
    parameter PE           = 1,
    // Values at once, a divisor of 9 * COLOURS
    parameter VALUES       = 27,
    // Results that may be under way or waiting at once
    parameter RESULTS      = 2 * (OUT_CHANNELS / PE) + 4,
    // Derived sizes
    parameter GROUPS       = OUT_CHANNELS / PE,
    parameter CHUNKS       = 9 * COLOURS / VALUES,
    parameter WORD_W       = $clog2(GROUPS * CHUNKS),
    parameter LEVEL_W      = $clog2(LEVELS + 2),
    parameter ADDR_W       = WORD_W + LEVEL_W,
    parameter VALUE_W      = $clog2(LEVELS) + 2,
    parameter SUM_W        = $clog2(9 * COLOURS * LEVELS + 1) + 1
) (
    input  wire                           clk,
    input  wire                           rst,

    // Tables: data belongs to the address of the cycle before
    output wire [VALUES*ADDR_W-1:0]       table_addr,
    input  wire [VALUES*PE*VALUE_W-1:0]   table_data,

    // Stream input, one window a beat; tuser: taps inside the image
    input  wire [8:0]                     s_axis_tuser,
    input  wire                           s_axis_tvalid,
    output wire                           s_axis_tready,
    // The window, levels colour by colour, from a cycle after its beat is offered to a cycle after it is taken
    input  wire [9*COLOURS*LEVEL_W-1:0]   s_window,

    // Stream output: S of PE channels
    output wire [PE*SUM_W-1:0]            m_axis_tdata,
    output wire                           m_axis_tvalid,
    input  wire                           m_axis_tready
);

localparam COUNT_W = WORD_W > 0 ? WORD_W : 1;
localparam CHUNK_W = CHUNKS > 1 ? $clog2(CHUNKS) : 1;
localparam TREE    = VALUES > 1 ? $clog2(VALUES) : 1;  // latency of the adder tree
localparam PART_W  = VALUE_W + (VALUES > 1 ? $clog2(VALUES) : 0);

localparam LAST_WORD = GROUPS * CHUNKS - 1;
localparam LAST_CHUNK = CHUNKS - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (COLOURS < 1) begin : check_1
        COLOURS_must_be_at_least_1 stop ();
    end
    if (PE < 1 || OUT_CHANNELS < 1 || OUT_CHANNELS % PE != 0) begin : check_2
        PE_must_divide_OUT_CHANNELS stop ();
    end
    if (VALUES < 1 || 9 * COLOURS % VALUES != 0) begin : check_3
        VALUES_must_divide_9_times_COLOURS stop ();
    end
    if (LEVELS < 1) begin : check_4
        LEVELS_must_be_at_least_1 stop ();
    end
endgenerate

// Sequencer: one chunk a cycle. An operation is begun when there is room for its result.
reg  [COUNT_W-1:0] word;
reg  [CHUNK_W-1:0] chunk;
wire               has_credit;

wire begins  = chunk == 0;
wire ends    = chunk == LAST_CHUNK[CHUNK_W-1:0];
wire issue   = s_axis_tvalid && (!begins || has_credit);

assign s_axis_tready = issue && word == LAST_WORD[COUNT_W-1:0];

always @(posedge clk) begin
    if (issue) begin
        word  <= word == LAST_WORD[COUNT_W-1:0] ? {COUNT_W{1'b0}} : word + 1'b1;
        chunk <= ends ? {CHUNK_W{1'b0}} : chunk + 1'b1;
    end
    if (rst) begin
        word  <= {COUNT_W{1'b0}};
        chunk <= {CHUNK_W{1'b0}};
    end
end

credit_counter #(
    .RESULTS(RESULTS)
) credits (
    .clk(clk),
    .rst(rst),
    .begun(issue && begins),
    .taken(m_axis_tvalid && m_axis_tready),
    .has_credit(has_credit)
);

// The window follows its beat by a cycle. Addresses are registered before the tables, and what the tables say after them.
reg  [8:0]                   taps;
reg  [CHUNK_W-1:0]           taken_chunk;
reg  [COUNT_W-1:0]           taken_word;
wire [9*COLOURS*LEVEL_W-1:0] levels;
wire [VALUES*LEVEL_W-1:0]    level_chunk;

reg [VALUES*LEVEL_W-1:0]    address_levels;
reg [COUNT_W-1:0]           address_word;
reg [VALUES*PE*VALUE_W-1:0] found;

genvar value;
generate
    for (value = 0; value < 9 * COLOURS; value = value + 1) begin : outside_taps
        assign levels[value*LEVEL_W +: LEVEL_W] =
            s_window[value*LEVEL_W +: LEVEL_W] | {LEVEL_W{!taps[value/COLOURS]}};
    end

    for (value = 0; value < VALUES; value = value + 1) begin : addresses
        wire [LEVEL_W-1:0] level = address_levels[value*LEVEL_W +: LEVEL_W];
        if (WORD_W > 0) begin : several_words
            assign table_addr[value*ADDR_W +: ADDR_W] = {address_word, level};
        end else begin : one_word
            wire unused_word = address_word;
            assign table_addr[value*ADDR_W +: ADDR_W] = level;
        end
    end
endgenerate

chunk_select #(
    .WIDTH(VALUES * LEVEL_W),
    .CHUNKS(CHUNKS)
) select_levels (
    .in(levels),
    .index(taken_chunk),
    .out(level_chunk)
);

always @(posedge clk) begin
    taps           <= s_axis_tuser;
    taken_chunk    <= chunk;
    taken_word     <= word;
    address_levels <= level_chunk;
    address_word   <= taken_word;
    found          <= table_data;
end

// Control beside the pipeline: window, address, table, `found`, adder tree.
wire summed_first;
wire summed_last;
wire result;

delay_line #(
    .WIDTH(2),
    .CYCLES(TREE + 4)
) delay_control (
    .clk(clk),
    .rst(rst),
    .in({issue && ends, begins}),
    .out({summed_last, summed_first})
);

delay_line #(
    .WIDTH(1),
    .CYCLES(1)
) delay_result (
    .clk(clk),
    .rst(rst),
    .in(summed_last),
    .out(result)
);

reg [PE*SUM_W-1:0] totals;

genvar lane;
generate
    for (lane = 0; lane < PE; lane = lane + 1) begin : lanes
        wire [VALUES*VALUE_W-1:0] values;
        for (value = 0; value < VALUES; value = value + 1) begin : own
            assign values[value*VALUE_W +: VALUE_W] = found[(value*PE+lane)*VALUE_W +: VALUE_W];
        end

        wire signed [PART_W-1:0] part;

        adder_tree #(
            .VALUES(VALUES),
            .WIDTH(VALUE_W)
        ) add (
            .clk(clk),
            .values(values),
            .sum(part)
        );

        // The sum of all LEVELS * 9 * COLOURS products fits in SUM_W bits, a part of it may come wider.
        wire signed [PART_W+SUM_W-1:0] wide_part = {{SUM_W{part[PART_W-1]}}, part};
        wire        [SUM_W-1:0]        kept      = summed_first ? {SUM_W{1'b0}} : totals[lane*SUM_W +: SUM_W];
        wire        [PART_W-1:0]       unused_sign = wide_part[SUM_W +: PART_W];

        always @(posedge clk) begin
            totals[lane*SUM_W +: SUM_W] <= kept + wide_part[SUM_W-1:0];
        end
    end
endgenerate

// The reservation guarantees room: the FIFO's ready is always high when a result comes.
wire unused_ready;

stream_fifo #(
    .WIDTH(PE * SUM_W),
    .DEPTH(RESULTS)
) results (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(totals),
    .s_axis_tvalid(result),
    .s_axis_tready(unused_ready),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

endmodule

`resetall
