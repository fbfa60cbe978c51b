/* ek_roots.h -- inverse square root; twin of fixed_functions.inverse_sqrt, specified in SPEC.md */
#ifndef EK_ROOTS_H
#define EK_ROOTS_H

#include "ek_fixed.h"

/* x * 2^bits, saturated to int32 */
static inline int32_t ek_shift_left(int32_t x, int32_t bits)
{
    int64_t v = (int64_t)x * (INT64_C(1) << bits);
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

/* 1 / sqrt(x) = root * 2^(-31 - right) */
static inline int32_t ek_inverse_sqrt(int64_t x, int32_t *right)
{
    *right = 0;
    if (x <= 1) {
        return INT32_MAX;
    }
    *right = 11;
    for (; x >= INT64_C(1) << 32; x >>= 2) {
        (*right)++;
    }
    uint32_t v = (uint32_t)x; /* 32 bits are enough from here on */
    for (; v >= 1u << 29; v >>= 2) {
        (*right)++;
    }
    for (; v < 1u << 27; v <<= 2) {
        (*right)--;
    }
    int32_t half_input = ek_rounding_shift((int32_t)(v >> 1), 1), y = 1 << 28; /* Q3.28 */
    for (int i = 0; i < 5; i++) {
        int32_t cube = ek_shift_left(ek_multiply_high(ek_multiply_high(y, y), y), 6);
        y = ek_shift_left(ek_multiply_high(y, (1 << 28) + (1 << 27)) - ek_multiply_high(half_input, cube), 3);
    }
    int32_t root = ek_multiply_high(y, 1518500250); /* sqrt(1/2) in Q0.31 */
    for (; *right < 0; (*right)++) {
        root *= 2;
    }
    return root;
}

#endif
