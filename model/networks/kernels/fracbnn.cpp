// SPDX-License-Identifier: Apache-2.0
// Training passes of FracBNN's stages on a CPU, in float32 but for the convolutions, which are those of WSFracBNN:
//     q = [X >= -2/3] + [X >= 0] + [X >= 2/3],  S_m, S_l the convolutions of its planes
//     A = (2 S_m + (S_m > G ? S_l : 0)) / 3,  Y = norm(A),  V = Y + b1,  Z = (V >= 0 ? V : slope V) + b2 + shortcut(X)
//     X' = norm'(Z)
// Both norms are BatchNorm over the batch, norm(A) = w (A - mean) / sqrt(variance + eps) + b, so that a stage takes
// three passes over the batch forward and three backward. Kept are X, S (int16; real weights: float32) and Z.
//
// Gradients are those of networks/fracbnn.py: both planes of X pass theirs on where |X| <= 1, so that of_X needs one
// convolution of of_S_m + of_S_l.
#include "passes.h"

namespace wsfracbnn {

extern "C" {

// model/networks/kernels/library.py mirrors this structure. `constants` and their gradients are CONSTANTS rows of O
// floats.
struct FracStage {
    int32_t images, in_channels, out_channels, height, width, stride, binary;
    float eps, gate_scale;  // from S_m to the unit of the gate thresholds
    float sum_slope;        // of the gate's gradient into S_m: gate_scale, or 0
    const float* x;         // (N, H, W, I)
    const float* plane;     // (O, I, 3, 3)
    const float* constants;
    void* sums;             // (N, H', W', 2, out_lanes) int16, with real weights float32
    float* z;               // (N, H', W', O)
    float* next;            // (N, H', W', O)
    float* gates;           // (O,), fraction of open gates
    float* statistics;      // (4, O): mean and variance of A, mean and variance of Z
    const float* of_next;   // (N, H', W', O)
    const float* of_gates;  // (O,)
    float* of_y;            // (N, H', W', O), space to work in
    float* of_x;            // (N, H, W, I)
    float* of_plane;        // (O, I, 3, 3)
    float* of_constants;
};
}

namespace {

enum Constant { BOUND, THRESHOLD, NORM_WEIGHT, NORM_BIAS, BIAS_IN, SLOPE, BIAS_OUT, SUM_WEIGHT, SUM_BIAS, CONSTANTS };
enum Statistic { MEAN, VARIANCE, SUM_MEAN, SUM_VARIANCE, STATISTICS };

constexpr float THIRD = 1.0f / 3.0f;

// Sums over the batch by channel: `ROWS` rows of every part, in double precision, added up row by row of the image.
class Totals {
  public:
    Totals(int rows, int lanes) : rows_(rows), lanes_(lanes), values_(static_cast<size_t>(PARTS) * rows * lanes, 0.0) {}
    void add(int part, int row, int v, Floats value) {
        add_to(values_.data() + (static_cast<size_t>(part) * rows_ + row) * lanes_ + v * LANES, value);
    }
    double sum(int row, int channel) const {
        double total = 0;
        for (int part = 0; part < PARTS; ++part)
            total += values_[(static_cast<size_t>(part) * rows_ + row) * lanes_ + channel];
        return total;
    }

  private:
    int rows_, lanes_;
    std::vector<double> values_;
};

struct PreparedFracStage {
    const FracStage& stage;
    Geometry geometry;
    PackedWeights weights;
    Constants constants, affine;  // affine: rows as the passes need them

