/* signal_overlap_add.c -- samples of overlapping frames; semantics in edgekit/ops/signal_overlap_add.py */
#include "ek_fixed.h"
#include "ek_signal_overlap_add.h"

void ek_signal_overlap_add_s8(const ek_signal_overlap_add_params *p, const int8_t *input, int8_t *kept, int8_t *output)
{
    const int16_t *x = (const int16_t *)(const void *)input;
    int16_t *sums = (int16_t *)(void *)kept, *out = (int16_t *)(void *)output;
    for (int32_t signal = 0; signal < p->outer; signal++, sums += p->size) {
        for (int32_t frame = 0; frame < p->frames; frame++) {
            for (int32_t i = 0; i < p->size; i++) {
                int16_t sum = (int16_t)ek_clamp(sums[i] + *x++, -32768, 32767);
                sums[i] = 0;
                if (i < p->step) {
                    *out++ = sum;
                } else {
                    sums[i - p->step] = sum;
                }
            }
        }
    }
}
