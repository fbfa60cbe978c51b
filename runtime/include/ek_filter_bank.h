/* ek_filter_bank.h -- generated from edgekit/ops/filter_bank.py; do not edit */
#ifndef EK_FILTER_BANK_H
#define EK_FILTER_BANK_H

#include <stdint.h>

#include "ek_rows.h"

typedef struct {
    int32_t bands; /* outputs of a row */
    int32_t power; /* 1 for powers, 0 for magnitudes */
    int32_t shift; /* of the sums, or of the squares */
    int32_t offset; /* added to the sums of squares */
    int32_t offset_shift; /* and how far it is shifted to the left first */
    const int16_t *weights; /* of all filters, one behind the other, Q0.15 */
    const int16_t *begin; /* [bands], the first bin of each */
    const int16_t *count; /* [bands], and how many it has */
} ek_filter_bank_params;

void ek_filter_bank_s8(const ek_filter_bank_params *p, const ek_rows *input, const ek_rows *output, int32_t first, int32_t n, uint8_t *scratch);

#endif
