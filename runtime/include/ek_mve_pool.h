/* ek_mve_pool.h -- cells of a pooling window, many channels at a time, for cores with MVE */
#ifndef EK_MVE_POOL_H
#define EK_MVE_POOL_H

#include "ek_pool.h"
#include "ek_rows.h"

/* Cells rows x columns of an input, from one channel on; step: bytes from a cell to the next. */
typedef struct {
    const ek_rows *input;
    ek_pool_span rows;
    ek_pool_span columns;
    int32_t step;
} ek_mve_cells;

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

/* The largest of each of up to sixteen channels, clamped. */
static inline void ek_mve_largest(const ek_mve_cells *w, int32_t channel, int32_t channels,
                                  int32_t low, int32_t high, int8_t *out)
{
    mve_pred16_t lanes = vctp8q((uint32_t)channels);
    int8x16_t largest = vdupq_n_s8((int8_t)low);
    for (int32_t y = w->rows.begin; y < w->rows.end; y++) {
        const int8_t *x = ek_row(w->input, y) + w->columns.begin * w->step + channel;
        for (int32_t j = w->columns.begin; j < w->columns.end; j++) {
            largest = vmaxq_s8(largest, vldrbq_z_s8(x, lanes));
            x += w->step;
        }
    }
    vstrbq_p_s8(out, vminq_s8(largest, vdupq_n_s8((int8_t)high)), lanes);
}

/* The sums of up to eight channels; 16 bits hold those of 255 cells. */
static inline void ek_mve_sums(const ek_mve_cells *w, int32_t channel, int32_t channels,
                               int16_t sums[8])
{
    mve_pred16_t lanes = vctp16q((uint32_t)channels);
    int16x8_t sum = vdupq_n_s16(0);
    for (int32_t y = w->rows.begin; y < w->rows.end; y++) {
        const int8_t *x = ek_row(w->input, y) + w->columns.begin * w->step + channel;
        for (int32_t j = w->columns.begin; j < w->columns.end; j++) {
            sum = vaddq_s16(sum, vldrbq_z_s16(x, lanes));
            x += w->step;
        }
    }
    vstrhq_s16(sums, sum);
}

#else

#include "ek_fixed.h"

static inline void ek_mve_largest(const ek_mve_cells *w, int32_t channel, int32_t channels,
                                  int32_t low, int32_t high, int8_t *out)
{
    for (int32_t c = 0; c < channels && c < 16; c++) {
        int32_t largest = -128;
        for (int32_t y = w->rows.begin; y < w->rows.end; y++) {
            const int8_t *x = ek_row(w->input, y) + channel + c;
            for (int32_t j = w->columns.begin; j < w->columns.end; j++) {
                largest = x[j * w->step] > largest ? x[j * w->step] : largest;
            }
        }
        out[c] = (int8_t)ek_clamp(largest, low, high);
    }
}

static inline void ek_mve_sums(const ek_mve_cells *w, int32_t channel, int32_t channels,
                               int16_t sums[8])
{
    for (int32_t c = 0; c < channels && c < 8; c++) {
        sums[c] = 0;
        for (int32_t y = w->rows.begin; y < w->rows.end; y++) {
            const int8_t *x = ek_row(w->input, y) + channel + c;
            for (int32_t j = w->columns.begin; j < w->columns.end; j++) {
                sums[c] = (int16_t)(sums[c] + x[j * w->step]);
            }
        }
    }
}

#endif

#endif
