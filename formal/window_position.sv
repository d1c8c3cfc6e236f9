// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * window_position: column, borders and ends are those of the STRIDE-th pixels of an image, row by row, image by image.
 */
module window_position_properties #(
    parameter HEIGHT_PIXELS = 3,
    parameter WIDTH_PIXELS  = 4,
    parameter STRIDE        = 1
) (
    input wire clk,
    input wire rst,
    input wire step
);

localparam COL_W = WIDTH_PIXELS > 1 ? $clog2(WIDTH_PIXELS) : 1;

wire [COL_W-1:0] col;
wire             ends_row;
wire             ends_image;
wire [3:0]       border;

window_position #(.HEIGHT_PIXELS(HEIGHT_PIXELS), .WIDTH_PIXELS(WIDTH_PIXELS), .STRIDE(STRIDE)) dut (
    .clk(clk),
    .rst(rst),
    .step(step),
    .col(col),
    .ends_row(ends_row),
    .ends_image(ends_image),
    .border(border)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

// The centre, as numbers that know no flags.
reg [7:0] x;
reg [7:0] y;

wire last_x = x + STRIDE >= WIDTH_PIXELS;
wire last_y = y + STRIDE >= HEIGHT_PIXELS;

always @(posedge clk) begin
    if (step) begin
        x <= last_x ? 8'd0 : x + STRIDE;
        y <= !last_x ? y : last_y ? 8'd0 : y + STRIDE;
    end
    if (rst) begin
        x <= 8'd0;
        y <= 8'd0;
    end
end

always @* begin
    if (running) begin
        column: assert (col == x);
        ends: assert (ends_row == last_x && ends_image == last_y);
        borders: assert (border == {x + 1 == WIDTH_PIXELS, x == 0, y + 1 == HEIGHT_PIXELS, y == 0});
    end
end

`ifdef INVARIANTS
(* hierconn *) wire [(HEIGHT_PIXELS > 1 ? $clog2(HEIGHT_PIXELS) : 1)-1:0] \dut.row ;

always @* begin
    if (running) begin
        row: assert (\dut.row == y);
        inside: assert (x % STRIDE == 0 && y % STRIDE == 0 && x < WIDTH_PIXELS && y < HEIGHT_PIXELS);
    end
end
`endif

endmodule
