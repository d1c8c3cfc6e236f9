// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Fractional binary convolution: A = 2*S_m + (g ? S_l : 0), g = [S_m > G], for every output channel of a window whose
 * operands come from outside (fractional_engine, line_engine).
 *
 * PE lanes compute PE output channels at once (group j: channels j*PE .. j*PE + PE - 1), each SIMD window bits a
 * cycle; an operation is one group in one pass and takes CHUNKS cycles. The second pass visits only the outputs whose
 * gate is open, each lane its own: with n gated outputs in the busiest lane a window takes (GROUPS + n) * CHUNKS
 * cycles instead of 2 * GROUPS * CHUNKS. This is what "fractional" means in time.
 *
 * Gates are known only STAGES + 6 cycles after an operation, so the passes of neighbouring windows interleave: see
 * pass_sequencer. HELD windows may be between their passes. The array pauses only where HELD first passes are shorter than
 * the pipeline (HELD * GROUPS * CHUNKS < STAGES + 5), where no window is there, or where results are not taken. Results
 * leave in channel order, none waits for a later pixel.
 * Reset drops all work under way.
 *
 * Weight ROM word {j, k}, lane l: window bits k*SIMD .. k*SIMD + SIMD - 1 of channel j*PE + l.
 * Gate ROM word j, lane l: G of channel j*PE + l.
 * Correction ROM word {j, right, left, bottom, top}, lane l: of channel j*PE + l, see xnor_lane, where the four bits say
 * which borders of the image the window reaches across.
 */
module fractional_core #(
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
    parameter TURN_W       = $clog2(HELD + 1),
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

    // Windows: one is there; when it is taken another is there in the next cycle. One that is taken is held until the
    // second pass of the oldest held one is over.
    input  wire                       window_valid,
    input  wire                       window_next,
    output wire                       window_taken,
    output wire                       window_released,

    // What is wanted: a chunk of the first bits of the window that is there, or of the second bits of the oldest held one,
    // and which borders of the image this window reaches across, {right, left, bottom, top}
    output wire                       operand_lsb,
    output wire [CHUNK_W-1:0]         operand_chunk,
    input  wire [3:0]                 operand_border,
    // In the cycle after; bits outside the image are 0, which the corrections reckon with
    input  wire [SIMD-1:0]            operands,

    // Stream output: A of PE channels
    output wire [PE*ACC_W-1:0]        m_axis_tdata,
    output wire                       m_axis_tvalid,
    input  wire                       m_axis_tready
);

// Results of windows held, of as many on their way out, of the one before, and of the cycles in which a credit comes
// back, one more of them where a single window is held.
localparam DEPTH    = (2 * HELD + 1) * GROUPS + (HELD > 1 ? 3 : 4);

localparam LAST_GROUP = GROUPS - 1;
localparam LAST_TURN  = HELD;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (PE < 1 || OUT_CHANNELS < 1 || OUT_CHANNELS % PE != 0) begin : check_1
        PE_must_divide_OUT_CHANNELS stop ();
    end
    if (SIMD < 9 || SIMD % 9 != 0 || (9 * IN_CHANNELS) % SIMD != 0) begin : check_2
        SIMD_must_be_9_times_a_divisor_of_IN_CHANNELS stop ();
    end
endgenerate

// -------------------------------------------------------------------------------------------------------------------
// Sequencer
// -------------------------------------------------------------------------------------------------------------------

// Per lane: nothing left on the list of the oldest held window, or one output at most.
wire [PE-1:0] list_empty;
wire [PE-1:0] list_ends;
wire          plan_lsb_ends;

wire [TURN_W-1:0] list_turn;  // HELD + 1 windows take turns

wire               issue_msb;
wire               issue_lsb;
wire               issue_begins;
wire               issue_ends;
wire [GROUP_W-1:0] issue_group;
wire [CHUNK_W-1:0] issue_chunk;

wire issue = issue_msb || issue_lsb;
wire take  = m_axis_tvalid && m_axis_tready;
wire msb_result;
wire window_result;

assign operand_lsb   = issue_lsb;
assign operand_chunk = issue_chunk;

pass_sequencer #(
    .GROUPS(GROUPS),
    .CHUNKS(CHUNKS),
    .HELD(HELD),
    .RESULTS(DEPTH)
) sequencer (
    .clk(clk),
    .rst(rst),
    .window_valid(window_valid),
    .window_next(window_next),
    .advance(window_taken),
    .release_window(window_released),
    .list_turn(list_turn),
    .lists_empty(&list_empty),
    .lists_end(&list_ends),
    .plan_lsb_ends(plan_lsb_ends),
    .window_result(window_result),
    .result_taken(take),
    .issue_msb(issue_msb),
    .issue_lsb(issue_lsb),
    .issue_begins(issue_begins),
    .issue_ends(issue_ends),
    .issue_group(issue_group),
    .issue_chunk(issue_chunk)
);

// -------------------------------------------------------------------------------------------------------------------
// Control beside the pipeline
// -------------------------------------------------------------------------------------------------------------------

wire       counted_first;
wire       counted_last;
wire [3:0] counted_border;

delay_line #(
    .WIDTH(2),
    .CYCLES(STAGES + 2)
) delay_control (
    .clk(clk),
    .rst(rst),
    .in({issue && issue_ends, issue_begins}),
    .out({counted_last, counted_first})
);