    PreparedFracStage(const FracStage& s, bool backward)
        : stage(s), geometry(s.in_channels, s.out_channels, s.stride, s.height, s.width) {
        if (backward) weights.pack_backward(geometry, s.plane, s.binary);
        else weights.pack_forward(geometry, s.plane, s.binary);
        constants.pad(s.constants, CONSTANTS, s.out_channels, s.out_channels);
    }
    double values() const { return static_cast<double>(stage.images) * geometry.out_pixels(); }
    size_t in_size() const { return geometry.in_pixels() * geometry.in_channels; }
    size_t out_size() const { return geometry.out_pixels() * geometry.out_channels; }
    size_t sums_size() const { return geometry.out_pixels() * 2 * geometry.out_lanes; }
    const float* statistic(int row) const { return stage.statistics + row * stage.out_channels; }
    template <bool BINARY>
    typename KeptSums<BINARY>::Type* sums(int n, int y) const {
        return static_cast<typename KeptSums<BINARY>::Type*>(stage.sums) + n * sums_size() +
               static_cast<size_t>(y) * geometry.out_width * 2 * geometry.out_lanes;
    }
    // Weight and bias of a norm as one multiplication and addition: w / sqrt(variance + eps), b - mean * that.
    void fold_norm(int weight, int mean, float* scale, float* offset) const {
        for (int c = 0; c < stage.out_channels; ++c) {
            scale[c] = static_cast<float>(stage.constants[weight * stage.out_channels + c] /
                                          std::sqrt(statistic(mean + 1)[c] + static_cast<double>(stage.eps)));
            offset[c] = stage.constants[(weight + 1) * stage.out_channels + c] - statistic(mean)[c] * scale[c];
        }
    }
};

template <PlaneFormat FORMAT>
void quantize_floats(const Geometry& g, const float* x, int32_t* planes) {
    constexpr int PER_GROUP = CHANNELS_PER_GROUP<FORMAT>;
    const int pixel_groups = g.in_lanes / PER_GROUP;
    const size_t to_second = g.bordered_in() * pixel_groups;
    const Floats t = broadcast(2.0f / 3.0f), minus_t = broadcast(-2.0f / 3.0f);
    for (int v = 0; v < g.in_vectors; ++v) {
        const int32_t entry = SignConvolution::entry_of(g, v);
        const Lanes lanes = lanes_of(g.in_channels, v);
        for (int y = 0; y < g.height; ++y) {
            const float* from = x + static_cast<size_t>(y) * g.width * g.in_channels + v * LANES;
            int32_t* to = planes + (static_cast<size_t>(y + 1) * g.in_pitch + 1) * pixel_groups + v * LANES / PER_GROUP;
            for (int c = 0; c < g.width; ++c, from += g.in_channels, to += pixel_groups) {
                const Floats value = load_where(lanes, from);
                const Mask middle = at_least(value, broadcast(0.0f));
                const Mask outer = exclusive_or(at_least(value, minus_t), at_least(value, t));
                store_planes<FORMAT>(to, to_second, {middle, exclusive_or(middle, outer)}, entry);
            }
        }
    }
}

// Row y of the 2x2 average with the channels twice, out_lanes floats a pixel.
void pooled_float_row(const Geometry& g, const float* x, int y, float* to) {
    const float* upper = x + static_cast<size_t>(2 * y) * g.width * g.in_channels;
    const float* lower = upper + static_cast<size_t>(g.width) * g.in_channels;
    for (int p = 0; p < g.out_width; ++p, to += g.out_lanes)
        for (int c = 0; c < g.in_channels; ++c) {
            const size_t left = static_cast<size_t>(2 * p) * g.in_channels + c, right = left + g.in_channels;
            to[c] = to[c + g.in_channels] = 0.25f * (upper[left] + upper[right] + lower[left] + lower[right]);
        }
}

inline Floats accumulator(Floats s_m, Floats s_l, Mask open) {
    const Floats twice = s_m + s_m;
    return add_where(open, twice, s_l) * broadcast(THIRD);
}

// --- forward --------------------------------------------------------------------------------------------------------

enum ForwardTotal { SUM, SQUARES, OPEN, FORWARD_TOTALS };

template <bool BINARY>
__attribute__((noinline)) void convolve_image(const PreparedFracStage& p, int n, int part, int32_t* planes,
                                              int32_t* rows, Totals& totals) {
    constexpr PlaneFormat FORMAT = BINARY ? PlaneFormat::SIGNS : PlaneFormat::WORDS;
    const Geometry& g = p.geometry;
    quantize_floats<FORMAT>(g, p.stage.x + n * p.in_size(), planes);
    const int32_t* row_l = rows + static_cast<size_t>(g.out_columns) * g.out_lanes;
    for (int y = 0; y < g.out_height; ++y) {
        forward_row(g, p.weights, planes, y, rows);
        auto* kept = p.sums<BINARY>(n, y);
        for (int v = 0; v < g.out_vectors; ++v) {
            const Floats bound = p.constants.vector(BOUND, v),
                         scale = load_unaligned(p.weights.scale.data() + v * LANES);
            Floats sum = broadcast(0.0f), squares = sum, open = sum;
            for (int x = 0; x < g.out_width; ++x) {
                const Ints m = load(rows + x * g.out_lanes + v * LANES), l = load(row_l + x * g.out_lanes + v * LANES);
                const Floats s_m = to_floats(m) * scale, s_l = to_floats(l) * scale;
                KeptSums<BINARY>::keep(kept + 2 * x * g.out_lanes + v * LANES, m, s_m);
                KeptSums<BINARY>::keep(kept + (2 * x + 1) * g.out_lanes + v * LANES, l, s_l);
                const Mask gate = greater(s_m, bound);
                const Floats a = accumulator(s_m, s_l, gate);
                sum = sum + a;
                squares = fma(a, a, squares);
                open = add_where(gate, open, broadcast(1.0f));
            }
            totals.add(part, SUM, v, sum);
            totals.add(part, SQUARES, v, squares);
            totals.add(part, OPEN, v, open);
        }
    }
}

struct Branch {
    Mask open, negative;
    Floats s_m, s_l, a, v;
};

template <bool BINARY>
inline Branch branch_at(const typename KeptSums<BINARY>::Type* kept, int lanes, Floats bound, Floats scale,
                        Floats offset) {
    Branch b;
    b.s_m = KeptSums<BINARY>::read(kept);
    b.s_l = KeptSums<BINARY>::read(kept + lanes);
    b.open = greater(b.s_m, bound);
    b.a = accumulator(b.s_m, b.s_l, b.open);
    b.v = fma(b.a, scale, offset);  // b1 is in the offset
    b.negative = less(b.v, broadcast(0.0f));
    return b;
}

// Z of one image.
template <bool BINARY>
__attribute__((noinline)) void add_branch(const PreparedFracStage& p, int n, int part, float* pooled, Totals& totals) {
    const Geometry& g = p.geometry;
    const float* x = p.stage.x + n * p.in_size();
    for (int y = 0; y < g.out_height; ++y) {
        const float* shortcut = x + static_cast<size_t>(y) * g.width * g.in_channels;
        if (g.stride == 2) {
            pooled_float_row(g, x, y, pooled);
            shortcut = pooled;
        }
        const int step = g.stride == 2 ? g.out_lanes : g.in_channels;
        const auto* kept = p.sums<BINARY>(n, y);
        float* z = p.stage.z + n * p.out_size() + static_cast<size_t>(y) * g.out_width * g.out_channels;
        for (int v = 0; v < g.out_vectors; ++v) {
            const Lanes lanes = lanes_of(g.out_channels, v);
            const Floats bound = p.constants.vector(BOUND, v), slope = p.constants.vector(SLOPE, v),
                         bias_out = p.constants.vector(BIAS_OUT, v);
            const Floats scale = p.affine.vector(0, v), offset = p.affine.vector(1, v) + p.constants.vector(BIAS_IN, v);
            Floats sum = broadcast(0.0f), squares = sum;
            for (int c = 0; c < g.out_width; ++c) {
                const Branch b =
                    branch_at<BINARY>(kept + 2 * c * g.out_lanes + v * LANES, g.out_lanes, bound, scale, offset);
                const Floats bent = multiply_where(b.negative, b.v, slope) + bias_out;
                const Floats value = bent + load_where(lanes, shortcut + static_cast<size_t>(c) * step + v * LANES);
                store_where(z + static_cast<size_t>(c) * g.out_channels + v * LANES, lanes, value);
                sum = sum + value;
                squares = fma(value, value, squares);
            }
            totals.add(part, SUM, v, sum);
            totals.add(part, SQUARES, v, squares);
        }
    }
}

// X' of one image.
void normalize_image(const PreparedFracStage& p, int n) {
    const Geometry& g = p.geometry;
    const float* z = p.stage.z + n * p.out_size();
    float* next = p.stage.next + n * p.out_size();
    for (int v = 0; v < g.out_vectors; ++v) {
        const Lanes lanes = lanes_of(g.out_channels, v);
        const Floats scale = p.affine.vector(0, v), offset = p.affine.vector(1, v);
        for (size_t k = v * LANES; k < p.out_size(); k += g.out_channels)
            store_where(next + k, lanes, fma(load_where(lanes, z + k), scale, offset));
    }
}

void find_statistics(const PreparedFracStage& p, const Totals& totals, int mean) {
    const int channels = p.stage.out_channels;
    for (int c = 0; c < channels; ++c) {
        const double average = totals.sum(SUM, c) / p.values();
        p.stage.statistics[mean * channels + c] = static_cast<float>(average);
        p.stage.statistics[(mean + 1) * channels + c] =
            static_cast<float>(std::max(0.0, totals.sum(SQUARES, c) / p.values() - average * average));
    }
}

void fold(PreparedFracStage& p, int weight, int mean) {
    std::vector<float> rows(2 * p.stage.out_channels);
    p.fold_norm(weight, mean, rows.data(), rows.data() + p.stage.out_channels);
    p.affine.pad(rows.data(), 2, p.stage.out_channels, p.stage.out_channels);
}

template <bool BINARY>
void forward_stage(PreparedFracStage& p, int threads) {
    const Geometry& g = p.geometry;
    Totals of_a(FORWARD_TOTALS, g.out_lanes), of_z(FORWARD_TOTALS, g.out_lanes);
    for_each_block(p.stage.images, threads, [&](int part, int first, int last) {
        Workspace& ws = workspace();
        int32_t* planes = p.weights.cleared_planes(g, ws.planes);
        int32_t* rows = ws.rows.sized(2 * static_cast<size_t>(g.out_columns) * g.out_lanes);
        for (int n = first; n < last; ++n) convolve_image<BINARY>(p, n, part, planes, rows, of_a);
    });
    find_statistics(p, of_a, MEAN);
    fold(p, NORM_WEIGHT, MEAN);
    for (int c = 0; c < p.stage.out_channels; ++c)
        p.stage.gates[c] = static_cast<float>(of_a.sum(OPEN, c) / p.values());
    for_each_block(p.stage.images, threads, [&](int part, int first, int last) {
        float* pooled = workspace().of_row.sized(static_cast<size_t>(g.out_width) * g.out_lanes);
        for (int n = first; n < last; ++n) add_branch<BINARY>(p, n, part, pooled, of_z);
    });
    find_statistics(p, of_z, SUM_MEAN);
    fold(p, SUM_WEIGHT, SUM_MEAN);
    for_each_block(p.stage.images, threads, [&](int, int first, int last) {
        for (int n = first; n < last; ++n) normalize_image(p, n);
    });
}

// --- backward -------------------------------------------------------------------------------------------------------
// A norm's gradient is  of_A = s (of_Y - mean(of_Y) - h mean(of_Y h)),  h = (A - mean) / sqrt(variance + eps), s its
// folded scale; written as  of_A = s of_Y + a A + b  with a and b by channel.

enum NormTotal { OF_VALUE, OF_NORMALIZED, NORM_TOTALS };
enum BranchTotal { OF_BIAS_IN = NORM_TOTALS, OF_SLOPE, OF_BIAS_OUT, BRANCH_TOTALS };

struct NormGradient {
    Constants rows;  // s, a, b; and 1 / sqrt(variance + eps), -mean / sqrt(variance + eps), from which h follows
    enum { SCALE, FACTOR, OFFSET, RISE, SHIFT, ROWS };

