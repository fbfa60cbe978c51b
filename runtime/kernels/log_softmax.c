/* log_softmax.c -- logarithm of the softmax of rows, int8; semantics in edgekit/ops/log_softmax.py */
#include "ek_log_softmax.h"
#include "ek_exps.h"

#define SQRT_HALF 1518500250
#define SQRT_SQRT_HALF 1805811301

static int32_t leading_zeros(uint32_t x)
{
    int32_t n = 0;
    for (; x < UINT32_C(0x80000000); x <<= 1) {
        n++;
    }
    return n;
}

/* x * 2^bits for x >= 0, saturated to int32 */
static int32_t shift_left(int32_t x, int32_t bits)
{
    return x > INT32_MAX >> bits ? INT32_MAX : (int32_t)((uint32_t)x << bits);
}

/* log(x) in Q5.26 for x >= 1 in Q12.19; twin of fixed_functions.log_above_one */
static int32_t logarithm(int32_t x)
{
    int32_t first = leading_zeros((uint32_t)x);
    int32_t headroom = leading_zeros((uint32_t)ek_multiply_high(x, SQRT_HALF)) - 1;
    int32_t r = shift_left(ek_multiply_high(shift_left(x, first - 1), SQRT_HALF), 1);
    int32_t s = shift_left(x, headroom);
    int32_t power = (12 - first) * (1 << 25) + (1 << 23);
    int32_t other = (12 - headroom) * (1 << 25) - (1 << 23);
    r = s < r ? s : r;
    power = other > power ? other : power;
    int32_t middle = (int32_t)(((int64_t)r + SQRT_SQRT_HALF + 1) >> 1);
    int32_t q = 2 * (r - SQRT_SQRT_HALF), square = ek_multiply_high(q, q);
    int32_t numerator =
        ek_multiply_high(q, r) + ek_multiply_high(ek_multiply_high(q, square), 117049297);
    int32_t bracket = 1057819769 + q + ek_multiply_high(square, 127690142);
    int32_t denominator = ek_multiply_high(middle, bracket) + ek_multiply_high(q, 638450708);
    int32_t inverse = ek_reciprocal(UINT32_C(0x80000000) + (uint32_t)denominator);
    int32_t quotient = ek_multiply_high(ek_rounding_shift(numerator, 6), inverse);
    return (ek_multiply_high(power, 1488522236) + quotient) * 2;
}

static void row(const ek_log_softmax_params *p, const int8_t *input, int8_t *output)
{
    int32_t top = ek_largest(input, p->depth);
    int32_t log = logarithm((int32_t)ek_sum_of_exps(p->exps, input, top, p->depth));
    int32_t lowest = ek_requantize(log + INT32_MIN, p->back, p->back_shift);
    lowest = lowest < -p->radius - 1 ? -p->radius - 1 : lowest;
    for (int32_t i = 0; i < p->depth; i++) {
        int32_t difference = input[i] - top, v = -128;
        if (difference > lowest) {
            v = ek_requantize(difference, p->multiplier, p->shift) - log;
            v = ek_clamp(ek_rounding_shift(v, 22) + 127, -128, 127);
        }
        output[i] = (int8_t)v;
    }
}

void ek_log_softmax_s8(const ek_log_softmax_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < p->rows; i++) {
        row(p, input + i * p->depth, output + i * p->depth);
    }
}
