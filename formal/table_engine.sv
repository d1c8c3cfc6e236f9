// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * table_engine: with tables of any weights each result is what thermometer code, XNOR and popcount give for the window,
 * taps outside the image left out, channel by channel, in order.
 */
module table_engine_properties #(
    parameter LEVELS = 2,
    parameter GROUPS = 2,
    parameter VALUES = 3
) (
    input wire                          clk,
    input wire                          rst,
    input wire                          mark,
    input wire [8:0]                    s_axis_tuser,
    input wire                          s_axis_tvalid,
    input wire [9*$clog2(LEVELS+2)-1:0] s_window,
    input wire                          m_axis_tready
);

localparam CHUNKS  = 9 / VALUES;
localparam WORDS   = GROUPS * CHUNKS;
localparam WORD_W  = $clog2(WORDS);
localparam LEVEL_W = $clog2(LEVELS + 2);
localparam ADDR_W  = WORD_W + LEVEL_W;
localparam VALUE_W = $clog2(LEVELS) + 2;
localparam SUM_W   = $clog2(9 * LEVELS + 1) + 1;

wire [VALUES*ADDR_W-1:0]  table_addr;
reg  [VALUES*VALUE_W-1:0] table_data;
wire                      s_axis_tready;
wire [SUM_W-1:0]          m_axis_tdata;
wire                      m_axis_tvalid;

table_engine #(.COLOURS(1), .LEVELS(LEVELS), .OUT_CHANNELS(GROUPS), .PE(1), .VALUES(VALUES)) dut (
    .clk(clk),
    .rst(rst),
    .table_addr(table_addr),
    .table_data(table_data),
    .s_axis_tuser(s_axis_tuser),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .s_window(s_window),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(9), .ASSUMED(1)) in (
    .clk(clk), .rst(rst), .data(s_axis_tuser), .valid(s_axis_tvalid), .ready(s_axis_tready));
beat_is_kept #(.WIDTH(SUM_W)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid), .ready(m_axis_tready));

// The window follows its beat by a cycle.
reg [9*LEVEL_W-1:0] window_before;
reg [8:0]           taps;
reg                 waited = 1'b0;
reg                 waits  = 1'b0;
reg                 taken  = 1'b0;

always @(posedge clk) begin
    window_before <= s_window;
    taps          <= s_axis_tuser;
    waits         <= s_axis_tvalid && !s_axis_tready && !rst;
    waited        <= waits && !rst;
    taken         <= s_axis_tvalid && s_axis_tready && !rst;
end

genvar v;
generate
    for (v = 0; v < 9; v = v + 1) begin : values
        always @* begin
            assume (s_window[v*LEVEL_W +: LEVEL_W] <= LEVELS);
            assume (!waited || s_window[v*LEVEL_W +: LEVEL_W] == window_before[v*LEVEL_W +: LEVEL_W]);
        end
    end
endgenerate

// Weights of all channels, and tables of what they add for each level.
(* anyconst *) wire [GROUPS*9*LEVELS-1:0] weights;

function signed [VALUE_W-1:0] entry(input [LEVELS-1:0] w, input [LEVEL_W-1:0] n);
    integer k;
    begin
        entry = 0;
        for (k = 0; k < LEVELS; k = k + 1) begin
            entry = n > LEVELS ? entry : (n > k) == w[k] ? entry + 1 : entry - 1;
        end
    end
endfunction

genvar j;
generate
    for (j = 0; j < VALUES; j = j + 1) begin : tables
        wire [LEVEL_W-1:0] level = table_addr[j*ADDR_W +: LEVEL_W];
        wire [7:0]         word  = table_addr[j*ADDR_W+LEVEL_W +: WORD_W];
        wire [7:0]         value = word % CHUNKS * VALUES + j;
        always @(posedge clk) begin
            table_data[j*VALUE_W +: VALUE_W] <= entry(weights[(word/CHUNKS*9+value)*LEVELS +: LEVELS], level);
        end
    end
endgenerate

// The convolution as its definition has it: code, XNOR, popcount.
function signed [SUM_W-1:0] convolution(
    input [9*LEVELS-1:0] w, input [9*LEVEL_W-1:0] window, input [8:0] inside);
    reg [LEVELS-1:0] code;
    reg [LEVELS-1:0] matches;
    integer          n;
    integer          k;
    begin
        convolution = 0;
        for (n = 0; n < 9; n = n + 1) begin
            for (k = 0; k < LEVELS; k = k + 1) begin
                code[k] = window[n*LEVEL_W +: LEVEL_W] > k;
            end
            matches = ~(code ^ w[n*LEVELS +: LEVELS]);
            for (k = 0; k < LEVELS; k = k + 1) begin
                convolution = !inside[n] ? convolution : matches[k] ? convolution + 1 : convolution - 1;
            end
        end
    end
endfunction

// Any one of the channels.
(* anyconst *) wire [3:0] group;

always @* begin
    assume (group < GROUPS);
end

reg [3:0] number = 4'd0;  // channel of the result on the output

wire out_beat = m_axis_tvalid && m_axis_tready && !rst;

always @(posedge clk) begin
    number <= rst ? 4'd0 : !out_beat ? number : number == GROUPS - 1 ? 4'd0 : number + 1'b1;
end

wire [3:0]       inside;
wire             marked;
wire [3:0]       ahead;
wire [SUM_W-1:0] word;

words_in_order #(.WIDTH(SUM_W), .CAPACITY(8), .TIMED(0)) results (
    .clk(clk), .rst(rst), .mark(mark),
    .in_data(convolution(weights[group*9*LEVELS +: 9*LEVELS], s_window, taps)), .in_beat(taken && !rst),
    .out_data(m_axis_tdata), .out_valid(m_axis_tvalid && number == group), .out_beat(out_beat && number == group),
    .inside(inside), .marked(marked), .ahead(ahead), .word(word));

endmodule
