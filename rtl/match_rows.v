// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Numbers of bits in which a vector agrees with each of ROWS constant vectors (XNOR, popcount), through STAGES registers.
 *
 * A weight costs nothing: it is in the logic. Rows share what they count alike. With LUT_INPUTS = 4 synthesis finds that
 * by itself: of three bits, all rows have the same sum, turned around or not, and one of four carries. With LUT_INPUTS = 6
 * rows with the same six weights at the same place share the three LUTs that count those (count_six).
 *
 * Latency STAGES cycles, throughput a vector a cycle. Data only: nothing to reset.
 */
module match_rows #(
    // Bits to compare
    parameter WIDTH      = 144,
    // Vectors that they are compared with
    parameter ROWS       = 16,
    // Registers on the way, as in match_count
    parameter STAGES     = 3,
    // Inputs of the target's LUTs, 4 or 6
    parameter LUT_INPUTS = 4,
    // Those vectors: row r is WEIGHTS[r*WIDTH +: WIDTH]
    parameter [ROWS*WIDTH-1:0] WEIGHTS = 0,
    // Derived: width of a count
    parameter COUNT_W    = $clog2(WIDTH + 1)
) (
    input  wire                    clk,
    input  wire [WIDTH-1:0]        data,
    output wire [ROWS*COUNT_W-1:0] counts
);

// Groups of six, and perhaps one of five: what match_count's first level takes at once.
localparam SIXES   = LUT_INPUTS == 6 ? (WIDTH + 1) / 6 : 0;
localparam GIVEN_W = WIDTH < 6 ? 3 : 3 * ((WIDTH + 1) / 6);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (ROWS < 1) begin : check
        ROWS_must_be_at_least_1 stop ();
    end
endgenerate

// More bits than there are: of the last row's last six weights there may be five.
localparam [ROWS*WIDTH+5:0] PADDED = {6'h3f, WEIGHTS};

// Six weights of a row; a sixth that is not there is 1.
function [5:0] six_weights(input integer row, input integer six);
    begin
        six_weights = PADDED[row*WIDTH+6*six +: 6] | {WIDTH < 6 * (six + 1), 5'd0};
    end
endfunction

// Bit p: whether some row has the six weights p there.
function [63:0] patterns(input integer six);
    integer row;
    begin
        patterns = 64'd0;
        for (row = 0; row < ROWS; row = row + 1) begin
            patterns[six_weights(row, six)] = 1'b1;
        end
    end
endfunction

genvar r;
genvar s;
genvar p;
generate
    for (s = 0; s < SIXES; s = s + 1) begin : groups
        localparam [63:0] PATTERNS = patterns(s);
        localparam        LAST     = WIDTH < 6 * (s + 1) ? 4 : 5;  // of five bits the sixth is 0

        wire [5:0]   bits = {LAST == 5 && data[6*s+LAST], data[6*s +: 5]};
        wire [191:0] like;  // three bits a pattern

        for (p = 0; p < 64; p = p + 1) begin : pattern
            if (PATTERNS[p]) begin : present
                count_six #(
                    .WEIGHTS(p)
                ) six_alike (
                    .in(bits),
                    .count(like[3*p +: 3])
                );
            end else begin : absent
                assign like[3*p +: 3] = 3'd0;
            end
        end
    end

    for (r = 0; r < ROWS; r = r + 1) begin : rows
        wire [GIVEN_W-1:0] six_counts;

        for (s = 0; s < SIXES; s = s + 1) begin : of_row
            assign six_counts[3*s +: 3] = groups[s].like[3*six_weights(r, s) +: 3];
        end

        if (3 * SIXES < GIVEN_W) begin : none
            assign six_counts = {GIVEN_W{1'b0}};
        end

        match_count #(
            .WIDTH(WIDTH),
            .STAGES(STAGES),
            .LUT_INPUTS(LUT_INPUTS),
            .COUNTED(1)
        ) add (
            .clk(clk),
            .data(data),
            .weight(WEIGHTS[r*WIDTH +: WIDTH]),
            .given_counts(six_counts),
            .count(counts[r*COUNT_W +: COUNT_W])
        );
    end
endgenerate

endmodule

`resetall
