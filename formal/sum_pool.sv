// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * sum_pool: the sum of each channel over the PIXELS pixels of a frame leaves with the frame's last pixel, in order, frames
 * back to back; no partial sum is read while it is written.
 */
module sum_pool_properties #(
    parameter CHANNELS = 4,
    parameter LANES    = 1,
    parameter BITS     = 2,
    parameter PIXELS   = 2
) (
    input wire                  clk,
    input wire                  rst,
    input wire [LANES*BITS-1:0] s_axis_tdata,
    input wire                  s_axis_tvalid,
    input wire                  m_axis_tready
);

localparam BEATS  = CHANNELS / LANES;
localparam BEAT_W = BEATS > 1 ? $clog2(BEATS) : 1;
localparam SUM_W  = BITS + $clog2(PIXELS);

wire                   s_axis_tready;
wire [LANES*SUM_W-1:0] m_axis_tdata;
wire                   m_axis_tvalid;

sum_pool #(.CHANNELS(CHANNELS), .LANES(LANES), .BITS(BITS), .PIXELS(PIXELS)) dut (
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

beat_is_kept #(.WIDTH(LANES * SUM_W)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid), .ready(m_axis_tready));

wire in_beat  = s_axis_tvalid && s_axis_tready && !rst;
wire out_beat = m_axis_tvalid && m_axis_tready && !rst;

// Any one lane of any one beat of a pixel: its sum so far, and of the last frame that was complete.
(* anyconst *) wire [BEAT_W-1:0] beat;
(* anyconst *) wire [3:0]        lane;

always @* begin
    assume (beat < BEATS && lane < LANES);
end

reg [BEAT_W-1:0]       in_number  = {BEAT_W{1'b0}};
reg [BEAT_W-1:0]       out_number = {BEAT_W{1'b0}};
reg [7:0]              pixel      = 8'd0;
reg signed [SUM_W-1:0] so_far;
reg signed [SUM_W-1:0] complete;
reg                    owed       = 1'b0;  // it has not left

wire signed [BITS-1:0]  x   = s_axis_tdata[lane*BITS +: BITS];
wire signed [SUM_W-1:0] old = pixel == 0 ? {SUM_W{1'b0}} : so_far;
wire signed [SUM_W-1:0] sum = old + x;
wire                    own = in_beat && in_number == beat;

always @(posedge clk) begin
    if (in_beat) begin
        in_number <= in_number == BEATS - 1 ? {BEAT_W{1'b0}} : in_number + 1'b1;
        if (in_number == BEATS - 1) begin
            pixel <= pixel == PIXELS - 1 ? 8'd0 : pixel + 1'b1;
        end
    end
    if (own) begin
        so_far <= sum;
    end
    if (own && pixel == PIXELS - 1) begin
        complete <= sum;
        owed     <= 1'b1;
    end else if (out_beat && out_number == beat) begin
        owed <= 1'b0;
    end
    if (out_beat) begin
        out_number <= out_number == BEATS - 1 ? {BEAT_W{1'b0}} : out_number + 1'b1;
    end
    if (rst) begin
        in_number  <= {BEAT_W{1'b0}};
        out_number <= {BEAT_W{1'b0}};
        pixel      <= 8'd0;
        owed       <= 1'b0;
    end
end

always @* begin
    if (running) begin
        sum_of_the_frame: assert (!(m_axis_tvalid && out_number == beat)
                                  || (owed && m_axis_tdata[lane*SUM_W +: SUM_W] == complete));
        waits_for_its_end_only: assert (s_axis_tready == (!m_axis_tvalid || m_axis_tready));
    end
end

(* hierconn *) wire              \dut.step ;
(* hierconn *) wire              \dut.in_valid ;
(* hierconn *) wire [BEAT_W-1:0] \dut.in_beat ;
(* hierconn *) wire [BEAT_W-1:0] \dut.beat ;

// Only a memory of more than two words is read into a register.
generate
    if (BEATS > 2) begin : memory
        always @* begin
            if (running) begin
                never_read_while_written: assert (!(s_axis_tvalid && \dut.step && \dut.in_valid )
                                                  || \dut.in_beat != \dut.beat );
            end
        end
    end
endgenerate

endmodule
