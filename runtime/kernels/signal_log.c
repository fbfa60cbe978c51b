/* signal_log.c -- logarithms of bands; semantics in edgekit/ops/signal_log.py */
#include "ek_signal_log.h"

/* log2(x) in Q16, x from 2 */
static uint32_t log2_of(uint32_t x, const int16_t *table)
{
    int32_t last = 31;
    for (; x >> last == 0; last--) {
    }
    uint32_t rest = x - (UINT32_C(1) << last);
    rest = last < 16 ? rest << (16 - last) : rest >> (last - 16);
    const int16_t *at = table + (rest >> 9);
    int32_t between = ((at[1] - at[0]) * (int32_t)(rest & 511u)) >> 16;
    return ((uint32_t)last << 16) + rest + (uint32_t)(at[0] + between);
}

void ek_signal_log_s8(const ek_signal_log_params *p, const int8_t *input, int8_t *output)
{
    const uint32_t *x = (const uint32_t *)(const void *)input;
    int16_t *out = (int16_t *)(void *)output;
    for (int32_t c = 0; c < p->count; c++) {
        uint32_t moved = x[c] << p->correction, scaled = 0;
        if (moved > 1) {
            uint32_t log = (uint32_t)((UINT64_C(45426) * log2_of(moved, p->table) + 32768u) >> 16);
            scaled = ((uint32_t)p->scale * log + 32768u) >> 16;
        }
        out[c] = (int16_t)(scaled < 32767u ? scaled : 32767u);
    }
}
