// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * A memory with a port that writes and one that reads: data = memory[address of two cycles ago].
 *
 * Latency 2 cycles: block RAM answers late, a register follows it. A word must not be read in the cycle in which it is
 * written. No reset.
 */
module two_port_ram #(
    // Width of a word in bits
    parameter WIDTH  = 16,
    // Words
    parameter WORDS  = 1024,
    // Derived: width of an address
    parameter ADDR_W = WORDS > 1 ? $clog2(WORDS) : 1
) (
    input  wire              clk,

    input  wire              write,
    input  wire [ADDR_W-1:0] write_addr,
    input  wire [WIDTH-1:0]  write_data,

    input  wire [ADDR_W-1:0] read_addr,
    output wire [WIDTH-1:0]  read_data
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check_1
        WIDTH_must_be_at_least_1 stop ();
    end
    if (WORDS < 1) begin : check_2
        WORDS_must_be_at_least_1 stop ();
    end
endgenerate

(* ramstyle = "no_rw_check", syn_ramstyle = "no_rw_check", no_rw_check *)
reg [WIDTH-1:0] memory [0:WORDS-1];
reg [WIDTH-1:0] word;
reg [WIDTH-1:0] late_word;

assign read_data = late_word;

always @(posedge clk) begin
    if (write) begin
        memory[write_addr] <= write_data;
    end
    word      <= memory[read_addr];
    late_word <= word;
end

endmodule

`resetall
