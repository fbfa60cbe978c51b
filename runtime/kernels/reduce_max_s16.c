/* reduce_max_s16.c -- largest or smallest value over any axes, int16; see edgekit/ops/reduce_max_s16.py */
#include "ek_reduce_max_s16.h"
#include "ek_wide.h"

static int16_t largest(const ek_reduce_max_s16_params *p, const int16_t *input)
{
    int16_t best = *input;
    int32_t sign = p->sign;
    for (int32_t a = 0; a < p->over[0]; a++) {
        for (int32_t b = 0; b < p->over[1]; b++) {
            for (int32_t c = 0; c < p->over[2]; c++) {
                for (int32_t d = 0; d < p->over[3]; d++) {
                    const int16_t *x = input + a * p->over_step[0] + b * p->over_step[1] +
                                       c * p->over_step[2] + d * p->over_step[3];
                    for (int32_t e = 0; e < p->over[4]; e++) {
                        best = sign * *x > sign * best ? *x : best;
                        x += p->over_step[4];
                    }
                }
            }
        }
    }
    return best;
}

void ek_reduce_max_s16(const ek_reduce_max_s16_params *p, const int8_t *input, int8_t *output)
{
    const int16_t *from = ek_halves(input);
    int16_t *out = (int16_t *)(void *)output;
    for (int32_t a = 0; a < p->keep[0]; a++) {
        for (int32_t b = 0; b < p->keep[1]; b++) {
            for (int32_t c = 0; c < p->keep[2]; c++) {
                for (int32_t d = 0; d < p->keep[3]; d++) {
                    const int16_t *x = from + a * p->keep_step[0] + b * p->keep_step[1] +
                                       c * p->keep_step[2] + d * p->keep_step[3];
                    for (int32_t e = 0; e < p->keep[4]; e++) {
                        *out++ = largest(p, x + e * p->keep_step[4]);
                    }
                }
            }
        }
    }
}
