/* channel_table.c -- a table for each channel; semantics in edgekit/ops/channel_table.py */
#include "ek_channel_table.h"

void ek_channel_table_s8(const ek_channel_table_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    for (int32_t y = first; y < first + n; y++) {
        const int8_t *x = ek_row(input, y);
        int8_t *out = ek_row(output, y);
        for (int32_t i = 0; i < p->width; i++) {
            const int8_t *table = p->table + 128;
            for (int32_t c = 0; c < p->channels; c++, table += 256) {
                *out++ = table[*x++];
            }
        }
    }
}
