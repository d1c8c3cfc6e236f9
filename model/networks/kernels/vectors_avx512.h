// SPDX-License-Identifier: Apache-2.0
// Vectors of sixteen channels for CPUs with AVX-512 VNNI: each function is one instruction, or nearly so.
//
// `..._where` act on the lanes of a mask: loads give 0 elsewhere, stores leave memory alone.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace wsfracbnn {

constexpr int LANES = 16;

using Floats = __m512;  // with + - * / of the compiler's vectors
using Ints = __m512i;   // of 32 bits
using Mask = __mmask16;
using Lanes = Mask;  // which lanes are channels

inline Lanes first_lanes(int count) { return count >= LANES ? 0xFFFF : static_cast<Lanes>((1u << count) - 1); }

inline Floats broadcast(float x) { return _mm512_set1_ps(x); }
inline Ints broadcast(int32_t x) { return _mm512_set1_epi32(x); }

// --- memory ---------------------------------------------------------------------------------------------------------

inline Floats load(const float* from) { return _mm512_load_ps(from); }
inline Ints load(const int32_t* from) { return _mm512_load_si512(from); }
inline Floats load_unaligned(const float* from) { return _mm512_loadu_ps(from); }
inline Ints load_unaligned(const int32_t* from) { return _mm512_loadu_si512(from); }
inline Floats load_where(Mask mask, const float* from) { return _mm512_maskz_loadu_ps(mask, from); }
inline Ints load_int16(const int16_t* from) {
    return _mm512_cvtepi16_epi32(_mm256_load_si256(reinterpret_cast<const __m256i*>(from)));
}
inline Ints load_int16_where(Lanes lanes, const int16_t* from) {
    return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(lanes, from));
}

inline void store(float* to, Floats x) { _mm512_store_ps(to, x); }
inline void store(int32_t* to, Ints x) { _mm512_store_si512(to, x); }
inline void store_unaligned(float* to, Floats x) { _mm512_storeu_ps(to, x); }
inline void store_unaligned(int32_t* to, Ints x) { _mm512_storeu_si512(to, x); }
inline void store_where(float* to, Lanes lanes, Floats x) { _mm512_mask_storeu_ps(to, lanes, x); }
inline void store_int16(int16_t* to, Ints x) {  // of integers that fit
    _mm256_store_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(x));
}
inline void store_int16_where(int16_t* to, Lanes lanes, Ints x) {
    _mm256_mask_storeu_epi16(to, lanes, _mm512_cvtepi32_epi16(x));
}

inline void add_to(double* sum, Floats x) {
    const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(x)),
                  high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
    _mm512_storeu_pd(sum, _mm512_add_pd(_mm512_loadu_pd(sum), low));
    _mm512_storeu_pd(sum + 8, _mm512_add_pd(_mm512_loadu_pd(sum + 8), high));
}

// --- arithmetic -----------------------------------------------------------------------------------------------------

