// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Runs a program of INSTRUCTIONS instructions for each image: shows an instruction's number, whose word the program
 * memory gives a cycle later; begins it by a cycle of `start`; waits until it is no longer `busy`, and then DRAIN + 1
 * cycles for what is under way behind it.
 *
 * The first instruction waits for `image`, and `first_done` tells that it no longer needs the pixels. Reset begins
 * anew with the next image.
 */
module program_counter #(
    // Instructions of the program
    parameter INSTRUCTIONS = 22,
    // Cycles from the end of an instruction until the next may begin, less one
    parameter DRAIN        = 30,
    // Derived: width of an instruction's number
    parameter NUMBER_W     = $clog2(INSTRUCTIONS)
) (
    input  wire                clk,
    input  wire                rst,

    // A whole image is there; its pixels are no longer needed
    input  wire                image,
    output wire                first_done,

    output wire [NUMBER_W-1:0] number,
    output wire                start,
    input  wire                busy
);

localparam DRAIN_W = $clog2(DRAIN + 1);
localparam LAST    = INSTRUCTIONS - 1;
localparam ALL     = DRAIN;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (INSTRUCTIONS < 2) begin : check_1
        INSTRUCTIONS_must_be_at_least_2 stop ();
    end
    if (DRAIN < 1) begin : check_2
        DRAIN_must_be_at_least_1 stop ();
    end
endgenerate

localparam [1:0] WAIT  = 2'd0;  // for an image, or for the instruction's word
localparam [1:0] BEGIN = 2'd1;
localparam [1:0] RUN   = 2'd2;
localparam [1:0] EMPTY = 2'd3;

reg [1:0]          state;
reg [NUMBER_W-1:0] instruction;
reg [DRAIN_W-1:0]  left;

wire is_first = instruction == 0;
wire ends     = state == EMPTY && left == 0;

assign number     = instruction;
assign start      = state == BEGIN;
assign first_done = ends && is_first;

always @(posedge clk) begin
    case (state)
        WAIT: begin
            if (image || !is_first) begin
                state <= BEGIN;
            end
        end
        BEGIN: begin
            state <= RUN;
        end
        RUN: begin
            left <= ALL[DRAIN_W-1:0];
            if (!busy) begin
                state <= EMPTY;
            end
        end
        default: begin
            left <= left - 1'b1;
            if (ends) begin
                state       <= WAIT;
                instruction <= instruction == LAST[NUMBER_W-1:0] ? {NUMBER_W{1'b0}} : instruction + 1'b1;
            end
        end
    endcase
    if (rst) begin
        state       <= WAIT;
        instruction <= {NUMBER_W{1'b0}};
    end
end

endmodule

`resetall
