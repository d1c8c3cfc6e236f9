// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Number of ones among WIDTH bits, through STAGES registers.
 *
 * A carry-save tree (Wallace, 1964): at each level full adders make of every three bits of one weight a sum of that
 * weight and a carry of the next, two LUTs for each bit that this removes, until no weight has more than two bits;
 * an adder adds those. The registers are spread evenly over the levels, the last follows the adder. Latency STAGES
 * cycles, throughput one vector a cycle. Data only: nothing to reset.
 */
module popcount #(
    // Bits to count
    parameter WIDTH   = 144,
    // Registers on the way: 1 to the number of levels and one for the adder
    parameter STAGES  = 3,
    // Derived: width of the count
    parameter COUNT_W = $clog2(WIDTH + 1)
) (
    input  wire               clk,
    input  wire [WIDTH-1:0]   bits,
    output wire [COUNT_W-1:0] count
);

// Column c holds the bits of weight 2^c. How many there are before a level, 16 bits for each column: sums and what is
// over stay, carries go one column up.
function [16*COUNT_W-1:0] heights(input integer level);
    reg [15:0] own;
    reg [15:0] carries;
    integer    l;
    integer    c;
    begin
        heights = WIDTH;
        for (l = 0; l < level; l = l + 1) begin
            carries = 16'd0;
            for (c = 0; c < COUNT_W; c = c + 1) begin
                own = heights[16*c +: 16];
                heights[16*c +: 16] = own - 16'd2 * (own / 16'd3) + carries;
                carries = own / 16'd3;
            end
        end
    end
endfunction

// Bits in the columns below `column`: where its own begin in a level's vector.
function integer below(input [16*COUNT_W-1:0] in, input integer column);
    integer c;
    begin
        below = 0;
        for (c = 0; c < column; c = c + 1) begin
            below = below + {16'd0, in[16*c +: 16]};
        end
    end
endfunction

// Levels until no column has more than two bits.
function integer depth(input integer limit);
    reg [16*COUNT_W-1:0] in;
    reg                  high;
    integer              level;
    integer              c;
    begin
        depth = limit;
        for (level = limit - 1; level >= 0; level = level - 1) begin
            in = heights(level);
            high = 1'b0;
            for (c = 0; c < COUNT_W; c = c + 1) begin
                high = high || in[16*c +: 16] > 16'd2;
            end
            if (!high) begin
                depth = level;
            end
        end
    end
endfunction

localparam LEVELS = depth(2 * COUNT_W + 2);

initial begin
    if (STAGES < 1 || STAGES > LEVELS + 1) begin
        $display("ERROR: %m: STAGES is %0d, expected 1 to %0d", STAGES, LEVELS + 1);
        $finish;
    end
end

genvar l;
genvar c;
generate
    for (l = 0; l <= LEVELS; l = l + 1) begin : level
        localparam [16*COUNT_W-1:0] HEIGHTS = heights(l);
        localparam BITS = below(HEIGHTS, COUNT_W);

        wire [BITS-1:0] in;

        if (l == 0) begin : enter
            assign in = bits;
        end else begin : compress
            localparam [16*COUNT_W-1:0] BEFORE = heights(l - 1);
            // Whether a register follows this level's adders: STAGES - 1 of the LEVELS have one.
            localparam REGISTERED = (l * STAGES) / (LEVELS + 1) > ((l - 1) * STAGES) / (LEVELS + 1);

            wire [BITS-1:0] out;

            for (c = 0; c < COUNT_W; c = c + 1) begin : column
                localparam HEIGHT = {16'd0, BEFORE[16*c +: 16]};
                localparam THREES = HEIGHT / 3;
                localparam REST   = HEIGHT - 3 * THREES;
                localparam FROM   = below(BEFORE, c);
                localparam TO     = below(HEIGHTS, c);

                if (REST > 0) begin : rest
                    assign out[TO+THREES +: REST] = level[l-1].in[FROM+3*THREES +: REST];
                end
                if (THREES > 0) begin : adders
                    wire [THREES-1:0] x = level[l-1].in[FROM +: THREES];
                    wire [THREES-1:0] y = level[l-1].in[FROM+THREES +: THREES];
                    wire [THREES-1:0] z = level[l-1].in[FROM+2*THREES +: THREES];
                    assign out[TO +: THREES] = x ^ y ^ z;
                    if (c + 1 < COUNT_W) begin : carries
                        // They follow what the next column keeps of its own.
                        localparam ABOVE = {16'd0, BEFORE[16*(c+1) +: 16]};
                        localparam AFTER = below(HEIGHTS, c + 1) + ABOVE - 2 * (ABOVE / 3);
                        assign out[AFTER +: THREES] = (x & y) | (x & z) | (y & z);
                    end
                end
            end

            if (REGISTERED) begin : held
                reg [BITS-1:0] out_register;
                always @(posedge clk) begin
                    out_register <= out;
                end
                assign in = out_register;
            end else begin : direct
                assign in = out;
            end
        end
    end

    // At most two bits a column are left: two numbers.
    wire [COUNT_W-1:0] first;
    wire [COUNT_W-1:0] second;
    for (c = 0; c < COUNT_W; c = c + 1) begin : rows
        localparam [16*COUNT_W-1:0] LAST = heights(LEVELS);
        localparam HEIGHT = {16'd0, LAST[16*c +: 16]};
        localparam FROM   = below(LAST, c);
        if (HEIGHT > 0) begin : one
            assign first[c] = level[LEVELS].in[FROM];
        end else begin : none
            assign first[c] = 1'b0;
        end
        if (HEIGHT > 1) begin : two
            assign second[c] = level[LEVELS].in[FROM+1];
        end else begin : single
            assign second[c] = 1'b0;
        end
    end
endgenerate

reg [COUNT_W-1:0] sum;

always @(posedge clk) begin
    sum <= first + second;
end

assign count = sum;

endmodule

`resetall
