/* ek_concat_rows.h -- generated from edgekit/ops/concat_rows.py; do not edit */
#ifndef EK_CONCAT_ROWS_H
#define EK_CONCAT_ROWS_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t height; /* rows */
    int32_t runs; /* runs of each input in a row */
    int32_t count; /* inputs */
    const int32_t *run; /* [count], bytes of each input per outer index */
} ek_concat_rows_params;

void ek_concat_rows_s8(const ek_concat_rows_params *p, const ek_rows *const *inputs, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
