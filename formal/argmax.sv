// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * argmax: logits leave as they came, a cycle later, offered before anybody asks for one; tlast comes with every
 * CLASSES-th, and with it the class of the frame's largest logit, the lowest of several.
 */
module argmax_properties #(
    parameter CLASSES = 3
) (
    input wire        clk,
    input wire        rst,
    input wire        mark,
    input wire [31:0] s_axis_tdata,
    input wire        s_axis_tvalid,
    input wire        m_axis_tready
);

localparam CLASS_W = CLASSES > 1 ? $clog2(CLASSES) : 1;

wire               s_axis_tready;
wire [31:0]        m_axis_tdata;
wire               m_axis_tlast;
wire [CLASS_W-1:0] m_axis_tuser;
wire               m_axis_tvalid;

argmax #(.CLASSES(CLASSES)) dut (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tlast(m_axis_tlast),
    .m_axis_tuser(m_axis_tuser),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(33 + CLASS_W)) out (
    .clk(clk), .rst(rst), .data({m_axis_tlast, m_axis_tuser, m_axis_tdata}),
    .valid(m_axis_tvalid), .ready(m_axis_tready));

wire        in_beat = s_axis_tvalid && s_axis_tready && !rst;
wire [1:0]  inside;
wire        marked;
wire [1:0]  ahead;
wire [31:0] word;

words_in_order #(.WIDTH(32), .CAPACITY(1), .LATENCY(1)) words (
    .clk(clk), .rst(rst), .mark(mark),
    .in_data(s_axis_tdata), .in_beat(in_beat),
    .out_data(m_axis_tdata), .out_valid(m_axis_tvalid), .out_beat(m_axis_tvalid && m_axis_tready && !rst),
    .inside(inside), .marked(marked), .ahead(ahead), .word(word));

// The frame so far: all of its logits, and of those on the output whether it was the last.
reg [32*CLASSES-1:0] logits;
reg [CLASS_W-1:0]    come      = {CLASS_W{1'b0}};
reg                  out_last  = 1'b0;

always @(posedge clk) begin
    if (in_beat) begin
        logits[come*32 +: 32] <= s_axis_tdata;
        come                  <= come == CLASSES - 1 ? {CLASS_W{1'b0}} : come + 1'b1;
        out_last              <= come == CLASSES - 1;
    end
    if (rst) begin
        come <= {CLASS_W{1'b0}};
    end
end

// Any class of the frame, beside the one that won.
(* anyconst *) wire [CLASS_W-1:0] other;

always @* begin
    assume (other < CLASSES);
end

wire signed [31:0] largest = logits[m_axis_tuser*32 +: 32];
wire signed [31:0] loser   = logits[other*32 +: 32];

always @* begin
    if (running && m_axis_tvalid) begin
        last_of_the_frame: assert (m_axis_tlast == out_last);
        winner_exists: assert (m_axis_tuser < CLASSES && (out_last || m_axis_tuser == 0));
        winner_is_largest: assert (!out_last || largest >= loser);
        lowest_of_several: assert (!out_last || other >= m_axis_tuser || largest > loser);
    end
    if (running) begin
        // A logit is taken, and so offered, before anybody asks for one.
        waits_for_its_end_only: assert (s_axis_tready == (!m_axis_tvalid || m_axis_tready));
    end
end

`ifdef INVARIANTS
(* hierconn *) wire [CLASS_W-1:0] \dut.number ;
(* hierconn *) wire [CLASS_W-1:0] \dut.best ;
(* hierconn *) wire [31:0]        \dut.best_logit ;
(* hierconn *) wire [31:0]        \dut.out_data ;

wire signed [31:0] best = \dut.best_logit ;

always @* begin
    if (running) begin
        counter: assert (\dut.number == come && come < CLASSES);
        place: assert (inside == m_axis_tvalid);
        in_register: assert (!marked || \dut.out_data == word);
        after_the_last: assert (!m_axis_tvalid || out_last == (come == 0));
        best_of_those: assert (come == 0 || \dut.best < come);
        best_kept: assert (come == 0 || logits[\dut.best *32 +: 32] == \dut.best_logit );
        best_so_far: assert (other >= come || best > loser || (best == loser && \dut.best <= other));
    end
end
`endif

endmodule
