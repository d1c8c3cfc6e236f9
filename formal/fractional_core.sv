// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * fractional_core: with any weights, gates and data each window makes GROUPS results, neither fewer nor more; at most as many
 * are under way as the FIFO of first-pass results holds, which takes every one; a result that is offered stays; at most HELD
 * windows are held. What the results are is fractional_engine's proof.
 */
module fractional_core_properties #(
    parameter GROUPS = 2,
    parameter PE     = 1,
    parameter HELD   = 1,
    parameter STAGES = 1
) (
    input wire            clk,
    input wire            rst,
    input wire            window_valid,
    input wire            window_next,
    input wire [PE*9-1:0] weight_data,
    input wire [PE*5-1:0] correction_data,
    input wire [PE*5-1:0] gate_data,
    input wire [3:0]      operand_border,
    input wire [8:0]      operands,
    input wire            m_axis_tready
);

localparam GROUP_W   = GROUPS > 1 ? $clog2(GROUPS) : 1;
localparam TURN_W    = $clog2(HELD + 1);
localparam CORRECT_W = $clog2(16 * GROUPS);
localparam DEPTH     = (2 * HELD + 1) * GROUPS + (HELD > 1 ? 3 : 4);
localparam WORDS     = DEPTH - 1;

wire [PE*GROUP_W-1:0]   weight_addr;
wire [PE*CORRECT_W-1:0] correction_addr;
wire [GROUP_W-1:0]      gate_addr;
wire                    window_taken;
wire                    window_released;
wire                    operand_lsb;
wire                    operand_chunk;
wire [PE*7-1:0]         m_axis_tdata;
wire                    m_axis_tvalid;

fractional_core #(.IN_CHANNELS(1), .OUT_CHANNELS(GROUPS * PE), .PE(PE), .SIMD(9), .STAGES(STAGES), .HELD(HELD)) dut (
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
    .window_released(window_released),
    .operand_lsb(operand_lsb),
    .operand_chunk(operand_chunk),
    .operand_border(operand_border),
    .operands(operands),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(PE * 7)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid && running), .ready(m_axis_tready));

// A window stays until it is taken; one that is announced is there in the next cycle.
reg waited   = 1'b0;
reg promised = 1'b0;

always @(posedge clk) begin
    waited   <= !rst && window_valid && !window_taken;
    promised <= !rst && window_next && window_taken;
end

always @* begin
    assume (!(waited || promised) || window_valid);
    assume (!window_next || window_valid);
end

// Results that are due of windows that were taken; negative where those of the window that is there leave already.
reg signed [11:0] due  = 12'sd0;
reg [7:0]         held = 8'd0;

wire out_beat = m_axis_tvalid && m_axis_tready;

always @(posedge clk) begin
    due  <= rst ? 12'sd0 : due + (window_taken ? GROUPS : 0) - (out_beat ? 1 : 0);
    held <= rst ? 8'd0 : held + window_taken - window_released;
end

(* hierconn *) wire \dut.msb_result ;
(* hierconn *) wire \dut.first_pass.full ;

always @* begin
    if (running) begin
        takes_what_is_there: assert (!window_taken || window_valid);
        none_made_up: assert (!m_axis_tvalid || due > (window_valid ? -GROUPS : 0));
        room_for_all: assert (due <= DEPTH);
        every_result_is_kept: assert (!\dut.msb_result || !\dut.first_pass.full );
        held_windows: assert (held + window_taken <= HELD);
        releases_what_is_held: assert (!window_released || held + window_taken != 0);
    end
end

