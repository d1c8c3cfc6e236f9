// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Marks the last logit of a frame and names the winner: on the beat with tlast, tuser is the class of the largest
 * logit, the lowest class on a tie; on the others tuser is 0.
 *
 * Latency 1 cycle, throughput 1 logit a cycle. Reset restarts at a frame's first logit.
 */
module argmax #(
    // Classes
    parameter CLASSES = 10,
    // Derived: width of a class number
    parameter CLASS_W = CLASSES > 1 ? $clog2(CLASSES) : 1
) (
    input  wire               clk,
    input  wire               rst,

    // Stream input, one logit a beat
    input  wire [31:0]        s_axis_tdata,
    input  wire               s_axis_tvalid,
    output wire               s_axis_tready,

    // Stream output
    output wire [31:0]        m_axis_tdata,
    output wire               m_axis_tlast,
    output wire [CLASS_W-1:0] m_axis_tuser,
    output wire               m_axis_tvalid,
    input  wire               m_axis_tready
);

localparam LAST = CLASSES - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (CLASSES < 1) begin : check
        CLASSES_must_be_at_least_1 stop ();
    end
endgenerate

reg [CLASS_W-1:0] number;
reg [CLASS_W-1:0] best;
reg signed [31:0] best_logit;

// Compared by the sign of a difference: a carry chain.
wire signed [31:0] logit      = s_axis_tdata;
wire signed [32:0] difference = {best_logit[31], best_logit} - {logit[31], logit};
wire        [31:0] unused_difference = difference[31:0];
wire               better = number == 0 || difference[32];
wire [CLASS_W-1:0] winner = better ? number : best;
wire               last   = number == LAST[CLASS_W-1:0];

reg [31:0]        out_data;
reg               out_last;
reg [CLASS_W-1:0] out_user;
reg               out_valid;

assign s_axis_tready = !out_valid || m_axis_tready;
assign m_axis_tdata  = out_data;
assign m_axis_tlast  = out_last;
assign m_axis_tuser  = out_user;
assign m_axis_tvalid = out_valid;

always @(posedge clk) begin
    if (s_axis_tready) begin
        out_data  <= s_axis_tdata;
        out_last  <= last;
        out_user  <= last ? winner : {CLASS_W{1'b0}};
        out_valid <= s_axis_tvalid;
    end
    if (s_axis_tvalid && s_axis_tready) begin
        number <= last ? {CLASS_W{1'b0}} : number + 1'b1;
        best   <= winner;
        if (better) begin
            best_logit <= logit;
        end
    end
    if (rst) begin
        number    <= {CLASS_W{1'b0}};
        out_valid <= 1'b0;
    end
end

endmodule

`resetall
