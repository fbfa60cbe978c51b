/* ek_sums.h -- per channel the sum over rows of pixels, kept from call to call */
#ifndef EK_SUMS_H
#define EK_SUMS_H

#include "ek_rows.h"

/* Adds rows first..first+n-1; the first row begins the sums anew. */
static inline void ek_sum_rows(const ek_rows *input, int32_t first, int32_t n, int32_t width,
                               int32_t channels, int32_t *sums)
{
    for (int32_t c = 0; first == 0 && c < channels; c++) {
        sums[c] = 0;
    }
    for (int32_t y = first; y < first + n; y++) {
        const int8_t *x = ek_row(input, y);
        for (int32_t i = 0; i < width; i++) {
            for (int32_t c = 0; c < channels; c++) {
                sums[c] += *x++;
            }
        }
    }
}

#endif
