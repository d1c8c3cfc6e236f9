// SPDX-License-Identifier: Apache-2.0
// Training passes of WSFracBNN on a CPU: the input layer and every stage, forward and backward, a few images at a time.
//
// Forward, for each pixel and channel (symbols of docs/numeric-contract.md):
//     q = [X >= T1] + [X >= T2] + [X >= T3],  msb and lsb of q as planes of +-1,  S_m, S_l their convolutions
//     A = 2 S_m + (S_m > G ? S_l : 0),  V = floor(A f + 1/2) + b1,  V' = V >= 0 ? V : floor(V n),
//     f = M / 2^r,  n = N / 2^s,  X' = sat(V' + b2 + shortcut(X))
// Backward the gradients of networks/quantizers.py and networks/fractional.py: rounding and floor pass on what they
// get, saturation lets it through where X' is no extreme value, a gate is sigmoid(5 (k S_m - threshold)), and a plane
// is the polynomial in u = (X / unit - shift) / scale that _TwoBitPlanes says.
//
// The stream is int16 and S is kept as int16 (real weights: float32); all that is computed from them on the way is
// computed again. The convolutions are exact integers; the rest are the float32 operations that PyTorch would do.
// Images are split into PARTS sequences whose gradients are added in their order: threads do not change the result.
#include <memory>

#include "passes.h"

namespace wsfracbnn {
namespace {

enum InConstant { T1, T2, T3, SHIFT, SCALE, IN_CONSTANTS };
enum OutConstant { BOUND, THRESHOLD, FACTOR, BIAS_IN, SLOPE, BIAS_OUT, OUT_CONSTANTS };
enum InGradient { OF_SHIFT, OF_SCALE, IN_GRADIENTS };
enum OutGradient { OF_THRESHOLD, OF_FACTOR, OF_BIAS_IN, OF_SLOPE, OF_BIAS_OUT, OUT_GRADIENTS };

}  // namespace

extern "C" {

// model/networks/kernels/library.py mirrors these structures.
struct Stage {
    int32_t in_channels, out_channels, height, width, stride, binary, bits;
    int32_t in_step, out_step;   // from one row of constants, or of their gradients, to the next
    float unit, gate_scale;      // units of X in 1; k, from S_m to the threshold's unit
    float sum_slope;             // of the gate's gradient into S_m: k, or 0 where it flows into the threshold alone
    const float* plane;          // (O, I, 3, 3)
    const float* of_in;          // IN_CONSTANTS rows
    const float* of_out;         // OUT_CONSTANTS rows
    int16_t* x;                  // (N, H, W, I)
    int16_t* next;               // (N, H', W', O), the following stage's x
    void* sums;                  // (N, H', W', 2, out_lanes) int16, with real weights float32; null: not kept
    float* gates;                // (O,), fraction of open gates
    const float* gate_gradient;  // (O,)
    float* plane_gradient;       // (O, I, 3, 3)
    float* in_gradient;          // IN_GRADIENTS rows
    float* out_gradient;         // OUT_GRADIENTS rows
};

struct Input {
    int32_t colours, levels, out_channels, height, width, bits;
    const uint8_t* level;   // (N, H, W, colours): thermometer bits that are +1, 0 to `levels`
    const float* plane;     // (O, colours * levels, 3, 3)
    const float* of_out;    // (2, O): factor, bias
    int16_t* next;          // (N, H, W, O), X; or null where S itself is wanted, then
    float* sums;            // (N, H, W, O)
    float* plane_gradient;  // like plane
    float* out_gradient;    // (2, O)
};
}

namespace {

// What all images of a stage share.
struct PreparedStage {
    const Stage* stage;
    Geometry geometry;
    PackedWeights weights;
    Constants in, out;
    Buffer<int32_t> thresholds;  // (3, in_lanes); lanes without a channel hold the largest integer
    Buffer<float> inverse;       // (2, in_lanes): u = X * inverse[0] + inverse[1]

