// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * 3x3 windows with zero padding 1 over a pixel stream, stride 1 or 2.
 *
 * Output (y, x) is centred on pixel (STRIDE*y, STRIDE*x). Tap t = 3*ky + kx lies at m_window[t*WIDTH +: WIDTH];
 * tuser[t] tells whether it is inside the image (what m_window holds for a tap outside is arbitrary).
 *
 * The scan walks one column and one row past the image, without input there, so that the last windows need no further
 * pixels; a step takes 2 cycles (it is decided in the first, in which the window that it completes leaves, and done in
 * the second, so that no path leads from one side's ready to the other's, and steps come from a register). At stride
 * 2 no window is centred on the last row or column and nothing is walked in vain; at stride 1 window_buffer is faster,
 * which wants at least 2x2 pixels.
 * One memory of WIDTH_PIXELS words holds the two rows above the current one. Reset restarts at the first pixel.
 */
module window_walk #(
    // Width of a pixel in bits
    parameter WIDTH         = 8,
    // Image size in pixels
    parameter HEIGHT_PIXELS = 8,
    parameter WIDTH_PIXELS  = 8,
    // 1 or 2; 2 needs an even image size
    parameter STRIDE        = 1,
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

localparam PADDING = STRIDE == 1 ? 1 : 0;  // at stride 2 no window is centred on the last row or column
localparam ROW_W   = $clog2(HEIGHT_PIXELS + 2);
localparam COL_W   = $clog2(WIDTH_PIXELS + 2);
localparam ADDR_W  = WIDTH_PIXELS > 1 ? $clog2(WIDTH_PIXELS) : 1;

localparam ROWS = HEIGHT_PIXELS;
localparam COLS = WIDTH_PIXELS;
localparam LAST_ROW = HEIGHT_PIXELS - 1 + PADDING;
localparam LAST_COL = WIDTH_PIXELS - 1 + PADDING;
localparam SECOND   = 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check_1
        WIDTH_must_be_at_least_1 stop ();
    end
    if (HEIGHT_PIXELS < 1 || WIDTH_PIXELS < 1) begin : check_2
        an_image_must_have_a_pixel stop ();
    end
    if (STRIDE != 1 && STRIDE != 2) begin : check_3
        STRIDE_must_be_1_or_2 stop ();
    end
    if (STRIDE == 2 && (HEIGHT_PIXELS % 2 != 0 || WIDTH_PIXELS % 2 != 0)) begin : check_4
        STRIDE_2_needs_an_even_image stop ();
    end
endgenerate

// The step under way brings column `col` of rows row-2, row-1 and row into view.
reg [ROW_W-1:0] row;
reg [COL_W-1:0] col;
reg [COL_W-1:0] next_col;  // a register, since it goes to all bits of the line memory

// Kept beside the counters: whether a window can be completed decides what the engine does in the same cycle.
reg in_image;
reg centred;  // the step completes a window

// A window goes into the output register, and in the next cycle the step is made that shows the following column.
reg  step;
wire load;
wire unused_loaded;  // the step tells
wire there    = !in_image || s_axis_tvalid;
wire complete = centred && there;

wire             row_ends = next_col == 0;
wire [ROW_W-1:0] next_row = !row_ends ? row : row == LAST_ROW[ROW_W-1:0] ? {ROW_W{1'b0}} : row + 1'b1;

assign s_axis_tready = step && in_image;

always @(posedge clk) begin
    step <= load || (there && !centred && !step);
    if (step) begin
        row      <= next_row;
        col      <= next_col;
        next_col <= next_col == LAST_COL[COL_W-1:0] ? {COL_W{1'b0}} : next_col + 1'b1;
        in_image <= next_row < ROWS[ROW_W-1:0] && next_col < COLS[COL_W-1:0];
        centred  <= next_row != 0 && next_col != 0 && (STRIDE == 1 || (next_row[0] && next_col[0]));
    end
    if (rst) begin
        step     <= 1'b0;
        row      <= {ROW_W{1'b0}};
        col      <= {COL_W{1'b0}};
        next_col <= SECOND[COL_W-1:0];
        in_image <= 1'b1;
        centred  <= 1'b0;
    end
end

wire [2:0] rows_inside = {row < ROWS[ROW_W-1:0], 1'b1, row > 1};
wire [2:0] cols_inside = {col < COLS[COL_W-1:0], 1'b1, col > 1};

window_columns #(
    .WIDTH(WIDTH),
    .COLUMNS(WIDTH_PIXELS),
    .BUFFERED(BUFFERED)
) columns (
    .clk(clk),
    .rst(rst),
    .pixel(s_axis_tdata),
    .at(col[ADDR_W-1:0]),
    .next_at(next_col[ADDR_W-1:0]),
    .write(step && in_image),
    .step(step),
    .complete(complete),
    .rows_inside(rows_inside),
    .cols_inside(cols_inside),
    .load(load),
    .loaded(unused_loaded),
    .m_axis_tuser(m_axis_tuser),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tnext(m_axis_tnext),
    .m_axis_tready(m_axis_tready),
    .m_window(m_window)
);

endmodule

`resetall
