/* ek_pad_rows.h -- generated from edgekit/ops/pad_rows.py; do not edit */
#ifndef EK_PAD_ROWS_H
#define EK_PAD_ROWS_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t in_h; /* input rows */
    int32_t top; /* rows of border above */
    int32_t left; /* bytes of border before a row */
    int32_t run; /* bytes of an input row */
    int32_t right; /* bytes of border behind a row */
    int32_t value; /* what the border holds */
} ek_pad_rows_params;

void ek_pad_rows_s8(const ek_pad_rows_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
