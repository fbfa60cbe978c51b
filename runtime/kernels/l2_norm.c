/* l2_norm.c -- vectors of length 1, int8; semantics in edgekit/ops/l2_norm.py */
#include "ek_l2_norm.h"
#include "ek_fixed.h"

/* x * 2^bits, saturated to int32 */
static int32_t shift_left(int32_t x, int32_t bits)
{
    int64_t v = (int64_t)x * (INT64_C(1) << bits);
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

/* 1 / sqrt(x) = root * 2^(-31 - right); twin of fixed_functions.inverse_sqrt */
static int32_t inverse_sqrt(int32_t x, int32_t *right)
{
    *right = 0;
    if (x <= 1) {
        return INT32_MAX;
    }
    *right = 11;
    for (; x >= 1 << 29; x >>= 2) {
        (*right)++;
    }
    for (; x < 1 << 27; x *= 4) {
        (*right)--;
    }
    int32_t half_input = ek_rounding_shift(x >> 1, 1), y = 1 << 28; /* Q3.28 */
    for (int i = 0; i < 5; i++) {
        int32_t cube = shift_left(ek_multiply_high(ek_multiply_high(y, y), y), 6);
        y = shift_left(ek_multiply_high(y, (1 << 28) + (1 << 27)) - ek_multiply_high(half_input, cube), 3);
    }
    int32_t root = ek_multiply_high(y, 1518500250); /* sqrt(1/2) in Q0.31 */
    for (; *right < 0; (*right)++) {
        root *= 2;
    }
    return root;
}

void ek_l2_norm_s8(const ek_l2_norm_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < p->rows; row++) {
        int32_t total = 0, right;
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t d = input[i] - p->input_zero;
            total += d * d;
        }
        int32_t root = inverse_sqrt(total, &right);
        for (int32_t i = 0; i < p->depth; i++) {
            int32_t v = ek_requantize(input[i] - p->input_zero, root, 7 - right);
            output[i] = (int8_t)ek_clamp(v, -128, 127);
        }
        input += p->depth;
        output += p->depth;
    }
}
