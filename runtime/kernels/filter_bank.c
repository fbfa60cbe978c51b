/* filter_bank.c -- bands of a spectrum; semantics in edgekit/ops/filter_bank.py */
#include "ek_filter_bank.h"
#include "ek_spectral.h"

static int64_t magnitudes(const int32_t *x, const int16_t *w, int32_t count)
{
    int64_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += (int64_t)x[i] * w[i];
    }
    return sum;
}

static int64_t powers(const int32_t *x, const int16_t *w, int32_t count, int32_t shift, int64_t sum)
{
    for (int32_t i = 0; i < count; i++) {
        sum += (((int64_t)x[i] * x[i] + (INT64_C(1) << shift >> 1)) >> shift) * w[i];
    }
    return sum;
}

void ek_filter_bank_s8(const ek_filter_bank_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch)
{
    (void)scratch;
    int64_t offset = (int64_t)p->offset << p->offset_shift;
    for (int32_t y = first; y < first + n; y++) {
        const int32_t *x = (const int32_t *)(void *)ek_row(input, y);
        int32_t *out = (int32_t *)(void *)ek_row(output, y);
        const int16_t *w = p->weights;
        for (int32_t m = 0; m < p->bands; m++) {
            int32_t count = p->count[m];
            const int32_t *bins = x + p->begin[m];
            if (p->power) {
                out[m] = ek_root((uint64_t)powers(bins, w, count, p->shift, offset));
            } else {
                out[m] = (int32_t)((magnitudes(bins, w, count) + (INT64_C(1) << p->shift >> 1)) >> p->shift);
            }
            w += count;
        }
    }
}
