// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * repeat_pixel: BEATS beats leave as they come, in the same cycle, and then once more in the same order, while none is
 * taken.
 */
module repeat_pixel_properties #(
    parameter WIDTH = 2,
    parameter BEATS = 3
) (
    input wire             clk,
    input wire             rst,
    input wire [WIDTH-1:0] s_axis_tdata,
    input wire             s_axis_tvalid,
    input wire             m_axis_tready
);

localparam BEAT_W = BEATS > 1 ? $clog2(BEATS) : 1;

wire             s_axis_tready;
wire [WIDTH-1:0] m_axis_tdata;
wire             m_axis_tvalid;

repeat_pixel #(.WIDTH(WIDTH), .BEATS(BEATS)) dut (
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

beat_is_kept #(.WIDTH(WIDTH), .ASSUMED(1)) in (
    .clk(clk), .rst(rst), .data(s_axis_tdata), .valid(s_axis_tvalid), .ready(s_axis_tready));
beat_is_kept #(.WIDTH(WIDTH)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid && running), .ready(m_axis_tready));

wire out_beat = m_axis_tvalid && m_axis_tready;

// Which beat leaves next, and in which round; of any one beat of a pixel, what it was in the first.
reg [BEAT_W-1:0] number = {BEAT_W{1'b0}};
reg              second = 1'b0;
reg [WIDTH-1:0]  earlier;

(* anyconst *) wire [BEAT_W-1:0] watched;

always @* begin
    assume (watched < BEATS);
end

always @(posedge clk) begin
    if (out_beat) begin
        number <= number == BEATS - 1 ? {BEAT_W{1'b0}} : number + 1'b1;
        second <= second != (number == BEATS - 1);
        if (!second && number == watched) begin
            earlier <= s_axis_tdata;
        end
    end
    if (rst) begin
        number <= {BEAT_W{1'b0}};
        second <= 1'b0;
    end
end

always @* begin
    if (running) begin
        first_round_passes: assert (second || (m_axis_tvalid == s_axis_tvalid && m_axis_tdata == s_axis_tdata));
        first_round_is_taken: assert (s_axis_tready == (!second && m_axis_tready));
        second_round_is_there: assert (!second || m_axis_tvalid);
        the_same_again: assert (!second || number != watched || m_axis_tdata == earlier);
    end
end

`ifdef INVARIANTS
(* hierconn *) wire [BEAT_W-1:0] \dut.beat ;
(* hierconn *) wire              \dut.again ;
(* hierconn *) wire [WIDTH-1:0]  \dut.memory[0] ;
(* hierconn *) wire [WIDTH-1:0]  \dut.memory[1] ;
(* hierconn *) wire [WIDTH-1:0]  \dut.memory[2] ;
(* hierconn *) wire [WIDTH-1:0]  \dut.memory[3] ;

wire [WIDTH-1:0] stored = watched == 0 ? \dut.memory[0] : watched == 1 ? \dut.memory[1] :
                          watched == 2 ? \dut.memory[2] : \dut.memory[3] ;

always @* begin
    if (running) begin
        state: assert (\dut.beat == number && \dut.again == second && number < BEATS);
        in_memory: assert (!(second || number > watched) || stored == earlier);
    end
end
`endif

endmodule
