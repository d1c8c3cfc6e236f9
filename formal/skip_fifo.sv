// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * skip_fifo: where the skip FIFO of an emitted stage refuses a beat, and none leaves it, all pixels of the next window are
 * there: the window branch goes on, and its result frees the FIFO. Whatever the engine, the source and the sink do.
 *
 * The stage is that of a network which the generator emits, with the FIFO at its least depth or as it builds it. With one
 * entry less than the least, FIFO and window branch wait for each other. That a window whose pixels are there becomes a
 * result is shown by conv_progress.
 */
module skip_fifo_properties #(
    parameter HEIGHT   = 2,
    parameter WIDTH    = 4,
    parameter CHANNELS = 1,
    parameter UNROLLED = 0,
    parameter DEPTH    = 3,
    // Derived: beats of a pixel
    parameter BEATS    = UNROLLED != 0 ? 1 : CHANNELS,
    parameter BEAT_W   = 8 * CHANNELS / BEATS
) (
    input wire              clk,
    input wire              rst,
    input wire [BEAT_W-1:0] s_axis_tdata,
    input wire              s_axis_tvalid,
    input wire              m_axis_tready
);

localparam PIXELS = HEIGHT * WIDTH;

// Pixels from a window's centre to the last that it waits for: its lower right corner, a row and a pixel further. An image
// of one column has none to the right; windows of one row leave when all pixels have come.
localparam LOOKAHEAD = HEIGHT == 1 ? WIDTH : WIDTH == 1 ? 2 : WIDTH + 2;

random_stage_01 dut (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(),
    .m_axis_tdata(),
    .m_axis_tvalid(),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

// Both ways from the fork, and the residual sum.
(* hierconn *) wire \dut.branch_tvalid ;
(* hierconn *) wire \dut.branch_tready ;
(* hierconn *) wire \dut.skip_tvalid ;
(* hierconn *) wire \dut.skip_tready ;
(* hierconn *) wire \dut.shortcut_tvalid ;
(* hierconn *) wire \dut.shortcut_tready ;

wire to_branch = \dut.branch_tvalid && \dut.branch_tready && !rst;
wire to_skip   = \dut.skip_tvalid && \dut.skip_tready && !rst;
wire result    = \dut.shortcut_tvalid && \dut.shortcut_tready && !rst;
wire refused   = \dut.skip_tvalid && !\dut.skip_tready ;

reg [15:0] ahead   = 16'd0;  // beats that the window branch has taken and whose results are not in the residual sum
reg [15:0] pixel   = 16'd0;  // of the next result
reg [7:0]  beat    = 8'd0;
reg [1:0]  refusal = 2'd0;   // cycles in which the FIFO refused a beat and no result came

always @(posedge clk) begin
    ahead   <= ahead + to_branch - result;
    refusal <= !refused || result || rst ? 2'd0 : refusal == 2'd3 ? 2'd3 : refusal + 1'b1;
    if (result) begin
        beat <= beat == BEATS - 1 ? 8'd0 : beat + 1'b1;
        if (beat == BEATS - 1) begin
            pixel <= pixel == PIXELS - 1 ? 16'd0 : pixel + 1'b1;
        end
    end
    if (rst) begin
        ahead <= 16'd0;
        beat  <= 8'd0;
        pixel <= 16'd0;
    end
end

// The beat at the fork counts: the branch takes it without the FIFO.
wire [15:0] there  = ahead + \dut.branch_tvalid ;
wire [15:0] left   = PIXELS - pixel;  // of the frame
wire [15:0] needed = (left < LOOKAHEAD ? left : LOOKAHEAD) * BEATS - beat;

always @* begin
    if (running) begin
        window_is_complete: assert (refusal != 2'd3 || !refused || there >= needed);
    end
end

`ifdef INVARIANTS
localparam OUTSIDE = DEPTH > 33 ? 2 : 1;
localparam WORDS   = DEPTH - OUTSIDE;
localparam STORE_W = $clog2(WORDS + 1);

(* hierconn *) wire               \dut.fork_x.taken_0 ;
(* hierconn *) wire               \dut.fork_x.taken_1 ;
(* hierconn *) wire [STORE_W-1:0] \dut.skip_fifo.stored ;
(* hierconn *) wire               \dut.skip_fifo.some ;
(* hierconn *) wire               \dut.skip_fifo.full ;
(* hierconn *) wire               \dut.skip_fifo.read_valid ;
(* hierconn *) wire               \dut.skip_fifo.registered.out_valid ;
(* hierconn *) wire               \dut.skip_register.out_valid ;
(* hierconn *) wire               \dut.skip_register.spare_free ;

wire       last_register = OUTSIDE == 2 && \dut.skip_fifo.registered.out_valid ;
wire       moved_up      = \dut.skip_fifo.read_valid && (OUTSIDE == 1 || last_register) && !\dut.skip_register.spare_free ;
wire [15:0] inside       = \dut.skip_fifo.stored + \dut.skip_fifo.read_valid + last_register
                           + \dut.skip_register.out_valid + !\dut.skip_register.spare_free ;

always @* begin
    if (running) begin
        places: assert (ahead + \dut.fork_x.taken_1 == inside + \dut.fork_x.taken_0 );
        flags: assert (\dut.skip_fifo.some == (\dut.skip_fifo.stored != 0)
                       && \dut.skip_fifo.full == (\dut.skip_fifo.stored == WORDS)
                       && \dut.skip_fifo.stored <= WORDS);
        register: assert (\dut.skip_register.out_valid || \dut.skip_register.spare_free );
        fork_waits: assert (!(\dut.fork_x.taken_0 && \dut.fork_x.taken_1 ));
        position: assert (beat < BEATS && pixel < PIXELS);
        all_full: assert (refusal == 2'd0 || !refused || moved_up);
    end
end
`endif

endmodule
