/* ek_gates.h -- logistic function and tanh of 16 bits by a table; twin of edgekit/families/recurrent.py */
#ifndef EK_GATES_H
#define EK_GATES_H

#include <stdint.h>

/* The table at magnitude / 2^bits, interpolated, with `bits` more fraction bits. */
static inline int32_t ek_between(uint32_t magnitude, int32_t bits, const int16_t *table)
{
    uint32_t at = magnitude >> bits, rest = magnitude & ((1u << bits) - 1u);
    int32_t a = table[at], b = table[at + 1];
    return (a + 32768) * (1 << bits) + (int32_t)rest * (b - a);
}

/* 1 / (1 + exp(-x)) in Q0.15 for x in units of 1 / (3 * 4096) */
static inline int32_t ek_sigmoid_thirds(int32_t x, const int16_t *table)
{
    uint32_t magnitude = (uint32_t)(x < 0 ? -x : x);
    int32_t v = magnitude >> 9 >= 255 ? 0x7FFF << 10 : ek_between(magnitude, 9, table);
    return (x >= 0 ? v + 512 : (1 << 25) - v + 511) >> 10;
}

/* The same for x in Q3.12. */
static inline int32_t ek_sigmoid16(int32_t x, const int16_t *table)
{
    return ek_sigmoid_thirds(3 * x, table);
}

/* tanh(x) in Q0.15 for x in units of 1 / (3 * 4096) */
static inline int32_t ek_tanh_thirds(int32_t x, const int16_t *table)
{
    uint32_t magnitude = (uint32_t)(x < 0 ? -x : x);
    int32_t v = magnitude >> 8 >= 255 ? 0xFFFF << 8 : ek_between(magnitude, 8, table);
    return (x >= 0 ? v - (1 << 23) + 128 : (1 << 23) - v + 127) >> 8;
}

/* tanh(x * 2^(shift - 12)) in Q0.15 */
static inline int32_t ek_tanh16(int32_t x, int32_t shift, const int16_t *table)
{
    x = shift >= 0 ? 3 * x * (1 << shift) : (3 * x + (1 << (-shift - 1))) >> -shift;
    return ek_tanh_thirds(x, table);
}

#endif
