// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * stream_fifo: words leave in the order in which they came, 2 cycles later where nothing waits (3 from block RAM);
 * DEPTH words fit, neither fewer nor more; no word is read while it is written (`no_rw_check`); reset empties it.
 */
module stream_fifo_properties #(
    parameter WIDTH = 2,
    parameter DEPTH = 4,
    parameter BLOCK = 0
) (
    input wire             clk,
    input wire             rst,
    input wire             mark,
    input wire [WIDTH-1:0] s_axis_tdata,
    input wire             s_axis_tvalid,
    input wire             m_axis_tready
);

localparam OUTSIDE = BLOCK != 0 ? 2 : 1;
localparam WORDS   = DEPTH - OUTSIDE;  // in the memory; at most 4 here
localparam ADDR_W  = WORDS > 1 ? $clog2(WORDS) : 1;
localparam STORE_W = $clog2(WORDS + 1);
localparam COUNT_W = $clog2(DEPTH + 2);

wire             s_axis_tready;
wire [WIDTH-1:0] m_axis_tdata;
wire             m_axis_tvalid;

stream_fifo #(.WIDTH(WIDTH), .DEPTH(DEPTH), .BLOCK(BLOCK)) dut (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(WIDTH)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid), .ready(m_axis_tready));

wire               in_beat  = s_axis_tvalid && s_axis_tready && !rst;
wire               out_beat = m_axis_tvalid && m_axis_tready && !rst;
wire [COUNT_W-1:0] inside;
wire               marked;
wire [COUNT_W-1:0] ahead;
wire [WIDTH-1:0]   word;

words_in_order #(.WIDTH(WIDTH), .CAPACITY(DEPTH), .LATENCY(OUTSIDE + 1)) words (
    .clk(clk), .rst(rst), .mark(mark),
    .in_data(s_axis_tdata), .in_beat(in_beat),
    .out_data(m_axis_tdata), .out_valid(m_axis_tvalid), .out_beat(out_beat),
    .inside(inside), .marked(marked), .ahead(ahead), .word(word));

// Where nothing comes or leaves for as long as a word takes from the memory to the output, all places are used.
reg [1:0] quiet = 2'd0;
always @(posedge clk) begin
    quiet <= rst || in_beat || out_beat ? 2'd0 : quiet < OUTSIDE ? quiet + 1'b1 : quiet;
end

always @* begin
    if (running) begin
        room: assert (quiet < OUTSIDE || s_axis_tready == (inside < DEPTH));
    end
end

(* hierconn *) wire [ADDR_W-1:0] \dut.read_addr ;
(* hierconn *) wire [ADDR_W-1:0] \dut.write_addr ;
(* hierconn *) wire              \dut.load ;
(* hierconn *) wire              \dut.store ;

always @* begin
    if (running) begin
        never_read_while_written: assert (!(\dut.load && \dut.store ) || \dut.read_addr != \dut.write_addr );
    end
end

`ifdef INVARIANTS
// Where words lie: in the last register, the one before it (block RAM only), the memory.
(* hierconn *) wire [STORE_W-1:0] \dut.stored ;
(* hierconn *) wire               \dut.some ;
(* hierconn *) wire               \dut.full ;
(* hierconn *) wire               \dut.read_valid ;
(* hierconn *) wire [WIDTH-1:0]   \dut.read_data ;
(* hierconn *) wire               \dut.registered.out_valid ;
(* hierconn *) wire [WIDTH-1:0]   \dut.memory[0] ;
(* hierconn *) wire [WIDTH-1:0]   \dut.memory[1] ;
(* hierconn *) wire [WIDTH-1:0]   \dut.memory[2] ;
(* hierconn *) wire [WIDTH-1:0]   \dut.memory[3] ;

wire               out_full = BLOCK != 0 && \dut.registered.out_valid ;
wire [COUNT_W-1:0] outside  = out_full + \dut.read_valid ;

wire [3:0] from_read  = \dut.read_addr + (ahead - outside);
wire [3:0] address    = from_read >= WORDS ? from_read - WORDS : from_read;
wire [3:0] from_first = \dut.read_addr + \dut.stored ;
wire [3:0] next_free  = from_first >= WORDS ? from_first - WORDS : from_first;

wire [WIDTH-1:0] there = address == 0 ? \dut.memory[0] : address == 1 ? \dut.memory[1] :
                         address == 2 ? \dut.memory[2] : \dut.memory[3] ;

always @* begin
    if (running) begin
        places: assert (inside == \dut.stored + outside && \dut.stored <= WORDS);
        addresses: assert (\dut.read_addr < WORDS && \dut.write_addr == next_free);
        flags: assert (\dut.some == (\dut.stored != 0) && \dut.full == (\dut.stored == WORDS));
        in_output: assert (!(marked && out_full && ahead == 0) || m_axis_tdata == word);
        in_register: assert (!(marked && \dut.read_valid && ahead == out_full) || \dut.read_data == word);
        in_memory: assert (!(marked && ahead >= outside) || there == word);
        still: assert (!(quiet >= OUTSIDE && inside != 0) || m_axis_tvalid);
        moved_up: assert (!(BLOCK != 0 && quiet >= OUTSIDE && inside > 1) || \dut.read_valid );
    end
end
`endif

endmodule
