/* arg_max.c -- index of the largest or smallest element; semantics in edgekit/ops/arg_max.py */
#include "ek_arg_max.h"

void ek_arg_max_s8(const ek_arg_max_params *p, const int8_t *input, int8_t *output)
{
    int32_t *out = (int32_t *)(void *)output;
    for (int32_t a = 0; a < p->outer; a++) {
        for (int32_t b = 0; b < p->inner; b++) {
            const int8_t *x = input + a * p->axis * p->inner + b;
            int32_t best = 0;
            for (int32_t i = 1; i < p->axis; i++) {
                if (p->sign * x[i * p->inner] >= p->sign * x[best * p->inner] + (p->last == 0)) {
                    best = i;
                }
            }
            *out++ = best;
        }
    }
}
