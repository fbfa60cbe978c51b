/* curve_s16.c -- a function of int16 read between 513 points; semantics in edgekit/ops/curve_s16.py */
#include "ek_curve_s16.h"
#include "ek_curve.h"
#include "ek_wide.h"

void ek_curve_s16(const ek_curve_s16_params *p, const int8_t *input, int8_t *output, int32_t n)
{
    const int16_t *x = ek_halves(input);
    int16_t *out = (int16_t *)(void *)output;
    for (int32_t i = 0; i < n; i++) {
        out[i] = (int16_t)ek_clamp(ek_curve(x[i], p->points), p->out_min, p->out_max);
    }
}
