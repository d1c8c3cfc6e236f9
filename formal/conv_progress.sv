// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * conv_progress: an emitted convolution stage offers a result within CYCLES cycles of the one before, while the source
 * offers pixels or a whole frame waits for its results, and none without a pixel; gates open and close at will. Source and
 * sink begin in any of the first STARTS cycles; after END cycles the results of FRAMES frames have left.
 *
 * Neither end pauses from then on, and there is a reset at the beginning alone. That pauses cannot make the FIFO and the
 * window branch wait for each other is shown by skip_fifo.
 */
module conv_progress_properties #(
    parameter HEIGHT   = 2,
    parameter WIDTH    = 4,
    parameter CHANNELS = 1,
    parameter UNROLLED = 0,
    parameter DEPTH    = 3,
    parameter CYCLES   = 50,
    parameter STARTS   = 1,
    parameter FRAMES   = 1,
    parameter END      = 126,
    // Derived: beats of a frame
    parameter BEATS    = HEIGHT * WIDTH * (UNROLLED != 0 ? 1 : CHANNELS),
    parameter BEAT_W   = 8 * CHANNELS / (UNROLLED != 0 ? 1 : CHANNELS)
) (
    input wire              clk,
    input wire              rst,
    input wire [BEAT_W-1:0] s_axis_tdata
);

// From when on each end is there.
(* anyconst *) wire [3:0] source_start;
(* anyconst *) wire [3:0] sink_start;

always @* begin
    assume (source_start < STARTS && sink_start < STARTS);
end

reg [3:0] cycle         = 4'd0;
reg       s_axis_tvalid = 1'b0;
reg       m_axis_tready = 1'b0;

always @(posedge clk) begin
    cycle         <= &cycle ? cycle : cycle + 1'b1;
    s_axis_tvalid <= s_axis_tvalid || cycle == source_start;
    m_axis_tready <= m_axis_tready || cycle == sink_start;
end

wire s_axis_tready;
wire m_axis_tvalid;

random_stage_01 dut (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tdata(),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

always @* begin
    assume (!(running && rst));
end

wire in_beat  = s_axis_tvalid && s_axis_tready && !rst;
wire out_beat = m_axis_tvalid && m_axis_tready && !rst;

reg [6:0] inside = 7'd0;  // beats that have come and whose results have not left
reg [5:0] come   = 6'd0;  // of the frame that comes
reg [5:0] idle   = 6'd0;  // cycles in which a result could have been offered

reg [7:0] left   = 8'd0;  // results
reg [7:0] passed = 8'd0;  // cycles

wire owed = inside > come;  // results of a whole frame

always @(posedge clk) begin
    inside <= rst ? 7'd0 : inside + in_beat - out_beat;
    left   <= rst ? 8'd0 : left + out_beat;
    passed <= &passed ? passed : passed + 1'b1;
    come   <= rst ? 6'd0 : !in_beat ? come : come == BEATS - 1 ? 6'd0 : come + 1'b1;
    idle   <= rst || m_axis_tvalid || !(s_axis_tvalid || owed) ? 6'd0 : idle + 1'b1;
end

always @* begin
    if (running) begin
        in_time: assert (idle < CYCLES);
        none_made_up: assert (!m_axis_tvalid || inside != 0);
        frames_leave: assert (passed < END || left >= FRAMES * BEATS);
    end
end

endmodule
