/* signal_filter_bank.c -- bands of a spectrum; semantics in edgekit/ops/signal_filter_bank.py */
#include "ek_signal_filter_bank.h"

/* Of a band's bins, which `w` weighs. */
static uint64_t band(const ek_signal_filter_bank_params *p, int32_t c, const uint32_t *x, const int16_t *w)
{
    uint64_t sum = 0;
    for (int32_t j = 0; j < p->width[c]; j++) {
        sum += (uint64_t)(int64_t)w[p->first[c] + j] * x[p->start[c] + j];
    }
    return sum;
}

void ek_signal_filter_bank_s8(const ek_signal_filter_bank_params *p, const int8_t *input, int8_t *output)
{
    const uint32_t *x = (const uint32_t *)(const void *)input;
    uint32_t *out = (uint32_t *)(void *)output; /* words: the arena is aligned to four bytes */
    for (int32_t c = 0; c < p->channels; c++) {
        uint64_t sum = band(p, c, x, p->unweights) + band(p, c + 1, x, p->weights);
        *out++ = (uint32_t)sum;
        *out++ = (uint32_t)(sum >> 32);
    }
}
