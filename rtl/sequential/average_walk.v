// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Halves a stream of C channels that lies in a memory, pixel by pixel, in place: of each 2x2 pixels the average
 * (a + b + c + d + 2) >> 2, with the channels twice, as the words 2 C p + c and 2 C p + C + c of output pixel p.
 *
 * These words are those of two pixels which have been read before: of the row p lies in for the first two rows, of
 * rows above for all others. The memory answers two cycles after its address. Four cycles a value; `start` begins,
 * with all numbers held until `busy` has fallen, when the last word is written. Reset ends the walk.
 */
module average_walk #(
    // Width of the residual stream, B
    parameter BITS      = 16,
    // Width of an address
    parameter X_W       = 14,
    // Widths of numbers of rows and columns, and of a channel's number
    parameter SIDE_W    = 5,
    parameter CHANNEL_W = 6
) (
    input  wire                 clk,
    input  wire                 rst,

    input  wire                 start,
    output wire                 busy,

    // Numbers of output rows, output columns and input channels, each less one
    input  wire [SIDE_W-1:0]    rows,
    input  wire [SIDE_W-1:0]    columns,
    input  wire [CHANNEL_W-1:0] channels,
    // C; words of a row, less C
    input  wire [X_W-1:0]       pixel,
    input  wire [X_W-1:0]       row_turn,

    output wire [X_W-1:0]       read_addr,
    input  wire [BITS-1:0]      read_data,
    output wire                 write,
    output wire [X_W-1:0]       write_addr,
    output wire [BITS-1:0]      write_data
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (BITS < 2) begin : check_1
        BITS_must_be_at_least_2 stop ();
    end
    if (X_W < 1) begin : check_2
        X_W_must_be_at_least_1 stop ();
    end
    if (SIDE_W < 1) begin : check_3
        SIDE_W_must_be_at_least_1 stop ();
    end
    if (CHANNEL_W < 1) begin : check_4
        CHANNEL_W_must_be_at_least_1 stop ();
    end
endgenerate

// -------------------------------------------------------------------------------------------------------------------
// Reading: the corner of four words, the word right of it, and the two below
// -------------------------------------------------------------------------------------------------------------------

reg                 running;
reg [SIDE_W-1:0]    row;
reg [SIDE_W-1:0]    column;
reg [CHANNEL_W-1:0] channel;
reg [1:0]           place;
reg [X_W-1:0]       word;
reg [X_W-1:0]       corner;

wire last_channel = channel == channels;
wire last_column  = column == columns;
wire last_row     = row == rows;
wire last_place   = place == 2'd3;

// Behind a pixel's last channel follows, C words further, the next pair of pixels; behind a row's end, a row further.
wire [X_W-1:0] to_pair   = last_channel ? pixel : {X_W{1'b0}};
wire [X_W-1:0] to_row    = last_channel && last_column ? pixel + row_turn : {X_W{1'b0}};
reg  [X_W-1:0] jump;  // summed up while the other words are read
wire [X_W-1:0] following = corner + jump;

assign read_addr = word;

always @(posedge clk) begin
    jump <= to_pair + to_row + 1'b1;
    if (running) begin
        place <= place + 2'd1;
        word  <= last_place ? following : word + (place == 2'd1 ? row_turn : pixel);
        if (last_place) begin
            corner  <= following;
            channel <= last_channel ? {CHANNEL_W{1'b0}} : channel + 1'b1;
            if (last_channel) begin
                column <= last_column ? {SIDE_W{1'b0}} : column + 1'b1;
                if (last_column) begin
                    row     <= row + 1'b1;
                    running <= !last_row;
                end
            end
        end
    end
    if (start) begin
        running <= 1'b1;
        row     <= {SIDE_W{1'b0}};
        column  <= {SIDE_W{1'b0}};
        channel <= {CHANNEL_W{1'b0}};
        place   <= 2'd0;
        word    <= {X_W{1'b0}};
        corner  <= {X_W{1'b0}};
    end
    if (rst) begin
        running <= 1'b0;
    end
end

// -------------------------------------------------------------------------------------------------------------------
// Adding and writing, two cycles later
// -------------------------------------------------------------------------------------------------------------------

wire arrives;
wire arrives_first;
wire arrives_last;
wire ends_pixel;

delay_line #(
    .WIDTH(4),
    .CYCLES(2)
) delay_control (
    .clk(clk),
    .rst(rst),
    .in({running, place == 2'd0, running && last_place, last_channel}),
    .out({arrives, arrives_first, arrives_last, ends_pixel})
);

reg signed [BITS+1:0] sum;
reg [BITS-1:0]        average;
reg                   writes_first;
reg                   writes_second;
reg                   was_last_channel;
reg [X_W-1:0]         target;

wire signed [BITS+1:0] wide     = {{2{read_data[BITS-1]}}, read_data};
wire signed [BITS+1:0] sum_now  = (arrives_first ? {{BITS{1'b0}}, 2'd2} : sum) + wide;
wire        [1:0]      unused_fraction = sum_now[1:0];

assign busy       = running || arrives || writes_first || writes_second;
assign write      = writes_first || writes_second;
assign write_addr = target;
assign write_data = average;

always @(posedge clk) begin
    sum           <= sum_now;
    writes_first  <= arrives_last;
    writes_second <= writes_first;
    if (arrives_last) begin
        average          <= sum_now[BITS+1:2];
        was_last_channel <= ends_pixel;
    end
    // From the first copy to the second, C words further, and back to the next channel or on to the next pixel.
    if (writes_first) begin
        target <= target + pixel;
    end else if (writes_second) begin
        target <= (was_last_channel ? target : target - pixel) + 1'b1;
    end
    if (start) begin
        target <= {X_W{1'b0}};
    end
    if (rst) begin
        writes_first  <= 1'b0;
        writes_second <= 1'b0;
    end
end

endmodule

`resetall
