// SPDX-License-Identifier: Apache-2.0
// Loops of 3x3 convolutions over blocks of sums that stay in registers.
//
// Images lie pixel by pixel, channels innermost (NHWC), with a border of one pixel. A dot product multiplies a 32-bit
// group of one pixel (four unsigned bytes or two 16-bit integers), broadcast, by the groups of a vector of channels,
// and adds to as many sums.
#pragma once

#include "vectors.h"

namespace wsfracbnn {

// Sizes of one convolution. `pitch` is the number of pixels from one row of a bordered buffer to the next.
struct Geometry {
    int in_channels, out_channels, stride, height, width, out_height, out_width;
    int in_vectors, out_vectors, in_lanes, out_lanes, out_columns, in_pitch, out_pitch;

    Geometry(int in_channels_, int out_channels_, int stride_, int height_, int width_)
        : in_channels(in_channels_), out_channels(out_channels_), stride(stride_), height(height_), width(width_) {
        out_height = height / stride;
        out_width = width / stride;
        in_lanes = round_up(in_channels, LANES);
        out_lanes = round_up(out_channels, LANES);
        in_vectors = in_lanes / LANES;
        out_vectors = out_lanes / LANES;
        out_columns = round_up(out_width, BLOCK_PIXELS);
        in_pitch = stride * out_columns + 2;
        out_pitch = out_columns + 2;
    }
    int row_pixels() const { return stride * out_columns; }  // of the input, in whole blocks
    size_t in_pixels() const { return static_cast<size_t>(height) * width; }
    size_t out_pixels() const { return static_cast<size_t>(out_height) * out_width; }
    size_t bordered_in() const { return static_cast<size_t>(height + 2) * in_pitch; }
    size_t bordered_out() const { return static_cast<size_t>(out_height + 2) * out_pitch; }
};

// The taps that one output meets: where each one's pixel lies from the output's own, and its weights, both in groups.
struct TapList {
    int count = 0;
    ptrdiff_t data[TAPS], weight[TAPS];
    void add(ptrdiff_t data_offset, ptrdiff_t weight_offset) {
        data[count] = data_offset;
        weight[count++] = weight_offset;
    }
};

// BLOCK_PIXELS neighbours of a row in BLOCK_PLANES planes and VECTORS vectors of output channels: as many sums as hide
// the latency of the dot products for the registers of weights. GROUPS, if not 0, is the number of groups a pixel,
// known to the compiler.
template <class Dot, int STEP, int GROUPS, int VECTORS>
inline void convolve_block(const int32_t* data, ptrdiff_t to_second, int any_groups, const TapList& taps,
                           const int32_t* weights, int lanes, const int32_t* start, int32_t* out, ptrdiff_t out_step,
                           ptrdiff_t out_second) {
    const int groups = GROUPS != 0 ? GROUPS : any_groups;
    const ptrdiff_t step = static_cast<ptrdiff_t>(STEP) * groups;
    Ints sum[BLOCK_PLANES][BLOCK_PIXELS][VECTORS];
#pragma GCC unroll 2
    for (int plane = 0; plane < BLOCK_PLANES; ++plane)
#pragma GCC unroll 8
        for (int p = 0; p < BLOCK_PIXELS; ++p)
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; ++v) sum[plane][p][v] = load(start + v * LANES);
#pragma GCC unroll 1
    for (int t = 0; t < taps.count; ++t) {
        const int32_t* of_plane[2] = {data + taps.data[t], data + taps.data[t] + to_second};
        const int32_t* w = weights + taps.weight[t];
#pragma GCC unroll 1
        for (int g = 0; g < groups; ++g, w += lanes) {
            Ints weight[VECTORS];
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; ++v) weight[v] = load(w + v * LANES);
#pragma GCC unroll 2
            for (int plane = 0; plane < BLOCK_PLANES; ++plane)
#pragma GCC unroll 8
                for (int p = 0; p < BLOCK_PIXELS; ++p) {
                    const auto group = Dot::group(of_plane[plane] + p * step + g);
#pragma GCC unroll 2
                    for (int v = 0; v < VECTORS; ++v) sum[plane][p][v] = Dot::add(sum[plane][p][v], group, weight[v]);
                }
        }
    }
