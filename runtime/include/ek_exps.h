/* ek_exps.h -- sums of exponentials over a row, and reciprocals; twin of edgekit/fixed_functions.py */
#ifndef EK_EXPS_H
#define EK_EXPS_H

#include "ek_fixed.h"

/* 2^63 / total, total normalised to [2^31, 2^32), in Q0.31: three Newton-Raphson steps on Q2.29 */
static inline int32_t ek_reciprocal(uint32_t total)
{
    int32_t half = (int32_t)((total >> 1) + (total & 1u)); /* in [1/2, 1] as Q0.31 */
    int32_t x = 1515870810 + ek_multiply_high(-1010580540, half); /* 48/17 - 32/17 half */
    for (int i = 0; i < 3; i++) {
        x += ek_multiply_high(x, (1 << 29) - ek_multiply_high(half, x)) * 4;
    }
    return x >= (1 << 30) ? INT32_MAX : x * 2;
}

static inline int32_t ek_largest(const int8_t *x, int32_t n)
{
    int32_t top = x[0];
    for (int32_t i = 1; i < n; i++) {
        top = x[i] > top ? x[i] : top;
    }
    return top;
}

/* The sum over a row of exps[top - x] (Q0.31), in Q12.19. */
static inline uint32_t ek_sum_of_exps(const int32_t *exps, const int8_t *x, int32_t top, int32_t n)
{
    uint32_t total = 0;
    for (int32_t i = 0; i < n; i++) {
        total += ((uint32_t)exps[top - x[i]] + 2048u) >> 12;
    }
    return total;
}

#endif
