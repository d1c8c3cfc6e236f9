// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Fractional binary convolution of windows from a register: A = 2*S_m + (S_m > G ? S_l : 0) for every output channel, as
 * fractional_core computes it.
 *
 * The window on the input is in its first pass; of HELD windows between their passes the second bits are kept here.
 * A chunk is SIMD / 9 channels of all nine taps: window bit 9*c + t is channel c of tap t. The ROMs' words are
 * fractional_core's. Reset drops all work under way.
 */
module fractional_engine #(
    // Input channels
    parameter IN_CHANNELS  = 16,
    // Output channels, a multiple of PE
    parameter OUT_CHANNELS = 16,
    // Output channels at once
    parameter PE           = 1,
    // Window bits at once, 9 times a divisor of IN_CHANNELS
    parameter SIMD         = 144,
    // Registers in match_count
    parameter STAGES       = 3,
    // Windows between their passes at most
    parameter HELD         = 1,
    // Inputs of the target's LUTs, 4 or 6
    parameter LUT_INPUTS   = 4,
    // Derived sizes
    parameter GROUPS       = OUT_CHANNELS / PE,
    parameter CHUNKS       = 9 * IN_CHANNELS / SIMD,
    parameter GROUP_W      = GROUPS > 1 ? $clog2(GROUPS) : 1,
    parameter CHUNK_W      = CHUNKS > 1 ? $clog2(CHUNKS) : 1,
    parameter WORD_W       = GROUPS == 1 ? CHUNK_W : CHUNKS == 1 ? GROUP_W : GROUP_W + CHUNK_W,
    parameter CORRECT_W    = $clog2(16 * GROUPS),
    parameter SUM_W        = $clog2(9 * IN_CHANNELS + 1) + 1,
    parameter ACC_W        = SUM_W + 2
) (
    input  wire                       clk,
    input  wire                       rst,

    // Weight ROMs, one address a lane: data belongs to the address of two cycles before
    output wire [PE*WORD_W-1:0]       weight_addr,
    input  wire [PE*SIMD-1:0]         weight_data,

    // Correction ROMs, one address a lane: data belongs to the address of the cycle before
    output wire [PE*CORRECT_W-1:0]    correction_addr,
    input  wire [PE*SUM_W-1:0]        correction_data,

    // Gate threshold ROM: data belongs to the address of the cycle before
    output wire [GROUP_W-1:0]         gate_addr,
    input  wire [PE*SUM_W-1:0]        gate_data,

    // Stream input, one window a beat; tuser: taps inside the image; tnext: when the window is taken another is there in
    // the next cycle
    input  wire [8:0]                 s_axis_tuser,
    input  wire                       s_axis_tvalid,
    input  wire                       s_axis_tnext,
    output wire                       s_axis_tready,
    // The window, {msb, lsb} pairs, from a cycle after its beat is offered to a cycle after it is taken
    input  wire [9*IN_CHANNELS*2-1:0] s_window,

    // Stream output: A of PE channels
    output wire [PE*ACC_W-1:0]        m_axis_tdata,
    output wire                       m_axis_tvalid,
    input  wire                       m_axis_tready
);

localparam WINDOW_W = 9 * IN_CHANNELS;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (SIMD < 9 || SIMD % 9 != 0 || WINDOW_W % SIMD != 0) begin : check_1
        SIMD_must_be_9_times_a_divisor_of_IN_CHANNELS stop ();
    end
endgenerate

// -------------------------------------------------------------------------------------------------------------------
// Windows: the one on the input is in its first pass, the oldest of the held ones in its second
// -------------------------------------------------------------------------------------------------------------------

wire [WINDOW_W-1:0] msb_plane;
wire [WINDOW_W-1:0] lsb_plane;

genvar c;
genvar t;
generate
    for (c = 0; c < IN_CHANNELS; c = c + 1) begin : channels
        for (t = 0; t < 9; t = t + 1) begin : of_tap
            assign {msb_plane[9*c+t], lsb_plane[9*c+t]} = s_window[2*(t*IN_CHANNELS+c) +: 2];
        end
    end
endgenerate

wire advance;
wire release_window;

assign s_axis_tready = advance;

wire [WINDOW_W-1:0] held_plane;
wire [8:0]          held_taps;
reg                 advanced;  // the planes follow the taps by a cycle, as the window follows its beat

always @(posedge clk) begin
    advanced <= advance && !rst;
end

generate
    if (HELD == 1) begin : one_held
        wire unused_release = release_window;  // the next takes its place

        reg [WINDOW_W-1:0] plane;
        reg [8:0]          taps_inside;

        assign held_plane = plane;
        assign held_taps  = taps_inside;

        always @(posedge clk) begin
            if (advance) begin
                taps_inside <= s_axis_tuser;
            end
            if (advanced) begin
                plane <= lsb_plane;
            end
        end
    end else begin : several_held
        // What was planned last is under way a cycle later, and looks at the plane another one later.
        reg released;
        reg released_before;

        always @(posedge clk) begin
            released        <= release_window && !rst;
            released_before <= released && !rst;
        end

        wire [1:0] unused_room;   // a word more than there are windows: one comes while another goes
        wire [1:0] unused_valid;  // long before a second pass

        stream_fifo #(
            .WIDTH(9),
            .DEPTH(HELD + 1),
            .BLOCK(0)
        ) held_tap_sets (
            .clk(clk),
            .rst(rst),
            .s_axis_tdata(s_axis_tuser),
            .s_axis_tvalid(advance),
            .s_axis_tready(unused_room[0]),
            .m_axis_tdata(held_taps),
            .m_axis_tvalid(unused_valid[0]),
            .m_axis_tready(released)
        );

        stream_fifo #(
            .WIDTH(WINDOW_W),
            .DEPTH(HELD + 1),
            .BLOCK(0)
        ) held_planes (
            .clk(clk),
            .rst(rst),
            .s_axis_tdata(lsb_plane),
            .s_axis_tvalid(advanced),
            .s_axis_tready(unused_room[1]),
            .m_axis_tdata(held_plane),
            .m_axis_tvalid(unused_valid[1]),
            .m_axis_tready(released_before)
        );
    end
endgenerate

// -------------------------------------------------------------------------------------------------------------------
// Operands
// -------------------------------------------------------------------------------------------------------------------

wire               lsb;
wire [CHUNK_W-1:0] chunk;
wire [8:0]         taps = lsb ? held_taps : s_axis_tuser;
wire [SIMD-1:0]    operands;

operand_select #(
    .SIMD(SIMD),
    .CHUNKS(CHUNKS)
) select (
    .clk(clk),
    .lsb(lsb),
    .chunk(chunk),
    .taps(taps),
    .msb_plane(msb_plane),
    .lsb_plane(held_plane),
    .data(operands)
);

fractional_core #(
    .IN_CHANNELS(IN_CHANNELS),
    .OUT_CHANNELS(OUT_CHANNELS),
    .PE(PE),
    .SIMD(SIMD),
    .STAGES(STAGES),
    .HELD(HELD),
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
    .window_valid(s_axis_tvalid),
    .window_next(s_axis_tnext),
    .window_taken(advance),
    .window_released(release_window),
    .operand_lsb(lsb),
    .operand_chunk(chunk),
    .operand_border({!taps[5], !taps[3], !taps[7], !taps[1]}),
    .operands(operands),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

endmodule

`resetall
