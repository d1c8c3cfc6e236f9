// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * quantizer: q is the number of thresholds that X reaches, of those of its own channel, two cycles later; words leave in
 * order.
 */
module quantizer_properties #(
    parameter CHANNELS = 4,
    parameter LANES    = 2,
    parameter BITS     = 4
) (
    input wire                  clk,
    input wire                  rst,
    input wire                  mark,
    input wire [LANES*BITS-1:0] s_axis_tdata,
    input wire                  s_axis_tvalid,
    input wire                  m_axis_tready
);

localparam BEATS  = CHANNELS / LANES;
localparam BEAT_W = BEATS > 1 ? $clog2(BEATS) : 1;
localparam ROM_W  = LANES * 3 * BITS;

wire               rom_read;
wire [BEAT_W-1:0]  rom_addr;
reg  [ROM_W-1:0]   rom_data;
wire               s_axis_tready;
wire [LANES*2-1:0] m_axis_tdata;
wire               m_axis_tvalid;

quantizer #(.CHANNELS(CHANNELS), .LANES(LANES), .BITS(BITS)) dut (
    .clk(clk),
    .rst(rst),
    .rom_read(rom_read),
    .rom_addr(rom_addr),
    .rom_data(rom_data),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(LANES * 2)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid), .ready(m_axis_tready));

// Thresholds of all channels, of any value but in order; a ROM that holds them.
(* anyconst *) wire [BEATS*ROM_W-1:0] thresholds;

genvar c;
generate
    for (c = 0; c < CHANNELS; c = c + 1) begin : channels
        wire signed [BITS-1:0] t1 = thresholds[(3*c+0)*BITS +: BITS];
        wire signed [BITS-1:0] t2 = thresholds[(3*c+1)*BITS +: BITS];
        wire signed [BITS-1:0] t3 = thresholds[(3*c+2)*BITS +: BITS];
        always @* begin
            assume (t1 <= t2 && t2 <= t3);
        end
    end
endgenerate

always @(posedge clk) begin
    if (rom_read) begin
        rom_data <= thresholds[rom_addr*ROM_W +: ROM_W];
    end
end

wire in_beat = s_axis_tvalid && s_axis_tready && !rst;

reg [BEAT_W-1:0] beat  = {BEAT_W{1'b0}};
reg              start = 1'b0;

always @(posedge clk) begin
    start <= rst;
    beat  <= rst ? {BEAT_W{1'b0}} : !in_beat ? beat : beat == BEATS - 1 ? {BEAT_W{1'b0}} : beat + 1'b1;
end

// What has just been reset offers nothing yet.
always @* begin
    assume (!start || !s_axis_tvalid);
end

wire [ROM_W-1:0]   own = thresholds[beat*ROM_W +: ROM_W];
wire [LANES*2-1:0] q;

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        wire signed [BITS-1:0] x  = s_axis_tdata[lane*BITS +: BITS];
        wire signed [BITS-1:0] t1 = own[(3*lane+0)*BITS +: BITS];
        wire signed [BITS-1:0] t2 = own[(3*lane+1)*BITS +: BITS];
        wire signed [BITS-1:0] t3 = own[(3*lane+2)*BITS +: BITS];
        assign q[2*lane +: 2] = (x >= t1) + (x >= t2) + (x >= t3);
    end
endgenerate

wire [1:0]         inside;
wire               marked;
wire [1:0]         ahead;
wire [LANES*2-1:0] word;

words_in_order #(.WIDTH(LANES * 2), .CAPACITY(2), .LATENCY(2)) words (
    .clk(clk), .rst(rst), .mark(mark),
    .in_data(q), .in_beat(in_beat),
    .out_data(m_axis_tdata), .out_valid(m_axis_tvalid), .out_beat(m_axis_tvalid && m_axis_tready && !rst),
    .inside(inside), .marked(marked), .ahead(ahead), .word(word));

`ifdef INVARIANTS
(* hierconn *) wire [BEAT_W-1:0]  \dut.beat.following ;
(* hierconn *) wire               \dut.beat.starting ;
(* hierconn *) wire               \dut.in_valid ;
(* hierconn *) wire [LANES*2-1:0] \dut.levels ;

wire [BEAT_W-1:0] next = beat == BEATS - 1 ? {BEAT_W{1'b0}} : beat + 1'b1;

always @* begin
    if (running) begin
        begins: assert (!start || (beat == 0 && inside == 0));
        counter: assert (\dut.beat.following == (start ? {BEAT_W{1'b0}} : next) && \dut.beat.starting == start);
        constants: assert (beat < BEATS && (start || rom_data == own));
        places: assert (inside == \dut.in_valid + m_axis_tvalid);
        compared: assert (!(marked && m_axis_tvalid && ahead == 0) || m_axis_tdata == word);
        waits: assert (!(marked && \dut.in_valid && ahead == m_axis_tvalid) || \dut.levels == word);
    end
end
`endif

endmodule
