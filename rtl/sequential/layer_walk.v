// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Walks through all windows of a layer: for each output pixel and group of output channels the nine taps, each in
 * `steps` steps. Says which word of the plane and which of the weights a step takes.
 *
 * Words of a plane lie pixel by pixel. A group's steps follow one word after another within a row of taps, `row_jump`
 * leads to the next row; where `hold` is set all steps of a tap take the same word. Behind a window's last group its
 * first word lies `pixel_step` further, at the end of a row of windows `row_step`. Addresses wrap; those of taps
 * outside the image mean nothing. The weights' address counts up from `weights` and begins again with each window.
 *
 * `start` begins, with all numbers of the layer held until `busy` has fallen. The first step comes a cycle later, one
 * a cycle, and `pause` cycles without one behind each group. Reset ends the walk.
 */
module layer_walk #(
    // Widths: of an address of the plane, of the weights, of numbers of rows and columns, groups, steps and pauses
    parameter PLANE_W  = 10,
    parameter WEIGHT_W = 12,
    parameter SIDE_W   = 5,
    parameter GROUP_W  = 3,
    parameter STEP_W   = 3,
    parameter PAUSE_W  = 3
) (
    input  wire                clk,
    input  wire                rst,

    input  wire                start,
    output wire                busy,

    // The layer: numbers of rows, columns, groups and steps are each one less
    input  wire [SIDE_W-1:0]   rows,
    input  wire [SIDE_W-1:0]   columns,
    input  wire [GROUP_W-1:0]  groups,
    input  wire [STEP_W-1:0]   steps,
    input  wire [PAUSE_W-1:0]  pause,
    input  wire                stride_2,
    input  wire                hold,
    input  wire [PLANE_W-1:0]  first_word,
    input  wire [PLANE_W-1:0]  row_jump,
    input  wire [PLANE_W-1:0]  pixel_step,
    input  wire [PLANE_W-1:0]  row_step,
    input  wire [WEIGHT_W-1:0] weights,

    // A step
    output wire                step,
    output wire [PLANE_W-1:0]  plane_addr,
    output wire [WEIGHT_W-1:0] weight_addr,
    // Tap inside the image; first step of a tap; first and last step of a group
    output wire                is_inside,
    output wire                tap_first,
    output wire                first,
    output wire                last
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (PLANE_W < 1) begin : check_1
        PLANE_W_must_be_at_least_1 stop ();
    end
    if (WEIGHT_W < 1) begin : check_2
        WEIGHT_W_must_be_at_least_1 stop ();
    end
    if (SIDE_W < 1) begin : check_3
        SIDE_W_must_be_at_least_1 stop ();
    end
    if (GROUP_W < 1) begin : check_4
        GROUP_W_must_be_at_least_1 stop ();
    end
    if (STEP_W < 1) begin : check_5
        STEP_W_must_be_at_least_1 stop ();
    end
    if (PAUSE_W < 1) begin : check_6
        PAUSE_W_must_be_at_least_1 stop ();
    end
endgenerate

reg                running;
reg [SIDE_W-1:0]   row;
reg [SIDE_W-1:0]   column;
reg [GROUP_W-1:0]  group;
reg [1:0]          ky;
reg [1:0]          kx;
reg [STEP_W-1:0]   number;
reg [PAUSE_W-1:0]  waiting;
reg [PLANE_W-1:0]  window;   // first word of the window
reg [PLANE_W-1:0]  word;
reg [WEIGHT_W-1:0] weight;

wire last_step   = number == steps;
wire last_kx     = kx == 2'd2;
wire last_ky     = ky == 2'd2;
wire last_group  = group == groups;
wire last_column = column == columns;
wire last_row    = row == rows;
wire ends_row    = last_step && last_kx;
wire ends_group  = ends_row && last_ky;
wire ends_window = ends_group && last_group;
wire moves       = running && waiting == 0;

wire above = ky == 2'd0 && row == 0;
wire below = last_ky && last_row && !stride_2;
wire left  = kx == 2'd0 && column == 0;
wire right = last_kx && last_column && !stride_2;

wire [PLANE_W-1:0] next_window = window + (last_column ? row_step : pixel_step);
wire [PLANE_W-1:0] onward      = {{PLANE_W-1{1'b0}}, last_step || !hold};
wire [PLANE_W-1:0] next_word   = word + (ends_row ? row_jump : onward);

assign busy        = running;
assign step        = moves;
assign plane_addr  = word;
assign weight_addr = weight;
assign is_inside   = !above && !below && !left && !right;
assign tap_first   = number == 0;
assign first       = tap_first && kx == 2'd0 && ky == 2'd0;
assign last        = ends_group;

always @(posedge clk) begin
    if (waiting != 0) begin
        waiting <= waiting - 1'b1;
    end
    if (moves) begin
        number <= last_step ? {STEP_W{1'b0}} : number + 1'b1;
        weight <= ends_window ? weights : weight + 1'b1;
        word   <= ends_window ? next_window : ends_group ? window : next_word;
        if (last_step) begin
            kx <= last_kx ? 2'd0 : kx + 2'd1;
        end
        if (ends_row) begin
            ky <= last_ky ? 2'd0 : ky + 2'd1;
        end
        if (ends_group) begin
            group   <= last_group ? {GROUP_W{1'b0}} : group + 1'b1;
            waiting <= pause;
        end
        if (ends_window) begin
            window <= next_window;
            column <= last_column ? {SIDE_W{1'b0}} : column + 1'b1;
            if (last_column) begin
                row     <= row + 1'b1;
                running <= !last_row;
            end
        end
    end
    if (start) begin
        running <= 1'b1;
        row     <= {SIDE_W{1'b0}};
        column  <= {SIDE_W{1'b0}};
        group   <= {GROUP_W{1'b0}};
        ky      <= 2'd0;
        kx      <= 2'd0;
        number  <= {STEP_W{1'b0}};
        waiting <= {PAUSE_W{1'b0}};
        window  <= first_word;
        word    <= first_word;
        weight  <= weights;
    end
    if (rst) begin
        running <= 1'b0;
    end
end

endmodule

`resetall