    void begin(const PreparedFracStage& p, int weight, int mean, const Totals* totals) {
        const int channels = p.stage.out_channels;
        std::vector<float> values(ROWS * channels, 0.0f);
        for (int c = 0; c < channels; ++c) {
            const double rise = 1 / std::sqrt(p.statistic(mean + 1)[c] + static_cast<double>(p.stage.eps)),
                         average = p.statistic(mean)[c];
            const double scale = p.stage.constants[weight * channels + c] * rise;
            values[SCALE * channels + c] = static_cast<float>(scale);
            values[RISE * channels + c] = static_cast<float>(rise);
            values[SHIFT * channels + c] = static_cast<float>(-average * rise);
            if (totals == nullptr) continue;
            const double of_value = totals->sum(OF_VALUE, c) / p.values(),
                         of_h = totals->sum(OF_NORMALIZED, c) / p.values();
            values[FACTOR * channels + c] = static_cast<float>(-scale * of_h * rise);
            values[OFFSET * channels + c] = static_cast<float>(-scale * (of_value - of_h * average * rise));
        }
        rows.pad(values.data(), ROWS, channels, channels);
    }
    Floats back(int v, Floats of_y, Floats a) const {
        return fma(rows.vector(SCALE, v), of_y, fma(rows.vector(FACTOR, v), a, rows.vector(OFFSET, v)));
    }
    Floats normalized(int v, Floats a) const { return fma(a, rows.vector(RISE, v), rows.vector(SHIFT, v)); }
};

void sum_gradients(const PreparedFracStage& p, const NormGradient& norm, int n, int part, Totals& totals) {
    const Geometry& g = p.geometry;
    for (int y = 0; y < g.out_height; ++y) {
        const size_t row = n * p.out_size() + static_cast<size_t>(y) * g.out_width * g.out_channels;
        for (int v = 0; v < g.out_vectors; ++v) {
            const Lanes lanes = lanes_of(g.out_channels, v);
            Floats sum = broadcast(0.0f), weighted = sum;
            for (int x = 0; x < g.out_width; ++x) {
                const size_t at = row + static_cast<size_t>(x) * g.out_channels + v * LANES;
                const Floats of = load_where(lanes, p.stage.of_next + at);
                sum = sum + of;
                weighted = fma(of, norm.normalized(v, load_where(lanes, p.stage.z + at)), weighted);
            }
            totals.add(part, OF_VALUE, v, sum);
            totals.add(part, OF_NORMALIZED, v, weighted);
        }
    }
}

// From X' through Z to Y and to the shortcut.
template <bool BINARY>
__attribute__((noinline)) void back_to_norm(const PreparedFracStage& p, const NormGradient& of_sum,
                                            const NormGradient& of_norm, int n, int part, float* of_row,
                                            Totals& totals) {
    const Geometry& g = p.geometry;
    float* of_x = p.stage.of_x + n * p.in_size();
    for (int y = 0; y < g.out_height; ++y) {
        const size_t row = n * p.out_size() + static_cast<size_t>(y) * g.out_width * g.out_channels;
        const auto* kept = p.sums<BINARY>(n, y);
        float* skipped = g.stride == 2 ? of_row : of_x + static_cast<size_t>(y) * g.width * g.in_channels;
        const int step = g.stride == 2 ? g.out_lanes : g.in_channels;
        for (int v = 0; v < g.out_vectors; ++v) {
            const Lanes lanes = lanes_of(g.out_channels, v);
            const Floats bound = p.constants.vector(BOUND, v), slope = p.constants.vector(SLOPE, v);
            const Floats scale = p.affine.vector(0, v), offset = p.affine.vector(1, v) + p.constants.vector(BIAS_IN, v);
            Floats of_bias_out = broadcast(0.0f), of_slope = of_bias_out, of_bias_in = of_bias_out,
                   weighted = of_bias_out;
            for (int x = 0; x < g.out_width; ++x) {
                const size_t at = row + static_cast<size_t>(x) * g.out_channels + v * LANES;
                const Floats of_z = keep_where(
                    lanes, of_sum.back(v, load_where(lanes, p.stage.of_next + at), load_where(lanes, p.stage.z + at)));
                const Branch b =
                    branch_at<BINARY>(kept + 2 * x * g.out_lanes + v * LANES, g.out_lanes, bound, scale, offset);
                const Floats of_v = multiply_where(b.negative, of_z, slope);
                of_bias_out = of_bias_out + of_z;
                of_slope = fma_where(b.negative, of_z, b.v, of_slope);
                of_bias_in = of_bias_in + of_v;
                weighted = fma(of_v, of_norm.normalized(v, b.a), weighted);
                store_where(p.stage.of_y + at, lanes, of_v);
                store_where(skipped + static_cast<size_t>(x) * step + v * LANES, lanes, of_z);
            }
            totals.add(part, OF_VALUE, v, of_bias_in);
            totals.add(part, OF_NORMALIZED, v, weighted);
            totals.add(part, OF_BIAS_IN, v, of_bias_in);
            totals.add(part, OF_SLOPE, v, of_slope);
            totals.add(part, OF_BIAS_OUT, v, of_bias_out);
        }
        if (g.stride == 2) spread_row(g, of_row, y, of_x);
    }
}

// From Y to S_m, S_l and their sum; returns the largest magnitude of the three.
template <bool BINARY>
__attribute__((noinline)) float back_to_sums(const PreparedFracStage& p, const NormGradient& norm, int n, int part,
                                             float* of_m, float* of_l, Totals& of_threshold) {
    const Geometry& g = p.geometry;
    const Floats gate_scale = broadcast(p.stage.gate_scale), steepness = broadcast(GATE_SLOPE);
    const Floats sum_slope = broadcast(p.stage.sum_slope);
    Floats largest = broadcast(0.0f);
    for (int y = 0; y < g.out_height; ++y) {
        const size_t row = n * p.out_size() + static_cast<size_t>(y) * g.out_width * g.out_channels;
        const auto* kept = p.sums<BINARY>(n, y);
        for (int v = 0; v < g.out_vectors; ++v) {
            const Lanes lanes = lanes_of(g.out_channels, v);
            const Floats bound = p.constants.vector(BOUND, v), threshold = p.constants.vector(THRESHOLD, v);
            const Floats of_mean =
                load_where(lanes, p.stage.of_gates + v * LANES) / broadcast(static_cast<float>(p.values()));
            Floats total = broadcast(0.0f);
            for (int x = 0; x < g.out_width; ++x) {
                const Branch b = branch_at<BINARY>(kept + 2 * x * g.out_lanes + v * LANES, g.out_lanes, bound, of_mean,
                                                   of_mean);  // its V is not needed
                const Floats of_y =
                    load_where(lanes, p.stage.of_y + row + static_cast<size_t>(x) * g.out_channels + v * LANES);
                const Floats of_a = norm.back(v, of_y, b.a) * broadcast(THIRD);
                const Floats soft = sigmoid_slope(fms(b.s_m, gate_scale, threshold) * steepness);
                const Floats of_gate = fma(of_a, b.s_l, of_mean) * (soft * steepness);
                total = total - of_gate;
                const Floats m = fma(sum_slope, of_gate, of_a + of_a), l = keep_where(b.open, of_a);
                largest = max(largest, max(abs(m + l), max(abs(m), abs(l))));
                const size_t at = (static_cast<size_t>(y) * g.out_width + x) * g.out_lanes + v * LANES;
                store(of_m + at, m);
                store(of_l + at, l);
            }
            of_threshold.add(part, 0, v, total);
        }
    }
    return largest_of(largest);
}

// Pairs for of_w, and the bordered plane of the sums for of_X.
void quantize_sums(const Geometry& g, const float* of_m, const float* of_l, float steps, int32_t* pairs,
                   int32_t* plane) {
    const Floats scale = broadcast(steps);
    for (int y = 0; y < g.out_height; ++y) {
        int32_t* pair = pairs + (static_cast<size_t>(y) * (g.out_width + 2) + 1) * g.out_lanes;
        int16_t* words =
            reinterpret_cast<int16_t*>(plane) + (static_cast<size_t>(y + 1) * g.out_pitch + 1) * g.out_lanes;
        for (int k = 0; k < g.out_width * g.out_lanes; k += LANES, of_m += LANES, of_l += LANES) {
            const Floats m = load(of_m) * scale, l = load(of_l) * scale;
            store(pair + k, words_beside(to_ints(m), to_ints(l)));
            store_int16(words + k, to_ints(m + l));
        }
    }
}

void add_to_x(const Geometry& g, const int32_t* row, float scale, const float* x, float* of_x) {
    for (int c = 0; c < g.width; ++c, row += g.in_lanes, x += g.in_channels, of_x += g.in_channels)
        for (int v = 0; v < g.in_vectors; ++v) {
            const Lanes lanes = lanes_of(g.in_channels, v);
            const Floats size = abs(load_where(lanes, x + v * LANES));
            const Mask inside = at_most_where(lanes, size, broadcast(1.0f));
            const Floats of = keep_where(inside, to_floats(load(row + v * LANES)) * broadcast(scale));
            store_where(of_x + v * LANES, lanes, load_where(lanes, of_x + v * LANES) + of);
        }
}

template <bool BINARY>
void back_to_x(const PreparedFracStage& p, const NormGradient& norm, int part, int first, int last, float* of_plane,
               Totals& of_threshold) {
    const Geometry& g = p.geometry;
    Workspace& ws = workspace();
    int32_t* pairs = ws.pairs.zeroed(g.bordered_in() * g.in_lanes);
    int32_t* of_pairs = ws.gradient_pairs.zeroed(static_cast<size_t>(g.out_height) * (g.out_width + 2) * g.out_lanes);
    int32_t* plane = ws.gradients.zeroed((g.bordered_out() + g.out_pitch) * g.out_lanes / 2);
    float* of_m = ws.of_m.sized(g.out_pixels() * g.out_lanes);
    float* of_l = ws.of_l.sized(g.out_pixels() * g.out_lanes);
    const size_t row_size = static_cast<size_t>(g.row_pixels()) * g.in_lanes;
    int32_t* rows = ws.rows.sized(2 * row_size);
    for (int n = first; n < last; ++n) {
        const float* x = p.stage.x + n * p.in_size();
        float* of_x = p.stage.of_x + n * p.in_size();
        const float largest = back_to_sums<BINARY>(p, norm, n, part, of_m, of_l, of_threshold);
        const float steps = largest > 0 ? (BINARY ? GRADIENT_LIMIT : REAL_GRADIENT_LIMIT) / largest : 0.0f;
        const float step = largest > 0 ? 1.0f / steps : 0.0f;
        quantize_sums(g, of_m, of_l, steps, of_pairs, plane);
        quantize_floats<PlaneFormat::PAIRS>(g, x, pairs);
        if (g.stride == 1) add_weight_gradient<1>(g, pairs, of_pairs, step, of_plane);
        else add_weight_gradient<2>(g, pairs, of_pairs, step, of_plane);
        const size_t row_in = static_cast<size_t>(g.width) * g.in_channels;
        for (int top = 0; top < g.height; top += 2 * g.stride)
            for (int y = top; y < std::min(top + g.stride, g.height); ++y) {
                backward_two_rows(g, p.weights, plane, y, rows);
                add_to_x(g, rows, step * p.weights.backward_scale, x + y * row_in, of_x + y * row_in);
                if (y + g.stride >= g.height) continue;
                add_to_x(g, rows + row_size, step * p.weights.backward_scale, x + (y + g.stride) * row_in,
                         of_x + (y + g.stride) * row_in);
            }
    }
}

void store_gradients(const PreparedFracStage& p, const Totals& of_sum, const Totals& of_branch,
                     const Totals& of_threshold) {
    const int channels = p.stage.out_channels;
    for (int c = 0; c < channels; ++c) {
        float* to = p.stage.of_constants + c;
        const double rows[CONSTANTS] = {0,
                                        of_threshold.sum(0, c),
                                        of_branch.sum(OF_NORMALIZED, c),
                                        of_branch.sum(OF_VALUE, c),
                                        of_branch.sum(OF_BIAS_IN, c),
                                        of_branch.sum(OF_SLOPE, c),
                                        of_branch.sum(OF_BIAS_OUT, c),
                                        of_sum.sum(OF_NORMALIZED, c),
                                        of_sum.sum(OF_VALUE, c)};
        for (int k = 0; k < CONSTANTS; ++k) to[k * channels] = static_cast<float>(rows[k]);
    }
}

template <bool BINARY>
void backward_stage(PreparedFracStage& p, int threads) {
    const Geometry& g = p.geometry;
    NormGradient of_sum_norm, of_norm;
    Totals of_sum(NORM_TOTALS, g.out_lanes), of_branch(BRANCH_TOTALS, g.out_lanes), of_threshold(1, g.out_lanes);
    of_sum_norm.begin(p, SUM_WEIGHT, SUM_MEAN, nullptr);
    for_each_block(p.stage.images, threads, [&](int part, int first, int last) {
        for (int n = first; n < last; ++n) sum_gradients(p, of_sum_norm, n, part, of_sum);
    });
    of_sum_norm.begin(p, SUM_WEIGHT, SUM_MEAN, &of_sum);
    of_norm.begin(p, NORM_WEIGHT, MEAN, nullptr);
    fold(p, NORM_WEIGHT, MEAN);
    for_each_block(p.stage.images, threads, [&](int part, int first, int last) {
        float* of_row = workspace().of_row.sized(static_cast<size_t>(g.out_width) * g.out_lanes);
        for (int n = first; n < last; ++n) back_to_norm<BINARY>(p, of_sum_norm, of_norm, n, part, of_row, of_branch);
    });
    of_norm.begin(p, NORM_WEIGHT, MEAN, &of_branch);
    Buffer<float> of_planes;
    of_planes.zeroed(PARTS * weight_gradient_size(g));
    for_each_block(p.stage.images, threads, [&](int part, int first, int last) {
        back_to_x<BINARY>(p, of_norm, part, first, last, of_planes.data() + part * weight_gradient_size(g),
                          of_threshold);
    });
    unpack_weight_gradient(g, of_planes.data(), PARTS, weight_gradient_size(g), p.stage.of_plane);
    store_gradients(p, of_sum, of_branch, of_threshold);
}

}  // namespace

extern "C" {

// Fills sums, z, next, gates and statistics.
void fracbnn_forward(const FracStage* stage, int threads) {
    PreparedFracStage p(*stage, false);
    if (stage->binary) forward_stage<true>(p, threads);
    else forward_stage<false>(p, threads);
}

// Fills all gradients.
void fracbnn_backward(const FracStage* stage, int threads) {
    PreparedFracStage p(*stage, true);
    if (stage->binary) backward_stage<true>(p, threads);
    else backward_stage<false>(p, threads);
}
}

}  // namespace wsfracbnn
