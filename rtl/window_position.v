// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Centre of a 3x3 window that steps over an image, row by row, image by image.
 *
 * A step takes effect in the next cycle. Reset returns to the first window.
 */
module window_position #(
    // Image size in pixels
    parameter HEIGHT_PIXELS = 8,
    parameter WIDTH_PIXELS  = 8,
    // Pixels from one window to the next, either way: 1 or 2
    parameter STRIDE        = 1,
    // Derived: width of a column's number
    parameter COL_W         = WIDTH_PIXELS > 1 ? $clog2(WIDTH_PIXELS) : 1
) (
    input  wire             clk,
    input  wire             rst,

    input  wire             step,
    output reg  [COL_W-1:0] col,
    // The last window of its row; its row is the last of the image
    output reg              ends_row,
    output reg              ends_image,
    // Borders of the image that the window reaches across: {right, left, bottom, top}
    output wire [3:0]       border
);

localparam ROW_W     = HEIGHT_PIXELS > 1 ? $clog2(HEIGHT_PIXELS) : 1;
localparam LAST_COL  = (WIDTH_PIXELS - 1) / STRIDE * STRIDE;
localparam LAST_ROW  = (HEIGHT_PIXELS - 1) / STRIDE * STRIDE;
localparam BEFORE_COL = LAST_COL > 0 ? LAST_COL - STRIDE : 0;
localparam BEFORE_ROW = LAST_ROW > 0 ? LAST_ROW - STRIDE : 0;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (HEIGHT_PIXELS < 1 || WIDTH_PIXELS < 1) begin : check_1
        an_image_must_have_at_least_1_by_1_pixels stop ();
    end
    if (STRIDE < 1 || STRIDE > 2) begin : check_2
        STRIDE_must_be_1_or_2 stop ();
    end
endgenerate

reg [ROW_W-1:0] row;
reg             starts_row;
reg             starts_image;

// At stride 2 and an even size the last window ends at the border.
assign border = {
    ends_row && LAST_COL == WIDTH_PIXELS - 1, starts_row, ends_image && LAST_ROW == HEIGHT_PIXELS - 1, starts_image
};

always @(posedge clk) begin
    if (step) begin
        col        <= ends_row ? {COL_W{1'b0}} : col + STRIDE[COL_W-1:0];
        ends_row   <= LAST_COL == 0 || (!ends_row && col == BEFORE_COL[COL_W-1:0]);
        starts_row <= ends_row;
        if (ends_row) begin
            row          <= ends_image ? {ROW_W{1'b0}} : row + STRIDE[ROW_W-1:0];
            ends_image   <= LAST_ROW == 0 || (!ends_image && row == BEFORE_ROW[ROW_W-1:0]);
            starts_image <= ends_image;
        end
    end
    if (rst) begin
        col          <= {COL_W{1'b0}};
        ends_row     <= LAST_COL == 0;
        starts_row   <= 1'b1;
        row          <= {ROW_W{1'b0}};
        ends_image   <= LAST_ROW == 0;
        starts_image <= 1'b1;
    end
end

endmodule

`resetall
