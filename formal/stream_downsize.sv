// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * stream_downsize: a wide beat leaves as FACTOR narrow ones, low bits first, from the next cycle on without a pause; reset
 * drops what is left of it.
 */
module stream_downsize_properties #(
    parameter WIDTH  = 2,
    parameter FACTOR = 3
) (
    input wire                    clk,
    input wire                    rst,
    input wire                    mark,
    input wire [WIDTH*FACTOR-1:0] s_axis_tdata,
    input wire                    s_axis_tvalid,
    input wire                    m_axis_tready
);

localparam COUNT_W = $clog2(FACTOR + 1);

wire             s_axis_tready;
wire [WIDTH-1:0] m_axis_tdata;
wire             m_axis_tvalid;

stream_downsize #(.WIDTH(WIDTH), .FACTOR(FACTOR)) dut (
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

beat_is_kept #(.WIDTH(WIDTH)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid), .ready(m_axis_tready));

wire in_beat  = s_axis_tvalid && s_axis_tready && !rst;
wire out_beat = m_axis_tvalid && m_axis_tready && !rst;

// Narrow beats that are still to leave.
reg  [COUNT_W-1:0] left   = {COUNT_W{1'b0}};
wire [COUNT_W-1:0] number = FACTOR - left;  // of the one on the output, where there is one

always @(posedge clk) begin
    left <= rst ? {COUNT_W{1'b0}} : in_beat ? FACTOR : left - out_beat;
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
    .in_data(s_axis_tdata[place*WIDTH +: WIDTH]), .in_beat(in_beat),
    .out_data(m_axis_tdata), .out_valid(m_axis_tvalid && number == place), .out_beat(out_beat && number == place),
    .inside(inside), .marked(marked), .ahead(ahead), .word(word));

always @* begin
    if (running) begin
        no_pause: assert (m_axis_tvalid == (left != 0));
        next_with_the_last: assert (s_axis_tready == (left == 0 || (left == 1 && m_axis_tready)));
    end
end

`ifdef INVARIANTS
// Where the marked beat lies: it moves down to the output.
(* hierconn *) wire [COUNT_W-1:0]      \dut.left ;
(* hierconn *) wire [WIDTH*FACTOR-1:0] \dut.word ;

wire [COUNT_W:0] slot = place - number;

always @* begin
    if (running) begin
        counter: assert (\dut.left == left && left <= FACTOR);
        places: assert (inside == (left != 0 && number <= place));
        marked_beat: assert (!marked || \dut.word [slot*WIDTH +: WIDTH] == word);
    end
end
`endif

endmodule
