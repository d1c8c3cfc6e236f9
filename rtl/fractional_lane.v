// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * One lane of the fractional engine: an XNOR-popcount lane with the list of its own outputs whose gate is open.
 *
 * First pass: S_m of every group, the gate g = [S_m > G], and each gated group's number into the list.
 * Second pass, some windows later: S_l of the groups on the list, on the same XNOR-popcount lane. WINDOWS windows at most
 * are on the list; they take turns at as many counters, which tell how much of it belongs to each. S_l results wait in a
 * FIFO of their own until the engine pairs them with their S_m; both are in group order.
 * The latency is xnor_lane's, and a cycle more for S_m and its gate. Reset empties the lists and the FIFO.
 */
module fractional_lane #(
    // Window bits a cycle
    parameter SIMD       = 144,
    // Groups of a window (output channels of this lane)
    parameter GROUPS     = 16,
    // Cycles of one operation
    parameter CHUNKS     = 1,
    // Windows that are on the list at once
    parameter WINDOWS    = 2,
    // Results that may be under way at once
    parameter DEPTH      = 48,
    // Width of a sum
    parameter SUM_W      = 9,
    // Registers in match_count
    parameter STAGES     = 3,
    // Inputs of the target's LUTs, 4 or 6
    parameter LUT_INPUTS = 4,
    // Derived sizes
    parameter GROUP_W    = GROUPS > 1 ? $clog2(GROUPS) : 1,
    parameter CHUNK_W    = CHUNKS > 1 ? $clog2(CHUNKS) : 1,
    parameter WORD_W     = GROUPS == 1 ? CHUNK_W : CHUNKS == 1 ? GROUP_W : GROUP_W + CHUNK_W,
    parameter CORRECT_W  = $clog2(16 * GROUPS),
    parameter TURN_W     = $clog2(WINDOWS)
) (
    input  wire                    clk,
    input  wire                    rst,

    // Planned for the next cycle: the end of a second-pass operation, and the number of the window whose list it works off
    input  wire                    plan_lsb_ends,
    input  wire [TURN_W-1:0]       list_turn,
    // Nothing is left for that window, or one output at most
    output wire                    list_empty,
    output wire                    list_ends,

    // Operation under way: its chunk, and whether it is of the first pass, with its group, or of the second
    input  wire                    issue_msb,
    input  wire [GROUP_W-1:0]      issue_group,
    input  wire [CHUNK_W-1:0]      issue_chunk,

    // Weight ROM, word {group, chunk}: data belongs to the address of two cycles before
    output wire [WORD_W-1:0]       weight_addr,
    input  wire [SIMD-1:0]         weight_data,

    // Correction ROM, word {group, border}: data belongs to the address of the cycle before
    output wire [CORRECT_W-1:0]    correction_addr,
    input  wire [SUM_W-1:0]        correction_data,

    // Operands, a cycle before weight_data; their control, aligned with the count, and two cycles earlier the border
    input  wire [SIMD-1:0]         data,
    input  wire                    counted_first,
    input  wire                    counted_last,
    input  wire [3:0]              counted_border,

    // First-pass result and the number of its window; its gate threshold comes a cycle earlier
    input  wire                    msb_result,
    input  wire [TURN_W-1:0]       msb_turn,
    input  wire [GROUP_W-1:0]      msb_result_group,
    input  wire signed [SUM_W-1:0] gate_threshold,
    output wire [SUM_W-1:0]        msb_sum,
    output wire                    gate,

    // Second-pass results
    output wire [SUM_W-1:0]        lsb_sum,
    output wire                    lsb_valid,
    input  wire                    lsb_ready
);

localparam COUNT_W = $clog2(GROUPS + 1);

localparam ONE = 1;
localparam TWO = 2;  // 0 where a count has one bit, and a list that is popped is not empty

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (SIMD < 9 || SIMD % 9 != 0) begin : check_1
        SIMD_must_be_a_multiple_of_9 stop ();
    end
    if (GROUPS < 1) begin : check_2
        GROUPS_must_be_at_least_1 stop ();
    end
    if (CHUNKS < 1) begin : check_3
        CHUNKS_must_be_at_least_1 stop ();
    end
    if (WINDOWS < 2) begin : check_4
        WINDOWS_must_be_at_least_2 stop ();
    end
endgenerate

wire signed [SUM_W-1:0] sum;

// Registered: it may come late, from block RAM.
reg [SUM_W-1:0] correction;

always @(posedge clk) begin
    correction <= correction_data;
