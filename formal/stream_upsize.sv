// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * stream_upsize: narrow beats leave as they came, FACTOR of them in a wide beat, the first in the low bits, a cycle after
 * the last of them; reset drops a word in part.
 */
module stream_upsize_properties #(
    parameter WIDTH  = 2,
    parameter FACTOR = 3
) (
    input wire             clk,
    input wire             rst,
    input wire             mark,
    input wire [WIDTH-1:0] s_axis_tdata,
    input wire             s_axis_tvalid,
    input wire             m_axis_tready
);

localparam COUNT_W = FACTOR > 1 ? $clog2(FACTOR) : 1;

wire                    s_axis_tready;
wire [WIDTH*FACTOR-1:0] m_axis_tdata;
wire                    m_axis_tvalid;

stream_upsize #(.WIDTH(WIDTH), .FACTOR(FACTOR)) dut (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(WIDTH * FACTOR)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid), .ready(m_axis_tready));

wire in_beat  = s_axis_tvalid && s_axis_tready && !rst;
wire out_beat = m_axis_tvalid && m_axis_tready && !rst;

// The narrow beats that have come of the current word, and whether one has been completed and not taken.
reg [COUNT_W-1:0] come     = {COUNT_W{1'b0}};
reg               complete = 1'b0;

always @(posedge clk) begin
    if (in_beat) begin
        come <= come == FACTOR - 1 ? {COUNT_W{1'b0}} : come + 1'b1;
    end
    complete <= !rst && ((complete && !out_beat) || (in_beat && come == FACTOR - 1));
    if (rst) begin
        come <= {COUNT_W{1'b0}};
    end
end

// Any one of the places in a wide beat.
(* anyconst *) wire [COUNT_W-1:0] place;

always @* begin
    assume (place < FACTOR);
end

wire [1:0]       inside;
wire             marked;
wire [1:0]       ahead;
wire [WIDTH-1:0] word;

words_in_order #(.WIDTH(WIDTH), .CAPACITY(1), .TIMED(0)) words (
    .clk(clk), .rst(rst), .mark(mark),
    .in_data(s_axis_tdata), .in_beat(in_beat && come == place),
    .out_data(m_axis_tdata[place*WIDTH +: WIDTH]), .out_valid(m_axis_tvalid), .out_beat(out_beat),
    .inside(inside), .marked(marked), .ahead(ahead), .word(word));

always @* begin
    if (running) begin
        a_cycle_after_the_last: assert (m_axis_tvalid == complete);
        waits_for_a_whole_word_only: assert (s_axis_tready == (!complete || m_axis_tready));
    end
end

`ifdef INVARIANTS
// Where the marked beat lies: it moves from the top down.
(* hierconn *) wire [COUNT_W-1:0]      \dut.count ;
(* hierconn *) wire [WIDTH*FACTOR-1:0] \dut.word ;

wire [COUNT_W+1:0] within = complete ? FACTOR : come;
wire [COUNT_W+1:0] slot   = FACTOR - within + place;

always @* begin
    if (running) begin
        counter: assert (\dut.count == come && come < FACTOR && (!complete || come == 0));
        places: assert (inside == (within > place));
        marked_beat: assert (!marked || \dut.word [slot*WIDTH +: WIDTH] == word);
    end
end
`endif

endmodule
