/* ek_pad_s16.h -- generated from edgekit/ops/pad_s16.py; do not edit */
#ifndef EK_PAD_S16_H
#define EK_PAD_S16_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t value; /* what the border holds */
    int32_t lead; /* elements before the first run */
    int32_t total; /* elements of the output */
    int32_t run; /* contiguous elements of the input */
    int32_t shape[4]; /* sizes of the walk over the runs */
    int32_t gap[4]; /* border elements at the end of each loop */
} ek_pad_s16_params;

void ek_pad_s16(const ek_pad_s16_params *p, const int8_t *input, int8_t *output);

#endif
