// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Binary convolution of the input layer: S for every output channel of a window, one binary plane, no gate.
 *
 * PE lanes compute PE output channels at once (group g: channels g*PE .. g*PE + PE - 1), each SIMD window bits a
 * cycle. A window takes GROUPS * CHUNKS cycles and the next follows without a pause while results are taken.
 * Latency of a group: CHUNKS + STAGES + 4 cycles. The lanes never stall; windows are only begun when their results
 * have room. Reset drops all work under way.
 *
 * Weight ROM word g*CHUNKS + k, lane l: window bits k*SIMD .. k*SIMD + SIMD - 1 of channel g*PE + l.
 */
module binary_engine #(
    // Bits of a tap
    parameter IN_CHANNELS  = 96,
    // Output channels, a multiple of PE
    parameter OUT_CHANNELS = 16,
    // Output channels at once
    parameter PE           = 1,
    // Window bits at once, a divisor of 9 * IN_CHANNELS
    parameter SIMD         = 864,
    // Registers in the popcount
    parameter STAGES       = 3,
    // Derived sizes
    parameter GROUPS       = OUT_CHANNELS / PE,
    parameter CHUNKS       = 9 * IN_CHANNELS / SIMD,
    parameter WORD_W       = GROUPS * CHUNKS > 1 ? $clog2(GROUPS * CHUNKS) : 1,
    parameter SUM_W        = $clog2(9 * IN_CHANNELS + 1) + 1
) (
    input  wire                     clk,
    input  wire                     rst,

    // Weight ROM: data belongs to the address of the cycle before
    output wire [WORD_W-1:0]        weight_addr,
    input  wire [PE*SIMD-1:0]       weight_data,

    // Stream input: a window; tuser: taps inside the image
    input  wire [9*IN_CHANNELS-1:0] s_axis_tdata,
    input  wire [8:0]               s_axis_tuser,
    input  wire                     s_axis_tvalid,
    output wire                     s_axis_tready,

    // Stream output: S of PE channels
    output wire [PE*SUM_W-1:0]      m_axis_tdata,
    output wire                     m_axis_tvalid,
    input  wire                     m_axis_tready
);

localparam CHUNK_W = CHUNKS > 1 ? $clog2(CHUNKS) : 1;
localparam DEPTH   = 2 * GROUPS + 4;  // results of one window wait while the next is computed
localparam ROOM_W  = $clog2(DEPTH + 1);

localparam LAST_WORD = GROUPS * CHUNKS - 1;
localparam LAST_CHUNK = CHUNKS - 1;
localparam ALL_ROOM = DEPTH;

// Sequencer: one chunk a cycle. An operation is begun when there is room for its result.
reg  [WORD_W-1:0]  word;
reg  [CHUNK_W-1:0] chunk;
reg  [ROOM_W-1:0]  room;

wire begins     = chunk == 0;
wire ends       = chunk == LAST_CHUNK[CHUNK_W-1:0];
wire issue      = s_axis_tvalid && (!begins || room != 0);
wire take       = m_axis_tvalid && m_axis_tready;
wire reserve    = issue && begins;

assign weight_addr   = word;
assign s_axis_tready = issue && word == LAST_WORD[WORD_W-1:0];

always @(posedge clk) begin
    if (issue) begin
        word  <= word == LAST_WORD[WORD_W-1:0] ? {WORD_W{1'b0}} : word + 1'b1;
        chunk <= ends ? {CHUNK_W{1'b0}} : chunk + 1'b1;
    end
    if (reserve && !take) begin
        room <= room - 1'b1;
    end else if (take && !reserve) begin
        room <= room + 1'b1;
    end
    if (rst) begin
        word  <= {WORD_W{1'b0}};
        chunk <= {CHUNK_W{1'b0}};
        room  <= ALL_ROOM[ROOM_W-1:0];
    end
end

// Operands, one cycle after the address, beside the weights.
wire [SIMD-1:0]          data_chunk;
wire [SIMD-1:0]          mask_chunk;
wire [9*IN_CHANNELS-1:0] mask_bits;

reg [SIMD-1:0] data;
reg [SIMD-1:0] mask;

window_mask #(
    .CHANNELS(IN_CHANNELS)
) expand_mask (
    .taps(s_axis_tuser),
    .mask(mask_bits)
);

chunk_select #(
    .WIDTH(SIMD),
    .CHUNKS(CHUNKS)
) select_data (
    .in(s_axis_tdata),
    .index(chunk),
    .out(data_chunk)
);

chunk_select #(
    .WIDTH(SIMD),
    .CHUNKS(CHUNKS)
) select_mask (
    .in(mask_bits),
    .index(chunk),
    .out(mask_chunk)
);

always @(posedge clk) begin
    data <= data_chunk;
    mask <= mask_chunk;
end

// Control beside the pipeline.
wire             counted_first;
wire             counted_last;
wire             result;
wire [SUM_W-1:0] counted_bits;

delay_line #(
    .WIDTH(2),
    .CYCLES(STAGES + 2)
) delay_control (
    .clk(clk),
    .rst(rst),
    .in({issue && ends, begins}),
    .out({counted_last, counted_first})
);

delay_line #(
    .WIDTH(1),
    .CYCLES(1)
) delay_result (
    .clk(clk),
    .rst(rst),
    .in(counted_last),
    .out(result)
);

valid_bits #(
    .CHANNELS(IN_CHANNELS),
    .SUM_W(SUM_W),
    .CYCLES(STAGES + 2)
) count_valid (
    .clk(clk),
    .rst(rst),
    .taps(s_axis_tuser),
    .bits(counted_bits)
);

wire [PE*SUM_W-1:0] sums;

genvar lane;
generate
    for (lane = 0; lane < PE; lane = lane + 1) begin : lanes
        xnor_lane #(
            .SIMD(SIMD),
            .SUM_W(SUM_W),
            .STAGES(STAGES)
        ) xnor_popcount (
            .clk(clk),
            .data(data),
            .mask(mask),
            .weight(weight_data[lane*SIMD +: SIMD]),
            .first(counted_first),
            .last(counted_last),
            .valid_bits(counted_bits),
            .sum(sums[lane*SUM_W +: SUM_W])
        );
    end
endgenerate

// The reservation guarantees room: the FIFO's ready is always high when a result comes.
wire unused_ready;

stream_fifo #(
    .WIDTH(PE * SUM_W),
    .DEPTH(DEPTH)
) results (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(sums),
    .s_axis_tvalid(result),
    .s_axis_tready(unused_ready),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

endmodule

`resetall
