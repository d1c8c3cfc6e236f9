// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * operand_memory: the operands of every window that is there are the first bits of its pixels, those of the window before
 * the second bits, 0 outside the image, however pixels come and windows are taken; windows of one chunk.
 */
module operand_memory_properties #(
    parameter ROWS   = 2,
    parameter COLS   = 2,
    parameter STRIDE = 1,
    parameter SLOTS  = 2,
    parameter BLOCK  = 0
) (
    input wire       clk,
    input wire       rst,
    input wire [1:0] s_axis_tdata,
    input wire       s_axis_tvalid,
    input wire       taking,
    input wire       lsb
);

wire       s_axis_tready;
wire       window_valid;
wire       window_next;
wire       window_taken;
wire [3:0] border;
wire [8:0] data;

operand_memory #(
    .CHANNELS(1), .SIMD(9), .HEIGHT_PIXELS(ROWS), .WIDTH_PIXELS(COLS), .STRIDE(STRIDE), .SLOTS(SLOTS), .BLOCK(BLOCK)
) dut (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .window_valid(window_valid),
    .window_next(window_next),
    .window_taken(window_taken),
    .lsb(lsb),
    .chunk(1'b0),
    .border(border),
    .data(data)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(2), .ASSUMED(1)) in (
    .clk(clk), .rst(rst), .data(s_axis_tdata), .valid(s_axis_tvalid), .ready(s_axis_tready));

// A window is taken with the last of nine commands or more, the first of which comes a cycle after it is there. Second
// passes begin eight cycles after a first one at least (fractional_core).
localparam PASS = 9;
localparam LONG = PASS + 8;

reg [4:0] present;  // cycles for which the window has been there, up to LONG
reg [4:0] before;   // the same of the one before, from when it was there
reg       any_before;

assign window_taken = taking && window_valid && present >= PASS;

always @(posedge clk) begin
    present <= window_taken || !window_valid ? 5'd0 : present < LONG ? present + 1'b1 : present;
    if (window_taken) begin
        before     <= present + 1'b1;
        any_before <= 1'b1;
    end else if (before < LONG) begin
        before <= before + 1'b1;
    end
    if (rst) begin
        present    <= 5'd0;
        any_before <= 1'b0;
    end
end

// All pixels so far, of a few frames; the place of the window that is there.
localparam PIXELS = ROWS * COLS;
localparam FRAMES = 8 / PIXELS > 1 ? 8 / PIXELS : 2;

reg [2*PIXELS*FRAMES-1:0] seen;
reg [5:0]                 count;
reg [3:0]                 frame;
reg [3:0]                 row;
reg [3:0]                 col;
reg [3:0]                 frame_before;
reg [3:0]                 row_before;
reg [3:0]                 col_before;

wire last_col = col + STRIDE >= COLS;
wire last_row = row + STRIDE >= ROWS;

always @(posedge clk) begin
    if (s_axis_tvalid && s_axis_tready) begin
        seen[2*count +: 2] <= s_axis_tdata;
        count              <= count + 1'b1;
    end
    if (window_taken) begin
        col          <= last_col ? 4'd0 : col + STRIDE;
        row          <= !last_col ? row : last_row ? 4'd0 : row + STRIDE;
        frame        <= last_col && last_row ? frame + 1'b1 : frame;
        frame_before <= frame;
        row_before   <= row;
        col_before   <= col;
    end
    if (rst) begin
        count <= 6'd0;
        frame <= 4'd0;
        row   <= 4'd0;
        col   <= 4'd0;
    end
end

always @* begin
    assume (count < PIXELS * FRAMES || !s_axis_tvalid);
end

// Operands as their definition has them.
function [8:0] operands(input [3:0] of_frame, input [3:0] y, input [3:0] x, input second);
    integer t;
    reg [5:0] up;
    reg [5:0] left;
    begin
        for (t = 0; t < 9; t = t + 1) begin
            up          = y + t / 3;  // one more than the row
            left        = x + t % 3;
            operands[t] = up >= 1 && up <= ROWS && left >= 1 && left <= COLS
                && seen[2 * (of_frame * PIXELS + (up - 1) * COLS + left - 1) + !second];
        end
    end
endfunction

wire [3:0] at_row = lsb ? row_before : row;
wire [3:0] at_col = lsb ? col_before : col;

wire      asked = running && !rst && (lsb ? any_before && before >= LONG : window_valid);
reg       wanted;
reg [8:0] expected;
reg       promised;
reg       waited;

always @(posedge clk) begin
    wanted   <= asked;
    expected <= lsb ? operands(frame_before, row_before, col_before, 1'b1) : operands(frame, row, col, 1'b0);
    promised <= running && !rst && window_taken && window_next;
    waited   <= running && !rst && window_valid && !window_taken;
end

always @* begin
    if (running) begin
        operands_of_the_window: assert (!wanted || data == expected);
        stays_until_taken: assert (!waited || window_valid);
        next_is_there: assert (!promised || window_valid);
        if (lsb ? any_before : window_valid) begin
            border_of_the_window: assert (border == {at_col == COLS - 1, at_col == 0, at_row == ROWS - 1, at_row == 0});
        end
    end
end

// No word that counts is read in the cycle in which it is written.
(* hierconn *) wire                  \dut.store ;
(* hierconn *) wire                  \dut.addressed ;
(* hierconn *) wire                  \dut.addressed_inside ;
(* hierconn *) wire [2+(COLS > 2):0] \dut.in_addr ;
(* hierconn *) wire [2+(COLS > 2):0] \dut.out_addr ;
(* hierconn *) wire [8:0]            \dut.write ;
(* hierconn *) wire [$clog2(SLOTS):0] \dut.write_addr ;
(* hierconn *) wire [$clog2(SLOTS):0] \dut.wanted_addr ;

// Block RAM is read with the command, LUT RAM a cycle behind it.
reg  [$clog2(SLOTS):0] late_addr;
wire                   tap_read    = BLOCK != 0 ? asked : wanted;
wire [$clog2(SLOTS):0] tap_addr    = BLOCK != 0 ? \dut.wanted_addr : late_addr;
wire                   tap_written = BLOCK != 0 ? \dut.write [8] : |\dut.write ;

always @(posedge clk) begin
    late_addr <= \dut.wanted_addr ;
end

always @* begin
    if (running) begin
        line_read_or_written: assert (!\dut.store || !\dut.addressed || !\dut.addressed_inside
                                     || \dut.in_addr != \dut.out_addr );
        tap_read_or_written: assert (!tap_read || !tap_written || \dut.write_addr != tap_addr);
    end
end

endmodule
