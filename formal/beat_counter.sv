// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * beat_counter: the ROM always holds the word of the beat that is taken next, from the second cycle after reset on.
 */
module beat_counter_properties #(
    parameter BEATS = 3
) (
    input wire clk,
    input wire rst,
    input wire advance
);

localparam BEAT_W = BEATS > 1 ? $clog2(BEATS) : 1;

wire              read;
wire [BEAT_W-1:0] addr;

beat_counter #(.BEATS(BEATS)) dut (
    .clk(clk),
    .rst(rst),
    .advance(advance),
    .read(read),
    .addr(addr)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

// The ROM, which knows of its word only the address; the beat that is next; whether a reset was in the last cycle.
reg [BEAT_W-1:0] word;
reg [BEAT_W-1:0] beat  = {BEAT_W{1'b0}};
reg              start = 1'b0;

always @(posedge clk) begin
    start <= rst;
    if (read) begin
        word <= addr;
    end
    if (advance) begin
        beat <= beat == BEATS - 1 ? {BEAT_W{1'b0}} : beat + 1'b1;
    end
    if (rst) begin
        beat <= {BEAT_W{1'b0}};
    end
end

// What has just been reset offers nothing yet.
always @* begin
    assume (!start || !advance);
end

always @* begin
    if (running) begin
        word_of_the_beat: assert (start || word == beat);
        address_exists: assert (!read || addr < BEATS);
    end
end

`ifdef INVARIANTS
(* hierconn *) wire [BEAT_W-1:0] \dut.following ;
(* hierconn *) wire              \dut.starting ;

wire [BEAT_W-1:0] next = beat == BEATS - 1 ? {BEAT_W{1'b0}} : beat + 1'b1;

always @* begin
    if (running) begin
        begins: assert (!start || beat == 0);
        counter: assert (\dut.following == (start ? {BEAT_W{1'b0}} : next) && \dut.starting == start && beat < BEATS);
    end
end
`endif

endmodule
