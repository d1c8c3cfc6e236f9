// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * First-in first-out buffer of exactly DEPTH words.
 *
 * Words lie in a memory; the last is read into a register: latency 2 cycles. Where the memory is block RAM, which is
 * slow to answer, that register has another behind it with nothing in between: latency 3 cycles. Throughput 1 word a
 * cycle, half of it where the memory holds a single word. Reset empties it.
 */
module stream_fifo #(
    // Width of a word in bits
    parameter WIDTH = 8,
    // Words that fit, those in registers included; at least 2, in block RAM 4
    parameter DEPTH = 4,
    // 1: block RAM, for deep ones; 0: what synthesis finds best, distributed RAM where there is any
    parameter BLOCK = DEPTH > 33
) (
    input  wire             clk,
    input  wire             rst,

    // Stream input
    input  wire [WIDTH-1:0] s_axis_tdata,
    input  wire             s_axis_tvalid,
    output wire             s_axis_tready,

    // Stream output
    output wire [WIDTH-1:0] m_axis_tdata,
    output wire             m_axis_tvalid,
    input  wire             m_axis_tready
);

localparam OUTSIDE = BLOCK != 0 ? 2 : 1;  // words in registers
localparam WORDS   = DEPTH > OUTSIDE ? DEPTH - OUTSIDE : 1;
localparam ADDR_W  = WORDS > 1 ? $clog2(WORDS) : 1;
localparam COUNT_W = $clog2(WORDS + 1);

localparam LAST_ADDR = WORDS - 1;
localparam ONE       = 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check_1
        WIDTH_must_be_at_least_1 stop ();
    end
    if (DEPTH < 2 * OUTSIDE) begin : check_2
        DEPTH_must_be_at_least_2_or_4_in_block_RAM stop ();
    end
endgenerate

// -------------------------------------------------------------------------------------------------------------------
// Memory
// -------------------------------------------------------------------------------------------------------------------

// The word that is read is never the one being written: only stored words are read, and a full memory takes none.
localparam unused_style     = BLOCK != 0 ? "block" : "auto";  // by simulators
localparam unused_syn_style = BLOCK != 0 ? "block_ram,no_rw_check" : "no_rw_check";
(* ram_style = unused_style, syn_ramstyle = unused_syn_style, ramstyle = "no_rw_check", no_rw_check *)
reg [WIDTH-1:0]   memory [0:WORDS-1];
reg [ADDR_W-1:0]  write_addr;
reg [ADDR_W-1:0]  read_addr;
reg [COUNT_W-1:0] stored;
reg               some;  // stored != 0
reg               full;  // stored == WORDS
reg [WIDTH-1:0]   read_data;

reg               read_valid;

wire read_taken;  // the word behind the memory goes on
wire read_free = !read_valid || read_taken;
wire load      = read_free && some;
wire store     = s_axis_tvalid && s_axis_tready;

assign s_axis_tready = !full;

always @(posedge clk) begin
    if (store) begin
        memory[write_addr] <= s_axis_tdata;
    end
    if (load) begin
        read_data <= memory[read_addr];
    end
end

always @(posedge clk) begin
    if (store) begin
        write_addr <= write_addr == LAST_ADDR[ADDR_W-1:0] ? {ADDR_W{1'b0}} : write_addr + 1'b1;
    end
    if (load) begin
        read_addr <= read_addr == LAST_ADDR[ADDR_W-1:0] ? {ADDR_W{1'b0}} : read_addr + 1'b1;
    end
    if (store != load) begin
        stored <= stored + ({COUNT_W{load}} | ONE[COUNT_W-1:0]);  // one adder: +1 or, all ones, -1
        some   <= store || stored != 1;
        full   <= store && stored == LAST_ADDR[COUNT_W-1:0];
    end
    if (read_free) begin
        read_valid <= some;
    end
    if (rst) begin
        write_addr <= {ADDR_W{1'b0}};
        read_addr  <= {ADDR_W{1'b0}};
        stored     <= {COUNT_W{1'b0}};
        some       <= 1'b0;
        full       <= 1'b0;
        read_valid <= 1'b0;
    end
end

// -------------------------------------------------------------------------------------------------------------------
// Output
// -------------------------------------------------------------------------------------------------------------------

generate
    if (BLOCK != 0) begin : registered
        reg [WIDTH-1:0] out_data;
        reg             out_valid;

        assign read_taken    = !out_valid || m_axis_tready;
        assign m_axis_tdata  = out_data;
        assign m_axis_tvalid = out_valid;

        always @(posedge clk) begin
            if (read_taken) begin
                out_data  <= read_data;
                out_valid <= read_valid;
            end
            if (rst) begin
                out_valid <= 1'b0;
            end
        end
    end else begin : direct
        assign read_taken    = m_axis_tready;
        assign m_axis_tdata  = read_data;
        assign m_axis_tvalid = read_valid;
    end
endgenerate

endmodule

`resetall
