// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Number of bits in which two vectors of WIDTH bits agree (XNOR, popcount), through STAGES registers.
 *
 * A carry-save tree (Wallace, 1964) of whole columns: column c holds bits of weight 2^c, and each level makes fewer of
 * them, until no column has more than two; an adder adds those. What a level is made of depends on the LUTs:
 *
 *   LUT_INPUTS = 4   full adders: of three bits a sum and, one column up, a carry. Synthesis shares LUTs between XNOR
 *                    and the first of them.
 *   LUT_INPUTS = 6   first, full adders of three XNORs, of six bits then; after that of six (or five) bits their number
 *                    in three bits; full adders for three or four. Each is a LUT for every bit of its result.
 *
 * Constant weights cost nothing: match_rows, whose rows share what they count alike, brings the first level's results of
 * six bits with it (COUNTED).
 *
 * The registers are spread evenly over the levels, the last follows the adder. Latency STAGES cycles, throughput one
 * pair of vectors a cycle. Data only: nothing to reset.
 */
module match_count #(
    // Bits to compare
    parameter WIDTH      = 144,
    // Registers on the way: 1 to the number of levels and one for the adder
    parameter STAGES     = 3,
    // Inputs of the target's LUTs, 4 or 6
    parameter LUT_INPUTS = 4,
    // 1: with LUT_INPUTS = 6 the first level, too, takes six bits at once, whose counts are given
    parameter COUNTED    = 0,
    // Derived: width of the count, and of the given ones
    parameter COUNT_W    = $clog2(WIDTH + 1),
    parameter GIVEN_W    = COUNTED == 0 || WIDTH < 6 ? 3 : 3 * ((WIDTH + 1) / 6)
) (
    input  wire               clk,
    input  wire [WIDTH-1:0]   data,
    input  wire [WIDTH-1:0]   weight,
    // COUNTED: of each six bits, the last ones perhaps five, how many agree
    input  wire [GIVEN_W-1:0] given_counts,
    output wire [COUNT_W-1:0] count
);

// -------------------------------------------------------------------------------------------------------------------
// Sizes: computed once for all levels, 16 bits a number, two columns more than there are
// -------------------------------------------------------------------------------------------------------------------

localparam LIMIT   = 2 * COUNT_W + 2;  // no tree has so many levels
localparam LEVEL_W = 16 * (COUNT_W + 2);