`ifdef INVARIANTS
localparam LAST = STAGES + 4;  // registers from the command to a first-pass result

(* hierconn *) wire               \dut.issue_msb ;
(* hierconn *) wire               \dut.issue_lsb ;
(* hierconn *) wire               \dut.issue_ends ;
(* hierconn *) wire               \dut.issue_begins ;
(* hierconn *) wire [GROUP_W-1:0] \dut.issue_group ;
(* hierconn *) wire [TURN_W-1:0]  \dut.result_turn ;
(* hierconn *) wire               \dut.window_result ;
(* hierconn *) wire               \dut.sequencer.stays ;
(* hierconn *) wire               \dut.sequencer.first_done ;
(* hierconn *) wire [HELD-1:0]    \dut.sequencer.held ;
(* hierconn *) wire [HELD:0]      \dut.sequencer.known ;
(* hierconn *) wire               \dut.sequencer.running ;
(* hierconn *) wire               \dut.sequencer.chunk ;
(* hierconn *) wire               \dut.sequencer.ends ;
(* hierconn *) wire [GROUP_W-1:0] \dut.sequencer.group ;
(* hierconn *) wire               \dut.sequencer.last_group ;
(* hierconn *) wire [TURN_W-1:0]  \dut.sequencer.list_turn ;
(* hierconn *) wire               \dut.sequencer.credits.has_credit ;
(* hierconn *) wire [$clog2(DEPTH+1)-1:0]       \dut.sequencer.credits.remaining ;
(* hierconn *) wire [STAGES+3:0]                \dut.delay_result.line ;
(* hierconn *) wire [GROUP_W*(STAGES+1)-1:0]    \dut.delay_gate_addr.line ;
(* hierconn *) wire [GROUP_W*3-1:0]             \dut.delay_group.line ;
(* hierconn *) wire [$clog2(WORDS+1)-1:0]       \dut.first_pass.stored ;
(* hierconn *) wire               \dut.first_pass.some ;
(* hierconn *) wire               \dut.first_pass.read_valid ;

// First passes: the group of the next one, and of the next that comes back; those begun, and those waiting for their turn.
reg [GROUP_W-1:0] begun    = {GROUP_W{1'b0}};
reg [GROUP_W-1:0] back     = {GROUP_W{1'b0}};
reg [11:0]        under_way = 12'd0;
reg [11:0]        waiting   = 12'd0;
reg [7:0]         known     = 8'd0;  // windows whose gates are known and that are not released
reg [7:0]         unknown   = 8'd0;  // those whose first pass is over, and whose gates are not

function [GROUP_W-1:0] next(input [GROUP_W-1:0] group);
    next = group == GROUPS - 1 ? {GROUP_W{1'b0}} : group + 1'b1;
endfunction

wire last_issued = \dut.issue_msb && begun == GROUPS - 1;

always @(posedge clk) begin
    begun     <= \dut.issue_msb ? next(begun) : begun;
    back      <= \dut.msb_result ? next(back) : back;
    under_way <= under_way + \dut.issue_msb - out_beat;
    waiting   <= waiting + \dut.msb_result - out_beat;
    known     <= known + \dut.window_result - window_released;
    unknown   <= unknown + last_issued - \dut.window_result ;
    if (rst) begin
        begun     <= {GROUP_W{1'b0}};
        back      <= {GROUP_W{1'b0}};
        under_way <= 12'd0;
        waiting   <= 12'd0;
        known     <= 8'd0;
        unknown   <= 8'd0;
    end
end

wire [GROUP_W-1:0] begun_now  = \dut.issue_msb ? next(begun) : begun;
wire [7:0]         held_now   = held + window_taken;
wire [HELD:0]      held_ones  = (1 << held_now) - 1;
wire [HELD+1:0]    known_ones = (1 << known) - 1;
wire [8:0]         turns      = \dut.sequencer.list_turn + known;
wire               operation  = \dut.issue_msb || \dut.issue_lsb ;
wire [GROUP_W*LAST-1:0] lines = {\dut.delay_group.line , \dut.delay_gate_addr.line };

// Of those begun, what is not of the window that is there.
wire signed [11:0] due_of_windows = under_way + \dut.issue_msb - begun_now
    - (window_taken || \dut.sequencer.first_done ? GROUPS : 0);

// The pipeline, the oldest operation first: groups follow each other, and how many are in it.
wire [GROUP_W*(LAST+1)-1:0] follows;
wire [4*(LAST+1)-1:0]       in_pipe;
wire [4*(LAST+1)-1:0]       windows_in_pipe;
wire [LAST-1:0]             in_turn;

assign follows[GROUP_W*LAST +: GROUP_W] = back;
assign in_pipe[4*LAST +: 4] = 4'd0;
assign windows_in_pipe[4*LAST +: 4] = 4'd0;

genvar j;
generate
    for (j = 0; j < LAST; j = j + 1) begin : stage
        wire               own   = \dut.delay_result.line [j];
        wire [GROUP_W-1:0] group = follows[GROUP_W*(j+1) +: GROUP_W];
        assign in_turn[j] = !own || lines[GROUP_W*j +: GROUP_W] == group;
        assign follows[GROUP_W*j +: GROUP_W] = own ? next(group) : group;
        assign in_pipe[4*j +: 4] = in_pipe[4*(j+1) +: 4] + own;
        assign windows_in_pipe[4*j +: 4] = windows_in_pipe[4*(j+1) +: 4] + (own && group == GROUPS - 1);
    end
endgenerate

always @* begin
    if (running) begin
        planned: assert (\dut.sequencer.stays == !window_taken && !\dut.sequencer.running
            && !\dut.sequencer.chunk && \dut.sequencer.ends );
        whole_operation: assert (!operation || (\dut.issue_begins && \dut.issue_ends ));
        group_issued: assert (begun < GROUPS && (!\dut.issue_msb || \dut.issue_group == begun));
        group_planned: assert (\dut.sequencer.group == begun_now
            && \dut.sequencer.last_group == (begun_now == GROUPS - 1));
        first_pass_over: assert (!(\dut.sequencer.first_done && window_taken)
            && (!(\dut.sequencer.first_done || window_taken) || begun_now == 0));
        window_is_there: assert (window_valid
            || (begun_now == 0 && !\dut.issue_msb && !\dut.sequencer.first_done && !window_taken));
        held_in_ones: assert (held_now <= HELD && \dut.sequencer.held == held_ones);
        known_in_ones: assert (known <= HELD + 1 && unknown <= HELD + 1 && \dut.sequencer.known == known_ones);
        windows_counted: assert (known + unknown + last_issued == held_now + \dut.sequencer.first_done );
        turn: assert (\dut.sequencer.list_turn <= HELD
            && \dut.result_turn == (turns > HELD ? turns - HELD - 1 : turns));
        credit_left: assert (\dut.sequencer.credits.remaining + under_way + \dut.issue_msb == DEPTH
            && \dut.sequencer.credits.has_credit == (\dut.sequencer.credits.remaining != 0));
        pipeline_in_turn: assert (&in_turn && back < GROUPS && follows[GROUP_W-1:0] == begun);
        pipeline_counted: assert (in_pipe[3:0] + waiting == under_way && windows_in_pipe[3:0] == unknown);
        results_due: assert (due == due_of_windows && under_way <= DEPTH);
        fifo_counted: assert (\dut.first_pass.stored + \dut.first_pass.read_valid == waiting
            && \dut.first_pass.stored <= WORDS && (\dut.first_pass.stored < 2 || \dut.first_pass.read_valid ));
        fifo_flags: assert (\dut.first_pass.some == (\dut.first_pass.stored != 0)
            && \dut.first_pass.full == (\dut.first_pass.stored == WORDS));
    end
end
`endif

endmodule
