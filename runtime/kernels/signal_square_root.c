/* signal_square_root.c -- square roots of bands; semantics in edgekit/ops/signal_square_root.py */
#include "ek_signal_square_root.h"

/* To the nearest, bit by bit from `bit`, a power of four; at most `most`. */
static uint32_t root(uint64_t x, uint64_t bit, uint32_t most)
{
    uint64_t result = 0;
    for (; bit > 0; bit >>= 2) {
        uint64_t trial = result + bit;
        result >>= 1;
        if (x >= trial) {
            x -= trial;
            result += bit;
        }
    }
    return (uint32_t)result + (x > result && result < most ? 1 : 0);
}

void ek_signal_square_root_s8(const ek_signal_square_root_params *p, const int8_t *input, const int8_t *bits, int8_t *output)
{
    const uint32_t *words = (const uint32_t *)(const void *)input;
    uint32_t *out = (uint32_t *)(void *)output;
    int32_t shift = *(const int32_t *)(const void *)bits & 31;
    for (int32_t c = 0; c < p->count; c++) {
        uint32_t low = words[2 * c], high = words[2 * c + 1];
        uint32_t found = high == 0 ? root(low, UINT64_C(1) << 30, 0xFFFFu)
                                   : root((uint64_t)high << 32 | low, UINT64_C(1) << 62, 0xFFFFFFFFu);
        out[c] = found >> shift;
    }
}
