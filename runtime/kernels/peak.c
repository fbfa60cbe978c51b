/* peak.c -- the largest number of a signal; semantics in edgekit/ops/peak.py */
#include "ek_peak.h"

void ek_peak_s8(const ek_peak_params *p, const int8_t *input, int8_t *output)
{
    const int16_t *x = (const int16_t *)(const void *)input;
    int16_t *out = (int16_t *)(void *)output;
    int16_t largest = x[0];
    for (int32_t i = 1; i < p->samples; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    for (int32_t i = 0; i < p->rows; i++) {
        out[i] = largest;
    }
}
