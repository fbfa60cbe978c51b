/* cumsum.c -- running sum along an axis, int8; semantics in edgekit/ops/cumsum.py */
#include "ek_cumsum.h"
#include "ek_running.h"

/* One line of elements, `step` apart. */
static void line(const ek_cumsum_params *p, const int8_t *input, int8_t *output, int32_t step)
{
    int32_t total = p->start;
    for (int32_t i = 0; i < p->axis; i++) {
        int32_t before = total;
        total += input[i * step] - p->input_zero;
        output[i * step] = ek_from_total(p->exclusive ? before : total, p->multiplier, p->right,
                                         p->output_zero);
    }
}

void ek_cumsum_s8(const ek_cumsum_params *p, const int8_t *input, int8_t *output)
{
    int32_t step = p->reverse ? -p->inner : p->inner;
    for (int32_t a = 0; a < p->outer; a++) {
        int32_t first = a * p->axis * p->inner + (p->reverse ? (p->axis - 1) * p->inner : 0);
        for (int32_t b = 0; b < p->inner; b++) {
            line(p, input + first + b, output + first + b, step);
        }
    }
}
