// SPDX-License-Identifier: Apache-2.0
// 3x3 convolutions of binary planes in integers, and their gradients.
//
//     S[p, o]     = sum over taps t and channels i of  w[o, i, t] b[p + t, i]
//     of_b[p, i]  = sum over taps t and channels o of  w[o, i, t] of_S[p - t, o]
//     of_w[o,i,t] = sum over pixels p of               of_S[p, o] b[p + t, i]
//
// Images lie pixel by pixel, channels innermost (NHWC), with a border of one pixel. A dot product instruction
// multiplies a 32-bit group of one pixel (four unsigned bytes or two 16-bit integers), broadcast, by the groups of
// sixteen channels, and adds to sixteen int32 sums. So the first two formulas are one loop nest, `convolve_row`.
//
// Bounds. Bytes: b in {-1, 0, +1} is stored as b + 1, and S = dot(w, b + 1) - sum(w); no sum exceeds 3 * 9 * channels.
// 16 bits: |of_S| <= GRADIENT_LIMIT against w of +-1 gives at most 9 * 32766 * channels < 2^31 up to 7,000 channels;
// against real weights see `pack_transposed`. of_w adds two products of 32766 a pixel, so an image may have 32,768
// pixels.
#pragma once

#include <vector>

#include "vectors.h"

namespace wsfracbnn {

constexpr int GRADIENT_LIMIT = 32766;      // of int16 gradients that meet weights of +-1
constexpr int REAL_GRADIENT_LIMIT = 8191;  // that meet real weights

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
            for (int v = 0; v < VECTORS; ++v) sum[plane][p][v] = Dot::begin(load(start + v * LANES));
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
                store(out + p * out_step + plane * out_second + v * LANES,
                      Dot::finish(sum[plane][p][v], load(start + v * LANES)));
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

// Weights (O, I, 3, 3) as the two directions read them: [tap][group][lane].
struct PackedWeights {
    bool binary = true;
    std::vector<float> scale;  // of S: what an integer sum is multiplied by, per output channel
    float backward_scale = 1;  // of of_b
    Buffer<int32_t> forward, start, backward, zeros;

    void pack_forward(const Geometry& g, const float* w, bool signs) {
        binary = signs;
        scale.assign(g.out_lanes, 1.0f);
        if (binary) pack_bytes(g, w);
        else pack_words(g, w);
    }
    void pack_backward(const Geometry& g, const float* w, bool signs) {
        binary = signs;
        zeros.zeroed(g.in_lanes);
        pack_transposed(g, w);
    }
    int forward_groups(const Geometry& g) const { return g.in_lanes / (binary ? 4 : 2); }

