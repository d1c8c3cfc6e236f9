// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * An offered beat stays, unchanged, until it is taken. ASSUMED = 1: the environment keeps to that, and nothing is shown.
 */
module beat_is_kept #(
    parameter WIDTH   = 1,
    parameter ASSUMED = 0
) (
    input wire             clk,
    input wire             rst,
    input wire [WIDTH-1:0] data,
    input wire             valid,
    input wire             ready
);

reg             waited = 1'b0;
reg [WIDTH-1:0] offered;

always @(posedge clk) begin
    waited  <= valid && !ready && !rst;
    offered <= data;
end

generate
    if (ASSUMED != 0) begin : environment
        always @* begin
            assume (!waited || (valid && data == offered));
        end
    end else begin : block
        always @* begin
            stays: assert (!waited || valid);
            unchanged: assert (!waited || !valid || data == offered);
        end
    end
endgenerate

endmodule

/*
 * Words leave as they came: none is lost, doubled, moved past another or made up. At most CAPACITY are inside, and one
 * is offered within LATENCY cycles of its arrival or of the one before it leaving (0: in the cycle itself), unless it may
 * have to wait for others (TIMED = 0).
 *
 * The solver marks a word of its choice, by `mark`, and the word is followed: what holds for any holds for all. The
 * block's own file says where a marked word lies (`marked`, `ahead`, `word`), which makes the proofs inductive.
 */
module words_in_order #(
    parameter WIDTH    = 1,
    parameter CAPACITY = 1,
    parameter LATENCY  = 1,
    parameter TIMED    = 1,
    parameter COUNT_W  = $clog2(CAPACITY + 2)
) (
    input wire               clk,
    input wire               rst,
    input wire               mark,
    input wire [WIDTH-1:0]   in_data,
    input wire               in_beat,
    input wire [WIDTH-1:0]   out_data,
    input wire               out_valid,
    input wire               out_beat,

    output reg [COUNT_W-1:0] inside,  // words
    output reg               marked,  // one of them is marked
    output reg [COUNT_W-1:0] ahead,   // of it: words that came before and are still inside
    output reg [WIDTH-1:0]   word     // it
);

localparam WAIT_W = $clog2(LATENCY + 2);

reg [WAIT_W-1:0] waiting;  // cycles in which words were inside and none was offered

