/* log_level.c -- logarithms of bands, relative to a level; semantics in edgekit/ops/log_level.py */
#include "ek_log_level.h"
#include "ek_spectral.h"

void ek_log_level_s8(const ek_log_level_params *p, const ek_rows *input, const ek_rows *level, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    int32_t low = p->wide ? -32768 : -128, high = p->wide ? 32767 : 127;
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        const uint32_t *x = (const uint32_t *)(void *)ek_row(input, y);
        int32_t loudest = *(const int16_t *)(void *)ek_row(level, y);
        int8_t *out = ek_row(output, y);
        loudest = loudest > 1 ? loudest : 1;
        int32_t offset = ek_requantize(loudest, p->offset_multiplier, p->offset_shift);
        int32_t origin = p->origin - ek_log2((uint32_t)loudest, p->table);
        for (int32_t c = 0; c < p->channels; c++) {
            int32_t v = ek_offset_log2(x[c], offset, p->table) + origin;
            v = ek_clamp(ek_requantize(v, p->multiplier, p->shift) + p->output_zero, low, high);
            if (p->wide) {
                ((int16_t *)(void *)out)[c] = (int16_t)v;
            } else {
                out[c] = (int8_t)v;
            }
        }
    }
}
