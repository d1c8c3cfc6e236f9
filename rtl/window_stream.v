// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * 3x3 windows with zero padding 1 over a pixel stream, a pixel a cycle, stride 1 or 2, frames back to back.
 *
 * Output (y, x) is centred on pixel (STRIDE*y, STRIDE*x). Tap t = 3*ky + kx lies at m_window[t*WIDTH +: WIDTH]; tuser[t]
 * tells whether it is inside the image (what m_window holds for a tap outside is arbitrary).
 *
 * As window_buffer and window_walk, but without a cycle between two steps: a path leads from m_axis_tready to
 * s_axis_tready, so that the one is to come from a register and the other to end at one. At stride 1 a frame's last
 * windows leave while the next frame comes in; where none comes they leave by themselves, and its pixels are taken
 * again after the last of them. One memory of WIDTH_PIXELS words holds the two rows above the current one. Reset
 * restarts at the first pixel.
 */
module window_stream #(
    // Width of a pixel in bits
    parameter WIDTH         = 8,
    // Image size in pixels: at stride 1 at least 2 either way, at stride 2 even
    parameter HEIGHT_PIXELS = 8,
    parameter WIDTH_PIXELS  = 8,
    // 1 or 2
    parameter STRIDE        = 1
) (
    input  wire               clk,
    input  wire               rst,

    // Stream input, one pixel a beat
    input  wire [WIDTH-1:0]   s_axis_tdata,
    input  wire               s_axis_tvalid,
    output wire               s_axis_tready,

    // Stream output, one window a beat
    output wire [8:0]         m_axis_tuser,
    output wire               m_axis_tvalid,
    input  wire               m_axis_tready,
    // The window, from a cycle after its beat is offered to a cycle after it is taken
    output wire [9*WIDTH-1:0] m_window
);

localparam ROW_W    = $clog2(HEIGHT_PIXELS);
localparam COL_W    = $clog2(WIDTH_PIXELS);
localparam LAST_ROW = HEIGHT_PIXELS - 1;
localparam LAST_COL = WIDTH_PIXELS - 1;
localparam SECOND   = 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check_1
        WIDTH_must_be_at_least_1 stop ();
    end
    if (HEIGHT_PIXELS < 2 || WIDTH_PIXELS < 2) begin : check_2
        an_image_must_have_at_least_2_by_2_pixels stop ();
    end
    if (STRIDE != 1 && STRIDE != 2) begin : check_3
        STRIDE_must_be_1_or_2 stop ();
    end
    if (STRIDE == 2 && (HEIGHT_PIXELS % 2 != 0 || WIDTH_PIXELS % 2 != 0)) begin : check_4
        STRIDE_2_needs_an_even_image stop ();
    end
endgenerate

// -------------------------------------------------------------------------------------------------------------------
// Steps: each brings one column of three rows into view
// -------------------------------------------------------------------------------------------------------------------

reg  [COL_W-1:0] at;       // column that the step brings
reg  [COL_W-1:0] next_at;  // the one to its right, or the first of the next row
wire [COL_W-1:0] then_at;  // column that the step after this one brings

wire pixel;      // the step takes a pixel
wire step;
wire completed;  // the step completes a window
wire [2:0] rows_inside;
wire [2:0] cols_inside;

reg       out_valid;
reg [8:0] out_taps;

// A step moves what the window that waits is made of.
wire out_free = !out_valid || m_axis_tready;