#pragma GCC unroll 8
    for (int p = 0; p < BLOCK_PIXELS; ++p)
#pragma GCC unroll 2
        for (int plane = 0; plane < BLOCK_PLANES; ++plane)
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; ++v)
                store(out + p * out_step + plane * out_second + v * LANES, sum[plane][p][v]);
}

// Where a row's blocks lie: `data` is the first output's pixel in the first plane.
struct Row {
    const int32_t* data;
    ptrdiff_t to_second;  // plane
    int groups;           // a pixel
    const int32_t* weights;
    int lanes;             // output channels, in whole vectors
    const int32_t* start;  // what their sums start from
    int32_t* out;
    ptrdiff_t out_step, out_second;
    int columns;
};

template <class Dot, int STEP, int GROUPS, int VECTORS>
inline void convolve_vectors(const Row& r, const TapList& taps, int first_lane) {
    for (int plane = 0; plane < 2; plane += BLOCK_PLANES)
        for (int x = 0; x < r.columns; x += BLOCK_PIXELS)
            convolve_block<Dot, STEP, GROUPS, VECTORS>(
                r.data + plane * r.to_second + static_cast<ptrdiff_t>(x) * STEP * r.groups, r.to_second, r.groups, taps,
                r.weights + first_lane, r.lanes, r.start + first_lane,
                r.out + plane * r.out_second + x * r.out_step + first_lane, r.out_step, r.out_second);
}

template <class Dot, int STEP, int GROUPS>
__attribute__((noinline)) void convolve_row_of(const Row& r, const TapList& taps) {
    int lane = 0;
    for (; lane + BLOCK_VECTORS * LANES <= r.lanes; lane += BLOCK_VECTORS * LANES)
        convolve_vectors<Dot, STEP, GROUPS, BLOCK_VECTORS>(r, taps, lane);
    if (BLOCK_VECTORS > 1 && lane < r.lanes) convolve_vectors<Dot, STEP, GROUPS, 1>(r, taps, lane);
}

// A row of outputs of both planes; STEP pixels of the input lie between two of them.
template <class Dot, int STEP>
inline void convolve_row(const Row& r, const TapList& taps) {
    switch (r.groups) {
        case 4:
            return convolve_row_of<Dot, STEP, 4>(r, taps);
        case 8:
            return convolve_row_of<Dot, STEP, 8>(r, taps);
        case 16:
            return convolve_row_of<Dot, STEP, 16>(r, taps);
        case 32:
            return convolve_row_of<Dot, STEP, 32>(r, taps);
        default:
            return convolve_row_of<Dot, STEP, 0>(r, taps);
    }
}

// S_m and S_l of row y, `out_columns` pixels each, from two bordered planes one behind the other.
template <class Dot>
inline void convolve_planes(const Geometry& g, int groups, const int32_t* weights, const int32_t* start,
                            const int32_t* planes, int y, int32_t* sums) {
    TapList taps;
    for (int ky = 0; ky < 3; ++ky)
        for (int kx = 0; kx < 3; ++kx)
            taps.add(static_cast<ptrdiff_t>(ky * g.in_pitch + kx) * groups,
                     static_cast<ptrdiff_t>(3 * ky + kx) * groups * g.out_lanes);
    const Row row{planes + static_cast<size_t>(y) * g.stride * g.in_pitch * groups,
                  static_cast<ptrdiff_t>(g.bordered_in()) * groups,
                  groups,
                  weights,
                  g.out_lanes,
                  start,
                  sums,
                  g.out_lanes,
                  static_cast<ptrdiff_t>(g.out_columns) * g.out_lanes,
                  g.out_columns};
    g.stride == 1 ? convolve_row<Dot, 1>(row, taps) : convolve_row<Dot, 2>(row, taps);
}

}  // namespace wsfracbnn