  private:
    // Signs against planes in {0, 1, 2}.
    void pack_bytes(const Geometry& g, const float* w) {
        const size_t tap_size = static_cast<size_t>(g.in_lanes) * g.out_lanes;
        auto* packed = reinterpret_cast<int8_t*>(forward.zeroed(TAPS * tap_size / 4));
        int32_t* first = start.zeroed(g.out_lanes);
        for (int o = 0; o < g.out_channels; ++o)
            for (int i = 0; i < g.in_channels; ++i)
                for (int t = 0; t < TAPS; ++t) {
                    const int sign = w[(o * g.in_channels + i) * TAPS + t] >= 0 ? 1 : -1;
                    packed[t * tap_size + static_cast<size_t>(i / 4) * g.out_lanes * 4 + o * 4 + i % 4] =
                        static_cast<int8_t>(sign);
                    first[o] -= sign;
                }
    }
    // Real weights in 16-bit fixed point, each output channel with its own scale, against planes of +-1.
    void pack_words(const Geometry& g, const float* w) {
        const size_t tap_size = static_cast<size_t>(g.in_lanes) * g.out_lanes;
        auto* packed = reinterpret_cast<int16_t*>(forward.zeroed(TAPS * tap_size / 2));
        start.zeroed(g.out_lanes);
        for (int o = 0; o < g.out_channels; ++o) {
            const float* row = w + static_cast<size_t>(o) * g.in_channels * TAPS;
            float largest = 1e-20f;
            for (int k = 0; k < g.in_channels * TAPS; ++k) largest = std::max(largest, std::fabs(row[k]));
            scale[o] = largest / 32767.0f;
            for (int i = 0; i < g.in_channels; ++i)
                for (int t = 0; t < TAPS; ++t)
                    packed[t * tap_size + static_cast<size_t>(i / 2) * g.out_lanes * 2 + o * 2 + i % 2] =
                        static_cast<int16_t>(std::lrintf(row[i * TAPS + t] / scale[o]));
        }
    }
    // Pairs over output channels. Real weights get the largest scale at which no sum over a window,
    // REAL_GRADIENT_LIMIT * sum |w|, can reach 2^31: for 64 channels a weight is 455 steps in the mean.
    void pack_transposed(const Geometry& g, const float* w) {
        float steps = 1;
        if (!binary) {
            float largest = 1e-20f, heaviest = 1e-20f;
            for (int i = 0; i < g.in_channels; ++i) {
                float sum = 0;
                for (int o = 0; o < g.out_channels; ++o)
                    for (int t = 0; t < TAPS; ++t) {
                        const float size = std::fabs(w[(o * g.in_channels + i) * TAPS + t]);
                        largest = std::max(largest, size);
                        sum += size;
                    }
                heaviest = std::max(heaviest, sum);
            }
            const float rounding = 0.5f * TAPS * static_cast<float>(g.out_channels);
            steps = std::min(32767.0f / largest, (2147483000.0f / REAL_GRADIENT_LIMIT - rounding) / heaviest);
        }
        backward_scale = 1 / steps;
        const size_t tap_size = static_cast<size_t>(g.in_lanes) * g.out_lanes;
        auto* packed = reinterpret_cast<int16_t*>(backward.zeroed(TAPS * tap_size / 2));
        for (int o = 0; o < g.out_channels; ++o)
            for (int i = 0; i < g.in_channels; ++i)
                for (int t = 0; t < TAPS; ++t) {
                    const float value = w[(o * g.in_channels + i) * TAPS + t];
                    const long word = binary ? (value >= 0 ? 1 : -1) : std::lrintf(value * steps);
                    packed[t * tap_size + static_cast<size_t>(o / 2) * g.in_lanes * 2 + i * 2 + o % 2] =
                        static_cast<int16_t>(word);
                }
    }
};

// S_m and S_l of row y, `out_columns` pixels each, from two bordered planes one behind the other.
inline void forward_row(const Geometry& g, const PackedWeights& w, const int32_t* planes, int y, int32_t* sums) {
    const int groups = w.forward_groups(g);
    TapList taps;
    for (int ky = 0; ky < 3; ++ky)
        for (int kx = 0; kx < 3; ++kx)
            taps.add(static_cast<ptrdiff_t>(ky * g.in_pitch + kx) * groups,
                     static_cast<ptrdiff_t>(3 * ky + kx) * groups * g.out_lanes);
    const Row row{planes + static_cast<size_t>(y) * g.stride * g.in_pitch * groups,
                  static_cast<ptrdiff_t>(g.bordered_in()) * groups,
                  groups,
                  w.forward.data(),
                  g.out_lanes,
                  w.start.data(),
                  sums,
                  g.out_lanes,
                  static_cast<ptrdiff_t>(g.out_columns) * g.out_lanes,
                  g.out_columns};
    if (w.binary) g.stride == 1 ? convolve_row<ByteDot, 1>(row, taps) : convolve_row<ByteDot, 2>(row, taps);
    else g.stride == 1 ? convolve_row<WordDot, 1>(row, taps) : convolve_row<WordDot, 2>(row, taps);
}

// of_b of row y (of the input) from a bordered int16 gradient of S, and the same from what lies `to_second` groups
// behind: `row_pixels` pixels each. At stride 2 a pixel meets only the taps whose output lies at an even distance: in
// each direction the middle one, or the two outer ones.
inline void backward_rows(const Geometry& g, const PackedWeights& w, const int32_t* gradients, ptrdiff_t to_second,
                          int y, int32_t* sums) {
    const int groups = g.out_lanes / 2;
    for (int parity = 0; parity < g.stride; ++parity) {
        TapList taps;
        for (int ky = 0; ky < 3; ++ky)
            for (int kx = 0; kx < 3; ++kx) {
                const int from_y = y + 1 - ky, from_x = parity + 1 - kx;
                if (from_y % g.stride != 0 || from_x % g.stride != 0) continue;
                const ptrdiff_t row = from_y / g.stride + 1, column = from_x / g.stride + 1;
                taps.add((row * g.out_pitch + column) * groups,
                         static_cast<ptrdiff_t>(3 * ky + kx) * groups * g.in_lanes);
            }
        const Row row{gradients,
                      to_second,
                      groups,
                      w.backward.data(),
                      g.in_lanes,
                      w.zeros.data(),
                      sums + parity * g.in_lanes,
                      static_cast<ptrdiff_t>(g.stride) * g.in_lanes,
                      static_cast<ptrdiff_t>(g.row_pixels()) * g.in_lanes,
                      g.out_columns};
        convolve_row<WordDot, 1>(row, taps);
    }
}

// Of both planes, whose gradients lie one behind the other.
inline void backward_row(const Geometry& g, const PackedWeights& w, const int32_t* gradients, int y, int32_t* sums) {
    backward_rows(g, w, gradients, static_cast<ptrdiff_t>(g.bordered_out()) * g.out_lanes / 2, y, sums);
}

// Rows y and y + stride of one plane, which has one row more than its border.
inline void backward_two_rows(const Geometry& g, const PackedWeights& w, const int32_t* gradient, int y,
                              int32_t* sums) {
    backward_rows(g, w, gradient, static_cast<ptrdiff_t>(g.out_pitch) * g.out_lanes / 2, y, sums);
}

// --- of_w -----------------------------------------------------------------------------------------------------------
// Here a 32-bit group is the pair of planes (msb, lsb) of one channel and pixel, and (of_S_m, of_S_l) beside it:
//     of_w[o, i, t] = sum over p of  of_S_m[p, o] msb[p + t, i] + of_S_l[p, o] lsb[p + t, i].
// Sums of a few input channels, taps of a row and vectors of output channels stay in registers.

inline size_t weight_gradient_size(const Geometry& g) { return static_cast<size_t>(TAPS) * g.in_lanes * g.out_lanes; }

// Calls visit(first vector, vectors, first input channel, ky, first kx) for every such block, in the order in which
// their sums lie: [channel][kx][vector][LANES].
template <class Visit>
inline void for_each_weight_block(const Geometry& g, const Visit& visit) {
    for (int v = 0; v < g.out_vectors; v += WEIGHT_VECTORS)
        for (int i = 0; i < g.in_lanes; i += WEIGHT_CHANNELS)
            for (int ky = 0; ky < 3; ++ky)
                for (int kx = 0; kx < 3; kx += WEIGHT_TAPS)
                    visit(v, std::min(WEIGHT_VECTORS, g.out_vectors - v), i, ky, kx);
}
template <int STRIDE, int VECTORS>
inline void add_weight_block(const Geometry& g, const int32_t* pairs, const int32_t* gradient, int ky, int kx, int top,
                             int bottom, Floats factor, float* total) {
    constexpr int PAIRS = WEIGHT_CHANNELS * WEIGHT_TAPS;
    const size_t pair_row = static_cast<size_t>(g.in_pitch) * g.in_lanes;
    const size_t gradient_row = static_cast<size_t>(g.out_width + 2) * g.out_lanes;
    Ints sum[PAIRS * VECTORS];
#pragma GCC unroll 24
    for (int k = 0; k < PAIRS * VECTORS; ++k) sum[k] = broadcast(0);
    for (int y = top; y < bottom; ++y) {
        const int from = y * STRIDE + ky;  // in bordered rows
        if (from < 1 || from > g.height) continue;
        const int32_t* b = pairs + from * pair_row;
        const int32_t* of = gradient + y * gradient_row + g.out_lanes;
        if constexpr (STRIDE == 1 && WEIGHT_TAPS == 3) {  // pixel x meets the gradients of its neighbours
            b += g.in_lanes;
            for (int x = 0; x < g.out_width; ++x, b += g.in_lanes, of += g.out_lanes) {
                const Ints right = load(of + g.out_lanes);
                const Ints middle = load(of);
                const Ints left = load(of - g.out_lanes);
#pragma GCC unroll 8
                for (int c = 0; c < WEIGHT_CHANNELS; ++c) {
                    const Ints pair = broadcast(b[c]);
                    sum[3 * c] = WordDot::add(sum[3 * c], pair, right);
                    sum[3 * c + 1] = WordDot::add(sum[3 * c + 1], pair, middle);
                    sum[3 * c + 2] = WordDot::add(sum[3 * c + 2], pair, left);
                }
            }
        } else {  // gradient x meets pixels STRIDE * x - 1 + kx
            b += kx * g.in_lanes;
            for (int x = 0; x < g.out_width; ++x, b += STRIDE * g.in_lanes, of += g.out_lanes) {
                Ints middle[VECTORS];
#pragma GCC unroll 2
                for (int v = 0; v < VECTORS; ++v) middle[v] = load(of + v * LANES);
#pragma GCC unroll 24
                for (int k = 0; k < PAIRS; ++k) {
                    const auto pair = WordDot::group(b + k % WEIGHT_TAPS * g.in_lanes + k / WEIGHT_TAPS);
#pragma GCC unroll 2
                    for (int v = 0; v < VECTORS; ++v)
                        sum[k * VECTORS + v] = WordDot::add(sum[k * VECTORS + v], pair, middle[v]);
                }
            }
        }
    }
#pragma GCC unroll 24
    for (int k = 0; k < PAIRS * VECTORS; ++k, total += LANES) store(total, fma(to_floats(sum[k]), factor, load(total)));
}

// pairs: bordered (in_pitch), in_lanes groups a pixel. gradient: rows of out_width + 2 pixels, the outer two zero,
// out_lanes groups a pixel. Adds scale * of_w to total.
template <int STRIDE>
__attribute__((noinline)) void add_weight_gradient(const Geometry& g, const int32_t* pairs, const int32_t* gradient,
                                                   float scale, float* total) {
    const Floats factor = broadcast(scale);
    for (int top = 0; top < g.out_height; top += WEIGHT_ROWS) {
        const int bottom = std::min(g.out_height - top, WEIGHT_ROWS) + top;
        float* to = total;
        for_each_weight_block(g, [&](int v, int vectors, int i, int ky, int kx) {
            if (WEIGHT_VECTORS == 1 || vectors == WEIGHT_VECTORS)
                add_weight_block<STRIDE, WEIGHT_VECTORS>(g, pairs + i, gradient + v * LANES, ky, kx, top, bottom,
                                                         factor, to);
            else add_weight_block<STRIDE, 1>(g, pairs + i, gradient + v * LANES, ky, kx, top, bottom, factor, to);
            to += WEIGHT_CHANNELS * WEIGHT_TAPS * vectors * LANES;
        });
    }
}

// Sums of all parts, in their order, as (O, I, 3, 3).
inline void unpack_weight_gradient(const Geometry& g, const float* parts, int count, size_t part_stride, float* of_w) {
    const float* from = parts;
    for_each_weight_block(g, [&](int first, int vectors, int first_channel, int ky, int first_kx) {
        for (int k = 0; k < WEIGHT_CHANNELS * WEIGHT_TAPS * vectors; ++k, from += LANES) {
            Floats sum = broadcast(0.0f);
            for (int p = 0; p < count; ++p) sum = sum + load(from + p * part_stride);
            alignas(64) float lane[LANES];
            store(lane, sum);
            const int v = first + k % vectors, pair = k / vectors;
            const int i = first_channel + pair / WEIGHT_TAPS, t = 3 * ky + first_kx + pair % WEIGHT_TAPS;
            if (i >= g.in_channels) continue;
            for (int c = 0; c < LANES && v * LANES + c < g.out_channels; ++c)
                of_w[(static_cast<size_t>(v * LANES + c) * g.in_channels + i) * TAPS + t] = lane[c];
        }
    });
}

}  // namespace wsfracbnn
