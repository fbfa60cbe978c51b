/* normalization.c -- rows of mean 0 and variance 1, int8; semantics in edgekit/families/normalization.py */
#include "ek_normalization.h"
#include "ek_roots.h"

/* The sums over a row that its middle and its spread are made from. */
typedef struct {
    int32_t total, squares;
} sums;

static sums sums_of(const ek_normalization_params *p, const int8_t *input)
{
    sums s = {0, 0};
    for (int32_t o = 0; o < p->outer; o++) {
        for (int32_t i = 0; i < p->inner; i++) {
            s.total += input[i];
            s.squares += input[i] * input[i];
        }
        input += p->rows * p->inner;
    }
    return s;
}

static int8_t element(const ek_normalization_params *p, int32_t d, int32_t root, int32_t shift, int32_t at)
{
    int32_t gain = p->gain[at];
    int32_t v = ek_multiply_high(ek_requantize(d, root, shift), gain < 0 ? -gain : gain);
    v = ek_rounding_shift((gain < 0 ? -v : v) + p->bias[at], p->exponent) + p->output_zero;
    return (int8_t)ek_clamp(v, -128, 127);
}

static void row(const ek_normalization_params *p, const int8_t *input, int8_t *output, int32_t first)
{
    sums s = sums_of(p, input);
    int32_t n = p->outer * p->inner, right;
    int32_t middle = p->own_mean ? s.total : n * p->input_zero;
    int64_t spread = (int64_t)n * s.squares + (int64_t)middle * (middle - 2 * s.total);
    spread += p->epsilon * (INT64_C(1) << p->epsilon_shift);
    int32_t root = ek_inverse_sqrt(spread, &right);
    for (int32_t o = 0; o < p->outer; o++) {
        for (int32_t i = 0; i < p->inner; i++) {
            output[i] = element(p, n * input[i] - middle, root, p->fraction - right, first + i);
        }
        input += p->rows * p->inner;
        output += p->rows * p->inner;
    }
}

void ek_normalization_s8(const ek_normalization_params *p, const int8_t *input, int8_t *output)
{
    for (int32_t k = 0; k < p->samples; k++) {
        for (int32_t r = 0; r < p->rows; r++) {
            row(p, input + r * p->inner, output + r * p->inner, r * p->gain_step);
        }
        input += p->outer * p->rows * p->inner;
        output += p->outer * p->rows * p->inner;
    }
}