inline Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }    // a b + c
inline Floats fms(Floats a, Floats b, Floats c) { return _mm512_fmsub_ps(a, b, c); }    // a b - c
inline Floats fnma(Floats a, Floats b, Floats c) { return _mm512_fnmadd_ps(a, b, c); }  // c - a b
inline Floats min(Floats a, Floats b) { return _mm512_min_ps(a, b); }
inline Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
inline Floats abs(Floats x) { return _mm512_abs_ps(x); }
inline Floats floor(Floats x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
inline Floats nearest(Floats x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline float largest_of(Floats x) { return _mm512_reduce_max_ps(x); }
inline Floats quotient(Floats a, Floats b) { return a * _mm512_rcp14_ps(b); }                    // to 2^-14 of itself
inline Floats times_power_of_two(Floats x, Floats whole) { return _mm512_scalef_ps(x, whole); }  // from 2^-100 on

inline Ints add(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
inline Floats to_floats(Ints x) { return _mm512_cvtepi32_ps(x); }
inline Ints to_ints(Floats x) { return _mm512_cvtps_epi32(x); }  // to the nearest, ties to even
inline Ints words_beside(Ints low, Ints high) {                  // the low halves of both in one integer
    return _mm512_or_si512(_mm512_slli_epi32(high, 16), _mm512_and_si512(low, _mm512_set1_epi32(0xFFFF)));
}

// --- masks ----------------------------------------------------------------------------------------------------------

inline Mask greater(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
inline Mask at_least(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
inline Mask less(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
inline Mask at_least_where(Mask mask, Floats a, Floats b) { return _mm512_mask_cmp_ps_mask(mask, a, b, _CMP_GE_OQ); }
inline Mask at_most_where(Mask mask, Floats a, Floats b) { return _mm512_mask_cmp_ps_mask(mask, a, b, _CMP_LE_OQ); }
inline Mask at_least(Ints a, Ints b) { return _mm512_cmpge_epi32_mask(a, b); }
inline Mask unequal_where(Mask mask, Ints a, Ints b) { return _mm512_mask_cmpneq_epi32_mask(mask, a, b); }
inline Mask exclusive_or(Mask a, Mask b) { return static_cast<Mask>(a ^ b); }

inline Floats select(Mask mask, Floats yes, Floats no) { return _mm512_mask_mov_ps(no, mask, yes); }
inline Floats keep_where(Mask mask, Floats x) { return _mm512_maskz_mov_ps(mask, x); }  // 0 elsewhere
inline Floats add_where(Mask mask, Floats a, Floats b) { return _mm512_mask_add_ps(a, mask, a, b); }
inline Floats multiply_where(Mask mask, Floats a, Floats b) { return _mm512_mask_mul_ps(a, mask, a, b); }
inline Floats fma_where(Mask mask, Floats a, Floats b, Floats c) { return _mm512_mask3_fmadd_ps(a, b, c, mask); }
inline Ints count_where(Mask mask, Ints count) {
    return _mm512_mask_add_epi32(count, mask, count, _mm512_set1_epi32(1));
}

// --- planes ---------------------------------------------------------------------------------------------------------

inline void store_byte_planes(uint8_t* msb_to, uint8_t* lsb_to, Mask msb, Mask lsb) {  // 2 where set, 0 elsewhere
    const __m128i two = _mm_set1_epi8(2);
    _mm_store_si128(reinterpret_cast<__m128i*>(msb_to), _mm_maskz_mov_epi8(msb, two));
    _mm_store_si128(reinterpret_cast<__m128i*>(lsb_to), _mm_maskz_mov_epi8(lsb, two));
}
inline void store_word_planes(int16_t* msb_to, int16_t* lsb_to, Mask msb, Mask lsb) {  // 1 where set, -1 elsewhere
    const __m256i minus = _mm256_set1_epi16(-1), plus = _mm256_set1_epi16(1);
    _mm256_store_si256(reinterpret_cast<__m256i*>(msb_to), _mm256_mask_mov_epi16(minus, msb, plus));
    _mm256_store_si256(reinterpret_cast<__m256i*>(lsb_to), _mm256_mask_mov_epi16(minus, lsb, plus));
}
inline Ints word_pairs(Mask msb, Mask lsb) {  // the same, msb in the low half of an integer, lsb in the high one
    const Ints low = _mm512_mask_mov_epi32(broadcast(0xFFFF), msb, broadcast(1));
    const Ints high = _mm512_mask_mov_epi32(broadcast(static_cast<int32_t>(0xFFFF0000u)), lsb, broadcast(0x10000));
    return _mm512_or_si512(low, high);
}

// --- dot products ---------------------------------------------------------------------------------------------------
// sum += dot products of 32-bit groups. Written as assembly, because the compiler neither keeps two dozen sums in
// registers nor lets a dot product read its broadcast operand from memory by itself.

struct ByteDot {  // four unsigned bytes by four signed ones
    static Ints group(const int32_t* data) { return _mm512_set1_epi32(*data); }
    static Ints add(Ints sum, Ints data, Ints weight) {
        asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(data), "v"(weight));
        return sum;
    }
};
struct WordDot {  // two 16-bit integers by two
    static const int32_t* group(const int32_t* data) { return data; }
    static Ints add(Ints sum, const int32_t* data, Ints weight) {
        asm("vpdpwssd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(weight), "m"(*data));
        return sum;
    }
    static Ints add(Ints sum, Ints data, Ints weight) {
        asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(weight), "v"(data));
        return sum;
    }
};

// Sums that stay in registers at a time; of 32 registers.
constexpr int BLOCK_PIXELS = 8;  // of a convolution: neighbours in a row
constexpr int BLOCK_PLANES = 2;
constexpr int BLOCK_VECTORS = 1;        // of output channels
constexpr int WEIGHT_CHANNELS = 8;      // of a gradient of weights: input channels
constexpr int WEIGHT_TAPS = 3;          // of a row
constexpr int WEIGHT_VECTORS = 1;       // of output channels
constexpr int WEIGHT_PIXELS = 1 << 30;  // of the image: all

}  // namespace wsfracbnn
