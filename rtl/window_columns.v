// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * What window_buffer and window_walk share: the two rows above the current one, and a 3x3 window of the three rows.
 *
 * A step brings column `at` of the three rows into view behind the two columns before it, and reads column `next_at` of
 * the rows above for the step after; with `write` the pixel enters the line memory at `at`, which is then not `next_at`.
 * `load` copies what is in view into the window before the step: tap t = 3*ky + kx at window[t*WIDTH +: WIDTH], and in
 * taps[t] whether its row and its column are inside the image. One step a cycle. Data only: nothing to reset.
 */
module window_columns #(
    // Width of a pixel in bits
    parameter WIDTH   = 8,
    // Pixels of a row
    parameter COLUMNS = 8,
    // Derived: width of a column's number
    parameter ADDR_W  = COLUMNS > 1 ? $clog2(COLUMNS) : 1
) (
    input  wire               clk,

    // Pixel of the current row at column `at`
    input  wire [WIDTH-1:0]   pixel,
    input  wire [ADDR_W-1:0]  at,
    input  wire [ADDR_W-1:0]  next_at,
    input  wire               write,
    input  wire               step,

    // Window, the current row last
    input  wire               load,
    input  wire [2:0]         rows_inside,
    input  wire [2:0]         cols_inside,
    output reg  [9*WIDTH-1:0] window,
    output reg  [8:0]         taps
);

localparam unused_style = COLUMNS >= 32 ? "block" : "auto";  // by simulators
(* ram_style = unused_style, no_rw_check *)
reg [2*WIDTH-1:0] lines [0:COLUMNS-1];
reg [2*WIDTH-1:0] line;

always @(posedge clk) begin
    if (write) begin
        lines[at] <= {line[WIDTH-1:0], pixel};
    end
    if (step) begin
        line <= lines[next_at];
    end
end

// Columns of three rows: the one coming into view and the two before it.
wire [3*WIDTH-1:0] column_2 = {line, pixel};
reg  [3*WIDTH-1:0] column_1;
reg  [3*WIDTH-1:0] column_0;

always @(posedge clk) begin
    if (step) begin
        column_1 <= column_2;
        column_0 <= column_1;
    end
end

integer ky;
always @(posedge clk) begin
    if (load) begin
        for (ky = 0; ky < 3; ky = ky + 1) begin
            window[(3*ky+0)*WIDTH +: WIDTH] <= column_0[(2-ky)*WIDTH +: WIDTH];
            window[(3*ky+1)*WIDTH +: WIDTH] <= column_1[(2-ky)*WIDTH +: WIDTH];
            window[(3*ky+2)*WIDTH +: WIDTH] <= column_2[(2-ky)*WIDTH +: WIDTH];
            taps[3*ky +: 3]                 <= rows_inside[ky] ? cols_inside : 3'b000;
        end
    end
end

endmodule

`resetall