initial begin
    inside  = {COUNT_W{1'b0}};
    waiting = {WAIT_W{1'b0}};
    marked  = 1'b0;
end

wire passes = inside == 0 && in_beat && out_beat;

always @(posedge clk) begin
    inside  <= inside + in_beat - out_beat;
    waiting <= inside == 0 || out_valid ? {WAIT_W{1'b0}} : waiting + 1'b1;
    if (marked && out_beat) begin
        ahead  <= ahead - 1'b1;
        marked <= ahead != 0;
    end else if (!marked && mark && in_beat && !passes) begin
        ahead  <= inside - out_beat;
        marked <= 1'b1;
        word   <= in_data;
    end
    if (rst) begin
        inside  <= {COUNT_W{1'b0}};
        waiting <= {WAIT_W{1'b0}};
        marked  <= 1'b0;
    end
end

always @* begin
    none_made_up: assert (!out_beat || inside != 0 || (LATENCY == 0 && in_beat));
    in_order: assert (!(out_beat && marked && ahead == 0) || out_data == word);
    straight_through: assert (!passes || out_data == in_data);
    capacity: assert (inside <= CAPACITY);
    follows: assert (!marked || ahead < inside);
    in_time: assert (TIMED == 0 || inside == 0 || out_valid || waiting + 1 < LATENCY);
end

endmodule

/*
 * Reset comes first, for one cycle at least, and again at any time. What registers hold before is arbitrary: the proofs
 * hold for every state that power-up may leave.
 */
module reset_comes_first (
    input  wire clk,
    input  wire rst,
    output reg  running  // a cycle with reset is over
);

initial begin
    running = 1'b0;
end

always @(posedge clk) begin
    running <= 1'b1;
end

always @* begin
    assume (running || rst);
end

endmodule

/*
 * Bits that are 1.
 */
module number_of_ones #(
    parameter WIDTH   = 1,
    parameter COUNT_W = $clog2(WIDTH + 1)
) (
    input  wire [WIDTH-1:0]   in,
    output reg  [COUNT_W-1:0] out
);

integer i;

always @* begin
    out = {COUNT_W{1'b0}};
    for (i = 0; i < WIDTH; i = i + 1) begin
        out = out + in[i];
    end
end

endmodule

/*
 * What came in CYCLES cycles before.
 */
module delayed #(
    parameter WIDTH  = 1,
    parameter CYCLES = 1
) (
    input  wire             clk,
    input  wire [WIDTH-1:0] in,
    output wire [WIDTH-1:0] out
);

reg [WIDTH*CYCLES-1:0] line;

assign out = line[WIDTH*(CYCLES-1) +: WIDTH];

always @(posedge clk) begin
    line <= {line, in};
end

endmodule

/*
 * 3x3 windows of the frames that came, one after the other, centred on every STRIDE-th pixel. What a window shows of the
 * image is checked from a cycle after its beat is offered to a cycle after it is taken: its pixels have come, or wait at
 * the input, and are those of its own frame. A window leaves by itself where the pixel a row and a column further is there.
 *
 * Frames are numbered. The number is wider than a bounded proof has frames: no frame is taken for one of two before, whose
 * pixels lie in the same place.
 */
module windows_of_frames #(
    parameter WIDTH  = 1,
    parameter ROWS   = 2,
    parameter COLS   = 2,
    parameter STRIDE = 1
) (
    input wire               clk,
    input wire               rst,
    input wire               running,
    input wire [WIDTH-1:0]   in_data,
    input wire               in_valid,
    input wire               in_ready,
    input wire [8:0]         taps,
    input wire               valid,
    input wire               next,
    input wire               ready,
    input wire [9*WIDTH-1:0] window
);

localparam PIXELS = ROWS * COLS;
localparam LAST_Y = (ROWS - 1) / STRIDE * STRIDE;
localparam LAST_X = (COLS - 1) / STRIDE * STRIDE;

localparam FRAME_W = 3;

// Two frames: one may come while windows of the other leave.
reg [WIDTH*PIXELS-1:0] frame_0;
reg [WIDTH*PIXELS-1:0] frame_1;
reg [7:0]              come      = 8'd0;  // pixels of the frame that comes
reg [FRAME_W-1:0]      coming    = {FRAME_W{1'b0}};  // its number
reg [3:0]              y         = 4'd0;  // centre of the window that leaves next
reg [3:0]              x         = 4'd0;
reg [FRAME_W-1:0]      leaving   = {FRAME_W{1'b0}};  // of which frame
reg [3:0]              taken_y;
reg [3:0]              taken_x;
reg [FRAME_W-1:0]      taken_of;
reg                    taken     = 1'b0;
reg                    offered   = 1'b0;
reg                    announced = 1'b0;
reg [2:0]              idle      = 3'd0;

wire in_beat  = in_valid && in_ready;
wire out_beat = valid && ready;
wire whole    = coming != leaving;  // all pixels of the frame that leaves have come

// The next window can leave: the pixel a row and a column further is there, or at least waits, or no other is to come.
wire [7:0] corner = y * COLS + x + COLS + 1;
wire       due    = whole || come > corner || (come == corner && in_valid);

always @(posedge clk) begin
    if (in_beat) begin
        if (coming[0]) begin
            frame_1[come*WIDTH +: WIDTH] <= in_data;
        end else begin
            frame_0[come*WIDTH +: WIDTH] <= in_data;
        end
        come   <= come == PIXELS - 1 ? 8'd0 : come + 1'b1;
        coming <= coming + (come == PIXELS - 1);
    end
    if (out_beat) begin
        x       <= x == LAST_X ? 4'd0 : x + STRIDE;
        y       <= x != LAST_X ? y : y == LAST_Y ? 4'd0 : y + STRIDE;
        leaving <= leaving + (x == LAST_X && y == LAST_Y);
    end
    {taken, taken_y, taken_x, taken_of} <= {out_beat, y, x, leaving};
    offered   <= valid && !ready;
    announced <= out_beat && next;
    idle      <= due && ready && !valid ? idle + 1'b1 : 3'd0;
    if (rst) begin
        come      <= 8'd0;
        coming    <= {FRAME_W{1'b0}};
        y         <= 4'd0;
        x         <= 4'd0;
        leaving   <= {FRAME_W{1'b0}};
        taken     <= 1'b0;
        offered   <= 1'b0;
        announced <= 1'b0;
        idle      <= 3'd0;
    end
end

wire [3:0] of_y  = taken ? taken_y : y;
wire [3:0] of_x  = taken ? taken_x : x;

wire [FRAME_W-1:0] frame  = taken ? taken_of : leaving;
wire [FRAME_W-1:0] behind = coming - frame;

wire [8:0] inside;  // of the window that is offered
wire [8:0] right;   // of the one that is shown

genvar t;
generate
    for (t = 0; t < 9; t = t + 1) begin : tap
        wire [3:0] own_y   = y + t / 3;  // one more than the pixel's
        wire [3:0] own_x   = x + t % 3;
        wire [3:0] shown_y = of_y + t / 3;
        wire [3:0] shown_x = of_x + t % 3;
        wire       shown   = shown_y >= 1 && shown_y <= ROWS && shown_x >= 1 && shown_x <= COLS;
        wire [7:0] at      = (shown_y - 1) * COLS + shown_x - 1;
        wire       offers  = behind == 0 && at == come && in_valid;  // not taken yet, but there
        wire       there   = offers || (behind == 0 && at < come) || behind == 1 || behind == 2;
        wire [WIDTH-1:0] kept  = frame[0] ? frame_1[at*WIDTH +: WIDTH] : frame_0[at*WIDTH +: WIDTH];
        wire [WIDTH-1:0] pixel = offers ? in_data : kept;
        assign inside[t] = own_y >= 1 && own_y <= ROWS && own_x >= 1 && own_x <= COLS;
        assign right[t]  = !shown || (there && window[t*WIDTH +: WIDTH] == pixel);
    end
endgenerate

always @* begin
    if (running) begin
        taps_inside: assert (!valid || taps == inside);
        pixels: assert (!(taken || offered) || &right);
        two_frames_at_most: assert (!in_beat || coming == leaving || coming == leaving + 1'b1);
        next_is_there: assert (!announced || valid);
        leaves_by_itself: assert (idle < 3'd5);
    end
end

endmodule
