// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * 3x3 windows with zero padding 1 over a pixel stream, stride 1, frames back to back.
 *
 * Output (y, x) is centred on pixel (y, x). Tap t = 3*ky + kx lies at m_window[t*WIDTH +: WIDTH]; tuser[t] tells whether
 * it is inside the image (what m_window holds for a tap outside is arbitrary).
 *
 * While a frame's last row of windows leaves, the first row of the next frame comes in, so that a full stream never
 * waits: a window a pixel, at most every other cycle (what happens is decided in the first and done in the second, so
 * that no path leads from one side's ready to the other's, and steps come from a register). Where no pixel comes, the windows
 * of a complete frame leave by themselves, so that no result waits for another frame; the pixels of the next are then
 * taken again after the last of them. A window follows the pixel WIDTH_PIXELS + 1 places after its centre by 2 cycles,
 * its beat by 1. One memory of WIDTH_PIXELS words holds the two rows above the current one. Reset restarts at the first
 * pixel.
 */
module window_buffer #(
    // Width of a pixel in bits
    parameter WIDTH         = 8,
    // Image size in pixels, at least 2 either way (window_walk takes any)
    parameter HEIGHT_PIXELS = 8,
    parameter WIDTH_PIXELS  = 8,
    // 1: a window leaves into a register, see window_columns
    parameter BUFFERED      = 1
) (
    input  wire               clk,
    input  wire               rst,

    // Stream input, one pixel a beat
    input  wire [WIDTH-1:0]   s_axis_tdata,
    input  wire               s_axis_tvalid,
    output wire               s_axis_tready,

    // Stream output, one window a beat; tnext: when the window is taken another is there in the next cycle
    output wire [8:0]         m_axis_tuser,
    output wire               m_axis_tvalid,
    output wire               m_axis_tnext,
    input  wire               m_axis_tready,
    // The window, from a cycle after its beat is offered to a cycle after it is taken
    output wire [9*WIDTH-1:0] m_window
);

localparam ROW_W    = $clog2(HEIGHT_PIXELS);
localparam COL_W    = $clog2(WIDTH_PIXELS);
localparam LAG_W    = $clog2(WIDTH_PIXELS + 2);
localparam LAST_ROW = HEIGHT_PIXELS - 1;
localparam LAST_COL = WIDTH_PIXELS - 1;
localparam ROW_UP   = HEIGHT_PIXELS - 2;
localparam SECOND   = 1;
localparam ONE_LESS = WIDTH_PIXELS;  // than the most pixels that wait for their windows

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check_1
        WIDTH_must_be_at_least_1 stop ();
    end
    if (HEIGHT_PIXELS < 2 || WIDTH_PIXELS < 2) begin : check_2
        an_image_must_have_at_least_2_by_2_pixels stop ();
    end
endgenerate

// -------------------------------------------------------------------------------------------------------------------
// Steps: each brings one column of three rows into view
// -------------------------------------------------------------------------------------------------------------------

reg [COL_W-1:0] in_col;   // of the next pixel
reg [COL_W-1:0] at;       // column that the next step brings: in_col, or further while a frame is flushed
reg [COL_W-1:0] next_at;  // column that the step after brings: a register, since it goes to all bits of the line memory
reg [ROW_W-1:0] row;      // centre of the next window
reg [COL_W-1:0] col;
reg [LAG_W-1:0] lag;      // pixels that have come and whose windows have not left

// Kept beside the counters: whether a window can be completed decides what the engine does in the same cycle.
// With `full` the next step completes a window. The last WIDTH_PIXELS + 1 windows of a frame need no pixel for that.
reg at_last_col;
reg at_last_row;
reg full;         // lag == WIDTH_PIXELS + 1, the most
reg can_flush;    // in the last row, or full at the end of the row above

// A window goes into the output register, and in the next cycle the step is made that shows the following one.
reg  step;
reg  pixel;  // the step takes a pixel
wire load;
wire loaded;
wire fill = !full && !can_flush && s_axis_tvalid && !step;  // a pixel that completes no window

wire complete = can_flush || (full && s_axis_tvalid);
wire flush    = step && !pixel;

assign s_axis_tready = pixel;

always @(posedge clk) begin
    step  <= load || fill;
    pixel <= (load && full && s_axis_tvalid) || fill;
    if (rst) begin
        step  <= 1'b0;
        pixel <= 1'b0;
    end
end

wire flush_ends = at_last_row && at_last_col;

// What a step does is decided in a cycle without one: whether its step takes a pixel, and where that leads, is then known.
wire [COL_W-1:0] previous = step ? next_at : at;
wire [COL_W-1:0] after    = previous == LAST_COL[COL_W-1:0] ? {COL_W{1'b0}} : previous + 1'b1;
wire             returns  = !step && flush_ends && !(full && s_axis_tvalid);

wire [COL_W-1:0] next_col = !loaded ? col : at_last_col ? {COL_W{1'b0}} : col + 1'b1;
wire [ROW_W-1:0] next_row = !(loaded && at_last_col) ? row : at_last_row ? {ROW_W{1'b0}} : row + 1'b1;
wire             ahead    = pixel && !loaded;  // lag + 1; where a frame is flushed lag - 1, all ones
wire [LAG_W-1:0] next_lag = lag + {{LAG_W-1{flush}}, ahead || flush};

wire next_at_last_col = next_col == LAST_COL[COL_W-1:0];
wire next_at_last_row = next_row == LAST_ROW[ROW_W-1:0];
wire next_full        = ahead ? lag == ONE_LESS[LAG_W-1:0] : full && !flush;  // of next_lag, without its adder

always @(posedge clk) begin
    if (step) begin
        at <= next_at;
    end
    if (pixel) begin
        in_col <= next_at;
    end
    next_at     <= returns ? in_col : after;
    col         <= next_col;
    row         <= next_row;
    lag         <= next_lag;
    at_last_col <= next_at_last_col;
    at_last_row <= next_at_last_row;
    full        <= next_full;
    can_flush   <= next_at_last_row || (next_full && next_at_last_col && next_row == ROW_UP[ROW_W-1:0]);
    if (rst) begin
        at          <= {COL_W{1'b0}};
        next_at     <= SECOND[COL_W-1:0];
        in_col      <= {COL_W{1'b0}};
        row         <= {ROW_W{1'b0}};
        col         <= {COL_W{1'b0}};
        lag         <= {LAG_W{1'b0}};
        at_last_col <= 1'b0;
        at_last_row <= 1'b0;
        full        <= 1'b0;
        can_flush   <= 1'b0;
    end
end

// -------------------------------------------------------------------------------------------------------------------
// Windows
// -------------------------------------------------------------------------------------------------------------------

wire [2:0] rows_inside = {!at_last_row, 1'b1, row != 0};
wire [2:0] cols_inside = {!at_last_col, 1'b1, col != 0};

window_columns #(
    .WIDTH(WIDTH),
    .COLUMNS(WIDTH_PIXELS),
    .BUFFERED(BUFFERED)
) columns (
    .clk(clk),
    .rst(rst),
    .pixel(s_axis_tdata),
    .at(at),
    .next_at(next_at),
    .write(pixel),
    .step(step),
    .complete(complete),
    .rows_inside(rows_inside),
    .cols_inside(cols_inside),
    .load(load),
    .loaded(loaded),
    .m_axis_tuser(m_axis_tuser),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tnext(m_axis_tnext),
    .m_axis_tready(m_axis_tready),
    .m_window(m_window)
);

endmodule

`resetall
