// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * reset_contract: both ends of an accelerator, as templates/top_entry.j2 and top_exit.j2 build them. After a reset of one
 * cycle, from any state, no result leaves until one is made, every pixel that is taken reaches a stage whose copy of the
 * reset is over, and a cycle later frame_error and dropped_frames are 0.
 */
module reset_contract_properties #(
    parameter WIDTH  = 2,
    parameter PIXELS = 2
) (
    input wire             clk,
    input wire             rst,
    input wire             mark,
    input wire [WIDTH-1:0] s_axis_tdata,
    input wire             s_axis_tvalid,
    input wire             s_axis_tlast,
    input wire             m_axis_tready,

    // What the stages in between do, which before their reset may be anything
    input wire             guarded_tready,
    input wire             status_tready,
    input wire             arrived_tdata,
    input wire             arrived_tvalid,
    input wire [WIDTH-1:0] result_tdata,
    input wire             result_tlast,
    input wire             result_tvalid
);

wire entry_rst;
wire exit_rst;

reset_register reset_entry (
    .clk(clk),
    .rst(rst),
    .rst_copy(entry_rst)
);

reset_register reset_exit (
    .clk(clk),
    .rst(rst),
    .rst_copy(exit_rst)
);

wire             s_axis_tready;
wire [WIDTH-1:0] entry_tdata;
wire             entry_tlast;
wire             entry_tvalid;
wire             entry_tready;

stream_register #(.WIDTH(WIDTH + 1)) entry_register (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata({s_axis_tlast, s_axis_tdata}),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tdata({entry_tlast, entry_tdata}),
    .m_axis_tvalid(entry_tvalid),
    .m_axis_tready(entry_tready)
);

wire frame_error;

frame_guard #(.WIDTH(WIDTH), .PIXELS(PIXELS)) guard (
    .clk(clk),
    .rst(entry_rst),
    .s_axis_tdata(entry_tdata),
    .s_axis_tvalid(entry_tvalid),
    .s_axis_tready(entry_tready),
    .s_axis_tlast(entry_tlast),
    .m_axis_tdata(),
    .m_axis_tvalid(),
    .m_axis_tready(guarded_tready),
    .m_status_tdata(),
    .m_status_tvalid(),
    .m_status_tready(status_tready),
    .frame_error(frame_error)
);

wire [WIDTH-1:0] filtered_tdata;
wire             filtered_tlast;
wire             filtered_tvalid;
wire             filtered_tready;
wire [15:0]      dropped_frames;

frame_filter #(.WIDTH(WIDTH)) filter (
    .clk(clk),
    .rst(exit_rst),
    .s_status_tdata(arrived_tdata),
    .s_status_tvalid(arrived_tvalid),
    .s_status_tready(),
    .s_axis_tdata(result_tdata),
    .s_axis_tlast(result_tlast),
    .s_axis_tvalid(result_tvalid),
    .s_axis_tready(),
    .m_axis_tdata(filtered_tdata),
    .m_axis_tlast(filtered_tlast),
    .m_axis_tvalid(filtered_tvalid),
    .m_axis_tready(filtered_tready),
    .dropped_frames(dropped_frames)
);

wire [WIDTH-1:0] m_axis_tdata;
wire             m_axis_tlast;
wire             m_axis_tvalid;

stream_register #(.WIDTH(WIDTH + 1)) exit_register (
    .clk(clk),
    .rst(rst || exit_rst),
    .s_axis_tdata({filtered_tlast, filtered_tdata}),
    .s_axis_tvalid(filtered_tvalid),
    .s_axis_tready(filtered_tready),
    .m_axis_tdata({m_axis_tlast, m_axis_tdata}),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

// A stage whose copy of the reset was set in the last cycle offers nothing.
reg copy_before = 1'b0;  // two cycles after a reset
reg rst_before  = 1'b0;
reg made        = 1'b0;  // a result has been offered to the exit since

always @(posedge clk) begin
    rst_before  <= rst;
    copy_before <= rst_before;
    made        <= !rst && !exit_rst && (made || filtered_tvalid);
end

always @* begin
    assume (!copy_before || (!result_tvalid && !arrived_tvalid));
end

wire [1:0]     inside;
wire           marked;
wire [1:0]     ahead;
wire [WIDTH:0] word;

// From the pads to a guard that has been reset.
words_in_order #(.WIDTH(WIDTH + 1), .CAPACITY(2), .LATENCY(1)) words (
    .clk(clk), .rst(rst), .mark(mark),
    .in_data({s_axis_tlast, s_axis_tdata}), .in_beat(s_axis_tvalid && s_axis_tready && !rst),
    .out_data({entry_tlast, entry_tdata}), .out_valid(entry_tvalid), .out_beat(entry_tvalid && entry_tready && !rst),
    .inside(inside), .marked(marked), .ahead(ahead), .word(word));

always @* begin
    if (running) begin
        ready_after_reset: assert (!rst_before || s_axis_tready);
        silent_after_reset: assert (!(rst_before || copy_before) || !m_axis_tvalid);
        no_result_but_those_made: assert (!m_axis_tvalid || made);
        none_into_a_reset: assert (!(entry_tvalid && entry_rst));
        nothing_from_before: assert (!copy_before || (!frame_error && dropped_frames == 0));
    end
end

`ifdef INVARIANTS
(* hierconn *) wire             \entry_register.out_valid ;
(* hierconn *) wire             \entry_register.spare_free ;
(* hierconn *) wire [WIDTH:0]   \entry_register.out_data ;
(* hierconn *) wire [WIDTH:0]   \entry_register.spare_data ;
(* hierconn *) wire             \exit_register.spare_free ;

always @* begin
    if (running) begin
        copies: assert (entry_rst == rst_before && exit_rst == rst_before);
        places: assert (inside == \entry_register.out_valid + !\entry_register.spare_free
                        && (\entry_register.out_valid || \entry_register.spare_free ));
        in_register: assert (!(marked && ahead == 0) || \entry_register.out_data == word);
        in_spare: assert (!(marked && ahead == 1) || \entry_register.spare_data == word);
        empty_in_reset: assert (!rst_before || inside == 0);
        exit_places: assert (made || \exit_register.spare_free );
    end
end
`endif

endmodule