delay_line #(
    .WIDTH(1),
    .CYCLES(STAGES + 4)
) delay_result (
    .clk(clk),
    .rst(rst),
    .in(issue_msb && issue_ends),
    .out(msb_result)
);

delay_line #(
    .WIDTH(4),
    .CYCLES(STAGES)
) delay_border (
    .clk(clk),
    .rst(rst),
    .in(operand_border),
    .out(counted_border)
);

// Which group a first-pass result belongs to: known three cycles before, for the gate thresholds, which are registered
// since they may come late, from block RAM.
wire [GROUP_W-1:0]  result_group;
reg  [PE*SUM_W-1:0] thresholds;
reg  [TURN_W-1:0]   result_turn;  // of the window that the result belongs to

delay_line #(
    .WIDTH(GROUP_W),
    .CYCLES(STAGES + 1)
) delay_gate_addr (
    .clk(clk),
    .rst(rst),
    .in(issue_group),
    .out(gate_addr)
);

delay_line #(
    .WIDTH(GROUP_W),
    .CYCLES(3)
) delay_group (
    .clk(clk),
    .rst(rst),
    .in(gate_addr),
    .out(result_group)
);

assign window_result = msb_result && result_group == LAST_GROUP[GROUP_W-1:0];

always @(posedge clk) begin
    thresholds <= gate_data;
    if (window_result) begin
        result_turn <= result_turn == LAST_TURN[TURN_W-1:0] ? {TURN_W{1'b0}} : result_turn + 1'b1;
    end
    if (rst) begin
        result_turn <= {TURN_W{1'b0}};
    end
end

// -------------------------------------------------------------------------------------------------------------------
// Lanes
// -------------------------------------------------------------------------------------------------------------------

wire [PE*SUM_W-1:0] msb_sums;
wire [PE-1:0]       gates;
wire [PE*SUM_W-1:0] lsb_sums;
wire [PE-1:0]       lsb_valid;
wire [PE-1:0]       lsb_ready;
wire [PE-1:0]       lsb_wanted;

genvar lane;
generate
    for (lane = 0; lane < PE; lane = lane + 1) begin : lanes
        fractional_lane #(
            .SIMD(SIMD),
            .GROUPS(GROUPS),
            .CHUNKS(CHUNKS),
            .WINDOWS(HELD + 1),
            .DEPTH(DEPTH),
            .SUM_W(SUM_W),
            .STAGES(STAGES),
            .LUT_INPUTS(LUT_INPUTS)
        ) fractional (
            .clk(clk),
            .rst(rst),
            .plan_lsb_ends(plan_lsb_ends),
            .list_turn(list_turn),
            .list_empty(list_empty[lane]),
            .list_ends(list_ends[lane]),
            .issue_msb(issue_msb),
            .issue_group(issue_group),
            .issue_chunk(issue_chunk),
            .weight_addr(weight_addr[lane*WORD_W +: WORD_W]),
            .weight_data(weight_data[lane*SIMD +: SIMD]),
            .correction_addr(correction_addr[lane*CORRECT_W +: CORRECT_W]),
            .correction_data(correction_data[lane*SUM_W +: SUM_W]),
            .data(operands),
            .counted_first(counted_first),
            .counted_last(counted_last),
            .counted_border(counted_border),
            .msb_result(msb_result),
            .msb_turn(result_turn),
            .msb_result_group(result_group),
            .gate_threshold(thresholds[lane*SUM_W +: SUM_W]),
            .msb_sum(msb_sums[lane*SUM_W +: SUM_W]),
            .gate(gates[lane]),
            .lsb_sum(lsb_sums[lane*SUM_W +: SUM_W]),
            .lsb_valid(lsb_valid[lane]),
            .lsb_ready(lsb_ready[lane])
        );
    end
endgenerate

// -------------------------------------------------------------------------------------------------------------------
// Pairing: first-pass sums and gates in group order, each gated one with its lane's next second-pass sum
// -------------------------------------------------------------------------------------------------------------------

wire [PE*SUM_W-1:0] paired_sums;
wire                paired_valid;
wire                unused_ready;

stream_fifo #(
    .WIDTH(PE * (SUM_W + 1)),
    .DEPTH(DEPTH)
) first_pass (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata({gates, msb_sums}),
    .s_axis_tvalid(msb_result),
    .s_axis_tready(unused_ready),
    .m_axis_tdata({lsb_wanted, paired_sums}),
    .m_axis_tvalid(paired_valid),
    .m_axis_tready(take)
);

assign m_axis_tvalid = paired_valid && &(lsb_valid | ~lsb_wanted);
assign lsb_ready     = take ? lsb_wanted : {PE{1'b0}};

generate
    for (lane = 0; lane < PE; lane = lane + 1) begin : pair
        wire signed [SUM_W-1:0] s_m = paired_sums[lane*SUM_W +: SUM_W];
        wire signed [SUM_W-1:0] s_l = lsb_wanted[lane] ? lsb_sums[lane*SUM_W +: SUM_W] : {SUM_W{1'b0}};
        wire signed [ACC_W-1:0] twice_s_m = {{ACC_W-SUM_W-1{s_m[SUM_W-1]}}, s_m, 1'b0};
        wire signed [ACC_W-1:0] wide_s_l  = {{ACC_W-SUM_W{s_l[SUM_W-1]}}, s_l};
        assign m_axis_tdata[lane*ACC_W +: ACC_W] = twice_s_m + wide_s_l;
    end
endgenerate

endmodule

`resetall
