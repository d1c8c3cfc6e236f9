// SPDX-License-Identifier: Apache-2.0
// 3x3 convolutions of binary planes in integers, and their gradients.
//
//     S[p, o]     = sum over taps t and channels i of  w[o, i, t] b[p + t, i]
//     of_b[p, i]  = sum over taps t and channels o of  w[o, i, t] of_S[p - t, o]
//     of_w[o,i,t] = sum over pixels p of               of_S[p, o] b[p + t, i]
//
// The first two formulas are one loop nest, `convolve_row` of blocks.h; S of signs is a header of its own.
//
// Bounds. |of_S| <= GRADIENT_LIMIT against w of +-1 gives at most 9 * 32766 * channels < 2^31 up to 7,000 channels;
// against real weights see `pack_transposed`. of_w adds two products of 32766 a pixel, so an image may have 32,768
// pixels.
#pragma once

#include <vector>

#include "blocks.h"
#ifdef __AVX512VNNI__
#include "sign_dots.h"
#else
#include "sign_tables.h"
#endif

namespace wsfracbnn {

constexpr int GRADIENT_LIMIT = 32766;      // of int16 gradients that meet weights of +-1
constexpr int REAL_GRADIENT_LIMIT = 8191;  // that meet real weights

// Weights (O, I, 3, 3) as the two directions read them: [tap][group][lane].
struct PackedWeights {
    bool binary = true;
    std::vector<float> scale;  // of S: what an integer sum is multiplied by, per output channel
    float backward_scale = 1;  // of of_b
    SignConvolution signs;
    Buffer<int32_t> forward, start, backward, zeros;

    void pack_forward(const Geometry& g, const float* w, bool of_signs) {
        binary = of_signs;
        scale.assign(g.out_lanes, 1.0f);
        if (binary) signs.pack(g, w);
        else pack_words(g, w);
    }
    void pack_backward(const Geometry& g, const float* w, bool of_signs) {
        binary = of_signs;
        zeros.zeroed(g.in_lanes);
        pack_transposed(g, w);
    }
    int forward_groups(const Geometry& g) const { return g.in_lanes / (binary ? SignConvolution::CHANNELS : 2); }
    // Room for two bordered planes, in which b is 0.
    int32_t* cleared_planes(const Geometry& g, Buffer<int32_t>& buffer) const {
        const size_t groups = 2 * g.bordered_in() * forward_groups(g);
        int32_t* planes = buffer.sized(groups);
        if (binary) SignConvolution::clear(planes, groups);
        else std::memset(planes, 0, groups * sizeof(int32_t));
        return planes;
    }

  private:
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

// S_m and S_l of row y, `out_columns` pixels each, from what quantizing wrote.
inline void forward_row(const Geometry& g, const PackedWeights& w, const int32_t* planes, int y, int32_t* sums) {
    if (w.binary) w.signs.convolve(g, planes, y, sums);
    else convolve_planes<WordDot>(g, w.forward_groups(g), w.forward.data(), w.start.data(), planes, y, sums);
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

// One block's sums over rows `top` to `bottom` of the gradient; factor times these is added to total.
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
    const int rows = std::max(1, WEIGHT_PIXELS / g.out_width);
    for (int top = 0; top < g.out_height; top += rows) {
        const int bottom = std::min(g.out_height - top, rows) + top;
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