end

xnor_lane #(
    .SIMD(SIMD),
    .SUM_W(SUM_W),
    .STAGES(STAGES),
    .LUT_INPUTS(LUT_INPUTS)
) xnor_popcount (
    .clk(clk),
    .data(data),
    .weight(weight_data),
    .first(counted_first),
    .last(counted_last),
    .correction(correction),
    .sum(sum)
);

// S_m and its gate.
reg [SUM_W-1:0] first_sum;
reg             open;

always @(posedge clk) begin
    first_sum <= sum;
    open      <= sum > gate_threshold;
end

assign msb_sum = first_sum;
assign gate    = open;

// Gated groups of each window. Whether none or one is left is kept beside each count: the
// sequencer decides on it in the same cycle.
wire [WINDOWS-1:0] none;
wire [WINDOWS-1:0] one;

wire [GROUP_W-1:0] head;

// Counts go down with the plan; the list itself in the next cycle, when the operation is under way.
wire plan_pop = plan_lsb_ends && !list_empty;
wire push     = msb_result && gate;
reg  pop;

always @(posedge clk) begin
    pop <= plan_pop && !rst;
end

assign list_empty = none[list_turn];
assign list_ends  = none[list_turn] || one[list_turn];

genvar w;
generate
    for (w = 0; w < WINDOWS; w = w + 1) begin : window
        localparam [TURN_W-1:0] NUMBER = w;

        reg [COUNT_W-1:0] listed;
        reg               is_none;
        reg               is_one;

        wire pushed = push && msb_turn == NUMBER;
        wire popped = plan_pop && list_turn == NUMBER;

        assign none[w] = is_none;
        assign one[w]  = is_one;

        always @(posedge clk) begin
            if (pushed != popped) begin
                listed  <= listed + ({COUNT_W{popped}} | ONE[COUNT_W-1:0]);  // one adder: +1 or, all ones, -1
                is_none <= !pushed && is_one;
                is_one  <= pushed ? is_none : listed == TWO[COUNT_W-1:0];
            end
            if (rst) begin
                listed  <= {COUNT_W{1'b0}};
                is_none <= 1'b1;
                is_one  <= 1'b0;
            end
        end
    end
endgenerate

// A list holds WINDOWS windows at most, which its counters bound: its handshakes need no looking at. A group is on its way
// through the FIFO as long as the counters are through the plan.
wire unused_list_ready;
wire unused_list_valid;

stream_fifo #(
    .WIDTH(GROUP_W),
    .DEPTH(WINDOWS * GROUPS + 1),  // one more: a FIFO of two takes a word every other cycle only
    .BLOCK(0)                // a weight's address depends on it in the same cycle
) list (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(msb_result_group),
    .s_axis_tvalid(push),
    .s_axis_tready(unused_list_ready),
    .m_axis_tdata(head),
    .m_axis_tvalid(unused_list_valid),
    .m_axis_tready(pop)
);

// What the operation under way is about, and the same two cycles before its count comes.
wire [GROUP_W-1:0] group = issue_msb ? issue_group : head;
wire [GROUP_W-1:0] counted_group;

delay_line #(
    .WIDTH(GROUP_W),
    .CYCLES(STAGES)
) delay_group (
    .clk(clk),
    .rst(rst),
    .in(group),
    .out(counted_group)
);

generate
    if (GROUPS == 1) begin : one_group
        wire unused_group = &{group, counted_group};
        assign weight_addr     = issue_chunk;
        assign correction_addr = counted_border;
    end else begin : several_groups
        assign correction_addr = {counted_group, counted_border};
        if (CHUNKS == 1) begin : one_chunk
            wire unused_chunk = issue_chunk;
            assign weight_addr = group;
        end else begin : several_chunks
            assign weight_addr = {group, issue_chunk};
        end
    end
endgenerate

// The second pass's results.
wire lsb_result;
wire unused_lsb_ready;

delay_line #(
    .WIDTH(1),
    .CYCLES(STAGES + 3)
) delay_result (
    .clk(clk),
    .rst(rst),
    .in(pop),
    .out(lsb_result)
);

stream_fifo #(
    .WIDTH(SUM_W),
    .DEPTH(DEPTH)
) lsb_sums (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(sum),
    .s_axis_tvalid(lsb_result),
    .s_axis_tready(unused_lsb_ready),
    .m_axis_tdata(lsb_sum),
    .m_axis_tvalid(lsb_valid),
    .m_axis_tready(lsb_ready)
);

endmodule

`resetall
