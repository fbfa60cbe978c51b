/* signal_pcan.c -- automatic gain of bands; semantics in edgekit/ops/signal_pcan.py */
#include "ek_signal_pcan.h"

static int32_t gain(uint32_t x, const int16_t *table)
{
    int32_t bits = 0;
    if (x <= 2) {
        return table[x];
    }
    for (uint32_t rest = x; rest > 0; rest >>= 1) {
        bits++;
    }
    const int16_t *piece = table + 4 * bits - 6;
    int32_t part = (int32_t)((bits < 11 ? x << (11 - bits) : x >> (bits - 11)) & 0x3FFu);
    int32_t raised = ((piece[2] * part) >> 5) + piece[1] * 32;
    return (int16_t)(((raised * part + (1 << 14)) >> 15) + piece[0]);
}

void ek_signal_pcan_s8(const ek_signal_pcan_params *p, const int8_t *input, const int8_t *noise, int8_t *output)
{
    const uint32_t *x = (const uint32_t *)(const void *)input;
    const uint32_t *level = (const uint32_t *)(const void *)noise;
    uint32_t *out = (uint32_t *)(void *)output;
    for (int32_t c = 0; c < p->count; c++) {
        uint32_t factor = (uint32_t)gain(level[c], p->table);
        uint32_t snr = (uint32_t)((uint64_t)x[c] * factor >> p->shift);
        out[c] = snr < 1u << 13 ? (snr * snr) >> 20 : (snr >> 6) - 64u;
    }
}