    PreparedStage(const Stage& s, bool backward)
        : stage(&s), geometry(s.in_channels, s.out_channels, s.stride, s.height, s.width) {
        if (backward) weights.pack_backward(geometry, s.plane, s.binary);
        else weights.pack_forward(geometry, s.plane, s.binary);
        in.pad(s.of_in, IN_CONSTANTS, s.in_step, s.in_channels);
        out.pad(s.of_out, OUT_CONSTANTS, s.out_step, s.out_channels);
        const int lanes = geometry.in_lanes;
        int32_t* t = thresholds.sized(3 * lanes);
        std::fill_n(t, 3 * lanes, INT32_MAX);
        float* line = inverse.zeroed(2 * lanes);
        for (int c = 0; c < s.in_channels; ++c) {
            for (int k = 0; k < 3; ++k)
                t[k * lanes + c] = static_cast<int32_t>(std::clamp(in.row(T1 + k)[c], -1e6f, 1e6f));
            line[c] = 1.0f / (s.unit * in.row(SCALE)[c]);
            line[lanes + c] = -in.row(SHIFT)[c] / in.row(SCALE)[c];
        }
    }
    Ints threshold(int k, int v) const { return load(thresholds.data() + k * geometry.in_lanes + v * LANES); }
    size_t in_size() const { return geometry.in_pixels() * geometry.in_channels; }
    size_t out_size() const { return geometry.out_pixels() * geometry.out_channels; }
    size_t sums_size() const { return geometry.out_pixels() * 2 * geometry.out_lanes; }
};

// --- planes ---------------------------------------------------------------------------------------------------------

// The planes of one image into a bordered buffer, whose border is left as it is.
template <PlaneFormat FORMAT>
void quantize_image(const PreparedStage& p, const int16_t* x, int32_t* planes) {
    const Geometry& g = p.geometry;
    constexpr int PER_GROUP = CHANNELS_PER_GROUP<FORMAT>;
    const int pixel_groups = g.in_lanes / PER_GROUP;
    const size_t to_second = g.bordered_in() * pixel_groups;
    for (int v = 0; v < g.in_vectors; ++v) {
        const Lanes lanes = lanes_of(g.in_channels, v);
        const Ints t[3] = {p.threshold(0, v), p.threshold(1, v), p.threshold(2, v)};
        const int32_t entry = SignConvolution::entry_of(g, v);
        for (int y = 0; y < g.height; ++y) {
            const int16_t* from = x + static_cast<size_t>(y) * g.width * g.in_channels + v * LANES;
            int32_t* to = planes + (static_cast<size_t>(y + 1) * g.in_pitch + 1) * pixel_groups + v * LANES / PER_GROUP;
            for (int c = 0; c < g.width; ++c, from += g.in_channels, to += pixel_groups)
                store_planes<FORMAT>(to, to_second, two_bits(load_int16_where(lanes, from), t), entry);
        }
    }
}

// --- shortcut -------------------------------------------------------------------------------------------------------

// Row y of (a + b + c + d + 2) >> 2 with the channels twice, out_lanes integers a pixel.
void pooled_row(const Geometry& g, const int16_t* x, int y, int16_t* to) {
    const int16_t* upper = x + static_cast<size_t>(2 * y) * g.width * g.in_channels;
    const int16_t* lower = upper + static_cast<size_t>(g.width) * g.in_channels;
    for (int p = 0; p < g.out_width; ++p, to += g.out_lanes)
        for (int c = 0; c < g.in_channels; ++c) {
            const size_t left = static_cast<size_t>(2 * p) * g.in_channels + c, right = left + g.in_channels;
            to[c] = to[c + g.in_channels] =
                static_cast<int16_t>((upper[left] + upper[right] + lower[left] + lower[right] + 2) >> 2);
        }
}

// --- a stage forward ------------------------------------------------------------------------------------------------

struct Branch {  // of RPReLU, with what its gradient needs
    Mask open, negative;
    Floats a, v, out;
};

inline Branch branch_of(Floats s_m, Floats s_l, Floats bound, Floats factor, Floats bias_in, Floats slope,
                        Floats bias_out) {
    Branch b;
    b.open = greater(s_m, bound);
    const Floats twice = s_m + s_m;
    b.a = add_where(b.open, twice, s_l);
    b.v = round_half_up(b.a * factor) + bias_in;
    b.negative = less(b.v, broadcast(0.0f));
    b.out = select(b.negative, floor(b.v * slope), b.v) + bias_out;
    return b;
}

inline void store_saturated(int16_t* to, Lanes lanes, Floats value, Floats low, Floats high) {
    const Floats inside = min(max(value, low), high);
    store_int16_where(to, lanes, to_ints(inside));
}

// One row of X' from its sums; counts open gates.
template <bool BINARY>
__attribute__((noinline)) void finish_row(const PreparedStage& p, const int32_t* row_m, const int32_t* row_l,
                                          const int16_t* shortcut, int shortcut_step, int16_t* next,
                                          typename KeptSums<BINARY>::Type* kept, int32_t* open) {
    const Geometry& g = p.geometry;
    const float limit = std::ldexp(1.0f, p.stage->bits - 1);
    const Floats low = broadcast(-limit), high = broadcast(limit - 1);
    for (int v = 0; v < g.out_vectors; ++v) {
        const Lanes lanes = lanes_of(g.out_channels, v);
        const Floats bound = p.out.vector(BOUND, v), factor = p.out.vector(FACTOR, v),
                     bias_in = p.out.vector(BIAS_IN, v);
        const Floats slope = p.out.vector(SLOPE, v), bias_out = p.out.vector(BIAS_OUT, v);
        const Floats scale = load_unaligned(p.weights.scale.data() + v * LANES);
        Ints count = broadcast(0);
        for (int x = 0; x < g.out_width; ++x) {
            const Ints m = load(row_m + x * g.out_lanes + v * LANES);
            const Ints l = load(row_l + x * g.out_lanes + v * LANES);
            Floats s_m = to_floats(m), s_l = to_floats(l);
            if (!BINARY) {
                s_m = s_m * scale;
                s_l = s_l * scale;
            }
            if (kept != nullptr) {
                KeptSums<BINARY>::keep(kept + 2 * x * g.out_lanes + v * LANES, m, s_m);
                KeptSums<BINARY>::keep(kept + (2 * x + 1) * g.out_lanes + v * LANES, l, s_l);
            }
            const Branch b = branch_of(s_m, s_l, bound, factor, bias_in, slope, bias_out);
            count = count_where(b.open, count);
            const Floats skipped =
                load_int16_as_float(shortcut + static_cast<size_t>(x) * shortcut_step + v * LANES, lanes);
            store_saturated(next + static_cast<size_t>(x) * g.out_channels + v * LANES, lanes, b.out + skipped, low,
                            high);
        }
        int32_t* total = open + v * LANES;
        store_unaligned(total, add(load_unaligned(total), count));
    }
}

template <bool BINARY>
__attribute__((noinline)) void forward_images(const PreparedStage& p, int first, int last, Workspace& ws,
                                              int32_t* open) {
    using Kept = typename KeptSums<BINARY>::Type;
    constexpr PlaneFormat FORMAT = BINARY ? PlaneFormat::SIGNS : PlaneFormat::WORDS;
    const Geometry& g = p.geometry;
    int32_t* planes = p.weights.cleared_planes(g, ws.planes);
    int32_t* row_m = ws.rows.sized(2 * static_cast<size_t>(g.out_columns) * g.out_lanes);
    const int32_t* row_l = row_m + static_cast<size_t>(g.out_columns) * g.out_lanes;
    int16_t* pooled = ws.shortcut.sized(static_cast<size_t>(g.out_width) * g.out_lanes);
    for (int n = first; n < last; ++n) {
        const int16_t* x = p.stage->x + n * p.in_size();
        Kept* kept = p.stage->sums == nullptr ? nullptr : static_cast<Kept*>(p.stage->sums) + n * p.sums_size();
        quantize_image<FORMAT>(p, x, planes);
        for (int y = 0; y < g.out_height; ++y) {
            forward_row(g, p.weights, planes, y, row_m);
            const int16_t* shortcut = x + static_cast<size_t>(y) * g.width * g.in_channels;
            if (g.stride == 2) {
                pooled_row(g, x, y, pooled);
                shortcut = pooled;
            }
            finish_row<BINARY>(
                p, row_m, row_l, shortcut, g.stride == 2 ? g.out_lanes : g.in_channels,
                p.stage->next + n * p.out_size() + static_cast<size_t>(y) * g.out_width * g.out_channels,
                kept == nullptr ? nullptr : kept + static_cast<size_t>(y) * g.out_width * 2 * g.out_lanes, open);
        }
    }
}

// --- a stage backward -----------------------------------------------------------------------------------------------

// Sums of one part of the batch.
struct StageGradients {
    float *plane, *in, *out;  // (weight_gradient_size), (IN_GRADIENTS, in_lanes), (OUT_GRADIENTS, out_lanes)
};

// Row of X' back to S_m and S_l, and to the shortcut (`of_skipped`, `skipped_step` floats a pixel). Returns the largest
// |gradient| of S_m and S_l.
template <bool BINARY>
__attribute__((noinline)) float back_to_sums(const PreparedStage& p, const float* of_next, const int16_t* next,
                                             const typename KeptSums<BINARY>::Type* kept, float pixels,
                                             float* of_skipped, int skipped_step, float* of_m, float* of_l,
                                             float* totals) {
    const Geometry& g = p.geometry;
    const Ints high = broadcast((1 << (p.stage->bits - 1)) - 1), low = broadcast(-(1 << (p.stage->bits - 1)));
    const Floats gate_scale = broadcast(p.stage->gate_scale), sum_slope = broadcast(p.stage->sum_slope);
    const Floats zero = broadcast(0.0f);
    Floats largest = zero;
    for (int v = 0; v < g.out_vectors; ++v) {
        const Lanes lanes = lanes_of(g.out_channels, v);
        const Floats bound = p.out.vector(BOUND, v), factor = p.out.vector(FACTOR, v),
                     bias_in = p.out.vector(BIAS_IN, v);
        const Floats slope = p.out.vector(SLOPE, v), bias_out = p.out.vector(BIAS_OUT, v),
                     threshold = p.out.vector(THRESHOLD, v);
        const Floats of_mean = load_where(lanes, p.stage->gate_gradient + v * LANES) / broadcast(pixels);
        Floats of_threshold = zero, of_factor = zero, of_bias_in = zero, of_slope = zero, of_bias_out = zero;
        for (int x = 0; x < g.out_width; ++x) {
            const size_t at = static_cast<size_t>(x) * g.out_channels + v * LANES;
            const Ints out = load_int16_where(lanes, next + at);
            const Mask passes = unequal_where(unequal_where(lanes, out, high), out, low);
            const Floats of_out = load_where(passes, of_next + at);
            const Floats s_m = KeptSums<BINARY>::read(kept + 2 * x * g.out_lanes + v * LANES);
            const Floats s_l = KeptSums<BINARY>::read(kept + (2 * x + 1) * g.out_lanes + v * LANES);
            const Branch b = branch_of(s_m, s_l, bound, factor, bias_in, slope, bias_out);
            of_bias_out = of_bias_out + of_out;
            of_slope = fma_where(b.negative, of_out, b.v, of_slope);
            const Floats of_v = multiply_where(b.negative, of_out, slope);
            of_bias_in = of_bias_in + of_v;
            of_factor = fma(of_v, b.a, of_factor);
            const Floats of_a = of_v * factor;
            const Floats soft = sigmoid_slope(fms(s_m, gate_scale, threshold) * broadcast(GATE_SLOPE));
            const Floats of_gate = fma(of_a, s_l, of_mean) * (soft * broadcast(GATE_SLOPE));
            of_threshold = of_threshold - of_gate;
            const Floats m = fma(sum_slope, of_gate, of_a + of_a), l = keep_where(b.open, of_a);
            largest = max(largest, max(abs(m), abs(l)));
            store(of_m + x * g.out_lanes + v * LANES, m);
            store(of_l + x * g.out_lanes + v * LANES, l);
            store_where(of_skipped + static_cast<size_t>(x) * skipped_step + v * LANES, lanes, of_out);
        }
        const Floats sums[OUT_GRADIENTS] = {of_threshold, of_factor, of_bias_in, of_slope, of_bias_out};
        for (int k = 0; k < OUT_GRADIENTS; ++k) add_to(totals + k * g.out_lanes + v * LANES, sums[k]);
    }
    return largest_of(largest);
}

// From the planes' gradients (integers) through u to a row of X, added to what came over the shortcut.
__attribute__((noinline)) void back_to_row(const PreparedStage& p, const int32_t* row_m, const int32_t* row_l,
                                           float scale, const int16_t* x, float* of_x, float* totals) {
    const Geometry& g = p.geometry;
    const Floats one = broadcast(1.0f), zero = broadcast(0.0f), factor = broadcast(scale);
    for (int v = 0; v < g.in_vectors; ++v) {
        const Lanes lanes = lanes_of(g.in_channels, v);
        const Floats rise = load(p.inverse.data() + v * LANES),
                     offset = load(p.inverse.data() + g.in_lanes + v * LANES);
        Floats sum = zero, weighted = zero;
        for (int c = 0; c < g.width; ++c) {
            const size_t at = static_cast<size_t>(c) * g.in_channels + v * LANES;
            const Floats u = fma(load_int16_as_float(x + at, lanes), rise, offset);
            const Floats left = one - abs(u);  // of the interval |u| <= 1
            const Mask inside = at_least_where(lanes, left, zero);
            const Floats twice = left + left;  // the msb plane's slope
            const Floats of_m = to_floats(load(row_m + c * g.in_lanes + v * LANES));
            const Floats of_l = to_floats(load(row_l + c * g.in_lanes + v * LANES));
            const Floats lsb = fnma(broadcast(2.0f), twice, broadcast(3.0f));
            const Floats of_u = keep_where(inside, factor * fma(of_m, twice, of_l * lsb));
            sum = sum + of_u;
            weighted = fma(of_u, u, weighted);
            store_where(of_x + at, lanes, fma(of_u, rise, load_where(lanes, of_x + at)));
        }
        add_to(totals + OF_SHIFT * g.in_lanes + v * LANES, sum);
        add_to(totals + OF_SCALE * g.in_lanes + v * LANES, weighted);
    }
}

// of_next and of_x hold the gradients of images first to last - 1 alone.
template <bool BINARY>
__attribute__((noinline)) void backward_images(const PreparedStage& p, int first, int last, int images,
                                               const float* of_next, float* of_x, StageGradients total, Workspace& ws) {
    using Kept = typename KeptSums<BINARY>::Type;
    const Geometry& g = p.geometry;
    const size_t row_out = static_cast<size_t>(g.out_width) * g.out_channels,
                 row_in = static_cast<size_t>(g.width) * g.in_channels;
    const size_t row_sums = static_cast<size_t>(g.out_width) * g.out_lanes;
    int32_t* pairs = ws.pairs.zeroed(g.bordered_in() * g.in_lanes);
    int32_t* of_pairs = ws.gradient_pairs.zeroed(static_cast<size_t>(g.out_height) * (g.out_width + 2) * g.out_lanes);
    int32_t* planes = ws.gradients.zeroed(g.bordered_out() * g.out_lanes);  // two planes of 16 bits
    float* of_m = ws.of_m.sized(g.out_pixels() * g.out_lanes);
    float* of_l = ws.of_l.sized(g.out_pixels() * g.out_lanes);
    float* of_row = ws.of_row.sized(row_sums);
    int32_t* row_m = ws.rows.sized(2 * static_cast<size_t>(g.row_pixels()) * g.in_lanes);
    const int32_t* row_l = row_m + static_cast<size_t>(g.row_pixels()) * g.in_lanes;
    const float pixels = static_cast<float>(images) * static_cast<float>(g.out_pixels());
    for (int n = first; n < last; ++n, of_next += p.out_size(), of_x += p.in_size()) {
        const int16_t *x = p.stage->x + n * p.in_size(), *next = p.stage->next + n * p.out_size();
        const Kept* kept = static_cast<const Kept*>(p.stage->sums) + n * p.sums_size();
        float largest = 0;
        for (int y = 0; y < g.out_height; ++y) {
            float* skipped = g.stride == 2 ? of_row : of_x + y * row_in;
            largest = std::max(
                largest, back_to_sums<BINARY>(p, of_next + y * row_out, next + y * row_out, kept + y * 2 * row_sums,
                                              pixels, skipped, g.stride == 2 ? g.out_lanes : g.in_channels,
                                              of_m + y * row_sums, of_l + y * row_sums, total.out));
            if (g.stride == 2) spread_row(g, of_row, y, of_x);
        }
        const float steps = largest > 0 ? (BINARY ? GRADIENT_LIMIT : REAL_GRADIENT_LIMIT) / largest : 0.0f;
        const float step = largest > 0 ? 1.0f / steps : 0.0f;
        quantize_gradients(g, of_m, of_l, steps, of_pairs, planes);
        quantize_image<PlaneFormat::PAIRS>(p, x, pairs);
        if (g.stride == 1) add_weight_gradient<1>(g, pairs, of_pairs, step, total.plane);
        else add_weight_gradient<2>(g, pairs, of_pairs, step, total.plane);
        for (int y = 0; y < g.height; ++y) {
            backward_row(g, p.weights, planes, y, row_m);
            back_to_row(p, row_m, row_l, step * p.weights.backward_scale, x + y * row_in, of_x + y * row_in, total.in);
        }
    }
}

// --- input layer ----------------------------------------------------------------------------------------------------
// The thermometer code of a level is one of levels + 1 words, so what a colour of a tap adds to S is read from a table:
//     S[p] = sum over taps and colours of  table[colour, tap][level of that pixel],
//     table[..][level] = sum over k of  k < level ? w_k : -w_k.
// Backward, gradients are gathered by level, and those of w_k are partial sums over the levels.

struct PreparedInput {
    const Input* input;
    int vectors, lanes, entries;  // a table's levels, and one more of zeros for pixels outside the image
    Buffer<float> table;          // [colour * 9 + tap][entries][lanes]
    Constants out;