// Of a column of `height` bits, how many groups of six (one of them perhaps of five) a level adds up.
function [15:0] sixes(input [15:0] height, input integer level);
    begin
        sixes = LUT_INPUTS == 6 && (level > 1 || COUNTED != 0) ? (height + 16'd1) / 16'd6 : 16'd0;
    end
endfunction

// How many groups of three, beside `six` of six.
function [15:0] threes(input [15:0] height, input [15:0] six);
    begin
        threes = height < 16'd6 * six ? 16'd0 : (height - 16'd6 * six) / 16'd3;
    end
endfunction

// Bits that such a column keeps: a sum of each group, and what is in none.
function [15:0] kept(input [15:0] height, input [15:0] six, input [15:0] three);
    begin
        kept = height < 16'd6 * six ? six : height - 16'd5 * six - 16'd2 * three;
    end
endfunction

// Bits of each column behind each level: carries go one column up, and those of six bits also two.
function [LEVEL_W*(LIMIT+1)-1:0] all_heights(input [15:0] width);
    reg [15:0] own;
    reg [15:0] six;
    reg [15:0] three;
    reg [15:0] once;
    reg [15:0] twice;
    reg [15:0] next;
    integer    level;
    integer    column;
    begin
        all_heights = {LEVEL_W*(LIMIT+1){1'b0}};
        all_heights[15:0] = width;
        for (level = 1; level <= LIMIT; level = level + 1) begin
            once  = 16'd0;
            twice = 16'd0;
            next  = 16'd0;
            for (column = 0; column < COUNT_W; column = column + 1) begin
                own   = all_heights[LEVEL_W*(level-1)+16*column +: 16];
                six   = sixes(own, level);
                three = threes(own, six);
                all_heights[LEVEL_W*level+16*column +: 16] = kept(own, six, three) + once + twice;
                once  = six + three;
                twice = next;
                next  = six;
            end
        end
    end
endfunction

localparam [31:0] FIRST_COLUMN = WIDTH;
localparam [LEVEL_W*(LIMIT+1)-1:0] HEIGHTS = all_heights(FIRST_COLUMN[15:0]);

// Where each column's bits begin in its level's vector: those of lower columns come first.
function [LEVEL_W*(LIMIT+1)-1:0] all_starts(input unused);
    reg [15:0] start;
    integer    level;
    integer    column;
    begin
        all_starts = {LEVEL_W*(LIMIT+1){1'b0}};
        for (level = 0; level <= LIMIT; level = level + 1) begin
            start = 16'd0;
            for (column = 0; column < COUNT_W + 2; column = column + 1) begin
                all_starts[LEVEL_W*level+16*column +: 16] = start;
                start = start + HEIGHTS[LEVEL_W*level+16*column +: 16];
            end
        end
    end
endfunction

localparam [LEVEL_W*(LIMIT+1)-1:0] STARTS = all_starts(1'b0);

// Levels until no column has more than two bits.
function integer depth(input unused);
    reg     high;
    integer level;
    integer column;
    begin
        depth = LIMIT;
        for (level = LIMIT - 1; level >= 0; level = level - 1) begin
            high = 1'b0;
            for (column = 0; column < COUNT_W; column = column + 1) begin
                high = high || HEIGHTS[LEVEL_W*level+16*column +: 16] > 16'd2;
            end
            if (!high) begin
                depth = level;
            end
        end
    end
endfunction

localparam LEVELS = depth(1'b0);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check_1
        WIDTH_must_be_at_least_1 stop ();
    end
    if (LUT_INPUTS != 4 && LUT_INPUTS != 6) begin : check_2
        LUT_INPUTS_must_be_4_or_6 stop ();
    end
    if (STAGES < 1 || STAGES > LEVELS + 1) begin : check_3
        STAGES_must_be_1_to_one_more_than_the_levels stop ();
    end
endgenerate

// Tables of lut6: sum and carry of three XNORs of bit pairs.
localparam [63:0] XNOR_SUM   = 64'h9669699669969669;
localparam [63:0] XNOR_CARRY = 64'hf99f90099009f99f;

genvar l;
genvar c;
genvar i;
generate
    for (l = 0; l <= LEVELS; l = l + 1) begin : levels
        localparam BITS = {16'd0, STARTS[LEVEL_W*l+16*COUNT_W +: 16]};

        wire [BITS-1:0] in;

        if (l == 0) begin : inputs
            assign in = ~(data ^ weight);
            wire unused_in = &{in, given_counts};  // with LUTs of six inputs the first level compares for itself
        end else begin : compress
            // Whether a register follows this level: STAGES - 1 of the LEVELS have one.
            localparam REGISTERED = (l * STAGES) / (LEVELS + 1) > ((l - 1) * STAGES) / (LEVELS + 1);

            wire [BITS-1:0] out;

            for (c = 0; c < COUNT_W; c = c + 1) begin : column
                // This column, and the two above it, as this level finds them.
                localparam HEIGHT = {16'd0, HEIGHTS[LEVEL_W*(l-1)+16*c +: 16]};
                localparam [15:0] ABOVE  = HEIGHTS[LEVEL_W*(l-1)+16*(c+1) +: 16];
                localparam [15:0] HIGHER = HEIGHTS[LEVEL_W*(l-1)+16*(c+2) +: 16];
                localparam [15:0] SIXES_ABOVE    = sixes(ABOVE, l);
                localparam [15:0] THREES_ABOVE   = threes(ABOVE, SIXES_ABOVE);
                localparam [15:0] KEPT_ABOVE     = kept(ABOVE, SIXES_ABOVE, THREES_ABOVE);
                localparam [15:0] SIXES_HIGHER   = sixes(HIGHER, l);
                localparam [15:0] THREES_HIGHER  = threes(HIGHER, SIXES_HIGHER);
                localparam [15:0] KEPT_HIGHER    = kept(HIGHER, SIXES_HIGHER, THREES_HIGHER);

                localparam SIXES  = {16'd0, sixes(HEIGHT[15:0], l)};
                localparam THREES = {16'd0, threes(HEIGHT[15:0], SIXES[15:0])};
                localparam ADDED  = 6 * SIXES + 3 * THREES;
                localparam OVER   = HEIGHT > ADDED ? HEIGHT - ADDED : 0;
                localparam FROM   = {16'd0, STARTS[LEVEL_W*(l-1)+16*c +: 16]};
                localparam TO     = {16'd0, STARTS[LEVEL_W*l+16*c +: 16]};

                // Carries come after what their column keeps of its own, those from one column below first.
                localparam ONCE  = {16'd0, STARTS[LEVEL_W*l+16*(c+1) +: 16] + KEPT_ABOVE};
                localparam TWICE = {16'd0, STARTS[LEVEL_W*l+16*(c+2) +: 16] + KEPT_HIGHER + SIXES_ABOVE + THREES_ABOVE};

                for (i = 0; i < SIXES; i = i + 1) begin : six
                    localparam LAST = HEIGHT < 6 * (i + 1) ? 4 : 5;  // of five bits the sixth is 0
                    wire [2:0] six_count;
                    if (l == 1) begin : given
                        assign six_count = given_counts[3*i +: 3];
                    end else begin : counted
                        count_six six_ones (
                            .in({LAST == 5 && levels[l-1].in[FROM+6*i+LAST], levels[l-1].in[FROM+6*i +: 5]}),
                            .count(six_count)
                        );
                    end
                    assign out[TO+i] = six_count[0];
                    if (c + 1 < COUNT_W) begin : carries
                        assign out[ONCE+i] = six_count[1];
                    end
                    if (c + 2 < COUNT_W) begin : carries_twice
                        assign out[TWICE+i] = six_count[2];
                    end
                    wire unused_carries = &six_count[2:1];  // a column up or two there may be none
                end

                if (LUT_INPUTS == 6 && l == 1 && COUNTED == 0) begin : xnors
                    for (i = 0; i < THREES; i = i + 1) begin : three
                        wire [5:0] pairs = {
                            data[i+2*THREES], weight[i+2*THREES], data[i+THREES], weight[i+THREES], data[i], weight[i]};
                        lut6 #(.TABLE(XNOR_SUM)) ones (.in(pairs), .out(out[TO+i]));
                        if (c + 1 < COUNT_W) begin : carries
                            lut6 #(.TABLE(XNOR_CARRY)) twos (.in(pairs), .out(out[ONCE+i]));
                        end
                    end
                end else if (THREES > 0) begin : adders
                    wire [THREES-1:0] x = levels[l-1].in[FROM+6*SIXES +: THREES];
                    wire [THREES-1:0] y = levels[l-1].in[FROM+6*SIXES+THREES +: THREES];
                    wire [THREES-1:0] z = levels[l-1].in[FROM+6*SIXES+2*THREES +: THREES];
                    assign out[TO+SIXES +: THREES] = x ^ y ^ z;
                    if (c + 1 < COUNT_W) begin : carries
                        assign out[ONCE+SIXES +: THREES] = (x & y) | (x & z) | (y & z);
                    end
                end

                if (OVER > 0) begin : pass
                    assign out[TO+SIXES+THREES +: OVER] = levels[l-1].in[FROM+6*SIXES+3*THREES +: OVER];
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
        localparam HEIGHT = {16'd0, HEIGHTS[LEVEL_W*LEVELS+16*c +: 16]};
        localparam FROM   = {16'd0, STARTS[LEVEL_W*LEVELS+16*c +: 16]};
        if (HEIGHT > 0) begin : one
            assign first[c] = levels[LEVELS].in[FROM];
        end else begin : none
            assign first[c] = 1'b0;
        end
        if (HEIGHT > 1) begin : two
            assign second[c] = levels[LEVELS].in[FROM+1];
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