always @(posedge clk) begin
    if (step) begin
        at      <= then_at;
        next_at <= then_at == LAST_COL[COL_W-1:0] ? {COL_W{1'b0}} : then_at + 1'b1;
    end
    if (rst) begin
        at      <= {COL_W{1'b0}};
        next_at <= SECOND[COL_W-1:0];
    end
end

generate
    if (STRIDE == 1) begin : every_pixel
        localparam LAG_W    = $clog2(WIDTH_PIXELS + 2);
        localparam ROW_UP   = HEIGHT_PIXELS - 2;
        localparam ONE_LESS = WIDTH_PIXELS;  // than the most pixels that wait for their windows

        reg [COL_W-1:0] in_col;  // of the next pixel: `at`, which goes further while a frame is flushed
        reg [ROW_W-1:0] row;     // centre of the next window
        reg [COL_W-1:0] col;
        reg [LAG_W-1:0] lag;     // pixels that have come and whose windows have not left

        // With `full` a pixel completes a window. The last WIDTH_PIXELS + 1 windows of a frame need none.
        reg at_last_col;
        reg at_last_row;
        reg full;       // lag == WIDTH_PIXELS + 1, the most
        reg can_flush;  // in the last row, or full at the end of the row above

        wire fill  = !full && !can_flush;
        wire flush = can_flush && !(full && s_axis_tvalid) && out_free;

        assign s_axis_tready = (fill || full) && out_free;
        assign pixel         = s_axis_tvalid && s_axis_tready;
        assign step          = pixel || flush;
        assign completed     = step && !fill;
        assign then_at       = flush && at_last_row && at_last_col ? in_col : next_at;
        assign rows_inside   = {!at_last_row, 1'b1, row != 0};
        assign cols_inside   = {!at_last_col, 1'b1, col != 0};

        wire [COL_W-1:0] next_col = !completed ? col : at_last_col ? {COL_W{1'b0}} : col + 1'b1;
        wire [ROW_W-1:0] next_row =
            !(completed && at_last_col) ? row : at_last_row ? {ROW_W{1'b0}} : row + 1'b1;
        wire             ahead    = pixel && fill;  // lag + 1; where a frame is flushed lag - 1, all ones
        wire             next_full = ahead ? lag == ONE_LESS[LAG_W-1:0] : full && !flush;
        wire             next_at_last_col = next_col == LAST_COL[COL_W-1:0];
        wire             next_at_last_row = next_row == LAST_ROW[ROW_W-1:0];

        always @(posedge clk) begin
            if (pixel) begin
                in_col <= next_at;
            end
            col         <= next_col;
            row         <= next_row;
            lag         <= lag + {{LAG_W-1{flush}}, ahead || flush};
            at_last_col <= next_at_last_col;
            at_last_row <= next_at_last_row;
            full        <= next_full;
            can_flush   <= next_at_last_row || (next_full && next_at_last_col && next_row == ROW_UP[ROW_W-1:0]);
            if (rst) begin
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
    end else begin : every_other_pixel
        // No window is centred on the last row or column: the pixel below and to the right of the centre completes it.
        reg [ROW_W-1:0] row;  // of the next pixel

        wire completes = row[0] && at[0];

        assign s_axis_tready = out_free;
        assign pixel         = s_axis_tvalid && s_axis_tready;
        assign step          = pixel;
        assign completed     = pixel && completes;
        assign then_at       = next_at;
        assign rows_inside   = {2'b11, row != 1};
        assign cols_inside   = {2'b11, at != 1};

        always @(posedge clk) begin
            if (pixel && at == LAST_COL[COL_W-1:0]) begin
                row <= row == LAST_ROW[ROW_W-1:0] ? {ROW_W{1'b0}} : row + 1'b1;
            end
            if (rst) begin
                row <= {ROW_W{1'b0}};
            end
        end
    end
endgenerate

// -------------------------------------------------------------------------------------------------------------------
// Rows and columns
// -------------------------------------------------------------------------------------------------------------------

// A word is read while that of the column before it is written.
localparam unused_style     = WIDTH_PIXELS > 32 ? "block" : "auto";  // by simulators
localparam unused_syn_style = WIDTH_PIXELS > 32 ? "block_ram,no_rw_check" : "no_rw_check";
(* ram_style = unused_style, syn_ramstyle = unused_syn_style, ramstyle = "no_rw_check", no_rw_check *)
reg [2*WIDTH-1:0] lines [0:WIDTH_PIXELS-1];
reg [2*WIDTH-1:0] line;

always @(posedge clk) begin
    if (pixel) begin
        lines[at] <= {line[WIDTH-1:0], s_axis_tdata};
    end
    if (step) begin
        line <= lines[then_at];
    end
end

// Columns of three rows: the newest and the two before it.
reg [3*WIDTH-1:0] column_2;
reg [3*WIDTH-1:0] column_1;
reg [3*WIDTH-1:0] column_0;

always @(posedge clk) begin
    if (step) begin
        column_2 <= {line, s_axis_tdata};
        column_1 <= column_2;
        column_0 <= column_1;
    end
end

// The window follows its beat by a cycle: what enables the columns is not looked at by its register.
reg  [9*WIDTH-1:0] window;
wire [9*WIDTH-1:0] in_view;
wire [8:0]         taps;

genvar ky;
generate
    for (ky = 0; ky < 3; ky = ky + 1) begin : rows
        assign in_view[(3*ky+0)*WIDTH +: WIDTH] = column_0[(2-ky)*WIDTH +: WIDTH];
        assign in_view[(3*ky+1)*WIDTH +: WIDTH] = column_1[(2-ky)*WIDTH +: WIDTH];
        assign in_view[(3*ky+2)*WIDTH +: WIDTH] = column_2[(2-ky)*WIDTH +: WIDTH];
        assign taps[3*ky +: 3] = rows_inside[ky] ? cols_inside : 3'b000;
    end
endgenerate

always @(posedge clk) begin
    window <= in_view;
    if (out_free) begin
        out_taps  <= taps;
        out_valid <= completed;
    end
    if (rst) begin
        out_valid <= 1'b0;
    end
end

assign m_axis_tuser  = out_taps;
assign m_axis_tvalid = out_valid;
assign m_window      = window;

endmodule

`resetall