    explicit PreparedInput(const Input& i) : input(&i), lanes(round_up(i.out_channels, LANES)), entries(i.levels + 2) {
        vectors = lanes / LANES;
        out.pad(i.of_out, 2, i.out_channels, i.out_channels);
        float* to = table.zeroed(table_size());
        for (int o = 0; o < i.out_channels; ++o)
            for (int colour = 0; colour < i.colours; ++colour)
                for (int t = 0; t < TAPS; ++t) {
                    const float* w = i.plane + ((static_cast<size_t>(o) * i.colours + colour) * i.levels) * TAPS + t;
                    double sum = 0;
                    for (int k = 0; k < i.levels; ++k) sum -= w[k * TAPS];
                    float* entry = to + static_cast<size_t>(colour * TAPS + t) * entries * lanes + o;
                    for (int k = 0; k <= i.levels; ++k) {
                        entry[k * lanes] = static_cast<float>(sum);
                        if (k < i.levels) sum += 2.0 * w[k * TAPS];
                    }
                }
    }
    size_t table_size() const { return static_cast<size_t>(input->colours) * TAPS * entries * lanes; }
    size_t size() const { return static_cast<size_t>(input->height) * input->width * input->out_channels; }
};

// Levels of one image with a border, as offsets into a table.
void border_levels(const PreparedInput& p, int n, int32_t* to) {
    const Input& i = *p.input;
    const int row = i.width * i.colours, pitch = row + 2 * i.colours;
    std::fill_n(to, pitch * (i.height + 2), (i.levels + 1) * p.lanes);
    const uint8_t* from = i.level + static_cast<size_t>(n) * i.height * row;
    for (int y = 0; y < i.height; ++y)
        for (int k = 0; k < row; ++k) to[(y + 1) * pitch + i.colours + k] = from[y * row + k] * p.lanes;
}

__attribute__((noinline)) void input_forward(const PreparedInput& p, int first, int last, Workspace& ws) {
    const Input& i = *p.input;
    const int pitch = (i.width + 2) * i.colours;
    int32_t* levels = ws.planes.sized(static_cast<size_t>(pitch) * (i.height + 2));
    const float limit = std::ldexp(1.0f, i.bits - 1);
    const Floats low = broadcast(-limit), high = broadcast(limit - 1);
    const size_t entry = static_cast<size_t>(p.entries) * p.lanes;
    for (int n = first; n < last; ++n) {
        border_levels(p, n, levels);
        size_t at = n * p.size();
        for (int y = 0; y < i.height; ++y)
            for (int x = 0; x < i.width; ++x, at += i.out_channels)
                for (int v = 0; v < p.vectors; ++v) {
                    Floats s = broadcast(0.0f);
                    for (int colour = 0; colour < i.colours; ++colour)
                        for (int t = 0; t < TAPS; ++t) {
                            const int level = levels[(y + t / 3) * pitch + (x + t % 3) * i.colours + colour];
                            s = s + load(p.table.data() + (colour * TAPS + t) * entry + level + v * LANES);
                        }
                    const Lanes lanes = lanes_of(i.out_channels, v);
                    if (i.next == nullptr) {
                        store_where(i.sums + at + v * LANES, lanes, s);
                        continue;
                    }
                    const Floats out = round_half_up(s * p.out.vector(0, v)) + p.out.vector(1, v);
                    store_saturated(i.next + at + v * LANES, lanes, out, low, high);
                }
    }
}

// Adds the gradients of Y to `gathered`, which is laid out like the table, and to the bias's.
__attribute__((noinline)) void input_backward(const PreparedInput& p, int first, int last, const float* of_next,
                                              float* gathered, float* of_bias, Workspace& ws) {
    const Input& i = *p.input;
    const int pitch = (i.width + 2) * i.colours;
    int32_t* levels = ws.planes.sized(static_cast<size_t>(pitch) * (i.height + 2));
    const Ints high = broadcast((1 << (i.bits - 1)) - 1), low = broadcast(-(1 << (i.bits - 1)));
    const size_t entry = static_cast<size_t>(p.entries) * p.lanes;
    for (int n = first; n < last; ++n) {
        border_levels(p, n, levels);
        size_t at = n * p.size();
        for (int y = 0; y < i.height; ++y)
            for (int x = 0; x < i.width; ++x, at += i.out_channels, of_next += i.out_channels)
                for (int v = 0; v < p.vectors; ++v) {
                    const Lanes lanes = lanes_of(i.out_channels, v);
                    Mask passes = lanes;
                    if (i.next != nullptr) {
                        const Ints out = load_int16_where(lanes, i.next + at + v * LANES);
                        passes = unequal_where(unequal_where(lanes, out, high), out, low);
                    }
                    const Floats of_out = load_where(passes, of_next + v * LANES);
                    add_to(of_bias + v * LANES, of_out);
                    for (int colour = 0; colour < i.colours; ++colour)
                        for (int t = 0; t < TAPS; ++t) {
                            const int level = levels[(y + t / 3) * pitch + (x + t % 3) * i.colours + colour];
                            add_to(gathered + (colour * TAPS + t) * entry + level + v * LANES, of_out);
                        }
                }
    }
}

void finish_input_gradients(const PreparedInput& p, float* gathered, size_t part_stride) {
    const Input& i = *p.input;
    const float* of_bias = gathered + p.table_size();
    for (int part = 1; part < PARTS; ++part)
        for (size_t k = 0; k < p.table_size() + p.lanes; ++k) gathered[k] += gathered[part * part_stride + k];
    for (int o = 0; o < i.out_channels; ++o) {
        double of_factor = 0;
        for (int colour = 0; colour < i.colours; ++colour)
            for (int t = 0; t < TAPS; ++t) {
                const size_t at = static_cast<size_t>(colour * TAPS + t) * p.entries * p.lanes + o;
                double above = 0, all = 0;
                for (int k = 0; k <= i.levels; ++k) {
                    all += gathered[at + k * p.lanes];
                    of_factor += static_cast<double>(gathered[at + k * p.lanes]) * p.table.data()[at + k * p.lanes];
                }
                float* of_w = i.plane_gradient + ((static_cast<size_t>(o) * i.colours + colour) * i.levels) * TAPS + t;
                for (int k = i.levels; k > 0; --k) {  // bit k - 1 is +1 at levels k and above
                    above += gathered[at + k * p.lanes];
                    of_w[(k - 1) * TAPS] = static_cast<float>((2 * above - all) * p.out.row(0)[o]);
                }
            }
        i.out_gradient[o] = static_cast<float>(of_factor);
        i.out_gradient[i.out_channels + o] = of_bias[o];
    }
}

// --- the whole batch ------------------------------------------------------------------------------------------------

using Stages = std::vector<std::unique_ptr<PreparedStage>>;

Stages prepare(const Stage* stages, int count, bool backward) {
    Stages prepared;
    for (int s = 0; s < count; ++s) prepared.push_back(std::make_unique<PreparedStage>(stages[s], backward));
    return prepared;
}

void sum_rows(const float* parts, size_t part_stride, int rows, int channels, float* to, size_t step) {
    const int lanes = round_up(channels, LANES);
    for (int r = 0; r < rows; ++r)
        for (int c = 0; c < channels; ++c) {
            double sum = 0;
            for (int p = 0; p < PARTS; ++p) sum += parts[p * part_stride + r * lanes + c];
            to[r * step + c] = static_cast<float>(sum);
        }
}

// Where the sums of each stage lie in those of a part.
struct Layout {
    std::vector<size_t> at;
    size_t input = 0, size = 0;
    Layout(const Stages& stages, const PreparedInput* in) {
        for (const auto& s : stages) {
            at.push_back(size);
            const Geometry& g = s->geometry;
            size += weight_gradient_size(g) + IN_GRADIENTS * g.in_lanes + OUT_GRADIENTS * g.out_lanes;
        }
        input = size;
        if (in != nullptr) size += in->table_size() + in->lanes;
    }
    static StageGradients of(const Geometry& g, float* base) {
        float* in = base + weight_gradient_size(g);
        return {base, in, in + IN_GRADIENTS * g.in_lanes};
    }
};

}  // namespace

extern "C" {

int32_t vector_lanes() { return LANES; }

// Fills next, sums and gates of every stage; `input` may be null.
void wsfracbnn_forward(const Input* input, const Stage* stages, int count, int images, int threads) {
    const Stages prepared = prepare(stages, count, false);
    const auto first_layer = input == nullptr ? nullptr : std::make_unique<PreparedInput>(*input);
    std::vector<size_t> at;
    size_t channels = 0;
    for (const auto& p : prepared) {
        at.push_back(channels);
        channels += p->geometry.out_lanes;
    }
    std::vector<int32_t> open(PARTS * channels, 0);
    for_each_block(images, threads, [&](int part, int first, int last) {
        Workspace& ws = workspace();
        if (first_layer != nullptr) input_forward(*first_layer, first, last, ws);
        for (int s = 0; s < count; ++s) {
            int32_t* counted = open.data() + part * channels + at[s];
            if (stages[s].binary) forward_images<true>(*prepared[s], first, last, ws, counted);
            else forward_images<false>(*prepared[s], first, last, ws, counted);
        }
    });
    for (int s = 0; s < count; ++s)
        for (int c = 0; c < stages[s].out_channels; ++c) {
            int64_t sum = 0;
            for (int p = 0; p < PARTS; ++p) sum += open[p * channels + at[s] + c];
            stages[s].gates[c] = static_cast<float>(static_cast<double>(sum) /
                                                    (static_cast<double>(images) * prepared[s]->geometry.out_pixels()));
        }
}

// Fills all gradients of every stage from that of the last X'; of_x is that of the first X, null where there is an
// input.
void wsfracbnn_backward(const Input* input, const Stage* stages, int count, int images, int threads,
                        const float* of_next, float* of_x) {
    const Stages prepared = prepare(stages, count, true);
    const auto first_layer = input == nullptr ? nullptr : std::make_unique<PreparedInput>(*input);
    const Layout layout(prepared, first_layer.get());
    Buffer<float> parts;
    parts.zeroed(PARTS * layout.size);
    for_each_block(images, threads, [&](int part, int first, int last) {
        Workspace& ws = workspace();
        float* totals = parts.data() + part * layout.size;
        size_t largest = 0;
        for (const auto& p : prepared) largest = std::max({largest, p->in_size(), p->out_size()});
        float* from = ws.of_next.sized(largest * BLOCK_IMAGES);
        float* to = ws.of_x.sized(largest * BLOCK_IMAGES);
        const size_t last_size = prepared.back()->out_size(), first_size = prepared.front()->in_size();
        std::memcpy(from, of_next + first * last_size, (last - first) * last_size * sizeof(float));
        for (int s = count - 1; s >= 0; --s, std::swap(from, to)) {
            const StageGradients total = Layout::of(prepared[s]->geometry, totals + layout.at[s]);
            if (stages[s].binary) backward_images<true>(*prepared[s], first, last, images, from, to, total, ws);
            else backward_images<false>(*prepared[s], first, last, images, from, to, total, ws);
        }
        if (of_x != nullptr) std::memcpy(of_x + first * first_size, from, (last - first) * first_size * sizeof(float));
        if (first_layer != nullptr)
            input_backward(*first_layer, first, last, from, totals + layout.input,
                           totals + layout.input + first_layer->table_size(), ws);
    });
    for (int s = 0; s < count; ++s) {
        const Geometry& g = prepared[s]->geometry;
        const StageGradients first_part = Layout::of(g, parts.data() + layout.at[s]);
        unpack_weight_gradient(g, first_part.plane, PARTS, layout.size, stages[s].plane_gradient);
        sum_rows(first_part.in, layout.size, IN_GRADIENTS, g.in_channels, stages[s].in_gradient, stages[s].in_step);
        sum_rows(first_part.out, layout.size, OUT_GRADIENTS, g.out_channels, stages[s].out_gradient,
                 stages[s].out_step);
        for (int c = 0; c < g.in_channels; ++c)  // u = (X / unit - shift) / scale
            for (int k : {OF_SHIFT, OF_SCALE})
                stages[s].in_gradient[static_cast<size_t>(k) * stages[s].in_step + c] *=
                    -1.0f / prepared[s]->in.row(SCALE)[c];
    }
    if (first_layer != nullptr) finish_input_gradients(*first_layer, parts.data() + layout.input, layout.size);
}

// The input layer alone, S to `sums`.
void input_sums_forward(const Input* input, int images, int threads) {
    const PreparedInput prepared(*input);
    for_each_block(images, threads,
                   [&](int, int first, int last) { input_forward(prepared, first, last, workspace()); });
}

void input_sums_backward(const Input* input, int images, int threads, const float* of_sums) {
    const PreparedInput prepared(*input);
    const size_t size = prepared.table_size() + prepared.lanes;
    Buffer<float> parts;
    parts.zeroed(PARTS * size);
    for_each_block(images, threads, [&](int part, int first, int last) {
        float* total = parts.data() + part * size;
        input_backward(prepared, first, last, of_sums + first * prepared.size(), total, total + prepared.table_size(),
                       workspace());
    });
    finish_input_gradients(prepared, parts.data(), size);
}
}

}  // namespace wsfracbnn
