// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Fractional binary convolution of a pixel stream: A = 2*S_m + (S_m > G ? S_l : 0) for every output channel of every 3x3
 * window, as fractional_core computes it from the operands of operand_memory.
 *
 * A window takes the cycles of its passes, at least the 18 * CHUNKS + 1 in which operand_memory copies one. For layers of
 * nine groups or more: the second bits of a window are copied during its first pass. The ROMs' words are
 * fractional_core's. Reset drops all work under way.
 */
module line_engine #(
    // Input channels
    parameter IN_CHANNELS   = 16,
    // Output channels, 9 times PE or a larger multiple
    parameter OUT_CHANNELS  = 16,
    // Output channels at once
    parameter PE            = 1,
    // Window bits at once, 9 times a divisor of IN_CHANNELS
    parameter SIMD          = 144,
    // Image size in pixels
    parameter HEIGHT_PIXELS = 8,
    parameter WIDTH_PIXELS  = 8,
    // Pixels from one window to the next, either way: 1 or 2
    parameter STRIDE        = 1,
    // Windows that are kept: 2, or a larger power of two
    parameter SLOTS         = 2,
    // 1: their operands in block RAM; 0: in LUT RAM
    parameter BLOCK         = 0,
    // Registers in match_count
    parameter STAGES        = 3,
    // Inputs of the target's LUTs, 4 or 6
    parameter LUT_INPUTS    = 4,
    // Derived sizes
    parameter GROUPS        = OUT_CHANNELS / PE,
    parameter CHUNKS        = 9 * IN_CHANNELS / SIMD,
    parameter GROUP_W       = GROUPS > 1 ? $clog2(GROUPS) : 1,
    parameter CHUNK_W       = CHUNKS > 1 ? $clog2(CHUNKS) : 1,
    parameter WORD_W        = CHUNKS == 1 ? GROUP_W : GROUP_W + CHUNK_W,
    parameter CORRECT_W     = $clog2(16 * GROUPS),
    parameter SUM_W         = $clog2(9 * IN_CHANNELS + 1) + 1,
    parameter ACC_W         = SUM_W + 2
) (
    input  wire                    clk,
    input  wire                    rst,

    // Weight ROMs, one address a lane: data belongs to the address of two cycles before
    output wire [PE*WORD_W-1:0]    weight_addr,
    input  wire [PE*SIMD-1:0]      weight_data,

    // Correction ROMs, one address a lane: data belongs to the address of the cycle before
    output wire [PE*CORRECT_W-1:0] correction_addr,
    input  wire [PE*SUM_W-1:0]     correction_data,

    // Gate threshold ROM: data belongs to the address of the cycle before
    output wire [GROUP_W-1:0]      gate_addr,
    input  wire [PE*SUM_W-1:0]     gate_data,

    // Stream input, {msb, lsb} pairs: SIMD / 9 channels a beat, CHUNKS beats a pixel
    input  wire [2*SIMD/9-1:0]     s_axis_tdata,
    input  wire                    s_axis_tvalid,
    output wire                    s_axis_tready,

    // Stream output: A of PE channels
    output wire [PE*ACC_W-1:0]     m_axis_tdata,
    output wire                    m_axis_tvalid,
    input  wire                    m_axis_tready
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (OUT_CHANNELS < 9 * PE) begin : check_1
        OUT_CHANNELS_must_be_at_least_9_times_PE stop ();
    end
endgenerate

wire               window_valid;
wire               window_next;
wire               window_taken;
wire               unused_released;  // the place of its operands is known to be free when the next window is taken
wire               lsb;
wire [CHUNK_W-1:0] chunk;
wire [3:0]         border;
wire [SIMD-1:0]    operands;

operand_memory #(
    .CHANNELS(IN_CHANNELS),
    .SIMD(SIMD),
    .HEIGHT_PIXELS(HEIGHT_PIXELS),
    .WIDTH_PIXELS(WIDTH_PIXELS),
    .STRIDE(STRIDE),
    .SLOTS(SLOTS),
    .BLOCK(BLOCK)
) windows (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .window_valid(window_valid),
    .window_next(window_next),
    .window_taken(window_taken),
    .lsb(lsb),
    .chunk(chunk),
    .border(border),
    .data(operands)
);

fractional_core #(
    .IN_CHANNELS(IN_CHANNELS),
    .OUT_CHANNELS(OUT_CHANNELS),
    .PE(PE),
    .SIMD(SIMD),
    .STAGES(STAGES),
    .HELD(1),
    .LUT_INPUTS(LUT_INPUTS)
) core (
    .clk(clk),
    .rst(rst),
    .weight_addr(weight_addr),
    .weight_data(weight_data),
    .correction_addr(correction_addr),
    .correction_data(correction_data),
    .gate_addr(gate_addr),
    .gate_data(gate_data),
    .window_valid(window_valid),
    .window_next(window_next),
    .window_taken(window_taken),
    .window_released(unused_released),
    .operand_lsb(lsb),
    .operand_chunk(chunk),
    .operand_border(border),
    .operands(operands),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

endmodule

`resetall
